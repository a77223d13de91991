"""OpenAI's strict form of a tool's parameters, where one exists that means the same calls.

Source of the rules and limits: OpenAI's guide to structured outputs, "Supported schemas", as
documented in February 2026. Fine-tuned models support less; that is not looked at.

What counts as the same: every call that fits the strict form is, once `from_strict` has taken out
the nulls that stand for "left out", a call that the raw schema accepts, but for limits that are
only told in a description (`Strict.told`). Extra properties that no schema describes can no longer
be sent. A schema that asks for such properties has no strict form.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from agentsynth.core.ids import canonical_json
from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.schema_keywords import has_type
from agentsynth.evolve.schema_notes import LOSSES
from agentsynth.evolve.schema_views import usable_property_name
from agentsynth.worlds.wire import JsonObject

__all__ = ["Strict", "from_strict", "strict_view"]

_MAX_PROPERTIES = 5_000
_MAX_OBJECTS_DEEP = 10
_MAX_CHARACTERS = 120_000
"""Over property names, enum and const values."""
_MAX_ENUM_VALUES = 1_000
_LONG_ENUM = 250
_MAX_LONG_ENUM_CHARACTERS = 15_000

_KEPT = frozenset(
    {"type", "properties", "required", "additionalProperties", "items", "anyOf", "enum"}
    | {"description", "title", "pattern", "multipleOf", "maximum", "minimum"}
    | {"exclusiveMaximum", "exclusiveMinimum", "minItems", "maxItems"}
)
_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
)
_TOLD = {
    "default": "Default",
    "examples": "Examples",
    "format": "Format",
    "maxLength": "Longest length",
    "minLength": "Shortest length",
    "uniqueItems": "No item twice",
    "contentEncoding": "Encoding",
    "contentMediaType": "Media type",
    "deprecated": "Deprecated",
    "readOnly": "Read only",
    "writeOnly": "Write only",
}
"""Keywords without a strict form and the words that tell them in the description."""
_NULL: JsonObject = {"type": "null"}


@dataclass(frozen=True, slots=True)
class Strict:
    """The strict form of a tool's parameters, or why there is none."""

    schema: JsonObject | None
    refused: tuple[str, ...] = ()
    """`reason at pointer`, in the schema's order; empty = there is a strict form."""
    told: tuple[str, ...] = ()
    """`keyword at pointer` of limits that only a description tells now."""
    loose: JsonObject | None = None
    """The normalised schema it was made from; None = there was none."""


@dataclass(slots=True)
class _Pass:
    refused: list[str] = field(default_factory=list[str])
    told: list[str] = field(default_factory=list[str])
    properties: int = 0
    values: int = 0
    characters: int = 0


def strict_view(raw: Mapping[str, JsonValue]) -> Strict:
    """Return the strict form of a tool's parameters. Never raises on JSON.

    Args:
        raw: the tool as its server lists it.
    """
    made = parameters_of(raw)
    if made.schema is None:
        return Strict(None, (f"unusable: {made.unusable}",))
    run = _Pass()
    # What normalising gave up is no longer in the schema, so nothing could hold a call to it.
    run.refused += [f"{note.code} at {note.where}" for note in made.notes if note.code in LOSSES]
    schema = _strict(made.schema, "", 0, run)
    limits = (
        ("properties", run.properties, _MAX_PROPERTIES),
        ("enum values", run.values, _MAX_ENUM_VALUES),
        ("characters in names and values", run.characters, _MAX_CHARACTERS),
    )
    run.refused += [f"{count} {what}" for what, count, most in limits if count > most]
    if run.refused:
        return Strict(None, tuple(run.refused), loose=made.schema)
    return Strict(schema, (), tuple(run.told), made.schema)


def _strict(node: JsonObject, where: str, objects: int, run: _Pass) -> JsonObject:
    made = _with_known_words(node, where, run)
    _typed(made, where, run)
    if "anyOf" in made:
        if not where:
            run.refused.append(f"anyOf at {where or '/'}")
        made["anyOf"] = [
            _strict(branch, f"{where}/anyOf/{number}", objects, run)
            for number, branch in enumerate(cast(list[JsonObject], made["anyOf"]))
        ]
    if made.get("type") == "object":
        if objects >= _MAX_OBJECTS_DEEP:
            run.refused.append(f"nesting at {where}")
            return made
        _close(made, where, objects, run)
    if made.get("type") == "array":
        items = made.get("items")
        made["items"] = (
            _strict(items, f"{where}/items", objects, run) if isinstance(items, dict) else items
        )
    return made


