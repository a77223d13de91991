"""The canonical row: OpenAI-style messages in the form most chat templates render without loss.

Decisions, each because a real trainer or template fails otherwise: `arguments` is a mapping and
never a string; an assistant's `content` is a string, "" beside calls, never null and never absent;
no key is ever null; `reasoning_content` is there only where something was thought; `tools` are
wrapped as functions and always have `parameters`; tool messages carry both `tool_call_id` and
`name`; `metadata` is one JSON string, as nested mappings of varying shape break Arrow; the last
message is the assistant's.
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

__all__ = ["ROW_SCHEMA", "canonical_row", "row_id"]

_TEXT = {"type": "string"}
_CALL = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "type", "function"],
    "properties": {
        "id": _TEXT,
        "type": {"const": "function"},
        "function": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "arguments"],
            "properties": {"name": _TEXT, "arguments": {"type": "object"}},
        },
    },
}


def _message_schema(role: str, **more: Any) -> dict[str, Any]:
    optional = ("tool_calls", "reasoning_content")
    properties = {"role": {"const": role}, "content": _TEXT, **more}
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


ROW_SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Row",
    "description": "One line of rows.jsonl in the canonical dialect.",
    "type": "object",
    "additionalProperties": False,
    "required": ["id", "messages", "tools", "metadata"],
    "properties": {
        "id": {"type": "string", "pattern": "^s1:[0-9a-f]{32}-[0-9]+$"},
        "messages": {
            "type": "array",
            "minItems": 3,
            "items": {
                "oneOf": [
                    _message_schema("system"),
                    _message_schema("user"),
                    _message_schema(
                        "assistant",
                        reasoning_content=_TEXT,
                        train={"type": "boolean"},
                        tool_calls={"type": "array", "minItems": 1, "items": _CALL},
                    ),
                    _message_schema("tool", tool_call_id=_TEXT, name=_TEXT),
                ]
            },
        },
        "tools": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "function"],
                "properties": {
                    "type": {"const": "function"},
                    "function": {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["name", "description", "parameters"],
                        "properties": {
                            "name": _TEXT,
                            "description": _TEXT,
                            "parameters": {
                                "type": "object",
                                "required": ["type", "properties"],
                            },
                        },
                    },
                },
            },
        },
        "metadata": {"type": "string", "description": "One JSON object, as text."},
    },
}
"""JSON Schema of a canonical row."""


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
    if message.reasoning:
        row["reasoning_content"] = message.reasoning
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
