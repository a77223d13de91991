"""A language model in the assistant's seat. It sees what `AssistantView` shows and nothing else."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ChatReply, ModelError, RawCall
from agentsynth.core.messages import AssistantMessage, Message, ToolCall
from agentsynth.core.protocols import AssistantView

__all__ = ["ModelAssistant", "message_of", "whole"]

_CUT_OFF = ("length", "max_tokens")
"""Words of endpoints for a reply that a limit on tokens ended."""

_SOUND_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,80}")


@dataclass
class ModelAssistant:
    """An assistant that a model drives: one call of the model for each of its messages."""

    caller: Caller

    async def act(self, view: AssistantView) -> AssistantMessage | None:
        """Return the next message.

        Raises:
            ModelError: if the model gives no usable reply.
        """
        reply = await self.caller.ask(view.messages, view.tools)
        return message_of(whole(reply), view.messages)


def whole(reply: ChatReply) -> ChatReply:
    """Return a reply that its model has ended itself.

    Raises:
        ModelError: `bad_reply`, if a limit on tokens cut it off: half a sentence is our doing, and
            no row may show it as the model's.
    """
    if reply.finish in _CUT_OFF:
        raise ModelError(
            "bad_reply",
            "the reply was cut off at its limit of tokens; raise 'max_tokens', or the context",
        )
    return reply


def message_of(reply: ChatReply, before: Sequence[Message]) -> AssistantMessage:
    """Return a reply as a message: malformed calls stay as they are, ids are made unique.

    Args:
        before: the messages it follows.
    """
    calls = _calls(reply.calls, before) if reply.calls else ()
    return AssistantMessage(content=reply.text, tool_calls=calls, reasoning=reply.reasoning)


def _calls(raws: Sequence[RawCall], before: Sequence[Message]) -> tuple[ToolCall, ...]:
    used = {
        call.id
        for message in before
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    }
    calls: list[ToolCall] = []
    for raw in raws:
        calls.append(_call(raw, used))
        used.add(calls[-1].id)
    return tuple(calls)


def _call(raw: RawCall, used: Collection[str]) -> ToolCall:
    id_ = raw.id if _SOUND_ID.fullmatch(raw.id) and raw.id not in used else _fresh(used)
    if raw.arguments is None:
        return ToolCall(id=id_, name=raw.name, arguments={}, text=raw.text)
    return ToolCall(id=id_, name=raw.name, arguments=dict(raw.arguments))


def _fresh(used: Collection[str]) -> str:
    number = len(used) + 1
    while f"call_{number}" in used:
        number += 1
    return f"call_{number}"
