"""A model behind HTTP: one request, one reply or one `ModelError`, and nothing sent again.

Requests go over a transport whose pool stays quick with a thousand of them in flight. Nothing is
taken from the environment but the key and, for certificates, SSL_CERT_FILE and SSL_CERT_DIR: no
proxies, no .netrc; no redirect is followed, so the key reaches no other host; nothing is logged.
"""

import asyncio
import copy
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress

import aiohttp
import httpx

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError
from agentsynth.core.errors import UserError
from agentsynth.models.codec import BadJson, from_bytes, to_bytes
from agentsynth.models.faults import Secret, error_text, fault_of, retry_after, shorten
from agentsynth.models.reply import read_reply, read_usage
from agentsynth.models.settings import ModelSettings
from agentsynth.models.stream import Merger
from agentsynth.models.transport import AiohttpTransport, HttpxTransport, Response, Transport
from agentsynth.models.wire import Wire

__all__ = ["HttpModel", "http_model"]

BODY_BYTES = 32_000_000
"""Most bytes of one response."""

DRAIN_S = 0.1
"""How long the end of a stream is waited for after its last event."""

TOO_LONG = (
    "context length",
    "context_length",
    "maximum context",
    "too many tokens",
    "max_model_len",
)
"""Words of endpoints that refuse a prompt for its length."""


