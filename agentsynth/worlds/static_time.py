"""Static checks of the steps about time: schedule, unschedule, advance."""

from agentsynth.core.domain import Effect
from agentsynth.core.steps import AdvanceStep, ScheduleStep, UnscheduleStep
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.static_checker import Checker, FilePath
from agentsynth.worlds.static_infer import Scope

__all__ = ["check_advance", "check_schedule", "check_unschedule"]


def _effect(checker: Checker, name: str, path: FilePath) -> Effect | None:
    effect = checker.domain.effects.get(name)
    if effect is None:
        known = ", ".join(checker.domain.effects) or "none"
        checker.report(path, f"unknown effect {name!r}; the domain has: {known}")
    return effect


def check_schedule(checker: Checker, step: ScheduleStep, scope: Scope, path: FilePath) -> None:
    """Check a `schedule`."""
    at = checker.value(step.at, scope, (*path, "at"))
    if at.kind not in ("date", "datetime", "text", "any"):
        checker.report((*path, "at"), f"needs a datetime or a date, this is {at}")
    elif at.free:
        form = "give the parameter 'format: datetime' (or date)"
        checker.report((*path, "at"), f"needs a datetime or a date, this may be any text; {form}")
    checker.value(step.with_, scope, (*path, "with"))
    effect = _effect(checker, step.schedule, (*path, "schedule"))
    if effect is not None:
        for name in sorted(step.with_.keys() - set(effect.parameters)):
            checker.report((*path, "with", name), f"{step.schedule!r} has no parameter {name!r}")
        for name in effect.parameters:
            if name not in step.with_:
                checker.report((*path, "with"), f"{step.schedule!r} needs {name!r}")
    if step.as_ is not None:
        scope.names[step.as_] = checker.records[SCHEDULED]


def check_unschedule(checker: Checker, step: UnscheduleStep, scope: Scope, path: FilePath) -> None:
    """Check an `unschedule`."""
    checker.value(step.where, scope, (*path, "where"))
    effect = _effect(checker, step.unschedule, (*path, "unschedule"))
    if effect is not None:
        for name in sorted(step.where.keys() - set(effect.parameters)):
            message = f"{step.unschedule!r} has no parameter {name!r}"
            checker.report((*path, "where", name), message)


def check_advance(checker: Checker, step: AdvanceStep, scope: Scope, path: FilePath) -> None:
    """Check an `advance`."""
    found = checker.value(step.advance, scope, (*path, "advance"))
    if found.kind not in ("int", "any") or (found.values and min(found.values) < 0):
        checker.report((*path, "advance"), "needs a number of minutes from 0")
