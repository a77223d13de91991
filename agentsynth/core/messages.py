"""Messages of a conversation. The assistant's calls and the tools' answers are messages too."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from agentsynth.core.frozen import Frozen

__all__ = ["AssistantMessage", "Message", "SystemMessage", "ToolCall", "ToolMessage", "UserMessage"]


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: object) -> bool:
    return value == ""


class ToolCall(Frozen):
    """One call the assistant makes; `id` is unique within its conversation."""

    id: str
    name: str
    arguments: dict[str, JsonValue]
    text: str | None = Field(default=None, exclude_if=_is_none)
    """The arguments as a model wrote them, where they are no JSON object (`arguments` is then
    empty); None = they are one."""


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
    reasoning: str = Field(default="", exclude_if=_is_empty)
    """What a model thought before it; "" = nothing is on record."""


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
