"""A registry on this machine that answers as a test says."""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

Reply = web.StreamResponse | dict[str, Any] | bytes | int


def row(name: str, version: str = "1.0.0", **meta: Any) -> dict[str, Any]:
    """A row as registries give it today."""
    server = {
        "name": f"io.example/{name}",
        "description": f"The {name}",
        "version": version,
        "packages": [
            {
                "registryType": "npm",
                "identifier": f"@example/{name}",
                "version": version,
                "transport": {"type": "stdio"},
            }
        ],
    }
    official = {"status": "active", "isLatest": True, "updatedAt": "2026-01-02T03:04:05Z", **meta}
    return {"server": server, "_meta": {"io.modelcontextprotocol.registry/official": official}}


def page(*rows: Any, following: str | None = None) -> dict[str, Any]:
    """A page of rows; None = it is the last."""
    return {"servers": list(rows), "metadata": {"nextCursor": following, "count": len(rows)}}


@asynccontextmanager
async def registry(
    answer: Callable[[web.Request, int], Any],
) -> AsyncGenerator[tuple[str, list[dict[str, str]]]]:
    """Serve while the block runs; gives the address and the queries that were asked.

    Args:
        answer: the request and its number, from 1, to a page, a body, a status or a response; may
            be a coroutine function.
    """
    asked: list[dict[str, str]] = []

    async def servers(request: web.Request) -> web.StreamResponse:
        asked.append(dict(request.query))
        said: Reply = answer(request, len(asked))
        if hasattr(said, "__await__"):
            said = await said  # type: ignore[misc]
        if isinstance(said, web.StreamResponse):
            return said
        if isinstance(said, int):
            return web.json_response({"error": f"status {said}"}, status=said)
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return web.Response(body=body, content_type="application/json")

    app = web.Application()
    app.router.add_get("/v0.1/servers", servers)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}", asked
    finally:
        await runner.cleanup()
