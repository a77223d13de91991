"""A client for MCP servers over stdio: JSON-RPC 2.0, one request at a time, no retries.

It is not the official SDK, which loses a whole listing to one malformed tool and hangs on a few
kinds of noise. Whatever a server does wrong ends in one `ServerError` that says what happened.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import JsonValue

from agentsynth.core.errors import ServerError
from agentsynth.core.ids import canonical_json
from agentsynth.worlds.process import Ended, Overflow, ServerProcess, running
from agentsynth.worlds.watch import watched
from agentsynth.worlds.wire import (
    CallReply,
    Gathered,
    JsonObject,
    Listing,
    TooDeep,
    decoded,
    error_text,
    is_answer,
    is_too_deep,
    part_text,
    shortened,
)

__all__ = ["Connection", "Launch", "Limits", "connect"]

_OFFERED_PROTOCOL = "2025-06-18"
_KNOWN_PROTOCOLS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
_METHOD_NOT_FOUND = -32601
_IF_SLOW = "if the machine is only slow, raise the timeout in the server's manifest"
_IF_DEAD = "if it goes on, install the server again"
_IF_WRONG = "this is the server's fault: report it there, or leave the server out"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server may use up before it is given up."""

    start_timeout_s: float = 30.0
    """Seconds from launch to the answered handshake."""
    list_timeout_s: float = 30.0
    """Seconds for the whole listing."""
    call_timeout_s: float = 15.0
    """Seconds for one call."""
    line_bytes: int = 16 * 1024 * 1024
    """Bytes in one line of output; twice as much may wait to be read."""
    stray_lines: int = 10_000
    """Lines that are no answer (noise, notifications, requests) while one request waits."""
    pages: int = 50
    """Pages of one listing."""
    tools: int = 5_000
    """Tools of one listing."""
    stderr_bytes: int = 4_000
    """Bytes of stderr kept, the last ones."""
    tree_bytes: int | None = None
    """Memory of the server and all it started, together; None = not watched."""
    folder_bytes: int | None = None
    """What may lie on the disk in its folder; None = not watched."""
    exit_grace_s: float = 1.0
    """Seconds a server has to leave after its input ends, and again after SIGTERM."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How one server is started."""

    name: str
    """What messages call the server."""
    argv: tuple[str, ...]
    cwd: Path
    env: Mapping[str, str]
    """The whole environment; nothing is inherited."""
    limits: Limits = Limits()
    hide: tuple[tuple[str, str], ...] = ()
    """(text, stand-in) pairs, such as local paths, replaced in error messages."""


