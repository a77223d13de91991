"""A client of registries that speak the MCP registry's API v0.1: all servers, page by page.

Whatever comes after the first page is a gain: a registry that repeats itself, never ends or breaks
off in the middle gives what was found until then, and the listing says that it is not complete.
Nothing is taken from the environment, so there is no proxy but a transport that is one, and no
redirect is followed. It has been run against servers on this machine only.
Source: modelcontextprotocol/registry, docs/reference/api (generic API, OpenAPI of 2025-12-01).
"""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime

import httpx

from agentsynth.core.errors import RunError, UserError
from agentsynth.evolve.registry_keys import mapping, string
from agentsynth.evolve.registry_page import Caps, Failed, Fetcher, Sleep, fetch_page
from agentsynth.evolve.registry_record import (
    ServerRecord,
    Skipped,
    latest_active,
    read_record,
    written_at,
)
from agentsynth.models.faults import shorten

__all__ = ["Caps", "RegistryListing", "list_servers"]

_CAPS = Caps()
_PATH = "/v0.1"
_PAGE_SIZE = 100
"""Most rows of a page that registries give."""
_LONGEST_CURSOR = 4_000


@dataclass(frozen=True, slots=True)
class RegistryListing:
    """What a registry gave."""

    servers: tuple[ServerRecord, ...]
    """The latest version of each server that is not deleted, by name."""
    deleted: tuple[str, ...]
    """Names of servers that are deleted, for whoever kept them from an earlier listing."""
    skipped: tuple[Skipped, ...]
    """Records that cannot be read, in the order they came."""
    pages: int
    size: int
    """Bytes of all answers that were used."""
    stopped: str
    """Why it ended early; "" = it is complete."""
    newest: datetime | None
    """Last change of any record, for the next `updated_since`; None = none is known, or the
    listing is not complete, so that the next one must not skip what this one missed."""


@dataclass(slots=True)
class _Found:
    """What was gathered so far."""

    records: list[ServerRecord] = field(default_factory=list[ServerRecord])
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    pages: int = 0


async def list_servers(
    base_url: str,
    *,
    rng: random.Random,
    search: str = "",
    updated_since: datetime | None = None,
    caps: Caps = _CAPS,
    transport: httpx.AsyncBaseTransport | None = None,
    sleep: Sleep = asyncio.sleep,
) -> RegistryListing:
    """Return the servers of a registry.

    Args:
        base_url: address of the registry, with or without `/v0.1` at its end.
        rng: draws the jitter of waits.
        search: part of the servers' names; "" = all servers.
        updated_since: only what changed since then, deletions included; None = everything.
        caps: what it may use up.
        transport: carries the requests and is closed at the end; None = the network.
        sleep: waits the seconds it is given.

    Raises:
        UserError: the address is none, or `updated_since` has no time zone.
        RunError: not even one page came; the message says why and what to do.
    """
    query = {"limit": str(_PAGE_SIZE), "version": "latest"}
    if search:
        query["search"] = search
    if updated_since is not None:
        query["updated_since"] = _rfc3339(updated_since)
    address = _address(base_url)
    async with httpx.AsyncClient(
        transport=transport or httpx.AsyncHTTPTransport(),
        timeout=None,
        trust_env=False,
        headers={"accept": "application/json", "accept-encoding": "identity"},
    ) as client:
        fetcher = Fetcher(client, caps, rng, sleep)
        found = _Found()
        try:
            async with asyncio.timeout(caps.total_s):
                stopped = await _walk(fetcher, found, address, query)
        except TimeoutError:
            stopped = f"the listing was not complete within {caps.total_s:g} s"
    if found.pages == 0:
        raise RunError(f"registry {base_url}: {stopped}")
    return _listing(found, fetcher.size, stopped)


async def _walk(fetcher: Fetcher, found: _Found, address: httpx.URL, query: dict[str, str]) -> str:
    """Gather page after page; return why it ended early, "" at the regular end."""
    seen: set[str] = set()
    cursor = ""
    while True:
        if found.pages >= fetcher.caps.pages:
            return f"it has more than {fetcher.caps.pages} pages"
        url = address.copy_merge_params({**query, "cursor": cursor} if cursor else query)
        try:
            page = await fetch_page(fetcher, url)
        except Failed as failed:
            return f"{failed}{'' if found.pages else _advice(failed)}"
        found.pages += 1
        _add(found, page)
        cursor = string(mapping(page.get("metadata")).get("nextCursor"))
        if not cursor:
            return ""
        if len(cursor) > _LONGEST_CURSOR:
            return f"its cursor on page {found.pages} has {len(cursor)} characters"
        if cursor in seen:
            return f"it repeated the cursor {shorten(cursor, 60)!r} on page {found.pages}"
        seen.add(cursor)


def _add(found: _Found, page: dict[str, object]) -> None:
    where = f"page {found.pages}"
    rows = page.get("servers", [])
    if not isinstance(rows, list):
        found.skipped.append(Skipped(where, "'servers' is not a list"))
        return
    for number, row in enumerate(rows, start=1):
        record = read_record(row, f"{where}, row {number}")
        if isinstance(record, Skipped):
            found.skipped.append(record)
        else:
            found.records.append(record)


def _advice(failed: Failed) -> str:
    if "reached" in str(failed):
        return "; check the address and the network"
    if "no JSON" in str(failed) or "status 404" in str(failed) or "'servers'" in str(failed):
        return f"; check the address: it is the part before {_PATH}/servers"
    return ""


def _address(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
    except (httpx.InvalidURL, ValueError, UnicodeError) as error:
        raise UserError(f"registry address {base_url!r} is none: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise UserError(f"registry address {base_url!r}: expected https://host, or with a path")
    if url.userinfo or url.query:
        raise UserError("registry address: expected no name, password or query in it")
    path = url.path.rstrip("/").removesuffix("/servers").removesuffix(_PATH)
    return url.copy_with(path=f"{path}{_PATH}/servers", fragment=None)


def _rfc3339(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise UserError("updated_since: expected a moment with a time zone, such as UTC")
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _listing(found: _Found, size: int, stopped: str) -> RegistryListing:
    servers, deleted = latest_active(found.records)
    moments = [written_at(record.updated_at) for record in found.records]
    known = [moment for moment in moments if moment is not None]
    return RegistryListing(
        servers=tuple(servers),
        deleted=tuple(deleted),
        skipped=tuple(found.skipped),
        pages=found.pages,
        size=size,
        stopped=stopped,
        newest=None if stopped else max(known, default=None),
    )
