"""Turn phrase templates into text.

{path}    filled from the scope
(a|b)     one of these, by chance; parentheses without a bar are just parentheses
[ ... ]   optional: kept when every slot in it is to be told, or by a coin if it has none
"""

import random
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from agentsynth.core.errors import UserError
from agentsynth.core.words import has_cjk

__all__ = [
    "Template",
    "format_value",
    "parse_template",
    "render",
    "show_date",
    "show_money",
    "tidy",
    "with_unit",
]

DateStyle = str

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_WEEKDAYS_ZH = "一二三四五六日"
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})")


@dataclass(frozen=True)
class _Text:
    text: str


@dataclass(frozen=True)
class _Slot:
    path: str


@dataclass(frozen=True)
class _Choice:
    options: tuple["Template", ...]


@dataclass(frozen=True)
class _Optional:
    body: "Template"


_Part = _Text | _Slot | _Choice | _Optional


@dataclass(frozen=True)
class Template:
    """A parsed phrase."""

    parts: tuple[_Part, ...]
    needed: frozenset[str]
    """Slots outside optional parts and choices: always told."""
    slots: frozenset[str]
    """Every slot."""


@lru_cache(maxsize=8192)
def parse_template(text: str) -> Template:
    """Parse a phrase.

    Raises:
        UserError: for unbalanced brackets, naming the phrase.
    """
    try:
        parts, place = _parse(text, 0, "")
    except RecursionError:
        raise UserError(f"phrase {text[:40]!r}...: its brackets are nested too deeply") from None
    if place != len(text):
        raise UserError(f"phrase {text!r}: {text[place]!r} at {place} has no opening bracket")
    return _template(parts)


def _template(parts: Sequence[_Part]) -> Template:
    needed: set[str] = set()
    slots: set[str] = set()
    for part in parts:
        match part:
            case _Slot(path):
                needed.add(path)
                slots.add(path)
            case _Choice(options):
                inside = {slot for option in options for slot in option.slots}
                slots |= inside
                if all(option.slots for option in options):
                    needed |= inside  # no option can be said without a slot
            case _Optional(body):
                slots |= body.slots
            case _Text():
                pass
    return Template(tuple(parts), frozenset(needed), frozenset(slots))


def _parse(text: str, place: int, closing: str) -> tuple[list[_Part], int]:
    parts: list[_Part] = []
    while place < len(text) and text[place] not in ("|", closing or "\0", ")", "]"):
        char = text[place]
        if char == "{":
            end = text.find("}", place)
            if end < 0:
                raise UserError(f"phrase {text!r}: '{{' at {place} is never closed")
            parts.append(_Slot(text[place + 1 : end]))
            place = end + 1
        elif char == "[":
            body, place = _parse(text, place + 1, "]")
            place = _close(text, place, "]")
            parts.append(_Optional(_template(body)))
        elif char == "(":
            choice, place = _parse_choice(text, place + 1)
            parts += choice
        else:
            end = place
            while end < len(text) and text[end] not in "{[(|)]":
                end += 1
            parts.append(_Text(text[place:end]))
            place = end
    return parts, place


def _parse_choice(text: str, place: int) -> tuple[list[_Part], int]:
    options: list[Template] = []
    while True:
        body, place = _parse(text, place, ")")
        options.append(_template(body))
        if place < len(text) and text[place] == "|":
            place += 1
            continue
        place = _close(text, place, ")")
        break
    if len(options) == 1:
        return [_Text("("), *options[0].parts, _Text(")")], place
    return [_Choice(tuple(options))], place


def _close(text: str, place: int, closing: str) -> int:
    if place >= len(text) or text[place] != closing:
        raise UserError(f"phrase {text!r}: expected {closing!r} at {place}")
    return place + 1


def render(
    template: Template,
    rng: random.Random,
    value: Callable[[str], str],
    tell: Collection[str] = (),
) -> str:
    """Return the template as text.

    Args:
        value: slot to text.
        tell: slots that optional parts may tell.
    """
    return tidy("".join(_render(template, rng, value, tell)))


