"""What checks look at, and what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.checks.expressions import matches_any
from agentsynth.checks.mentions import says
from agentsynth.checks.records import Record, keys_of, records_in, scalars_of
from agentsynth.checks.texts import FORM, MessageText
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from agentsynth.core.once import once
from agentsynth.core.task import Change, Task
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.verdict import OutcomeValue, ReasonCode
from agentsynth.worlds.runtime import DomainRuntime

__all__ = [
    "FORM",
    "MET",
    "NOT_APPLICABLE",
    "Evidence",
    "Finding",
    "MessageText",
    "Replay",
    "failed",
    "undecided",
]


@dataclass(frozen=True, slots=True)
class Replay:
    """What re-executing a trajectory's calls in a fresh world showed."""

    differences: tuple[str, ...]
    """Results or final state that differ; empty = the same."""
    broken: tuple[tuple[int, str], ...]
    """(message index, clause id) for every call that broke a clause of the policy."""
    final_state: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's outcome."""

    outcome: OutcomeValue
    code: ReasonCode | None = None
    evidence: str = ""
    messages: tuple[int, ...] = ()
    credit: float | None = None
    """Share of the criterion that is met, for one not met in full; None = none of it."""


MET = Finding("met")
NOT_APPLICABLE = Finding("not_applicable")


def failed(code: ReasonCode, evidence: str, *messages: int) -> Finding:
    """Return a finding that the criterion is not met."""
    return Finding("not_met", code, evidence, messages)


def undecided(evidence: str, *messages: int) -> Finding:
    """Return a finding that the check cannot tell."""
    return Finding("undecided", "undecided", evidence, messages)


@dataclass(frozen=True)
class Evidence:
    """One trajectory with all that checks may use. No label, no persona, no driver."""

    task: Task
    trajectory: Trajectory
    runtime: DomainRuntime
    voice: Voice
    replay: Replay

    @property
    def messages(self) -> Sequence[Message]:
        """The conversation."""
        return self.trajectory.messages

    @property
    def language(self) -> str:
        """Of the conversation: decides which words for dates, numbers and units are known."""
        return self.task.language

    @once
    def today(self) -> str:
        """The world's date."""
        return self.runtime.today(self.task.world_seed)

    @once
    def texts(self) -> list[MessageText]:
        """Every message's text, in order."""
        return [self.read(message.content) for message in self.messages]

    @once
    def _read(self) -> dict[str, MessageText]:
        return {}

    def read(self, text: str) -> MessageText:
        """Return what a text mentions; the same text is read once, whoever asks."""
        known = self._read.get(text)
        if known is None:
            known = self._read[text] = MessageText(text, self.today, self.language)
        return known

    @once
    def calls(self) -> list[tuple[int, ToolCall, ToolMessage | None]]:
        """(index of the assistant's message, call, its answer) in order."""
        answers: Mapping[str, ToolMessage] = {
            m.tool_call_id: m for m in self.messages if isinstance(m, ToolMessage)
        }
        return [
            (index, call, answers.get(call.id))
            for index, message in enumerate(self.messages)
            if isinstance(message, AssistantMessage)
            for call in message.tool_calls
        ]

    @once
    def given(self) -> frozenset[Any]:
        """What the calls were given: each scalar, of a moment its day and its time as well."""
        return frozenset(
            key
            for _, call, _ in self.calls
            for value in scalars_of(dict(call.arguments)).values()
            for key in keys_of(value)
        )

    @once
    def _decoded(self) -> dict[tuple[str, str], Any]:
        return {}

    def result(self, message: ToolMessage) -> Any:
        """Return what a reader makes of a result; text that is no JSON stays text."""
        made = (message.name, message.content)
        if made not in self._decoded:
            try:
                self._decoded[made] = self.runtime.decode(*made)
            except ValueError:
                self._decoded[made] = message.content
        return self._decoded[made]

    @once
    def _records(self) -> dict[tuple[str, str], tuple[Record, ...]]:
        return {}

    def records(self, message: ToolMessage) -> tuple[Record, ...]:
        """Return the records of a result; none of an error."""
        if message.is_error:
            return ()
        made = (message.name, message.content)
        known = self._records.get(made)
        if known is None:
            known = self._records[made] = records_in(self.result(message))
        return known

    @once
    def outcomes(self) -> dict[str, str]:
        """Call id to `success` or `error`; a call without a record is not in it."""
        return {record.call_id: record.outcome for record in self.trajectory.calls}

    @once
    def successes(self) -> frozenset[str]:
        """Ids of the calls that succeeded."""
        return frozenset(r.call_id for r in self.trajectory.calls if r.outcome == "success")

    @once
    def brought(self) -> frozenset[str]:
        """Ids of the calls that brought some of what the task wants, by whatever tool."""
        wanted = {_place(change) for change in self.task.target.changes}
        return frozenset(
            record.call_id
            for record in self.trajectory.calls
            if any(_place(change) in wanted for change in record.changes)
        )

    @once
    def said_by_assistant(self) -> list[tuple[int, str]]:
        """(index, text) of what the assistant said without calling anything."""
        return [
            (index, message.content)
            for index, message in enumerate(self.messages)
            if isinstance(message, AssistantMessage) and not message.tool_calls
        ]

    @once
    def _refusing(self) -> dict[str, bool]:
        return {}

    def refuses(self, text: str) -> bool:
        """Whether a text has words that decline something."""
        known = self._refusing.get(text)
        if known is None:
            known = self._refusing[text] = matches_any(self.voice.refusals, text)
        return known

    @once
    def settled_from(self) -> int:
        """The message with which the user has put right whatever was told otherwise first.

        0 where nothing had to be put right; behind the last message where it never was.
        """
        place = 0
        for fact in self.task.facts:
            if fact.first is None:
                continue
            told = (
                index
                for index, text in self.said_by_user
                if says(
                    text,
                    fact.value,
                    fact.type,
                    today=self.today,
                    said_as=self.runtime.lexicon.words.get(str(fact.value)),
                    language=self.language,
                    unit=fact.unit,
                )
            )
            place = max(place, next(told, len(self.messages)))
        return place

    @once
    def said_by_user(self) -> list[tuple[int, str]]:
        """(index, text) of what the user said."""
        return [(i, m.content) for i, m in enumerate(self.messages) if isinstance(m, UserMessage)]


def _place(change: Change) -> tuple[str, str, str | None]:
    """Return which record a change is of; new ones have no key of their own."""
    return change.op, change.entity, None if change.op == "create" else change.key
