"""Whose a figure is: days of the week, counts, records, limits in refusals, reports of deeds."""

import json
from typing import Any

import pytest

from agentsynth.checks.evidence import Evidence, Finding, Replay
from agentsynth.checks.grounded import statements_grounded
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.task import Request, Target, Task
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory
from agentsynth.worlds.runtime import DomainRuntime

ROOMS = {
    "rooms": [
        {"id": "RO-1", "name": "Cedar Room", "floor": 2, "price_cents": 3100, "status": "open"},
        {"id": "RO-2", "name": "Ember Room", "floor": 3, "price_cents": 3400, "status": "open"},
        {"id": "RO-3", "name": "Dune Room", "floor": 4, "price_cents": 950, "status": "closed"},
    ]
}
LOOKED = ("call", "list_tools", {}, ROOMS)


@pytest.fixture
def find(garden: DomainRuntime, voice: Voice) -> Any:
    """Return what `statements_grounded` finds in a conversation written by hand.

    A line is ("system"|"user"|"assistant", text) or ("call", tool, arguments, result).
    """

    def run(*lines: Any, declined: tuple[str, ...] = ()) -> Finding:
        messages: list[Message] = []
        made = {"user": UserMessage, "assistant": AssistantMessage, "system": SystemMessage}
        for number, line in enumerate(lines):
            if line[0] != "call":
                messages.append(made[line[0]](content=line[1]))
                continue
            call = ToolCall(id=f"c{number}", name=line[1], arguments=line[2])
            messages.append(AssistantMessage(content="", tool_calls=(call,)))
            text = json.dumps(line[3])
            messages.append(ToolMessage(tool_call_id=call.id, name=call.name, content=text))
        calls = tuple(
            CallRecord(call_id=m.tool_call_id, outcome="success")
            for m in messages
            if isinstance(m, ToolMessage)
        )
        played = Trajectory(
            task_id="t", scenario_id="", messages=tuple(messages), calls=calls,
            start_state="a", final_state="a", net_changes=(), stop_reason=StopReason.USER_DONE,
        )  # fmt: skip
        task = Task(
            domain="garden", domain_id="d", kind="refuse" if declined else "info",
            requests=(Request(intent="take_plot"),), goal="ask", facts=(), world_seed=1,
            reference_calls=(), target=Target(declined=declined),
        )  # fmt: skip
        return statements_grounded(Evidence(task, played, garden, voice, Replay((), (), "a")))

    return run


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("It comes on Friday 5 March 2027.", "met"),
        ("It comes on Thursday, 5 March 2027.", "undecided"),
        ("It comes on 5 March 2027.", "met"),
    ],
)
def test_a_date_falls_on_the_day_of_the_week_that_is_said(
    find: Any, text: str, outcome: str
) -> None:
    assert find(("user", "When? After 5 March 2027?"), ("assistant", text)).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("I see it in 2 sheds, Abbey Steps and Ferry Gate. Which one?", "met"),
        ("I see it in 3 sheds, Abbey Steps and Ferry Gate. Which one?", "undecided"),
        ("I see 3 on file, Abbey Steps, Ferry Gate and Elm Row.", "met"),
        ("I changed A16, A17 and A18.", "met"),
        ("I changed A16, A18 and A18.", "undecided"),
        ("Done, 2 of the 3 are accepted.", "met"),
        ("Done, 3 of the 2 are accepted.", "undecided"),
    ],
)
def test_a_count_is_that_of_its_own_list(find: Any, text: str, outcome: str) -> None:
    shown = {"sheds": ["Abbey Steps", "Ferry Gate", "Elm Row"], "two": 2, "of": "A16 A17 A18"}
    lines = [("call", "list_tools", {}, shown), ("assistant", text)]
    assert find(("user", "Where is 2, where is 3?"), *lines).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("The Cedar Room costs $31.00.", "met"),
        ("The Cedar Room costs $34.00.", "undecided"),
        ("The Ember Room costs $34.00, the Cedar Room $31.00.", "met"),
        ("The Cedar Room is on floor 2.", "met"),
        ("The Cedar Room is on floor 4.", "undecided"),
        ("There are rooms for $34.00 and for $9.50.", "met"),
        ("Of those that are open, one is $31.00.", "met"),
    ],
)
def test_what_is_said_of_a_record_is_that_records(find: Any, text: str, outcome: str) -> None:
    assert find(("user", "Which room?"), LOOKED, ("assistant", text)).outcome == outcome


def test_how_many_there_are_is_no_figure_of_another_record(find: Any) -> None:
    rooms = [{"name": f"Flat B-{n:02}", "filter_days": n + 3} for n in range(1, 6)]
    shown = ("call", "list_tools", {}, {"rooms": rooms})
    text = "There are 5 rooms: Flat B-01, Flat B-02, Flat B-03, Flat B-04 and Flat B-05."
    assert find(("user", "Which?"), shown, ("assistant", text)).outcome == "met"


def test_a_figure_that_the_user_gave_is_not_held_against_the_record(find: Any) -> None:
    lines = [("user", "Is the Cedar Room $34.00?"), LOOKED]
    assert find(*lines, ("assistant", "The Cedar Room is not $34.00.")).outcome == "met"


