import asyncio
import gzip
import json
import logging
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from aiohttp import web
from pydantic import ValidationError

from agentsynth.core.chat import ChatReply, ModelError, Usage
from agentsynth.core.errors import UserError
from agentsynth.models.faults import fault_of, retry_after
from agentsynth.models.http import HttpModel, http_model
from agentsynth.models.settings import ModelSettings
from tests.models.made import KEY, request, tool

pytestmark = pytest.mark.anyio

SECRET = "sk-very-secret-0123456789"
ENV = {"THE_KEY": SECRET}
GOOD = {
    "model": "m-1",
    "choices": [{"message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 2},
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def settings(url: str = "http://localhost/v1", **changed: Any) -> ModelSettings:
    base = {"url": url, "model": "m", "key_env": "THE_KEY"}
    return ModelSettings.model_validate({**base, **changed})


def answering(respond: Callable[[httpx.Request], httpx.Response], **changed: Any) -> HttpModel:
    return HttpModel(settings(**changed), transport=httpx.MockTransport(respond), environ=ENV)


async def failure(model: HttpModel) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model.complete(request(), KEY)
    return caught.value


async def refused(
    status: int, said: Any = None, headers: dict[str, str] | None = None
) -> ModelError:
    return await failure(answering(lambda _: httpx.Response(status, json=said, headers=headers)))


@asynccontextmanager
async def serving(handler: Handler, **changed: Any) -> AsyncGenerator[HttpModel]:
    """A model at a real server on this machine."""
    app = web.Application(client_max_size=2**26)
    app.router.add_post("/v1/chat/completions", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        place = settings(f"http://127.0.0.1:{runner.addresses[0][1]}/v1", **changed)
        async with http_model(place, environ=ENV) as model:
            yield model
    finally:
        await runner.cleanup()


def event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    body = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}
    return f"data: {json.dumps(body)}\n\n".encode()


async def begin(asked: web.Request, kind: str = "application/json") -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": kind})
    await response.prepare(asked)
    return response


# -- good replies ---------------------------------------------------------------------------------


async def test_a_request_goes_out_once_with_the_key_and_comes_back_as_a_reply() -> None:
    seen: list[web.Request] = []

    async def handler(asked: web.Request) -> web.StreamResponse:
        await asked.read()
        seen.append(asked)
        return web.json_response(GOOD)

    async with serving(handler) as model:
        reply = await model.complete(request(tools=(tool(),)), KEY)
    assert reply == ChatReply(
        "Hello.",
        finish="stop",
        usage=Usage(9, 2),
        model="m-1",
        raw={"role": "assistant", "content": "Hello."},
    )
    assert [asked.headers["authorization"] for asked in seen] == [f"Bearer {SECRET}"]
    assert (await seen[0].json())["tools"][0]["function"]["name"] == "find_plot"


async def test_a_connection_is_kept_for_the_next_request() -> None:
    ports: list[Any] = []

    async def handler(asked: web.Request) -> web.StreamResponse:
        assert asked.transport is not None
        ports.append(asked.transport.get_extra_info("peername"))
        if (await asked.json()).get("stream"):
            response = await begin(asked, "text/event-stream")
            await response.write(event({"content": "Hi."}, "stop") + b"data: [DONE]\n\n")
            await asyncio.sleep(0.01)
            await response.write_eof()
            return response
        return web.json_response(GOOD)

    for stream in (False, True):
        ports.clear()
        async with serving(handler, stream=stream) as model:
            for _ in range(3):
                await model.complete(request(), KEY)
        assert len(ports) == 3
        assert len(set(ports)) == 1


async def test_two_hundred_requests_are_in_flight_at_once() -> None:
    arrived = 0
    everybody = asyncio.Event()

    async def handler(asked: web.Request) -> web.StreamResponse:
        nonlocal arrived
        arrived += 1
        if arrived == 200:
            everybody.set()
        await everybody.wait()
        return web.json_response(GOOD)

    async with serving(handler) as model:
        replies = await asyncio.gather(*(model.complete(request(), KEY) for _ in range(200)))
    assert {reply.text for reply in replies} == {"Hello."}


async def test_a_stream_is_read_while_it_comes() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        response = await begin(asked, "text/event-stream; charset=utf-8")
        for data in (b": wait\n\n", event({"content": "Hel"}), event({"content": "lo"}, "stop")):
            await response.write(data)
        return response

    async with serving(handler, stream=True) as model:
        assert (await model.complete(request(), KEY)).text == "Hello"


async def test_a_server_may_answer_a_stream_with_one_body_and_the_other_way_round() -> None:
    events = event({"content": "Hello."}, "stop")
    stream = {"content-type": "text/event-stream"}
    plain = answering(lambda _: httpx.Response(200, json=GOOD), stream=True)
    assert (await plain.complete(request(), KEY)).text == "Hello."
    streamed = answering(lambda _: httpx.Response(200, content=events, headers=stream))
    assert (await streamed.complete(request(), KEY)).text == "Hello."


async def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(json.dumps(GOOD).encode())
    model = answering(
        lambda _: httpx.Response(200, content=packed, headers={"content-encoding": "gzip"})
    )
    assert (await model.complete(request(), KEY)).text == "Hello."


# -- faults ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "fault", "hint"),
    [
        (400, "refused", "HTTP 400"),
        (401, "denied", "'THE_KEY'"),
        (402, "denied", "no credit"),
        (403, "denied", "'THE_KEY'"),
        (404, "denied", "http://localhost/v1"),
        (408, "timeout", "HTTP 408"),
        (429, "rate_limited", "HTTP 429"),
        (500, "overloaded", "HTTP 500"),
        (503, "overloaded", "HTTP 503"),
        (529, "overloaded", "HTTP 529"),
    ],
)
async def test_a_status_becomes_a_fault_in_the_endpoints_own_words(
    status: int, fault: str, hint: str
) -> None:
    error = await refused(status, {"error": {"message": "what\n went  wrong", "code": "x"}})
    assert error.fault == fault
    assert "model 'm' at http://localhost/v1: " in str(error)
    assert "what went wrong" in str(error)
    assert hint in str(error)


@pytest.mark.parametrize("said", [{"detail": "hm"}, {"message": "hm"}, {"error": "hm"}, "hm"])
async def test_words_are_found_in_any_form_of_error(said: Any) -> None:
    assert "hm" in str(await refused(400, said))


async def test_a_long_page_of_an_error_is_shortened() -> None:
    page = httpx.Response(502, text="<html>" + "no " * 9000)
    assert len(str(await failure(answering(lambda _: page)))) < 600


async def test_a_prompt_that_is_too_long_is_refused_with_what_to_do() -> None:
    error = await refused(400, {"error": {"message": "This model's maximum context length is 9."}})
    assert error.fault == "refused"
    assert "max_tokens" in str(error)


async def test_an_exhausted_account_is_not_asked_again() -> None:
    error = await refused(429, {"error": {"message": "Pay.", "code": "insufficient_quota"}})
    assert not error.can_retry


async def test_a_redirect_is_not_followed() -> None:
    asked: list[httpx.URL] = []

    def respond(sent: httpx.Request) -> httpx.Response:
        asked.append(sent.url)
        return httpx.Response(307, headers={"location": f"https://evil.example/?k={SECRET}"})

    error = await failure(answering(respond))
    assert (error.fault, len(asked)) == ("refused", 1)
    assert "https://evil.example" in str(error)
    assert SECRET not in str(error)


@pytest.mark.parametrize("text", ["", "<html>", "Hello"])
async def test_a_good_status_with_no_json_is_a_bad_reply(text: str) -> None:
    error = await failure(answering(lambda _: httpx.Response(200, text=text)))
    assert error.fault == "bad_reply"


async def test_a_bad_reply_says_what_it_cost() -> None:
    error = await refused(200, {"choices": [], "usage": {"prompt_tokens": 9}})
    assert (error.fault, error.usage) == ("bad_reply", Usage(9))


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 40),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"x-ratelimit-reset-requests": "1m2.5s", "x-ratelimit-remaining-requests": "0"}, 62.5),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "0"}, 0.02),
        ({"x-ratelimit-reset-tokens": "20ms", "x-ratelimit-remaining-tokens": "5"}, None),
    ],
)
def test_how_long_to_wait_is_read_from_the_headers(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers, lambda: 60.0) == seconds


