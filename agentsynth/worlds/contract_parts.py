"""Compiled parts of a contract: values, lookups, and the plain records they are asked of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import Lookup
from agentsynth.core.domain import Entity
from agentsynth.worlds.expressions import compile_expression

__all__ = [
    "SCHEDULED_FIELDS",
    "EntityShape",
    "Part",
    "Record",
    "Selected",
    "Snapshot",
    "compile_lookup",
    "compile_part",
    "condition",
    "entity_shapes",
    "order_key",
]

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EntityShape:
    """What a contract has to know of an entity."""

    key: str
    fields: tuple[str, ...]
    hidden_by: str | None
    """The field that is set when a record is deleted softly; None = deletion removes it."""
    hidden_at: str
    """`today` or `now`: what that field is set to."""
    derived: frozenset[str]
    """Fields that follow from the others, so that nobody promises them."""
    refs: Mapping[str, str] = field(default_factory=lambda: {})
    """Reference field to the entity it refers to."""


SCHEDULED_FIELDS = ("id", "effect", "due", "args")
"""Of the built-in entity of pending effects."""

_SCHEDULED = EntityShape("id", SCHEDULED_FIELDS, None, "now", frozenset())


def entity_shapes(entities: Mapping[str, Entity]) -> dict[str, EntityShape]:
    """Return the shape of every entity, the built-in `scheduled` among them."""
    shapes = {"scheduled": _SCHEDULED}
    for name, entity in entities.items():
        hidden_by = entity.soft_delete
        dated = hidden_by is not None and entity.fields[hidden_by].type == "date"
        shapes[name] = EntityShape(
            entity.key,
            tuple(entity.fields),
            hidden_by,
            "today" if dated else "now",
            frozenset(entity.derived),
            {field_: spec.ref for field_, spec in entity.fields.items() if spec.ref is not None},
        )
    return shapes


@dataclass(frozen=True)
class Snapshot:
    """A state as plain records: entity to key to record, in the order a query sees them."""

    tables: Mapping[str, Mapping[str, Record]]
    today: str
    now: str
    _found: dict[tuple[str, str], dict[Any, list[Record]]] = field(default_factory=lambda: {})

    def having(self, entity: str, name: str, value: Any) -> Sequence[Record]:
        """Return the records whose field equals the value, remembered for the next time."""
        records = self.tables.get(entity, {}).values()
        if isinstance(value, list | dict):  # lists are not remembered
            return [record for record in records if record[name] == value]
        if (entity, name) not in self._found:
            sorted_out: dict[Any, list[Record]] = {}
            for record in records:
                if not isinstance(record[name], list | dict):
                    sorted_out.setdefault(record[name], []).append(record)
            self._found[entity, name] = sorted_out
        return self._found[entity, name].get(value, [])


@dataclass(frozen=True, slots=True)
class Part:
    """A compiled value: what it needs of the names in scope, and what it gives."""

    evaluate: Callable[[Mapping[str, Any]], Any]
    needs: frozenset[str]


def compile_part(value: Any) -> Part:
    """Compile a literal, an `=expression`, or a list or mapping of both."""
    if isinstance(value, str) and value.startswith("="):
        return condition(value[1:])
    if isinstance(value, Mapping):
        named = {str(name): compile_part(part) for name, part in value.items()}
        needs = frozenset(n for part in named.values() for n in part.needs)
        return Part(lambda names: {k: part.evaluate(names) for k, part in named.items()}, needs)
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [compile_part(part) for part in value]
        needs = frozenset(n for part in items for n in part.needs)
        return Part(lambda names: [part.evaluate(names) for part in items], needs)
    return Part(lambda names: value, frozenset())


def condition(text: str) -> Part:
    """Compile an expression written without its leading `=`."""
    expression = compile_expression(text)
    heads = frozenset(path.partition(".")[0] for path in expression.paths)
    return Part(expression.evaluate, heads)


def order_key(names: Sequence[str]) -> Callable[[Record], tuple[Any, ...]]:
    """Return the key by which a record is placed: null first, descending fields turned around."""
    fields = [(name.removeprefix("-"), name.startswith("-")) for name in names]

    def key(record: Record) -> tuple[Any, ...]:
        return tuple(
            _Turned((record[name] is not None, record[name]))
            if turned
            else (record[name] is not None, record[name])
            for name, turned in fields
        )

    return key


@dataclass(frozen=True, slots=True)
class _Turned:
    """A value that sorts the other way around."""

    value: tuple[bool, Any]

    def __lt__(self, other: "_Turned") -> bool:
        return other.value < self.value


@dataclass(frozen=True)
class Selected:
    """A compiled lookup."""

    lookup: Lookup
    entity: str | None
    key: Part
    where: dict[str, Part]
    keep: Part | None
    show: dict[str, Part]

    @property
    def needs(self) -> frozenset[str]:
        """Names it reads, `it` left out."""
        kept = [self.keep] if self.keep is not None else []
        parts = [self.key, *self.where.values(), *self.show.values(), *kept]
        return frozenset(name for part in parts for name in part.needs) - {"it"}


def compile_lookup(lookup: Lookup) -> Selected:
    """Compile a lookup."""
    return Selected(
        lookup=lookup,
        entity=lookup.entity,
        key=compile_part(lookup.value if lookup.verb == "value" else lookup.key),
        where={name: compile_part(value) for name, value in lookup.where.items()},
        keep=condition(lookup.if_) if lookup.if_ is not None else None,
        show={name: compile_part(value) for name, value in lookup.show.items()},
    )
