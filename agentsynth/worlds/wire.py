"""What passes over the wire: one line to messages, a listing to tools, a result to text.

Pure functions; nothing here reads or writes.
"""

import json
from dataclasses import dataclass, field
from typing import cast

from pydantic import JsonValue

from agentsynth.core.ids import canonical_json

__all__ = [
    "CallReply",
    "Gathered",
    "JsonObject",
    "Listing",
    "decoded",
    "error_text",
    "is_answer",
    "part_text",
]

JsonObject = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Listing:
    """What `tools/list` gave."""

    tools: tuple[JsonObject, ...]
    """Raw, in the server's order; each has a name and an object as input schema."""
    skipped: tuple[str, ...]
    """One line per malformed tool: which one, and why."""


@dataclass(frozen=True, slots=True)
class CallReply:
    """What `tools/call` gave."""

    text: str
    """The text parts, joined by newlines; a note stands for every other part."""
    is_error: bool
    protocol_error: bool = False
    """True = the server refused the request itself, such as for an unknown tool."""


def decoded(line: bytes) -> list[JsonObject] | None:
    """Return the JSON-RPC messages of a line, none for a blank one; None = the line is noise."""
    text = line.decode("utf-8", errors="replace").strip().lstrip("\ufeff")
    if not text:
        return []
    try:
        value: JsonValue = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return None
    batch = value if isinstance(value, list) else [value]
    return [_clean_object(item) for item in batch if _is_message(item)] or None


@dataclass(slots=True)
class Gathered:
    """Tools gathered page by page."""

    tools: list[JsonObject] = field(default_factory=list[JsonObject])
    skipped: list[str] = field(default_factory=list[str])
    names: set[str] = field(default_factory=set[str])

    def add_page(self, page: JsonValue) -> None:
        """Add one page's `tools`, whatever it is."""
        if not isinstance(page, list):
            self.skipped.append("a page: 'tools' is not a list")
            return
        for raw in page:
            reason = _malformed(raw)
            name = raw.get("name") if isinstance(raw, dict) else None
            if reason is None and name in self.names:
                reason = "a second tool of this name"
            if reason is not None:
                self.skipped.append(f"tool {name!r}: {reason}")
                continue
            self.names.add(cast(str, name))
            self.tools.append(cast(JsonObject, raw))


def _malformed(raw: JsonValue) -> str | None:
    """Return why a listed tool is unusable; None = it is usable."""
    if not isinstance(raw, dict):
        return "not an object"
    if not isinstance(raw.get("name"), str) or not raw["name"]:
        return "has no name"
    schema = raw.get("inputSchema")
    if not isinstance(schema, dict):
        return "has no input schema"
    if schema.get("type", "object") != "object":
        return f"its input schema is of type {schema.get('type')!r}"
    if not isinstance(schema.get("properties", {}), dict):
        return "its input schema's properties are not an object"
    return None


def _is_message(value: JsonValue) -> bool:
    return isinstance(value, dict) and ("method" in value or "id" in value)


def is_answer(message: JsonObject, wanted: int) -> bool:
    """Return whether a message answers this request; ids are compared as texts."""
    return "method" not in message and str(message.get("id")) == str(wanted)


def error_text(error: JsonValue) -> str:
    """Return what a JSON-RPC error says."""
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return canonical_json(error)


def part_text(part: JsonValue) -> str:
    """Return the text of one content part; other kinds become a short note."""
    if not isinstance(part, dict):
        return canonical_json(part)
    if isinstance(part.get("text"), str):
        return str(part["text"])
    resource = part.get("resource")
    if isinstance(resource, dict) and isinstance(resource.get("text"), str):
        return str(resource["text"])
    return f"[{part.get('type', 'unknown')} content left out]"


def _clean_object(value: JsonValue) -> JsonObject:
    return cast(JsonObject, _clean(value))


def _clean(value: JsonValue) -> JsonValue:
    """Return the value without lone surrogates, which no UTF-8 file could hold."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {cast(str, _clean(key)): _clean(item) for key, item in value.items()}
    return value
