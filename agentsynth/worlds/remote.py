"""Tools of a server that is reached at an address, through the official SDK of MCP.

The SDK speaks the transports; the listing is taken as it came, since the SDK's own values lose a
whole page to one malformed tool, and unknown fields of every tool. What the SDK does not guard is
guarded here: bytes of an answer, pages, repeated cursors, and the time of the whole.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from pydantic import JsonValue, ValidationError

from agentsynth.core.errors import ServerError, UserError
from agentsynth.worlds.wire import Gathered, JsonObject, Listing, shortened

__all__ = ["Address", "NeedsAuth", "RemoteLimits", "RemoteListing", "list_remote"]

_MB = 1_000_000
_HOW_TO_INSTALL = "pip install 'agentsynth-engine[remote]'"
_CHECK = "check the address in its manifest, and that it speaks this transport"


class NeedsAuth(ServerError):
    """A server that answers nobody who does not say who he is."""


@dataclass(frozen=True, slots=True)
class RemoteLimits:
    """What one listing may use up."""

    total_s: float = 60.0
    """Seconds for everything."""
    answer_bytes: int = 16 * 1024 * 1024
    """Bytes of one answer, unpacked; a stream of events is one answer."""
    pages: int = 50
    tools: int = 5_000


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is reached, and as whom."""

    name: str
    """What messages call the server."""
    url: str
    transport: Literal["streamable_http", "sse"]
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    limits: RemoteLimits = RemoteLimits()


@dataclass(frozen=True, slots=True)
class RemoteListing:
    """What a server said."""

    listing: Listing
    protocol: str
    version: str
    """Its own, as it says; "" = it does not."""
    instructions: str
    """"" = none."""


@dataclass(slots=True)
class _Seen:
    """What the connection saw that the SDK does not pass on."""

    status: int = 0
    """The last one that was no success; 0 = there was none."""
    target: str = ""
    """Where a redirect pointed; "" = there was none."""
    too_long: bool = False


async def list_remote(address: Address) -> RemoteListing:
    """Return what a server lists; nothing is called.

    Raises:
        UserError: the SDK is not installed.
        NeedsAuth: it answered 401 or 403.
        ServerError: it cannot be reached, takes too long or breaks the protocol.
    """
    seen = _Seen()
    failed = _failures()
    try:
        async with asyncio.timeout(address.limits.total_s), AsyncExitStack() as stack:
            client = await _connected(stack, address, seen)
            listing = await _listed(client, address)
            greeting = client.server_info
            return RemoteListing(
                listing=listing,
                protocol=str(client.protocol_version),
                version=shortened(str(greeting.version)) if greeting else "",
                instructions=client.instructions or "",
            )
    except ServerError:
        raise
    except TimeoutError as error:
        words = f"did not list its tools within {address.limits.total_s:g} s"
        raise _failure(address, seen, words) from error
    except failed as error:
        served = _server_error(error)
        if served is not None:
            raise served from None
        raise _failure(address, seen, f"could not be listed: {_said(error)}") from error


def _failures() -> tuple[type[Exception], ...]:
    """Return what the SDK and what it stands on raise where a server is at fault."""
    try:
        import httpx2
        from mcp import MCPError
    except ModuleNotFoundError as error:
        raise UserError(
            f"servers at an address need the SDK of MCP ({error.name} is missing): "
            f"{_HOW_TO_INSTALL}"
        ) from None
    # A mismatch of protocols is a RuntimeError there, an unreadable answer a ValueError.
    return (ExceptionGroup, MCPError, httpx2.HTTPError, OSError, RuntimeError, ValueError)


async def _connected(stack: AsyncExitStack, address: Address, seen: _Seen) -> Any:
    """Return the SDK's client after its handshake, with a connection that is watched."""
    import httpx2
    from mcp import Client
    from mcp.client.sse import sse_client
    from mcp.client.streamable_http import streamable_http_client

    stack.enter_context(_quiet())
    limits = address.limits

    def http(headers: Any = None, timeout: Any = None, auth: Any = None) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            headers={**(headers or {}), **address.headers},
            timeout=httpx2.Timeout(limits.total_s),
            trust_env=False,
            event_hooks={"response": [_watching(seen, limits.answer_bytes)]},
        )

    if address.transport == "sse":
        transport = sse_client(
            address.url, sse_read_timeout=limits.total_s, httpx_client_factory=http
        )
    else:
        transport = streamable_http_client(
            address.url, http_client=await stack.enter_async_context(http()),
            max_sse_event_size=limits.answer_bytes,
        )  # fmt: skip
    mode = "legacy" if address.transport == "sse" else "auto"
    client = Client(transport, mode=mode, read_timeout_seconds=limits.total_s)
    return await stack.enter_async_context(client)