def test_a_result_about_the_same_thing_may_show_another_value(find: Any) -> None:
    owed = ("call", "get_member", {}, {"holder": "Ann Lee", "balance_cents": 4000})
    written = ("call", "get_member", {}, {"entry_id": "LE-1", "balance_cents": 3000})
    report = ("assistant", "The balance of Ann Lee is now $30.00.")
    assert find(("user", "Hi"), owed, written, report).outcome == "met"


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("For the HP7 it's the fine filter.", "met"),
        ("For the HP9 it's the fine filter.", "undecided"),
        ("Is it really the HP7, or the HP9?", "met"),
        ("The HP7 is sold out, the HP9 is not.", "met"),
        ("Could it be an HP9?", "met"),
    ],
)
def test_no_other_label_is_put_for_the_users(find: Any, text: str, outcome: str) -> None:
    system = ("system", "Models are HP5, HP7 and HP9.")
    assert find(system, ("user", "My HP7 leaks."), ("assistant", text)).outcome == outcome


def test_a_label_of_an_earlier_message_of_the_user_may_be_said_again(find: Any) -> None:
    asked = [("user", "Keep R-704, drop R-726."), ("assistant", "R-726 goes into R-704. Yes?")]
    again = [("user", "No, drop R-329."), ("assistant", "There is only R-704 now.")]
    assert find(*asked, *again).outcome == "met"


def test_hours_ahead_are_no_number_of_a_reminder(find: Any) -> None:
    asked = [("user", "A reminder 2 hours ahead."), ("call", "list_tools", {}, {"ahead": 24})]
    assert find(*asked, ("assistant", "I planned the reminder 24 hours ahead.")).outcome == "met"


def test_a_list_of_labels_is_not_held_against_the_users(find: Any) -> None:
    shown = ("call", "list_tools", {}, {"rows": ["B50", "B51", "B52"]})
    said = ("assistant", "So B50, B51 and B52 go into quiet mode.")
    assert find(("user", "Cancel B02. And now row nine."), shown, said).outcome == "met"


def test_a_floor_is_told_apart_by_its_number(find: Any) -> None:
    asked = ("user", "What is on floor 2?")
    assert find(asked, LOOKED, ("assistant", "On floor 2 it is that.")).outcome == "met"
    assert find(asked, LOOKED, ("assistant", "On floor 4 it is that.")).outcome == "undecided"


REFUSED = "I'm sorry, but I can't give you another plot. "


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("A second plot takes at least 6 workday hours on record.", "met"),
        ("A second plot takes at least 5 workday hours on record.", "undecided"),
        ("Your record shows 5.", "met"),
        ("The next one needs more hours.", "met"),
    ],
)
def test_a_limit_in_a_refusal_is_that_of_the_rule(find: Any, text: str, outcome: str) -> None:
    member = ("call", "get_member", {}, {"id": "ME-1", "workday_hours": 5, "hours": 6})
    lines = [("user", "Plot please."), member, ("assistant", REFUSED + text)]
    assert find(*lines, declined=("second_plot",)).outcome == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("Your loan was due on 3 March.", "met"),
        ("The tiller was due on 4 March.", "met"),
        ("It was due on 5 March.", "undecided"),
        ("You asked for 9 March.", "met"),
        ("You owe $3.00.", "met"),
        ("You owe $4.00.", "undecided"),
    ],
)
def test_a_refusal_names_what_was_looked_up_for_it(find: Any, text: str, outcome: str) -> None:
    one = ("call", "get_member", {}, {"due_on": "2027-03-03", "fee_cents": 300})
    many = [
        {"item": "tiller", "due_on": "2027-03-04", "fee_cents": 400},
        {"item": "mower", "due_on": "2027-03-05", "fee_cents": 400},
    ]
    listed = ("call", "list_tools", {}, {"loans": many})
    lines = [("user", "Until 9 March 2027, please."), one, listed, ("assistant", REFUSED + text)]
    assert find(*lines, declined=("second_plot",)).outcome == outcome


def test_a_refused_time_is_the_users(find: Any) -> None:
    day = ("call", "get_member", {}, {"starts": "22:30", "ends": "21:30"})
    asked = ("user", "Can it start at 21:30?")
    for text, outcome in (("I can't take 21:30.", "met"), ("I can't take 22:30.", "undecided")):
        found = find(asked, day, ("assistant", text), declined=("second_plot",))
        assert found.outcome == outcome


LOANS = {"loans": [{"id": "LO-1", "due_on": "2027-03-11", "days": 16, "at": "15:00"}]}


@pytest.mark.parametrize(
    ("report", "outcome"),
    [
        ("It is yours until 8 March.", "met"),
        ("It is yours until 11 March.", "undecided"),
        ("It starts at 14:00.", "met"),
        ("It starts at 15:00.", "undecided"),
        ("That is for 14 days.", "met"),
        ("That is for 16 days.", "undecided"),
        ("You can fetch it at 09:30.", "met"),
        ("It is done.", "met"),
        ("That is 1 in all.", "met"),
        ("That is 3 in all.", "undecided"),
    ],
)
def test_a_report_tells_what_was_read_back_and_done(find: Any, report: str, outcome: str) -> None:
    given = {"item_id": "IT-1", "due_on": "2027-03-08", "at": "14:00", "days": 14}
    lines = [
        ("user", "The tiller until 8 March 2027 at 14:00, for 14 days. I have 3 others."),
        ("call", "list_tools", {}, LOANS),
        ("assistant", "The tiller until 8 March 2027, at 14:00, for 14 days. Shall I?"),
        ("user", "Yes."),
        ("call", "borrow_item", given, {"id": "LO-2", "fetch": "09:30"}),
        ("assistant", report),
    ]
    assert find(*lines).outcome == outcome


def test_cents_are_not_read_out_of_another_amount(find: Any) -> None:
    lines = [("user", "I paid $200.00."), ("assistant", "You owe $2.00.")]
    assert find(*lines).outcome == "not_met"
