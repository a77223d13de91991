"""What a question is put to: the whole conversation, or each message that its scope means."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentsynth.core.messages import AssistantMessage, Message, SystemMessage
from agentsynth.core.rubric import NOT_APPLICABLE, Criterion

__all__ = ["Put", "allowed", "citable_in", "put_to"]


@dataclass(frozen=True, slots=True)
class Put:
    """A question and what it is put to."""

    criterion: Criterion
    places: tuple[int, ...] | None
    """The messages that are asked about one by one; None = the conversation as a whole. Empty =
    there are none, so the question does not apply."""


def put_to(criterion: Criterion, messages: Sequence[Message]) -> Put:
    """Return what a question is put to in a conversation."""
    said = [n for n, m in enumerate(messages) if isinstance(m, AssistantMessage)]
    match criterion.scope:
        case "trajectory":
            return Put(criterion, None if citable_in(messages) else ())
        case "turn":
            return Put(criterion, tuple(n for n in said if messages[n].content.strip()))
        case "call":
            return Put(criterion, tuple(n for n in said if _calls(messages[n])))
        case "final_answer":
            return Put(criterion, tuple(n for n in said if messages[n].content.strip())[-1:])


def citable_in(messages: Sequence[Message]) -> tuple[int, ...]:
    """Return the numbers of the messages that an answer can cite: all but instructions."""
    return tuple(n for n, m in enumerate(messages) if not isinstance(m, SystemMessage))


def allowed(criterion: Criterion) -> tuple[str, ...]:
    """Return every answer to a question: its choices, and that it does not apply, if it may."""
    return (*criterion.choices, NOT_APPLICABLE) if criterion.applies else criterion.choices


def _calls(message: Message) -> bool:
    return isinstance(message, AssistantMessage) and bool(message.tool_calls)
