"""Output schemas: which fields a record shows, and how a result is laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from agentsynth.core.schemas import plain
from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.shadows.model import ShadowField, Shape
from agentsynth.evolve.shadows.parameters import field_type
from agentsynth.evolve.shadows.words import snake

__all__ = ["Laid", "laid_out", "output_fields", "shape_of"]

_SUCCESS = frozenset(
    ["success", "ok", "deleted", "archived", "unarchived", "removed", "done", "updated", "created"]
)
_TOTALS = frozenset(["total", "count", "total_count", "size", "length"])
_MESSAGES = frozenset(["message", "status_message", "detail"])
_IDS = frozenset(["id", "uuid", "guid", "uid"])
_MOST_NULLABLE = 24
"""Fields taken from an output schema at most, required ones aside."""


@dataclass(frozen=True, slots=True)
class Laid:
    """A result's layout: where its record or records are, and what a record has."""

    items: str | None
    inner: str | None
    record: Mapping[str, Any]
    """Property to schema; empty = nothing is said of a record."""
    required: frozenset[str]
    beside: Mapping[str, Any]
    """Properties of the result beside its record or records."""
    beside_required: frozenset[str]


def laid_out(output: Mapping[str, Any], deed: str, noun: str) -> Laid | None:
    """Read an output schema; None = it cannot be read."""
    root = parameters_of({"inputSchema": cast(JsonValue, dict(output))}).schema
    if root is None:
        return None
    properties = _properties(root)
    required = frozenset(str(one) for one in cast(list[Any], root.get("required", [])))
    lists = [n for n, one in properties.items() if plain(one).get("type") == "array"]
    records = [n for n in lists if _properties(plain(plain(properties[n]).get("items", {})))]
    if deed == "list" and not lists:
        return None
    if deed == "list":
        at = records[0] if records else lists[0]
        record = plain(plain(properties[at]).get("items", {}))
        return _laid(at, None, record, properties, required)
    objects = [n for n, one in properties.items() if _properties(plain(one))]
    if len(objects) == 1 and (len(properties) == 1 or snake(objects[0]) == noun):
        return _laid(None, objects[0], plain(properties[objects[0]]), properties, required)
    return Laid(None, None, properties, required, {}, frozenset())


def _laid(
    items: str | None,
    inner: str | None,
    record: Mapping[str, Any],
    properties: Mapping[str, Any],
    required: frozenset[str],
) -> Laid:
    beside = {name: one for name, one in properties.items() if name not in (items, inner)}
    own = frozenset(str(one) for one in record.get("required", []))
    return Laid(items, inner, _properties(record), own, beside, required & beside.keys())


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return cast(Mapping[str, Any], found) if isinstance(found, dict) else {}


def output_fields(laid: Laid, key: str) -> list[ShadowField]:
    """Return the fields that a record's schema tells of, but for the key."""
    found: list[ShadowField] = []
    for name, one in laid.record.items():
        bare = plain(one)
        kind = field_type(bare)
        if kind is None or is_key(name, key) or snake(name) in (*_MESSAGES, *_SUCCESS):
            continue
        solid = not _allows_null(one)
        needed = name in laid.required and solid
        if not needed and len(found) >= _MOST_NULLABLE:
            continue
        values = tuple(bare.get("enum", ())) if kind == "enum" else ()
        said = str(bare.get("description", ""))[:300]
        made = ShadowField(
            name=name, type=kind, values=values, description=said, origin="output", required=False
        )
        found.append(made.model_copy(update={"always": needed or (solid and kind != "string")}))
    return found


def is_key(name: str, key: str) -> bool:
    """Whether a property of a record is its key."""
    bare = snake(name)
    return bare == key or (key in _IDS and bare in _IDS)


def _allows_null(schema: Mapping[str, Any]) -> bool:
    return plain(schema) is not schema or schema.get("type") == "null"


def shape_of(laid: Laid, deed: str, key: str, fields: Mapping[str, ShadowField]) -> Shape | str:
    """Return how a result is laid out, or the property that nothing here can fill.

    Args:
        fields: the entity's fields, by their names in snake case.
    """
    shown: dict[str, str] = {}
    said: dict[str, bool | str] = {}
    total: str | None = None
    single = deed != "list"
    for name, one in laid.record.items():
        known = fields.get(snake(name))
        if is_key(name, key):
            shown[name] = key
        elif known is not None and _fits(one, known):
            shown[name] = known.name
        elif single and (told := _told(name, one)) is not None:
            said[name] = told
        elif name in laid.required:
            return name
    for name, one in laid.beside.items():
        if (
            not single
            and snake(name) in _TOTALS
            and plain(one).get("type") in ("integer", "number")
        ):
            total = name
        elif (told := _told(name, one)) is not None:
            said[name] = told
        elif name in laid.beside_required:
            return name
    return Shape(items=laid.items, inner=laid.inner, shown=shown, said=said, total=total)


def _fits(schema: Mapping[str, Any], known: ShadowField) -> bool:
    """Whether a property can always show a field: of its type, and never null where it may not."""
    never_null = known.always or known.required
    return field_type(plain(schema)) == known.type and (never_null or _allows_null(schema))


def _told(name: str, schema: Mapping[str, Any]) -> bool | str | None:
    """Return what a success says in a property; None = that is not known."""
    kind, bare = plain(schema).get("type"), snake(name)
    if kind == "boolean" and bare in _SUCCESS:
        return True
    return "Done." if kind == "string" and bare in _MESSAGES else None
