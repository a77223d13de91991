"""Another process that carries reference calls out again: what depends on this one shows there."""

from collections.abc import Iterable
from typing import Protocol

from agentsynth.core.ids import content_id
from agentsynth.core.messages import Message, ToolMessage
from agentsynth.core.task import Task

__all__ = ["Witness", "results_digest"]


class Witness(Protocol):
    """Carries a task's reference calls out elsewhere."""

    async def ask(self, task: Task) -> str:
        """Return the digest of the results and of the final state there."""
        ...


def results_digest(messages: Iterable[Message], final_state: str) -> str:
    """Return a digest of what tools answered, in order, and of the state afterwards."""
    results = [[m.content, m.is_error] for m in messages if isinstance(m, ToolMessage)]
    return content_id([results, final_state])
