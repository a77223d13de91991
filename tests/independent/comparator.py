"""Says whether a conversation reached its task's goal, by another method than the checks.

The records of its calls are played over plain tables, and what then differs from the start is
matched with the target change by change, each new record standing for one creation. Words are
looked for in the ways people write them. It knows no plan, no phrase and no check.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.task import Answer, Change, Task
from agentsynth.core.trajectory import Trajectory

__all__ = ["Findings", "Tables", "compare", "tables_after"]

Tables = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""Entity to key to record."""

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NUMBERS = (
    "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve",
)  # fmt: skip
_YES = re.compile(
    r"\b(?:yes|yep|yeah|sure|ok|okay|correct|confirm|go ahead|proceed|do so|do it|please do|perfect"
    r"|right|exactly|by all means)\b"
)


_NO = re.compile(r"\b(?:can[’']?t|cannot|not|isn[’']t|no|unable|impossible)\b")


@dataclass(frozen=True)
class Findings:
    """What holds of a conversation."""

    state: bool
    """The end is what the target says, and nothing else."""
    answers: bool
    """One message of the assistant says every answer."""
    told: bool
    """After the last change the assistant told something of it: more than a goodbye."""
    confirmed: bool
    """Every consequential call came behind a question and a yes, one yes for one deed."""
    declined: bool
    """What cannot be granted was declined in the honest words, and behind the same refusals of
    tools."""

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.state and self.answers and self.told and self.confirmed and self.declined


def compare(
    task: Task,
    trajectory: Trajectory,
    start: Tables,
    consequential: frozenset[str],
    honest: Trajectory,
) -> Findings:
    """Hold a conversation against its task.

    Args:
        start: all records at the start.
        honest: the right conversation that this one was made from.
        consequential: tools whose calls want a yes first.
    """
    end = tables_after(start, trajectory)
    return Findings(
        state=_matches(list(_differences(start, end)), task.target.changes),
        answers=_answered(task, trajectory),
        told=_told(task, trajectory),
        confirmed=_confirmed(trajectory, consequential),
        declined=_declined(task, trajectory, honest),
    )


# -- state -----------------------------------------------------------------------------------------


def tables_after(start: Tables, trajectory: Trajectory) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the records after the calls, from what each call's record says that it changed."""
    tables = {name: {k: dict(r) for k, r in rows.items()} for name, rows in start.items()}
    records = {record.call_id: record for record in trajectory.calls}
    acts = list(trajectory.user_calls)
    for place in range(len(trajectory.messages) + 1):
        while acts and acts[0].after <= place:
            _play(tables, acts.pop(0).changes)
        message = trajectory.messages[place] if place < len(trajectory.messages) else None
        if isinstance(message, AssistantMessage):
            for call in message.tool_calls:
                record = records.get(call.id)
                if record is not None and record.outcome == "success":
                    _play(tables, record.changes)
    return tables


def _play(tables: dict[str, dict[str, dict[str, Any]]], changes: Sequence[Change]) -> None:
    for change in changes:
        rows = tables.setdefault(change.entity, {})
        key = change.key or ""
        if change.op == "delete":
            rows.pop(key, None)
        elif change.op == "create":
            rows[key] = dict(change.fields)
        else:
            rows.setdefault(key, {}).update(change.fields)


_Difference = tuple[str, str, str, dict[str, Any]]
"""What happened, the entity, the key, and the fields that differ (all of a new record)."""


def _differences(start: Tables, end: Tables) -> list[_Difference]:
    found: list[_Difference] = []
    for entity in start.keys() | end.keys():
        before, after = start.get(entity, {}), end.get(entity, {})
        for key in before.keys() | after.keys():
            if key not in after:
                found.append(("delete", entity, key, {}))
            elif key not in before:
                found.append(("create", entity, key, dict(after[key])))
            else:
                fields = {n: v for n, v in after[key].items() if before[key].get(n) != v}
                if fields:
                    found.append(("update", entity, key, fields))
    return found


def _matches(found: list[_Difference], wanted: Sequence[Change]) -> bool:
    """Match one by one: old records by their keys, new ones by trying all assignments."""
    if len(found) != len(wanted):
        return False
    new = {key: entity for op, entity, key, _ in found if op == "create"}
    old = {(op, entity, key): fields for op, entity, key, fields in found if op != "create"}
    for change in wanted:
        if change.op == "create":
            continue
        fields = old.pop((change.op, change.entity, change.key or ""), None)
        if fields is None or not _alike(fields, change.fields, new, ""):
            return False
    if old:
        return False
    born = [one for one in found if one[0] == "create"]
    return _assigned(born, [c for c in wanted if c.op == "create"], new)