async def test_how_long_to_wait_comes_with_the_fault() -> None:
    assert (await refused(429, {}, {"Retry-After": "7"})).retry_after == 7


def test_every_status_but_success_is_a_fault() -> None:
    assert {fault_of(status) for status in range(300, 600)} == {
        "denied", "refused", "timeout", "rate_limited", "overloaded"
    }  # fmt: skip


async def test_a_port_where_nobody_listens_is_unreachable() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        return web.json_response(GOOD)

    async with serving(handler) as stopped:
        pass
    async with http_model(settings(str(stopped.url.copy_with(path="/v1"))), environ=ENV) as model:
        error = await failure(model)
    assert error.fault == "unreachable"
    assert "no connection within" not in str(error)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_connection_that_breaks_off_is_unreachable(stream: bool) -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        response = await begin(asked, "text/event-stream" if stream else "application/json")
        await response.write(event({"content": "Hel"}) if stream else b'{"choices": [')
        assert asked.transport is not None
        asked.transport.abort()
        return response

    async with serving(handler, stream=stream) as model:
        assert (await failure(model)).fault == "unreachable"


async def test_a_connection_closed_without_an_answer_is_unreachable() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        assert asked.transport is not None
        asked.transport.close()
        return web.Response()

    async with serving(handler) as model:
        assert (await failure(model)).fault == "unreachable"