@dataclass(slots=True)
class Connection:
    """A started server after its handshake. Requests go one at a time."""

    launch: Launch
    process: ServerProcess
    noise: int = 0
    """Lines on stdout so far that were not JSON-RPC."""
    greeting: JsonObject = field(default_factory=dict[str, JsonValue])
    """What the server answered to the handshake: protocol, name, instructions."""
    _answered: bool = True
    """False = a request is under way, or was given up."""
    _last_id: int = 0
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def usable(self) -> bool:
        """Whether the server runs and owes no answer, so that another request makes sense."""
        return self._answered and self.process.runs

    async def list_tools(self) -> Listing:
        """Return all pages of the server's tools; malformed ones are skipped and reported.

        Raises:
            ServerError: no answer in time, a cursor that repeats, too many pages or tools.
        """
        limits = self.launch.limits
        found = Gathered()
        cursor: str | None = None
        cursors: set[str] = set()
        async with self._deadline(limits.list_timeout_s, "list its tools"):
            for _ in range(limits.pages):
                params: JsonObject = {} if cursor is None else {"cursor": cursor}
                result = await self._result("tools/list", params)
                found.add_page(result.get("tools"))
                if len(found.tools) + len(found.skipped) > limits.tools:
                    raise self.failure(f"listed more than {limits.tools} tools")
                following = result.get("nextCursor")
                if not isinstance(following, str) or not following:
                    return Listing(tuple(found.tools), tuple(found.skipped))
                if following in cursors:
                    raise self.failure(
                        f"repeated the cursor {shortened(following)!r} in its listing"
                    )
                cursors.add(following)
                cursor = following
        raise self.failure(f"has more than {limits.pages} pages of tools")

    async def call_tool(self, name: str, arguments: Mapping[str, JsonValue]) -> CallReply:
        """Return what the server answered, errors it reports included.

        Raises:
            ServerError: the server died, hung, flooded or broke the protocol.
        """
        params: JsonObject = {"name": name, "arguments": dict(arguments)}
        async with self._deadline(self.launch.limits.call_timeout_s, f"answer a call of {name!r}"):
            answer = await self._request("tools/call", params)
        if "error" in answer:
            return CallReply(error_text(answer["error"]), is_error=True, protocol_error=True)
        result = answer.get("result")
        content = result.get("content") if isinstance(result, dict) else None
        if not isinstance(result, dict) or not isinstance(content, list):
            raise self.failure(f"answered a call of {name!r} without a content list")
        if is_too_deep(result):
            raise self.failure(f"answered a call of {name!r} with JSON that is nested too deeply")
        parts = [part_text(part) for part in content]
        if not parts and result.get("structuredContent") is not None:
            parts = [canonical_json(result["structuredContent"])]
        return CallReply("\n".join(parts), is_error=result.get("isError") is True)

    async def handshake(self) -> None:
        """Agree on a protocol version; the first thing on a new connection."""
        params: JsonObject = {
            "protocolVersion": _OFFERED_PROTOCOL,
            "capabilities": {"roots": {"listChanged": False}},
            "clientInfo": {"name": "agentsynth", "version": "1"},
        }
        async with self._deadline(self.launch.limits.start_timeout_s, "answer the handshake"):
            result = await self._result("initialize", params)
        version = result.get("protocolVersion")
        if version not in _KNOWN_PROTOCOLS:
            known = ", ".join(_KNOWN_PROTOCOLS)
            raise self.failure(f"speaks protocol {shortened(repr(version))}; known are {known}")
        self.greeting = result
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def failure(self, what: str, advice: str = _IF_WRONG) -> ServerError:
        """Return the error that says what this server did, with the end of its stderr."""
        said = shortened(self.process.stderr_tail(), self.launch.limits.stderr_bytes)
        end = f"Its stderr ends with:\n{said}" if said else "It wrote nothing to stderr."
        text = f"server {self.launch.name!r} {what}; {advice}. {end}"
        for path, stand_in in self.launch.hide:
            text = text.replace(path, stand_in)
        return ServerError(text)

    @asynccontextmanager
    async def _deadline(self, seconds: float, task: str) -> AsyncGenerator[None]:
        try:
            async with asyncio.timeout(seconds):
                yield
        except TimeoutError as exc:
            raise self.failure(f"did not {task} within {seconds:g} s", _IF_SLOW) from exc
        except Ended as exc:
            how = _ended(await self.process.exit_code())
            raise self.failure(f"{how} when it should {task}", _IF_DEAD) from exc
        except Overflow as exc:
            raise self.failure(f"{exc} when it should {task}") from exc

    async def _result(self, method: str, params: JsonObject) -> JsonObject:
        answer = await self._request(method, params)
        if "error" in answer:
            raise self.failure(f"refused {method!r}: {shortened(error_text(answer['error']))}")
        result = answer.get("result")
        if not isinstance(result, dict):
            raise self.failure(f"answered {method!r} without a result object")
        return result

    async def _request(self, method: str, params: JsonObject) -> JsonObject:
        async with self._turn:
            self._last_id += 1
            wanted = self._last_id
            self._answered = False
            self._send({"jsonrpc": "2.0", "id": wanted, "method": method, "params": params})
            stray = 0
            while stray <= self.launch.limits.stray_lines:
                for message in self._decode(await self.process.line()):
                    if is_answer(message, wanted):
                        self._answered = True
                        return message
                    self._attend(message)
                stray += 1
            raise self.failure(f"wrote {stray} lines and none was the answer to {method!r}")

    def _decode(self, line: bytes) -> list[JsonObject]:
        """Return the messages of a line; none if it is noise."""
        try:
            messages = decoded(line)
        except TooDeep:
            raise self.failure("wrote JSON that is nested too deeply to be read") from None
        if messages is None:
            self.noise += 1
        return messages or []

    def _attend(self, message: JsonObject) -> None:
        """Answer what a server asks of us; notifications and late answers are passed over."""
        method = message.get("method")
        number = message.get("id")
        if method is None and number is None and "error" in message:
            said = shortened(error_text(message["error"]))
            raise self.failure(f"could not read our request: {said}")
        if not isinstance(method, str) or not isinstance(number, str | int):
            return
        reply: JsonObject = {"jsonrpc": "2.0", "id": number}
        if method == "ping":
            reply["result"] = {}
        elif method == "roots/list":
            reply["result"] = {"roots": []}
        else:
            reply["error"] = {"code": _METHOD_NOT_FOUND, "message": f"unknown method {method!r}"}
        self._send(reply)

    def _send(self, message: JsonObject) -> None:
        self.process.write(json.dumps(message, ensure_ascii=True).encode("ascii") + b"\n")


@asynccontextmanager
async def connect(launch: Launch) -> AsyncGenerator[Connection]:
    """Start a server, shake hands, and end its whole process group on the way out.

    Raises:
        ServerError: it cannot be started or does not answer the handshake.
    """
    limits = launch.limits
    process = running(
        launch.argv,
        cwd=launch.cwd,
        env=launch.env,
        line_bytes=limits.line_bytes,
        stderr_bytes=limits.stderr_bytes,
        exit_grace_s=limits.exit_grace_s,
    )
    async with AsyncExitStack() as stack:
        try:
            started = await stack.enter_async_context(process)
        except OSError as exc:
            raise ServerError(
                f"server {launch.name!r} could not be started ({exc.strerror or exc}): "
                "its environment may be damaged; remove it and install the server again"
            ) from exc
        await stack.enter_async_context(
            watched(
                started,
                launch.cwd,
                tree_bytes=limits.tree_bytes,
                folder_bytes=limits.folder_bytes,
            )
        )
        connection = Connection(launch, started)
        await connection.handshake()
        yield connection


def _ended(code: int | None) -> str:
    if code is None:
        return "closed its output"
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
