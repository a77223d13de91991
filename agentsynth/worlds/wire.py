"""What passes over the wire: one line to messages, a listing to tools, a result to text.

Pure functions; nothing here reads or writes.
"""

import json
import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TypeVar, cast

from pydantic import JsonValue

from agentsynth.core.ids import canonical_json

__all__ = [
    "CallReply",
    "Gathered",
    "JsonObject",
    "Listing",
    "TooDeep",
    "decoded",
    "error_text",
    "is_answer",
    "is_too_deep",
    "part_text",
    "shortened",
]

JsonObject = dict[str, JsonValue]

_MAX_LEVELS = 128
"""Lists and objects inside each other in one tool. The deepest of 4,088 real ones nests 13 schemas,
which are 26 levels and a few; more than about 250 no value of ours could hold."""
_MAX_DIGITS = 300
_MAX_QUOTED = 200
"""Characters of a server's own words in one of our messages."""


class TooDeep(Exception):
    """A line that is JSON, nested deeper than it can be read."""


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
    """Return the JSON-RPC messages of a line, none for a blank one; None = the line is noise.

    Raises:
        TooDeep: the line cannot be read for its depth.
    """
    text = line.decode("utf-8", errors="replace").strip().lstrip("\ufeff")
    if not text:
        return []
    try:
        value: JsonValue = json.loads(text, parse_constant=lambda _: None, parse_int=_whole)
        batch = value if isinstance(value, list) else [value]
        messages = [cast(JsonObject, item) for item in batch if _is_message(item)]
        # Only an escape can bring in a lone surrogate, which no UTF-8 file could hold.
        return (_clean(messages) if _SURROGATE.search(text) else messages) or None
    except ValueError:
        return None
    except RecursionError:
        raise TooDeep from None


def _whole(digits: str) -> int | None:
    """Return a whole number; None = no program means one of so many digits."""
    return int(digits) if len(digits) <= _MAX_DIGITS else None


_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def shortened(text: str, limit: int = _MAX_QUOTED) -> str:
    """Return a server's words as they stand in a message: cut, and nothing that moves a cursor."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in cut)


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
                self.skipped.append(f"tool {_quoted(name)}: {reason}")
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
    kind = schema.get("type", "object")
    if kind != "object" and not (isinstance(kind, list) and "object" in kind):
        return f"its input schema is of type {_quoted(kind)}"
    if not isinstance(schema.get("properties", {}), dict):
        return "its input schema's properties are not an object"
    return f"nested more than {_MAX_LEVELS} levels deep" if is_too_deep(raw) else None


def is_too_deep(value: JsonValue) -> bool:
    """Return whether more lists and objects stand inside each other than a value of ours holds."""
    layer: list[JsonValue] = [value]
    for _ in range(_MAX_LEVELS + 1):
        layer = [inner for item in layer for inner in _inside(item)]
        if not layer:
            return False
    return True


def _inside(value: JsonValue) -> Collection[JsonValue]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _quoted(value: JsonValue) -> str:
    """Return what stands for a server's value in a message; a large one only by its kind."""
    if isinstance(value, dict | list) and len(value) > 8:
        return f"({type(value).__name__} of {len(value)})"
    return repr(shortened(value)) if isinstance(value, str) else shortened(repr(value))


def _is_message(value: JsonValue) -> bool:
    return isinstance(value, dict) and ("method" in value or "id" in value)


def is_answer(message: JsonObject, wanted: int) -> bool:
    """Return whether a message answers this request; ids are compared as texts."""
    return "method" not in message and str(message.get("id")) == str(wanted)


def error_text(error: JsonValue) -> str:
    """Return what a JSON-RPC error says."""
    if isinstance(error, dict) and isinstance(error.get("message"), str):
        return str(error["message"])
    return "(nothing that can be read)" if is_too_deep(error) else canonical_json(error)


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


_Made = TypeVar("_Made")


def _clean(messages: _Made) -> _Made:
    """Return messages with lone surrogates replaced."""
    text = json.dumps(messages, ensure_ascii=False).encode("utf-16-le", "surrogatepass")
    return cast(_Made, json.loads(text.decode("utf-16-le", "replace")))
