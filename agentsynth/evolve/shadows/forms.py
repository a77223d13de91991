"""How records of a shadow are stored and shown: keys, references, views."""

from dataclasses import dataclass
from typing import Any

from agentsynth.core.ids import derive_seed
from agentsynth.evolve.shadows.lexis import SECRETS
from agentsynth.evolve.shadows.model import (
    Inferred,
    Operation,
    ShadowEntity,
    ShadowField,
    Shape,
)
from agentsynth.evolve.shadows.words import singular, snake

__all__ = ["INNER", "Forms", "id_pattern", "plural"]

INNER = "record_no"
"""Key of an entity that people and tools know by a name: it is never shown."""

_LISTS = ("items", "noun", "noun_total", "data")


@dataclass(frozen=True, slots=True)
class Forms:
    """The forms of one server's records and results."""

    inferred: Inferred

    def entity(self, name: str) -> ShadowEntity:
        """Return an entity by name."""
        return self.inferred.entities[name]

    def key(self, entity: ShadowEntity) -> str:
        """Return the name of the stored key."""
        return INNER if entity.named_by else entity.key

    def shown_key(self, entity: ShadowEntity, of: str = "it") -> str:
        """Return the expression of the key as results show it."""
        path = f"{of}.{entity.key}"
        return f"=int({path})" if entity.key_number else f"={path}"

    def shown(self, field: ShadowField, of: str = "it") -> str:
        """Return the expression of a field as results show it."""
        path = f"{of}.{field.name}"
        if field.ref is not None and self.entity(field.ref).key_number:
            return f"={path} == null ? null : int({path})"
        return f"={path}"

    def view(
        self, entity: ShadowEntity, of: str = "it", shape: Shape | None = None
    ) -> dict[str, Any]:
        """Return a record as results show it: as the output schema says, or the key and all."""
        names = self.names(entity, shape)
        shown: dict[str, Any] = {}
        for name, own in names.items():
            field = entity.field(own)
            key = own == entity.key and (field is None or entity.named_by)
            shown[name] = (
                self.shown_key(entity, of) if key or field is None else self.shown(field, of)
            )
        return shown

    def names(self, entity: ShadowEntity, shape: Shape | None) -> dict[str, str]:
        """Return what results show of a record: name to field, the key among them."""
        if shape is not None:
            return dict(shape.shown)
        open_ = (field.name for field in entity.fields if not SECRETS.search(snake(field.name)))
        return {name: name for name in (entity.key, *open_)}

    def single(self, entity: ShadowEntity, of: str, shape: Shape | None) -> dict[str, Any]:
        """Return a result that shows one record."""
        record = self.view(entity, of, shape)
        if shape is None:
            return record
        if shape.inner is not None:
            return {shape.inner: record, **shape.said}
        return {**record, **shape.said}

    def given(self, field: ShadowField, parameter: str) -> str:
        """Return the value of a parameter as the field stores it; null where it is not given."""
        if field.ref is not None and self.entity(field.ref).key_number:
            return f"args.{parameter} == null ? null : string(args.{parameter})"
        return f"args.{parameter}"

    def key_given(self, entity: ShadowEntity, parameter: str) -> str:
        """Return a key's parameter as it is stored."""
        return f"string(args.{parameter})" if entity.key_number else f"args.{parameter}"

    def where_one(self, entity: ShadowEntity, operation: Operation) -> dict[str, str]:
        """Return what the one record that a call speaks of has: its key, and what it belongs to."""
        assert operation.key is not None
        where = {entity.key: f"={self.key_given(entity, operation.key)}"}
        for parameter, name in operation.scope.items():
            field = entity.field(name)
            assert field is not None
            where[name] = f"={self.given(field, parameter)}"
        return where

    def list_name(self, entity: ShadowEntity, shape: Shape | None = None) -> str:
        """Return what a list of records is called in results; empty = the result is the list."""
        if shape is not None and (shape.items is not None or shape.bare):
            return shape.items or ""
        style = derive_seed("lists", self.inferred.server) % len(_LISTS)
        return {"items": "items", "data": "data"}.get(_LISTS[style], plural(entity.name))

    def total_name(self, shape: Shape | None = None) -> str | None:
        """Return what the number of all matches is called in results; None = it is not shown."""
        if shape is not None:
            return shape.total
        style = derive_seed("lists", self.inferred.server) % len(_LISTS)
        return {"items": "total", "noun_total": "total_count"}.get(_LISTS[style])


def plural(noun: str) -> str:
    """Return a noun's plural, in snake case."""
    head, _, last = noun.rpartition("_")
    if singular(last) != last:
        return noun
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        last = f"{last[:-1]}ies"
    elif last.endswith(("s", "x", "z", "ch", "sh")):
        last += "es"
    else:
        last += "s"
    return f"{head}_{last}" if head else last


def id_pattern(entity: ShadowEntity) -> tuple[str, str]:
    """Return how keys look (`#` = a digit), and the expression that makes a seed record's."""
    if entity.named_by:
        return "R-#####", "='R-' + string(10007 + n * 13)"
    start = 10_000 + derive_seed("keys", entity.name) % 40_000
    if entity.key_number:
        head = 100 + derive_seed("number", entity.name) % 900
        return f"{head}####", f"=string({head}1001 + n * 37)"
    letters = "".join(word[:1] for word in entity.name.split("_"))
    short = letters if len(letters) > 1 else entity.name[:3]
    prefix = f"{short.upper()}-"
    return f"{prefix}#####", f"='{prefix}' + string({start} + n * 23)"


def taken_by(entity: ShadowEntity) -> tuple[str, ...]:
    """Return the fields within which a name is unique: what the record belongs to, and the name."""
    scopes = [
        one.name
        for one in entity.fields
        if one.ref is not None and (one.required or one.origin == "scope")
    ]
    return (*scopes, entity.key)
