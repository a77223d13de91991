"""A chat request as the bytes of an OpenAI chat-completions body.

Messages are values and come again in every request of a conversation, so each is written once and
its bytes are kept. The order of the body is stable: model, tools, messages as they were said, and
what varies last; so the endpoint's cache of prompts finds the longest prefix.
"""

import copy
from collections.abc import Sequence

from pydantic import JsonValue

from agentsynth.core.chat import ChatRequest
from agentsynth.core.errors import UserError
from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.models.codec import to_bytes
from agentsynth.models.settings import ModelSettings

__all__ = ["Wire", "message_bytes", "tools_bytes"]

OURS = ("messages", "model", "n", "stream", "stream_options", "tools")
"""Fields of the body that `extra` may not set: the rest of the engine relies on them."""

KEPT_BYTES = 64_000_000
"""Most bytes of written messages an endpoint keeps; about 60,000 messages of 1 KB."""


class Wire:
    """Writes the requests to one endpoint."""

    def __init__(self, settings: ModelSettings, *, kept_bytes: int = KEPT_BYTES) -> None:
        """Take how the endpoint is spoken to.

        Args:
            kept_bytes: how many bytes of written messages are kept, oldest dropped first.

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
        self._spoken = _Kept(kept_bytes)
        self._thought = _Kept(kept_bytes)
        self._kept_bytes = kept_bytes
        self._tools: dict[tuple[int, ...], tuple[Sequence[ToolSpec], bytes]] = {}

    def conversation(self) -> "Wire":
        """Return one that keeps the messages of its own conversation, and is gone with it."""
        own = copy.copy(self)
        own._spoken, own._thought = _Kept(self._kept_bytes), _Kept(self._kept_bytes)
        return own

    def body(self, request: ChatRequest) -> bytes:
        """Return the request as JSON in UTF-8."""
        messages = request.messages
        turn = _turn_start(messages) if self._settings.reasoning == "turn" else len(messages)
        written = [self._message(message, at >= turn) for at, message in enumerate(messages)]
        parts = [self._head]
        if request.tools:
            parts += [b',"tools":', self._written_tools(request.tools)]
        parts += [b',"messages":[', b",".join(written), b"]"]
        rest = self._rest(request)
        parts.append(b"," + to_bytes(rest)[1:] if rest else b"}")
        return b"".join(parts)

    def _message(self, message: Message, thinking: bool) -> bytes:
        thinking = thinking and isinstance(message, AssistantMessage) and bool(message.reasoning)
        kept = self._thought if thinking else self._spoken
        data = kept.find(message)
        if data is None:
            data = message_bytes(message, self._settings.reasoning_field if thinking else None)
            kept.add(message, data)
        return data

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


class _Kept:
    """Bytes of messages, found by the object, which is held so that its id stays its own."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._found: dict[int, tuple[Message, bytes]] = {}

    def find(self, message: Message) -> bytes | None:
        found = self._found.get(id(message))
        return None if found is None else found[1]

    def add(self, message: Message, data: bytes) -> None:
        self._found[id(message)] = (message, data)
        self._size += len(data)
        while self._size > self._most:
            self._size -= len(self._found.pop(next(iter(self._found)))[1])
