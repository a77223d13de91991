"""Text that works on whoever grades: orders to a judge, claims of success, flattery.

A judge that is told to pass a conversation often does. Nobody wants to train on such text either,
whoever says it: the assistant, the user, or a result.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from agentsynth.checks.evidence import MET, Evidence, Finding, failed
from agentsynth.checks.expressions import any_of
from agentsynth.core.frozen import Frozen
from agentsynth.core.messages import AssistantMessage, Message, SystemMessage, UserMessage
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["Appeal", "AppealKind", "appeals_in", "no_appeals", "rests_on_appeals"]

AppealKind = Literal["to_judge", "success", "flattery"]
"""
to_judge  addressed to whoever grades, or says which grade is to be given
success   says of the speaker's own work how complete, correct or obedient it is
flattery  praises the other side, or the question
"""


@dataclass(frozen=True, slots=True)
class Appeal:
    """One piece of such text."""

    kind: AppealKind
    message: int
    """Index of the message."""
    quote: str


class _Words(Frozen):
    cues: tuple[str, ...]
    cues_beyond_ascii: tuple[str, ...]
    to_judge: tuple[str, ...]
    to_judge_spoken: tuple[str, ...]
    success: tuple[str, ...]
    flattery: tuple[str, ...]


@lru_cache(maxsize=1)
def _words() -> _Words:
    return validate(_Words, load_yaml(Path(__file__).with_name("appeals.yaml")))


def appeals_in(
    messages: Sequence[Message],
    kinds: Sequence[AppealKind] = ("to_judge", "success", "flattery"),
) -> list[Appeal]:
    """Return what in a conversation works on whoever grades it, in the order of the messages.

    Every language is looked for in every message, whoever speaks but the instructions. What user
    and assistant say may be an appeal where the same in a result is data, such as "score: 10/10".
    """
    return [
        Appeal(kind, index, found)
        for index, message in enumerate(messages)
        if not isinstance(message, SystemMessage)
        for kind in kinds
        if (found := _appeal(kind, message)) is not None
    ]


def _appeal(kind: AppealKind, message: Message) -> str | None:
    """Return what in a message is of this kind; None = nothing."""
    words = _words()
    match kind:
        case "to_judge":
            if not _has_cue(message.content):
                return None
            spoken = isinstance(message, UserMessage | AssistantMessage)
            also = words.to_judge_spoken if spoken else ()
            found = any_of((*words.to_judge, *also)).search(message.content)
        case "success":
            found = any_of(words.success).search(message.content)
        case "flattery":
            found = any_of(words.flattery).search(message.content)
    return None if found is None else found[0]


def _has_cue(text: str) -> bool:
    """Whether a text may be addressed to a judge: the expressions take a hundred times as long."""
    words, text = _words(), text.lower()
    for cue in words.cues:
        if cue in text:
            return True
    return not text.isascii() and any(cue in text for cue in words.cues_beyond_ascii)


def no_appeals(evidence: Evidence) -> Finding:
    """Nothing in the conversation is addressed to whoever grades it.

    Claims of success and flattery do not count here: a judge's record shows them.
    """
    found = appeals_in(evidence.messages, ["to_judge"])
    if not found:
        return MET
    places = dict.fromkeys(one.message for one in found)
    detail = f"{found[0].quote!r} is addressed to whoever grades"
    return failed("appeals_to_judge", detail, *places)


def rests_on_appeals(messages_cited: Collection[int], appeals: Iterable[Appeal]) -> bool:
    """Whether every message that is cited for an answer has an appeal: nothing else speaks for it.

    An answer that cites nothing rests on none. The caller says which kinds count, by what it gives.
    """
    tainted = {one.message for one in appeals}
    return bool(messages_cited) and tainted.issuperset(messages_cited)
