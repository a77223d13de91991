"""The keys of registry records of all ages, brought to the names in use since 2025-09-16.

Source: modelcontextprotocol/registry, docs/reference/server-json/CHANGELOG.md and
docs/server-json/examples.md.
"""

from typing import Any

__all__ = ["kind_of", "mapping", "normalised", "renamed", "string"]

_DEEPEST = 12
_FREE_KEYS = ("variables", "_meta")
"""Objects whose keys are names somebody chose, so they stay as they are."""
_RENAMED = (
    ("registryName", "registryType"),
    ("name", "identifier"),
    ("transportType", "type"),
)
_TYPES = {"docker": "oci", "streamable": "streamable-http", "http": "streamable-http"}
"""What old records called today's types."""


def normalised(value: Any, depth: int = _DEEPEST) -> Any:
    """Return a JSON value with camelCase keys, without nulls and what lies deeper than `depth`.

    Keys inside `variables` and `_meta` are names, not fields, and stay. Where a field is given in
    both styles the camelCase one counts. Halves of surrogate pairs become U+FFFD.
    """
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if depth <= 0:
        return None if isinstance(value, list | dict) else value
    if isinstance(value, list):
        return [normalised(item, depth - 1) for item in value]
    if not isinstance(value, dict):
        return value
    made: dict[str, Any] = {}
    for key, item in value.items():
        camel = _camel(str(key))
        if item is None or (camel in made and camel != key):
            continue
        if camel in _FREE_KEYS and isinstance(item, dict):
            made[camel] = {
                normalised(str(name)): normalised(one, depth - 2) for name, one in item.items()
            }
        else:
            made[camel] = normalised(item, depth - 1)
    return made


def renamed(raw: Any) -> Any:
    """Return a package or remote with the names and types in use today."""
    if not isinstance(raw, dict):
        return raw
    made = dict(raw)
    for old, new in (
        ("registryName", "registryType"),
        ("name", "identifier"),
        ("transportType", "type"),
    ):
        if old in made:
            made.setdefault(new, made[old])
    for key in ("registryType", "type"):
        made[key] = _TYPES.get(str(made.get(key)), made.get(key))
    transport = made.get("transport")
    if isinstance(transport, str):
        made["transport"] = {"type": transport}
    for key in ("runtimeArguments", "packageArguments"):
        if isinstance(made.get(key), list):
            made[key] = [_typed(argument) for argument in made[key]]
    return made


def _typed(argument: Any) -> Any:
    if not isinstance(argument, dict) or "type" in argument:
        return argument
    named = str(argument.get("name", "")).startswith("-")
    return {**argument, "type": "named" if named else "positional"}


def _camel(key: str) -> str:
    head, *rest = key.split("_")
    if not head or not rest:
        return key  # `_meta`, and what is camelCase already
    return head + "".join(part[:1].upper() + part[1:] for part in rest)


def mapping(value: Any) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def string(value: Any) -> str:
    """Return the value if it is text, else ""."""
    return value if isinstance(value, str) else ""


def kind_of(value: object) -> str:
    """Return what a JSON value is, in words."""
    names: dict[type, str] = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")
