"""How one request travels: over aiohttp, or over any httpx transport that is given instead.

aiohttp is spoken to directly. With httpx's requests and responses around it the same call takes
0.1 ms more, a third of its cost; `python -m benchmarks.models` prints both. An httpx transport is
the seam for everything else: tests, proxies, an application in this process.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Protocol

import aiohttp
import httpx

__all__ = ["AiohttpTransport", "HttpxTransport", "Response", "Transport"]

KEEP_ALIVE_S = 4.0
"""How long an idle connection is kept: under the 5 s of uvicorn, before which vLLM stands."""


class Response(Protocol):
    """What came back, its body still to be read."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """The headers, whatever the case of their names."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        ...

    async def close(self) -> None:
        """End it, with what is left of its body."""
        ...


class Transport(Protocol):
    """Sends requests to one address, with the same headers each time."""

    async def post(self, body: bytes) -> Response:
        """Send a body; return the response, which the caller closes."""
        ...

    async def aclose(self) -> None:
        """Close the connections."""
        ...


class AiohttpTransport:
    """Connections that are kept, as many as are asked for: the gate is the limit."""

    def __init__(self, url: httpx.URL, headers: Mapping[str, str], connect_s: float) -> None:
        """Prepare; the first request opens the session.

        Args:
            url: where all requests go.
            headers: sent with every request.
            connect_s: seconds until a connection has to stand.
        """
        self._url = str(url)
        self._secure = url.scheme == "https"
        self._headers = dict(headers)
        # Every other deadline is the caller's: aiohttp's would hold for its own parts only.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_s)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes) -> "_AiohttpResponse":
        """Send a body; return the response."""
        session = self._session or self._open()
        return _AiohttpResponse(await session.post(self._url, data=body, allow_redirects=False))

    def _open(self) -> aiohttp.ClientSession:
        secure = httpx.create_ssl_context() if self._secure else False
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=secure)
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            headers=self._headers,
            timeout=self._timeout,
            skip_auto_headers=("user-agent", "accept", "accept-encoding"),
        )
        return self._session

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            await asyncio.sleep(0)  # lets the sockets close


class _AiohttpResponse:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.content.iter_any()

    async def close(self) -> None:
        self._response.release()  # keeps the connection if the body has been read, else closes it


class HttpxTransport:
    """Any httpx transport."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        url: httpx.URL,
        headers: Mapping[str, str],
        connect_s: float,
    ) -> None:
        """Take a transport; it is closed with this one."""
        self._transport = transport
        self._url = url
        self._headers = httpx.Headers(dict(headers))
        self._extensions = {"timeout": {"connect": connect_s}}

    async def post(self, body: bytes) -> "_HttpxResponse":
        """Send a body; return the response."""
        request = httpx.Request(
            "POST", self._url, headers=self._headers, content=body, extensions=self._extensions
        )
        return _HttpxResponse(await self._transport.handle_async_request(request))

    async def aclose(self) -> None:
        """Close the transport."""
        await self._transport.aclose()


class _HttpxResponse:
    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.status = response.status_code
        self.headers: Mapping[str, str] = response.headers

    def chunks(self) -> AsyncIterator[bytes]:
        return self._response.aiter_bytes()

    async def close(self) -> None:
        await self._response.aclose()
