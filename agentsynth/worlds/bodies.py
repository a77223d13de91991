"""Parameters that only wrap others: a body, whose parts an expression may ask for one by one."""

from collections.abc import Mapping
from typing import Any, cast

from agentsynth.core.domain import ToolDef

__all__ = ["Bodies", "bodies_of", "unknown_part", "with_bodies"]

Bodies = Mapping[str, Any]
"""Parameter to its parts, part to its own; empty = no object whose parts are known."""


def bodies_of(tool: ToolDef) -> Bodies:
    """Return the parameters of a shadow's tool that wrap others; other tools have none."""
    if tool.mirrors is None:
        return {}
    return {name: parts for name, schema in tool.parameters.items() if (parts := _parts(schema))}


def _parts(schema: Mapping[str, Any]) -> Bodies:
    properties: Mapping[str, Any] = schema.get("properties", {})
    return {name: _parts(one) for name, one in properties.items()}


def unknown_part(arguments: Mapping[str, Any], bodies: Bodies, above: str = "") -> str | None:
    """Return a part of a body that is given and means nothing here; None = there is none."""
    for name, parts in bodies.items():
        given = arguments.get(name)
        if not parts or not isinstance(given, dict):
            continue
        values = cast(dict[str, Any], given)
        for part, value in values.items():
            if part not in parts and value is not None:
                return f"{above}{name}.{part}"
        deeper = unknown_part(values, parts, f"{above}{name}.")
        if deeper is not None:
            return deeper
    return None


def with_bodies(arguments: Mapping[str, Any], bodies: Bodies) -> dict[str, Any]:
    """Return arguments with null for every part of a body that is left out."""
    return {**arguments, **{name: _filled(arguments.get(name), p) for name, p in bodies.items()}}


def _filled(value: Any, parts: Bodies) -> dict[str, Any]:
    given = cast(dict[str, Any], value) if isinstance(value, dict) else {}
    filled = {**dict.fromkeys(parts), **given}
    return {**filled, **{name: _filled(filled[name], p) for name, p in parts.items() if p}}
