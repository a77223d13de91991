"""What a certificate's takes say: plain words that state what has to be stated."""

import random
from collections.abc import Sequence

from agentsynth.core.lexicon import Voice
from agentsynth.core.phrasing import parse_template, render, tidy
from agentsynth.core.task import Answer, Task
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["closing_words", "refusing_words", "words_for"]

_FILLER = "Xyz"
"""Stands where a report would name something; what must be said is said besides."""


def closing_words(
    task: Task, runtime: DomainRuntime, answers: Sequence[Answer] | None = None
) -> str:
    """Return a message that reports the deeds, gives the answers and declines what is declined.

    Args:
        answers: what to say instead of the right answers; None = the right ones.
    """
    parts = [
        f"{a.name}: {_shown(a)}." for a in (task.target.answers if answers is None else answers)
    ]
    for request in task.requests:
        if request.reason is not None:
            parts.append(words_for(task, runtime, request.reason, done=False))
        elif task.target.changes:
            parts.append(words_for(task, runtime, request.intent, done=True))
    return " ".join(part for part in parts if part)


def words_for(task: Task, runtime: DomainRuntime, name: str, *, done: bool) -> str:
    """Return the report of an intent's deed, or the refusal for a reason."""
    if not done:
        reason = runtime.lexicon.reason(name)
        return _filled(reason.decline) if reason is not None else "I cannot do that."
    phrases = runtime.lexicon.intents.get(name)
    return _filled(phrases.done) if phrases is not None and phrases.done else "That is done."


def refusing_words(voice: Voice) -> str:
    """Return a message that gives up."""
    return _filled(voice.phrases["leaves_early"])


def _filled(phrases: Sequence[str]) -> str:
    template = parse_template(phrases[0])
    return tidy(render(template, random.Random(0), lambda slot: _FILLER))


def _shown(answer: Answer) -> str:
    if answer.type == "money" and isinstance(answer.value, int):
        return f"${answer.value // 100}.{answer.value % 100:02}"
    if answer.type == "quantity":
        return f"{answer.value} {answer.unit or ''}".strip()
    return str(answer.said_as or answer.value)
