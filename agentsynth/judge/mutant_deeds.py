"""Mutants of what was done: confirmations, arguments, calls, reports, and the order of calls."""

import random
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from agentsynth.core.ids import canonical_json
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from agentsynth.judge.mutant_values import other_argument
from agentsynth.judge.mutant_words import MutantWords
from agentsynth.judge.record_edits import Draft, Entry

__all__ = [
    "Changed",
    "Making",
    "dropped_confirmation",
    "dropped_report",
    "renamed_ids",
    "reordered_calls",
    "shown_in",
    "swapped_argument",
    "unbacked_claim",
]

_ASKS = ("?", "？")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
"""A clock that goes on with every call shows in which order they were made."""


@dataclass(frozen=True, slots=True)
class Making:
    """What a mutant is made from."""

    draft: Draft
    rng: random.Random
    writes: Collection[str]
    words: MutantWords


@dataclass(frozen=True, slots=True)
class Changed:
    """A draft after its change."""

    draft: Draft
    message: int
    """Index, in the draft, of the message that was changed, or that follows what was taken out."""


def shown_in(draft: Draft) -> str:
    """Return all that stands in a conversation: words, results, arguments, the user's own calls."""
    calls = [canonical_json(call.arguments) for _, call in draft.made()]
    own = [f"{canonical_json(one.call.arguments)} {one.content}" for one in draft.user_calls]
    return "\n".join((*(entry.text for entry in draft.entries), *calls, *own))


def dropped_confirmation(making: Making) -> Changed | None:
    """Take out the question and the yes before a call that needs one."""
    draft = making.draft
    places: list[int] = []
    for place, call in draft.made():
        answer = _last_words_before(draft, place)
        if call.name in making.writes and answer is not None and _says_yes(making, answer):
            places.append(answer)
    if not places:
        return None
    yes = making.rng.choice(sorted(set(places)))
    return Changed(draft.without({yes - 1, yes}), yes - 1)


def _last_words_before(draft: Draft, place: int) -> int | None:
    """Return the user's message that a call follows with no word of the assistant in between."""
    for earlier in range(place - 1, 1, -1):
        message = draft.entries[earlier].message
        if isinstance(message, UserMessage):
            return earlier
        if isinstance(message, AssistantMessage) and message.content.strip():
            return None
    return None


def _says_yes(making: Making, place: int) -> bool:
    """Whether a yes stands here, right behind a question, and words of the user before both."""
    entries = making.draft.entries
    question = entries[place - 1]
    asked = isinstance(question.message, AssistantMessage) and not question.message.tool_calls
    before = any(isinstance(one.message, UserMessage) for one in entries[: place - 1])
    yes = re.search(making.words.yes, entries[place].text, re.IGNORECASE) is not None
    return asked and before and yes and any(mark in question.text for mark in _ASKS)


def swapped_argument(making: Making) -> Changed | None:
    """Put another value of the same sort among a call's arguments; result and report stay."""
    draft, shown = making.draft, shown_in(making.draft)
    found = [
        (place, call, name)
        for place, call in draft.made()
        if call.text is None and _succeeded(draft, place, call)
        for name in call.arguments
    ]
    making.rng.shuffle(found)
    for place, call, name in found:
        other = other_argument(name, call.arguments[name], shown, making.rng)
        if other is not None:
            arguments: dict[str, Any] = {**call.arguments, name: other}
            changed = call.model_copy(update={"arguments": arguments})
            return Changed(draft.with_calls(place, _swapped(draft, place, call, changed)), place)
    return None


def _calls_at(draft: Draft, place: int) -> tuple[ToolCall, ...]:
    message = draft.entries[place].message
    return message.tool_calls if isinstance(message, AssistantMessage) else ()


def _swapped(draft: Draft, place: int, old: ToolCall, new: ToolCall) -> list[ToolCall]:
    return [new if call is old else call for call in _calls_at(draft, place)]


def _succeeded(draft: Draft, place: int, call: ToolCall) -> bool:
    answer = draft.result_of(call, place)
    message = draft.entries[answer].message if answer is not None else None
    return isinstance(message, ToolMessage) and not message.is_error


def _changing(making: Making) -> list[tuple[int, ToolCall, int]]:
    """Return every call that changed something: its message, itself, where it is answered."""
    found: list[tuple[int, ToolCall, int]] = []
    for place, call in making.draft.made():
        answer = making.draft.result_of(call, place)
        if answer is None or not _succeeded(making.draft, place, call):
            continue
        changes = making.draft.entries[answer].changes
        if changes or (changes is None and call.name in making.writes):
            found.append((place, call, answer))
    return found


