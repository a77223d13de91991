"""What an endpoint says about itself: the models it serves, and how long their contexts are."""

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from agentsynth.models.codec import BadJson, from_bytes
from agentsynth.models.http import _secret
from agentsynth.models.settings import ModelSettings

__all__ = ["Listed", "list_models", "near_names"]

MOST_BYTES = 8_000_000

_LENGTHS = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx")
"""Names under which endpoints state the context length: vLLM, OpenRouter, Groq, LM Studio,
llama.cpp (in `meta`)."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A model that an endpoint serves."""

    name: str
    context: int | None
    """Tokens of a conversation; None = not said."""


async def list_models(
    settings: ModelSettings, environ: Mapping[str, str] = os.environ
) -> tuple[Listed, ...] | None:
    """Return the models at an endpoint; None = it does not say, as not all do.

    Args:
        settings: with a `url`.

    Raises:
        UserError: if the key's variable is not set.
    """
    key = _secret(settings, environ).value
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{(settings.url or '').rstrip('/')}/models"
    timeout = aiohttp.ClientTimeout(total=30, connect=settings.timeouts.connect)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            if response.status != 200:
                return None
            body = from_bytes(await response.content.read(MOST_BYTES))
    except (TimeoutError, aiohttp.ClientError, BadJson):
        return None
    return _listed(body)


def _listed(body: Any) -> tuple[Listed, ...] | None:
    data = body.get("data") if isinstance(body, Mapping) else body
    if not isinstance(data, list):
        return None
    named = [one for one in data if isinstance(one, Mapping) and isinstance(one.get("id"), str)]
    return tuple(Listed(one["id"], _context(one)) for one in named)


def _context(one: Mapping[str, Any]) -> int | None:
    meta = one.get("meta")
    for place in (one, meta if isinstance(meta, Mapping) else {}):
        for name in _LENGTHS:
            length = place.get(name)
            if isinstance(length, int) and not isinstance(length, bool) and length > 0:
                return length
    return None


def near_names(name: str, listed: Sequence[Listed], most: int = 5) -> list[str]:
    """Return the names that a mistyped one may have meant, nearest first."""
    names = [one.name for one in listed]
    ends = [other for other in names if other.lower().endswith(name.lower().rsplit("/")[-1])]
    close = difflib.get_close_matches(name, names, n=most, cutoff=0.5)
    return list(dict.fromkeys([*ends, *close]))[:most]
