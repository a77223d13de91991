"""What a text mentions: dates, times of day, numbers, money, quantities, words.

English (`en`) and Chinese (`zh`); in any other language only what all languages share is found
(digits, ISO dates, 14:30, currency signs, unit symbols). Not a language understander: it finds the
forms people and models really write, and a caller that finds nothing knows only that no such form
is there. A value at the end of a range (3 to 5), behind a negation (not $12, 不是12元) or more or
less so (about 12, unless a tolerance allows it) is not said.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, Protocol

from agentsynth.checks.forms import (
    NUMERAL,
    SYMBOL_MEASURES,
    Certainty,
    Clock,
    Day,
    Forms,
    Measure,
    Mention,
    Numeral,
    Style,
    iso_days,
)
from agentsynth.checks.mentions_en import ENGLISH
from agentsynth.checks.mentions_zh import CHINESE
from agentsynth.core.words import find_words, has_words, normal

__all__ = [
    "amounts_in",
    "clocks_in",
    "contains",
    "dates_in",
    "days_in",
    "forget_texts",
    "known_language",
    "measure_of",
    "numbers_in",
    "quantities_in",
    "says",
    "stated",
    "within",
]

_FORMS: Mapping[str, Forms] = {"en": ENGLISH, "zh": CHINESE}
_TEXTS = 512  # a conversation's texts and the shared prompts; long documents must not pile up
_LARGEST_TOLERATED = 1_000

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
_DASHED = re.compile(r"\s?[-–—~]\s?[$€£¥]?\d")
_DASHED_BEFORE = re.compile(r"\d[-–—~]\s?$")
_NO_UNIT_NEXT = frozenset('",}]:;!?)\n')


class _Placed(Protocol):
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


def known_language(language: str) -> bool:
    """Whether words and not only digits and signs are found in texts of this language."""
    return language in _FORMS


def _forms(language: str) -> Forms:
    return _FORMS.get(language, ENGLISH)


# -- numbers ---------------------------------------------------------------------------------------


@lru_cache(maxsize=_TEXTS)
def _numbers(text: str, language: str) -> tuple[Mention, ...]:
    """Return every number with its unit or currency, parts of one amount apart, in order."""
    forms = _forms(language)
    text = forms.prepare(text)
    found = _digits(text)
    if language in _FORMS:
        found = _apart(found + forms.numerals(text))
    mentions = [_measured(text, one, forms) for one in found]
    return tuple(m for m in mentions if not m.glued or m.base is not None)


def _digits(text: str) -> list[Numeral]:
    found: list[Numeral] = []
    for match in NUMERAL.finditer(text):
        sign, whole, fraction = match.groups()
        end = match.end()
        glued = False
        if end < len(text) and text[end] not in _NO_UNIT_NEXT:
            grouped = "," in whole
            glued = (_GLUED_LONG if grouped else _GLUED).match(text, end) is not None
        value = Decimal(whole.replace(",", "") + (fraction or ""))
        found.append(Numeral(match.start(), end, -value if sign else value, glued))
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
    forms = _forms(language)
    prepared = forms.prepare(text)
    made: list[Mention] = []
    for one in _numbers(text, language):
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
    forms = _forms(language)
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
    forms = _forms(language)
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


# -- saying ----------------------------------------------------------------------------------------


def contains(text: str, value: str) -> bool:
    """Whether the text has the value as whole words, ignoring case and runs of spaces."""
    return has_words(normal(text), normal(value))


def says(
    text: str,
    value: Any,
    type_: str,
    *,
    today: str,
    said_as: str | None = None,
    language: str = "en",
    unit: str | None = None,
    tolerance: float | str = 0,
) -> bool:
    """Whether a text says a value; see `stated`, whose "nobody can tell" counts as no."""
    return bool(
        stated(
            text,
            value,
            type_,
            today=today,
            said_as=said_as,
            language=language,
            unit=unit,
            tolerance=tolerance,
        )  # fmt: skip
    )


def stated(
    text: str,
    value: Any,
    type_: str,
    *,
    today: str,
    said_as: str | None = None,
    language: str = "en",
    unit: str | None = None,
    tolerance: float | str = 0,
) -> bool | None:
    """Whether a text says a value; None = nobody can tell from this text.

    That is so where it offers the value beside another (12 or 15), and in a language whose words
    are not known, unless digits, signs or the text itself are there.

    Args:
        type_: `text`, `money` (value in hundredths), `date` (ISO), `time` (HH:MM), `datetime`
            (YYYY-MM-DDTHH:MM), `count`, `quantity` (value in `unit`).
        said_as: another way to say it; None = only the value itself.
        unit: for `quantity`, such as `kg`; for `money` a currency code. None = any.
        tolerance: for numbers: absolute in the value's own unit, or relative as `5%`; 0 = exact.
    """
    forms = _forms(language)
    if said_as is not None and _text_said(text, said_as, forms.style):
        return True
    match type_:
        case "date":
            days = days_in(text, today, language)
            found = _settled(text, days, [d.iso == value for d in days], forms, ranges=False)
        case "time":
            found = _time_said(text, str(value), forms, language)
        case "datetime":
            found = _datetime_said(text, str(value), today, language)
        case "money" | "count" | "quantity":
            found = _number_said(text, value, type_, unit, tolerance, today, language)
        case _:
            found = _text_said(text, str(value), forms.style)
    return None if found is False and language not in _FORMS else found


def _text_said(text: str, value: str, style: Style) -> bool:
    whole, words = normal(text), normal(value)
    if not words:
        return True
    place = find_words(whole, words)
    while place >= 0:
        if style.denied.search(whole[max(0, place - 30) : place]) is None:
            return True
        place = find_words(whole, words, place + 1)
    return False


def _minute(value: str) -> int:
    hour, minute = value.split(":")[:2]
    return int(hour) * 60 + int(minute)


def _at(clock: Clock, minute: int) -> bool:
    return clock.minute == minute or (clock.vague and clock.minute % 720 == minute % 720)


def _time_said(text: str, value: str, forms: Forms, language: str) -> bool | None:
    clocks = clocks_in(text, language)
    return _settled(text, clocks, [_at(c, _minute(value)) for c in clocks], forms, ranges=False)


def _datetime_said(text: str, value: str, today: str, language: str) -> bool | None:
    """Whether a time stands with its date: the date nearest to it in the text."""
    iso, _, clock = value.replace(" ", "T").partition("T")
    days = days_in(text, today, language)
    if not days:
        return False
    times = clocks_in(text, language)
    fitting = [_at(t, _minute(clock)) and _nearest(days, t).iso == iso for t in times]
    return _settled(text, times, fitting, _forms(language), ranges=False)


def _nearest(days: Sequence[Day], clock: Clock) -> Day:
    return min(days, key=lambda d: max(d.start - clock.end, clock.start - d.end))


def measure_of(unit: str, language: str = "en") -> Measure | None:
    """Return what a unit's name stands for; None = a unit of the domain's own."""
    name = unit.lower()
    return _forms(language).measures.get(name) or SYMBOL_MEASURES.get(name)


def within(target: Decimal, value: Decimal, tolerance: float | str) -> bool:
    """Whether two numbers differ by no more than an absolute (0.5) or relative (5%) tolerance."""
    return abs(value - target) <= _allowed(target, tolerance)


def _allowed(target: Decimal, tolerance: float | str) -> Decimal:
    if isinstance(tolerance, str):
        return abs(target) * Decimal(tolerance.removesuffix("%")) / 100
    return Decimal(str(tolerance))


def _number_said(
    text: str,
    value: Any,
    type_: str,
    unit: str | None,
    tolerance: float | str,
    today: str,
    language: str,
) -> bool | None:
    try:
        target = Decimal(str(value))
    except InvalidOperation:
        return False
    allowed = _allowed(target, tolerance)
    mentions = _amounts(text, language)
    measure = measure_of(unit, language) if unit is not None and type_ == "quantity" else None
    if type_ == "money":
        target, allowed = target / 100, allowed / 100
        fits = _money_fits(mentions, unit)
    elif type_ == "count":
        fits = _count_fits(text)
    elif unit is None:
        fits = _any_fits
    elif measure is not None:
        target, allowed = target * measure.factor, allowed * measure.factor
        fits = _unit_fits(measure.base)
    else:
        fits = _own_unit_fits(text, unit)
    near = [fits(m) and abs(_read(m, type_, unit) - target) <= allowed for m in mentions]
    if not any(near):
        return False
    taken = [*days_in(text, today, language), *clocks_in(text, language)]
    near = [
        held and (m.base is not None or not _inside(m, taken))
        for held, m in zip(near, mentions, strict=True)
    ]
    return _settled(text, mentions, near, _forms(language), about=allowed > 0)


def _read(mention: Mention, type_: str, unit: str | None) -> Decimal:
    return (
        mention.raw if type_ == "count" or (type_ == "quantity" and unit is None) else mention.value
    )


def _any_fits(mention: Mention) -> bool:
    return not mention.money


def _money_fits(mentions: Sequence[Mention], currency: str | None) -> Callable[[Mention], bool]:
    """Bare numbers are money where no currency is said at all, or with two decimals."""
    marked = any(m.money for m in mentions)

    def fits(mention: Mention) -> bool:
        if mention.money:
            return currency is None or mention.base in ("", currency)
        bare = mention.base is None and not mention.glued
        return bare and (not marked or mention.raw.as_tuple().exponent == -2)

    return fits


def _count_fits(text: str) -> Callable[[Mention], bool]:
    def fits(mention: Mention) -> bool:
        numbered = text[mention.end : mention.end + 1] in ("号", "號")
        return mention.base in (None, "s") and not mention.glued and not numbered

    return fits


def _unit_fits(base: str) -> Callable[[Mention], bool]:
    def fits(mention: Mention) -> bool:
        return mention.base == base and not mention.money

    return fits


def _own_unit_fits(text: str, unit: str) -> Callable[[Mention], bool]:
    name = re.compile(rf"[ -]?{re.escape(unit.lower().removesuffix('s'))}")
    lower = text.lower()

    def fits(mention: Mention) -> bool:
        return mention.base is None and name.match(lower, mention.end) is not None

    return fits


def _inside(mention: _Placed, others: Iterable[_Placed]) -> bool:
    return any(o.start <= mention.start and mention.end <= o.end for o in others)


def _settled(
    text: str,
    mentions: Sequence[_Placed],
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
    text: str, mentions: Sequence[_Placed], place: int, style: Style, *, ranges: bool
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
    text: str, first: _Placed, second: _Placed, style: Style, *, ranges: bool
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
