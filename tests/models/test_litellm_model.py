"""The adapter to litellm, with a stand-in for its one function; litellm itself is not needed."""

import asyncio
import json
import subprocess
import sys
from typing import Any

import pytest

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError
from agentsynth.core.errors import UserError
from agentsynth.core.messages import UserMessage
from agentsynth.models.litellm_model import LitellmModel, check_version
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.preflight_suite import suite_tools

pytestmark = pytest.mark.anyio

SECRET = "sk-very-secret-0123456789"
KEY = CallKey("assistant", "s1:task", 0, 0)
ASKED = ChatRequest([UserMessage(content="Hello.")], tools=suite_tools()[:1])


class Theirs(Exception):
    """An error as litellm raises them."""

    def __init__(self, words: str, status_code: int | None = None) -> None:
        super().__init__(words)
        self.status_code = status_code
        self.litellm_response_headers = {"retry-after": "7"}


class Timeout(Theirs):
    """litellm's own deadline."""


class Response:
    """What litellm returns: something that can be dumped."""

    def __init__(self, message: dict[str, Any]) -> None:
        self._message = message

    def model_dump(self, mode: str) -> dict[str, Any]:
        choice = {"message": {"role": "assistant", **self._message}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "completion_tokens_details": None}
        return {"model": "m-1", "choices": [choice], "usage": usage}


def model(answer: object, sent: list[dict[str, Any]] | None = None, **changed: Any) -> LitellmModel:
    async def complete(**keywords: Any) -> Any:
        if sent is not None:
            sent.append(keywords)
        if isinstance(answer, Exception):
            raise answer
        if answer == "nothing":
            await asyncio.Event().wait()
        assert isinstance(answer, dict)
        return Response(answer)

    base = {"model": "openai/m", "via": "litellm", "key_env": "THE_KEY"}
    settings = ModelSettings.model_validate({**base, **changed})
    return LitellmModel(settings, complete, errors=(Theirs,), environ={"THE_KEY": SECRET})


async def reply(message: dict[str, Any]) -> ChatReply:
    return await model(message).complete(ASKED, KEY)


async def failure(error: object, **changed: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model(error, **changed).complete(ASKED, KEY)
    return caught.value


async def test_it_is_asked_once_without_retries_of_its_own() -> None:
    sent: list[dict[str, Any]] = []
    settings = {"url": "http://localhost/v1", "temperature": 0.5, "extra": {"top_k": 3}}
    await model({"content": "Hi."}, sent, **settings).complete(ASKED, KEY)
    (keywords,) = sent
    assert (keywords["num_retries"], keywords["max_retries"]) == (0, 0)
    assert keywords["messages"] == [{"role": "user", "content": "Hello."}]
    assert keywords["tools"][0]["function"]["name"] == "get_weather"
    assert (keywords["temperature"], keywords["top_k"]) == (0.5, 3)
    assert (keywords["api_base"], keywords["api_key"]) == ("http://localhost/v1", SECRET)


async def test_its_replies_are_read_as_those_of_the_wire() -> None:
    function = {"name": "get_weather", "arguments": '{"place": "Gr'}
    said = await reply(
        {
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function}],
            "reasoning_content": "hm",
        }
    )
    assert (said.text, said.reasoning, said.finish, said.model) == ("", "hm", "stop", "m-1")
    assert said.calls[0].id == "call_1"
    assert said.calls[0].arguments is None
    assert (said.usage.prompt, said.usage.completion) == (10, 5)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (Theirs("litellm.RateLimitError: slow down", 429), "rate_limited"),
        (Theirs("litellm.ServiceUnavailableError: busy", 503), "overloaded"),
        (Theirs("litellm.BadRequestError: no such field", 400), "refused"),
        (Theirs("litellm.InternalServerError: OpenAIException - Connection error.", 500), "unreachable"),
        (Theirs("APIConnectionError: No module named 'mcp'", 500), "refused"),
        (Theirs("nobody knows"), "bad_reply"),
        (Timeout("litellm.Timeout: late", 408), "timeout"),
    ],
)  # fmt: skip
async def test_its_errors_are_ours(error: Theirs, fault: str) -> None:
    assert (await failure(error)).fault == fault


async def test_an_error_keeps_the_wait_and_loses_the_key() -> None:
    error = await failure(Theirs(f"litellm.RateLimitError: the key {SECRET} is tired", 429))
    assert error.retry_after == 7
    assert SECRET not in str(error)
    assert "the key [key] is tired" in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


async def test_one_deadline_ends_a_call_that_hangs() -> None:
    error = await failure("nothing", timeouts={"call": 0.01})
    assert error.fault == "timeout"
    assert "0.01 s" in str(error)


async def test_an_empty_reply_is_a_bad_one() -> None:
    assert (await failure({"content": ""})).fault == "bad_reply"


def test_streams_are_not_its_business() -> None:
    with pytest.raises(UserError, match="streams are for 'via: http'"):
        model({}, stream=True)


def test_versions_that_steal_keys_are_refused() -> None:
    check_version(lambda _: "1.106.2")
    for version in ("1.82.7", "1.82.8"):
        with pytest.raises(UserError, match="sends keys to a stranger"):
            check_version(lambda _, version=version: version)


@pytest.mark.slow
def test_nothing_imports_litellm_before_it_is_chosen() -> None:
    code = (
        "import sys, json, agentsynth.cli.main, agentsynth.pipeline.endpoints;"
        "print(json.dumps([m for m in sys.modules if m.startswith(('litellm', 'xllamacpp'))]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
