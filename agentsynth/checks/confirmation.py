"""Confirmation: what changes something is read back first, and done after a yes."""

import re
from typing import Any, cast

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed
from agentsynth.checks.expressions import SENTENCE, any_of, matches_any
from agentsynth.checks.mentions import dates_in, numbers_in
from agentsynth.core.lexicon import Voice
from agentsynth.core.looks import only_looks
from agentsynth.core.messages import ToolCall
from agentsynth.core.words import has_words, normal

__all__ = ["writes_confirmed"]


def writes_confirmed(evidence: Evidence) -> Finding:
    """Before each consequential write the assistant read it back and the user said yes.

    One yes covers what the assistant does until it speaks again. Several like deeds may be read
    back together: each by name, or all by their number.
    """
    specs = evidence.runtime.spec_by_name
    writes = [
        (index, call)
        for index, call, _ in evidence.calls
        if (spec := specs.get(call.name)) is not None
        and spec.consequential
        and not only_looks(evidence.runtime.looks, call.name, call.arguments)
    ]
    if not writes:
        return NOT_APPLICABLE
    for group in _between_words(evidence, writes):
        spent: set[str] = set()
        for index, call in group:
            alike = sum(other.name == call.name for _, other in group)
            deed = repr((call.name, sorted(call.arguments.items())))
            problem = _unconfirmed(evidence, call, index, alike)
            if problem is None and deed in spent:
                problem = "one yes is not a yes to doing it twice"
            if problem is not None:
                return failed("unconfirmed_write", f"{call.name}: {problem}", index)
            spent.add(deed)
    return MET


def _between_words(
    evidence: Evidence, writes: list[tuple[int, ToolCall]]
) -> list[list[tuple[int, ToolCall]]]:
    """Return the writes in groups: those with no word to or from the user in between."""
    groups: list[list[tuple[int, ToolCall]]] = []
    spoken = [i for i, text in (*evidence.said_by_assistant, *evidence.said_by_user) if text]
    last = -1
    for index, call in writes:
        if not groups or any(last < i < index for i in spoken):
            groups.append([])
        groups[-1].append((index, call))
        last = index
    return groups


def _unconfirmed(evidence: Evidence, call: ToolCall, before: int, alike: int) -> str | None:
    """Return why the call is not confirmed by the last words before it; None = it is.

    Args:
        alike: how many calls of this tool follow the same words.
    """
    answer = max((i for i, _ in evidence.said_by_user if i < before), default=-1)
    asked = max((i for i, text in evidence.said_by_assistant if i < answer and text), default=-1)
    if asked < 0 or any(answer < i < before for i, text in evidence.said_by_assistant if text):
        return "nobody said yes to a read-back of it"
    question = evidence.messages[asked].content
    confirmed = _asks_to_go_ahead(question, evidence.voice.confirm_cues) and _affirms(
        evidence.messages[answer].content, evidence.voice
    )
    if not confirmed:
        return "nobody said yes to a read-back of it"
    missing = _not_read_back(evidence, call, question)
    if missing is None or (alike > 1 and float(alike) in numbers_in(question, evidence.language)):
        return None
    return f"the read-back did not name {missing!r}"


def _asks_to_go_ahead(text: str, cues: tuple[str, ...]) -> bool:
    """Whether a text asks for the go-ahead or to confirm; saying "happy to" does not."""
    sentences = [match[0].strip() for match in SENTENCE.finditer(text)]
    asking = [s for s in sentences if s.endswith(("?", "？")) or "confirm" in s.lower()]
    return any(matches_any(cues, sentence) for sentence in asking)


def _affirms(text: str, voice: Voice) -> bool:
    """Whether a text says yes; "that is not correct" and "don't do that" do not."""
    denied = any_of(voice.denials)
    return any(
        not denied.search(text[: match.start()])
        for match in any_of(voice.affirmations).finditer(text)
    )


def _not_read_back(evidence: Evidence, call: ToolCall, asked: str) -> str | None:
    """Return a date or address of the call that the question left out; None = all are there."""
    for value in call.arguments.values():
        if not isinstance(value, str):
            continue
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            if value not in dates_in(asked, evidence.today, evidence.language):
                return value
        elif "@" in value and " " not in value and value.lower() not in asked.lower():
            return value
    return _records_not_named(evidence, call, asked)


def _records_not_named(evidence: Evidence, call: ToolCall, asked: str) -> str | None:
    """Return an id of the call if nothing is said of any record it stands for; None = something is.

    What can be said of a record is what results showed beside its id: names, labels, dates.
    """
    ids = [v for n, v in call.arguments.items() if n.endswith("_id") and isinstance(v, str)]
    sayable = [value for id_ in ids for value in _shown_beside(evidence, id_)]
    if not sayable:
        return None
    words, dates = normal(asked), dates_in(asked, evidence.today, evidence.language)
    spoken = evidence.runtime.lexicon.words
    sayable += [spoken[value] for value in sayable if value in spoken]
    named = any(value in dates or has_words(words, normal(value)) for value in sayable)
    told = " ".join(text for _, text in evidence.said_by_user)
    named = named or any(id_ in asked and id_ in told for id_ in ids)  # the user's own word for it
    return None if named else ids[-1]


def _texts_of(record: dict[str, Any]) -> list[str]:
    """Return the texts of a record and of what it holds, without those of its lists."""
    found: list[str] = []
    for value in record.values():
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            found += _texts_of(cast(dict[str, Any], value))
    return found


def _shown_beside(evidence: Evidence, id_: str) -> list[str]:
    """Return the texts that results showed in the same record as an id."""
    found: list[str] = []
    for _, _, answer in evidence.calls:
        if answer is None or answer.is_error or id_ not in answer.content:
            continue
        pending: list[Any] = [evidence.result(answer)]
        while pending:
            value = pending.pop()
            if isinstance(value, dict):
                if id_ in value.values():
                    found += _texts_of(value)
                pending += value.values()
            elif isinstance(value, list):
                pending += value
    return [text for text in found if text != id_ and len(text) > 2]
