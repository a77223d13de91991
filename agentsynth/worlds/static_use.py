"""What a domain declares and nothing uses (parameters, entities, effects), and its error codes."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from agentsynth.core.domain import Domain, ToolDef
from agentsynth.core.steps import (
    AggregateStep,
    CreateStep,
    FindStep,
    ForEachStep,
    GetStep,
    ListStep,
    OnceStep,
    RequireStep,
    ScheduleStep,
    Step,
    UpdateStep,
)
from agentsynth.worlds.static_checker import Checker, FilePath

__all__ = ["all_steps", "error_codes", "failure_messages", "tool_codes", "unused"]

_ARGUMENT = re.compile(r"\bargs(?:\.([A-Za-z0-9_]+))?")


def all_steps(steps: Sequence[Step]) -> Iterator[Step]:
    """Yield steps and the steps inside them."""
    for step in steps:
        yield step
        if isinstance(step, ForEachStep):
            yield from all_steps(step.do)


def error_codes(domain: Domain) -> set[str]:
    """Return the codes with which some tool of either side can fail."""
    tools = [*domain.tools.values(), *domain.user_tools.values()]
    return {code for tool in tools for code in tool_codes(tool)}


def tool_codes(tool: ToolDef) -> set[str]:
    """Return the codes with which a tool can fail."""
    return {code for step in all_steps(tool.steps) for code in _codes(step)}.union(tool.codes)


def failure_messages(domain: Domain) -> list[tuple[str, str]]:
    """Return (code, message template) of every way in which a tool can fail."""
    tools = [*domain.tools.values(), *domain.user_tools.values()]
    return [pair for tool in tools for step in all_steps(tool.steps) for pair in _messages(step)]


def _messages(step: Step) -> list[tuple[str, str]]:
    match step:
        case RequireStep():
            return [(step.code, step.message)]
        case GetStep() | FindStep():
            failure = step.missing
        case CreateStep() | UpdateStep():
            failure = step.taken
        case _:
            failure = None
    return [(failure.code, failure.message)] if failure is not None else []


def _codes(step: Step) -> list[str]:
    match step:
        case RequireStep():
            return [step.code]
        case GetStep() | FindStep():
            return [step.missing.code] if step.missing is not None else []
        case CreateStep() | UpdateStep():
            return [step.taken.code] if step.taken is not None else []
        case ListStep():
            return ["bad_cursor"] if step.page is not None else []
        case OnceStep():
            return ["idempotency_conflict"]
        case _:
            return []


def unused(checker: Checker) -> None:
    """Report what nothing uses."""
    domain = checker.domain
    for part, tools in (("tools", domain.tools), ("user_tools", domain.user_tools)):
        for name, tool in tools.items():
            known = tuple(tool.parameters)
            _parameters(checker, tool.steps, known, (part, name, "parameters"))
    for name, effect in domain.effects.items():
        _parameters(checker, effect.steps, effect.parameters, ("effects", name))
    every = [step for steps in _every_steps(domain) for step in all_steps(steps)]
    read = {entity for step in every for entity in _read(checker, step)}
    for name in domain.entities:
        if name not in read:
            message = "no tool reads this entity; add a tool that shows it, or drop it"
            checker.report(("entities", name), message)
    scheduled = {step.schedule for step in every if isinstance(step, ScheduleStep)}
    for name in domain.effects:
        if name not in scheduled:
            checker.report(("effects", name), "no step schedules this effect")


def _every_steps(domain: Domain) -> Iterator[Sequence[Step]]:
    for tool in (*domain.tools.values(), *domain.user_tools.values()):
        yield tool.steps
    for one in (*domain.effects.values(), *domain.policy.values(), *domain.invariants):
        yield one.steps


def _parameters(
    checker: Checker, steps: Sequence[Step], known: Sequence[str], path: FilePath
) -> None:
    text = json.dumps([step.model_dump(mode="json", by_alias=True) for step in steps])
    read = set(_ARGUMENT.findall(text))
    if "" in read:  # `args` as a whole
        return
    for name in known:
        if name not in read:
            message = f"no step reads the parameter {name!r}; use it or drop it"
            checker.report((*path, name), message)


def _read(checker: Checker, step: Step) -> Iterator[str]:
    match step:
        case GetStep():
            yield step.get
        case FindStep():
            yield step.find
        case ListStep():
            yield step.list_
            yield from _joined(checker, step.join.values())
        case AggregateStep():
            yield step.aggregate
            yield from _joined(checker, step.join.values())
        case _:
            return


def _joined(checker: Checker, references: Iterable[str]) -> Iterator[str]:
    """Yield the entities that any field of these names refers to."""
    names = {reference.rpartition(".")[2] for reference in references}
    for entity in checker.entities.values():
        yield from (s.ref for n, s in entity.fields.items() if n in names and s.ref is not None)
