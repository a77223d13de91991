"""Structured actions: tool calling for endpoints that only have structured output."""

import json
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agentsynth.core.chat import CallKey, ChatRequest, ModelError
from agentsynth.core.messages import (
    AssistantMessage,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.tools import Provenance, ToolSpec
from agentsynth.models.actions import Actions, action_schema
from agentsynth.testing.models import LinesModel

KEY = CallKey("assistant", "t", 0, 0)


def tool(name: str) -> ToolSpec:
    return ToolSpec(
        name=name,
        description=f"Does {name}.",
        parameters={
            "type": "object",
            "properties": {"id": {"type": "string"}},
            "required": ["id"],
            "additionalProperties": False,
        },
        read_only=True,
        provenance=Provenance(origin="python", source="test", licence="MIT", spec_hash="x"),
    )


REQUEST = ChatRequest(
    (SystemMessage(content="Be kind."), UserMessage(content="Find b1.")), tools=(tool("find"),)
)


async def test_an_action_that_names_a_tool_becomes_a_call() -> None:
    model = LinesModel(['{"action": "find", "arguments": {"id": "b1"}}'])
    reply = await Actions(model).complete(REQUEST, KEY)
    assert [(c.name, c.arguments, c.problem) for c in reply.calls] == [("find", {"id": "b1"}, None)]
    assert reply.text == ""


async def test_an_action_that_replies_becomes_a_text() -> None:
    model = LinesModel(['{"action": "reply", "text": "Here it is."}'])
    reply = await Actions(model).complete(REQUEST, KEY)
    assert (reply.text, reply.calls) == ("Here it is.", ())


async def test_the_model_is_sent_the_tools_in_words_and_a_schema_instead_of_tools() -> None:
    model = LinesModel(['{"action": "reply", "text": "x"}'])
    await Actions(model).complete(REQUEST, KEY)
    sent = model.history[0][1]
    assert sent.tools == ()
    assert sent.schema == action_schema(REQUEST.tools)
    assert sent.messages[0].content.startswith("Be kind.")
    assert "- find: Does find." in sent.messages[0].content


async def test_what_was_called_before_is_shown_as_the_actions_it_was() -> None:
    call = ToolCall(id="c1", name="find", arguments={"id": "b1"})
    before = (
        *REQUEST.messages,
        AssistantMessage(content="One moment.", tool_calls=(call,)),
        ToolMessage(tool_call_id="c1", name="find", content='{"found": true}'),
    )
    model = LinesModel(['{"action": "reply", "text": "x"}'])
    await Actions(model).complete(replace(REQUEST, messages=before), KEY)
    said = [(m.role, m.content) for m in model.history[0][1].messages[2:]]
    assert said == [
        ("assistant", '{"action": "reply", "text": "One moment."}'),
        ("assistant", '{"action": "find", "arguments": {"id": "b1"}}'),
        ("user", '[result of find] {"found": true}'),
    ]


@pytest.mark.parametrize(
    "text",
    ["no JSON", '["find"]', '{"arguments": {}}', '{"action": 5}', '{"action": "reply"}'],
)
async def test_what_is_no_action_is_a_bad_reply_and_never_a_guess(text: str) -> None:
    with pytest.raises(ModelError) as error:
        await Actions(LinesModel([text])).complete(REQUEST, KEY)
    assert error.value.fault == "bad_reply"
    assert error.value.usage is not None  # it was charged all the same


async def test_arguments_that_are_no_object_make_a_malformed_call() -> None:
    reply = await Actions(LinesModel(['{"action": "find", "arguments": "b1"}'])).complete(
        REQUEST, KEY
    )
    assert reply.calls[0].arguments is None
    assert reply.calls[0].problem
    assert reply.calls[0].text == '"b1"'


async def test_a_request_without_tools_passes_unchanged() -> None:
    model = LinesModel(["hello"])
    request = replace(REQUEST, tools=())
    assert (await Actions(model).complete(request, KEY)).text == "hello"
    assert model.history[0][1] is request


async def test_a_tool_named_reply_is_still_a_tool() -> None:
    request = replace(REQUEST, tools=(tool("reply"),))
    model = LinesModel(['{"action": "reply_", "arguments": {"id": "b1"}}'])
    reply = await Actions(model).complete(request, KEY)
    assert reply.calls[0].name == "reply"


def test_the_schema_allows_exactly_one_action() -> None:
    check = Draft202012Validator(action_schema(REQUEST.tools))
    assert check.is_valid({"action": "find", "arguments": {"id": "b1"}})
    assert check.is_valid({"action": "reply", "text": "hi"})
    assert not check.is_valid({"action": "find", "arguments": {}})
    assert not check.is_valid({"action": "lose", "arguments": {"id": "b1"}})
    assert not check.is_valid({"action": "reply", "text": "hi", "arguments": {}})


async def test_with_a_schema_of_its_own_a_message_has_that_content() -> None:
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"say": {"type": "string"}},
        "required": ["say"],
    }
    request = replace(REQUEST, schema=schema)
    model = LinesModel(['{"action": "reply", "content": {"say": "hi"}}'])
    reply = await Actions(model).complete(request, KEY)
    assert json.loads(reply.text) == {"say": "hi"}
    assert model.history[0][1].schema == action_schema(REQUEST.tools, schema)


async def test_the_model_sees_its_earlier_actions_as_it_wrote_them() -> None:
    calls = (
        ToolCall(id="1", name="reply", arguments={"id": "b1"}),
        ToolCall(id="2", name="find", arguments={}, text='["b2"]'),
        ToolCall(id="3", name="find", arguments={}, text='{"id": '),
    )
    said = (*REQUEST.messages, AssistantMessage(content="", tool_calls=calls))
    model = LinesModel(['{"action": "reply", "text": "x"}'])
    await Actions(model).complete(ChatRequest(said, tools=(tool("find"), tool("reply"))), KEY)
    written = [m.content for m in model.history[0][1].messages if isinstance(m, AssistantMessage)]
    assert [json.loads(text) for text in written] == [
        {"action": "reply_", "arguments": {"id": "b1"}},
        {"action": "find", "arguments": ["b2"]},
        {"action": "find", "arguments": '{"id": '},
    ]
