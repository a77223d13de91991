"""The operational semantics: a tool's steps, compiled once into closures.

Steps read and write a `State` inside one transaction and never await, so nothing interleaves.
Reading is in `steps_read`, writing in `steps_write`, lists in `iterate`, time in `schedule`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from agentsynth.core.domain import Entity
from agentsynth.core.steps import (
    AdvanceStep,
    AggregateStep,
    CreateStep,
    DeleteStep,
    DocumentStep,
    Failure,
    FindStep,
    ForEachStep,
    GetStep,
    LetStep,
    ListStep,
    OnceStep,
    RequireStep,
    ReturnStep,
    ScheduleStep,
    Step,
    UnscheduleStep,
    UpdateStep,
)
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.fields import field_error
from agentsynth.worlds.iterate import compile_document, compile_for_each
from agentsynth.worlds.once import compile_once
from agentsynth.worlds.schedule import (
    SCHEDULED_ENTITY,
    compile_advance,
    compile_schedule,
    compile_unschedule,
)
from agentsynth.worlds.state import State
from agentsynth.worlds.steps_read import (
    compile_aggregate,
    compile_find,
    compile_get,
    compile_list,
)
from agentsynth.worlds.steps_write import compile_create, compile_delete, compile_update
from agentsynth.worlds.values import (
    CONTINUE,
    CompiledStep,
    Scope,
    Value,
    compile_condition,
    compile_value,
    refusal,
)

__all__ = ["CONTINUE", "Value", "bound_names", "compile_steps", "compile_value", "field_error"]

Entities = Mapping[str, Entity]


def compile_steps(
    steps: Sequence[Step], entities: Mapping[str, Entity], tool: str = ""
) -> CompiledStep:
    """Compile steps into one function: state and scope to the returned value (None without).

    The function raises ToolError where the tool refuses, and DomainError where the steps break
    the domain's own rules.

    Args:
        tool: the tool's name, to which cursors and keys of requests are bound.
    """
    known = {**entities, SCHEDULED: SCHEDULED_ENTITY}
    if steps and isinstance(steps[0], OnceStep):
        return compile_once(steps[0], _sequence(steps[1:], known, tool), tool)
    return _sequence(steps, known, tool)


def _sequence(steps: Sequence[Step], entities: Entities, tool: str) -> CompiledStep:
    compiled = [_guarded(step, _compile(step, entities, tool)) for step in steps]

    def run(state: State, scope: Scope) -> Any:
        for step in compiled:
            result = step(state, scope)
            if result is not CONTINUE:
                return result
        return None

    return run


def bound_names(step: Step) -> tuple[str, ...]:
    """Return the names that a step binds for those behind it."""
    match step:
        case LetStep():
            return tuple(step.let)
        case ListStep():
            names = (step.as_, step.count, step.page.next if step.page is not None else None)
        case ForEachStep():
            names = (step.collect.into if step.collect is not None else None, step.failed)
        case GetStep() | FindStep() | AggregateStep() | CreateStep() | ScheduleStep():
            names = (step.as_,)
        case _:
            names = ()
    return tuple(name for name in names if name is not None)


def _guarded(step: Step, run: CompiledStep) -> CompiledStep:
    """Skip a step where its `if` does not hold; what it would have bound is then null."""
    if step.if_ is None:
        return run
    applies = compile_condition(step.if_)
    names = bound_names(step)

    def guarded(state: State, scope: Scope) -> Any:
        if applies(scope):
            return run(state, scope)
        for name in names:
            scope.setdefault(name, None)
        return CONTINUE

    return guarded


def _compile(step: Step, entities: Entities, tool: str) -> CompiledStep:  # noqa: C901
    match step:
        case GetStep():
            return compile_get(step, entities)
        case FindStep():
            return compile_find(step, entities)
        case ListStep():
            return compile_list(step, entities, tool)
        case AggregateStep():
            return compile_aggregate(step, entities)
        case RequireStep():
            return _require(step)
        case LetStep():
            return _let(step)
        case CreateStep():
            return compile_create(step, entities)
        case UpdateStep():
            return compile_update(step, entities)
        case DeleteStep():
            return compile_delete(step, entities)
        case ForEachStep():
            return compile_for_each(step, _sequence(step.do, entities, tool))
        case ScheduleStep():
            return compile_schedule(step)
        case UnscheduleStep():
            return compile_unschedule(step)
        case AdvanceStep():
            return compile_advance(step)
        case DocumentStep():
            return compile_document(step)
        case OnceStep():
            raise ValueError("'once' is the first step of a tool")
        case ReturnStep():
            value = compile_value(step.return_)
            return lambda _state, scope: value(scope)
        case _:
            assert_never(step)


def _require(step: RequireStep) -> CompiledStep:
    holds = compile_condition(step.require)
    failure = Failure(code=step.code, message=step.message, status=step.status)

    def run(_state: State, scope: Scope) -> Any:
        if not holds(scope):
            raise refusal(failure, scope)
        return CONTINUE

    return run


def _let(step: LetStep) -> CompiledStep:
    values = {name: compile_value(value) for name, value in step.let.items()}

    def run(_state: State, scope: Scope) -> Any:
        for name, value in values.items():
            scope[name] = value(scope)
        return CONTINUE

    return run
