"""The records that results show: mappings with their scalars, and where a value stands in them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Record", "fields_with", "keys_of", "records_in", "scalars_of"]


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """A mapping of a result, and of the mappings in it, with its scalars by dotted path."""

    fields: Mapping[str, Any]
    listed: bool
    """Whether it is one of several entries of a list."""

    def has(self, field: str) -> bool:
        """Whether a field of this name, wherever it is nested, has a value."""
        if self.fields.get(field) is not None:
            return True
        return any(
            path.endswith(f".{field}") and value is not None for path, value in self.fields.items()
        )


def records_in(result: Any) -> tuple[Record, ...]:
    """Return the records of a result."""
    found: list[Record] = []
    _collect(result, found, listed=False)
    return tuple(found)


def fields_with(record: Record, key: Any) -> Iterator[str]:
    """Yield the names of the fields that have a value.

    Args:
        key: a number, a text in one case, an ISO date or a time (HH:MM).
    """
    for path, value in record.fields.items():
        if isinstance(value, str):
            same = len(value) >= 16 or len(value) == len(key) if isinstance(key, str) else False
            if same and key in keys_of(value):
                yield _last(path)
        elif value == key and not isinstance(value, bool):
            yield _last(path)


def _last(path: str) -> str:
    return path if "." not in path else path.rpartition(".")[2]


def keys_of(value: Any) -> Iterator[Any]:
    """Yield what a scalar is found by: itself, of a moment its day and its time as well."""
    if isinstance(value, str):
        yield value.casefold()
        if len(value) >= 16 and value[10] in "T " and value[13] == ":":
            yield value[:10]
            yield value[11:16]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def _collect(value: Any, found: list[Record], *, listed: bool) -> None:
    if isinstance(value, dict):
        fields: dict[str, Any] = {}
        found.append(Record(fields, listed))
        _fill(value, "", fields, found)
    elif isinstance(value, list):
        for part in value:
            _collect(part, found, listed=len(value) > 1)


def _fill(value: Mapping[str, Any], path: str, fields: dict[str, Any], found: list[Record]) -> None:
    """Add the scalars of a mapping to a record's; what its lists have are records of their own."""
    for name, part in value.items():
        if isinstance(part, dict):
            _fill(part, f"{path}{name}.", fields, found)
        elif isinstance(part, list):
            for one in part:
                _collect(one, found, listed=len(part) > 1)
        else:
            fields[f"{path}{name}" if path else name] = part


def scalars_of(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the scalars of a mapping and of the mappings in it, by dotted path."""
    found: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, dict):
            found |= scalars_of(part, f"{path}{name}.")
        elif not isinstance(part, list):
            found[f"{path}{name}"] = part
    return found
