"""State: an immutable base shared by all rollouts, and a copy-on-write overlay per rollout."""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json, content_id
from agentsynth.core.task import Change

__all__ = ["Base", "Record", "State"]

Record = Mapping[str, Any]
_Table = dict[str, Record]


class Base:
    """The seeded records of one world: entity → key → record. Shared, so never edited."""

    def __init__(
        self, tables: Mapping[str, Mapping[str, Record]], *, seed: int, today: str
    ) -> None:
        self.tables = {entity: dict(records) for entity, records in tables.items()}
        self.seed = seed
        self.today = today
        self.hash = content_id({"tables": self.tables, "today": today})
        self._indexes: dict[tuple[str, str], dict[Any, list[str]]] = {}

    def keys_where(self, entity: str, field: str, value: Any) -> list[str]:
        """Return the keys of base records whose field equals the value, in base order."""
        index = self._indexes.get((entity, field))
        if index is None:
            index = {}
            for key, record in self.tables[entity].items():
                index.setdefault(record.get(field), []).append(key)
            self._indexes[entity, field] = index
        return index.get(value, [])


class State:
    """One rollout's state. Writes happen inside a transaction and nowhere else."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._overlay: dict[str, dict[str, Record | None]] = {}
        self._pending: dict[tuple[str, str], Record | None] | None = None
        self._created = 0

    def fork(self) -> "State":
        """Return a state of its own that starts out like this one; no transaction may be open."""
        twin = State(self.base)
        twin._overlay = {entity: dict(records) for entity, records in self._overlay.items()}
        twin._created = self._created
        return twin

    def get(self, entity: str, key: str) -> Record | None:
        """Return the record; None when there is none."""
        if self._pending is not None and (entity, key) in self._pending:
            return self._pending[entity, key]
        overlay = self._overlay.get(entity)
        if overlay is not None and key in overlay:
            return overlay[key]
        return self.base.tables[entity].get(key)

    def records(self, entity: str, where: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
        """Yield the records whose fields equal `where`: base order, then order of creation."""
        if entity not in self._overlay and not self._pending:
            return self._untouched(entity, where)
        return self._merged(entity, where)

    def _untouched(self, entity: str, where: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
        """As `records`, for an entity that nobody has written to."""
        table = self.base.tables[entity]
        if not where:
            return iter(table.items())
        fields = list(where.items())
        keys = self.base.keys_where(entity, *fields[0])
        rest = fields[1:]
        found = ((key, table[key]) for key in keys)
        if not rest:
            return found
        return ((k, r) for k, r in found if all(r.get(f) == v for f, v in rest))

    def _merged(self, entity: str, where: Mapping[str, Any]) -> Iterator[tuple[str, Record]]:
        for key in self._candidates(entity, where):
            record = self.get(entity, key)
            if record is not None and all(record.get(f) == v for f, v in where.items()):
                yield key, record

    def _candidates(self, entity: str, where: Mapping[str, Any]) -> list[str]:
        base = self.base.tables[entity]
        written = [*self._overlay.get(entity, ())]
        if self._pending:
            written += [key for table, key in self._pending if table == entity]
        if not where:
            return [*base, *dict.fromkeys(key for key in written if key not in base)]
        field, value = next(iter(where.items()))
        found = self.base.keys_where(entity, field, value)
        if not written:
            return found
        merged = set(found) | set(written)
        order = {key: place for place, key in enumerate(dict.fromkeys([*base, *written]))}
        return sorted(merged, key=order.__getitem__)

    def begin(self) -> None:
        """Start a transaction."""
        if self._pending is not None:
            raise DomainError("a transaction is already open")
        self._pending = {}

    def put(self, entity: str, key: str, record: Record | None) -> None:
        """Write a record, or None to delete it, inside the open transaction."""
        if self._pending is None:
            raise DomainError(f"{entity} {key!r} is written outside a transaction")
        self._pending[entity, key] = record

    def touched(self) -> list[tuple[str, str, Record | None]]:
        """Return what the open transaction wrote: entity, key, record (None = deleted)."""
        return [(e, k, r) for (e, k), r in (self._pending or {}).items()]

    def commit(self) -> tuple[Change, ...]:
        """End the transaction and return what it changed, sorted by entity and key."""
        pending, self._pending = self._pending or {}, None
        changes: list[Change] = []
        for (entity, key), record in sorted(pending.items(), key=lambda item: item[0]):
            before = self.get(entity, key)
            change = _change(entity, key, before, record)
            if change is not None:
                changes.append(change)
                self._created += change.op == "create"
        for (entity, key), record in pending.items():  # in this order: `records` shows it
            self._overlay.setdefault(entity, {})[key] = record
        return tuple(changes)

    def rollback(self) -> None:
        """End the transaction as if it had never begun."""
        self._pending = None

    def new_key(self, entity: str, pattern: str) -> str:
        """Return an unused key for a new record, drawn from the world's seed.

        It depends on the seed, the entity and how many records were created before, so the same
        calls give the same keys in every process.
        """
        pending = sum(1 for _, _, record in self.touched() if record is not None)
        ordinal = self._created + pending
        for attempt in range(10_000):
            raw = f"{self.base.seed}/{entity}/{ordinal}/{attempt}".encode()
            digits = str(int.from_bytes(hashlib.sha256(raw).digest()[:12], "big"))
            drawn = iter(digits[-pattern.count("#") :].rjust(pattern.count("#"), "0"))
            key = "".join(next(drawn) if char == "#" else char for char in pattern)
            if self.get(entity, key) is None and key not in self.base.tables[entity]:
                return key
        raise DomainError(f"{entity}: no key left under the pattern {pattern!r}")

    def net_changes(self) -> tuple[Change, ...]:
        """Return what differs from the base, sorted by entity and key."""
        found: list[Change] = []
        for entity in sorted(self._overlay):
            for key in sorted(self._overlay[entity]):
                before = self.base.tables[entity].get(key)
                change = _change(entity, key, before, self._overlay[entity][key])
                if change is not None:
                    found.append(change)
        return tuple(found)

    def hash(self) -> str:
        """Return a hash that is equal exactly when base and net changes are equal."""
        changes = self.net_changes()
        if not changes:
            return self.base.hash
        return content_id([self.base.hash, canonical_json([_plain(c) for c in changes])])


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
