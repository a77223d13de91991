"""What a judge is shown of a conversation: words, calls, results and changes. Nothing else.

No label, no certificate, no goal and not who played has a place here, so none can reach a judge.
"""

from collections.abc import Sequence
from typing import Literal

from agentsynth.core.frozen import Identified
from agentsynth.core.imported import Imported
from agentsynth.core.messages import AssistantMessage, Message, SystemMessage, ToolMessage
from agentsynth.core.task import Change
from agentsynth.core.trajectory import Trajectory, UserCall

__all__ = ["Transcript", "transcript_of", "transcript_of_imported"]


class Transcript(Identified):
    """A conversation as evidence. Its id says when two are the same to a judge."""

    schema_version: Literal[1] = 1
    messages: tuple[Message, ...]
    changes: tuple[tuple[Change, ...], ...] | None = None
    """What each tool result's call changed in the state, in the order of the tool messages;
    None = it is not known, as of conversations from elsewhere."""
    user_calls: tuple[UserCall, ...] = ()
    """What the user did with tools of their own, in order."""

    def changed_at(self, message: int) -> tuple[Change, ...] | None:
        """Return what the call answered by this message changed.

        Returns:
            None where changes are not known, or the message is no tool's.
        """
        if self.changes is None or not isinstance(self.messages[message], ToolMessage):
            return None
        before = sum(isinstance(m, ToolMessage) for m in self.messages[:message])
        return self.changes[before] if before < len(self.changes) else None


def transcript_of(trajectory: Trajectory) -> Transcript:
    """Return what a judge is shown of a trajectory."""
    results = [m.tool_call_id for m in trajectory.messages if isinstance(m, ToolMessage)]
    recorded = [(record.call_id, record.changes) for record in trajectory.calls]
    fitting = [call_id for call_id, _ in recorded] == results
    return Transcript(
        messages=_without_thoughts(trajectory.messages),
        changes=tuple(changes for _, changes in recorded) if fitting else None,
        user_calls=trajectory.user_calls,
    )


def transcript_of_imported(imported: Imported) -> Transcript:
    """Return what a judge is shown of a conversation from elsewhere."""
    messages = _without_thoughts(imported.messages)
    if imported.instructions and not any(isinstance(m, SystemMessage) for m in messages):
        told = SystemMessage(content=imported.instructions)
        return _imported((told, *messages), imported, 1)
    return _imported(messages, imported, 0)


def _without_thoughts(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages without what a model thought: that is no evidence."""
    return tuple(
        message.model_copy(update={"reasoning": ""})
        if isinstance(message, AssistantMessage) and message.reasoning
        else message
        for message in messages
    )


def _imported(messages: tuple[Message, ...], imported: Imported, moved: int) -> Transcript:
    calls = tuple(
        UserCall(
            after=one.after + moved,
            call=one.call,
            content=one.content or "",
            is_error=one.is_error,
        )
        for one in imported.user_calls
    )
    return Transcript(messages=messages, user_calls=calls)
