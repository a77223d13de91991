"""One page of a registry: asked for within limits, and again where that can help."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import httpx

from agentsynth.evolve.registry_keys import normalised
from agentsynth.models.codec import BadJson, from_bytes
from agentsynth.models.faults import error_text, retry_after, shorten

__all__ = ["Caps", "Failed", "Fetcher", "Sleep", "fetch_page"]

Sleep = Callable[[float], Awaitable[object]]

_RETRIED = (408, 425, 429)
_FIRST_WAIT_S = 1.0


@dataclass(frozen=True, slots=True)
class Caps:
    """What one listing may use up."""

    pages: int = 1_000
    page_bytes: int = 16_000_000
    """Bytes of one answer, unpacked."""
    total_bytes: int = 500_000_000
    page_s: float = 30.0
    """Seconds for one answer, its body included."""
    total_s: float = 1_800.0
    """Seconds for everything, waits included."""
    attempts: int = 5
    """Requests for one page, the first included."""
    longest_wait_s: float = 120.0
    """A registry that asks for a longer pause is given up."""


class Failed(Exception):
    """Why one attempt gave no page."""

    def __init__(self, words: str, *, again: bool, wait_s: float | None = None) -> None:
        super().__init__(words)
        self.again = again
        self.wait_s = wait_s


@dataclass(slots=True)
class Fetcher:
    """What asks for the pages of one listing."""

    client: httpx.AsyncClient
    caps: Caps
    rng: random.Random
    sleep: Sleep
    size: int = 0
    """Bytes of all answers that were used so far."""


async def fetch_page(fetcher: Fetcher, url: httpx.URL) -> dict[str, object]:
    """Return one page, asking again where that can help.

    Raises:
        Failed: after the last attempt, or at once where another would give the same.
    """
    caps = fetcher.caps
    for attempt in range(1, caps.attempts + 1):
        try:
            return await _once(fetcher, url)
        except Failed as failed:
            if not failed.again:
                raise
            if attempt == caps.attempts:
                words = f"{failed} (asked {attempt} times)" if attempt > 1 else str(failed)
                raise Failed(words, again=False) from failed
            if failed.wait_s is not None and failed.wait_s > caps.longest_wait_s:
                words = f"{failed}, and asks to wait {failed.wait_s:.0f} s; try again later"
                raise Failed(words, again=False) from failed
            await fetcher.sleep(_wait_s(failed, attempt, fetcher))
    raise Failed("no attempt is allowed; raise 'attempts'", again=False)


def _wait_s(failed: Failed, attempt: int, fetcher: Fetcher) -> float:
    """Return how long to wait: as asked and a little more, else twice as long each time."""
    drawn = fetcher.rng.random()
    if failed.wait_s is not None:
        return failed.wait_s + drawn * _FIRST_WAIT_S
    longest = min(_FIRST_WAIT_S * 2**attempt, fetcher.caps.longest_wait_s)
    return longest * (0.5 + drawn / 2)


async def _once(fetcher: Fetcher, url: httpx.URL) -> dict[str, object]:
    seconds = fetcher.caps.page_s
    try:
        async with asyncio.timeout(seconds), fetcher.client.stream("GET", url) as response:
            body = await _body(fetcher, response)
            status, headers = response.status_code, response.headers
    except TimeoutError:
        raise Failed(f"a page was not complete within {seconds:g} s", again=True) from None
    except httpx.TransportError as error:
        words = shorten(str(error), 200) or type(error).__name__
        raise Failed(f"it cannot be reached: {words}", again=True) from error
    except httpx.DecodingError as error:
        raise Failed(f"a page cannot be unpacked: {error}", again=False) from error
    if status != 200:
        raise _refusal(status, headers, body)
    try:
        page = _plain_page(from_bytes(body))
    except BadJson as error:
        raise Failed(f"a page is no JSON: {error}", again=False) from None
    if page is None:
        raise Failed("a page is not an object with 'servers'", again=False)
    fetcher.size += len(body)
    return page


def _plain_page(raw: object) -> dict[str, object] | None:
    """Return a page with its rows as they came and its metadata normalised; None = no page."""
    if not isinstance(raw, dict) or "servers" not in raw:
        return None
    return {"servers": raw["servers"] or [], "metadata": normalised(raw.get("metadata"))}


async def _body(fetcher: Fetcher, response: httpx.Response) -> bytes:
    most = min(fetcher.caps.page_bytes, fetcher.caps.total_bytes - fetcher.size)
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            whole = most < fetcher.caps.page_bytes
            what = "the listing has" if whole else "a page has"
            cap = fetcher.caps.total_bytes if whole else most
            raise Failed(f"{what} more than {cap} bytes", again=False)
    return bytes(body)


def _refusal(status: int, headers: httpx.Headers, body: bytes) -> Failed:
    try:
        said = shorten(error_text(from_bytes(body))[0], 200)
    except BadJson:
        said = ""
    words = f"it answered with status {status}" + (f" ({said})" if said else "")
    if 300 <= status < 400:
        target = shorten(headers.get("location", "an unnamed place"), 200)
        return Failed(f"{words}: it has moved to {target}; give that address", again=False)
    if status in (401, 403):
        return Failed(f"{words}: it wants a key, which is not supported", again=False)
    again = status in _RETRIED or (status >= 500 and status != 501)
    return Failed(words, again=again, wait_s=retry_after(headers) if again else None)
