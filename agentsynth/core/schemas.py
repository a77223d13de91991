"""JSON Schemas as plain values: what several layers have to read of them."""

from collections.abc import Mapping
from typing import Any

__all__ = ["plain"]


def plain(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a schema without the null it may allow."""
    for key in ("anyOf", "oneOf"):
        parts = schema.get(key)
        if isinstance(parts, list):
            rest = [p for p in parts if isinstance(p, dict) and p.get("type") != "null"]
            if len(rest) == 1 and len(parts) <= 2:
                return {**{k: v for k, v in schema.items() if k != key}, **plain(rest[0])}
    kind = schema.get("type")
    if isinstance(kind, list):
        rest = [one for one in kind if one != "null"]
        if len(rest) == 1:
            return {**schema, "type": rest[0]}
    return schema
