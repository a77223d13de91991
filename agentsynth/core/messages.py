"""Messages of a conversation. The assistant's calls and the tools' answers are messages too."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from agentsynth.core.frozen import Frozen

__all__ = ["AssistantMessage", "Message", "SystemMessage", "ToolCall", "ToolMessage", "UserMessage"]


class ToolCall(Frozen):
    """One call the assistant makes; `id` is unique within its conversation."""

    id: str
    name: str
    arguments: dict[str, JsonValue]


class SystemMessage(Frozen):
    """Persona and policy. Never the tool list: chat templates add that themselves."""

    role: Literal["system"] = "system"
    content: str


class UserMessage(Frozen):
    """What the user said."""

    role: Literal["user"] = "user"
    content: str


class AssistantMessage(Frozen):
    """What the assistant said, did, or both; `content` is "" when it only called tools."""

    role: Literal["assistant"] = "assistant"
    content: str
    tool_calls: tuple[ToolCall, ...] = ()


class ToolMessage(Frozen):
    """A tool's answer to one call, as the agent sees it."""

    role: Literal["tool"] = "tool"
    tool_call_id: str
    name: str
    content: str
    is_error: bool = False


Message = Annotated[
    SystemMessage | UserMessage | AssistantMessage | ToolMessage, Field(discriminator="role")
]
