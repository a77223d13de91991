"""Schemas of OpenAPI 3.0 and 3.1 as plain JSON Schema, with their references written out.

3.0 is brought to JSON Schema: `nullable`, boolean exclusive limits. References inside the document
are inlined; a schema that holds itself, or too many levels or parts of it, ends in a stub that
names its type only. References to other files are never followed.
Source: OpenAPI Specification 3.0.3 and 3.1.0, sections Schema Object and Reference Object.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

from pydantic import JsonValue

__all__ = ["Document", "Schema", "flattened", "schema_of"]

Schema = dict[str, JsonValue]
Use = Literal["request", "response"]

_REFERENCES_DEEP = 8
"""References inside references that are followed."""
_LEVELS = 40
_PARTS = 2_000
"""Schemas inside one schema; after that come stubs."""
_CHAIN = 20
_ONE = ("items", "additionalProperties", "not", "contains", "propertyNames", "if", "then", "else")
_MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "dependentSchemas")
_PLAIN = (
    "title", "description", "default", "enum", "const", "format", "pattern", "deprecated",
    "minimum", "maximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties", "minContains", "maxContains",
    "contentEncoding", "contentMediaType", "dependentRequired", "examples",
)  # fmt: skip
_EXCLUSIVE = (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum"))


@dataclass(slots=True)
class Document:
    """An OpenAPI document, and what was noted while it was read."""

    root: Mapping[str, Any]
    notes: list[str] = field(default_factory=list[str])
    """Of the operation at hand; whoever reads an operation empties it."""

    def note(self, text: str) -> None:
        """Note something once."""
        if text not in self.notes:
            self.notes.append(text)

    def find(self, reference: object) -> Any:
        """Return what a reference into this document points at; None = nothing, or elsewhere."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        here: Any = self.root
        for part in reference[1:].split("/")[1:]:
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(here, dict):
                here = here.get(key)
            elif isinstance(here, list) and key.isdecimal() and int(key) < len(here):
                here = here[int(key)]
            else:
                return None
        return here

    def resolved(self, value: Any) -> Any:
        """Return a parameter, body, response or path item behind its references; None = none."""
        for _ in range(_CHAIN):
            if not isinstance(value, dict) or "$ref" not in value:
                return value
            value = self.find(value["$ref"])
        return None


@dataclass(slots=True)
class _Walk:
    """One schema being written out."""

    document: Document
    use: Use
    parts: int = 0


def schema_of(document: Document, raw: Any, use: Use) -> JsonValue:
    """Return a schema as JSON Schema of draft 2020-12, without references.

    Args:
        document: what references point into; takes the notes.
        raw: the schema as the document has it.
        use: for a request, properties that are only read are left out; for a response, those that
            are only written.
    """
    return _schema(_Walk(document, use), raw, (), _LEVELS)


def flattened(schema: JsonValue) -> Schema | None:
    """Return an object's schema with its `allOf` merged; None = it is not just properties."""
    if not isinstance(schema, dict) or any(key in schema for key in ("anyOf", "oneOf", "not")):
        return None
    if schema.get("type", "object") != "object":
        return None
    properties: dict[str, JsonValue] = {}
    required: list[JsonValue] = []
    parts = schema.get("allOf", [])
    for part in [*(parts if isinstance(parts, list) else []), {**schema, "allOf": []}]:
        whole = part if isinstance(part, dict) and not part.get("allOf") else flattened(part)
        if whole is None or whole.get("type", "object") != "object" or _alternatives(whole):
            return None
        properties |= _object(whole.get("properties"))
        required += _list(whole.get("required"))
    if not properties:
        return None
    names = [name for name in dict.fromkeys(map(str, required)) if name in properties]
    return {"type": "object", "properties": properties, "required": list[JsonValue](names)}


def _alternatives(schema: Schema) -> bool:
    return any(key in schema for key in ("anyOf", "oneOf", "not"))


def _schema(walk: _Walk, raw: Any, trail: tuple[str, ...], levels: int) -> JsonValue:
    if isinstance(raw, bool):
        return raw
    if not isinstance(raw, dict):
        return {}
    walk.parts += 1
    reference = raw.get("$ref")
    if reference is not None:
        return _referred(walk, raw, reference, trail, levels)
    if levels <= 0 or walk.parts > _PARTS:
        walk.document.note("a schema is too large; parts of it name their type only")
        return _stub(raw)
    made = _annotations(walk, raw)
    kind = _type(raw.get("type"))
    if kind is not None:
        made["type"] = kind
    _add_parts(walk, raw, made, trail, levels - 1)
    for exclusive, limit in _EXCLUSIVE:
        if raw.get(exclusive) is True and limit in made:
            made[exclusive] = made.pop(limit)
        elif not isinstance(raw.get(exclusive), bool) and exclusive in raw:
            made[exclusive] = raw[exclusive]
    return _nullable(made) if raw.get("nullable") is True else made


