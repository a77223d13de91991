"""A chat request as the bytes of an OpenAI chat-completions body.

The messages of a conversation come again in each of its requests, with something added: what was
written for the request before is not written again. The order of the body is stable: model, tools,
messages as they were said, and what varies last; so the endpoint's cache of prompts finds the
longest prefix.
"""

import copy
import operator
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agentsynth.core.chat import ChatRequest
from agentsynth.core.errors import UserError
from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.models.codec import to_bytes
from agentsynth.models.settings import ModelSettings

__all__ = ["Wire", "begins_with", "message_bytes", "tools_bytes"]

OURS = ("messages", "model", "n", "stream", "stream_options", "tools")
"""Fields of the body that `extra` may not set: the rest of the engine relies on them."""


@dataclass(frozen=True, slots=True)
class _Written:
    """The messages of the request before, of which the next one is mostly made."""

    messages: tuple[Message, ...] = ()
    data: bytes = b""
    """Them as JSON, with commas between."""
    turn: int = 0
    """Where the turn began whose reasoning is in it."""
    thoughts: bool = False
    """Whether there is any reasoning in it."""


class Wire:
    """Writes the requests to one endpoint."""

    def __init__(self, settings: ModelSettings) -> None:
        """Take how the endpoint is spoken to.

        Raises:
            UserError: if `extra` sets a field that is not the user's to set.
        """
        taken = sorted(set(OURS) & set(settings.extra))
        if taken:
            raise UserError(
                f"models: 'extra' of {settings.model!r} sets {', '.join(map(repr, taken))}; "
                "the engine sets these itself, so take them out"
            )
        self._settings = settings
        self._head = b'{"model":' + to_bytes(settings.model)
        self._written = _Written()
        self._tools: dict[tuple[int, ...], tuple[Sequence[ToolSpec], bytes]] = {}

    def conversation(self) -> "Wire":
        """Return one for a conversation of its own, gone with it."""
        return copy.copy(self)

    def body(self, request: ChatRequest) -> bytes:
        """Return the request as JSON in UTF-8."""
        parts = [self._head]
        if request.tools:
            parts += [b',"tools":', self._written_tools(request.tools)]
        parts += [b',"messages":[', self._messages(request.messages), b"]"]
        rest = self._rest(request)
        parts.append(b"," + to_bytes(rest)[1:] if rest else b"}")
        return b"".join(parts)

    def _messages(self, messages: Sequence[Message]) -> bytes:
        turn = _turn_start(messages) if self._settings.reasoning == "turn" else len(messages)
        kept = self._written
        stale = kept.thoughts and kept.turn != turn
        if stale or not begins_with(messages, kept.messages):
            kept = _Written()
        said = [kept.data] if kept.messages else []
        thoughts = kept.thoughts
        for at in range(len(kept.messages), len(messages)):
            message = messages[at]
            thinks = at >= turn and isinstance(message, AssistantMessage) and message.reasoning
            said.append(message_bytes(message, self._settings.reasoning_field if thinks else None))
            thoughts = thoughts or bool(thinks)
        self._written = _Written(tuple(messages), b",".join(said), turn, thoughts)
        return self._written.data

    def _written_tools(self, tools: Sequence[ToolSpec]) -> bytes:
        key = tuple(map(id, tools))
        found = self._tools.get(key)
        if found is None:
            if len(self._tools) >= 1024:
                self._tools.pop(next(iter(self._tools)))
            # The specs are held, so none of the ids is given to another object.
            found = self._tools[key] = (tuple(tools), tools_bytes(tools))
        return found[1]

    def _rest(self, request: ChatRequest) -> dict[str, JsonValue]:
        settings = self._settings
        limits = [most for most in (settings.max_tokens, request.max_tokens) if most is not None]
        rest: dict[str, JsonValue] = {}
        if settings.temperature is not None:
            rest["temperature"] = settings.temperature
        if settings.top_p is not None:
            rest["top_p"] = settings.top_p
        if limits:
            rest["max_tokens"] = min(limits)
        if settings.send_seed and request.seed is not None:
            rest["seed"] = request.seed
        if request.schema is not None:
            form: dict[str, JsonValue] = {
                "name": "reply",
                "strict": True,
                "schema": dict(request.schema),
            }
            rest["response_format"] = {"type": "json_schema", "json_schema": form}
        if settings.stream:
            rest |= {"stream": True, "stream_options": {"include_usage": True}}
        return rest | settings.extra


def message_bytes(message: Message, reasoning_field: str | None = None) -> bytes:
    """Return one message as JSON.

    Args:
        reasoning_field: name under which an assistant's reasoning goes along; None = it stays.
    """
    if isinstance(message, ToolMessage):
        named = {"tool_call_id": message.tool_call_id, "name": message.name}
        return to_bytes({"role": "tool", **named, "content": message.content})
    written: dict[str, object] = {"role": message.role, "content": message.content}
    if isinstance(message, AssistantMessage):
        if reasoning_field is not None and message.reasoning:
            written[reasoning_field] = message.reasoning
        if message.tool_calls:
            written["tool_calls"] = [_call(call) for call in message.tool_calls]
    return to_bytes(written)


def tools_bytes(tools: Sequence[ToolSpec]) -> bytes:
    """Return the tools as the JSON list a model is offered."""
    return to_bytes(
        [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": tool.parameters,
                },
            }
            for tool in tools
        ]
    )


def _call(call: ToolCall) -> dict[str, object]:
    text = to_bytes(call.arguments).decode() if call.text is None else call.text
    function = {"name": call.name, "arguments": text}
    return {"id": call.id, "type": "function", "function": function}


def _turn_start(messages: Sequence[Message]) -> int:
    """Return the index after the last message of the user: reasoning from there on is sent."""
    for at in range(len(messages) - 1, -1, -1):
        if isinstance(messages[at], UserMessage):
            return at + 1
    return 0


def begins_with(messages: Sequence[Message], kept: Sequence[Message]) -> bool:
    """Whether messages begin with the very objects that are kept.

    Equal ones would not do: 1 and 1.0 are equal and not written alike.
    """
    return len(kept) <= len(messages) and all(map(operator.is_, kept, messages))
