"""What a language brings to finding values in texts: its forms, as data and small functions.

`mentions.py` puts them together; `mentions_en.py` and `mentions_zh.py` are the languages.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

__all__ = [
    "NUMERAL",
    "SYMBOL_MEASURES",
    "Certainty",
    "Clock",
    "Day",
    "Forms",
    "Measure",
    "Mention",
    "Numeral",
    "Style",
    "iso_days",
    "lowered",
    "measure_pattern",
    "nearest_day",
    "valid_day",
]

Certainty = Literal["said", "about", "either", "denied"]
"""How a value stands in its text. `about` = more or less; `either` = one of several offered;
`denied` = negated, or the end of a range, and so not said at all."""


@dataclass(frozen=True, slots=True)
class Measure:
    """What a unit or currency after a number makes of it."""

    base: str
    """Base unit (`g`, `m`, `s`, `l`, `Wh`, `°C`, `%`) or currency code; "" for minor money."""
    factor: Decimal = Decimal(1)
    money: bool = False


@dataclass(frozen=True, slots=True)
class Numeral:
    """A bare number as it stands in a text."""

    start: int
    end: int
    value: Decimal
    glued: bool = False
    """A letter follows directly, so without a unit it is no number (3rd, 10x)."""
    worded: bool = False
    """Written as a word."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in a text with its unit or currency."""

    start: int
    end: int
    raw: Decimal
    """As written: 5 in `5 kg`."""
    value: Decimal
    """In the base unit: 5000 in `5 kg`."""
    base: str | None
    """Base unit or currency code; None = a bare number."""
    money: bool
    glued: bool = False
    """A letter follows its digits directly, as in 10kg."""
    worded: bool = False
    """Its numeral or its currency is a word."""


@dataclass(frozen=True, slots=True)
class Day:
    """A date in a text."""

    start: int
    end: int
    iso: str
    relative: bool = False
    """Said from where today stands, such as 明天."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day in a text."""

    start: int
    end: int
    minute: int
    """Minutes since midnight."""
    vague: bool = False
    """On a twelve-hour clock without its half of the day: half past two fits 02:30 and 14:30."""


@dataclass(frozen=True, slots=True)
class Style:
    """Expressions that tell how a value stands; each looks at the text right beside it."""

    denied: re.Pattern[str]
    """Before the value."""
    about_before: re.Pattern[str]
    about_after: re.Pattern[str]
    range_gap: re.Pattern[str]
    """Between two values that are the ends of a range."""
    between: re.Pattern[str]
    """Before the first of two values joined by `and_gap`."""
    and_gap: re.Pattern[str]
    from_: re.Pattern[str]
    """Before the first of two values: a range or a change, nobody knows."""
    either_gap: re.Pattern[str]
    """Between two values of which one is meant."""
    minor_gap: re.Pattern[str]
    """Between the major and the minor part of one amount or quantity."""


@dataclass(frozen=True, slots=True)
class Forms:
    """One language."""

    prepare: Callable[[str], str]
    """Makes the text lower case and its characters uniform; keeps every place where it is."""
    numerals: Callable[[str], list[Numeral]]
    """In words, with their half (`two and a half`); digits are found for every language."""
    measures: Mapping[str, Measure]
    """Words behind a number, in lower case."""
    measure: re.Pattern[str]
    half: re.Pattern[str]
    """Right behind a numeral: a half more (2 and a half hours)."""
    half_unit: re.Pattern[str]
    """Right behind a unit: half a unit more."""
    minus: re.Pattern[str]
    """Before a number that it makes negative."""
    style: Style
    days: Callable[[str, str], list[Day]]
    """(text, today) to dates, those in ISO form aside."""
    clocks: Callable[[str], list[Clock]]


NUMERAL = re.compile(
    r"[-−\d](?<![a-z0-9ß-ɏ_.\-−][-−\d])"
    r"(?:(?<=[-−])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)|(?<=\d)(?:\d{0,2}(?:,\d{3})+(?!\d)|\d*))(\.\d+)?"
)
"""A number in digits, perhaps with a sign, and its fraction. What it begins with comes first: that
is quick to look for."""

