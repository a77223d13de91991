"""Whether a report of a deed tells it as it was: its dates, times, labels and how many there were.

Looked at is the sentence that claims the deed. What it may name is what the calls gave and got,
what results showed in the same records, and what the task's user knows. A sentence that names none
of this is no matter of this check.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.visible import leaves
from agentsynth.core.messages import ToolCall, ToolMessage

__all__ = ["counts_of", "misreported", "other_label", "records_with"]

_OUT_OF = re.compile(r"\b(?:out )?of (?:the |your |all |these |those )*$", re.IGNORECASE)
_DONE = re.compile(r"\b(?:i|we)(?:['’]ve| have)\b|\b(?:done|just|now)\b|已|了", re.IGNORECASE)
"""How a sentence says that something was done."""
_Deeds = Sequence[tuple[ToolCall, ToolMessage | None]]


def misreported(
    evidence: Evidence, sentence: str, index: int, tools: Collection[str]
) -> str | None:
    """Return what a sentence says of a deed that is not so; None = nothing.

    Args:
        index: of the message with the sentence.
        tools: those that do the deed.
    """
    deeds = [
        (call, answer)
        for place, call, answer in evidence.calls
        if place < index and call.name in tools and call.id in evidence.successes
    ]
    known = _Known(evidence, deeds)
    said = evidence.read(sentence)
    if _lists(evidence, said, index):
        return None
    for day in said.days:
        if not day.relative and not _is_dated(known, day.iso):
            return sentence[day.start : day.end]
    for clock in said.clocks:
        if not clock.vague and not _is_timed(known, clock.minute):
            return sentence[clock.start : clock.end]
    return other_label(said, known) or _other_number(evidence, said, known, deeds)


def _lists(evidence: Evidence, said: MessageText, index: int) -> bool:
    """Whether a sentence tells what a look-up has just shown, and so is no report of a deed.

    It names several days, all of one result, nothing was changed since the user last spoke, and
    nobody says in it to have done anything.
    """
    if _DONE.search(said.text) is not None:
        return False
    days = {day.iso for day in said.days if not day.relative}
    if len(days) < 2:
        return False
    turn = max((place for place, _ in evidence.said_by_user if place < index), default=0)
    recent = [one for one in evidence.calls if turn < one[0] < index]
    if any(evidence.runtime.is_write(call) for _, call, _ in recent):
        return False
    shown = [evidence.read(answer.content) for _, _, answer in recent if answer is not None]
    return any(all(_is_dated([text], day) for day in days) for text in shown)


class _Known:
    """The texts that tell of some calls, each made when the ones before do not suffice."""

    def __init__(self, evidence: Evidence, deeds: _Deeds) -> None:
        self._evidence = evidence
        self._more = _told_of(evidence, deeds)
        self._texts: list[MessageText] = []

    def __iter__(self) -> Iterator[MessageText]:
        yield from self._texts
        for text in self._more:
            self._texts.append(self._evidence.read(text))
            yield self._texts[-1]


def _is_dated(known: Iterable[MessageText], iso: str) -> bool:
    return any(text.gives_date(iso) or iso in text.dates for text in known)


def _is_timed(known: Iterable[MessageText], minute: int) -> bool:
    """Whether this time of day is known, or none at all is."""
    found = False
    for text in known:
        minutes = {clock.minute for clock in text.clocks}
        if minute in minutes:
            return True
        found = found or bool(minutes)
    return not found


def _told_of(evidence: Evidence, deeds: _Deeds) -> Iterator[str]:
    """Yield the texts that tell of some calls."""
    ids: set[str] = set()
    for call, answer in deeds:
        yield json.dumps(call.arguments, ensure_ascii=False)
        ids |= {value for _, value in leaves(dict(call.arguments)) if isinstance(value, str)}
        if answer is not None:
            yield answer.content
    yield from records_with(evidence, ids)
    for fact in evidence.task.facts:
        yield str(fact.value)


def records_with(evidence: Evidence, ids: Collection[str]) -> Iterator[str]:
    """Yield, as JSON, the records of all results that have one of these values in a field."""
    for _, _, answer in evidence.calls:
        if answer is not None and not answer.is_error:
            for record in _records(evidence.result(answer)):
                if any(isinstance(value, str) and value in ids for value in record.values()):
                    yield json.dumps(record, ensure_ascii=False)


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the mappings of a result with their scalars, those of mappings in them included."""
    if isinstance(value, dict):
        yield _scalars(value)
        for part in value.values():
            yield from _records(part)
    elif isinstance(value, list):
        for part in value:
            yield from _records(part)


def _scalars(value: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Return the scalars of a mapping and of the mappings in it, by dotted path."""
    found: dict[str, Any] = {}
    for name, part in value.items():
        if isinstance(part, dict):
            found |= _scalars(part, f"{path}{name}.")
        elif not isinstance(part, list):
            found[f"{path}{name}"] = part
    return found


def other_label(said: MessageText, known: Iterable[MessageText]) -> str | None:
    """Return a label such as B-07 where others of its form are known; None = there is none."""
    if not said.labels:
        return None
    shown = {label for text in known for label in text.labels}
    for (form, number), label in said.labels.items():
        alike = {other for other_form, other in shown if other_form == form}
        if alike and number not in alike:
            return label
    return None


def _other_number(
    evidence: Evidence, said: MessageText, known: Iterable[MessageText], deeds: _Deeds
) -> str | None:
    """Return a bare number that is neither known nor how many there were; None = there is none."""
    plain = [m for m in said.quantities if m.base is None and not m.money and not m.worded]
    if not plain:
        return None
    taken = [(one.start, one.end) for one in (*said.days, *said.clocks)]
    taken += [
        (start, start + len(code)) for code, start in said.codes
    ]  # `statements_grounded` asks
    allowed = counts_of(evidence, {call.id for call, _ in deeds})
    for index, _ in evidence.said_by_user:
        allowed |= {mention.raw for mention in evidence.texts[index].quantities}
    for mention in plain:
        inside = any(start <= mention.start < end for start, end in taken)
        if inside or mention.raw in allowed or _OUT_OF.search(said.text[: mention.start]):
            continue  # how many there were to choose from is no matter of the deed
        if not any(mention.raw == one.raw for text in known for one in text.quantities):
            return said.text[mention.start : mention.end].strip()
    return None


def counts_of(evidence: Evidence, ids: Collection[str]) -> set[Decimal]:
    """Return how many of these calls there were, by tool: in all, and in each of the user's turns.

    Args:
        ids: of the calls that count.
    """
    turns = [index for index, _ in evidence.said_by_user]
    found: Counter[tuple[str, int]] = Counter()
    for place, call, _ in evidence.calls:
        if call.id in ids:
            found[call.name, -1] += 1
            found[call.name, sum(turn < place for turn in turns)] += 1
    return {Decimal(count) for count in found.values()}
