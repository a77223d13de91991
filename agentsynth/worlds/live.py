"""A world whose tools are a really running MCP server over a scratch database.

What a call did is read from the database with our own SQLite, so the server's word is never taken
for it. It is not a sandbox: the server runs as this user.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from agentsynth.core.domain import Domain
from agentsynth.core.errors import ServerError
from agentsynth.core.ids import content_id
from agentsynth.core.manifest import ServerManifest, live_notes
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor, OpenWorld, ToolResult, World
from agentsynth.core.task import Change
from agentsynth.core.tools import ToolSpec
from agentsynth.worlds.listing import offered_specs, raw_hashes
from agentsynth.worlds.seat import Seat
from agentsynth.worlds.sqlite_state import Tables, difference, read_tables, shows_after
from agentsynth.worlds.stdio import Connection
from agentsynth.worlds.wire import Listing

__all__ = ["LiveWorld", "collect", "live_worlds", "open_live"]


class LiveWorld:
    """A world over a running server. Calls go one at a time; there is no retry."""

    def __init__(
        self,
        connection: Connection,
        manifest: ServerManifest,
        *,
        database: Path,
        shown: Mapping[str, str],
        offered: frozenset[str],
    ) -> None:
        """Take over a connection whose database is in its starting state.

        Args:
            connection: a server after its handshake.
            manifest: what is known about it.
            database: the file it works on.
            shown: local paths and what results say in their place.
            offered: the tools that calls may name.
        """
        self._connection = connection
        self._notes = live_notes(manifest)
        self._database = database
        self._shown = shown
        self._offered = offered
        self._start: Tables = read_tables(database)
        self._now: Tables = self._start
        self._turn = asyncio.Lock()

    async def call(self, call: ToolCall, actor: Actor = "assistant") -> ToolResult:
        """Run one call on the server and compare the database before and after.

        Live domains have no tools for the user.

        Raises:
            ServerError: the server died, hung or broke the protocol; the rollout fails.
        """
        if actor == "user" or call.name not in self._offered:
            return ToolResult(content=f"Unknown tool: {call.name}", is_error=True)
        async with self._turn:
            reply = await self._connection.call_tool(call.name, call.arguments)
            before, self._now = self._now, read_tables(self._database)
        content = self._masked(reply.text)
        unmarked = content.startswith(self._notes.error_prefixes)
        return ToolResult(
            content=content,
            is_error=reply.is_error or unmarked,
            changes=difference(before, self._now),
        )

    def state_hash(self) -> str:
        """Return the content hash of all tables and the schema."""
        return content_id(self._now)

    def net_changes(self) -> tuple[Change, ...]:
        """Return what differs from the starting state, sorted by entity and key."""
        return difference(self._start, self._now)

    def would_show(self, call: ToolCall, argument: str, select: str) -> bool:
        """Return whether a SELECT would find a row after the SQL in this call's argument.

        Tried on a copy with our own SQLite: `<table>` is the state afterwards, `before.<table>` the
        state of now. Nothing reaches the server.

        Raises:
            UserError: the SELECT does not run.
        """
        return shows_after(self._database, str(call.arguments.get(argument, "")), select)

    def _masked(self, text: str) -> str:
        for path, stand_in in self._shown.items():
            text = text.replace(path, stand_in)
        for mask in self._notes.masks:
            text = re.sub(mask.pattern, mask.replacement, text)
        return text


@asynccontextmanager
async def open_live(
    domain: Domain,
    manifest: ServerManifest,
    prefix: Path,
    seed_sql: str,
    *,
    specs: tuple[ToolSpec, ...],
) -> AsyncGenerator[LiveWorld]:
    """Open a world: scratch folder, seeded database, started server; all gone afterwards.

    Args:
        domain: a live domain.
        manifest: its server.
        prefix: where the server is installed.
        seed_sql: the SQL that makes the starting state.
        specs: what the agent was offered; the server must still list exactly these.

    Raises:
        UserError: the seed SQL does not run.
        ServerError: the server does not start or lists other tools than `specs`.
    """
    async with AsyncExitStack() as stack:
        seat = await _seated(stack, domain, manifest, prefix, seed_sql, specs)
        yield _world(seat, manifest, specs)


@asynccontextmanager
async def live_worlds(
    domain: Domain,
    manifest: ServerManifest,
    prefix: Path,
    seed_sql: str,
    *,
    specs: tuple[ToolSpec, ...],
    servers_at_once: int = 2,
) -> AsyncGenerator[OpenWorld]:
    """Give what opens this domain's worlds, at most `servers_at_once` at a time.

    A server whose manifest says `reusable` stays for later worlds until this context ends; one
    that broke, or whose world was left by an error, never does. The world seed changes nothing:
    every world starts from the same SQL.
    """
    slots = asyncio.Semaphore(servers_at_once)
    idle: list[Seat] = []
    ended = asyncio.Event()

    @asynccontextmanager
    async def open_world(world_seed: int) -> AsyncGenerator[World]:
        del world_seed
        async with slots, AsyncExitStack() as stack:
            while idle and not idle[-1].connection.usable:
                await idle.pop().stack.aclose()
            if idle:
                seat = idle.pop()
                stack.push_async_exit(seat.stack.__aexit__)
                seat.put_back()
            else:
                own = await stack.enter_async_context(AsyncExitStack())
                seat = await _seated(own, domain, manifest, prefix, seed_sql, specs)
            yield _world(seat, manifest, specs)
            if live_notes(manifest).reusable and seat.connection.usable and not ended.is_set():
                stack.pop_all()
                idle.append(seat)

    try:
        yield open_world
    finally:
        ended.set()
        async with AsyncExitStack() as stack:
            for seat in idle:
                stack.push_async_exit(seat.stack.__aexit__)


async def collect(
    manifest: ServerManifest, prefix: Path
) -> tuple[tuple[ToolSpec, ...], tuple[str, ...]]:
    """Start the server once on an empty database and list its tools.

    Returns:
        The offered tools, and one line for each malformed tool that was skipped.

    Raises:
        ServerError: it does not start or list, or lacks a tool that the manifest offers.
    """
    async with AsyncExitStack() as stack:
        seat = await Seat.taken(stack, manifest, prefix, "", "an empty database")
        listing = await seat.connection.list_tools()
    return offered_specs(listing, manifest), listing.skipped


async def _seated(
    stack: AsyncExitStack,
    domain: Domain,
    manifest: ServerManifest,
    prefix: Path,
    seed_sql: str,
    specs: tuple[ToolSpec, ...],
) -> Seat:
    seat = await Seat.taken(stack, manifest, prefix, seed_sql, f"domain {domain.name!r}")
    _require_unchanged(await seat.connection.list_tools(), specs, manifest)
    return seat


def _world(seat: Seat, manifest: ServerManifest, specs: tuple[ToolSpec, ...]) -> LiveWorld:
    return LiveWorld(
        seat.connection,
        manifest,
        database=seat.database,
        shown=dict(seat.connection.launch.hide),
        offered=frozenset(spec.name for spec in specs),
    )


def _require_unchanged(
    listing: Listing, specs: tuple[ToolSpec, ...], manifest: ServerManifest
) -> None:
    """Refuse a server whose tools are not those the specs were made from."""
    hashes = raw_hashes(listing)
    changed = [spec.name for spec in specs if hashes.get(spec.name) != spec.provenance.spec_hash]
    if changed:
        raise ServerError(
            f"server {manifest.name!r} now lists {', '.join(changed)} differently than when its "
            "tools were collected; collect them again, or reinstall the pinned version"
        )