async def test_something_that_does_not_speak_http_is_told_apart() -> None:
    async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        place = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with http_model(settings(place), environ=ENV) as model:
            assert (await failure(model)).fault in ("bad_reply", "unreachable")


# -- deadlines ------------------------------------------------------------------------------------


async def trickle(asked: web.Request) -> web.StreamResponse:
    """Send something every hundredth of a second, for ever."""
    streamed = (await asked.json()).get("stream")
    response = await begin(asked, "text/event-stream" if streamed else "application/json")
    try:
        while True:
            await response.write(event({"content": "a"}) if streamed else b" ")
            await asyncio.sleep(0.01)
    except ConnectionError:
        return response


async def hang(asked: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


async def comments_only(asked: web.Request) -> web.StreamResponse:
    response = await begin(asked, "text/event-stream")
    try:
        while True:
            await response.write(b": keep-alive\n\n")
            await asyncio.sleep(0.01)
    except ConnectionError:
        return response


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("handler", [trickle, hang])
async def test_a_call_ends_at_its_deadline(handler: Handler, stream: bool) -> None:
    async with serving(handler, stream=stream, timeouts={"call": 0.15}) as model:
        error = await failure(model)
    assert error.fault == "timeout"
    assert "'timeouts: call'" in str(error)


@pytest.mark.parametrize("handler", [comments_only, hang])
async def test_a_stream_without_a_first_token_ends_early(handler: Handler) -> None:
    timeouts = {"call": 30, "first_token": 0.15}
    async with serving(handler, stream=True, timeouts=timeouts) as model:
        error = await failure(model)
    assert error.fault == "timeout"
    assert "'timeouts: first_token'" in str(error)


async def test_the_deadline_of_the_first_token_does_not_end_a_stream_that_began() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        response = await begin(asked, "text/event-stream")
        await response.write(event({"content": "Hel"}))
        await asyncio.sleep(0.2)
        await response.write(event({"content": "lo"}, "stop"))
        return response

    timeouts = {"call": 30, "first_token": 0.1}
    async with serving(handler, stream=True, timeouts=timeouts) as model:
        assert (await model.complete(request(), KEY)).text == "Hello"


async def test_a_stream_that_stays_open_after_its_end_mark_is_over() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        response = await begin(asked, "text/event-stream")
        await response.write(event({"content": "Hello"}, "stop") + b"data: [DONE]\n\n")
        await asyncio.sleep(30)
        return response

    async with serving(handler, stream=True, timeouts={"call": 20}) as model:
        assert (await model.complete(request(), KEY)).text == "Hello"


@pytest.mark.parametrize("stream", [False, True])
async def test_a_body_without_end_is_cut(stream: bool) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        while True:
            yield b": " + b"x" * 1000 + b"\n"

    kind = "text/event-stream" if stream else "application/json"
    respond = httpx.MockTransport(
        lambda _: httpx.Response(200, content=endless(), headers={"content-type": kind})
    )
    model = HttpModel(settings(stream=stream), transport=respond, environ=ENV, body_bytes=50_000)
    error = await failure(model)
    assert error.fault == "bad_reply"
    assert "50,000" in str(error)


async def test_a_call_that_is_cancelled_is_cancelled() -> None:
    async with serving(hang) as model:
        task = asyncio.create_task(model.complete(request(), KEY))
        await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


# -- the key --------------------------------------------------------------------------------------


def everything(error: BaseException) -> str:
    """All that a careless handler could print of an error."""
    shown = [*traceback.format_exception(error), repr(error), repr(error.args)]
    for inner in (error.__cause__, error.__context__):
        shown += [everything(inner)] if inner is not None else []
    return "\n".join(shown)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 429, 500])
