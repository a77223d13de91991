"""A tool's parameters as a shadow offers them: with names that expressions can use."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from agentsynth.evolve.normalise import parameters_of

__all__ = ["Offered", "offered"]

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")
_SIGNS = {"<": "_before", ">": "_after", "$": "", "[]": "_list"}


@dataclass(frozen=True, slots=True)
class Offered:
    """The parameters of a tool."""

    schema: Mapping[str, Any]
    """An object schema; no other parameters are taken."""
    renamed: Mapping[str, str]
    """Name to the server's own, where that is no identifier."""


def offered(raw: Mapping[str, JsonValue]) -> Offered | None:
    """Return what a shadow of this tool takes; None = its schema cannot be used."""
    schema = parameters_of(raw).schema
    if schema is None:
        return None
    properties: dict[str, Any] = {}
    renamed: dict[str, str] = {}
    for name, one in _mapping(schema.get("properties")).items():
        safe = _safe(name, properties)
        if safe is None:
            return None
        properties[safe] = one
        if safe != name:
            renamed[safe] = name
    back = {own: safe for safe, own in renamed.items()}
    wanted = schema.get("required")
    required = [back.get(str(one), str(one)) for one in wanted] if isinstance(wanted, list) else []
    made: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        made["required"] = required
    return Offered({**made, "additionalProperties": False}, renamed)


def _mapping(value: JsonValue) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _safe(name: str, taken: Mapping[str, Any]) -> str | None:
    """Return a name that is an identifier and not taken; None = there is none."""
    if _SAFE.match(name):
        return name if name not in taken else None
    text = name
    for sign, word in _SIGNS.items():
        text = text.replace(sign, word)
    text = re.sub(r"[^A-Za-z0-9_]+", "_", text).strip("_")
    return text if _SAFE.match(text) and text not in taken else None
