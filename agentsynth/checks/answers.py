"""What the user came to know: said, and said truly."""

from collections.abc import Iterator
from typing import Any

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed
from agentsynth.checks.mentions import says
from agentsynth.core.task import Answer

__all__ = ["answers_given"]


def answers_given(evidence: Evidence) -> Finding:
    """Every value the user came for is said, all in one message.

    A failure is `wrong_answer` where the assistant said another value that its look-ups showed
    under the same field, and `answer_missing` otherwise.
    """
    answers = evidence.task.target.answers
    if not answers:
        return NOT_APPLICABLE
    closest: list[Answer] = list(answers)
    where = 0
    for index, text in evidence.said_by_assistant:
        missing = [answer for answer in answers if not _said(evidence, text, answer)]
        if not missing:
            return MET
        if len(missing) <= len(closest):
            closest, where = missing, index
    for answer in closest:
        other = _other_value_said(evidence, answer)
        if other is not None:
            detail = f"{answer.name} is {answer.value!r}, the assistant said {other!r}"
            return failed("wrong_answer", detail, where)
    names = ", ".join(answer.name for answer in closest)
    return failed("answer_missing", f"the assistant never said: {names}", where)


def _said(evidence: Evidence, text: str, answer: Answer) -> bool:
    return says(text, answer.value, answer.type, today=evidence.today, said_as=answer.said_as)


def _other_value_said(evidence: Evidence, answer: Answer) -> Any:
    """Return a value of the same field, seen in a result, that was said instead; None = none."""
    if answer.field is None:
        return None
    texts = [text for _, text in evidence.said_by_assistant]
    for _, _, message in evidence.calls:
        if message is None or message.is_error:
            continue
        for value in _values_of(evidence.runtime.decode(message.content), answer.field):
            if value == answer.value or value is None or isinstance(value, bool | dict | list):
                continue
            spoken = _spoken(evidence, answer, value)
            if any(
                says(text, value, answer.type, today=evidence.today, said_as=spoken)
                for text in texts
            ):
                return value
    return None


def _spoken(evidence: Evidence, answer: Answer, value: Any) -> str | None:
    """Return how people say a stored value; None = as it is stored."""
    for name in evidence.task.intents:
        spec = evidence.runtime.playbook.intents[name].answers.get(answer.name)
        if spec is not None and str(value) in spec.words:
            return spec.words[str(value)]
    return evidence.runtime.lexicon.words.get(str(value))


def _values_of(result: Any, field: str) -> Iterator[Any]:
    if isinstance(result, dict):
        for name, value in result.items():
            if name == field:
                yield value
            yield from _values_of(value, field)
    elif isinstance(result, list):
        for value in result:
            yield from _values_of(value, field)
