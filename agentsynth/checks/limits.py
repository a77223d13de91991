"""Limits: how many calls, messages and turns, how long a message, how often the same call."""

from collections import Counter
from collections.abc import Callable

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed, undecided
from agentsynth.core.criteria import Limit
from agentsynth.core.ids import canonical_json
from agentsynth.core.messages import AssistantMessage, UserMessage

__all__ = ["within_limits"]


def within_limits(evidence: Evidence, limit: Limit) -> Finding:
    """Return the first limit that is passed; not applicable where there is nothing to count."""
    found = [
        check(evidence, bound)
        for name, check in _LIMITS
        if (bound := getattr(limit, name)) is not None
    ]
    for outcome in ("not_met", "undecided", "met"):
        for finding in found:
            if finding.outcome == outcome:
                return finding
    return NOT_APPLICABLE


def _calls(evidence: Evidence, most: int) -> Finding:
    if not evidence.calls:
        return NOT_APPLICABLE
    if len(evidence.calls) > most:
        told = f"{len(evidence.calls)} calls, at most {most} are allowed"
        return failed("wasteful_calls", told, evidence.calls[most][0])
    return MET


def _repeated_calls(evidence: Evidence, most: int) -> Finding:
    """The same call, with no change of the state in between, tells nothing new.

    A call without a record that may have changed the state leaves it open.
    """
    if not evidence.calls:
        return NOT_APPLICABLE
    if len(evidence.calls) <= most:
        return MET
    changed = {r.call_id for r in evidence.trajectory.calls if r.changes}
    surely: Counter[str] = Counter()
    perhaps: Counter[str] = Counter()
    unsure: Finding | None = None
    for index, call, _ in evidence.calls:
        same = f"{call.name} {canonical_json(call.arguments)}"
        surely[same] += 1
        perhaps[same] += 1
        told = f"{same} was called {perhaps[same]} times while nothing changed"
        if surely[same] > most:
            return failed("wasteful_calls", f"{told}, at most {most} are allowed", index)
        if perhaps[same] > most:
            unsure = unsure or undecided(f"{told}, as far as is on record", index)
        if call.id in changed:
            surely.clear()
            perhaps.clear()
        elif call.id not in evidence.outcomes and evidence.runtime.is_write(call):
            surely.clear()
    return unsure or MET


def _assistant_messages(evidence: Evidence, most: int) -> Finding:
    spoken = [
        index
        for index, message in enumerate(evidence.messages)
        if isinstance(message, AssistantMessage) and message.content
    ]
    return _few(spoken, most, "messages of the assistant")


def _user_turns(evidence: Evidence, most: int) -> Finding:
    turns = [i for i, message in enumerate(evidence.messages) if isinstance(message, UserMessage)]
    return _few(turns, most, "turns of the user")


def _few(places: list[int], most: int, what: str) -> Finding:
    if not places:
        return NOT_APPLICABLE
    if len(places) > most:
        told = f"{len(places)} {what}, at most {most} are allowed"
        return failed("too_long", told, places[most])
    return MET


def _message_chars(evidence: Evidence, most: int) -> Finding:
    spoken = [
        (index, len(message.content))
        for index, message in enumerate(evidence.messages)
        if isinstance(message, AssistantMessage) and message.content
    ]
    if not spoken:
        return NOT_APPLICABLE
    for index, chars in spoken:
        if chars > most:
            told = f"a message of {chars} characters, at most {most} are allowed"
            return failed("too_long", told, index)
    return MET


_LIMITS: tuple[tuple[str, Callable[[Evidence, int], Finding]], ...] = (
    ("calls", _calls),
    ("repeated_calls", _repeated_calls),
    ("assistant_messages", _assistant_messages),
    ("user_turns", _user_turns),
    ("message_chars", _message_chars),
)
