"""The keywords of JSON Schema draft 2020-12 as data: what each may hold and what it is about.

Tables and one check; walking a schema is `normalise`'s work.
"""

import math
import re
import warnings
from collections.abc import Callable, Mapping
from typing import Literal, TypeGuard

from pydantic import JsonValue

__all__ = [
    "ANNOTATIONS",
    "COMBINATORS",
    "KINDS",
    "MAX_VALUE_DEPTH",
    "NEWER_THAN_DRAFT_7",
    "OF_TYPE",
    "TYPES",
    "Kind",
    "has_type",
    "is_legal",
]

Kind = Literal[
    "any", "count", "flag", "name_lists", "names", "number", "pattern", "positive", "text", "type",
    "values", "schema", "open", "schemas", "schema_map", "pattern_map",
]  # fmt: skip
"""What a keyword holds; from "schema" on, schemas of its own. "open" = a schema or a boolean."""

MAX_VALUE_DEPTH = 32
"""Nested lists and objects in an `enum`, `const`, `default` or `examples`; deeper is refused."""
_MAX_PATTERN = 2_000

TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")

_KEYWORDS: Mapping[Kind, tuple[str, ...]] = {
    "any": ("const", "default"),
    "count": (
        "maxContains", "maxItems", "maxLength", "maxProperties",
        "minContains", "minItems", "minLength", "minProperties",
    ),
    "flag": ("deprecated", "readOnly", "uniqueItems", "writeOnly"),
    "name_lists": ("dependentRequired",),
    "names": ("required",),
    "number": ("exclusiveMaximum", "exclusiveMinimum", "maximum", "minimum"),
    "pattern": ("pattern",),
    "positive": ("multipleOf",),
    "text": ("contentEncoding", "contentMediaType", "description", "format", "title"),
    "type": ("type",),
    "values": ("enum", "examples"),
    "schema": ("contains", "contentSchema", "else", "if", "not", "propertyNames", "then"),
    "open": ("additionalProperties", "items"),
    "schemas": ("allOf", "anyOf", "oneOf", "prefixItems"),
    "schema_map": ("dependentSchemas", "properties"),
    "pattern_map": ("patternProperties",),
}  # fmt: skip

KINDS: Mapping[str, Kind] = {word: kind for kind, words in _KEYWORDS.items() for word in words}
"""Every keyword a normalised schema may have. No `$` keyword is among them: references are inlined,
and `unevaluated…` depends on what validates beside it, so it does not survive rewriting."""

ANNOTATIONS = frozenset(
    {"default", "deprecated", "description", "examples", "readOnly", "title", "writeOnly"}
)
"""Keywords that tell something and forbid nothing."""

COMBINATORS = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "dependentSchemas"})
"""Keywords whose schemas speak of the same value as their own node does."""

NEWER_THAN_DRAFT_7 = frozenset(
    {"dependentRequired", "dependentSchemas", "maxContains", "minContains", "prefixItems"}
)
"""Without effect in a schema that declares draft-07 or older."""

_NUMERIC = frozenset(_KEYWORDS["number"]) | {"multipleOf"}
OF_TYPE: Mapping[str, frozenset[str]] = {
    "string": frozenset(
        {"contentEncoding", "contentMediaType", "contentSchema"}
        | {"format", "maxLength", "minLength", "pattern"}
    ),
    "number": _NUMERIC,
    "integer": _NUMERIC,
    "boolean": frozenset(),
    "array": frozenset(
        {"contains", "items", "maxContains", "maxItems", "minContains", "minItems"}
        | {"prefixItems", "uniqueItems"}
    ),
    "object": frozenset(
        {"additionalProperties", "dependentRequired", "dependentSchemas", "maxProperties"}
        | {"minProperties", "patternProperties", "properties", "propertyNames", "required"}
    ),
    "null": frozenset(),
}
"""The keywords that concern values of one type only."""


def is_legal(kind: Kind, value: JsonValue) -> bool:
    """Return whether a keyword of this kind may hold the value; schemas inside are not looked at.

    A pattern must be one that Python can compile without a warning: the patterns of other dialects
    could be neither checked nor followed here.
    """
    return _CHECKS[kind](value)


def has_type(value: JsonValue, name: str) -> bool:
    """Return whether a value is of this JSON Schema type; 1.0 is an integer, True no number."""
    if isinstance(value, bool):
        return name == "boolean"
    if name == "integer":
        return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return isinstance(value, _PYTHON_TYPES.get(name, ()))


_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def _is_number(value: JsonValue) -> TypeGuard[int | float]:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


def _is_count(value: JsonValue) -> bool:
    return _is_number(value) and value >= 0 and has_type(value, "integer")


def _is_text(value: JsonValue) -> bool:
    return isinstance(value, str)


def _is_flag(value: JsonValue) -> bool:
    return isinstance(value, bool)


def _is_object(value: JsonValue) -> bool:
    return isinstance(value, dict)


def _are_names(value: JsonValue) -> bool:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return False
    return len(value) == len(set(map(str, value)))


def _are_name_lists(value: JsonValue) -> bool:
    return isinstance(value, dict) and all(_are_names(names) for names in value.values())


def _is_type(value: JsonValue) -> bool:
    names = value if isinstance(value, list) else [value]
    known = all(isinstance(name, str) and name in TYPES for name in names)
    return known and 0 < len(names) == len(set(map(str, names)))


def _is_value(value: JsonValue) -> bool:
    """Return whether a value is finite JSON of bounded depth, without recursion."""
    level: list[JsonValue] = [value]
    for _ in range(MAX_VALUE_DEPTH + 1):
        if not all(_is_scalar(item) for item in level if not isinstance(item, list | dict)):
            return False
        level = [
            inner
            for item in level
            if isinstance(item, list | dict)
            for inner in (item if isinstance(item, list) else item.values())
        ]
        if not level:
            return True
    return False


def _is_scalar(value: JsonValue) -> bool:
    return value is None or isinstance(value, str | bool) or _is_number(value)


def _are_values(value: JsonValue) -> bool:
    return isinstance(value, list) and len(value) > 0 and _is_value(value)


def _are_schemas(value: JsonValue) -> bool:
    return isinstance(value, list) and len(value) > 0


def _is_schema(value: JsonValue) -> bool:
    return isinstance(value, bool | dict)


def _is_pattern(value: JsonValue) -> bool:
    if not isinstance(value, str) or len(value) > _MAX_PATTERN:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            re.compile(value)
    except (re.error, OverflowError, RecursionError, Warning):
        return False
    return True


_CHECKS: Mapping[Kind, Callable[[JsonValue], bool]] = {
    "any": _is_value,
    "count": _is_count,
    "flag": _is_flag,
    "name_lists": _are_name_lists,
    "names": _are_names,
    "number": _is_number,
    "pattern": _is_pattern,
    "positive": lambda value: _is_number(value) and value > 0,
    "text": _is_text,
    "type": _is_type,
    "values": _are_values,
    "schema": _is_schema,
    "open": _is_schema,
    "schemas": _are_schemas,
    "schema_map": _is_object,
    "pattern_map": _is_object,
}
