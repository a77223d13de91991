"""How a value stands in its text: said, more or less so, offered beside another, or denied."""

import re
from collections.abc import Sequence
from typing import Protocol

from agentsynth.checks.forms import Certainty, Forms, Style

__all__ = ["Placed", "settled"]

_DASHED = re.compile(r"\s?[-–—~]\s?[$€£¥]?\d")
_DASHED_BEFORE = re.compile(r"\d[-–—~]\s?$")


class Placed(Protocol):
    """Something with a place in a text."""

    @property
    def start(self) -> int:
        """Its first character."""
        ...

    @property
    def end(self) -> int:
        """Behind its last character."""
        ...


def settled(
    text: str,
    mentions: Sequence[Placed],
    fitting: Sequence[bool],
    forms: Forms,
    *,
    about: bool = False,
    ranges: bool = True,
) -> bool | None:
    """Return whether one of the fitting mentions is said; None = only offered beside others."""
    if not any(fitting):
        return False
    text = forms.prepare(text)
    offered = False
    for place, fits in enumerate(fitting):
        if not fits:
            continue
        stands = _certainty(text, mentions, place, forms.style, ranges=ranges)
        if stands == "said" or (stands == "about" and about):
            return True
        offered = offered or (stands == "either" and not all(fitting))
    return None if offered else False


def _certainty(
    text: str, mentions: Sequence[Placed], place: int, style: Style, *, ranges: bool
) -> Certainty:
    """Return how a mention stands among its neighbours."""
    one = mentions[place]
    before = text[max(0, one.start - 40) : one.start]
    if style.denied.search(before):
        return "denied"
    left = mentions[place - 1] if place else None
    right = mentions[place + 1] if place + 1 < len(mentions) else None
    pairs = [(left, one)] if left is not None else []
    pairs += [(one, right)] if right is not None else []
    for first, second in pairs:
        stands = _paired(text, first, second, style, ranges=ranges)
        if stands is not None:
            return stands
    if ranges and (_DASHED.match(text, one.end) or _DASHED_BEFORE.search(before)):
        return "denied"
    if style.about_before.search(before) or style.about_after.match(text, one.end):
        return "about"
    return "said"


def _paired(
    text: str, first: Placed, second: Placed, style: Style, *, ranges: bool
) -> Certainty | None:
    """Return how two neighbours stand that are ends of a range or offered; None = neither."""
    gap = text[first.end : second.start]
    if not 0 < len(gap) <= 20:
        return None
    before = text[max(0, first.start - 20) : first.start]
    if style.either_gap.match(gap):
        return "either"
    if not ranges:
        return None
    if style.range_gap.match(gap):
        return "either" if style.from_.search(before) else "denied"
    if style.and_gap.match(gap) and style.between.search(before):
        return "denied"
    return None
