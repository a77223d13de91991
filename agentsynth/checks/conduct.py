"""Conduct: confirmation before writes, policy, honest claims, declining, a proper ending."""

import re
from functools import lru_cache
from typing import Any

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed
from agentsynth.checks.mentions import dates_in
from agentsynth.core.intent import CallStep
from agentsynth.core.messages import AssistantMessage, ToolCall, UserMessage
from agentsynth.core.trajectory import StopReason
from agentsynth.core.words import has_words, normal

__all__ = [
    "claim_in",
    "claims_true",
    "declined",
    "ended_well",
    "matches_any",
    "policy_kept",
    "writes_confirmed",
]

_SENTENCE = re.compile(r"[^.!?\n]+[.!?\n]*")
_NOT_YET = re.compile(
    r"\b(?:if|once|when|before|unless|not|n't|can't|cannot|won't|would|could|shall|should)\b|n't",
    re.IGNORECASE,
)


_DENIED = re.compile(
    r"(?:\b(?:no|not|never)\b(?! (?:problem|worries))|n[’']t\b)[^.!?;\n]{0,24}$", re.IGNORECASE
)


@lru_cache(maxsize=512)
def _any(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def matches_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the expressions is found in the text, ignoring case."""
    return _any(patterns).search(text) is not None


def writes_confirmed(evidence: Evidence) -> Finding:
    """Before each consequential write the assistant read it back and the user said yes."""
    specs = evidence.runtime.spec_by_name
    writes = [
        (index, call)
        for index, call, _ in evidence.calls
        if (spec := specs.get(call.name)) is not None and spec.consequential
    ]
    if not writes:
        return NOT_APPLICABLE
    since = 0
    for index, call in writes:
        problem = _unconfirmed(evidence, call, since, index)
        if problem is not None:
            return failed("unconfirmed_write", f"{call.name}: {problem}", index)
        since = index
    return MET


def _unconfirmed(evidence: Evidence, call: ToolCall, since: int, before: int) -> str | None:
    """Return why the call is not confirmed by the messages in between; None = it is."""
    asked: str | None = None
    problem = "nobody said yes to a read-back of it"
    for index in range(since, before):
        message = evidence.messages[index]
        if isinstance(message, AssistantMessage) and not message.tool_calls:
            asks = _asks_to_go_ahead(message.content, evidence.voice.confirm_cues)
            asked = message.content if asks else None
        elif isinstance(message, UserMessage) and asked is not None:
            if not _affirms(message.content, evidence.voice.affirmations):
                continue
            missing = _not_read_back(evidence, call, asked)
            if missing is None:
                return None
            problem = f"the read-back did not name {missing!r}"
    return problem


def _asks_to_go_ahead(text: str, cues: tuple[str, ...]) -> bool:
    """Whether a text asks for the go-ahead or to confirm; saying "happy to" does not."""
    sentences = [match[0].strip() for match in _SENTENCE.finditer(text)]
    asking = [s for s in sentences if s.endswith("?") or "confirm" in s.lower()]
    return any(matches_any(cues, sentence) for sentence in asking)


def _affirms(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether a text says yes; "that is not correct" and "don't do that" do not."""
    return any(not _DENIED.search(text[: m.start()]) for m in _any(patterns).finditer(text))


def _not_read_back(evidence: Evidence, call: ToolCall, asked: str) -> str | None:
    """Return a date or address of the call that the question left out; None = all are there."""
    for value in call.arguments.values():
        if not isinstance(value, str):
            continue
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            if value not in dates_in(asked, evidence.today):
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
    words, dates = normal(asked), dates_in(asked, evidence.today)
    named = any(value in dates or has_words(words, normal(value)) for value in sayable)
    return None if named else ids[-1]


def _shown_beside(evidence: Evidence, id_: str) -> list[str]:
    """Return the texts that results showed in the same record as an id."""
    found: list[str] = []
    for _, _, answer in evidence.calls:
        if answer is None or answer.is_error or id_ not in answer.content:
            continue
        pending: list[Any] = [evidence.runtime.decode(answer.content)]
        while pending:
            value = pending.pop()
            if isinstance(value, dict):
                if id_ in value.values():
                    found += [text for text in value.values() if isinstance(text, str)]
                pending += value.values()
            elif isinstance(value, list):
                pending += value
    return [text for text in found if text != id_ and len(text) > 2]


def policy_kept(evidence: Evidence) -> Finding:
    """No call broke a clause of the policy in the state it met."""
    if not evidence.calls:
        return NOT_APPLICABLE
    if evidence.replay.broken:
        index, clause = evidence.replay.broken[0]
        text = evidence.runtime.domain.policy[clause].text
        return failed("policy_violation", f"clause {clause!r}: {text}", index)
    return MET


def claims_true(evidence: Evidence) -> Finding:
    """The assistant says of nothing that it is done before it is."""
    found = False
    for name, intent in evidence.runtime.playbook.intents.items():
        patterns = evidence.runtime.lexicon.intents[name].claims
        if intent.kind != "write" or not patterns or name not in evidence.task.intents:
            continue
        tools = {
            step.call
            for step in intent.steps
            if isinstance(step, CallStep) and step.call in evidence.runtime.writes
        }
        for index, text in evidence.said_by_assistant:
            sentence = claim_in(text, patterns)
            if sentence is None:
                continue
            found = True
            done = any(
                call.name in tools and call.id in evidence.successes
                for place, call, _ in evidence.calls
                if place < index
            )
            if not done:
                return failed("claimed_not_done", f"{sentence!r}, but it was never done", index)
    return MET if found else NOT_APPLICABLE


def claim_in(text: str, patterns: tuple[str, ...]) -> str | None:
    """Return the sentence that claims a deed; questions, conditions and denials claim nothing."""
    for match in _SENTENCE.finditer(text):
        sentence = match[0].strip()
        if sentence.endswith("?") or _NOT_YET.search(sentence):
            continue
        if matches_any(patterns, sentence):
            return sentence
    return None


def declined(evidence: Evidence) -> Finding:
    """A request that the policy forbids is declined, and the reason is the policy's."""
    clause = evidence.task.target.declined_by
    if clause is None:
        return NOT_APPLICABLE
    phrases = evidence.runtime.lexicon.clauses.get(clause)
    cues = phrases.cues if phrases is not None else ()
    refusals = [
        (index, text)
        for index, text in evidence.said_by_assistant
        if matches_any(evidence.voice.refusals, text)
    ]
    if not refusals:
        return failed("not_declined", f"not declined although {clause!r} forbids it")
    if not cues or any(matches_any(cues, text) for _, text in refusals):
        return MET
    index = refusals[0][0]
    return failed("not_declined", "declined, but not by the clause that forbids it", index)


def ended_well(evidence: Evidence) -> Finding:
    """The user left because they were done, and the assistant has the last word."""
    last = evidence.messages[-1]
    if evidence.trajectory.stop_reason is not StopReason.USER_DONE:
        return failed("not_finished", f"it stopped by {evidence.trajectory.stop_reason.value}")
    if not isinstance(last, AssistantMessage) or last.tool_calls:
        return failed("not_finished", "the last message is not the assistant's")
    return MET
