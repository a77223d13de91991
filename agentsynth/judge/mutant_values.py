"""Other values of the same sort: for an argument, and for a figure in a report.

What is put in their place was shown nowhere in the conversation, nor follows from what was.
"""

import random
import re
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from itertools import combinations
from typing import Any

__all__ = ["made_up_code", "other_argument", "other_figure"]

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ANY_MONTH = "|".join(_MONTHS)
_NOT_MEANT = re.compile(r"(?:limit|page|per_?page|size|cursor|offset|sort|order)$", re.IGNORECASE)
"""Arguments that say how much is shown and how, not what is wanted."""
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_CLOCK = re.compile(r"\d{1,2}:\d{2}")
_LEAST_DIGITS = 3
"""With fewer it may be a type of something, and another digit another type that is on offer."""
_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?", re.ASCII)
_FIGURES = {
    "money": re.compile(
        r"(?<=[$€£¥])\d+(?:,\d{3})*(?:\.\d\d)?(?![\d.,]*\d)"
        r"|(?<![\d.,])\d+(?:,\d{3})*(?:\.\d\d)?(?=\s?(?:元|美元|欧元))",
        re.ASCII,
    ),
    "iso": re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?![\w-])", re.ASCII),
    "day": re.compile(
        rf"(?:(?<![\d:.,-])\d{{1,2}} (?:{_ANY_MONTH})\b"
        rf"|\b(?:{_ANY_MONTH}) \d{{1,2}}(?![\d:.,]*\d)|\d{{1,2}}月\d{{1,2}}(?=[日号]))",
        re.ASCII,
    ),
    "clock": re.compile(r"(?<![\d:])\d{1,2}:\d{2}(?![\d:])", re.ASCII),
    "code": re.compile(r"\b[A-Z]{1,5}-\d{2,}\b", re.ASCII),
}
"""Figures that a check can tell from one that was shown."""
_ODD_CENTS = (3, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)
_STEPS = (11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89)
"""To another number: none that leads from one round number on offer to the next."""
_TRIES = 40


def made_up_code(shown: str, rng: random.Random) -> str:
    """Return a reference such as `QX-48213` that does not stand in the text."""
    while True:
        letters = "".join(rng.choice("BCDFGKMQRTVXZ") for _ in range(2))
        code = f"{letters}-{rng.randrange(10_000, 100_000)}"
        if code not in shown:
            return code


def other_argument(name: str, value: Any, shown: str, rng: random.Random) -> Any:
    """Return another value of the same sort that the text does not show; None = there is none."""
    if _NOT_MEANT.search(name) or isinstance(value, bool):
        return None
    if isinstance(value, int):
        numbers = _numbers(shown)
        others = [value + n for n in rng.sample(_STEPS, len(_STEPS))]
        return next((n for n in others if Decimal(n) not in _with_cents(numbers)), None)
    if not isinstance(value, str) or len(value.split()) > 2:
        return None
    if _ISO.fullmatch(value):
        return _other_day(value, shown, rng)
    if _CLOCK.fullmatch(value):
        return _tried(value, shown, rng, _other_clock)
    few = sum(char.isdigit() for char in value) < _LEAST_DIGITS
    return None if few else _tried(value, shown, rng, _other_digits)


def other_figure(text: str, shown: str, rng: random.Random) -> str | None:
    """Return a text with one of its amounts, dates, times or codes another; None = it has none.

    Args:
        shown: all that was said and returned elsewhere.
    """
    found = [(sort, match) for sort, known in _FIGURES.items() for match in known.finditer(text)]
    rng.shuffle(found)
    for sort, match in found:
        old = match[0]
        if sort == "iso":
            new = _other_day(old, shown + text, rng)
        elif sort == "money":
            new = _other_amount(old, shown + text, rng)
        elif sort == "clock":
            new = _tried(old, shown + text, rng, _other_clock)
        elif sort == "day":
            new = _other_month_day(old, shown + text, rng)
        else:
            new = _tried(old, shown + text, rng, _other_digits)
        if new is not None:
            return re.sub(rf"(?<![\d.,:-]){re.escape(old)}(?!\d)", new, text)
    return None


