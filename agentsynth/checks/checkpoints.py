"""Checkpoints: what had to be reached on the way, with credit for the part that was."""

from collections.abc import Sequence

from agentsynth.checks.calling import fact_missing, holds, meant, not_offered
from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, undecided
from agentsynth.core.criteria import (
    CalledCheckpoint,
    Checkpoint,
    CheckpointCheck,
    StateChange,
)
from agentsynth.core.messages import ToolCall
from agentsynth.core.task import Change
from agentsynth.core.trajectory import CallRecord

__all__ = ["checkpoints_reached"]

_Event = tuple[int, ToolCall, CallRecord | None]


def checkpoints_reached(evidence: Evidence, check: CheckpointCheck) -> Finding:
    """Return whether every checkpoint was reached, and if not, the share that was.

    In order, that is the most checkpoints that were reached one after the other. A call without a
    record may have reached any checkpoint of its tool and, if it writes, any change: where that
    matters, nobody can tell.
    """
    if any(not _applies(evidence, point) for point in check.checkpoints):
        return NOT_APPLICABLE
    records = {record.call_id: record for record in evidence.trajectory.calls}
    events: list[_Event] = [(i, call, records.get(call.id)) for i, call, _ in evidence.calls]
    sure = [_places(evidence, point, events, perhaps=False) for point in check.checkpoints]
    reached = _chain(sure) if check.ordered else {n for n, places in enumerate(sure) if places}
    if len(reached) == len(sure):
        return MET
    missed = [_shown(p) for n, p in enumerate(check.checkpoints) if n not in reached]
    told = f"{len(reached)} of {len(sure)} reached, not: {'; '.join(missed)}"
    perhaps = [_places(evidence, point, events, perhaps=True) for point in check.checkpoints]
    possible = _chain(perhaps) if check.ordered else {n for n, p in enumerate(perhaps) if p}
    if len(possible) == len(sure):
        return undecided(f"{told}; calls without a record may have reached them")
    messages = tuple(sorted({events[sure[n][0]][0] for n in reached}))
    return Finding("not_met", "checkpoint_missed", told, messages, len(reached) / len(sure))


def _applies(evidence: Evidence, point: Checkpoint) -> bool:
    if isinstance(point, CalledCheckpoint):
        return not not_offered(evidence, point.called)
    change = point.change
    known = evidence.runtime.domain.entities
    if fact_missing(evidence, [change.key, *change.fields.values()]):
        return False
    return not known or change.entity in known


def _places(
    evidence: Evidence, point: Checkpoint, events: Sequence[_Event], *, perhaps: bool
) -> list[int]:
    """Return the numbers of the events that reached a checkpoint, or may have."""
    found: list[int] = []
    for number, (_, call, record) in enumerate(events):
        if isinstance(point, CalledCheckpoint):
            is_one = meant(evidence, point.called, call, wanted=True)
        elif record is None:
            is_one = None if evidence.runtime.is_write(call) else False
        else:
            is_one = any(_made(evidence, point.change, change) for change in record.changes)
        if is_one or (is_one is None and perhaps):
            found.append(number)
    return found


def _made(evidence: Evidence, wanted: StateChange, change: Change) -> bool:
    return (
        wanted.entity == change.entity
        and wanted.op in (None, change.op)
        and (wanted.key is None or holds(evidence, {"key": wanted.key}, {"key": change.key}))
        and holds(evidence, wanted.fields, change.fields)
    )


def _chain(places: Sequence[Sequence[int]]) -> set[int]:
    """Return the most checkpoints whose events can be chosen in order; equal events are in order.

    Of chains of one length the one that ends earliest is kept.
    """
    best: list[tuple[int, tuple[int, ...]]] = [(-1, ())]  # by length: (last event, checkpoints)
    for number, events in enumerate(places):
        for length in range(len(best) - 1, -1, -1):
            last, chain = best[length]
            event = next((place for place in events if place >= last), None)
            if event is None:
                continue
            longer = (event, (*chain, number))
            if length + 1 == len(best):
                best.append(longer)
            elif event < best[length + 1][0]:
                best[length + 1] = longer
    return set(best[-1][1])


def _shown(point: Checkpoint) -> str:
    if isinstance(point, CalledCheckpoint):
        return f"call of {point.called.tool}"
    change = point.change
    return f"{change.op or 'change'} of {change.entity} {change.fields or ''}".strip()
