"""What kind of value a name, a field or a parameter holds, as far as the files say."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from agentsynth.core.domain import Entity, FieldSpec
from agentsynth.worlds.fields import is_date, is_datetime, is_time

__all__ = [
    "ANY",
    "BOOL",
    "INT",
    "NULL",
    "TEXT",
    "Type",
    "clashes",
    "field_type",
    "list_of",
    "mapping_of",
    "misfit",
    "one_of",
    "record_of",
    "schema_type",
    "value_type",
]

_TEXTS = frozenset({"text", "enum", "date", "datetime", "time"})
_TIMES = frozenset({"date", "datetime", "time"})
_NAMES = {
    "text": "a text",
    "enum": "an enum",
    "date": "a date",
    "datetime": "a datetime",
    "time": "a time",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list",
    "record": "a record",
    "null": "null",
    "float": "a number with a point",
}
_FORMS = {"date": is_date, "datetime": is_datetime, "time": is_time}


@dataclass(frozen=True)
class Type:
    """A kind of value. `any` = nothing is known, so nothing is claimed."""

    kind: str
    values: tuple[Any, ...] | None = None
    """The only values there can be; None = not known."""
    fields: Mapping[str, "Type"] | None = None
    """Of a record; None = not known."""
    item: "Type | None" = None
    """Of a list; None = not known."""
    nullable: bool = False
    free: bool = False
    """A text of the caller's that nothing narrows."""

    def __str__(self) -> str:
        return _NAMES.get(self.kind, self.kind)


ANY = Type("any")
BOOL = Type("bool")
INT = Type("int")
TEXT = Type("text")
NULL = Type("null")
_FIELD_KINDS = {
    "string": "text",
    "text": "text",
    "integer": "int",
    "money": "int",
    "boolean": "bool",
}


def record_of(entity: Entity) -> Type:
    """Return the type of an entity's records."""
    return mapping_of({name: field_type(spec) for name, spec in entity.fields.items()})


def mapping_of(fields: Mapping[str, Type]) -> Type:
    """Return the type of a mapping with these parts."""
    return Type("record", fields=fields)


def list_of(item: Type) -> Type:
    """Return the type of a list of these."""
    return Type("list", item=item)


def field_type(spec: FieldSpec) -> Type:
    """Return the type of an entity's field."""
    if spec.type == "strings":
        return replace(list_of(TEXT), nullable=spec.nullable)
    values = spec.values if spec.type == "enum" else None
    kind = _FIELD_KINDS.get(spec.type, spec.type)
    return Type(kind, values=values, nullable=spec.nullable)


def schema_type(schema: Mapping[str, Any]) -> Type:
    """Return the type of a parameter by its JSON Schema."""
    nullable = bool(schema.get("optional")) and schema.get("default") is None
    match schema.get("type"):
        case "string":
            made = _text_schema(schema)
        case "integer":
            made = INT
        case "boolean":
            made = BOOL
        case "array":
            items = schema.get("items")
            made = list_of(schema_type(items) if isinstance(items, dict) else ANY)
        case "object":
            made = Type("record")
        case _:
            made = ANY
    return replace(made, nullable=nullable)


def _text_schema(schema: Mapping[str, Any]) -> Type:
    if isinstance(schema.get("enum"), list):
        return Type("enum", values=tuple(schema["enum"]))
    if schema.get("format") in _TIMES:
        return Type(schema["format"])
    return Type("text", free=not schema.keys() & {"pattern", "const", "format"})


def value_type(value: Any) -> Type:
    """Return the type of a literal."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return Type("bool", values=(value,))
    if isinstance(value, int):
        return Type("int", values=(value,))
    if isinstance(value, float):
        return Type("float")
    if isinstance(value, str):
        return Type("text", values=(value,))
    if isinstance(value, list | tuple):
        return list_of(one_of([value_type(item) for item in value]))
    if isinstance(value, Mapping):
        return mapping_of({str(name): value_type(part) for name, part in value.items()})
    return ANY


def one_of(types: list[Type]) -> Type:
    """Return the type of a value that is one of several."""
    real = [one for one in types if one.kind != "null"]
    if not real:
        return NULL if types else ANY
    nullable = len(real) < len(types) or any(one.nullable for one in real)
    first = real[0]
    if all(one.kind == first.kind for one in real) and first.kind not in ("record", "list"):
        known = [one.values for one in real]
        values = tuple(dict.fromkeys(v for some in known for v in some or ()))
        complete = all(some is not None for some in known)
        return Type(first.kind, values=values if complete else None, nullable=nullable)
    if all(one.kind in _TEXTS for one in real):
        return replace(TEXT, nullable=nullable)
    return replace(first, nullable=nullable) if all(one == first for one in real) else ANY


def clashes(left: Type, right: Type) -> str | None:
    """Return why two values can never be equal or compared; None = perhaps they can."""
    if "any" in (left.kind, right.kind) or "null" in (left.kind, right.kind):
        return None
    for one, other in ((left, right), (right, left)):
        if (wrong := _not_among(one, other)) is not None:
            return wrong
    if left.kind == right.kind or {left.kind, right.kind} <= {"int", "float"}:
        return None
    if {left.kind, right.kind} <= _TEXTS and not {left.kind, right.kind} <= _TIMES:
        return None
    return f"{left} and {right} are never equal"


def _not_among(one: Type, other: Type) -> str | None:
    """Say why the only values `other` can have are none of `one`'s."""
    if other.values is None or other.kind not in _TEXTS:
        return None
    if one.kind in _FORMS and not any(_FORMS[one.kind](value) for value in other.values):
        return f"{other.values[0]!r} is not {one}"
    if one.kind == "enum" and one.values is not None and not set(one.values) & set(other.values):
        shown = ", ".join(repr(value) for value in other.values)
        return f"{shown} is none of the enum's values: {', '.join(map(str, one.values))}"
    return None


def misfit(field: FieldSpec, value: Type) -> str | None:
    """Return why a value can never be written into a field; None = perhaps it can."""
    wanted = field_type(field)
    if value.kind == "any":
        return None
    if value.kind == "null":
        return None if field.nullable else "may not be null"
    if (wrong := _not_among(wanted, value)) is not None:
        return wrong
    if value.free and wanted.kind in _TIMES:
        return (
            f"expected {wanted}, but the parameter takes any text; "
            f"give it 'format: {wanted.kind}' in its schema"
        )
    if value.kind == wanted.kind or (value.kind in _TEXTS and wanted.kind in ("text", "enum")):
        return None
    if value.kind in _TEXTS - _TIMES and wanted.kind in _TIMES:
        return None
    return f"expected {wanted}, the expression gives {value}"