def _tried(
    old: str, shown: str, rng: random.Random, make: Callable[[str, random.Random], str]
) -> str | None:
    """Return the first of some made values that the text does not show."""
    for _ in range(_TRIES):
        new = make(old, rng)
        if new != old and new not in shown:
            return new
    return None


def _other_digits(old: str, rng: random.Random) -> str:
    places = [match.start() for match in re.finditer(r"\d", old)]
    changed = list(old)
    for place in rng.sample(places, min(2, len(places))):
        changed[place] = rng.choice("123456789".replace(changed[place], ""))
    return "".join(changed)


def _other_clock(old: str, rng: random.Random) -> str:
    hour, _, minute = old.partition(":")
    other = rng.choice([n for n in (7, 13, 17, 23, 37, 43, 47, 53) if n != int(minute)])
    return f"{hour}:{other:02}"


def _other_day(old: str, shown: str, rng: random.Random) -> str | None:
    try:
        day = date.fromisoformat(old)
    except ValueError:
        return None
    for days in rng.sample(range(3, 60), 30):
        other = day + timedelta(days=rng.choice((-1, 1)) * days)
        if not _day_shown(other.month, other.day, shown):
            return other.isoformat()
    return None


def _other_month_day(old: str, shown: str, rng: random.Random) -> str | None:
    chinese = re.fullmatch(r"(\d{1,2})月(\d{1,2})", old)
    month = int(chinese[1]) if chinese else next(
        n for n, name in enumerate(_MONTHS, start=1) if name in old
    )  # fmt: skip
    digits = re.search(r"\d{1,2}$" if chinese else r"\d{1,2}", old)
    assert digits is not None
    days = [n for n in range(1, 29) if n != int(digits[0]) and not _day_shown(month, n, shown)]
    if not days:
        return None
    return old[: digits.start()] + str(rng.choice(days)) + old[digits.end() :]


def _day_shown(month: int, day: int, shown: str) -> bool:
    name = _MONTHS[month - 1]
    said = rf"-{month:02}-{day:02}(?!\d)|\b{name} {day}(?!\d)|(?<!\d){day} {name}\b"
    said += rf"|(?<!\d){month}月{day}(?!\d)"
    said += rf"|(?<!\d){day}(?:st|nd|rd|th)\b"
    return re.search(said, shown) is not None


def _other_amount(old: str, shown: str, rng: random.Random) -> str | None:
    cents = int(Decimal(old.replace(",", "")) * 100)
    known = _reckoned(_numbers(shown))
    for _ in range(_TRIES):
        moved = rng.choice((-1, 1)) * rng.randrange(1, max(3, cents // 300)) * 100
        other = max(100, cents + moved)
        if "." in old:
            other = other // 100 * 100 + rng.choice(_ODD_CENTS)
        if other != cents and other not in known:
            whole, part = divmod(other, 100)
            return f"{whole}.{part:02}" if "." in old else str(whole)
    return None


def _numbers(shown: str) -> set[Decimal]:
    return {Decimal(match[0].replace(",", "")) for match in _NUMBER.finditer(shown)}


def _with_cents(numbers: set[Decimal]) -> set[Decimal]:
    return numbers | {n / 100 for n in numbers} | {n * 100 for n in numbers}


def _reckoned(numbers: set[Decimal]) -> set[int]:
    """Return, in hundredths, every number, and what two of them or a small multiple give."""
    cents = sorted({int(n * 100) for n in numbers} | {int(n) for n in numbers})
    cents = [n for n in cents if 0 < n < 10**9]
    found = set(cents) | {n * times for n in cents for times in range(2, 32)}
    for one, other in combinations(cents[:400], 2):
        found |= {one + other, other - one}
    return found
