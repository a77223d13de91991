"""The canonical row: OpenAI-style messages in the form most chat templates render without loss.

Decisions, each because a real trainer or template fails otherwise: `arguments` is a mapping and
never a string; an assistant's `content` is a string, "" beside calls, never null and never absent;
no key is ever null; `tools` are wrapped as functions and always have `parameters`; tool messages
carry both `tool_call_id` and `name`; `metadata` is one JSON string, since nested mappings of varying
shape break Arrow; the last message is the assistant's.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.core.agent import Agent
from agentsynth.core.ids import canonical_json
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.tools import ToolSpec

__all__ = ["canonical_row", "row_id"]


def row_id(trajectory_id: str, split: int = 0) -> str:
    """Return a row's id: its trajectory's id and the index of the split."""
    return f"{trajectory_id}-{split}"


def canonical_row(
    trajectory_id: str,
    messages: Sequence[Message],
    agent: Agent,
    metadata: Mapping[str, Any],
) -> dict[str, Any]:
    """Return one row: `id`, `messages`, `tools` and `metadata` (a JSON string)."""
    return {
        "id": row_id(trajectory_id),
        "messages": [_message(message) for message in messages],
        "tools": [_tool(spec) for spec in agent.tools],
        "metadata": canonical_json(metadata),
    }


def _message(message: Message) -> dict[str, Any]:
    match message:
        case SystemMessage() | UserMessage():
            return {"role": message.role, "content": message.content}
        case AssistantMessage():
            return _assistant(message)
        case ToolMessage():
            return {
                "role": "tool",
                "tool_call_id": message.tool_call_id,
                "name": message.name,
                "content": message.content,
            }


def _assistant(message: AssistantMessage) -> dict[str, Any]:
    row: dict[str, Any] = {"role": "assistant", "content": message.content}
    if message.tool_calls:
        row["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    row["train"] = True
    return row


def _tool(spec: ToolSpec) -> dict[str, Any]:
    function = {
        "name": spec.name,
        "description": spec.description,
        "parameters": spec.parameters,
    }
    return {"type": "function", "function": function}
