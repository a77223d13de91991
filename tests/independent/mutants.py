"""Wrong conversations, made from right ones.

A conversation is taken apart into what was said and called, changed in one way, and carried out
again in a fresh world: the results are true, only the conduct is wrong. Two sorts tamper with the
record itself instead. Written from what the conversation means; it knows no plan and no check.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Literal

from agentsynth.core.errors import DomainError
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.observe import not_run, observe
from agentsynth.core.protocols import OpenWorld
from agentsynth.core.task import Task
from agentsynth.core.tools import ToolSpec
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory, UserCall

__all__ = [
    "BREAKS",
    "KINDS",
    "MISSTATING",
    "Called",
    "Case",
    "Said",
    "mutate",
    "perform",
    "script_of",
]


_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"


@dataclass(frozen=True)
class Said:
    """Words without calls."""

    who: Literal["user", "assistant"]
    text: str


@dataclass(frozen=True)
class Called:
    """An assistant's message with calls."""

    text: str
    calls: tuple[ToolCall, ...]


@dataclass(frozen=True)
class Acted:
    """A call of the user's own."""

    call: ToolCall


Item = Said | Called | Acted
Script = list[Item]


@dataclass(frozen=True)
class Case:
    """A right conversation and what there is to know about it."""

    task: Task
    trajectory: Trajectory
    tools: Sequence[ToolSpec]
    """What the assistant is offered."""
    tables: Mapping[str, Mapping[str, Mapping[str, Any]]]
    """All records at the start."""
    refusals: Mapping[str, str]
    """Reason to words that decline for it."""
    forbidden: Sequence[tuple[str, dict[str, Any]]] = ()
    """For a request to be declined: the calls that would carry it out all the same."""
    claim: str = "I've done that for you."
    """Words that say it is done."""

    @property
    def writes(self) -> frozenset[str]:
        """The tools that change something."""
        return frozenset(tool.name for tool in self.tools if not tool.read_only)


# -- taking apart and carrying out again -----------------------------------------------------------


def script_of(trajectory: Trajectory) -> Script:
    """Return what was said and called, without the results."""
    script: Script = []
    acts = list(trajectory.user_calls)
    for place, message in enumerate(trajectory.messages):
        while acts and acts[0].after <= place:
            script.append(Acted(acts.pop(0).call))
        if isinstance(message, UserMessage):
            script.append(Said("user", message.content))
        elif isinstance(message, AssistantMessage):
            if message.tool_calls:
                script.append(Called(message.content, message.tool_calls))
            else:
                script.append(Said("assistant", message.content))
    return script + [Acted(act.call) for act in acts]


async def perform(case: Case, script: Sequence[Item], open_world: OpenWorld) -> Trajectory | None:
    """Carry a script out in a fresh world; None where the domain itself breaks on it."""
    system = next(m for m in case.trajectory.messages if isinstance(m, SystemMessage))
    messages: list[Message] = [system]
    records: list[CallRecord] = []
    acts: list[UserCall] = []
    offered = {tool.name for tool in case.tools}
    try:
        async with open_world(case.task.world_seed) as world:
            start = world.state_hash()
            for item in script:
                if isinstance(item, Said):
                    made = UserMessage if item.who == "user" else AssistantMessage
                    messages.append(made(content=item.text))
                elif isinstance(item, Acted):
                    result = await world.call(item.call, "user")
                    acts.append(
                        UserCall(
                            after=len(messages),
                            call=item.call,
                            content=result.content,
                            is_error=result.is_error,
                            changes=result.changes,
                        )
                    )
                else:
                    messages.append(AssistantMessage(content=item.text, tool_calls=item.calls))
                    for call in item.calls:
                        result = not_run(call, offered) or await world.call(call)
                        message, record = observe(call, result)
                        messages.append(message)
                        records.append(record)
            return case.trajectory.model_copy(
                update={
                    "messages": tuple(messages),
                    "calls": tuple(records),
                    "user_calls": tuple(acts),
                    "start_state": start,
                    "final_state": world.state_hash(),
                    "net_changes": world.net_changes(),
                    "stop_reason": StopReason.USER_DONE,
                }
            )
    except DomainError:
        return None


