"""What a tool can change at all, read off its steps: which a search need not try in vain."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.domain import Domain
from agentsynth.core.steps import (
    AdvanceStep,
    CreateStep,
    DeleteStep,
    ForEachStep,
    ScheduleStep,
    UnscheduleStep,
    UpdateStep,
)
from agentsynth.core.task import Change
from agentsynth.worlds.base import SCHEDULED

__all__ = ["Reach", "tool_reach"]


@dataclass(frozen=True, slots=True)
class Reach:
    """Entities whose records a tool can create or delete, and the fields that it can set."""

    creates: frozenset[str]
    deletes: frozenset[str]
    fields: frozenset[tuple[str, str]]
    """(entity, field)."""

    def may_bring(self, change: Change) -> bool:
        """Say whether the tool can have a part in a change."""
        match change.op:
            case "create":
                return change.entity in self.creates
            case "delete":
                return change.entity in self.deletes
            case "update":  # a soft deletion sets a field as well
                set_here = ((change.entity, name) in self.fields for name in change.fields)
                return change.entity in self.deletes or any(set_here)


_known: dict[str, Mapping[str, Reach | None]] = {}


def tool_reach(domain: Domain) -> Mapping[str, Reach | None]:
    """Return each tool's reach; None where it cannot be told, as with tools in Python.

    Where time passes, whatever waits may come due behind any call: it counts to each.
    """
    if domain.id not in _known:
        every = {**domain.tools, **domain.user_tools}
        waiting = tuple(step for effect in domain.effects.values() for step in effect.steps)
        passes = domain.clock.minutes_per_call > 0
        _known[domain.id] = {
            name: _reach(tool.steps, waiting, passes=passes) if tool.steps else None
            for name, tool in every.items()
        }
    return _known[domain.id]


def _reach(steps: Any, waiting: Any, *, passes: bool) -> Reach:
    creates: set[str] = set()
    deletes: set[str] = set()
    fields: set[tuple[str, str]] = set()
    every = list(_within(steps))
    if passes or any(isinstance(step, AdvanceStep) for step in every):
        every += _within(waiting)
        deletes.add(SCHEDULED)
    for step in every:
        match step:
            case CreateStep():
                creates.add(step.create)
            case DeleteStep():
                deletes.add(step.delete)
            case ScheduleStep():
                creates.add(SCHEDULED)
            case UnscheduleStep():
                deletes.add(SCHEDULED)
            case UpdateStep():
                fields |= {(step.update, name) for name in step.set}
            case _:
                pass
    return Reach(frozenset(creates), frozenset(deletes), frozenset(fields))


def _within(steps: Any) -> Iterator[Any]:
    for step in steps:
        yield step
        if isinstance(step, ForEachStep):
            yield from _within(step.do)
