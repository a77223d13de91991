"""What one result says: its records, the keys in them, and every value. The same for all tasks."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from agentsynth.core.domain import Domain
from agentsynth.plan.goals import leaves

__all__ = ["Reader", "Seen", "SeenRecord", "plain"]

_LONG = 80
"""Characters from which a value is a text to be read."""
_REMEMBERED = 20_000
"""Values of which it is remembered whether they are keys."""


@dataclass(frozen=True, slots=True)
class SeenRecord:
    """One record of a result, with the scalars around it."""

    fields: dict[str, Any]
    plain: frozenset[str]
    """Its values, made to be compared with what somebody said."""
    keys: tuple[tuple[str, str], ...]
    """(entity, key) for every value that has the form of an entity's key."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one result says."""

    records: tuple[SeenRecord, ...]
    leaves: frozenset[tuple[str, Any]]
    texts: tuple[str, ...]
    """Values long enough to be read as texts."""


class Reader:
    """Reads results of one domain's tools."""

    def __init__(self, domain: Domain) -> None:
        self._patterns = {
            name: re.compile(re.escape(entity.id_pattern).replace(r"\#", r"\d"))
            for name, entity in domain.entities.items()
        }
        self._known: dict[str, tuple[str, ...]] = {}

    def read(self, result: Any) -> Seen:
        """Return what a decoded result says."""
        pairs = list(leaves(result))
        return Seen(
            records=tuple(self._record(flat) for flat in _records(result, {})),
            leaves=frozenset(pairs),
            texts=tuple(v for _, v in pairs if isinstance(v, str) and len(v) > _LONG),
        )

    def _record(self, flat: dict[str, Any]) -> SeenRecord:
        values = flat.values()
        keys = ((entity, str(v)) for v in values for entity in self._entities_of(v))
        return SeenRecord(flat, frozenset(plain(v) for v in values), tuple(keys))

    def _entities_of(self, value: Any) -> tuple[str, ...]:
        if not isinstance(value, str | int) or isinstance(value, bool):
            return ()
        text = str(value)
        if text not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[text] = tuple(n for n, p in self._patterns.items() if p.fullmatch(text))
        return self._known[text]


def plain(value: Any) -> str:
    """Return a value as it is compared with what somebody said."""
    return str(value).casefold()


def _records(value: Any, around: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records of a result, each with its own scalars and those around it.

    What stands in a neighbouring entry of a list does not belong to a record.
    """
    if isinstance(value, dict):
        record = cast(dict[str, Any], value)
        own = {n: v for n, v in record.items() if not isinstance(v, dict | list)}
        flat = {**around, **own}
        yield flat
        for part in record.values():
            yield from _records(part, flat)
    elif isinstance(value, list):
        for part in cast(list[Any], value):
            if isinstance(part, dict):
                yield from _records(part, around)
            else:
                yield {**around, "": part}