class HttpModel:
    """One model at one endpoint. Use `http_model`, which closes its connections too."""

    def __init__(
        self,
        settings: ModelSettings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        environ: Mapping[str, str] = os.environ,
        body_bytes: int = BODY_BYTES,
        now: Callable[[], float] = time.time,
    ) -> None:
        """Prepare requests; nothing is sent yet.

        Args:
            settings: with a `url`.
            transport: sends the requests instead; None = aiohttp, without a limit on connections.
            environ: where the key is looked up.
            body_bytes: most bytes of one response.
            now: seconds since 1970, for dates in `retry-after`.

        Raises:
            UserError: if the key's variable is not set or holds no key, or the URL is none.
        """
        self._settings = settings
        self._secret = _secret(settings, environ)
        self.url = _url(settings)
        """Where requests go."""
        self._wire = Wire(settings)
        self._body_bytes = body_bytes
        self._now = now
        headers = {
            "accept": "text/event-stream, application/json"
            if settings.stream
            else "application/json",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "user-agent": "agentsynth",
        }
        if self._secret.value:
            headers["authorization"] = f"Bearer {self._secret.value}"
        connect = settings.timeouts.connect
        self._transport: Transport = (
            AiohttpTransport(self.url, headers, connect)
            if transport is None
            else HttpxTransport(transport, self.url, headers, connect)
        )

    def __repr__(self) -> str:
        return f"HttpModel({self._settings.model!r} at {self.url})"

    def conversation(self) -> "HttpModel":
        """Return the same for one conversation, whose messages it then writes once only.

        It has the same connections, which are closed with the first.
        """
        own = copy.copy(self)
        own._wire = self._wire.conversation()
        return own

    async def aclose(self) -> None:
        """Close the connections."""
        await self._transport.aclose()

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Send the request once and return the reply.

        Raises:
            ModelError: with the endpoint's own words, shortened, and never with the key.
        """
        timeouts = self._settings.timeouts
        body = self._wire.body(request)
        merger = Merger()
        clock = asyncio.get_running_loop().time
        last = clock() + timeouts.call
        first = clock() + timeouts.first_token if self._settings.stream else last
        timer = asyncio.timeout_at(min(first, last))
        try:
            async with timer:
                return await self._exchange(body, bool(request.tools), merger, timer, last)
        except TimeoutError:
            failure = self._late(merger) if timer.expired() else ModelError("timeout", "timed out")
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            failure = self._broken(error)
        except aiohttp.ClientError as error:
            failure = self._broken(error)
        except ModelError as error:
            failure = self._signed(error)
        # Outside of the handler: the errors below hold the request, and with it the key.
        raise failure

    async def _exchange(
        self, body: bytes, tools: bool, merger: Merger, timer: asyncio.Timeout, last: float
    ) -> ChatReply:
        response = await self._transport.post(body)
        try:
            streamed = response.headers.get("content-type", "").startswith("text/event-stream")
            if response.status != 200 or not streamed:
                data = self._secret.hide_bytes(await self._read(response))
                return self._whole(response, data, tools)
            await self._merge(response, merger, timer, last)
        finally:
            await response.close()
        # The key may have been cut in two by the stream, so it is looked for in the whole.
        merged = self._secret.hide_bytes(to_bytes(merger.body()))
        return read_reply(from_bytes(merged), tools_offered=tools)

    async def _merge(
        self, response: Response, merger: Merger, timer: asyncio.Timeout, last: float
    ) -> None:
        size = 0
        chunks = response.chunks()
        async for data in chunks:
            size += len(data)
            self._check_size(size)
            merger.feed(data)
            if merger.begun:
                timer.reschedule(last)
            if merger.done:
                await _drain(chunks)
                break

    async def _read(self, response: Response) -> bytes:
        pieces: list[bytes] = []
        size = 0
        async for data in response.chunks():
            size += len(data)
            self._check_size(size)
            pieces.append(data)
        return b"".join(pieces)

    def _check_size(self, size: int) -> None:
        if size > self._body_bytes:
            raise ModelError("bad_reply", f"the response is longer than {self._body_bytes:,} bytes")

    def _whole(self, response: Response, data: bytes, tools: bool) -> ChatReply:
        """Read a response that is no stream, whatever its status."""
        status = response.status
        try:
            body = from_bytes(data)
        except BadJson:
            if 200 <= status < 300:
                said = shorten(data.decode("utf-8", "replace"), 200) or "an empty body"
                raise ModelError("bad_reply", f"the reply is no JSON: {said}") from None
            body = None
        if 200 <= status < 300:
            return read_reply(body, tools_offered=tools)
        said = error_text(body)[0] or shorten(data.decode("utf-8", "replace"))
        raise ModelError(
            fault_of(status, said),
            f"HTTP {status}: {shorten(said) or 'no explanation'}{self._advice(response, said)}",
            retry_after=retry_after(response.headers, self._now),
            usage=read_usage(body.get("usage")) if isinstance(body, Mapping) else None,
        )

    def _advice(self, response: Response, said: str) -> str:
        status, settings = response.status, self._settings
        variable = f"the variable {settings.key_env!r}" if settings.key_env else "'key_env'"
        if any(words in said.lower() for words in TOO_LONG):
            return (
                "; the conversation is longer than the model's context: lower 'max_tokens', "
                "or serve it with a longer one"
            )
        if 300 <= status < 400:
            place = response.headers.get("location", "elsewhere")
            return f"; it redirects to {shorten(place, 200)}: give that as 'url'"
        advice = {
            401: f"; check {variable}: it holds no key this endpoint takes",
            402: "; the account behind the key has no credit left",
            403: f"; the key in {variable} may not use this model",
            404: f"; check 'url' ({settings.url}) and 'model' ({settings.model!r})",
            405: "; check 'url': it is the part up to and with /v1",
            413: "; the request is too large for this endpoint",
        }
        return advice.get(status, "")

    def _late(self, merger: Merger) -> ModelError:
        timeouts = self._settings.timeouts
        waits = self._settings.stream and not merger.begun
        if waits and timeouts.first_token <= timeouts.call:
            words, name = f"no token came within {timeouts.first_token:g} s", "first_token"
        else:
            words, name = f"the reply was not complete within {timeouts.call:g} s", "call"
        return self._signed(ModelError("timeout", f"{words} ('timeouts: {name}')"))

    def _broken(self, error: Exception) -> ModelError:
        """Return the fault of a connection.

        httpx-aiohttp calls a refused connection a timeout; the cause says what it was.
        """
        cause = error.__cause__ if isinstance(error.__cause__, aiohttp.ClientError) else error
        late = isinstance(cause, TimeoutError | httpx.TimeoutException)
        words = shorten(str(cause), 200) or type(cause).__name__
        if late:
            words = f"no connection within {self._settings.timeouts.connect:g} s ({words})"
        if isinstance(cause, httpx.DecodingError | aiohttp.ClientResponseError):
            return self._signed(ModelError("bad_reply", f"the response is no HTTP: {words}"))
        if isinstance(cause, aiohttp.ClientPayloadError | httpx.RemoteProtocolError):
            words = f"the connection broke off during the reply ({words})"
        return self._signed(ModelError("unreachable", words))

    def _signed(self, error: ModelError) -> ModelError:
        """Return the error with the model and the place in front and the key taken out."""
        words = f"model {self._settings.model!r} at {self._settings.url}: {error}"
        return ModelError(
            error.fault,
            self._secret.hide(words),
            retry_after=error.retry_after,
            usage=error.usage,
        )


@asynccontextmanager
async def http_model(
    settings: ModelSettings,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    environ: Mapping[str, str] = os.environ,
) -> AsyncGenerator[HttpModel]:
    """Give the model of an endpoint and close its connections at the end."""
    model = HttpModel(settings, transport=transport, environ=environ)
    try:
        yield model
    finally:
        await model.aclose()


async def _drain(chunks: AsyncIterator[bytes]) -> None:
    """Read the end of a response that has said all, so that its connection can be kept."""
    with suppress(TimeoutError, httpx.HTTPError, aiohttp.ClientError):
        async with asyncio.timeout(DRAIN_S):
            async for _ in chunks:
                pass


def _secret(settings: ModelSettings, environ: Mapping[str, str]) -> Secret:
    if settings.key_env is None:
        return Secret("")
    key = environ.get(settings.key_env, "").strip()
    if not key:
        raise UserError(
            f"models: the environment variable {settings.key_env!r} that holds the key of "
            f"{settings.model!r} is not set or empty; set it, or take 'key_env' out"
        )
    if not (key.isascii() and key.isprintable()):
        raise UserError(
            f"models: what the environment variable {settings.key_env!r} holds is no key: it has "
            "characters that no HTTP header may have"
        )
    return Secret(key)


def _url(settings: ModelSettings) -> httpx.URL:
    try:
        url = httpx.URL(settings.url or "")
    except httpx.InvalidURL as error:
        raise UserError(f"models: 'url' {settings.url!r} is none: {error}") from None
    if not url.host:
        raise UserError(f"models: 'url' {settings.url!r} names no host")
    if url.userinfo:
        raise UserError(
            f"models: 'url' of {settings.model!r} holds a name or password; "
            "put the key into an environment variable and name that in 'key_env'"
        )
    return url.copy_with(path=url.path.rstrip("/") + "/chat/completions", fragment=None)
