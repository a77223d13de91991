"""The assistant under demonstration: what it is told and what it may use. No clients, no goals."""

from functools import cached_property
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
    name: str = ""
    """Which of the domain's agents it is."""
    thinking: Literal["none"] = "none"
    """Thinking style; scripted demonstrators show none."""

    @cached_property
    def tool_names(self) -> frozenset[str]:
        """The names of its tools."""
        return frozenset(tool.name for tool in self.tools)