def _assigned(born: list[_Difference], wanted: list[Change], new: Mapping[str, str]) -> bool:
    if not wanted:
        return not born
    first, *rest = wanted
    for place, (_, entity, key, fields) in enumerate(born):
        fits = entity == first.entity and _alike(fields, first.fields, new, key)
        if fits and _assigned(born[:place] + born[place + 1 :], rest, new):
            return True
    return False


def _alike(
    have: Mapping[str, Any], want: Mapping[str, Any], new: Mapping[str, str], own: str
) -> bool:
    """Whether fields are equal, a reference to a new record standing for any of its entity."""
    mine = {n: v for n, v in have.items() if not (own and v == own)}
    if mine.keys() != want.keys():
        return False
    for name, value in mine.items():
        refers = isinstance(value, str) and want[name] == f"new:{new.get(value)}"
        if value != want[name] and not refers:
            return False
    return True


# -- words -----------------------------------------------------------------------------------------


def _answered(task: Task, trajectory: Trajectory) -> bool:
    answers = task.target.answers
    if not answers:
        return True
    texts = [m.content for m in trajectory.messages if isinstance(m, AssistantMessage)]
    return any(all(_is_in(answer, text.casefold()) for answer in answers) for text in texts)


def _is_in(answer: Answer, text: str) -> bool:
    ways = _WAYS.get(answer.type, _plainly)(answer.value)
    if answer.said_as is not None:
        ways.append(answer.said_as.casefold())
    return any(re.search(rf"(?<![\w.]){re.escape(way)}(?!\w|\.\d)", text) for way in ways)


def _plainly(value: Any) -> list[str]:
    return [str(value).casefold()]


def _as_money(value: Any) -> list[str]:
    whole, cents = divmod(int(value), 100)
    ways = [f"{whole}.{cents:02}", f"{whole:,}.{cents:02}"]
    return ways + ([str(whole), f"{whole:,}"] if cents == 0 else [])


def _as_date(value: Any) -> list[str]:
    year, month, day = (int(part) for part in str(value).split("-"))
    name = _MONTHS[month - 1]
    ways = [str(value)]
    for written in (name, name[:3]):
        ways += [f"{day} {written}", f"{written} {day}", f"{day} {written} {year}"]
    return ways


def _as_count(value: Any) -> list[str]:
    number = int(value)
    return [str(number)] + ([_NUMBERS[number]] if 0 <= number < len(_NUMBERS) else [])


_WAYS: Mapping[str, Callable[[Any], list[str]]] = {
    "money": _as_money,
    "date": _as_date,
    "count": _as_count,
    "quantity": _plainly,
    "text": _plainly,
}


# -- conduct ---------------------------------------------------------------------------------------


def _told(task: Task, trajectory: Trajectory) -> bool:
    """Whether the words right behind the last change are not those of a goodbye."""
    if not task.target.changes:
        return True
    changing = {r.call_id for r in trajectory.calls if r.changes}
    places = [
        place
        for place, message in enumerate(trajectory.messages)
        if isinstance(message, AssistantMessage)
        and any(call.id in changing for call in message.tool_calls)
    ]
    if not places:
        return False
    for message in trajectory.messages[places[-1] + 1 :]:
        if isinstance(message, UserMessage):
            return False  # the user spoke first, and was told nothing
        if isinstance(message, AssistantMessage) and not message.tool_calls:
            return bool(message.content.strip())
    return False


def _declined(task: Task, trajectory: Trajectory, honest: Trajectory) -> bool:
    """Whether the words that declined are still there, and what tools refused was refused here."""
    if not task.target.declined:
        return True
    texts = {m.content for m in trajectory.messages if isinstance(m, AssistantMessage)}
    refused = {r.call_id for r in trajectory.calls if r.outcome == "error"}
    words = [
        message.content
        for message in honest.messages
        if isinstance(message, AssistantMessage) and _NO.search(message.content.casefold())
    ]
    due = {record.call_id for record in honest.calls if record.outcome == "error"}
    return bool(words) and words[0] in texts and due <= refused


def _confirmed(trajectory: Trajectory, consequential: frozenset[str]) -> bool:
    asked = said_yes = False
    done: set[str] = set()
    for message in trajectory.messages:
        if isinstance(message, UserMessage):
            said_yes = asked and _YES.search(message.content.casefold()) is not None
            asked, done = False, set()
        elif isinstance(message, AssistantMessage):
            for call in message.tool_calls:
                deed = repr((call.name, sorted(call.arguments.items())))
                if call.name in consequential and (not said_yes or deed in done):
                    return False
                done.add(deed)
            if not message.tool_calls:
                asked = "?" in message.content or "confirm" in message.content.casefold()
                said_yes = False
    return True
