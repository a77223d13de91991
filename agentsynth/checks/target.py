"""The end state against the target, compared by content: new keys are the world's business."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from agentsynth.checks.evidence import MET, Evidence, Finding, failed
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change

__all__ = ["compare_changes", "contents", "normal_changes", "target_state"]


def contents(changes: Sequence[Change]) -> Iterator[tuple[Change, str | None, dict[str, Any]]]:
    """Yield each change with its key and its fields as they are compared: by content.

    New records have no key (None); a reference to one becomes `new:<entity>`, so equal work
    compares equal whichever record was created first.
    """
    new = {
        change.key: f"new:{change.entity}"
        for change in changes
        if change.op == "create" and change.key is not None and not change.key.isdigit()
    }  # a number could be any number, so only keys such as LO-10007 are recognised in fields
    for change in changes:
        fields = {
            name: new.get(value, value) if isinstance(value, str) else value
            for name, value in change.fields.items()
            if change.op != "create" or change.key is None or value != change.key
        }
        yield change, None if change.op == "create" else change.key, fields


def normal_changes(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Return changes without the keys of new records, in an order of their content."""
    made = [
        Change(op=change.op, entity=change.entity, key=key, fields=fields)
        for change, key, fields in contents(changes)
    ]
    return tuple(sorted(made, key=_sort_key))


def _keys(changes: Sequence[Change]) -> Iterator[str]:
    """Yield what `_sort_key` says of the normal changes, without making them."""
    for change, key, fields in contents(changes):
        yield canonical_json([change.entity, change.op, key, fields])


def _sort_key(change: Change) -> str:
    return canonical_json([change.entity, change.op, change.key, change.fields])


def compare_changes(actual: Sequence[Change], expected: Sequence[Change]) -> Finding:
    """Compare what changed with what had to change.

    The code of a mismatch says what kind it is: `wrong_record` (the right kind of change on
    another record, or with other values), `unexpected_change` (nobody asked
    for it) or `goal_not_reached`.
    """
    have, want = Counter(_keys(actual)), Counter(_keys(expected))
    if have == want:
        return MET
    missing = [c for c in normal_changes(expected) if want[_sort_key(c)] > have[_sort_key(c)]]
    extra = [c for c in normal_changes(actual) if have[_sort_key(c)] > want[_sort_key(c)]]
    halves = [(m, c) for m in missing for c in extra if _is_part(c, m)]
    if halves and len(halves) == len(extra):
        return failed("goal_not_reached", f"{_shown(halves[0][0])} happened only in part")
    kinds = {(c.op, c.entity) for c in missing}
    astray = next((c for c in extra if (c.op, c.entity) in kinds), None)
    if astray is not None:
        return failed("wrong_record", f"{_shown(astray)} instead of {_shown(missing[0])}")
    if extra:
        return failed("unexpected_change", f"{_shown(extra[0])} was not asked for")
    return failed("goal_not_reached", f"{_shown(missing[0])} did not happen")


def _is_part(change: Change, whole: Change) -> bool:
    """Whether a change does some of what another does to the same record, and nothing else."""
    same = (change.op, change.entity, change.key) == (whole.op, whole.entity, whole.key)
    return same and change.op == "update" and change.fields.items() <= whole.fields.items()


def _shown(change: Change) -> str:
    fields: dict[str, Any] = change.fields
    return f"{change.op} {change.entity} {change.key or '(new)'} {canonical_json(fields)}"


def target_state(evidence: Evidence) -> Finding:
    """The state changed as the target says, and in no other way."""
    return compare_changes(evidence.trajectory.net_changes, evidence.task.target.changes)
