"""A conversation taken apart for editing: each message, and each result with what it did."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage
from agentsynth.core.task import Change
from agentsynth.core.trajectory import CallRecord, Trajectory, UserCall
from agentsynth.core.transcript import Transcript

__all__ = ["Draft", "Entry", "of_trajectory", "of_transcript", "to_trajectory", "to_transcript"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A message, and for a result what its call did."""

    message: Message
    changes: tuple[Change, ...] | None = None
    """What the call changed; None = it is not known, or this is no result."""
    record: CallRecord | None = None
    """A trajectory's record of the call; None = there is none."""

    @property
    def text(self) -> str:
        """The words."""
        return self.message.content

    def says(self, text: str) -> "Entry":
        """Return the entry with other words."""
        return replace(self, message=self.message.model_copy(update={"content": text}))


@dataclass(frozen=True, slots=True)
class Draft:
    """A conversation that can be edited; every edit gives a new one."""

    entries: tuple[Entry, ...]
    user_calls: tuple[UserCall, ...] = ()

    def at(self, place: int, entry: Entry) -> "Draft":
        """Return the draft with another entry in this place."""
        return replace(self, entries=(*self.entries[:place], entry, *self.entries[place + 1 :]))

    def with_words(self, place: int, text: str) -> "Draft":
        """Return the draft with other words in this message."""
        return self.at(place, self.entries[place].says(text))

    def with_calls(self, place: int, calls: Sequence[ToolCall]) -> "Draft":
        """Return the draft with other calls in this message of the assistant."""
        entry = self.entries[place]
        changed = entry.message.model_copy(update={"tool_calls": tuple(calls)})
        return self.at(place, replace(entry, message=changed))

    def without(self, places: Collection[int]) -> "Draft":
        """Return the draft without these messages."""
        return Draft(
            tuple(entry for place, entry in enumerate(self.entries) if place not in places),
            tuple(
                one.model_copy(update={"after": one.after - sum(p < one.after for p in places)})
                for one in self.user_calls
            ),
        )

    def with_more(self, place: int, messages: Sequence[Message]) -> "Draft":
        """Return the draft with these messages before the one in this place."""
        return Draft(
            (*self.entries[:place], *map(Entry, messages), *self.entries[place:]),
            tuple(
                one.model_copy(update={"after": one.after + len(messages)})
                if one.after > place
                else one
                for one in self.user_calls
            ),
        )

    def result_of(self, call: ToolCall, place: int) -> int | None:
        """Return where the call that was made in this message is answered; None = nowhere."""
        for later in range(place + 1, len(self.entries)):
            message = self.entries[later].message
            if not isinstance(message, ToolMessage):
                return None
            if message.tool_call_id == call.id:
                return later
        return None

    def spoken(self) -> list[int]:
        """Return the messages of the assistant with words and no calls."""
        return [
            place
            for place, entry in enumerate(self.entries)
            if isinstance(entry.message, AssistantMessage)
            and entry.text.strip()
            and not entry.message.tool_calls
        ]

    def made(self) -> list[tuple[int, ToolCall]]:
        """Return every call of the assistant, with the message that made it."""
        return [
            (place, call)
            for place, entry in enumerate(self.entries)
            if isinstance(entry.message, AssistantMessage)
            for call in entry.message.tool_calls
        ]


def of_trajectory(trajectory: Trajectory) -> Draft:
    """Return a trajectory as a draft."""
    records = {record.call_id: record for record in trajectory.calls}
    entries: list[Entry] = []
    for message in trajectory.messages:
        record = records.get(message.tool_call_id) if isinstance(message, ToolMessage) else None
        entries.append(Entry(message, record.changes if record else None, record))
    return Draft(tuple(entries), trajectory.user_calls)


def to_trajectory(draft: Draft, trajectory: Trajectory) -> Trajectory:
    """Return the trajectory that a draft of it has become.

    Net changes and the final state lose what the calls did that are gone.
    """
    kept = [entry.record for entry in draft.entries if entry.record is not None]
    ids = {record.call_id for record in kept}
    renamed = len(kept) == len(trajectory.calls)
    gone = [] if renamed else [record for record in trajectory.calls if record.call_id not in ids]
    lost = {(change.entity, change.key) for record in gone for change in record.changes}
    net = tuple(c for c in trajectory.net_changes if (c.entity, c.key) not in lost)
    update: dict[str, Any] = {
        "messages": tuple(entry.message for entry in draft.entries),
        "calls": tuple(kept),
        "user_calls": draft.user_calls,
        "net_changes": net,
    }
    if lost and not net:
        update["final_state"] = trajectory.start_state
    return trajectory.model_copy(update=update)


def of_transcript(transcript: Transcript) -> Draft:
    """Return a transcript as a draft."""
    return Draft(
        tuple(
            Entry(message, transcript.changed_at(place))
            for place, message in enumerate(transcript.messages)
        ),
        transcript.user_calls,
    )


def to_transcript(draft: Draft, transcript: Transcript) -> Transcript:
    """Return the transcript that a draft of it has become."""
    changes = tuple(
        entry.changes or () for entry in draft.entries if isinstance(entry.message, ToolMessage)
    )
    return transcript.model_copy(
        update={
            "messages": tuple(entry.message for entry in draft.entries),
            "user_calls": draft.user_calls,
            "changes": None if transcript.changes is None else changes,
        }
    )