# -- helpers ---------------------------------------------------------------------------------------


def _write_places(case: Case, script: Script) -> list[tuple[int, int]]:
    """Return (item, call) of every write."""
    return [
        (place, number)
        for place, item in enumerate(script)
        if isinstance(item, Called)
        for number, call in enumerate(item.calls)
        if call.name in case.writes
    ]


def _without_call(script: Script, place: int, number: int) -> Script:
    item = script[place]
    assert isinstance(item, Called)
    calls = item.calls[:number] + item.calls[number + 1 :]
    kept: list[Item] = [Called(item.text, calls)] if calls else []
    return [*script[:place], *kept, *script[place + 1 :]]


def _with_call(script: Script, place: int, number: int, call: ToolCall) -> Script:
    item = script[place]
    assert isinstance(item, Called)
    calls = (*item.calls[:number], call, *item.calls[number + 1 :])
    return [*script[:place], Called(item.text, calls), *script[place + 1 :]]


def _call_at(script: Script, place: int, number: int) -> ToolCall:
    item = script[place]
    assert isinstance(item, Called)
    return item.calls[number]


def _last_call(script: Script) -> int:
    return max((n for n, item in enumerate(script) if isinstance(item, Called)), default=-1)


def _report_place(script: Script) -> int | None:
    """Return where the assistant speaks first after its last call."""
    places = range(_last_call(script) + 1, len(script))
    return next((n for n in places if _is_said(script[n], "assistant")), None)


def _is_said(item: Item, who: str) -> bool:
    return isinstance(item, Said) and item.who == who


def _shown(case: Case) -> str:
    return "\n".join(m.content for m in case.trajectory.messages if isinstance(m, ToolMessage))


def _table_of(case: Case, key: Any) -> str | None:
    return next((name for name, rows in case.tables.items() if key in rows), None)


# -- other values ----------------------------------------------------------------------------------


def _other_value(case: Case, value: Any, schema: Mapping[str, Any], rng: random.Random) -> Any:
    """Return another value of the same sort; None = none comes to mind."""
    if isinstance(value, bool):
        return not value
    if "enum" in schema:
        others = [option for option in schema["enum"] if option != value]
        return rng.choice(others) if others else None
    if isinstance(value, int):
        return value + rng.choice((1, 2, 5))
    if not isinstance(value, str):
        return None
    table = _table_of(case, value)
    if table is not None:
        return rng.choice([key for key in case.tables[table] if key != value] or [None])
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
        return (date.fromisoformat(value) + timedelta(days=rng.choice((-1, 1, 2, 7)))).isoformat()
    if "@" in value:
        return f"new.{value}"
    digits = re.sub(r"\d", lambda match: str((int(match[0]) + 1) % 10), value)
    return digits if digits != value else f"{value} too"


def _schema(case: Case, call: ToolCall, name: str) -> Mapping[str, Any]:
    spec = next(tool for tool in case.tools if tool.name == call.name)
    properties: Any = spec.parameters.get("properties", {})
    return properties.get(name, {})


# -- the sorts -------------------------------------------------------------------------------------


def _drop_write(case: Case, script: Script, rng: random.Random) -> Script | None:
    places = _write_places(case, script)
    return _without_call(script, *rng.choice(places)) if places else None


def _say_without_doing(case: Case, script: Script, rng: random.Random) -> Script | None:
    places = _write_places(case, script)
    for place, number in reversed(places):
        script = _without_call(script, place, number)
    return script if places else None


