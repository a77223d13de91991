"""What the user came to know: said, and said truly."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from agentsynth.checks.evidence import (
    MET,
    NOT_APPLICABLE,
    Evidence,
    Finding,
    failed,
    undecided,
)
from agentsynth.checks.mentions import quantities_in, stated
from agentsynth.core.task import Answer
from agentsynth.core.words import has_words, normal

__all__ = ["answers_given"]

_NUMERIC = ("count", "money", "quantity")
_LABEL = re.compile(r"[^\W\d_].*\d")
"""A letter and then a digit: `B 12`, `S2-07`, `R-20417`."""


def answers_given(evidence: Evidence) -> Finding:
    """Every value the user came for is said, all in one message.

    A failure is `wrong_answer` where the assistant said another value that its look-ups showed
    under the same field, and `answer_missing` otherwise. It is undecided where a message says all
    values but also one of another record without naming that record, where one number would have to
    be two answers, where a value is only offered beside another, and in a language whose words are
    not known.
    """
    answers = evidence.task.target.answers
    if not answers:
        return NOT_APPLICABLE
    closest: list[Answer] = list(answers)
    where = 0
    open_: Finding | None = None
    for index, text in evidence.said_by_assistant:
        if index < evidence.settled_from:
            continue  # it answers what the user took back
        held = [_said(evidence, text, answer) for answer in answers]
        if False not in held:
            doubt = _doubt(evidence, text) if None not in held else "a value is one of several"
            if doubt is None:
                return MET
            open_ = open_ or undecided(doubt, index)
        missing = [answer for answer, is_said in zip(answers, held, strict=True) if not is_said]
        if missing and len(missing) <= len(closest):
            closest, where = missing, index
    if open_ is not None:
        return open_
    return _missed(evidence, closest, where)


def _missed(evidence: Evidence, closest: list[Answer], where: int) -> Finding:
    for answer in closest:
        other = _other_value_said(evidence, answer)
        if other is not None:
            detail = f"{answer.name} is {answer.value!r}, the assistant said {other!r}"
            return failed("wrong_answer", detail, where)
    names = ", ".join(answer.name for answer in closest)
    return failed("answer_missing", f"the assistant never said: {names}", where)


def _said(
    evidence: Evidence, text: str, answer: Answer, *, value: Any = None, said_as: str | None = None
) -> bool | None:
    """Whether a text says an answer, or another value as if it were that answer."""
    own = value is None
    if answer.type in _NUMERIC:
        text = _without_labels(evidence, text)
    return stated(
        text,
        answer.value if own else value,
        answer.type,
        today=evidence.today,
        said_as=answer.said_as if own else said_as,
        language=evidence.language,
        unit=answer.unit if answer.type == "quantity" else None,
    )


def _without_labels(evidence: Evidence, text: str) -> str:
    """Return the text without labels that hold digits: the 12 of `fonds B 12` is no number."""
    task = evidence.task
    values = [*(f.value for f in task.facts), *(f.first for f in task.facts)]
    values += [answer.value for answer in task.target.answers]
    labels = {v for v in values if isinstance(v, str) and _LABEL.search(v) is not None}
    for label in sorted(labels, key=len, reverse=True):
        text = text.replace(label, " ")
    return text


def _doubt(evidence: Evidence, text: str) -> str | None:
    """Return why a message that says every answer may still not give them; None = it does."""
    answers = evidence.task.target.answers
    # $30 and 30 minutes are two answers that nobody takes for one.
    numbers = Counter(
        (number, answer.type, answer.unit)
        for answer in answers
        if (number := _number(answer)) is not None
    )
    for (number, _, _), times in numbers.items():
        if times > 1:
            said = [m for m in quantities_in(text, evidence.language) if m.value == number]
            if len(said) < times:
                return f"{number} is said {len(said)} times and would be {times} answers"
    for answer in answers:
        other = _unattributed_value(evidence, text, answer)
        if other is not None:
            return f"{answer.name} is said as {answer.value!r} and as {other!r}"
    return None


def _number(answer: Answer) -> Decimal | None:
    """Return the number that says an answer; None = it is no number."""
    if isinstance(answer.value, bool) or not isinstance(answer.value, int | float):
        return None
    number = Decimal(str(answer.value))
    return number / 100 if answer.type == "money" else number


def _unattributed_value(evidence: Evidence, text: str, answer: Answer) -> Any:
    """Return another value of the field that is said without naming its record; None = none."""
    if answer.field is None:
        return None
    records = [r for r in _records(evidence, answer.field) if _sayable(r[answer.field])]
    values = [answer.value, *(one.value for one in evidence.task.target.answers)]
    values += [fact.value for fact in evidence.task.facts]
    others = [record for record in records if record[answer.field] not in values]
    if not others:
        return None
    own = {v for r in records if r[answer.field] == answer.value for v in _names(r)}
    whole = normal(text)
    for record in others:
        value = record[answer.field]
        if _said(evidence, text, answer, value=value, said_as=_spoken(evidence, answer, value)):
            names = [name for name in _names(record) if name not in own and name != str(value)]
            if not any(has_words(whole, normal(name)) for name in names):
                return value
    return None


def _names(record: Mapping[str, Any]) -> Iterator[str]:
    for value in record.values():
        if isinstance(value, str) and len(value) > 2:
            yield value


def _other_value_said(evidence: Evidence, answer: Answer) -> Any:
    """Return a value of the same field, seen in a result, that was said instead; None = none."""
    if answer.field is None:
        return None
    texts = [text for _, text in evidence.said_by_assistant]
    for record in _records(evidence, answer.field):
        value = record[answer.field]
        if value == answer.value or not _sayable(value):
            continue
        spoken = _spoken(evidence, answer, value)
        if any(_said(evidence, text, answer, value=value, said_as=spoken) for text in texts):
            return value
    return None


def _sayable(value: Any) -> bool:
    return value is not None and not isinstance(value, bool | dict | list)


def _spoken(evidence: Evidence, answer: Answer, value: Any) -> str | None:
    """Return how people say a stored value; None = as it is stored."""
    for name in evidence.task.intents:
        spec = evidence.runtime.playbook.intents[name].answers.get(answer.name)
        if spec is not None and str(value) in spec.words:
            return spec.words[str(value)]
    return evidence.runtime.lexicon.words.get(str(value))


def _records(evidence: Evidence, field: str) -> Iterator[Mapping[str, Any]]:
    """Yield every record with this field that a successful call showed."""
    for _, _, message in evidence.calls:
        if message is not None and not message.is_error and field in message.content:
            yield from _with_field(evidence.result(message), field)


def _with_field(result: Any, field: str) -> Iterator[Mapping[str, Any]]:
    if isinstance(result, dict):
        if field in result:
            yield result
        for value in result.values():
            yield from _with_field(value, field)
    elif isinstance(result, list):
        for value in result:
            yield from _with_field(value, field)
