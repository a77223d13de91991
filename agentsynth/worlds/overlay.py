"""What one rollout has written to one entity, over a base that stays as it is."""

from collections.abc import Iterator, Mapping
from enum import Enum

from agentsynth.worlds.base import Base, Record
from agentsynth.worlds.index import Fields, HashIndex, SortedIndex

__all__ = ["ABSENT", "Absent", "Overlay"]


class Absent(Enum):
    """Stands for: nothing is written under this key."""

    ABSENT = 0


ABSENT = Absent.ABSENT
_NO_PLACES: Mapping[str, int] = {}


class Overlay:
    """Written records (None = deleted), each with its place among all records of the entity."""

    def __init__(self, base: Base, entity: str) -> None:
        self._base = base
        self._entity = entity
        self._table = base.table(entity)
        self._base_places = base.places.get(entity, _NO_PLACES)
        self._own_places: dict[str, int] = {}
        self._next_place = len(self._table)
        self._hashed: dict[Fields, HashIndex] = {}
        self._sorted: dict[str, SortedIndex] = {}
        self.written: dict[str, Record | None] = {}

    def copy(self) -> "Overlay":
        """Return an overlay of its own with the same records; indexes are made anew when needed."""
        twin = Overlay(self._base, self._entity)
        twin._own_places = dict(self._own_places)
        twin._next_place = self._next_place
        twin.written = dict(self.written)
        return twin

    def place(self, key: str) -> int:
        """Return where a key stands: base order, then the order of first writing."""
        place = self._base_places.get(key)
        return self._own_places[key] if place is None else place

    def write(self, key: str, record: Record | None) -> None:
        """Write a record, None to delete it."""
        self._forget(key)
        if key not in self._table and key not in self._own_places:
            self._own_places[key] = self._next_place
            self._next_place += 1
        self.written[key] = record
        if record is not None:
            for index in self._hashed.values():
                index.add(key, record)
            for index in self._sorted.values():
                index.add(self.place(key), key, record)

    def restore(self, key: str, previous: Record | Absent | None) -> None:
        """Take a write back: what was written before it, or ABSENT."""
        if previous is ABSENT:
            self._forget(key)
            del self.written[key]
            self._own_places.pop(key, None)
        else:
            self.write(key, previous)

    def _forget(self, key: str) -> None:
        old = self.written.get(key)
        if old is None:
            return
        for index in self._hashed.values():
            index.remove(key, old)
        for index in self._sorted.values():
            index.remove(self.place(key), key, old)

    def hashed(self, fields: Fields) -> HashIndex:
        """Return the index of the written records over these fields, made on first use."""
        index = self._hashed.get(fields)
        if index is None:
            index = self._hashed[fields] = HashIndex(fields)
            for key, record in self.written.items():
                if record is not None:
                    index.add(key, record)
        return index

    def sorted(self, field: str) -> SortedIndex:
        """Return the ordered index of the written records over this field, made on first use."""
        index = self._sorted.get(field)
        if index is None:
            rows = ((self.place(k), k, r) for k, r in self.written.items() if r is not None)
            index = self._sorted[field] = SortedIndex(field, rows)
        return index

    def all(self) -> Iterator[tuple[str, Record]]:
        """Yield every record there is, in order of place."""
        written = self.written
        for key, record in self._table.items():
            now = written.get(key, ABSENT)
            if now is ABSENT:
                yield key, record
            elif now is not None:
                yield key, now
        for key in self._own_places:
            made = written[key]
            if made is not None:
                yield key, made
