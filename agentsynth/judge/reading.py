"""The form of a judge's answers: as a JSON Schema, and how they are read, strictly."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from agentsynth.core.rubric import Criterion
from agentsynth.judge.put import Put, allowed

__all__ = ["Answered", "answer_schema", "read_answers"]

_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answered:
    """A judge's answer to one question."""

    choice: int | None
    """Index into the criterion's choices, 0 = the worst; None = the question does not apply."""
    reason: str
    messages: tuple[int, ...]
    """The messages it cites, by index."""
    each: tuple[tuple[int, int | None], ...] = ()
    """For a question put to several messages: message to choice. `choice` is then the worst."""


def answer_schema(puts: Sequence[Put]) -> dict[str, JsonValue]:
    """Return the JSON Schema of the answers to these questions."""
    return _entries({put.criterion.name: _entry(put) for put in puts})


def _entry(put: Put) -> dict[str, JsonValue]:
    """Return the form of the answer to one question."""
    reason: dict[str, JsonValue] = {"type": "string"}
    choice: dict[str, JsonValue] = {"type": "string", "enum": list(allowed(put.criterion))}
    if put.places is not None:
        one = _entries({"reason": reason, "choice": choice})
        return _entries({str(place): one for place in put.places})
    cited: dict[str, JsonValue] = {"type": "array", "items": {"type": "integer"}, "minItems": 1}
    return _entries({"reason": reason, "messages": cited, "choice": choice})


def _entries(entries: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "type": "object",
        "properties": dict(entries),
        "required": list(entries),
        "additionalProperties": False,
    }


def read_answers(text: str, puts: Sequence[Put], citable: Collection[int]) -> dict[str, Answered]:
    """Return the answers.

    Args:
        citable: numbers of the messages that can be cited.

    Raises:
        ValueError: saying what is wrong, if any question has no sound answer.
    """
    fenced = _FENCE.match(text)
    try:
        given = json.loads(fenced[1] if fenced else text)
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    if not isinstance(given, dict):
        raise ValueError("it is not a JSON object")
    unknown = sorted(given.keys() - {put.criterion.name for put in puts})
    if unknown:
        raise ValueError(f"nobody asked {', '.join(unknown)}")
    return {
        put.criterion.name: _answer(put, given.get(put.criterion.name), citable) for put in puts
    }


def _answer(put: Put, entry: Any, citable: Collection[int]) -> Answered:
    question = put.criterion
    if not isinstance(entry, Mapping):
        raise ValueError(f"there is no answer to {question.name}")
    if put.places is not None:
        return _worst(question, put.places, entry)
    choice, reason = _one(question, question.name, entry)
    cited = entry.get("messages")
    if not isinstance(cited, list) or not cited:
        raise ValueError(f"{question.name}: no message is cited")
    strange = [n for n in cited if type(n) is not int or n not in citable]
    if strange:
        raise ValueError(f"{question.name}: there is no message {strange[0]!r}")
    return Answered(choice, reason, tuple(cited))


def _worst(question: Criterion, places: Sequence[int], entry: Mapping[str, Any]) -> Answered:
    """Return the answer to a question that is put to several messages: the worst of them counts."""
    strange = sorted(entry.keys() - {str(place) for place in places})
    if strange:
        raise ValueError(f"{question.name}: nobody asked about message {strange[0]!r}")
    found: list[tuple[int, int | None, str]] = []
    for place in places:
        one = entry.get(str(place))
        if not isinstance(one, Mapping):
            raise ValueError(f"{question.name}: there is no answer for message {place}")
        found.append((place, *_one(question, f"{question.name}, message {place}", one)))
    ranked = [(choice, place, reason) for place, choice, reason in found if choice is not None]
    each = tuple((place, choice) for place, choice, _ in found)
    if not ranked:
        return Answered(None, found[0][2], (found[0][0],), each)
    worst, place, reason = min(ranked)
    return Answered(worst, reason, (place,), each)


def _one(question: Criterion, place: str, entry: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return one choice with its reason."""
    choice, reason = entry.get("choice"), entry.get("reason")
    if choice not in allowed(question):
        wanted = " | ".join(allowed(question))
        raise ValueError(f"{place}: the choice {choice!r} is none of {wanted}")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(f"{place}: there is no reason")
    known = question.choices.index(choice) if choice in question.choices else None
    return known, reason.strip()
