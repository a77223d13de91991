"""What comes due later: the steps that say so, and the running of it as the clock passes."""

import heapq
from collections.abc import Callable, Mapping
from typing import Any

from agentsynth.core.domain import Entity, FieldSpec
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.steps import AdvanceStep, ScheduleStep, UnscheduleStep
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.fields import is_date, is_datetime
from agentsynth.worlds.state import Before, State
from agentsynth.worlds.values import CONTINUE, CompiledStep, Scope, compile_value

__all__ = [
    "SCHEDULED_ENTITY",
    "compile_advance",
    "compile_schedule",
    "compile_unschedule",
    "run_due",
]

_KEYS = "SC-#####"
_MOST = 10_000
"""Effects run after one call; more can only be a domain that never comes to rest."""

SCHEDULED_ENTITY = Entity(
    id_pattern=_KEYS,
    fields={
        "id": FieldSpec(type="string"),
        "effect": FieldSpec(type="string"),
        "due": FieldSpec(type="datetime"),
        "args": FieldSpec(type="text", description="In truth a mapping."),
    },
)
"""Pending effects as tools may read them."""


def compile_schedule(step: ScheduleStep) -> CompiledStep:
    """Compile a `schedule`."""
    at = compile_value(step.at)
    values = compile_value(step.with_)

    def run(state: State, scope: Scope) -> Any:
        due = at(scope)
        if isinstance(due, str) and is_date(due):
            due = f"{due}T00:00"
        if not isinstance(due, str) or not is_datetime(due):
            raise DomainError(f"schedule {step.schedule}: {due!r} is not a date or a datetime")
        key = state.new_key(SCHEDULED, _KEYS)
        record = {"id": key, "effect": step.schedule, "due": due, "args": values(scope)}
        state.put(SCHEDULED, key, record)
        if step.as_ is not None:
            scope[step.as_] = record
        return CONTINUE

    return run


def compile_unschedule(step: UnscheduleStep) -> CompiledStep:
    """Compile an `unschedule`."""
    where = {name: compile_value(value) for name, value in step.where.items()}

    def run(state: State, scope: Scope) -> Any:
        wanted = {name: value(scope) for name, value in where.items()}
        pending = [*state.records(SCHEDULED, {"effect": step.unschedule})]
        for key, record in pending:
            if all(record["args"].get(name) == value for name, value in wanted.items()):
                state.put(SCHEDULED, key, None)
        return CONTINUE

    return run


def compile_advance(step: AdvanceStep) -> CompiledStep:
    """Compile an `advance`; `now` and `today` are the new ones for the steps that follow."""
    minutes = compile_value(step.advance)

    def run(state: State, scope: Scope) -> Any:
        moved = minutes(scope)
        if type(moved) is not int or moved < 0:
            raise DomainError(f"advance: {moved!r} is not a number of minutes")
        state.advance(moved)
        scope["now"], scope["today"] = state.now, state.today
        return CONTINUE

    return run


def run_due(
    state: State,
    effects: Mapping[str, Callable[[State, Scope], Any]],
    check: Callable[[str], None],
    before: Before,
) -> int:
    """Run the effects that are due, in order of due time and id; return how many ran.

    Each runs in a transaction of its own, with `now` at its due time. One that refuses does
    nothing. Either way it is no longer pending.

    Args:
        effects: effect to its compiled steps.
        check: holds what the open transaction wrote against the invariants; takes a name.
        before: where each record that is written is noted as it was.

    Raises:
        DomainError: if an effect breaks the domain's rules, or they never come to an end.
    """
    now = state.now
    due = [(r["due"], key) for key, r in state.records(SCHEDULED, {}, {"due": (None, now)})]
    heapq.heapify(due)
    ran = 0
    while due:
        _, key = heapq.heappop(due)
        record = state.get(SCHEDULED, key)
        if record is None:
            continue
        ran += 1
        if ran > _MOST:
            raise DomainError(
                f"more than {_MOST} effects came due at once; do they set each other?"
            )
        for added in _run(state, key, record, effects[record["effect"]], check, before):
            if added[0] <= now:
                heapq.heappush(due, added)
    return ran


def _run(
    state: State,
    key: str,
    record: Mapping[str, Any],
    steps: Callable[[State, Scope], Any],
    check: Callable[[str], None],
    before: Before,
) -> list[tuple[str, str]]:
    """Run one effect; return due time and key of what it has scheduled."""
    state.begin()
    try:
        state.put(SCHEDULED, key, None)
        start = state.savepoint()
        scope = {"args": record["args"], "now": record["due"], "today": record["due"][:10]}
        try:
            steps(state, scope)
            check(f"effect {record['effect']!r}")
        except ToolError:
            state.back_to(start)
        added = [(r["due"], k) for e, k, r in state.touched() if e == SCHEDULED and r is not None]
    except BaseException:
        state.rollback()
        raise
    state.commit(before)
    return added
