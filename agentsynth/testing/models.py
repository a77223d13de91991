"""Models for tests: they say what a script says, and keep what they were sent."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError, Usage

__all__ = ["LinesModel"]


@dataclass
class LinesModel:
    """A `Model` that answers with its lines in turn, and with the last one from then on.

    A text is a plain reply; an error is raised.
    """

    lines: Sequence[str | ChatReply | ModelError]
    history: list[tuple[CallKey, ChatRequest]] = field(default_factory=lambda: [])
    """What it was sent, in order."""

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the next line.

        Raises:
            ModelError: if that is the next line.
        """
        line = self.lines[min(len(self.history), len(self.lines) - 1)]
        self.history.append((key, request))
        if isinstance(line, ModelError):
            raise line
        if isinstance(line, str):
            return ChatReply(line, usage=Usage(prompt=100, completion=10))
        return line