_K, _HOUR = Decimal(1000), Decimal(3600)
SYMBOL_MEASURES: Mapping[str, Measure] = {
    "mg": Measure("g", Decimal("0.001")), "g": Measure("g"), "kg": Measure("g", _K),
    "mm": Measure("m", Decimal("0.001")), "cm": Measure("m", Decimal("0.01")),
    "m": Measure("m"), "km": Measure("m", _K),
    "s": Measure("s"), "sec": Measure("s"), "secs": Measure("s"), "min": Measure("s", Decimal(60)),
    "mins": Measure("s", Decimal(60)), "h": Measure("s", _HOUR), "hr": Measure("s", _HOUR),
    "hrs": Measure("s", _HOUR), "d": Measure("s", Decimal(86400)),
    "ml": Measure("l", Decimal("0.001")), "cl": Measure("l", Decimal("0.01")), "l": Measure("l"),
    "wh": Measure("Wh"), "kwh": Measure("Wh", _K), "mwh": Measure("Wh", Decimal(1_000_000)),
    "°c": Measure("°C"), "℃": Measure("°C"), "°": Measure("°C"), "%": Measure("%"),
    "usd": Measure("USD", money=True), "$": Measure("USD", money=True),
    "eur": Measure("EUR", money=True), "€": Measure("EUR", money=True),
    "gbp": Measure("GBP", money=True), "£": Measure("GBP", money=True),
    "cny": Measure("CNY", money=True), "rmb": Measure("CNY", money=True),
    "¥": Measure("CNY", money=True),
    "¢": Measure("", Decimal("0.01"), money=True),
}  # fmt: skip
"""Signs and symbols behind a number, in lower case; the same in every language."""


def lowered(text: str) -> str:
    """Return the text in lower case, every character in its place."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(low if len(low := char.lower()) == 1 else char for char in text)


def measure_pattern(words: Iterable[str], *, bordered: bool, special: str = "") -> re.Pattern[str]:
    """Return what finds one of the words or symbols right behind a number, as its group.

    Args:
        bordered: words end at a word border, as in languages with spaces.
        special: an expression for words that count only in some places.
    """

    def joined(names: Iterable[str]) -> str:
        return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))

    border = r"(?![a-z])" if bordered else ""
    symbols = rf"(?:{joined(SYMBOL_MEASURES)})(?![a-z0-9²³/'’])"
    spoken = rf"(?:{joined(words)}){border}|{special + '|' if special else ''}"
    return re.compile(rf"[ \u00a0\u202f-]?({spoken}{symbols})")


_ISO_DAY = re.compile(
    r"(?<![a-z0-9_])(\d{4})(?:-(\d{2})-(\d{2})|/(\d{1,2})/(\d{1,2}))"
    r"(?:(?=t\d)|(?!-?\d|[a-z_]))"
)


def iso_days(text: str) -> list[Day]:
    """Return the dates in ISO form (or with slashes, year first), alone or before a time.

    Args:
        text: in lower case.
    """
    if text.count("-") < 2 and "/" not in text:
        return []
    found: list[Day] = []
    for match in _ISO_DAY.finditer(text):
        year, month, day, month_, day_ = match.groups()
        made = valid_day(int(year), int(month or month_), int(day or day_))
        if made is not None:
            found.append(Day(match.start(), match.end(), made.isoformat()))
    return found


def valid_day(year: int, month: int, day: int) -> date | None:
    """Return the date; None = there is no such day."""
    try:
        return date(year, month, day)
    except ValueError:
        return None


def nearest_day(month: int, day: int, today: str) -> str | None:
    """Return the ISO date of this day in the year in which it is nearest; None = no such day."""
    now = date.fromisoformat(today)
    near = [valid_day(now.year + offset, month, day) for offset in (-1, 0, 1)]
    real = [made for made in near if made is not None]
    return min(real, key=lambda made: abs((made - now).days)).isoformat() if real else None
