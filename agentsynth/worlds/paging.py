"""Cursors: where a list goes on. Opaque to whoever calls, and bound to the query they came from."""

import base64
import binascii
import json
from typing import Any

from agentsynth.core.errors import ToolError
from agentsynth.core.ids import canonical_json, digest

__all__ = ["cut", "query_digest"]

_DIGITS = 12


def query_digest(*parts: object) -> str:
    """Return what tells one query from another: the tool and everything it asks for."""
    return digest(canonical_json(list(parts)))


def _cursor(query: str, place: int, key: str) -> str:
    check = digest(canonical_json([query, place, key]))[:_DIGITS]
    text = canonical_json([place, key, check])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: Any, query: str) -> tuple[int, str]:
    """Return the place and the key that the page before ended with.

    Raises:
        ToolError: `bad_cursor`, unless this very query gave the cursor.
    """
    refused = ToolError(
        "bad_cursor",
        f"The cursor {cursor!r} does not belong to this list; leave it out to start at the top.",
        400,
    )
    if not isinstance(cursor, str):
        raise refused
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        place, key, _ = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        raise refused from None
    if type(place) is not int or not isinstance(key, str) or _cursor(query, place, key) != cursor:
        raise refused
    return place, key


def cut(keys: list[str], size: int, cursor: Any, query: str) -> tuple[int, int, str | None]:
    """Return where a page starts and ends, and the next page's cursor (None = this is the last).

    A page goes on behind the record that the one before ended with, or, if that record is gone,
    at the place where it was.

    Args:
        keys: the keys of all records that match, in order.
        size: entries on a page, from 1.
        cursor: what the page before gave; None = the first page.
        query: from `query_digest`.

    Raises:
        ToolError: `bad_cursor`, unless this very query gave the cursor.
    """
    start = 0
    if cursor is not None:
        place, key = _read(cursor, query)
        if place <= len(keys) and keys[place - 1] == key:
            start = place
        else:
            start = keys.index(key) + 1 if key in keys else min(place, len(keys))
    end = min(start + size, len(keys))
    return start, end, _cursor(query, end, keys[end - 1]) if end < len(keys) else None
