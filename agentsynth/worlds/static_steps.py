"""Static checks of a list of steps: what each may do here, and what it writes or binds."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentsynth.core.steps import (
    AdvanceStep,
    AggregateStep,
    CreateStep,
    DeleteStep,
    DocumentStep,
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
from agentsynth.worlds.semantics import bound_names
from agentsynth.worlds.static_checker import Checker, FilePath
from agentsynth.worlds.static_flow import Facts, constant
from agentsynth.worlds.static_infer import Scope
from agentsynth.worlds.static_lists import check_collected, check_document, check_for_each
from agentsynth.worlds.static_reads import (
    check_aggregate,
    check_find,
    check_get,
    check_list,
)
from agentsynth.worlds.static_time import check_advance, check_schedule, check_unschedule
from agentsynth.worlds.static_types import ANY
from agentsynth.worlds.static_writes import check_write

__all__ = ["WRITES", "Setting", "check_steps"]

WRITES = (CreateStep, UpdateStep, DeleteStep, ScheduleStep, UnscheduleStep, AdvanceStep)


@dataclass(frozen=True)
class Setting:
    """Whose steps these are."""

    what: Literal["a read tool", "a write tool", "a policy clause", "an effect", "an invariant"]
    text: bool = False
    """The tool's result is a plain text."""
    inside: bool = False
    """The steps are those of a `for_each`."""

    @property
    def writes(self) -> bool:
        """Whether the steps may write."""
        return self.what in ("a write tool", "an effect")


def check_steps(
    checker: Checker,
    steps: Sequence[Step],
    scope: Scope,
    path: FilePath,
    setting: Setting,
    facts: Facts | None = None,
) -> None:
    """Check steps in order; `scope` is left with what they bind."""
    known = facts if facts is not None else Facts()
    ended = False
    for index, step in enumerate(steps):
        here = (*path, index)
        _allowed(checker, step, here, setting)
        if isinstance(step, ReturnStep | DocumentStep) and step.if_ is None and not ended:
            ended = True
            if index < len(steps) - 1:
                checker.report(here, "nothing after 'return' is ever reached")
        before = scope.names.keys() & set(bound_names(step))
        if step.if_ is not None:
            _guard(checker, step.if_, scope, known, (*here, "if"))
        _check(checker, step, scope, known, here, setting)
        if step.if_ is not None:
            for name in bound_names(step):
                kept = scope.names.get(name, ANY)
                scope.names[name] = ANY if name in before else replace(kept, nullable=True)
        known.bound(step)


def _allowed(checker: Checker, step: Step, path: FilePath, setting: Setting) -> None:
    if isinstance(step, WRITES) and not setting.writes:
        message = "may not write; make it 'kind: write' or drop the step"
        checker.report(path, f"{setting.what} {message}")
    if isinstance(step, OnceStep) and (
        setting.what != "a write tool" or setting.inside or path[-1] != 0
    ):
        checker.report(path, "'once' is the first step of a write tool")
    if isinstance(step, ReturnStep | DocumentStep) and setting.inside:
        checker.report(path, "nothing is returned from inside a 'for_each'; collect values instead")
    if isinstance(step, AdvanceStep) and setting.what == "an effect":
        checker.report(path, "an effect runs at its own time and cannot move the clock")
    if isinstance(step, DocumentStep) and not setting.text and not setting.inside:
        checker.report(path, "a tool that gives a document says 'result: text'")
    if isinstance(step, RequireStep | ReturnStep | ForEachStep) and setting.what == "an invariant":
        checker.report(path, "an invariant only looks: get, find, list, aggregate, let")


def _guard(checker: Checker, text: str, scope: Scope, facts: Facts, path: FilePath) -> None:
    checker.condition(text, scope, path)
    settled = facts.refutes(text)
    if constant(text) is False:
        checker.report(path, "this step is never reached: the condition is always false")
    elif settled is not None:
        checker.report(path, f"this step is never reached: {settled!r} is settled otherwise before")


def _require(
    checker: Checker, step: RequireStep, scope: Scope, facts: Facts, path: FilePath
) -> None:
    here = (*path, "require")
    checker.condition(step.require, scope, here)
    checker.template(step.message, scope, (*path, "message"))
    if constant(step.require) is False:
        if step.if_ is None:
            checker.report(here, "always refuses, so nothing after it is ever reached")
        return
    refutes = facts.learn if step.if_ is None else facts.refutes
    settled = refutes(step.require)
    if settled is not None:
        checker.report(here, f"can never hold: {settled!r} is settled otherwise before")


def _check(  # noqa: C901
    checker: Checker, step: Step, scope: Scope, facts: Facts, path: FilePath, setting: Setting
) -> None:
    match step:
        case GetStep():
            check_get(checker, step, scope, path)
        case FindStep():
            check_find(checker, step, scope, path)
        case ListStep():
            check_list(checker, step, scope, facts, path)
        case AggregateStep():
            check_aggregate(checker, step, scope, facts, path)
        case RequireStep():
            _require(checker, step, scope, facts, path)
        case LetStep():
            for name, value in step.let.items():
                scope.names[name] = checker.value(value, scope, (*path, "let", name))
        case CreateStep() | UpdateStep() | DeleteStep():
            check_write(checker, step, scope, path)
        case ForEachStep():
            item = check_for_each(checker, step, scope, path)
            inner = scope.with_(**{step.as_: item})
            entry = facts.copy()
            entry.forget(step.as_)
            check_steps(
                checker, step.do, inner, (*path, "do"), replace(setting, inside=True), entry
            )
            check_collected(checker, step, scope, inner, path)
        case ScheduleStep():
            check_schedule(checker, step, scope, path)
        case UnscheduleStep():
            check_unschedule(checker, step, scope, path)
        case AdvanceStep():
            check_advance(checker, step, scope, path)
            facts.moved()
        case OnceStep():
            checker.value(step.once, scope, (*path, "once"))
        case DocumentStep():
            check_document(checker, step, scope, path)
        case ReturnStep():
            checker.value(step.return_, scope, (*path, "return"))
