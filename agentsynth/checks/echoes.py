"""What is reported, held against what was read back, agreed to and done just before.

Between the read-back of a deed and its report nothing new is said but what the calls gave. So where
the report has a figure of a kind that these have too (a date, a time, a label such as `F-1`,
minutes, pages, money), it has to be one of theirs, or stand in a record that the calls were about.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agentsynth.checks.evidence import FORM, Evidence, MessageText
from agentsynth.checks.nouns import OUT_OF, noun_of, nouns_beside
from agentsynth.checks.records import fields_with, keys_of, scalars_of
from agentsynth.checks.reports import counts_of, other_label, records_with
from agentsynth.checks.visible import decimal, leaves
from agentsynth.core.messages import AssistantMessage, ToolMessage, UserMessage

__all__ = ["contradicted"]

_ALTOGETHER = re.compile(r"\ball (?:the )?(\d+)\b|(?<![\w.,$€£¥])(\d+) in all\b")
"""How many it was done to."""
_KEY = re.compile(r"(?=.*\d)[A-Za-z]+[\w/-]*|\d{5,}", re.ASCII)
"""What keys of records look like; a date or a time is none."""


def contradicted(evidence: Evidence, index: int) -> str | None:
    """Return what a report says otherwise than read-back, calls and user; None = nothing.

    Args:
        index: of the assistant's message. Anything but a report of deeds agreed to is passed over.
    """
    text = evidence.texts[index]
    if not (text.has_digits or text.quantities or text.days or text.clocks):
        return None
    readback = _readback(evidence, index)
    if readback is None:
        return None
    replaced = _replaced(evidence, readback, index)
    if replaced is not None:
        return replaced
    known = [evidence.texts[place] for place in range(readback, index) if _is_said(evidence, place)]
    if _is_repeated(text, known):
        return None
    given = [*_of_calls(evidence, readback, index), *_of_records(evidence, readback, index)]
    known.append(evidence.read("\n".join(given)))
    return (
        _other_moment(evidence, text, known)
        or other_label(text, known)
        or _other_figure(text, known)
    )


def _replaced(evidence: Evidence, readback: int, index: int) -> str | None:
    """Return what a report says in place of what was read back and done; None = nothing.

    What was read back and then given to the call (the day, the time, the amount, how many pages) is
    what a report tells, or what else the call gave, if it tells anything of that sort. Figures may
    also be those of a record that the call was about.
    """
    text = evidence.texts[index]
    done = [
        (scalars_of(dict(call.arguments)), answer)
        for place, call, answer in evidence.calls
        if readback < place < index and evidence.runtime.is_write(call)
    ]
    given = {key for one, _ in done for value in one.values() for key in keys_of(value)}
    gained = {
        key
        for _, one in done
        for record in (evidence.records(one) if one is not None else ())
        for value in record.fields.values()
        for key in keys_of(value)
    }
    if evidence.language == "en":
        counts = counts_of(evidence, evidence.successes) | gained | given
        for match in _ALTOGETHER.finditer(text.text):
            if Decimal(match[1] or match[2]) not in counts:
                return match[0]
    wanted = _wanted(evidence.texts[readback], [one for one, _ in done], given)
    told: dict[str, list[tuple[Any, tuple[int, int]]]] = {}
    for kind, value, place in (*_moments(text), *_figures(text)):
        told.setdefault(kind, []).append((value, place))
    for kind, values in told.items():
        stored = {value * 100 if kind == "money" else value for value, _ in values}
        other = wanted.get(kind, set()).isdisjoint(value for value, _ in values)
        if not (kind in wanted and other and stored.isdisjoint(gained)):
            continue
        if kind in ("date", "time") or stored.isdisjoint(_numbers_of(evidence, given)):
            start, end = values[0][1]
            return text.text[start:end].strip()
    return None


def _numbers_of(evidence: Evidence, keys: set[Any]) -> set[Any]:
    """Return the numbers in the records that have one of these keys."""
    named = {key for key in keys if isinstance(key, str) and _KEY.fullmatch(key) is not None}
    return {
        value
        for _, _, answer in evidence.calls
        for record in (evidence.records(answer) if answer is not None else ())
        if any(True for key in named for _ in fields_with(record, key))
        for value in record.fields.values()
        if decimal(value) is not None
    }


def _wanted(
    asked: MessageText, done: Sequence[Mapping[str, Any]], given: set[Any]
) -> dict[str, set[Any]]:
    """Return, by sort, what was read back and given to a call, or given under that name."""
    wanted: dict[str, set[Any]] = {}
    for kind, value, _ in (*_moments(asked), *_figures(asked)):
        if (value * 100 if kind == "money" else value) in given:
            wanted.setdefault(kind, set()).add(value)
    for name, value in (entry for one in done for entry in one.items()):
        number = decimal(value)
        if number is not None:
            wanted.setdefault(f"noun {noun_of(name)}", set()).add(number)
    return wanted


def _moments(text: MessageText) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Yield (what it is, value, place) of dates and times, both readings of a vague time."""
    for day in text.days:
        if not day.relative:
            yield "date", day.iso, (day.start, day.end)
    for clock in text.clocks:
        for minute in {clock.minute, (clock.minute + 720) % 1440 if clock.vague else clock.minute}:
            yield "time", f"{minute // 60:02}:{minute % 60:02}", (clock.start, clock.end)


