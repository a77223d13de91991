"""Whether a report of a deed tells it as it was: its dates, times, labels and how many there were.

Looked at is the sentence that claims the deed. What it may name is what the calls gave and got,
what results showed in the same records, and what the task's user knows. A sentence that names none
of this is no matter of this check.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.figures import LABEL
from agentsynth.checks.visible import leaves
from agentsynth.core.messages import ToolCall, ToolMessage

__all__ = ["FORM", "misreported", "other_label", "records_with"]

_OUT_OF = re.compile(r"\b(?:out )?of (?:the |your |all |these |those )*$", re.IGNORECASE)
FORM = re.compile(r"\b([A-Za-z]{1,5}-?)(\d+)\b", re.ASCII)
"""A label: its form and its number."""


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
    texts = list(_told_of(evidence, deeds))
    known = MessageText("\n".join(texts), evidence.today, evidence.language)
    said = MessageText(sentence, evidence.today, evidence.language)
    minutes = {clock.minute for clock in known.clocks}
    for day in said.days:
        if not day.relative and day.iso not in known.dates:
            return sentence[day.start : day.end]
    for clock in said.clocks:
        if not clock.vague and minutes and clock.minute not in minutes:
            return sentence[clock.start : clock.end]
    return other_label(sentence, [known.text]) or _other_number(evidence, said, known, deeds)


def _told_of(evidence: Evidence, deeds: list[tuple[ToolCall, ToolMessage | None]]) -> Iterator[str]:
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


def other_label(sentence: str, known: Iterable[str]) -> str | None:
    """Return a label such as B-07 where others of its form are known; None = there is none."""
    shown = {(match[1].casefold(), match[2]) for text in known for match in FORM.finditer(text)}
    for match in FORM.finditer(sentence):
        alike = {number for form, number in shown if form == match[1].casefold()}
        if alike and match[2] not in alike:
            return match[0]
    return None


def _other_number(
    evidence: Evidence,
    said: MessageText,
    known: MessageText,
    deeds: list[tuple[ToolCall, ToolMessage | None]],
) -> str | None:
    """Return a bare number that is neither known nor how many there were; None = there is none."""
    taken = [(one.start, one.end) for one in (*said.days, *said.clocks)]
    taken += [match.span() for match in LABEL.finditer(said.text)]  # `statements_grounded` asks
    allowed = {mention.raw for mention in known.quantities}
    allowed |= _counts(evidence, {call.id for call, _ in deeds})
    for index, _ in evidence.said_by_user:
        allowed |= {mention.raw for mention in evidence.texts[index].quantities}
    for mention in said.quantities:
        plain = mention.base is None and not mention.money and not mention.worded
        inside = any(start <= mention.start < end for start, end in taken)
        if not plain or inside or mention.raw in allowed:
            continue
        if not _OUT_OF.search(said.text[: mention.start]):  # how many there were to choose from
            return said.text[mention.start : mention.end].strip()
    return None


def _counts(evidence: Evidence, ids: Collection[str]) -> set[Decimal]:
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
