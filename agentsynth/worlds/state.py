"""State: an immutable base shared by all rollouts, and a copy-on-write overlay per rollout."""

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json, content_id
from agentsynth.core.task import Change
from agentsynth.worlds.base import ONCE, Base, Record
from agentsynth.worlds.functions import add_minutes
from agentsynth.worlds.index import Fields
from agentsynth.worlds.overlay import ABSENT, Absent, Overlay

__all__ = ["Base", "Before", "Record", "Savepoint", "State"]

Before = dict[tuple[str, str], Record | None]
"""Entity and key to the record as it was; None = there was none."""
Bounds = Mapping[str, tuple[Any, Any]]
_NO_BOUNDS: Bounds = {}


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A place inside a transaction to go back to."""

    writes: int
    live: int
    moved: int


class State:
    """One rollout's state. Writes happen inside a transaction and nowhere else."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._overlays: dict[str, Overlay] = {}
        self._open = False
        self._journal: list[tuple[str, str, Record | Absent | None, bool]] = []
        """Entity, key, what was written before, and whether it is the first write of the key."""
        self._before: Before = {}
        self._live = 0
        """Records that the open transaction wrote and that are there now."""
        self._created = 0
        self._moved = 0
        self._moved_before = 0
        self._now = (0, base.now)

    # -- time ----------------------------------------------------------------------------------

    @property
    def now(self) -> str:
        """The world's time, YYYY-MM-DDTHH:MM."""
        if self._now[0] != self._moved:
            self._now = (self._moved, add_minutes(self.base.now, self._moved))
        return self._now[1]

    @property
    def today(self) -> str:
        """The world's date."""
        return self.now[:10] if self._moved else self.base.today

    def advance(self, minutes: int) -> None:
        """Move the clock on; a rollback of the open transaction, if any, moves it back."""
        if minutes < 0:
            raise DomainError(f"the clock cannot go back ({minutes} minutes)")
        try:
            add_minutes(self.now, minutes)
        except OverflowError:
            raise DomainError(f"the clock cannot move {minutes} minutes: no year 10000") from None
        self._moved += minutes

    # -- reading -------------------------------------------------------------------------------

    def fork(self) -> "State":
        """Return a state of its own that starts out like this one; no transaction may be open."""
        twin = State(self.base)
        twin._overlays = {entity: overlay.copy() for entity, overlay in self._overlays.items()}
        twin._created = self._created
        twin._moved = self._moved
        return twin

    def get(self, entity: str, key: str) -> Record | None:
        """Return the record; None when there is none."""
        overlay = self._overlays.get(entity)
        if overlay is not None:
            found = overlay.written.get(key, ABSENT)
            if found is not ABSENT:
                return found
        return self.base.table(entity).get(key)

    def records(
        self, entity: str, where: Mapping[str, Any], between: Bounds = _NO_BOUNDS
    ) -> Iterator[tuple[str, Record]]:
        """Yield the records that match: base order, then order of creation.

        Args:
            where: field to the value it must equal.
            between: field to (low, high), both included; None = open on that side. A null field
                lies outside; two open sides ask for nothing.
        """
        overlay = self._overlays.get(entity)
        spans = _asked(between) if between else between
        if not where and not spans:
            return iter(self.base.table(entity).items()) if overlay is None else overlay.all()
        if len(where) == 1 and not spans:
            keys = self._equal(entity, tuple(where), tuple(where.values()), overlay)
        else:
            keys = self._candidates(entity, where, spans, overlay)
        if overlay is None:
            table = self.base.table(entity)
            found = ((key, table[key]) for key in keys)
        else:
            found = ((key, record) for key in keys if (record := self.get(entity, key)) is not None)
        if len(where) + len(spans) == 1:
            return found
        return ((key, record) for key, record in found if _matches(record, where, spans))

    def _candidates(
        self, entity: str, where: Mapping[str, Any], spans: Bounds, overlay: Overlay | None
    ) -> Collection[str]:
        """Return, in order, the keys that the most selective index gives."""
        best: tuple[int, str, tuple[int, int] | None] | None = None
        for field, value in where.items():
            size = len(self.base.hashed(entity, (field,)).keys((value,)))
            if best is None or size < best[0]:
                best = (size, field, None)
        for field, bounds in spans.items():
            start, end = self.base.sorted(entity, field).span(*bounds)
            if best is None or end - start < best[0]:
                best = (end - start, field, (start, end))
        assert best is not None
        _, field, span = best
        if span is None:
            return self._equal(entity, (field,), (where[field],), overlay)
        places = sorted(self.base.sorted(entity, field).entries(*span))
        if overlay is None:
            return [key for _, key in places]
        own = overlay.sorted(field)
        kept = [(place, key) for place, key in places if key not in overlay.written]
        return [key for _, key in sorted([*kept, *own.entries(*own.span(*spans[field]))])]

    def _equal(
        self, entity: str, fields: Fields, values: tuple[Any, ...], overlay: Overlay | None
    ) -> Collection[str]:
        found = self.base.hashed(entity, fields).keys(values)
        if overlay is None:
            return found
        kept = [key for key in found if key not in overlay.written]
        own = overlay.hashed(fields).keys(values)
        return sorted([*kept, *own], key=overlay.place) if own else kept

    def holders(self, entity: str, fields: Fields, values: tuple[Any, ...]) -> Collection[str]:
        """Return the keys of the records that have exactly these values together."""
        return self._equal(entity, fields, values, self._overlays.get(entity))

    # -- transactions --------------------------------------------------------------------------

    def begin(self) -> None:
        """Start a transaction."""
        if self._open:
            raise DomainError("a transaction is already open")
        self._open = True
        self._moved_before = self._moved

    def put(self, entity: str, key: str, record: Record | None) -> None:
        """Write a record, or None to delete it, inside the open transaction."""
        if not self._open:
            raise DomainError(f"{entity} {key!r} is written outside a transaction")
        overlay = self._overlays.get(entity)
        if overlay is None:
            overlay = self._overlays[entity] = Overlay(self.base, entity)
        first = (entity, key) not in self._before
        self._journal.append((entity, key, overlay.written.get(key, ABSENT), first))
        if first:
            self._before[entity, key] = self.get(entity, key)
        else:
            self._live -= overlay.written[key] is not None
        self._live += record is not None
        overlay.write(key, record)

    def touched(self) -> list[tuple[str, str, Record | None]]:
        """Return what the open transaction wrote: entity, key, record (None = deleted)."""
        return [(e, k, self._overlays[e].written[k]) for e, k in self._before]

    def savepoint(self) -> Savepoint:
        """Return a place to go back to inside the open transaction."""
        return Savepoint(len(self._journal), self._live, self._moved)

    def back_to(self, savepoint: Savepoint) -> None:
        """Undo what was written since the savepoint."""
        self._undo(savepoint.writes)
        self._live = savepoint.live
        self._moved = savepoint.moved

    def _undo(self, kept: int) -> None:
        while len(self._journal) > kept:
            entity, key, previous, first = self._journal.pop()
            if first:
                del self._before[entity, key]
            overlay = self._overlays[entity]
            overlay.restore(key, previous)
            if not overlay.written:
                del self._overlays[entity]

    def commit(self, before: Before | None = None) -> tuple[Change, ...]:
        """End the transaction and return what it changed, sorted by entity and key.

        Args:
            before: where to note each record as it was, unless it is noted there already.
        """
        changes = self.changes_since(self._before)
        self._created += sum(change.op == "create" for change in changes)
        if before is not None:
            for place, record in self._before.items():
                before.setdefault(place, record)
        self._end()
        return changes

    def rollback(self) -> None:
        """End the transaction as if it had never begun."""
        self._undo(0)
        self._moved = self._moved_before
        self._end()

    def _end(self) -> None:
        self._open = False
        self._journal = []
        self._before = {}
        self._live = 0

    # -- keys and differences ------------------------------------------------------------------

    def new_key(self, entity: str, pattern: str) -> str:
        """Return an unused key for a new record, drawn from the world's seed.

        It depends on the seed, the entity and how many records were created before, so the same
        calls give the same keys in every process.
        """
        ordinal = self._created + self._live
        places = pattern.count("#")
        for attempt in range(10_000):
            raw = f"{self.base.seed}/{entity}/{ordinal}/{attempt}".encode()
            digits = str(int.from_bytes(hashlib.sha256(raw).digest()[:12], "big"))
            drawn = iter(digits[-places:].rjust(places, "0"))
            key = "".join(next(drawn) if char == "#" else char for char in pattern)
            if self.get(entity, key) is None and key not in self.base.table(entity):
                return key
        raise DomainError(f"{entity}: no key left under the pattern {pattern!r}")

    def changes_since(self, before: Before) -> tuple[Change, ...]:
        """Return how the records differ from what they were, sorted by entity and key."""
        found = (
            _change(entity, key, record, self.get(entity, key))
            for (entity, key), record in sorted(before.items(), key=_place)
            if entity != ONCE
        )
        return tuple(change for change in found if change is not None)

    def net_changes(self) -> tuple[Change, ...]:
        """Return what differs from the base, sorted by entity and key."""
        return self.changes_since(
            {
                (entity, key): self.base.table(entity).get(key)
                for entity, overlay in self._overlays.items()
                for key in overlay.written
            }
        )

    def hash(self) -> str:
        """Return a hash that is equal exactly when base, net changes, clock and answers are."""
        changes = self.net_changes()
        more: dict[str, Any] = {"now": self.now} if self._moved else {}
        if (kept := self._overlays.get(ONCE)) is not None:
            more["once"] = kept.written
        if not changes and not more:
            return self.base.hash
        parts: list[Any] = [self.base.hash, canonical_json([_plain(c) for c in changes])]
        return content_id([*parts, more] if more else parts)


