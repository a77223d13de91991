"""What the calls before a state have changed: the records that the next call is tried on first.

A mistake that shows only after another call shows on what that call has changed, on what that
refers to, or on records much like it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.domain import Domain
from agentsynth.core.task import Change
from agentsynth.worlds.contract_parts import Record

__all__ = ["Traces", "traces_of"]

_ALIKE = 8
"""Records much like the changed ones, at most, for each entity."""
_REFERENCES = 2
"""How far references are followed: from a place on a list to an animal, from it to its owner."""


@dataclass(frozen=True)
class Traces:
    """The records that earlier calls changed, with the tools, and what stands near them."""

    tables: Mapping[str, Mapping[str, Record]] = field(default_factory=lambda: {})
    changed: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=lambda: {})
    """Entity and key to the tools that changed the record."""
    referred: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=lambda: {})
    """Entity and key to the tools that changed a record that refers to this one."""
    _near: dict[str, list[str]] = field(default_factory=lambda: {})

    def near(self, entity: str) -> Sequence[str]:
        """Return an entity's keys to try first: changed, referred to, much like those changed."""
        if entity not in self._near:
            own = [key for name, key in self.changed if name == entity]
            others = [key for name, key in self.referred if name == entity and key not in own]
            self._near[entity] = [*own, *others, *self._alike(entity, [*own, *others])]
        return self._near[entity]

    def _alike(self, entity: str, own: Sequence[str]) -> list[str]:
        """Return the keys of records that share the most values with a changed one."""
        table = self.tables.get(entity, {})
        changed = [set(_values(table[key])) for key in own if (entity, key) in self.changed]
        if not changed:
            return []
        scored: list[tuple[int, int, str]] = []
        for place, (key, record) in enumerate(table.items()):
            if key not in own:
                values = set(_values(record))
                scored.append((-max(len(values & other) for other in changed), place, key))
        return [key for _, _, key in sorted(scored)[:_ALIKE]]

    def goals(
        self,
        codes: Collection[str],
        arguments: Mapping[str, Any],
        keys: Mapping[str, Collection[str]],
    ) -> Iterator[str]:
        """Yield what a call meets because of the calls before it.

        Args:
            codes: the codes that are due; empty = success.
            arguments: of the call.
            keys: parameter to the entities whose key it holds.
        """
        outcome = " or ".join(sorted(codes)) or "success"
        for name, entities in keys.items():
            value = arguments.get(name)
            for key in value if isinstance(value, list) else [value]:
                for entity in sorted(entities):
                    for tool in self.changed.get((entity, str(key)), ()):
                        yield f"{outcome}, {name} is what {tool} changed"
                    for tool in self.referred.get((entity, str(key)), ()):
                        yield f"{outcome}, {name} is beside what {tool} changed"


def traces_of(
    calls: Iterable[tuple[str, Sequence[Change]]],
    domain: Domain,
    tables: Mapping[str, Mapping[str, Record]],
) -> Traces:
    """Return what calls have changed.

    Args:
        calls: each tool that was called, with what it changed.
        domain: tells which fields refer to what.
        tables: the records after all the calls.
    """
    changed: dict[tuple[str, str], dict[str, None]] = {}
    for tool, changes in calls:
        for change in changes:
            key, entity = change.key, change.entity
            if key is not None and entity in domain.entities and key in tables[entity]:
                changed.setdefault((entity, key), {})[tool] = None
    referred: dict[tuple[str, str], dict[str, None]] = {}
    edge = changed
    for _ in range(_REFERENCES):
        edge = _referred(edge, domain, tables)
        for place, tools in edge.items():
            if place not in changed:
                referred.setdefault(place, {}).update(tools)
    return Traces(
        tables,
        {place: tuple(tools) for place, tools in changed.items()},
        {place: tuple(tools) for place, tools in referred.items()},
    )


def _referred(
    places: Mapping[tuple[str, str], dict[str, None]],
    domain: Domain,
    tables: Mapping[str, Mapping[str, Record]],
) -> dict[tuple[str, str], dict[str, None]]:
    """Return the records that these refer to, with the tools that changed these."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for (entity, key), tools in places.items():
        for column, spec in domain.entities[entity].fields.items():
            value = tables[entity][key][column]
            if spec.ref is not None and value is not None and str(value) in tables[spec.ref]:
                found.setdefault((spec.ref, str(value)), {}).update(tools)
    return found


def _values(record: Record) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if not isinstance(value, list | dict):
            yield name, value