@pytest.mark.parametrize("form", ["error", "text", "nowhere"])
async def test_the_key_is_in_no_error_even_if_the_server_says_it(
    status: int, form: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    said = f"Incorrect API key provided: {SECRET}. Bearer {SECRET}"
    respond: dict[str, Any] = {
        "error": {"json": {"error": {"message": said}}},
        "text": {"text": said},
        "nowhere": {"json": {"choices": [{"message": {"role": said}}]}},
    }[form]
    model = answering(lambda _: httpx.Response(status, headers={"location": said}, **respond))
    error = await failure(model)
    assert SECRET not in everything(error)
    assert SECRET not in caplog.text
    assert SECRET not in repr(model)


async def test_the_key_is_in_no_error_of_a_broken_connection() -> None:
    async def handler(asked: web.Request) -> web.StreamResponse:
        assert asked.transport is not None
        asked.transport.write(b"HTTP/1.1 200 OK\r\nbroken\x00: \r\nContent-Length: x\r\n\r\n")
        return web.Response()

    async with serving(handler) as model:
        error = await failure(model)
    assert error.fault in ("bad_reply", "unreachable")
    assert SECRET not in everything(error)


async def test_an_error_echoed_in_an_exception_hides_the_key() -> None:
    def respond(sent: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"cannot reach it with {sent.headers['authorization']}")

    error = await failure(answering(respond))
    assert error.fault == "unreachable"
    assert "[key]" in str(error)
    assert SECRET not in everything(error)


@pytest.mark.parametrize("held", [{}, {"THE_KEY": ""}, {"THE_KEY": " \n"}])
def test_a_key_that_is_not_set_is_named_before_anything_is_sent(held: dict[str, str]) -> None:
    with pytest.raises(UserError, match="'THE_KEY'"):
        HttpModel(settings(), environ=held)


def test_a_key_that_no_header_can_hold_is_not_shown() -> None:
    with pytest.raises(UserError, match="'THE_KEY'") as caught:
        HttpModel(settings(), environ={"THE_KEY": f"{SECRET}\nX: y"})
    assert SECRET not in everything(caught.value)


async def test_an_endpoint_without_a_key_gets_none() -> None:
    seen: list[httpx.Request] = []

    def respond(sent: httpx.Request) -> httpx.Response:
        seen.append(sent)
        return httpx.Response(200, json=GOOD)

    await answering(respond, key_env=None).complete(request(), KEY)
    assert "authorization" not in seen[0].headers


@pytest.mark.parametrize(
    ("url", "sent_to"),
    [
        ("http://localhost:1/v1", "http://localhost:1/v1/chat/completions"),
        ("http://localhost:1/v1/", "http://localhost:1/v1/chat/completions"),
        ("http://localhost:1", "http://localhost:1/chat/completions"),
        ("http://h/a?api-version=1", "http://h/a/chat/completions?api-version=1"),
    ],
)
def test_requests_go_to_the_path_below_the_base_url(url: str, sent_to: str) -> None:
    assert str(HttpModel(settings(url), environ=ENV).url) == sent_to


@pytest.mark.parametrize("url", ["http://", "http://h:port/v1"])
def test_a_url_that_cannot_be_used_is_the_users_error(url: str) -> None:
    with pytest.raises(UserError) as caught:
        HttpModel(settings(url), environ=ENV)
    assert "url" in str(caught.value)


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(ValidationError) as caught:
        settings("http://user:pass@host/v1")
    assert "key_env" in str(caught.value)


async def test_a_key_that_the_endpoint_repeats_in_a_reply_is_hidden() -> None:
    said = {**GOOD, "choices": [{"message": {"role": "assistant", "content": f"It is {SECRET}."}}]}
    reply = await answering(lambda asked: httpx.Response(200, json=said)).complete(request(), KEY)
    assert reply.text == "It is [key]."
    assert SECRET not in str(reply)


async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    async def handler(asked: web.Request) -> web.StreamResponse:
        return web.json_response(GOOD)

    async with serving(handler) as model:
        assert (await model.complete(request(), KEY)).text == "Hello."
