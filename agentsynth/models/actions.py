"""Structured actions: tool calling for endpoints that only have structured output.

The model answers with one JSON object under `response_format`: one of the offered tools, or a
message. `Actions` turns a request with tools into such a request and the answer back, so that
nothing above it knows which mode an endpoint is driven in.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, RawCall
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.prompts import prompt_id, render_prompt
from agentsynth.core.tools import ToolSpec

__all__ = ["ACTION_PROMPT", "REPLY", "Actions", "action_schema"]

_PACKAGE, _PROMPT = "agentsynth.models", "action"
ACTION_PROMPT = prompt_id(_PACKAGE, _PROMPT)
"""Id of the prompt that tells how to act."""

REPLY = "reply"
"""The action that is a message; a tool of this name is offered as `reply_`."""


class Actions:
    """A model without tool calling, driven by structured output. Itself a `Model`."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the reply, its call or text read from the action that the model chose.

        Raises:
            ModelError: as the model does; `bad_reply` where the answer is no action.
        """
        if not request.tools:
            return await self._model.complete(request, key)
        asked = replace(
            request,
            messages=_as_text(request),
            tools=(),
            schema=action_schema(request.tools, request.schema),
        )
        reply = await self._model.complete(asked, key)
        return _read(reply, request)


def action_schema(
    tools: Sequence[ToolSpec], content: Mapping[str, JsonValue] | None = None
) -> dict[str, JsonValue]:
    """Return the JSON Schema of an action: `oneOf` the tools, or a message.

    Args:
        content: schema of what a message holds; None = plain text.
    """
    message: dict[str, JsonValue] = (
        _object({"action": {"const": REPLY}, "text": {"type": "string"}})
        if content is None
        else _object({"action": {"const": REPLY}, "content": dict(content)})
    )
    offered: list[JsonValue] = [
        _object({"action": {"const": _name(tool.name)}, "arguments": tool.parameters})
        for tool in tools
    ]
    return {"oneOf": [message, *offered]}


def _object(properties: dict[str, Any]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _name(tool: str) -> str:
    return f"{tool}_" if tool == REPLY else tool


def _as_text(request: ChatRequest) -> list[Message]:
    """Return the messages with the tools described in words and calls and results as text."""
    tools = [
        {
            "name": _name(tool.name),
            "description": tool.description,
            "parameters": json.dumps(tool.parameters, ensure_ascii=False),
        }
        for tool in request.tools
    ]
    rules = render_prompt(
        _PACKAGE,
        _PROMPT,
        tools=tools,
        reply=REPLY,
        reply_form="message" if request.schema is None else "content",
    )
    said: list[Message] = []
    for message in request.messages:
        match message:
            case SystemMessage():
                said.append(SystemMessage(content=f"{message.content}\n\n{rules}"))
            case AssistantMessage():
                said += _own(message, request.schema is None)
            case ToolMessage():
                said.append(UserMessage(content=f"[result of {message.name}] {message.content}"))
            case UserMessage():
                said.append(message)
    if not isinstance(said[0], SystemMessage):
        said.insert(0, SystemMessage(content=rules))
    return said


def _own(message: AssistantMessage, plain: bool) -> list[Message]:
    """Return what the model said and did before, as the actions it would have written."""
    actions: list[dict[str, Any]] = []
    if message.content:
        said = message.content if plain else _parsed(message.content)
        actions.append({"action": REPLY, "text" if plain else "content": said})
    for call in message.tool_calls:
        given = call.arguments if call.text is None else _parsed(call.text)
        actions.append({"action": _name(call.name), "arguments": given})
    return [AssistantMessage(content=json.dumps(action, ensure_ascii=False)) for action in actions]


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _read(reply: ChatReply, request: ChatRequest) -> ChatReply:
    try:
        action = json.loads(reply.text)
    except ValueError as error:
        raise _no_action(reply, f"it is not JSON ({error})") from None
    if not isinstance(action, dict) or not isinstance(action.get("action"), str):
        raise _no_action(reply, "it is no object with an 'action'")
    name = action["action"]
    if name == REPLY:
        return replace(reply, text=_said(action, reply))
    tool = next((tool.name for tool in request.tools if _name(tool.name) == name), name)
    arguments = action.get("arguments")
    text = json.dumps(arguments, ensure_ascii=False)
    known = isinstance(arguments, dict)
    problem = None if known else "the arguments are no JSON object"
    call = RawCall("", tool, text, arguments if known else None, problem)
    return replace(reply, text="", calls=(call,))


def _said(action: dict[str, Any], reply: ChatReply) -> str:
    text = action.get("text")
    if isinstance(text, str):
        return text
    if "content" in action:
        return json.dumps(action["content"], ensure_ascii=False)
    raise _no_action(reply, "a reply without a 'text'")


def _no_action(reply: ChatReply, why: str) -> ModelError:
    return ModelError(
        "bad_reply",
        f"the model's answer is no action: {why}; it ended with {reply.finish or 'no reason'}",
        usage=reply.usage,
        cost=reply.cost,
        failed=reply.failed,
    )
