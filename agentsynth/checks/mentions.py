"""What a text mentions: dates, numbers, words. English, as bundled lexicons are.

Not a language understander: it finds the forms people and models really write, and a caller that
finds nothing knows only that no such form is there.
"""

import re
from datetime import date
from typing import Any

from agentsynth.core.words import has_words, normal

__all__ = [
    "MONEY",
    "MONTHS",
    "contains",
    "dates_in",
    "numbers_in",
    "says",
]

MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT_MONTHS = tuple(name[:3] for name in MONTHS)
_MONTH = "|".join(f"{name}|{name[:3]}" for name in MONTHS) + "|sept"
_ISO = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_DAY_MONTH = re.compile(
    rf"\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({_MONTH})\b\.?(?:,? (\d{{4}})\b)?", re.IGNORECASE
)
_MONTH_DAY = re.compile(
    rf"\b({_MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}})\b)?", re.IGNORECASE
)
_NUMBER = re.compile(
    r"(?<![\w.-])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.-])\d+(?:\.\d+)?(?![\w-]*[a-z_])"
)
_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_WORD_NUMBER = re.compile(r"\b(" + "|".join(_WORDS) + r"|no|none)\b", re.IGNORECASE)

MONEY = re.compile(r"[$€£]\s?(\d+(?:,\d{3})*(?:\.\d+)?)")
"""An amount of money, with the number as its group."""


def dates_in(text: str, today: str) -> set[str]:
    """Return the dates a text mentions, as ISO text.

    Args:
        today: ISO date; a date without a year is the one nearest to it.
    """
    found = {match[0] for match in _ISO.finditer(text) if _valid(*map(int, match.groups()))}
    lower = text.lower()
    if not any(name in lower for name in _SHORT_MONTHS):
        return found
    for match in _DAY_MONTH.finditer(text):
        found |= _dated(match[3], match[2], match[1], today)
    for match in _MONTH_DAY.finditer(text):
        found |= _dated(match[3], match[1], match[2], today)
    return found


def _dated(year: str | None, month: str, day: str, today: str) -> set[str]:
    number = next(i + 1 for i, name in enumerate(MONTHS) if name.startswith(month.lower()[:3]))
    if year is not None:
        made = _valid(int(year), number, int(day))
        return {made.isoformat()} if made else set()
    now = date.fromisoformat(today)
    near = [_valid(now.year + offset, number, int(day)) for offset in (-1, 0, 1)]
    real = [made for made in near if made is not None]
    return {min(real, key=lambda made: abs((made - now).days)).isoformat()} if real else set()


def _valid(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def numbers_in(text: str) -> set[float]:
    """Return the numbers a text mentions, in digits or (to twenty) in words; "no" counts as 0."""
    found = {float(match[0].replace(",", "")) for match in _NUMBER.finditer(text)}
    for match in _WORD_NUMBER.finditer(text):
        word = match[1].lower()
        found.add(0.0 if word in ("no", "none") else float(_WORDS.index(word)))
    return found


def contains(text: str, value: str) -> bool:
    """Whether the text has the value as whole words, ignoring case and runs of spaces."""
    return has_words(normal(text), normal(value))


def says(text: str, value: Any, type_: str, *, today: str, said_as: str | None = None) -> bool:
    """Whether a text says a value of this type (`text`, `money` in cents, `date`, `count`)."""
    if said_as is not None and contains(text, said_as):
        return True
    if type_ == "money":
        return value / 100 in numbers_in(text)
    if type_ == "count":
        return float(value) in numbers_in(text)
    if type_ == "date":
        return value in dates_in(text, today)
    return contains(text, str(value))