def _watching(seen: _Seen, most: int) -> Any:
    """Return a hook that notes refusals and counts the bytes of an answer's body."""
    import httpx2

    class Counted(httpx2.AsyncByteStream):
        def __init__(self, inner: Any) -> None:
            self._inner = inner

        async def __aiter__(self) -> AsyncGenerator[bytes]:
            size = 0
            async for chunk in self._inner:
                size += len(chunk)
                if size > most:
                    seen.too_long = True
                    raise httpx2.ReadError("the answer is too long")
                yield chunk

        async def aclose(self) -> None:
            await self._inner.aclose()

    async def look(response: Any) -> None:
        status = response.status_code
        # A server that has no stream of events, or no session to end, says so with 405.
        optional = response.request.method in ("GET", "DELETE") and status == 405
        if 300 <= status < 400:
            seen.target = str(response.headers.get("location", "an unnamed place"))
        elif status >= 400 and not optional:
            seen.status = status
        response.stream = Counted(response.stream)

    return look


async def _listed(client: Any, address: Address) -> Listing:
    limits = address.limits
    found = Gathered()
    cursor: str | None = None
    cursors: set[str] = set()
    for _ in range(limits.pages):
        page = await _page(client, {} if cursor is None else {"cursor": cursor})
        found.add_page(page.get("tools"))
        if len(found.tools) + len(found.skipped) > limits.tools:
            raise _wrong(address, f"listed more than {limits.tools} tools")
        following = page.get("nextCursor")
        if not isinstance(following, str) or not following:
            return Listing(tuple(found.tools), tuple(found.skipped))
        if following in cursors:
            raise _wrong(address, f"repeated the cursor {shortened(following)!r} in its listing")
        cursors.add(following)
        cursor = following
    raise _wrong(address, f"has more than {limits.pages} pages of tools")


async def _page(client: Any, params: JsonObject) -> JsonObject:
    """Return a page as it came. The SDK's public call has only its own values of it."""
    session = client.session
    data: dict[str, Any] = {"method": "tools/list", "params": dict(params)}
    options: dict[str, Any] = {}
    session._stamp(data, options)
    raw = await session._dispatcher.send_raw_request(data["method"], data["params"], options)
    return cast(dict[str, JsonValue], raw)


def _failure(address: Address, seen: _Seen, words: str) -> ServerError:
    """Return the error that says most of what happened."""
    if seen.status in (401, 403):
        return NeedsAuth(
            f"server {address.name!r} wants to know who asks (status {seen.status}): give its "
            "manifest a header, such as 'Authorization: Bearer {env:NAME}', and set that variable; "
            "signing in with a browser is not supported"
        )
    if seen.too_long:
        most = address.limits.answer_bytes
        return _wrong(address, f"gave an answer of more than {most} bytes")
    if seen.target:
        return ServerError(
            f"server {address.name!r} has moved to {shortened(seen.target)}: no redirect to "
            "another place is followed; if you trust it, give that address in the manifest"
        )
    status = f" (status {seen.status})" if seen.status else ""
    return ServerError(f"server {address.name!r} {words}{status}; {_CHECK}")


def _wrong(address: Address, words: str) -> ServerError:
    return ServerError(
        f"server {address.name!r} {words}; this is the server's fault: report it there, or "
        "leave the server out"
    )


def _server_error(error: BaseException) -> ServerError | None:
    """Return our own error out of the groups that it was wrapped in."""
    if isinstance(error, ServerError):
        return error
    inner = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    return next((found for one in inner if (found := _server_error(one)) is not None), None)


def _said(error: BaseException) -> str:
    """Return what the innermost error says, on one line."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, ValidationError):
        return "its answer does not have the protocol's form"
    return shortened(" ".join(str(error).split())) or type(error).__name__


@contextmanager
def _quiet() -> Generator[None]:
    """Keep the SDK from logging to the terminal; what it would say is in our errors."""
    logger = logging.getLogger("mcp")
    before = logger.propagate
    logger.propagate = False
    logger.addHandler(_SILENT)
    try:
        yield
    finally:
        logger.propagate = before
        logger.removeHandler(_SILENT)


_SILENT = logging.NullHandler()
