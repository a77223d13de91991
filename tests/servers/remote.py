"""A server at an address on this machine, made with the official SDK or by hand.

Prints its port; its arguments are the way it behaves and the transport. It ends with its input.
"""

import asyncio
import json
import os
import sys
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

MODE, TRANSPORT = sys.argv[1], sys.argv[2]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
OBJECT: dict[str, Any] = {"type": "object", "properties": {"id": {"type": "string"}}}


def sdk_app() -> App:
    """Two tools of the SDK's own server."""
    from mcp.server import MCPServer

    server = MCPServer("garden", instructions="Water in the morning.", version="4.2")

    @server.tool()
    def water(bed: str, litres: int = 3) -> dict[str, int]:
        """Waters a bed."""
        return {bed: litres}

    @server.tool()
    def weed(bed: str) -> str:
        """Weeds a bed."""
        return bed

    return server.sse_app() if TRANSPORT == "sse" else server.streamable_http_app()


def tool(name: Any, **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": "Looks up.", "inputSchema": OBJECT, **changes}


def result_of(method: str, params: dict[str, Any], headers: dict[str, str]) -> Any:
    """What a server written by hand answers."""
    if method == "initialize":
        return {
            "protocolVersion": "2025-06-18",
            "capabilities": {"tools": {}},
            "serverInfo": {"name": "hand", "version": "1"},
        }
    cursor = params.get("cursor")
    if MODE == "malformed":
        bad = [{"name": "no_schema"}, tool(7), tool("odd", annotations={"readOnlyHint": "yes"})]
        return {"tools": [*bad, tool("fine", shelf="kept")]}
    if MODE == "pages":
        return {"tools": [tool(f"t{cursor}")], **({} if cursor == "1" else {"nextCursor": "1"})}
    if MODE == "repeats":
        return {"tools": [], "nextCursor": "again"}
    if MODE == "endless":
        return {"tools": [], "nextCursor": f"{cursor}+"}
    if MODE == "huge":
        return {"tools": [tool("big", description="x" * 20_000_000)]}
    if MODE == "echoes":
        return {"tools": [tool("fine", description=f"You are {headers.get('authorization')}.")]}
    return {"tools": []}


async def by_hand(scope: Scope, receive: Receive, send: Send) -> None:
    """One answer for one request, as JSON."""
    body = b""
    part: Scope = {"more_body": True}
    while part.get("more_body"):
        part = await receive()
        body += part.get("body", b"")
    request = json.loads(body) if body else {}
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    if MODE == "locked" and headers.get("authorization") != "Bearer opensesame":
        return await reply(send, 401, {"error": "who are you?"})
    if MODE in REFUSALS:
        status, value, more = REFUSALS[MODE]
        return await reply(send, status, value, **more)
    if scope["method"] != "POST":
        return await reply(send, 405, {})
    if "id" not in request:
        return await reply(send, 202, None)
    await reply(send, 200, {"jsonrpc": "2.0", "id": request["id"], **await said(request, headers)})


REFUSALS: dict[str, tuple[int, Any, dict[str, str]]] = {
    "moved": (307, {}, {"location": "http://127.0.0.2:9/mcp"}),
    "broken": (500, {"error": "out of order"}, {}),
    "no_json": (200, "<html>hello</html>", {}),
}


async def said(request: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    if request["method"] not in ("initialize", "tools/list"):
        return {"error": {"code": -32601, "message": "unknown method"}}
    if MODE == "hangs" and request["method"] == "tools/list":
        await asyncio.sleep(60)
    return {"result": result_of(request["method"], request.get("params") or {}, headers)}


async def reply(send: Send, status: int, value: Any, **headers: str) -> None:
    listed = {"content-type": "application/json", **headers}
    pairs = [(name.encode(), text.encode()) for name, text in listed.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    body = b"" if value is None else json.dumps(value).encode()
    await send({"type": "http.response.body", "body": body})


def end_with_input() -> None:
    sys.stdin.read()
    os._exit(0)


class Announcing(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        sys.stdout.write(f"{self.servers[0].sockets[0].getsockname()[1]}\n")
        sys.stdout.flush()


def main() -> None:
    app: Any = sdk_app() if MODE == "sdk" else by_hand
    threading.Thread(target=end_with_input, daemon=True).start()
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="auto")
    Announcing(config).run()


if __name__ == "__main__":
    main()
