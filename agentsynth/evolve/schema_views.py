"""Views of a tool for one provider's rules: names and texts that OpenAI's wire format takes.

The strict form is `strict`'s. Views stand beside the raw tool; what a view renamed has a way back.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import cast

from pydantic import JsonValue

from agentsynth.evolve.normalise import Parameters, parameters_of
from agentsynth.evolve.schema_keywords import KINDS
from agentsynth.worlds.wire import JsonObject

__all__ = [
    "OpenAITool",
    "openai_name",
    "openai_view",
    "original_arguments",
    "over_schemas",
    "server_prefix",
    "shortened",
    "usable_property_name",
]

MAX_NAME = 64
MAX_DESCRIPTION = 1_024
"""Characters. Both limits: OpenAI's API reference, `tools[].function`."""
_MAX_SERVER = 24
_HASH_DIGITS = 10
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}\Z")
_PROPERTY = re.compile(r"[a-zA-Z0-9_.-]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class OpenAITool:
    """A tool as it may be offered over OpenAI's wire format."""

    name: str
    description: str
    """At most 1,024 characters; ends in an ellipsis where it was cut."""
    full_description: str
    """The description as the server gives it."""
    parameters: Parameters
    """Normalised, with the property names below."""
    original_names: Mapping[str, str]
    """The raw property name by the one in `parameters`; only those that differ."""


def openai_view(raw: Mapping[str, JsonValue], prefix: str) -> OpenAITool:
    """Return a tool in OpenAI's terms. Never raises on JSON.

    Args:
        raw: the tool as its server lists it.
        prefix: put before the name, such as `mcp__time__`; `server_prefix` makes one.
    """
    text = raw.get("description")
    full = text if isinstance(text, str) else ""
    made = parameters_of(raw)
    safe_names = _safe_names(made.schema) if made.schema is not None else {}
    if made.schema is not None and safe_names:
        made = Parameters(_renamed(made.schema, safe_names), made.notes)
    back = {safe: name for name, safe in safe_names.items()}
    return OpenAITool(openai_name(raw.get("name"), prefix), shortened(full), full, made, back)


def server_prefix(server: str) -> str:
    """Return `mcp__<server>__`, distinct for distinct servers and at most 31 characters long.

    A server's part neither holds two underscores in a row nor ends in one, so that a prefix and
    a tool's name can be told apart again, and no two servers' tools share a name.
    """
    part = re.sub(r"[^a-zA-Z0-9-]+", "_", server).strip("_")
    if part != server or not 0 < len(part) <= _MAX_SERVER:
        part = f"{part[: _MAX_SERVER - _HASH_DIGITS - 1]}-{_short_hash(server)}"
    return f"mcp__{part}__"


def openai_name(name: JsonValue, prefix: str) -> str:
    """Return a name within ^[a-zA-Z0-9_-]{1,64}$, distinct for distinct names under one prefix.

    A name that fits is kept. Of another one the beginning is kept, and a hash of all of it, so that
    the same tool always has the same name.
    """
    text = prefix + (name if isinstance(name, str) else json.dumps(name))
    return text if _NAME.match(text) else _hashed(text, r"[^a-zA-Z0-9_-]")


def usable_property_name(name: str) -> bool:
    """Return whether a property name is within ^[a-zA-Z0-9_.-]{1,64}$."""
    return _PROPERTY.match(name) is not None


def _hashed(text: str, unfit: str) -> str:
    kept = re.sub(unfit, "_", text)[: MAX_NAME - _HASH_DIGITS - 1]
    return f"{kept}_{_short_hash(text)}"


def _short_hash(text: str) -> str:
    # JSON escapes make bytes of any text, lone surrogates included.
    return sha256(json.dumps(text).encode("ascii")).hexdigest()[:_HASH_DIGITS]


def shortened(text: str, limit: int = MAX_DESCRIPTION) -> str:
    """Return a text of at most `limit` characters, cut between words where there are any.

    A cut text ends in an ellipsis, which counts.
    """
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    if not text[limit - 1].isspace():
        words = kept.rstrip().rsplit(maxsplit=1)
        # A text without spaces, as Chinese is written, is cut where the limit falls.
        if len(words) == 2 and len(words[0]) > limit // 2:
            kept = words[0]
    return kept.rstrip() + "…"


def original_arguments(tool: OpenAITool, arguments: JsonObject) -> JsonObject:
    """Return a call's arguments under the server's own property names."""
    return cast(JsonObject, _keys_renamed(arguments, tool.original_names))


def _keys_renamed(value: JsonValue, names: Mapping[str, str]) -> JsonValue:
    if isinstance(value, dict):
        return {names.get(key, key): _keys_renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_keys_renamed(item, names) for item in value]
    return value


def _safe_names(schema: JsonObject) -> dict[str, str]:
    """Return a usable name for each unusable property name anywhere in a schema."""
    used: set[str] = set()

    def collect(node: JsonObject) -> JsonObject:
        for key in _HOLDS_NAMES & node.keys():
            used.update(cast(JsonObject | list[str], node[key]))
        return node

    over_schemas(schema, collect)
    made: dict[str, str] = {}
    taken = {name for name in used if usable_property_name(name)}
    for name in sorted(used - taken):
        safe = _hashed(name, r"[^a-zA-Z0-9_.-]")
        while safe in taken:
            safe = _hashed(safe + "*" + name, r"[^a-zA-Z0-9_.-]")
        made[name] = safe
        taken.add(safe)
    return made


def _renamed(schema: JsonObject, names: Mapping[str, str]) -> JsonObject:
    def rename(node: JsonObject) -> JsonObject:
        made = dict(node)
        for key in _HOLDS_NAMES & node.keys():
            value = node[key]
            if isinstance(value, dict):
                made[key] = {names.get(name, name): item for name, item in value.items()}
            else:
                made[key] = [names.get(name, name) for name in cast(list[str], value)]
        needed = made.get("dependentRequired")
        if isinstance(needed, dict):
            listed = cast(Mapping[str, list[str]], needed)
            made["dependentRequired"] = {
                name: [names.get(other, other) for other in others]
                for name, others in listed.items()
            }
        return made

    return over_schemas(schema, rename)


_HOLDS_NAMES = frozenset({"dependentRequired", "dependentSchemas", "properties", "required"})


def over_schemas(node: JsonObject, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Return a normalised schema with `change` applied to every node of it, innermost first."""
    made: JsonObject = {}
    for key, value in node.items():
        kind = KINDS.get(key)
        if kind in ("schema", "open") and isinstance(value, dict):
            made[key] = over_schemas(value, change)
        elif kind == "schemas":
            made[key] = [over_schemas(item, change) for item in cast(list[JsonObject], value)]
        elif kind in ("schema_map", "pattern_map"):
            inner = cast(Mapping[str, JsonObject], value)
            made[key] = {name: over_schemas(item, change) for name, item in inner.items()}
        else:
            made[key] = value
    return change(made)
