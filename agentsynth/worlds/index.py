"""Indexes over records: equal values in a hash, ordered values in a sorted list. No state."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json

__all__ = ["Fields", "HashIndex", "SortedIndex", "index_value"]

Fields = tuple[str, ...]
Record = Mapping[str, Any]


def index_value(value: Any) -> Any:
    """Return the value as something a dict can hold: lists and mappings by their JSON."""
    return ("json", canonical_json(value)) if isinstance(value, list | dict | tuple) else value


def _sortable(value: Any) -> tuple[str, Any]:
    return ("text" if isinstance(value, str) else "number", value)


class HashIndex:
    """Keys by the values of some fields, in the order they were added."""

    __slots__ = ("_fields", "_keys", "_single")

    def __init__(self, fields: Fields) -> None:
        self._fields = fields
        self._single = fields[0] if len(fields) == 1 else None
        self._keys: dict[Any, dict[str, None]] = {}

    def _of(self, record: Record) -> Any:
        if self._single is not None:
            return index_value(record.get(self._single))
        return tuple(index_value(record.get(field)) for field in self._fields)

    def add(self, key: str, record: Record) -> None:
        """Add a record."""
        self._keys.setdefault(self._of(record), {})[key] = None

    def remove(self, key: str, record: Record) -> None:
        """Take out a record that was added."""
        del self._keys[self._of(record)][key]

    def keys(self, values: Sequence[Any]) -> Mapping[str, None]:
        """Return the keys of the records with these values, in the order they were added."""
        if self._single is not None:
            return self._keys.get(index_value(values[0]), _NONE)
        return self._keys.get(tuple(index_value(value) for value in values), _NONE)


_NONE: Mapping[str, None] = {}


class SortedIndex:
    """Places and keys of records by the value of one field; nulls are left out."""

    __slots__ = ("_entries", "_field")

    def __init__(self, field: str, records: Iterable[tuple[int, str, Record]] = ()) -> None:
        self._field = field
        self._entries: list[tuple[tuple[str, Any], int, str]] = sorted(
            (_sortable(record[field]), place, key)
            for place, key, record in records
            if record.get(field) is not None
        )

    def add(self, place: int, key: str, record: Record) -> None:
        """Add a record; `place` is its place among all records of its entity."""
        if record.get(self._field) is not None:
            insort(self._entries, (_sortable(record[self._field]), place, key))

    def remove(self, place: int, key: str, record: Record) -> None:
        """Take out a record that was added."""
        if record.get(self._field) is not None:
            entry = (_sortable(record[self._field]), place, key)
            del self._entries[bisect_left(self._entries, entry)]

    def span(self, low: Any, high: Any) -> tuple[int, int]:
        """Return from where to where the entries lie between two values, both included.

        Raises:
            DomainError: if one bound is a text and the other a number.
        """
        if low is not None and high is not None and isinstance(low, str) != isinstance(high, str):
            raise DomainError(f"'between' has bounds of different types: {low!r} and {high!r}")
        kind = _sortable(low if low is not None else high)[0]
        first = (kind,) if low is None else (kind, low)
        start = bisect_left(self._entries, first, key=lambda entry: entry[0][: len(first)])
        if high is None:
            return start, bisect_right(self._entries, kind, key=lambda entry: entry[0][0])
        return start, bisect_right(self._entries, (kind, high), key=lambda entry: entry[0])

    def entries(self, start: int, end: int) -> Iterator[tuple[int, str]]:
        """Yield place and key of the entries in a span."""
        return ((place, key) for _, place, key in self._entries[start:end])
