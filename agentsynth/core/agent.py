"""The assistant under demonstration: what it is told and what it may use. No clients, no goals."""

from typing import Literal

from agentsynth.core.frozen import Identified
from agentsynth.core.tools import ToolSpec

__all__ = ["Agent"]


class Agent(Identified):
    """A system prompt and a toolset."""

    schema_version: Literal[1] = 1
    domain: str
    system_prompt: str
    tools: tuple[ToolSpec, ...]
    thinking: Literal["none"] = "none"
    """Thinking style; scripted demonstrators show none."""
