"""What a search may ask of a task: am I there, am I on the way? Never where."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, cast

from agentsynth.checks.target import contents
from agentsynth.core.ids import canonical_json
from agentsynth.core.intent import Intent, ReadStep, TallyStep
from agentsynth.core.task import Change, Task
from agentsynth.plan.candidate import Attempt
from agentsynth.plan.reach import Reach
from agentsynth.plan.recipe import steps_named
from agentsynth.worlds.expressions import MISSING
from agentsynth.worlds.seed import compiled

__all__ = ["Goal", "Progress", "leaves", "needed_for"]


class Progress(Enum):
    """Where some changes lead."""

    ASTRAY = "astray"
    NEARER = "nearer"
    REACHED = "reached"


class Goal:
    """A task's goal as an oracle: it answers questions and gives nothing away."""

    def __init__(self, task: Task, needed: Iterable[tuple[str, Any]]) -> None:
        self._wanted = Counter(_signature(*one) for one in contents(task.target.changes))
        self._fields = {
            (change.op, change.entity, change.key): change.fields
            for change in task.target.changes
            if change.op == "update"
        }
        self._creates = {c.entity for c in task.target.changes if c.op == "create"}
        self._deletes = {(c.entity, c.key) for c in task.target.changes if c.op == "delete"}
        self._changes = task.target.changes
        self._needed = {canonical_json(pair) for pair in needed}
        self.writes_due = bool(task.target.changes)
        self.words_due = bool(self._needed)

    def may_come(self, reach: Reach | None) -> bool:
        """Say whether a tool of this reach can lead nearer at all; None = it cannot be told."""
        return reach is None or any(reach.may_bring(change) for change in self._changes)

    def _is_of_kind(self, change: Change) -> bool:
        """Whether a change is at least of a record, or a kind of record, that has to change."""
        match change.op:
            case "create":
                return change.entity in self._creates
            case "delete":
                return (change.entity, change.key) in self._deletes
            case "update":
                return (change.op, change.entity, change.key) in self._fields

    def stand(self, changes: Sequence[Change]) -> tuple[Progress, int]:
        """Say where these net changes lead, and how many of the wanted ones are there in full."""
        if not changes or not all(self._is_of_kind(change) for change in changes):
            return Progress.ASTRAY, 0
        made = [(_signature(*one), one) for one in contents(changes)]
        have = Counter(signature for signature, _ in made)
        settled = (have & self._wanted).total()
        if have == self._wanted:
            return Progress.REACHED, settled
        left = have - self._wanted
        astray = any(left[sign] and not self._is_part(*one) for sign, one in made)
        return Progress.ASTRAY if astray else Progress.NEARER, settled

    def _is_part(self, change: Change, key: str | None, fields: dict[str, Any]) -> bool:
        whole = self._fields.get((change.op, change.entity, key))
        return whole is not None and fields.items() <= whole.items()

    def is_shown(self, shown: Iterable[tuple[str, Any]]) -> bool:
        """Say whether everything the answer is made of is among these fields and values."""
        return not self._needed or self._needed <= {canonical_json(pair) for pair in shown}


def _signature(change: Change, key: str | None, fields: dict[str, Any]) -> str:
    """Return what equal changes have in common and others have not."""
    plain = sorted(
        (name, canonical_json(value) if isinstance(value, dict | list) else repr(value))
        for name, value in fields.items()
    )
    return repr((change.entity, change.op, key, plain))


def leaves(value: Any, field: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (field, scalar) pairs of a result; entries of a list carry the list's field."""
    if isinstance(value, Mapping):
        for name, part in cast(Mapping[str, Any], value).items():
            yield from leaves(part, name)
    elif isinstance(value, list | tuple):
        for part in cast(Sequence[Any], value):
            yield from leaves(part, field)
    else:
        yield field, value


def needed_for(intent: Intent, made: Attempt) -> list[tuple[str, Any]]:
    """Return the fields and values that the answers of a request are made of."""
    named = steps_named(intent)
    pairs: list[tuple[str, Any]] = []
    for spec in intent.answers.values():
        if spec.when is not None and spec.when != made.branch:
            continue
        for path in compiled(spec.value.removeprefix("=")).paths:
            head = path.split(".")[0]
            if head in made.facts and head not in made.seen:
                continue
            step = named.get(head)
            if isinstance(step, TallyStep):
                pairs += _tallied(step, made.seen)
            elif isinstance(step, ReadStep):
                field = step.from_.rpartition(".")[2] if "." in step.from_ else ""
                pairs += leaves(_at(step.from_, made.seen), field)
            else:
                pairs += leaves(_at(path, made.seen), path.rpartition(".")[2])
    return pairs


def _tallied(step: TallyStep, seen: Mapping[str, Any]) -> list[tuple[str, Any]]:
    entries = _at(step.from_, seen)
    if step.op == "count" or not isinstance(entries, list):
        return []
    values = [_at(step.of or "", entry) for entry in cast(list[Any], entries)]
    field = (step.of or "").rpartition(".")[2]
    return [(field, value) for value in values if value is not None and value is not MISSING]


def _at(path: str, value: Any) -> Any:
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = cast(Mapping[str, Any], value).get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(cast(list[Any], value)):
            value = cast(list[Any], value)[int(part)]
        else:
            return None
    return value
