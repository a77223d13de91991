"""Content ids and canonical JSON. Not a place for random ids: there are none in this project."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

__all__ = ["Json", "canonical_json", "content_id", "derive_seed", "digest"]

Json: TypeAlias = Mapping[str, "Json"] | Sequence["Json"] | str | int | float | bool | None

_ENCODER = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
)


def canonical_json(value: object) -> str:
    """Return `value` as JSON with sorted keys, no spaces and no escapes beyond JSON's own.

    Raises:
        ValueError: for NaN and infinities, which have no JSON form.
    """
    return _ENCODER.encode(value)


def digest(text: str) -> str:
    """Return the first 32 hex digits of the SHA-256 of `text` in UTF-8."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]


def content_id(value: object) -> str:
    """Return the id of a JSON value: `s1:` (the scheme, so that a change shows) and its digest."""
    return "s1:" + digest(canonical_json(value))


def derive_seed(*parts: object) -> int:
    """Return a 63-bit seed that depends on every part and on nothing else.

    Parts are told apart by their JSON form, so `derive_seed(1, "2")` differs from
    `derive_seed(12)`. Unlike `hash`, the result does not vary between processes.
    """
    raw = hashlib.sha256(canonical_json(list(parts)).encode("utf-8")).digest()
    return int.from_bytes(raw[:8], "big") >> 1
