"""Whose a value is: what is said of a record that results show has to be that record's.

Everything here is doubt, never proof: an assistant may compare and count in ways no check knows.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.forms import Mention
from agentsynth.checks.found import forms_of
from agentsynth.checks.nouns import is_noun, noun_of, nouns_beside
from agentsynth.checks.records import Record, fields_with, scalars_of
from agentsynth.core.words import has_words, normal

__all__ = ["Stated", "is_named", "misbound", "places_of", "stated_in", "told_before"]

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"\b({'|'.join(_WEEKDAYS)}),? (?:the )?$", re.IGNORECASE)
_NAME = r"(?:the )?[A-Z0-9][\w'’/-]*(?: (?:of )?[A-Z0-9][\w'’/-]*)*"
_NAMES = rf"{_NAME}(?:, {_NAME})*,? and {_NAME}"
_COUNTED = re.compile(rf"\b(\d+) [a-z]+(?: [a-z]+)?[,:] ({_NAMES})(?=[.?!]|$)")
"""How many and then which: `2 sheds, Abbey Steps and Ferry Crescent`."""
_LISTED = re.compile(rf"\b({_NAMES})(?=[.?!,;]|$)")
_JOINT = re.compile(r",? and |, ")
_NUMBER = re.compile(r"(?<![\d.])\d{1,6}(?![\w/-]|[.:,]\d)", re.ASCII)
_FORM = re.compile(r"(?<!\w)(?:[A-Za-z]{1,5}-?|[a-z]{3,12} )$", re.ASCII)
"""Before a number, what things are called that it tells apart."""
_TELLING = re.compile(r"[A-Z\d\u3040-\U0002ffff]")
"""What a name or a label has. A text without it (a status, a kind) is of many records."""
_MEASURE = forms_of("en").measure
_MARK = re.compile(r"[.!?](?=\s|$)")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_PART_OF = re.compile(r"\b(\d+) (?:out )?of (?:the |your |all |these |those )+(\d+)\b")


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that a message states."""

    shown: str
    """As it stands there."""
    keys: tuple[Any, ...]
    """What a field may hold for it: cents, an ISO date, a time (HH:MM), a label, a number."""
    kind: str
    nouns: tuple[str, ...] = ()
    """What its field has to be called; none = it does not matter."""


def misbound(evidence: Evidence, index: int) -> str | None:
    """Return what a message says of a day, a count or a record that is not so; None = nothing.

    Args:
        index: of the assistant's message.
    """
    text = evidence.texts[index]
    if not text.has_digits:
        return None
    return (
        _other_weekday(text)
        or (_miscounted(text) if evidence.language == "en" else None)
        or _other_label(evidence, index, text)
        or _of_another(evidence, index, text)
    )


def _other_weekday(text: MessageText) -> str | None:
    """Return a date that does not fall on the day of the week that it is said to."""
    for day in text.days:
        before = _WEEKDAY.search(text.text[max(0, day.start - 16) : day.start])
        if before is None or day.relative:
            continue
        if _WEEKDAYS[date.fromisoformat(day.iso).weekday()] != before[1].lower():
            return f"{before[1]} {text.text[day.start : day.end]}"
    return None


def _miscounted(said: MessageText) -> str | None:
    """Return a count that its own list contradicts, a thing listed twice, more than there are."""
    text = said.text
    if " and " in text:
        taken = [(one.start, one.end) for one in (*said.days, *said.clocks)]
        for match in _COUNTED.finditer(text):
            counts = not any(start <= match.start() < end for start, end in taken)
            if counts and int(match[1]) != len(_JOINT.split(match[2])):
                return match[0]
        for match in _LISTED.finditer(text):
            named = _JOINT.split(match[1])
            if len(set(named)) < len(named):
                return match[0]
    for match in _PART_OF.finditer(text) if " of " in text else ():
        if int(match[1]) > int(match[2]):
            return match[0]
    return None


def _other_label(evidence: Evidence, index: int, text: MessageText) -> str | None:
    """Return a label said instead of one of its form that the user named last; None = none is.

    Others may be asked about, be looked at by a call, be an answer, stand beside the user's, or be
    several of a list.
    """
    said = _numbered(text.text)
    by_user = [_numbered(words) for place, words in evidence.said_by_user if said and place < index]
    ever = {(form, number) for one in by_user for form, number, _ in one}
    named = {(form, number) for form, number, _ in next((one for one in by_user[::-1] if one), ())}
    for form, number, place in said:
        if (form, number) in ever:
            continue
        users = {n for f, n in named if f == form}
        stated = {n for f, n, _ in said if f == form}
        if not users or users & stated or len(stated) > 1 or _is_asked(text.text, place):
            continue
        shown = f"{form}{number}"
        if shown not in _looked_at(evidence, index) and not _is_answer(evidence, shown):
            return shown
    return None


def _numbered(text: str) -> list[tuple[str, str, int]]:
    """Return (form, number, place) of what is told apart by its number: HP7, E-5, floor 4."""
    found: list[tuple[str, str, int]] = []
    for match in _NUMBER.finditer(text):
        form = _FORM.search(text, max(0, match.start() - 14), match.start())
        if form is None or (form[0][-1] == " " and not _is_number_of(text, form[0][:-1], match)):
            continue
        found.append((form[0].casefold(), match[0], match.start()))
    return found