def _render(
    template: Template, rng: random.Random, value: Callable[[str], str], tell: Collection[str]
) -> list[str]:
    made: list[str] = []
    for part in template.parts:
        match part:
            case _Text(text):
                made.append(text)
            case _Slot(path):
                made.append(value(path))
            case _Choice(options):
                allowed = [o for o in options if all(s in tell for s in o.slots)] or list(options)
                made += _render(rng.choice(allowed), rng, value, tell)
            case _Optional(body):
                wanted = all(s in tell for s in body.slots) if body.slots else rng.random() < 0.5
                if wanted:
                    made += _render(body, rng, value, tell)
    return made


_SPACES = re.compile(r"[ \t]{2,}")
_BEFORE_MARK = re.compile(r" +([,.;:!?])")
_AROUND_WIDE_MARK = re.compile(" +(?=[，。！？；：、）”])|(?<=[，。！？；：、（）“”]) +")


def tidy(text: str) -> str:
    """Return the text with single spaces, no space before marks, and a capital to start with.

    Full-width marks (，。！？) bring their own space, so there is none on either side of them.
    """
    clean = _BEFORE_MARK.sub(r"\1", _SPACES.sub(" ", text)).strip()
    clean = clean if clean.isascii() else _AROUND_WIDE_MARK.sub("", clean)
    return clean[:1].upper() + clean[1:] if clean[:1].islower() and "@" not in clean[:30] else clean


def show_date(iso: str, style: DateStyle, language: str = "en", *, today: str | None = None) -> str:
    """Return an ISO date as people write it, in one of the personas' styles.

    Args:
        today: ISO date; a day of another year is said with its year. None = no year is added.
    """
    day = date.fromisoformat(iso)
    other_year = today is not None and today[:4] != iso[:4]
    if language == "zh":
        return _date_zh(iso, day, style, other_year)
    month = _MONTH_NAMES[day.month - 1]
    year = f" {day.year}" if other_year else ""
    match style:
        case "iso":
            return iso
        case "month_day":
            return f"{month} {day.day}{',' if year else ''}{year}"
        case "weekday":
            return f"{_WEEKDAYS[day.weekday()]} {day.day} {month}{year}"
        case _:
            return f"{day.day} {month}{year}"


def _date_zh(iso: str, day: date, style: DateStyle, other_year: bool) -> str:
    short = f"{day.month}月{day.day}日"
    whole = f"{day.year}年{short}"
    match style:
        case "iso":
            return iso
        case "month_day":
            return whole
        case "weekday":
            return f"{whole if other_year else short}（周{_WEEKDAYS_ZH[day.weekday()]}）"
        case _:
            return whole if other_year else short


def show_money(cents: int, language: str = "en", *, whole: bool = False) -> str:
    """Return an amount as people write it.

    Args:
        whole: leave the cents out where there are none.
    """
    units, rest = divmod(cents, 100)
    amount = str(units) if whole and not rest else f"{units}.{rest:02}"
    return f"{amount}元" if language == "zh" else f"${amount}"


def format_value(
    path: str,
    value: Any,
    words: dict[str, str],
    date_style: DateStyle,
    language: str = "en",
    *,
    today: str | None = None,
) -> str:
    """Return a value as people say it: cents as money, dates as dates, enums by their words.

    Args:
        today: ISO date; a day of another year is said with its year. None = no year is added.
    """
    if isinstance(value, bool):
        yes, no = ("是", "否") if language == "zh" else ("yes", "no")
        return words.get(str(value).lower(), yes if value else no)
    if isinstance(value, int) and path.endswith(("_cents", "Cents")):
        return show_money(value, language)
    if isinstance(value, str):
        if value in words:
            return words[value]
        if _ISO.fullmatch(value):
            return show_date(value, date_style, language, today=today)
        moment = _MOMENT.fullmatch(value)
        if moment is not None:
            between = "" if language == "zh" else " at "
            clock = words.get(moment[2], moment[2])
            day = show_date(moment[1], date_style, language, today=today)
            return f"{day}{between}{clock}"
    return str(value)


def with_unit(text: str, unit: str | None, words: dict[str, str]) -> str:
    """Return a number with its unit as people say it: 420 grams, 420克."""
    if not unit:
        return text
    spoken = words.get(unit, unit)
    return f"{text}{spoken}" if has_cjk(spoken) else f"{text} {spoken}"
