"""One seat's calls of a model, numbered: what assistant, user and judge have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelRole
from agentsynth.core.messages import Message
from agentsynth.core.tools import ToolSpec

__all__ = ["Caller"]


@dataclass
class Caller:
    """Asks a model on behalf of one seat in one rollout."""

    model: Model
    role: ModelRole
    task: str
    """The task's id."""
    sample: int
    """Which of the task's rollouts it is."""
    attempt: int = 0
    """Which try at the rollout."""
    place: int = 0
    """The ordinal of the rollout's place in its run."""
    seed: int | None = None
    """None = the endpoint draws as it likes."""
    calls: int = 0
    """Calls of the model so far. Several callers of one role in one rollout begin at numbers far
    apart, so that every call has a key of its own."""

    async def ask(
        self,
        messages: Sequence[Message],
        tools: Sequence[ToolSpec] = (),
        schema: Mapping[str, JsonValue] | None = None,
    ) -> ChatReply:
        """Return the model's reply.

        Args:
            schema: JSON Schema that the reply's text must follow; None = free text.

        Raises:
            ModelError: if the model gives no usable reply.
        """
        key = CallKey(self.role, self.task, self.sample, self.calls, self.attempt, self.place)
        self.calls += 1
        request = ChatRequest(tuple(messages), tools=tools, schema=schema, seed=self.seed)
        return await self.model.complete(request, key)
