"""Text that works on whoever grades: orders to a judge, claims of success, flattery.

A judge that is told to pass a conversation often does. Nobody wants to train on such text either,
whoever says it: the assistant, the user, or a result.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from agentsynth.checks.evidence import MET, Evidence, Finding, failed
from agentsynth.checks.expressions import any_of
from agentsynth.core.frozen import Frozen
from agentsynth.core.messages import AssistantMessage, Message, UserMessage
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
    to_judge: tuple[str, ...]
    to_judge_spoken: tuple[str, ...]
    success: tuple[str, ...]
    flattery: tuple[str, ...]


@lru_cache(maxsize=1)
def _words() -> _Words:
    return validate(_Words, load_yaml(Path(__file__).with_name("appeals.yaml")))


def appeals_in(messages: Sequence[Message]) -> list[Appeal]:
    """Return what in a conversation works on whoever grades it, in the order of the messages.

    Every language is looked for in every message, whoever speaks. What user and assistant say may
    be an appeal where the same in a result is data, such as "score: 10/10".
    """
    return [
        Appeal(kind, index, found[0])
        for index, message in enumerate(messages)
        for kind, pattern in _patterns(isinstance(message, UserMessage | AssistantMessage))
        if (found := pattern.search(message.content)) is not None
    ]


def _patterns(spoken: bool) -> list[tuple[AppealKind, re.Pattern[str]]]:
    words = _words()
    to_judge = (*words.to_judge, *words.to_judge_spoken) if spoken else words.to_judge
    return [
        ("to_judge", any_of(to_judge)),
        ("success", any_of(words.success)),
        ("flattery", any_of(words.flattery)),
    ]


def no_appeals(evidence: Evidence) -> Finding:
    """Nothing in the conversation is addressed to whoever grades it.

    Claims of success and flattery do not count here: a judge's record shows them.
    """
    found = [one for one in appeals_in(evidence.messages) if one.kind == "to_judge"]
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