def _with_known_words(node: JsonObject, where: str, run: _Pass) -> JsonObject:
    """Return the node's keywords that strict mode knows, the rest told or refused."""
    made: JsonObject = {}
    told: list[str] = []
    for key, value in node.items():
        if key == "const" and "enum" not in node:
            made["enum"] = [value]
        elif key in _KEPT or (key == "format" and value in _FORMATS):
            made[key] = value
        elif key in _TOLD:
            told.append(f"{_TOLD[key]}: {canonical_json(value)}.")
            run.told.append(f"{key} at {where}")
        else:
            run.refused.append(f"{key} at {where or '/'}")
    if told:
        made["description"] = " ".join([str(made.get("description", "")).rstrip(), *told]).strip()
    return made


def _typed(made: JsonObject, where: str, run: _Pass) -> None:
    """See that a node has a type or branches, and that enums are within the limits."""
    values = made.get("enum")
    if isinstance(values, list):
        size = sum(len(canonical_json(value)) for value in values)
        run.values += len(values)
        run.characters += size
        if len(values) > _LONG_ENUM and size > _MAX_LONG_ENUM_CHARACTERS:
            run.refused.append(f"long enum at {where}")
        if not values or any(isinstance(value, dict | list) for value in values):
            run.refused.append(f"enum at {where}")
    if "type" in made and not isinstance(made["type"], str):
        run.refused.append(f"type list at {where}")
    if "type" in made or "anyOf" in made:
        if "type" in made and "anyOf" in made:
            run.refused.append(f"type beside anyOf at {where or '/'}")
        return
    for name in ("string", "boolean", "integer", "number", "null"):
        if isinstance(values, list) and all(has_type(value, name) for value in values):
            made["type"] = name
            return
    run.refused.append(f"no type at {where}")


def _close(made: JsonObject, where: str, objects: int, run: _Pass) -> None:
    """Make every property of an object required and no other one possible."""
    properties = cast(Mapping[str, JsonObject], made.get("properties", {}))
    if made.get("additionalProperties", False) is not False:
        run.refused.append(f"additionalProperties at {where or '/'}")
    if not properties and where and "additionalProperties" not in made:
        run.refused.append(f"any object at {where}")
    required = cast(list[str], made.get("required", []))
    unknown = [name for name in required if name not in properties]
    run.refused += [f"unknown {name!r} required at {where or '/'}" for name in unknown]
    run.properties += len(properties)
    closed: JsonObject = {}
    for name, node in properties.items():
        run.characters += len(name)
        if not usable_property_name(name):
            run.refused.append(f"property name {name!r} at {where or '/'}")
        inner = _strict(node, f"{where}/properties/{name}", objects + 1, run)
        closed[name] = inner if name in required else _or_null(inner, node)
    made["properties"] = closed
    made["required"] = cast(JsonValue, list(closed))
    made["additionalProperties"] = False


def _or_null(inner: JsonObject, node: JsonObject) -> JsonObject:
    """Return an optional property's node with null for "left out", if null was not a value."""
    if _takes_null(node):
        return inner
    outside: JsonObject = {key: inner[key] for key in ("title", "description") if key in inner}
    rest = {key: value for key, value in inner.items() if key not in outside}
    branches = cast(list[JsonValue], rest["anyOf"]) if rest.keys() == {"anyOf"} else [rest]
    return {**outside, "anyOf": [*branches, dict(_NULL)]}


def _takes_null(node: JsonObject) -> bool:
    return Draft202012Validator(node).is_valid(None)


def from_strict(view: Strict, arguments: JsonObject) -> JsonObject:
    """Return a strict call's arguments as the server takes them: nulls for "left out" are gone.

    A null that the raw schema itself allows stays.
    """
    return cast(JsonObject, _plain(arguments, view.loose or {}))


def _plain(value: JsonValue, node: JsonObject) -> JsonValue:
    """Return a value without the nulls that its normalised schema does not take."""
    if "anyOf" in node:
        branches = cast(list[JsonObject], node["anyOf"])
        for branch in branches:
            plain = _plain(value, branch)
            if Draft202012Validator(branch).is_valid(plain):
                return plain
        return value
    read = _READERS.get(str(node.get("type")))
    return read(value, node) if read else value


def _plain_object(value: JsonValue, node: JsonObject) -> JsonValue:
    if not isinstance(value, dict):
        return value
    properties = cast(Mapping[str, JsonObject], node.get("properties", {}))
    return {
        name: _plain(item, properties.get(name, {}))
        for name, item in value.items()
        if item is not None or _takes_null(properties.get(name, {}))
    }


def _plain_array(value: JsonValue, node: JsonObject) -> JsonValue:
    items = node.get("items")
    if not isinstance(value, list) or not isinstance(items, dict):
        return value
    return [_plain(item, items) for item in value]


_READERS: Mapping[str, Callable[[JsonValue, JsonObject], JsonValue]] = {
    "array": _plain_array,
    "object": _plain_object,
}
