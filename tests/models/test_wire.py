import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.chat import ChatRequest
from agentsynth.core.errors import UserError
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.models.settings import ModelSettings
from agentsynth.models.wire import Wire
from tests.models.made import conversation, request, tool


def settings(**changed: Any) -> ModelSettings:
    return ModelSettings.model_validate({"url": "http://localhost/v1", "model": "m", **changed})


def body(asked: ChatRequest, **changed: Any) -> dict[str, Any]:
    return json.loads(Wire(settings(**changed)).body(asked))


def test_a_conversation_is_written_as_the_endpoints_read_it() -> None:
    written = body(request(*conversation(), tools=(tool(),)))
    assert written["model"] == "m"
    assert written["tools"] == [
        {
            "type": "function",
            "function": {
                "name": "find_plot",
                "description": "Finds a plot.",
                "parameters": {"type": "object", "properties": {"id": {"type": "string"}}},
            },
        }
    ]
    assert [message["role"] for message in written["messages"]] == [
        "system", "user", "assistant", "tool", "user", "assistant", "tool",
    ]  # fmt: skip
    assert written["messages"][2] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {
                "id": "call_0",
                "type": "function",
                "function": {"name": "find_plot", "arguments": '{"id":"ü0"}'},
            }
        ],
    }
    assert written["messages"][3] == {
        "role": "tool",
        "tool_call_id": "call_0",
        "name": "find_plot",
        "content": '{"plot": 1}',
    }


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_goes_along_until_the_user_speaks_again(field: str) -> None:
    wire = Wire(settings(reasoning_field=field))
    said = conversation()
    first = json.loads(wire.body(request(*said[:4])))
    assert first["messages"][2][field] == "thought 0"
    second = json.loads(wire.body(request(*said)))
    assert [field in message for message in second["messages"]] == [False] * 5 + [True, False]
    dropped = body(request(*said), reasoning="drop", reasoning_field=field)
    assert not any(field in message for message in dropped["messages"])


def test_arguments_that_are_no_json_go_back_as_they_came() -> None:
    call = ToolCall(id="c", name="find_plot", arguments={}, text='{"id": ')
    written = body(request(AssistantMessage(content="", tool_calls=(call,))))
    assert written["messages"][0]["tool_calls"][0]["function"]["arguments"] == '{"id": '


def test_what_varies_comes_after_the_messages() -> None:
    asked = ChatRequest(conversation(), (tool(),), {"type": "object"}, max_tokens=50, seed=3)
    wire = Wire(settings(temperature=0.5, top_p=0.9, max_tokens=80, send_seed=True, extra={"k": 1}))
    written = json.loads(wire.body(asked))
    assert list(written)[:3] == ["model", "tools", "messages"]
    assert {name: written[name] for name in list(written)[3:]} == {
        "temperature": 0.5,
        "top_p": 0.9,
        "max_tokens": 50,
        "seed": 3,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": {"type": "object"}},
        },
        "k": 1,
    }


def test_a_seed_is_sent_only_where_the_user_asks_for_it() -> None:
    asked = ChatRequest([UserMessage(content="Hi.")], seed=3)
    assert "seed" not in body(asked)
    assert body(asked, send_seed=True)["seed"] == 3


def test_a_stream_asks_for_its_usage() -> None:
    written = body(request(), stream=True)
    assert written["stream"] is True
    assert written["stream_options"] == {"include_usage": True}


def test_extra_fields_win_over_settings() -> None:
    assert body(request(), temperature=0.5, extra={"temperature": 1})["temperature"] == 1


@pytest.mark.parametrize("name", ["messages", "model", "tools", "stream", "n"])
def test_extra_fields_cannot_replace_what_the_engine_relies_on(name: str) -> None:
    with pytest.raises(UserError, match=repr(name)):
        Wire(settings(extra={name: 1}))


def test_a_later_request_begins_with_the_bytes_of_the_earlier_one() -> None:
    wire = Wire(settings(reasoning="drop"))
    said = conversation()
    before = wire.body(request(*said[:4], tools=(tool(),)))
    assert wire.body(request(*said, tools=(tool(),))).startswith(before[: before.rindex(b"]")])


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u2028", "😀", '"\\'])
def test_any_text_is_written(text: str) -> None:
    written = body(request(UserMessage(content=text)))
    assert written["messages"][0]["content"] == text


def test_integers_of_any_length_are_written_to_the_last_digit() -> None:
    call = ToolCall(id="c", name="t", arguments={"n": 2**80})
    written = body(request(AssistantMessage(content="", tool_calls=(call,))))
    arguments = written["messages"][0]["tool_calls"][0]["function"]["arguments"]
    assert json.loads(arguments) == {"n": 2**80}


texts = st.text(max_size=20)
calls = st.builds(
    ToolCall,
    id=texts,
    name=texts,
    arguments=st.dictionaries(texts, st.integers() | texts, max_size=3),
)
messages = st.one_of(
    st.builds(SystemMessage, content=texts),
    st.builds(UserMessage, content=texts),
    st.builds(
        AssistantMessage,
        content=texts,
        tool_calls=st.lists(calls, max_size=2).map(tuple),
        reasoning=texts,
    ),
    st.builds(ToolMessage, tool_call_id=texts, name=texts, content=texts),
)


@given(
    st.lists(messages, min_size=1, max_size=8),
    st.lists(st.integers(1, 8), min_size=1, max_size=12),
    st.sampled_from(["turn", "drop"]),
)
def test_what_is_kept_of_earlier_requests_never_shows(
    said: list[Message], ends: list[int], reasoning: str
) -> None:
    wire = Wire(settings(reasoning=reasoning))
    for end in (*ends, *range(1, len(said) + 1)):
        asked = request(*said[:end], tools=(tool(),))
        assert wire.body(asked) == Wire(settings(reasoning=reasoning)).body(asked)


def test_an_equal_message_of_other_bytes_is_written_anew() -> None:
    def asked(number: float) -> ChatRequest:
        call = ToolCall(id="c", name="t", arguments={"n": number})
        return request(AssistantMessage(content="", tool_calls=(call,)))

    wire = Wire(settings())
    assert wire.body(asked(1)) != wire.body(asked(1.0))


def test_an_object_that_takes_the_place_of_another_is_not_taken_for_it() -> None:
    wire = Wire(settings())
    for number in range(500):
        spec, message = tool(f"tool_{number}"), UserMessage(content=str(number))
        written = json.loads(wire.body(request(message, tools=(spec,))))
        assert written["messages"][0]["content"] == str(number)
        assert written["tools"][0]["function"]["name"] == f"tool_{number}"