def _place(item: tuple[tuple[str, str], Record | None]) -> tuple[str, str]:
    return item[0]


def _asked(between: Bounds) -> Bounds:
    """Return the bounds that ask for something."""
    return {f: b for f, b in between.items() if b[0] is not None or b[1] is not None}


def _matches(record: Record, where: Mapping[str, Any], spans: Bounds) -> bool:
    for field, value in where.items():
        if record.get(field) != value:
            return False
    return not spans or all(_within(record.get(f), *bounds) for f, bounds in spans.items())


def _within(value: Any, low: Any, high: Any) -> bool:
    if value is None or isinstance(value, str) != isinstance(high if low is None else low, str):
        return False
    return (low is None or low <= value) and (high is None or value <= high)


def _plain(change: Change) -> dict[str, Any]:
    return {"op": change.op, "entity": change.entity, "key": change.key, "fields": change.fields}


def _change(entity: str, key: str, before: Record | None, after: Record | None) -> Change | None:
    if before is None and after is None:
        return None
    if before is None:
        return Change(op="create", entity=entity, key=key, fields=dict(after or {}))
    if after is None:
        return Change(op="delete", entity=entity, key=key, fields={})
    fields = {f: value for f, value in after.items() if before.get(f) != value}
    return Change(op="update", entity=entity, key=key, fields=fields) if fields else None
