"""JSON to bytes and back, fast where it can be and exact where it must be."""

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import JsonValue

__all__ = ["BadJson", "arguments_of", "from_bytes", "to_bytes"]


class BadJson(ValueError):
    """Text that is no JSON, or JSON that has no one meaning."""


def to_bytes(value: object) -> bytes:
    """Return `value` as compact JSON; dataclasses are objects of their fields.

    What orjson refuses (integers beyond 64 bits, halves of surrogate pairs, depth) is written by
    the standard library, escaped.
    """
    try:
        return orjson.dumps(value)
    except TypeError:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False, default=_plain)
        return text.encode("ascii")


def _plain(value: Any) -> Any:
    return dataclasses.asdict(value)


def from_bytes(data: bytes) -> Any:
    """Return the JSON value in `data`.

    What orjson refuses is read once more by the standard library: a byte order mark, broken UTF-8,
    control characters in text and lone surrogates. Integers beyond 64 bits become floats.

    Raises:
        BadJson: if it is no JSON; NaN and infinities are none.
    """
    try:
        return orjson.loads(data)
    except ValueError:
        return _slowly(data.decode("utf-8-sig", "replace"), strict=False)


def arguments_of(text: str) -> Mapping[str, JsonValue]:
    """Return the arguments a model wrote; an empty text is a call without any.

    Nothing is guessed: a key given twice, a number that has no finite value, or half of a
    surrogate pair is an error.

    Raises:
        BadJson: if the text is not one JSON object; the message says why.
    """
    if not text.strip():
        return {}
    value = _slowly(text, strict=True)
    if not isinstance(value, dict):
        raise BadJson(f"the arguments are a JSON {_KINDS[type(value)]}, not an object")
    return value


_KINDS: Mapping[type, str] = {
    str: "string",
    list: "list",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _slowly(text: str, *, strict: bool) -> Any:
    try:
        value = (_EXACT if strict else _LENIENT).decode(text)
        if strict and "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        raise BadJson(f"the text is no JSON: {error.msg} at character {error.pos}") from None
    except UnicodeEncodeError:
        raise BadJson("the text holds half of a surrogate pair") from None
    except RecursionError:
        raise BadJson("the JSON is nested too deep") from None
    except BadJson:
        raise
    except (ValueError, OverflowError):  # an integer of more than 4,300 digits, or 309
        raise BadJson("the text holds a number that is too long") from None
    return value


def _no_number(word: str) -> float:
    raise BadJson(f"{word} is no number in JSON")


def _as_orjson(word: str) -> int | float:
    value = int(word)
    return value if -(2**63) <= value < 2**64 else float(value)


def _finite(word: str) -> float:
    value = float(word)
    if not math.isfinite(value):
        raise BadJson(f"the number {word[:40]} is too large")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))
        raise BadJson(f"the key {twice!r} is given twice")
    return made


_EXACT = json.JSONDecoder(parse_constant=_no_number, parse_float=_finite, object_pairs_hook=_unique)
_LENIENT = json.JSONDecoder(
    strict=False, parse_constant=_no_number, parse_float=_finite, parse_int=_as_orjson
)
