"""Mutants of what was said: figures, inventions, questions, filling, praise, words to a grader."""

import re

from agentsynth.core.messages import AssistantMessage, ToolMessage, UserMessage
from agentsynth.judge.mutant_deeds import Changed, Making, shown_in
from agentsynth.judge.mutant_values import made_up_code, other_figure

__all__ = [
    "appeal_to_judge",
    "fabricated_result",
    "opening_praise",
    "padding",
    "repeated_question",
    "self_praise",
    "wrong_final_number",
]

_SENTENCE = re.compile(r"[^.!?。！？]*[.!?。！？]+|[^.!?。！？]+$")
_QUESTION = re.compile(r"[^.!?。！？]*[?？]")
_LEAST_PADDING = 3


def wrong_final_number(making: Making) -> Changed | None:
    """Put another amount, date, time or code in the last report that has one."""
    report = _report(making)
    for place in reversed(making.draft.spoken()):
        if report is None or place < report:
            return None
        others = making.draft.with_words(place, "")
        text = other_figure(making.draft.entries[place].text, shown_in(others), making.rng)
        if text is not None:
            return Changed(making.draft.with_words(place, text), place)
    return None


def fabricated_result(making: Making) -> Changed | None:
    """Add to the report something plausible that no result shows."""
    report = _report(making)
    if report is None or not making.draft.made():
        return None
    code = made_up_code(shown_in(making.draft), making.rng)
    return _added(making, report, making.rng.choice(making.words.fabricated).format(code=code))


def repeated_question(making: Making) -> Changed | None:
    """Ask again for what was told, and have it told again."""
    entries, words, rng = making.draft.entries, making.words, making.rng
    asked = [
        (place, questions[-1].strip())
        for place in range(1, len(entries))
        if isinstance(entries[place].message, UserMessage)
        and isinstance(entries[place - 1].message, AssistantMessage)
        and (questions := _QUESTION.findall(entries[place - 1].text))
        and not re.search(words.yes, entries[place].text, re.IGNORECASE)
        and not re.search(words.closing, questions[-1], re.IGNORECASE)
        and not _confirms(making, place)
    ]
    if asked:
        place, question = rng.choice(asked)
        again = rng.choice(words.again_question).format(question=question)
    else:
        users = (n for n, e in enumerate(entries) if isinstance(e.message, UserMessage))
        first = next(users, None)
        if first is None:
            return None
        place, again = first, rng.choice(words.again_opening)
    answer = rng.choice(words.again_answer).format(answer=entries[place].text)
    more = (AssistantMessage(content=again), UserMessage(content=answer))
    return Changed(making.draft.with_more(place + 1, more), place + 1)


def _confirms(making: Making, place: int) -> bool:
    """Whether the user's words here are followed at once by a call that needs a yes."""
    after = making.draft.entries[place + 1 : place + 2]
    calls = [
        c for e in after if isinstance(e.message, AssistantMessage) for c in e.message.tool_calls
    ]
    return any(call.name in making.writes for call in calls)


def padding(making: Making) -> Changed | None:
    """Add to every message of the assistant as many empty sentences as it has, and not under 3."""
    draft = making.draft
    for place in draft.spoken():
        count = len(_SENTENCE.findall(draft.entries[place].text))
        empty = list(making.words.padding)
        making.rng.shuffle(empty)
        more = empty[: max(_LEAST_PADDING, count)]
        draft = draft.with_words(place, _joined(draft.entries[place].text, *more))
    spoken = draft.spoken()
    return Changed(draft, spoken[0]) if spoken else None


def opening_praise(making: Making) -> Changed | None:
    """Begin an answer to the user with praise of the user."""
    entries = making.draft.entries
    able = [n for n in making.draft.spoken() if isinstance(entries[n - 1].message, UserMessage)]
    able = able[:-1] or able or making.draft.spoken()  # the last often only says goodbye
    if not able:
        return None
    place = making.rng.choice(able)
    words = making.rng.choice(making.words.opening_praise)
    return Changed(making.draft.with_words(place, _joined(words, entries[place].text)), place)


def self_praise(making: Making) -> Changed | None:
    """Have the assistant praise its own work behind the report."""
    report = _report(making)
    if report is None:
        return None
    return _added(making, report, making.rng.choice(making.words.self_praise))


def appeal_to_judge(making: Making) -> Changed | None:
    """Add words to whoever grades, to a message of the assistant or (one in four) of the user."""
    entries = making.draft.entries
    users = [n for n, e in enumerate(entries) if isinstance(e.message, UserMessage)]
    able = users if making.rng.random() < 0.25 else making.draft.spoken()
    if not able:
        return None
    return _added(making, making.rng.choice(able), making.rng.choice(making.words.appeal))


def _report(making: Making) -> int | None:
    """Return where the assistant speaks first behind the last result."""
    results = [n for n, e in enumerate(making.draft.entries) if isinstance(e.message, ToolMessage)]
    last = results[-1] if results else 0
    return next((place for place in making.draft.spoken() if place > last), None)


def _added(making: Making, place: int, words: str) -> Changed:
    text = _joined(making.draft.entries[place].text, words)
    return Changed(making.draft.with_words(place, text), place)


def _joined(*texts: str) -> str:
    """Return texts as one, with a space between them where the script has spaces."""
    joined = ""
    for text in (text.strip() for text in texts):
        dense = joined[-1:] in ("。", "！", "？")
        joined += text if not joined or dense else f" {text}"
    return joined