def _is_repeated(text: MessageText, known: Sequence[MessageText]) -> bool:
    """Whether all that a text has was said in these: then nothing contradicts it. To be quick."""
    if not text.dates <= {iso for one in known for iso in one.dates}:
        return False
    if not {c.minute for c in text.clocks} <= {c.minute for one in known for c in one.clocks}:
        return False
    if not text.labels.keys() <= {label for one in known for label in one.labels}:
        return False
    figures = {(key, value) for key, value, _ in _figures(text)}
    return not figures or figures <= {(k, v) for one in known for k, v, _ in _figures(one)}


def _readback(evidence: Evidence, index: int) -> int | None:
    """Return the place of the text that a yes and then a deed came behind; None = there is none."""
    messages = evidence.messages
    deeds = [
        place
        for place, call, _ in evidence.calls
        if place < index and evidence.runtime.is_write(call) and call.id in evidence.successes
    ]
    if not deeds or any(_is_said(evidence, place) for place in range(deeds[-1] + 1, index)):
        return None
    yes = next((n for n in range(deeds[-1], 0, -1) if isinstance(messages[n], UserMessage)), None)
    if yes is None or not _is_said(evidence, yes - 1):
        return None
    return yes - 1


def _is_said(evidence: Evidence, place: int) -> bool:
    message = evidence.messages[place]
    said = isinstance(message, AssistantMessage) and not message.tool_calls
    return isinstance(message, UserMessage) or said


def _of_calls(evidence: Evidence, start: int, end: int) -> Iterator[str]:
    """Yield what the calls between two places gave and got, cents as money as well."""
    for place, call, answer in evidence.calls:
        if not start < place < end:
            continue
        shown: list[Any] = [dict(call.arguments)]
        yield json.dumps(call.arguments, ensure_ascii=False)
        if isinstance(answer, ToolMessage):
            yield answer.content
            shown.append(evidence.result(answer))
        for _, value in leaves(shown):
            number = decimal(value)
            if number is not None and number == number.to_integral_value():
                yield f"${number / 100}"


def _of_records(evidence: Evidence, start: int, end: int) -> Iterator[str]:
    """Yield the records that the writes between two places named by a key of theirs."""
    named = {
        value
        for place, call, _ in evidence.calls
        if start < place < end and evidence.runtime.is_write(call)
        for value in call.arguments.values()
        if isinstance(value, str) and _KEY.fullmatch(value)
    }
    return records_with(evidence, named)


def _other_moment(
    evidence: Evidence, text: MessageText, known: Sequence[MessageText]
) -> str | None:
    dates = {iso for one in known[:-1] for iso in one.dates}
    dates |= known[-1].dates - {evidence.today}  # results often say as of when they are
    for day in text.days:
        if dates and not day.relative and day.iso not in dates:
            return text.text[day.start : day.end]
    minutes = {clock.minute for one in known for clock in one.clocks}
    for clock in text.clocks:
        meant = {clock.minute, (clock.minute + 720) % 1440} if clock.vague else {clock.minute}
        if minutes and minutes.isdisjoint(meant):
            return text.text[clock.start : clock.end]
    return None


def _other_figure(text: MessageText, known: Sequence[MessageText]) -> str | None:
    shown: dict[str, set[Decimal]] = {}
    for key, value, _ in (entry for one in known for entry in _figures(one)):
        shown.setdefault(key, set()).add(value)
    bare = {mention.raw for mention in known[-1].quantities}  # results rarely name the unit
    for key, value, place in _figures(text):
        if value not in shown.get(key, {value}) and not (key.startswith("unit") and value in bare):
            return text.text[place[0] : place[1]].strip()
    return None


def _figures(text: MessageText) -> Iterator[tuple[str, Decimal, tuple[int, int]]]:
    """Yield (what it is of, value, place) of every figure with a unit, a currency or a noun."""
    if not text.quantities:
        return
    taken = [(one.start, one.end) for one in (*text.days, *text.clocks)]
    taken += [match.span() for match in FORM.finditer(text.text)] if text.labels else []
    for mention in text.quantities:
        place = (mention.start, mention.end)
        inside = any(start <= mention.start < end for start, end in taken)
        if inside or OUT_OF.search(text.text[: mention.start]):
            continue
        if mention.money:
            yield "money", mention.value, place
        elif not text.text[mention.start].isdigit():
            continue
        elif mention.base is not None:
            yield f"unit {mention.base}", mention.raw, place
        elif not mention.glued:
            for noun in nouns_beside(text.text, mention)[:1]:
                yield f"noun {noun}", mention.raw, place
