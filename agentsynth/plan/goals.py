"""What a search may ask of a task: am I there, am I on the way? Never where."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, cast

from agentsynth.checks.target import normal_changes
from agentsynth.core.ids import canonical_json
from agentsynth.core.intent import Intent, ReadStep, TallyStep
from agentsynth.core.task import Change, Task
from agentsynth.plan.candidate import Attempt
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
        self._wanted = Counter(_key(change) for change in task.target.changes)
        self._fields = {
            (change.op, change.entity, change.key): change.fields
            for change in task.target.changes
            if change.op == "update"
        }
        self._needed = {canonical_json(pair) for pair in needed}
        self.writes_due = bool(task.target.changes)
        self.words_due = bool(self._needed)

    def of_changes(self, changes: Sequence[Change]) -> Progress:
        """Say whether these net changes are the goal, a part of it, or something else."""
        have = Counter(_key(change) for change in normal_changes(changes))
        if have == self._wanted:
            return Progress.REACHED
        left = have - self._wanted
        for change in normal_changes(changes):
            if left[_key(change)] and not self._is_part(change):
                return Progress.ASTRAY
        return Progress.NEARER if have else Progress.ASTRAY

    def settled(self, changes: Sequence[Change]) -> int:
        """Say how many of the wanted changes are there in full."""
        have = Counter(_key(change) for change in normal_changes(changes))
        return (have & self._wanted).total()

    def _is_part(self, change: Change) -> bool:
        whole = self._fields.get((change.op, change.entity, change.key))
        return whole is not None and change.fields.items() <= whole.items()

    def is_shown(self, shown: Iterable[tuple[str, Any]]) -> bool:
        """Say whether everything the answer is made of is among these fields and values."""
        return not self._needed or self._needed <= {canonical_json(pair) for pair in shown}


def _key(change: Change) -> str:
    return canonical_json([change.entity, change.op, change.key, change.fields])


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