def unbacked_claim(making: Making) -> Changed | None:
    """Take out a call that changed something, with its result; the words that claim it stay."""
    draft = making.draft
    found = [one for one in _changing(making) if _touched_once(making, one[2])]
    found = [one for one in found if any(said > one[0] for said in draft.spoken())]
    if not found:
        return None
    place, call, answer = making.rng.choice(found)
    rest = [other for other in _calls_at(draft, place) if other is not call]
    gone = {answer} if rest or draft.entries[place].text.strip() else {place, answer}
    left = draft.with_calls(place, rest).without(gone)
    said = next(said for said in left.spoken() if said >= place)
    return Changed(left, said)


def _touched_once(making: Making, answer: int) -> bool:
    """Whether no other call touched a record that this one changed."""
    entries = making.draft.entries
    mine = {(c.entity, c.key) for c in entries[answer].changes or ()}
    others = {
        (change.entity, change.key)
        for place, entry in enumerate(entries)
        if place != answer
        for change in entry.changes or ()
    }
    others |= {(c.entity, c.key) for one in making.draft.user_calls for c in one.changes}
    return mine.isdisjoint(others)


def dropped_report(making: Making) -> Changed | None:
    """Say something friendly where the report belongs: behind the last change, with no call after.

    Whatever else is said before the user speaks again is taken out.
    """
    draft = making.draft
    changing = _changing(making)
    if not changing:
        return None
    last = max(answer for _, _, answer in changing)
    if any(place > last for place, _ in draft.made()):
        return None
    report = next((said for said in draft.spoken() if said > last), None)
    if report is None or any(
        isinstance(entry.message, UserMessage) for entry in draft.entries[last:report]
    ):
        return None
    return Changed(draft.with_words(report, making.rng.choice(making.words.goodbye)), report)


def reordered_calls(making: Making) -> Changed | None:
    """Turn round the order of calls made at once, and of their results, where none changes a thing.

    Done twice it is undone.
    """
    draft = making.draft
    able = [place for place in range(len(draft.entries)) if _turnable(making, place)]
    if not able:
        return None
    place = making.rng.choice(able)
    calls = _calls_at(draft, place)
    end = place + 1 + len(calls)
    turned = draft.with_calls(place, calls[::-1]).entries
    answers = turned[place + 1 : end][::-1]
    entries = (*turned[: place + 1], *answers, *turned[end:])
    return Changed(replace(draft, entries=entries), place)


def _turnable(making: Making, place: int) -> bool:
    calls = _calls_at(making.draft, place)
    if len(calls) < 2 or any(call.name in making.writes for call in calls):
        return False
    entries = making.draft.entries[place + 1 : place + 1 + len(calls)]
    answered = [e.message.tool_call_id for e in entries if isinstance(e.message, ToolMessage)]
    between = range(place + 1, place + 1 + len(calls))
    quiet = not any(one.after in between for one in making.draft.user_calls)
    alone = len(set(answered)) == len(calls)
    return (
        quiet
        and alone
        and answered == [call.id for call in calls]
        and not any(entry.changes or _MOMENT.search(entry.text) for entry in entries)
    )


def renamed_ids(making: Making) -> Changed | None:
    """Give every call another id, with its result and its record."""
    draft = making.draft
    names: dict[str, str] = {}
    for _, call in draft.made():
        names.setdefault(call.id, f"call_{making.rng.getrandbits(48):012x}_{len(names)}")
    if not names:
        return None
    entries = [_renamed(entry, names) for entry in draft.entries]
    return Changed(replace(draft, entries=tuple(entries)), draft.made()[0][0])


def _renamed(entry: Entry, names: dict[str, str]) -> Entry:
    message = entry.message
    if isinstance(message, AssistantMessage) and message.tool_calls:
        calls: Sequence[ToolCall] = [
            call.model_copy(update={"id": names[call.id]}) for call in message.tool_calls
        ]
        return replace(entry, message=message.model_copy(update={"tool_calls": tuple(calls)}))
    if isinstance(message, ToolMessage) and message.tool_call_id in names:
        name = names[message.tool_call_id]
        record = entry.record and entry.record.model_copy(update={"call_id": name})
        changed = message.model_copy(update={"tool_call_id": name})
        return replace(entry, message=changed, record=record)
    return entry
