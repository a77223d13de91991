"""What checks look at, and what they find."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from agentsynth.checks.mentions import MONEY, dates_in, numbers_in
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage, UserMessage
from agentsynth.core.task import Task
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.verdict import OutcomeValue, ReasonCode
from agentsynth.core.words import normal
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["MET", "NOT_APPLICABLE", "Evidence", "Finding", "MessageText", "Replay", "failed"]


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


MET = Finding("met")
NOT_APPLICABLE = Finding("not_applicable")


def failed(code: ReasonCode, evidence: str, *messages: int) -> Finding:
    """Return a finding that the criterion is not met."""
    return Finding("not_met", code, evidence, messages)


class MessageText:
    """A message's text with what it mentions, each worked out when first asked for."""

    def __init__(self, text: str, today: str) -> None:
        self.text = text
        self._today = today

    @cached_property
    def normal(self) -> str:
        """The text in one case, with single spaces."""
        return normal(self.text)

    @cached_property
    def dates(self) -> set[str]:
        """ISO dates."""
        return dates_in(self.text, self._today)

    @cached_property
    def amounts(self) -> set[float]:
        """Numbers with a currency sign before them."""
        return {float(amount.replace(",", "")) for amount in MONEY.findall(self.text)}

    @cached_property
    def numbers(self) -> set[float]:
        """Numbers in digits or words."""
        return numbers_in(self.text)


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

    @cached_property
    def today(self) -> str:
        """The world's date."""
        return self.runtime.today(self.task.world_seed)

    @cached_property
    def texts(self) -> list[MessageText]:
        """Every message's text, in order."""
        return [MessageText(message.content, self.today) for message in self.messages]

    @cached_property
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

    @cached_property
    def successes(self) -> frozenset[str]:
        """Ids of the calls that succeeded."""
        return frozenset(r.call_id for r in self.trajectory.calls if r.outcome == "success")

    @cached_property
    def said_by_assistant(self) -> list[tuple[int, str]]:
        """(index, text) of what the assistant said without calling anything."""
        return [
            (index, message.content)
            for index, message in enumerate(self.messages)
            if isinstance(message, AssistantMessage) and not message.tool_calls
        ]

    @cached_property
    def said_by_user(self) -> list[tuple[int, str]]:
        """(index, text) of what the user said."""
        return [(i, m.content) for i, m in enumerate(self.messages) if isinstance(m, UserMessage)]