def _is_number_of(text: str, word: str, number: re.Match[str]) -> bool:
    """Whether a number is the one of what is named before it: floor 4, but no reminder 24 hours."""
    return is_noun(word) and _MEASURE.match(text.casefold(), number.end()) is None


def _is_asked(text: str, place: int) -> bool:
    end = _MARK.search(text, place)
    return end is not None and end[0] == "?"


def _looked_at(evidence: Evidence, index: int) -> set[str]:
    """Return what the calls before a message were given, as labels are written."""
    found: set[str] = set()
    for place, call, _ in evidence.calls:
        for name, value in scalars_of(dict(call.arguments)).items() if place < index else ():
            found |= {str(value).casefold(), f"{noun_of(name)} {value}"}
    return found


def _is_answer(evidence: Evidence, label: str) -> bool:
    answers = evidence.task.target.answers
    return any(label in f"{one.value} {one.said_as}".casefold() for one in answers)


# -- records ---------------------------------------------------------------------------------------


def stated_in(text: MessageText) -> Iterator[Stated]:
    """Yield the dates, times, labels, amounts and figures beside a word that a text states."""
    taken: list[tuple[int, int]] = []
    for day in text.days:
        taken.append((day.start, day.end))
        if not day.relative:
            yield Stated(text.text[day.start : day.end], (day.iso,), "date")
    for clock in text.clocks:
        taken.append((clock.start, clock.end))
        minutes = {clock.minute, (clock.minute + 720) % 1440} if clock.vague else {clock.minute}
        keys = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in sorted(minutes))
        yield Stated(text.text[clock.start : clock.end], keys, "time")
    for label, start in text.codes:
        taken.append((start, start + len(label)))
        label = label.rstrip("-/")
        yield Stated(label, (label.casefold(),), "label")
    for mention in text.quantities:
        inside = any(start <= mention.start < end for start, end in taken)
        if not (inside or mention.glued):
            yield from _figure(text, mention)


def _figure(text: MessageText, mention: Mention) -> Iterator[Stated]:
    shown = text.text[mention.start : mention.end].strip()
    if mention.money:
        yield Stated(shown, (mention.value * 100,), "money")
    elif not text.text[mention.start].isdigit() or mention.base in ("%", "s"):
        return  # how long is often reckoned
    elif mention.base is not None:
        yield Stated(shown, (mention.raw,), "number")
    elif nouns := nouns_beside(text.text, mention):
        yield Stated(shown, (mention.raw,), "number", nouns)


def told_before(evidence: Evidence, index: int) -> set[tuple[str, Any]]:
    """Return (kind, key) of every value that the user said before a message."""
    return {
        (stated.kind, key)
        for place, _ in evidence.said_by_user
        if place < index
        for stated in stated_in(evidence.texts[place])
        for key in stated.keys
    }


def places_of(evidence: Evidence, index: int, stated: Stated) -> list[tuple[Record, str]]:
    """Return the records that results before a message show with a value, and its fields there."""
    return [
        (record, field)
        for at, _, answer in evidence.calls
        if at < index and answer is not None
        if any(part in answer.content for part in _written(stated))  # to be quick
        for record in evidence.records(answer)
        for key in stated.keys
        for field in fields_with(record, key)
        if not stated.nouns or noun_of(field) in stated.nouns
    ]


def _written(stated: Stated) -> Iterator[str]:
    """Yield what a result has somewhere if a field of it has the value."""
    for key in stated.keys:
        if stated.kind == "label":
            yield key.lstrip(_LETTERS)  # whatever the case of its letters
        else:
            yield key if isinstance(key, str) else f"{key.normalize():f}"


def _of_another(evidence: Evidence, index: int, text: MessageText) -> str | None:
    """Return a value that only other records have than those that a message names."""
    for stated in stated_in(text):
        if not evidence.given.isdisjoint(stated.keys):
            continue  # what was looked for, or done: `contradicted` asks
        hosts = places_of(evidence, index, stated)
        if not hosts or any(is_named(record, field, text) for record, field in hosts):
            continue
        records = [
            record
            for at, _, answer in evidence.calls
            if at < index and answer is not None
            for record in evidence.records(answer)
        ]
        if not all(_is_rivalled(record, field, records, text) for record, field in hosts):
            continue
        told = told_before(evidence, index)
        if not any((stated.kind, key) in told for key in stated.keys):
            return stated.shown
    return None


def _is_rivalled(host: Record, field: str, records: Sequence[Record], text: MessageText) -> bool:
    """Whether a text names a record that has this field too, by one that the host has as well."""
    return any(
        record.has(field) and any(host.has(name) for name in _naming(record, field, text))
        for record in records
    )


def _naming(record: Record, field: str, text: MessageText) -> Iterator[str]:
    """Yield the other fields by which a text names a record, by a name or a label."""
    for path, value in record.fields.items():
        name = path.rpartition(".")[2]
        telling = isinstance(value, str) and len(value) > 2 and _TELLING.search(value) is not None
        if telling and name != field and has_words(text.normal, normal(value)):
            yield name


def is_named(record: Record, field: str, text: MessageText) -> bool:
    """Whether a text has any other text of a record than this field's."""
    return any(
        isinstance(value, str)
        and len(value) > 2
        and path.rpartition(".")[2] != field
        and has_words(text.normal, normal(value))
        for path, value in record.fields.items()
    )
