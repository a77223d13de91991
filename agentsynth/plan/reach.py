"""What a tool can change at all, read off its steps: which a search need not try in vain."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.domain import Domain
from agentsynth.core.steps import (
    CreateStep,
    DeleteStep,
    ScheduleStep,
    UnscheduleStep,
    UpdateStep,
)
from agentsynth.core.task import Change
from agentsynth.plan.roles import all_steps
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

    What waits may come due behind any call, even one that takes no time: it counts to each.
    """
    if domain.id not in _known:
        every = {**domain.tools, **domain.user_tools}
        waiting = [step for effect in domain.effects.values() for step in all_steps(effect.steps)]
        _known[domain.id] = {
            name: _reach([*all_steps(tool.steps), *waiting], due=bool(waiting))
            if tool.steps
            else None
            for name, tool in every.items()
        }
    return _known[domain.id]


def _reach(steps: list[Any], *, due: bool) -> Reach:
    creates: set[str] = set()
    deletes: set[str] = {SCHEDULED} if due else set()
    fields: set[tuple[str, str]] = set()
    for step in steps:
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
