"""What a refusal gives as figures: a limit is the rule's, and what stands against it was shown.

A refusal reckons nothing. Its limits are those of the clause that it has to name; its days, times
and amounts are the user's, the clause's, or of the one record that was looked up for it. Everything
here is doubt, never proof. Only of English: elsewhere rule and refusal use different words.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from agentsynth.checks.bindings import Stated, is_named, places_of, stated_in, told_before
from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.forms import Mention
from agentsynth.checks.nouns import nouns_beside

__all__ = ["misrefused"]

_LIMIT_BEFORE = re.compile(
    r"\b(?:at (?:most|least)|no more than|more than|up to|beyond|within|needs?|needed"
    r"|the (?:last|next)|maximum of|minimum of|limit(?: is|'s| of)?)(?: the)? [$€£¥]?$",
    re.IGNORECASE,
)
_LIMIT_AFTER = re.compile(
    r"[\s-]?[A-Za-z°]*(?: [a-z]+){0,3} (?:at most|at least|or more|or less|before|ahead|in advance|"
    r"maximum|minimum)\b",
    re.IGNORECASE,
)


def misrefused(evidence: Evidence, index: int) -> str | None:
    """Return what a refusal states and neither user, rule nor record has; None = nothing.

    Args:
        index: of the assistant's message; one that declines nothing is passed over.
    """
    text = evidence.texts[index]
    due = evidence.task.target.declined
    if not (due and text.has_digits and evidence.language == "en" and evidence.refuses(text.text)):
        return None
    policy = evidence.runtime.domain.policy
    clauses = [evidence.read(policy[name].text) for name in due if name in policy]
    return _other_limit(evidence, text, clauses) or _other_moment(evidence, index, text, clauses)


def _other_limit(evidence: Evidence, text: MessageText, clauses: list[MessageText]) -> str | None:
    """Return a limit that no clause has; None = there is none, or no clause tells any."""
    limits = {key for clause in clauses for key in _figures(clause)}
    if not limits:
        return None
    for kind, value, mention in _limits_in(text):
        alike = {number for known, number in limits if known == kind}
        if alike and value not in alike:
            return text.text[mention.start : mention.end].strip()
    return None


def _figures(text: MessageText) -> Iterator[tuple[str, Decimal]]:
    for mention in text.quantities:
        for kind in _kinds(text, mention):
            yield kind, mention.value


def _kinds(text: MessageText, mention: Mention) -> list[str]:
    if mention.money:
        return ["money"]
    if mention.base is not None:
        return [mention.base]
    return [*nouns_beside(text.text, mention), "bare"]


def _limits_in(text: MessageText) -> Iterator[tuple[str, Decimal, Mention]]:
    taken = [(one.start, one.end) for one in (*text.days, *text.clocks)]
    for mention in text.quantities:
        if any(start <= mention.start < end for start, end in taken) or mention.glued:
            continue
        if not any(char.isdigit() for char in text.text[mention.start : mention.end]):
            continue  # `the next one` is no limit
        before = _LIMIT_BEFORE.search(text.text[max(0, mention.start - 24) : mention.start])
        if before or _LIMIT_AFTER.match(text.text, mention.end):
            yield _kinds(text, mention)[-1], mention.value, mention


def _other_moment(
    evidence: Evidence, index: int, text: MessageText, clauses: list[MessageText]
) -> str | None:
    """Return a day, a time or an amount that nobody said and no looked-up record has."""
    by_rule = {
        (one.kind, key) for clause in clauses for one in stated_in(clause) for key in one.keys
    }
    moments = [one for one in stated_in(text) if one.kind in ("date", "time", "money")]
    by_user = told_before(evidence, index) if moments else set[tuple[str, Any]]()
    told: set[str] = set()
    open_: dict[str, list[Stated]] = {}
    for stated in moments:
        if any((stated.kind, key) in by_rule for key in stated.keys):
            continue
        if any((stated.kind, key) in by_user for key in stated.keys):
            told.add(stated.kind)
        elif not _is_looked_up(evidence, index, text, stated):
            return stated.shown
        else:
            open_.setdefault(stated.kind, []).append(stated)
    if "time" in open_ and "time" not in told and _user_times(evidence, index):
        return open_["time"][0].shown
    return None


def _is_looked_up(evidence: Evidence, index: int, text: MessageText, stated: Stated) -> bool:
    """Whether a record that was got by itself, or that text or user name, has a value."""
    said = [text, *(evidence.texts[place] for place, _ in evidence.said_by_user if place < index)]
    return any(
        not record.listed
        or evidence.language != "en"
        or any(is_named(record, field, one) for one in said)
        for record, field in places_of(evidence, index, stated)
    )


def _user_times(evidence: Evidence, index: int) -> bool:
    return any(evidence.texts[place].clocks for place, _ in evidence.said_by_user if place < index)
