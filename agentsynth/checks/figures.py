"""Plain figures and labels in what the assistant says: are they those that were shown?

Three questions, each asked only of what is written down as a figure:

- A label (`LIN-304`, `HP9`, `B 11/1914-0256`) has to have been shown as it is.
- A figure that stands beside a word (`floor 4`, `3 pages`) has to stand beside that word where it
  was shown, if any figure does: in a text, or as a field of that name in a result.
- Any other figure has to have been shown somewhere.

No invention are what the user said, how many entries a list in a result has, how many calls of one
tool were made, a sum over results, the days between two dates shown, and what the task has the
assistant work out.
"""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from agentsynth.checks.computed import is_total
from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.forms import Mention
from agentsynth.checks.nouns import OUT_OF, nouns_beside
from agentsynth.checks.visible import Visible

__all__ = ["figure_made_up"]

_NAMED = re.compile(r"[A-Za-z]+ \d+$", re.ASCII)
"""A figure and the word before it, which may be the name of something: `L 8`."""
_LISTED = re.compile(r"(?:^|\n)\s*$")
"""Before the number of an entry in a list of the assistant's own: `1. …`."""
_FEW = 6
"""Values up to which a field tells entries of a list apart in groups that somebody may count."""
_DAYS = frozenset(("day", "night"))


def figure_made_up(evidence: Evidence, index: int, visible: Visible) -> str | None:
    """Return the first label or figure of a message that was shown nowhere; None = all were.

    Args:
        index: of the message.
        visible: all that was to be seen before it.
    """
    text = evidence.texts[index]
    for code, _ in text.codes:
        label = code.rstrip("-/")
        if not visible.has_words(label) and label.casefold() not in evidence.runtime.offered_words:
            return repr(label)
    if not text.has_digits:
        return None
    taken = [(start, start + len(code)) for code, start in text.codes]
    taken += [(one.start, one.end) for one in (*text.days, *text.clocks)]
    for mention in text.quantities:
        if not _is_plain(text, mention) or any(a <= mention.start < b for a, b in taken):
            continue
        if not _is_shown(evidence, index, text, mention, visible):
            return repr(text.text[mention.start : mention.end].strip())
    return None


def _is_plain(text: MessageText, mention: Mention) -> bool:
    plain = not (mention.money or mention.glued or mention.base == "%")  # `computed` knows those
    listed = _LISTED.search(text.text[: mention.start]) and text.text[mention.end :][:1] in ".)"
    return plain and not listed and text.text[mention.start].isdigit()


def _is_shown(
    evidence: Evidence, index: int, text: MessageText, mention: Mention, visible: Visible
) -> bool:
    value = mention.raw
    named = _NAMED.search(text.text[: mention.end])
    if named is not None and visible.has_words(named[0]):
        return True
    if value in _told(evidence, index) or str(value) in evidence.runtime.offered_words:
        return True
    if mention.base is not None:
        unit = ("day",) if mention.base == "s" and mention.value % 86400 == 0 else ()
        if visible.has_number(value) or visible.has_measured(mention.base, mention.value):
            return True
        return _is_derived(evidence, index, value, unit, visible)
    chosen = OUT_OF.search(text.text[: mention.start]) is not None
    words = nouns_beside(text.text, mention) if evidence.language == "en" and not chosen else ()
    bound = next((found for word in words if (found := visible.beside(word))), None)
    shown = visible.has_number(value) if bound is None else value in bound
    return shown or _is_derived(evidence, index, value, words, visible)


def _is_derived(
    evidence: Evidence, index: int, value: Decimal, words: tuple[str, ...], visible: Visible
) -> bool:
    """Whether a figure is one of those that follow from what was shown."""
    if value in _counts(evidence, index) or is_total(evidence, index, value):
        return True
    if any(a.field is None and a.value == value for a in evidence.task.target.answers):
        return True
    if _DAYS.isdisjoint(words):
        return False
    days = sorted(date.fromisoformat(iso) for iso in {*visible.dates, evidence.today})
    return any(Decimal((b - a).days) == value for a in days for b in days if b > a)


def _told(evidence: Evidence, index: int) -> set[Decimal]:
    """Return the figures that the user gave before a message."""
    said = [evidence.texts[place] for place, _ in evidence.said_by_user if place < index]
    return {mention.raw for text in said for mention in text.quantities}


def _counts(evidence: Evidence, index: int) -> set[Decimal]:
    """Return how many entries the lists of results have, and how often a tool is called.

    Calls that come later count as well: what is announced is then done as often.
    """
    found: set[int] = set()
    for place, _, answer in evidence.calls:
        if place < index and answer is not None and not answer.is_error:
            found |= set(_lengths(evidence.result(answer)))
    called = Counter(call.name for _, call, _ in evidence.calls)
    turns = Counter((call.name, place > index) for place, call, _ in evidence.calls)
    return {Decimal(count) for count in (*found, *called.values(), *turns.values())}


def _lengths(value: Any) -> Iterator[int]:
    """Yield how long each list is, and how many of its entries are alike in a telling field."""
    if isinstance(value, dict):
        for part in value.values():
            yield from _lengths(part)
    elif isinstance(value, list):
        yield len(value)
        groups: dict[str, Counter[str]] = {}
        for part in value:
            yield from _lengths(part)
            for name, scalar in part.items() if isinstance(part, dict) else ():
                if isinstance(scalar, str | bool) or scalar is None:
                    groups.setdefault(name, Counter())[str(scalar)] += 1
        for alike in groups.values():
            if len(alike) <= _FEW:
                yield from alike.values()