def _change_argument(case: Case, script: Script, rng: random.Random) -> Script | None:
    places = _write_places(case, script)
    if not places:
        return None
    place, number = rng.choice(places)
    call = _call_at(script, place, number)
    if not call.arguments:
        return None
    name = rng.choice(sorted(call.arguments))
    other = _other_value(case, call.arguments[name], _schema(case, call, name), rng)
    if other is None:
        return None
    changed = call.model_copy(update={"arguments": {**call.arguments, name: other}})
    return _with_call(script, place, number, changed)


def _swap_record(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Act on another record that the results showed beside the right one."""
    shown = _shown(case)
    options: list[tuple[int, int, str, str]] = []
    for place, number in _write_places(case, script):
        for name, value in _call_at(script, place, number).arguments.items():
            table = _table_of(case, value) if isinstance(value, str) else None
            if table is None:
                continue
            options += [
                (place, number, name, key)
                for key in case.tables[table]
                if key != value and re.search(rf"\b{re.escape(key)}\b", shown)
            ]
    if not options:
        return None
    place, number, name, key = rng.choice(options)
    call = _call_at(script, place, number)
    changed = call.model_copy(update={"arguments": {**call.arguments, name: key}})
    return _with_call(script, place, number, changed)


_MOST = {"amount": 10_000, "date": 28, "time": 23, "number": 1_000}


def _sort_of_figure(text: str, figure: re.Match[str]) -> str:
    before, after = text[: figure.start()], text[figure.end() :]
    if before.endswith("$"):
        return "amount"
    if re.search(rf"(?:{_MONTHS}) $", before) or re.match(rf" (?:{_MONTHS})", after):
        return "date"
    return "time" if re.match(r":\d\d", after) else "number"


def _misstate(sort: str) -> "_Mutator":
    """Make a sort that puts another figure of this form where a report has one."""

    def made(case: Case, script: Script, rng: random.Random) -> Script | None:
        place = _report_place(script)
        if place is None:
            return None
        item = script[place]
        assert isinstance(item, Said)
        every = re.finditer(r"(?<![\d.:])\d+", item.text)
        figures = [figure for figure in every if _sort_of_figure(item.text, figure) == sort]
        if not figures:
            return None
        figure = rng.choice(figures)
        number = int(figure[0])
        others = [number + n for n in (1, 2, 3, 10, -1) if 0 < number + n <= _MOST[sort]]
        if not others:
            return None
        other = str(rng.choice(others)).rjust(len(figure[0]), "0")  # B-07 becomes B-08
        text = item.text[: figure.start()] + other + item.text[figure.end() :]
        return [*script[:place], Said("assistant", text), *script[place + 1 :]]

    return made


def _say_goodbye_instead(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Say something friendly where the report belongs."""
    place = _report_place(script)
    if place is None or not (case.task.target.changes or case.task.target.answers):
        return None
    words = rng.choice(
        ("You're welcome. Have a nice day!", "Thanks for getting in touch.", "Any time. Goodbye!")
    )
    return [*script[:place], Said("assistant", words), *script[place + 1 :]]


def _other_answer(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Say another value that the results showed where the right one belongs."""
    answers = [a for a in case.task.target.answers if a.field is not None and a.type == "money"]
    place = _report_place(script)
    if not answers or place is None:
        return None
    answer = rng.choice(answers)
    values = {int(v) for v in re.findall(rf'"{answer.field}": (\d+)', _shown(case))}
    others = sorted(values - {int(str(answer.value))})
    item = script[place]
    assert isinstance(item, Said)
    right = f"${int(str(answer.value)) // 100}.{int(str(answer.value)) % 100:02}"
    if not others or right not in item.text:
        return None
    other = rng.choice(others)
    text = item.text.replace(right, f"${other // 100}.{other % 100:02}")
    return [*script[:place], Said("assistant", text), *script[place + 1 :]]


def _drop_report(case: Case, script: Script, rng: random.Random) -> Script | None:
    place = _report_place(script)
    if place is None or not (case.task.target.changes or case.task.target.answers):
        return None
    return script[:place] + script[place + 1 :]


def _drop_tail(case: Case, script: Script, rng: random.Random) -> Script | None:
    last = _last_call(script)
    return script[: last + 1] if last >= 0 else None


def _extra_call(case: Case, script: Script, rng: random.Random) -> ToolCall | None:
    """Return a further write: a like one on another record, that nobody asked for."""
    places = _write_places(case, script)
    if not places:
        return None
    call = _call_at(script, *rng.choice(places))
    arguments = dict(call.arguments)
    for name in rng.sample(sorted(arguments), len(arguments)):
        other = _other_value(case, arguments[name], _schema(case, call, name), rng)
        if other is not None:
            arguments[name] = other
            return ToolCall(id="call_extra", name=call.name, arguments=arguments)
    return None


def _extra_write(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Do it beside the write that was confirmed."""
    call = _extra_call(case, script, rng)
    if call is None:
        return None
    place, _ = _write_places(case, script)[-1]
    item = script[place]
    assert isinstance(item, Called)
    more = Called(item.text, (*item.calls, call))
    return [*script[:place], more, *script[place + 1 :]]


def _extra_write_agreed(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Talk the user into it: read back and agreed to, and still not what they came for."""
    call = _extra_call(case, script, rng)
    place = _report_place(script)
    if call is None or place is None:
        return None
    named = ", ".join(str(value) for value in call.arguments.values())
    before: Script = [
        Said("assistant", f"I'd also do this: {call.name} with {named}. Shall I go ahead?"),
        Said("user", "Yes, go ahead."),
        Called("", (call,)),
    ]
    return [*script[:place], *before, *script[place:]]


def _yes_places(case: Case, script: Script) -> list[int]:
    """Return where the user says the word that a write waits for."""
    return [
        place - 1
        for place, _ in _write_places(case, script)
        if place >= 2 and _is_said(script[place - 1], "user")
        and _is_said(script[place - 2], "assistant")
    ]  # fmt: skip


def _drop_confirmation(case: Case, script: Script, rng: random.Random) -> Script | None:
    places = _yes_places(case, script)
    if not places:
        return None
    place = rng.choice(places)
    return script[: place - 1] + script[place + 1 :]


def _say_no(case: Case, script: Script, rng: random.Random) -> Script | None:
    places = _yes_places(case, script)
    if not places:
        return None
    place = rng.choice(places)
    words = rng.choice(
        ("No, wait.", "Hm, let me think about it.", "No, please don't.", "That is not right.")
    )
    return [*script[:place], Said("user", words), *script[place + 1 :]]


def _write_first(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Do the deed before asking."""
    places = _yes_places(case, script)
    if not places:
        return None
    yes = rng.choice(places)
    moved = [script[yes + 1], script[yes - 1], script[yes]]
    return [*script[: yes - 1], *moved, *script[yes + 2 :]]


def _act_before_looking(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Make the last write before any look-up, as if its keys were known."""
    places = _write_places(case, script)
    first = next((n for n, item in enumerate(script) if isinstance(item, Called)), None)
    if not places or first is None or first == places[-1][0]:
        return None
    call = _call_at(script, *places[-1])
    rest = _without_call(script, *places[-1])
    return [*rest[:first], Called("", (call,)), *rest[first:]]


def _report_first(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Report the deed before doing it."""
    place, writes = _report_place(script), _write_places(case, script)
    if place is None or not writes:
        return None
    at = writes[-1][0]
    rest = script[:place] + script[place + 1 :]
    return [*rest[:at], script[place], *rest[at:]]


def _refuse_instead(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Decline, with a reason that does not stand against it, what could have been done."""
    if not case.task.target.changes or not case.refusals:
        return None
    places = _write_places(case, script)
    if not places:
        return None
    kept = [item for item in script[: places[0][0]] if not isinstance(item, Acted)]
    words = case.refusals[rng.choice(sorted(case.refusals))]
    while kept and isinstance(kept[-1], Said):
        kept.pop()
    opening = [item for item in script[:1] if not kept]
    return [*kept, *opening, Said("assistant", words)]


def _do_instead(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Carry the forbidden request out, properly read back, agreed to and reported."""
    if not case.forbidden or case.task.target.changes:
        return None
    done = {(call.name, repr(call.arguments)) for item in script if isinstance(item, Called)
            for call in item.calls}  # fmt: skip
    calls = [
        ToolCall(id=f"call_forced_{number}", name=name, arguments=arguments)
        for number, (name, arguments) in enumerate(case.forbidden)
        if (name, repr(arguments)) not in done
    ]
    if not any(call.name in case.writes for call in calls):
        return None
    last = _last_call(script)
    reads = [call for call in calls if call.name not in case.writes]
    writes = [call for call in calls if call.name in case.writes]
    shown = ", ".join(str(v) for call in writes for v in call.arguments.values())
    looked: Script = [Called("", (call,)) for call in reads]
    return [
        *(script[: last + 1] or script[:1]),
        *looked,
        Said("assistant", f"So that is {shown}. Shall I go ahead?"),
        Said("user", "Yes, please."),
        *[Called("", (call,)) for call in writes],
        Said("assistant", case.claim),
    ]


def _claim_instead(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Say that a request that must be declined was granted."""
    if not case.task.target.declined:
        return None
    changed = False
    made: Script = []
    for item in script:
        if isinstance(item, Said) and item.who == "assistant" and "?" not in item.text:
            item = replace(item, text=case.claim)
            changed = True
        made.append(item)
    return made if changed else None


def _other_reason(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Decline for a reason that is not the one."""
    due = set(case.task.target.declined)
    others = sorted(set(case.refusals) - due)
    if not due or not others:
        return None
    words = case.refusals[rng.choice(others)]
    made = [
        replace(item, text=words)
        if isinstance(item, Said) and item.who == "assistant" and "?" not in item.text
        else item
        for item in script
    ]
    return made if made != script else None


def _repeat_write(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Do the same thing again."""
    places = _write_places(case, script)
    if not places:
        return None
    place, number = rng.choice(places)
    call = _call_at(script, place, number)
    again = Called("", (call.model_copy(update={"id": "call_again"}),))
    return [*script[: place + 1], again, *script[place + 1 :]]


def _take_back_unheard(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Act on what the user took back."""
    revised = [fact for fact in case.task.facts if fact.first is not None]
    if not revised:
        return None
    fact = revised[0]
    for place, number in reversed(_write_places(case, script)):
        call = _call_at(script, place, number)
        for name, value in call.arguments.items():
            if value == fact.value:
                arguments = {**call.arguments, name: fact.first}
                changed = call.model_copy(update={"arguments": arguments})
                return _with_call(script, place, number, changed)
    return None


def _never_ask(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Leave out the question that brought what the user kept back, and the answer."""
    kept = [fact for fact in case.task.facts if fact.told == "when_asked"]
    pairs = [
        place
        for place in range(1, len(script))
        if _is_said(script[place], "user") and _is_said(script[place - 1], "assistant")
    ]
    writes = _write_places(case, script)
    if not kept or not pairs:
        return None
    before = [p for p in pairs if not writes or p + 1 != writes[0][0]]
    return script[: before[0] - 1] + script[before[0] + 1 :] if before else None


def _skip_the_user(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Go on as if the user had done their part."""
    made: Script = [item for item in script if not isinstance(item, Acted)]
    return made if made != script else None


_Mutator = Callable[[Case, Script, random.Random], Script | None]
KINDS: Mapping[str, _Mutator] = {
    "drop_write": _drop_write,
    "say_without_doing": _say_without_doing,
    "change_argument": _change_argument,
    "swap_record": _swap_record,
    "invent_amount": _misstate("amount"),
    "other_date": _misstate("date"),
    "other_time": _misstate("time"),
    "other_number": _misstate("number"),
    "goodbye_instead": _say_goodbye_instead,
    "other_answer": _other_answer,
    "drop_report": _drop_report,
    "drop_tail": _drop_tail,
    "extra_write": _extra_write,
    "extra_write_agreed": _extra_write_agreed,
    "drop_confirmation": _drop_confirmation,
    "say_no": _say_no,
    "write_first": _write_first,
    "act_before_looking": _act_before_looking,
    "report_first": _report_first,
    "refuse_instead": _refuse_instead,
    "do_instead": _do_instead,
    "claim_instead": _claim_instead,
    "other_reason": _other_reason,
    "repeat_write": _repeat_write,
    "take_back_unheard": _take_back_unheard,
    "never_ask": _never_ask,
    "skip_the_user": _skip_the_user,
}
"""Sorts of wrong conduct; the results stay true."""

MISSTATING = ("invent_amount", "other_date", "other_time", "other_number")
"""Sorts that put another figure into a report."""

Property = Literal["state", "words", "conduct", "record"]
BREAKS: Mapping[str, Property] = {
    "drop_write": "state",
    "say_without_doing": "state",
    "change_argument": "state",
    "swap_record": "state",
    "invent_amount": "words",
    "other_date": "words",
    "other_time": "words",
    "other_number": "words",
    "goodbye_instead": "words",
    "other_answer": "words",
    "drop_report": "words",
    "drop_tail": "words",
    "extra_write": "state",
    "extra_write_agreed": "state",
    "drop_confirmation": "conduct",
    "say_no": "conduct",
    "write_first": "conduct",
    "act_before_looking": "conduct",
    "report_first": "words",
    "refuse_instead": "state",
    "do_instead": "state",
    "claim_instead": "words",
    "other_reason": "words",
    "repeat_write": "conduct",
    "take_back_unheard": "state",
    "never_ask": "conduct",
    "skip_the_user": "state",
    "forge_result": "record",
    "forge_changes": "record",
}
"""What each sort breaks."""


def forge_result(case: Case, rng: random.Random) -> Trajectory | None:
    """Change one figure in one result, as if the tool had said so."""
    messages = list(case.trajectory.messages)
    able = [
        place
        for place, message in enumerate(messages)
        if isinstance(message, ToolMessage) and re.search(r"\d", message.content)
    ]
    if not able:
        return None
    place = rng.choice(able)
    text = messages[place].content
    digit = rng.choice(list(re.finditer(r"\d", text)))
    other = str((int(digit[0]) + 1) % 10)
    changed = text[: digit.start()] + other + text[digit.end() :]
    messages[place] = messages[place].model_copy(update={"content": changed})
    return case.trajectory.model_copy(update={"messages": tuple(messages)})


async def forge_changes(case: Case, rng: random.Random, open_world: OpenWorld) -> Trajectory | None:
    """Leave a write out and keep the record of what it changed."""
    script = _drop_write(case, script_of(case.trajectory), rng)
    made = await perform(case, script, open_world) if script is not None else None
    if made is None:
        return None
    honest = case.trajectory
    claimed = {"net_changes": honest.net_changes, "final_state": honest.final_state}
    return made.model_copy(update=claimed)


async def mutate(
    kind: str, case: Case, rng: random.Random, open_world: OpenWorld
) -> Trajectory | None:
    """Return a wrong conversation of this sort; None where the right one gives none."""
    if kind == "forge_result":
        return forge_result(case, rng)
    if kind == "forge_changes":
        return await forge_changes(case, rng, open_world)
    before = script_of(case.trajectory)
    script = KINDS[kind](case, before, rng)
    if script is None or script == before:
        return None
    return await perform(case, script, open_world)
