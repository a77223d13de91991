"""A world whose tools are a really running MCP server over a scratch folder.

What a call did is read from the folder with code of ours, so the server's word is never taken for
it. Whether the server is closed in is decided where it is started.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from pydantic import JsonValue

from agentsynth.core.errors import ServerError
from agentsynth.core.ids import content_id
from agentsynth.core.manifest import ServerManifest, live_notes
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor, OpenWorld, ToolResult, World
from agentsynth.core.task import Change
from agentsynth.core.tools import ToolSpec
from agentsynth.worlds.listing import offered_specs, raw_hashes
from agentsynth.worlds.outcomes import failure_of
from agentsynth.worlds.scratch_files import Tree
from agentsynth.worlds.seat import Seat, ServerHome
from agentsynth.worlds.sqlite_state import shows_after
from agentsynth.worlds.state_reader import Reading
from agentsynth.worlds.tables import Row, difference
from agentsynth.worlds.wire import Listing

__all__ = ["LiveWorld", "collect", "live_worlds", "open_live"]


class LiveWorld:
    """A world over a running server. Calls go one at a time; there is no retry."""

    def __init__(self, seat: Seat, manifest: ServerManifest, specs: tuple[ToolSpec, ...]) -> None:
        """Take over a seat whose scratch folder is in its starting state.

        Args:
            seat: a server after its handshake.
            manifest: what is known about it.
            specs: the tools that calls may name.

        Raises:
            ServerError: its state cannot be read.
        """
        self._connection = seat.connection
        self._reader = seat.reader
        self._notes = live_notes(manifest)
        self._shown: Mapping[str, str] = dict(seat.connection.launch.hide)
        self._scratch = seat.scratch
        self._specs = {spec.name: spec for spec in specs}
        self._start: Reading = self._reader.read()
        self._now: Reading = self._start
        self._turn = asyncio.Lock()

    async def call(self, call: ToolCall, actor: Actor = "assistant") -> ToolResult:
        """Run one call on the server and compare the state before and after.

        Live domains have no tools for the user.

        Raises:
            ServerError: the server died, hung, broke the protocol or left something odd in the
                place of its state; the rollout fails.
        """
        if actor == "user" or call.name not in self._specs:
            return ToolResult(content=f"Unknown tool: {call.name}", is_error=True)
        arguments = {name: self._inward(value) for name, value in call.arguments.items()}
        async with self._turn:
            reply = await self._connection.call_tool(call.name, arguments)
            before, self._now = self._now, self._reader.read()
        failure = failure_of(reply, self._notes)
        return ToolResult(
            content=self._masked(reply.text),
            is_error=failure is not None,
            changes=difference(before.tables, self._now.tables),
            failure=failure,
        )

    def state_hash(self) -> str:
        """Return the content hash of all tables."""
        return content_id(self._now.tables)

    def net_changes(self) -> tuple[Change, ...]:
        """Return what differs from the starting state, sorted by entity and key."""
        return difference(self._start.tables, self._now.tables)

    def would_show(self, call: ToolCall, select: str) -> bool:
        """Return whether a SELECT finds a row for this call.

        The SQL in its arguments, if it has any, is run on a copy with our own SQLite: `<table>` is
        then the state afterwards. `before.<table>` is the state of now, and `call` the arguments.
        Nothing reaches the server.

        Raises:
            UserError: the SELECT does not run.
        """
        spec = self._specs.get(call.name)
        properties = spec.parameters.get("properties") if spec is not None else None
        given: Row = {
            **dict.fromkeys(properties if isinstance(properties, dict) else ()),
            **call.arguments,
        }
        sql = [str(call.arguments.get(name, "")) for name in self._notes.sql_arguments]
        return shows_after(self._now.save, sql, given, select)

    def _inward(self, value: JsonValue) -> JsonValue:
        """Return an argument with the scratch folder's own path where its stand-in is."""
        if isinstance(value, str):
            stand_in = self._shown[str(self._scratch)]
            return re.sub(rf"(?<![\w/.-]){stand_in}(?![\w-])", str(self._scratch), value)
        if isinstance(value, list):
            return [self._inward(part) for part in value]
        if isinstance(value, dict):
            return {name: self._inward(part) for name, part in value.items()}
        return value

    def _masked(self, text: str) -> str:
        for path, stand_in in self._shown.items():
            text = text.replace(path, stand_in)
        for mask in self._notes.masks:
            text = re.sub(mask.pattern, mask.replacement, text)
        return text


@asynccontextmanager
async def open_live(
    home: ServerHome, start: Tree, *, specs: tuple[ToolSpec, ...]
) -> AsyncGenerator[LiveWorld]:
    """Open a world: scratch folder, starting state, started server; all gone afterwards.

    Args:
        home: the server.
        start: what lies in the scratch folder when the world starts.
        specs: what the agent was offered; the server must still list exactly these.

    Raises:
        UserError: the server may not be started here.
        ServerError: the server does not start or lists other tools than `specs`.
    """
    async with AsyncExitStack() as stack:
        seat = await _seated(stack, home, start, specs)
        yield LiveWorld(seat, home.manifest, specs)


@asynccontextmanager
async def live_worlds(
    home: ServerHome,
    start: Tree,
    *,
    specs: tuple[ToolSpec, ...],
    servers_at_once: int = 2,
) -> AsyncGenerator[OpenWorld]:
    """Give what opens worlds over a server, at most `servers_at_once` at a time.

    A server whose manifest says `reusable` stays for later worlds until this context ends; one
    that broke, or whose world was left by an error, never does. The world seed changes nothing:
    every world starts from the same files.
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
                seat = await _seated(own, home, start, specs)
            yield LiveWorld(seat, home.manifest, specs)
            if live_notes(home.manifest).reusable and seat.connection.usable and not ended.is_set():
                stack.pop_all()
                idle.append(seat)

    try:
        yield open_world
    finally:
        ended.set()
        async with AsyncExitStack() as stack:
            for seat in idle:
                stack.push_async_exit(seat.stack.__aexit__)


async def collect(home: ServerHome, start: Tree) -> tuple[tuple[ToolSpec, ...], tuple[str, ...]]:
    """Start the server once and list its tools.

    Returns:
        The offered tools, and one line for each malformed tool that was skipped.

    Raises:
        UserError: it may not be started here.
        ServerError: it does not start or list, or lacks a tool that the manifest offers.
    """
    async with AsyncExitStack() as stack:
        seat = await Seat.taken(stack, home, start)
        listing = await seat.connection.list_tools()
    return offered_specs(listing, home.manifest), listing.skipped


async def _seated(
    stack: AsyncExitStack, home: ServerHome, start: Tree, specs: tuple[ToolSpec, ...]
) -> Seat:
    seat = await Seat.taken(stack, home, start)
    _require_unchanged(await seat.connection.list_tools(), specs, home.manifest)
    return seat


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