def _annotations(walk: _Walk, raw: dict[str, Any]) -> Schema:
    """Return what a schema says without other schemas; empty words and lone examples are left."""
    made: Schema = {}
    for key in _PLAIN:
        value = raw.get(key)
        if value is None and not (key in raw and key in ("default", "const")):
            continue
        if key == "pattern" and not _compiles(value):
            walk.document.note(
                f"the pattern {str(value)[:60]!r} is left out: Python cannot read it"
            )
        elif key != "examples" or isinstance(value, list):
            made[key] = value
    return made


def _compiles(pattern: Any) -> bool:
    try:
        re.compile(pattern)
    except (re.error, TypeError, RecursionError, OverflowError):
        return False
    return True


def _referred(
    walk: _Walk, raw: dict[str, Any], reference: Any, trail: tuple[str, ...], levels: int
) -> JsonValue:
    name = str(reference)[:200]
    target = walk.document.find(reference)
    if not isinstance(target, dict | bool):
        walk.document.note(f"the reference {name!r} leads nowhere in this file; anything is taken")
        return {key: raw[key] for key in ("description",) if key in raw}
    if name in trail or len(trail) >= _REFERENCES_DEEP:
        walk.document.note(f"{name!r} holds itself or lies too deep; it is cut off")
        return _stub(target)
    found = _schema(walk, target, (*trail, name), levels - 1)
    beside = {key: value for key, value in raw.items() if key != "$ref"}
    if not beside or not isinstance(found, dict):
        return found
    return {**found, **_object(_schema(walk, beside, trail, levels - 1))}


def _add_parts(
    walk: _Walk, raw: dict[str, Any], made: Schema, trail: tuple[str, ...], levels: int
) -> None:
    hidden = "readOnly" if walk.use == "request" else "writeOnly"
    left_out: set[str] = set()
    for key in _NAMED:
        if not isinstance(raw.get(key), dict):
            continue
        parts: dict[str, JsonValue] = {}
        for name, part in raw[key].items():
            if key == "properties" and _flagged(walk, part, hidden):
                left_out.add(name)
            else:
                parts[name] = _schema(walk, part, trail, levels)
        made[key] = parts
    for key in _ONE:
        if isinstance(raw.get(key), dict | bool):
            made[key] = _schema(walk, raw[key], trail, levels)
    for key in _MANY:
        if isinstance(raw.get(key), list) and raw[key]:
            made[key] = [_schema(walk, part, trail, levels) for part in raw[key]]
    if isinstance(raw.get("required"), list):  # 3.0 parameters have a boolean of this name
        names = dict.fromkeys(name for name in raw["required"] if isinstance(name, str))
        made["required"] = [name for name in names if name not in left_out]


def _flagged(walk: _Walk, part: Any, flag: str) -> bool:
    target = walk.document.resolved(part)
    own = isinstance(part, dict) and part.get(flag) is True
    return own or (isinstance(target, dict) and target.get(flag) is True)


def _type(kind: Any) -> JsonValue:
    """Return a `type`; None = there is none, or the word is none of JSON Schema's."""
    known = ("string", "number", "integer", "boolean", "object", "array", "null")
    if isinstance(kind, list):
        names: list[JsonValue] = [one for one in dict.fromkeys(map(str, kind)) if one in known]
        return names or None
    return kind if isinstance(kind, str) and kind in known else None


def _nullable(schema: Schema) -> Schema:
    """Return the schema with null allowed.

    3.0.3 allows null only where `type` is in the same schema; what people mean is taken.
    """
    choices = schema.get("enum")
    if isinstance(choices, list) and None not in choices:
        schema = {**schema, "enum": [*choices, None]}
    kind = schema.get("type")
    if kind is None:
        return {"anyOf": [schema, {"type": "null"}]} if schema else {}
    kinds = kind if isinstance(kind, list) else [kind]
    return {**schema, "type": [*(one for one in kinds if one != "null"), "null"]}


def _stub(raw: Any) -> JsonValue:
    if not isinstance(raw, dict):
        return True
    made: Schema = {}
    kind = _type(raw.get("type")) or ("object" if "properties" in raw else None)
    if kind is not None:
        made["type"] = kind
    if isinstance(raw.get("description"), str):
        made["description"] = raw["description"]
    return made


def _object(value: Any) -> dict[str, JsonValue]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[JsonValue]:
    return value if isinstance(value, list) else []
