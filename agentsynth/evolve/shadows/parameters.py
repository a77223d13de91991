"""What a parameter is for, by its name and schema: a key, a page, a query, a value."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from agentsynth.core.domain import FieldType
from agentsynth.core.names import tokens_of
from agentsynth.core.schemas import plain
from agentsynth.evolve.shadows.lexis import (
    CURSORS,
    FLAGS,
    ID_WORDS,
    LIMITS,
    META,
    NAME_WORDS,
    OFFSETS,
    PAGES,
    QUERIES,
    TOLD,
    WRAPPERS,
)
from agentsynth.evolve.shadows.words import singular

__all__ = [
    "Kind",
    "Param",
    "field_type",
    "is_wrapper",
    "key_number",
    "params_of",
]

Kind = Literal["limit", "page", "offset", "cursor", "query", "meta", "key", "name", "value"]

_READ_ONLY = re.compile(r"(?i)\bread[- ]only\b|cannot be (changed|modified|set)|set by the server")
_DEPTH = 2


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter of a tool."""

    name: str
    snake: str
    kind: Kind
    stem: tuple[str, ...]
    """What a key or a name is of: `project` in `projectId`; empty = of the record itself."""
    schema: Mapping[str, Any]
    """Without null."""
    required: bool
    type: FieldType | None
    """The type of field that could hold it; None = no scalar, and no list of texts."""
    reaches: bool = False
    """True = the schema is of a number, which may be whole."""


def field_type(schema: Mapping[str, Any]) -> FieldType | None:
    """Return the type of field that can hold a value of this schema; None = none can."""
    values = schema.get("enum")
    if isinstance(values, list):
        texts = values and all(isinstance(value, str) for value in values)
        return "enum" if texts else None
    match schema.get("type"):
        case "string":
            return _text_type(schema)
        case "integer":
            return "integer"
        case "boolean":
            return "boolean"
        case "array":
            items = schema.get("items")
            bare = plain(items) if isinstance(items, dict) else {}
            texts = bare.get("type") == "string" and "enum" not in bare
            return "strings" if texts else None
        case _:
            return None


def _text_type(schema: Mapping[str, Any]) -> FieldType | None:
    form = schema.get("format")
    if form == "date":
        return "date"
    if form in ("byte", "binary"):
        return None
    return "string"


def key_number(param: Param) -> bool:
    """Whether a key is given as a number."""
    return param.schema.get("type") in ("integer", "number")


def params_of(schema: Mapping[str, Any]) -> tuple[Param, ...]:
    """Return the parameters of a tool's normalised schema."""
    return tuple(_params(schema, "", required=True, depth=0))


def _params(schema: Mapping[str, Any], above: str, *, required: bool, depth: int) -> list[Param]:
    needed = set(schema.get("required", ()))
    found: list[Param] = []
    for name, raw in schema.get("properties", {}).items():
        bare = plain(raw) if isinstance(raw, dict) else {}
        must = required and name in needed
        if must and is_wrapper(name, bare) and depth < _DEPTH:
            found += _params(bare, f"{above}{name}.", required=True, depth=depth + 1)
        else:
            found.append(_param(f"{above}{name}", bare, must))
    return found


def is_wrapper(name: str, schema: Mapping[str, Any]) -> bool:
    """Whether an object only holds what the call is about: a body, whose parts are parameters."""
    bare = tokens_of(name)
    wraps = bool(bare) and bare[-1] in WRAPPERS
    return schema.get("type") == "object" and wraps and bool(schema.get("properties"))


def _param(name: str, schema: Mapping[str, Any], required: bool) -> Param:
    words = tokens_of(name.rpartition(".")[2])
    snake = "_".join(words)
    kind, stem = _kind(snake, words, schema)
    if not required and _READ_ONLY.search(str(schema.get("description", ""))):
        kind = "meta"
    whole = schema.get("type") == "number"
    return Param(name, snake, kind, stem, schema, required, field_type(schema), whole)


def _kind(
    snake: str, words: tuple[str, ...], schema: Mapping[str, Any]
) -> tuple[Kind, tuple[str, ...]]:
    number = schema.get("type") in ("integer", "number")
    if number and snake in LIMITS:
        return "limit", ()
    if number and snake in PAGES:
        return "page", ()
    if number and snake in OFFSETS:
        return "offset", ()
    if snake in CURSORS:
        return "cursor", ()
    if schema.get("type") == "string" and "enum" not in schema and snake in QUERIES:
        return "query", ()
    if (
        snake in META
        or TOLD.match(snake)
        or (schema.get("type") == "boolean" and FLAGS.match(snake))
    ):
        return "meta", ()
    scalar = number or (schema.get("type") == "string" and "enum" not in schema)
    if scalar and words and words[-1] in ID_WORDS and words[-1] != "ids":
        return "key", tuple(singular(word) for word in words[:-1])
    if (
        schema.get("type") == "string"
        and words
        and words[-1] in NAME_WORDS
        and "enum" not in schema
    ):
        return "name", tuple(singular(word) for word in words[:-1])
    return "value", tuple(singular(word) for word in words)
