"""Where a text mentions numbers, dates and times of day, with their places.

Each text is read once and remembered for a while: the same system prompts, results and messages
are asked about by many checks.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache

from agentsynth.checks.forms import (
    NUMERAL,
    SYMBOL_MEASURES,
    Clock,
    Day,
    Forms,
    Mention,
    Numeral,
    iso_days,
)
from agentsynth.checks.mentions_en import ENGLISH
from agentsynth.checks.mentions_zh import CHINESE

__all__ = [
    "amounts_in",
    "clocks_in",
    "dates_in",
    "days_in",
    "forget_texts",
    "forms_of",
    "known_language",
    "numbers_in",
    "quantities_in",
]

_FORMS: Mapping[str, Forms] = {"en": ENGLISH, "zh": CHINESE}
_TEXTS = 512  # a conversation's texts and the shared prompts; long documents must not pile up

_GLUED = re.compile(r"[\w-]*[a-z_]", re.ASCII)
_GLUED_LONG = re.compile(r"\w", re.ASCII)
_SIGN_BEFORE = re.compile(r"(us\$|[$€£¥]|\b(?:usd|eur|gbp|cny|rmb)|人民币)\s?$")
_SIGN_CODES = {
    "$": "USD",
    "us$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "CNY",
    "rmb": "CNY",
    "人民币": "CNY",
}
_NO_UNIT_NEXT = frozenset('",}]:;!?)\n')


def known_language(language: str) -> bool:
    """Whether words and not only digits and signs are found in texts of this language."""
    return language in _FORMS


def forms_of(language: str) -> Forms:
    """Return the forms of a language; English style words where they are not known."""
    return _FORMS.get(language, ENGLISH)


# -- numbers ---------------------------------------------------------------------------------------


@lru_cache(maxsize=_TEXTS)
def _numbers(text: str, language: str) -> tuple[Mention, ...]:
    """Return every number with its unit or currency, parts of one amount apart, in order."""
    forms = forms_of(language)
    text = forms.prepare(text)
    found = _digits(text)
    if language in _FORMS:
        found = _apart(found + forms.numerals(text))
    mentions = [_measured(text, one, forms) for one in found]
    return tuple(m for m in mentions if not m.glued or m.base is not None)


def _digits(text: str) -> list[Numeral]:
    found: list[Numeral] = []
    for match in NUMERAL.finditer(text):
        start, end = match.span()
        sign = text[start] in "-−"
        number = text[start + sign : end]
        glued = False
        if end < len(text) and text[end] not in _NO_UNIT_NEXT:
            grouped = "," in number
            glued = (_GLUED_LONG if grouped else _GLUED).match(text, end) is not None
        value = Decimal(number.replace(",", ""))
        found.append(Numeral(start, end, -value if sign else value, glued))
    return found


def _apart(found: list[Numeral]) -> list[Numeral]:
    """Return the numerals in order, of overlapping ones the longest."""
    found.sort(key=lambda one: (one.start, -one.end))
    kept: list[Numeral] = []
    for one in found:
        if not kept or one.start >= kept[-1].end:
            kept.append(one)
    return kept


def _measured(text: str, one: Numeral, forms: Forms) -> Mention:
    """Return the number with what stands before and behind it."""
    value, end, raw = one.value, one.end, one.value
    if end < len(text) and text[end] not in _NO_UNIT_NEXT:
        half = forms.half.match(text, end)
        if half is not None:
            value, end = value + Decimal("0.5"), half.end()
        match = forms.measure.match(text, end)
        if match is not None:
            measure = forms.measures.get(match[1]) or SYMBOL_MEASURES[match[1]]
            end = match.end()
            half = forms.half_unit.match(text, end)
            if half is not None and not measure.money:
                value, end = value + Decimal("0.5"), half.end()
            if measure.base == "°C" and forms.minus.search(text[max(0, one.start - 8) : one.start]):
                raw, value = -raw, -value
            return Mention(
                one.start, end, raw, value * measure.factor, measure.base, measure.money,
                one.glued, worded=True,
            )  # fmt: skip
    sign = _sign_before(text, one.start)
    if sign is not None:
        return Mention(sign.start, end, raw, value, sign.base, True, one.glued)
    if text.startswith("百分之", one.start):
        return Mention(one.start, end, raw, value, "%", False, False, worded=True)
    return Mention(one.start, end, raw, value, None, False, one.glued, one.worded)


def _sign_before(text: str, start: int) -> Mention | None:
    """Return the currency that stands before a number, as a mention of nothing; None = none."""
    if not start or text[start - 1] in '":,[{(':
        return None
    first = max(0, start - 6)
    match = _SIGN_BEFORE.search(text[first:start])
    if match is None:
        return None
    code = _SIGN_CODES.get(match[1], match[1].upper())
    return Mention(first + match.start(), start, Decimal(0), Decimal(0), code, True)


@lru_cache(maxsize=_TEXTS)
def _amounts(text: str, language: str) -> tuple[Mention, ...]:
    """Return the numbers with the parts of one amount put together: 2 h 30 min, 12元5角."""
    numbers = _numbers(text, language)
    if len(numbers) < 2:
        return tuple(_without_stray_unit(one) for one in numbers) if numbers else ()
    forms = forms_of(language)
    prepared = forms.prepare(text)
    made: list[Mention] = []
    for one in numbers:
        before = made[-1] if made else None
        if before is not None and (whole := _joined(prepared, before, one, forms)) is not None:
            made[-1] = whole
        else:
            made.append(one)
    return tuple(_without_stray_unit(one) for one in made)


def _without_stray_unit(one: Mention) -> Mention:
    if one.base != "分":
        return one
    return Mention(one.start, one.end, one.raw, one.raw, None, False, one.glued, one.worded)


def _joined(text: str, before: Mention, one: Mention, forms: Forms) -> Mention | None:
    """Return two neighbouring mentions as one amount; None = they are two."""
    gap = text[before.end : one.start]
    if len(gap) > 6 or before.base is None or forms.style.minor_gap.match(gap) is None:
        return None
    more: Decimal | None = None
    if before.money and before.base and before.worded:
        if one.base == "" or one.base == "分":
            more = one.value
        elif one.base is None and gap in ("", " ") and 0 < one.raw < 100 and not one.glued:
            tenths = one.raw < 10 and gap == ""
            more = one.raw / (10 if tenths else 100)
    elif before.base == "s" and one.base == "分" and before.value % 3600 == 0:
        more = one.raw * 60
    elif not before.money and one.base == before.base and one.base not in ("%", "°C"):
        smaller = one.raw and before.raw and one.value / one.raw < before.value / before.raw
        more = one.value if smaller else None
    if more is None:
        return None
    return Mention(
        before.start, one.end, before.raw, before.value + more, before.base, before.money,
        worded=True,
    )  # fmt: skip


def numbers_in(text: str, language: str = "en") -> set[float]:
    """Return the numbers a text mentions, whatever their unit; "no" before a noun counts as 0.

    Numbers that touch letters (10kg, 3rd) and negative ones are left out.
    """
    return {float(m.raw) for m in _numbers(text, language) if not m.glued and m.raw >= 0}


def quantities_in(text: str, language: str = "en") -> tuple[Mention, ...]:
    """Return every number a text mentions, with its unit or currency, in order."""
    return _amounts(text, language)


def amounts_in(text: str, language: str = "en") -> set[Decimal]:
    """Return the amounts of money a text mentions with their currency, in its major unit."""
    return {m.value for m in _amounts(text, language) if m.money}


# -- dates and times -------------------------------------------------------------------------------


@lru_cache(maxsize=_TEXTS)
def days_in(text: str, today: str, language: str = "en") -> tuple[Day, ...]:
    """Return the dates a text mentions, in order.

    Args:
        today: ISO date; a date without a year is the one nearest to it.
    """
    forms = forms_of(language)
    text = forms.prepare(text)
    found = iso_days(text)
    if language in _FORMS:
        found += forms.days(text, today)
    found.sort(key=lambda day: (day.start, -day.end))
    return tuple(found)


def dates_in(text: str, today: str, language: str = "en") -> set[str]:
    """Return the dates a text mentions, as ISO text.

    Args:
        today: ISO date; a date without a year is the one nearest to it.
    """
    return {day.iso for day in days_in(text, today, language)}


@lru_cache(maxsize=_TEXTS)
def clocks_in(text: str, language: str = "en") -> tuple[Clock, ...]:
    """Return the times of day a text mentions, in order."""
    forms = forms_of(language)
    found = forms.clocks(forms.prepare(text))
    found.sort(key=lambda clock: (clock.start, -clock.end))
    kept: list[Clock] = []
    for clock in found:
        if not kept or clock.start >= kept[-1].end:
            kept.append(clock)
    return tuple(kept)


def forget_texts() -> None:
    """Forget what is remembered of texts, so that a measurement starts cold."""
    for remembered in (_numbers, _amounts, days_in, clocks_in):
        remembered.cache_clear()
