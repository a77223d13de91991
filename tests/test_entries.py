"""Plan steps over results, without a world: the run says what is next, the test gives the results."""

from typing import Any

import pytest

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import Intent
from agentsynth.plan.recipe import (
    Calls,
    Finished,
    Memory,
    Next,
    PickFailed,
    PlanRun,
    Stuck,
    UserActs,
)
from agentsynth.plan.sources import KnownFacts, facts_used, narrowing_facts

ROOMS = [
    {"id": "R1", "name": "Oak", "floor": 1, "price": 30, "free": True},
    {"id": "R2", "name": "Elm", "floor": 1, "price": 20, "free": False},
    {"id": "R3", "name": "Ash", "floor": 2, "price": 50, "free": True},
    {"id": "R4", "name": "Fir", "floor": 2, "price": None, "free": True},
]
LIST = {"call": "list_rooms", "as": "all"}


def plan(*steps: dict[str, Any], facts: str = "", **more: Any) -> Intent:
    made = {"kind": "info", "title": "a test", "draw": {}, "steps": steps, **more}
    return Intent.model_validate({**made, "facts": dict.fromkeys(facts.split(), "")})


def run(intent: Intent, *, writes: str = "book") -> PlanRun:
    return PlanRun(intent, writes=frozenset(writes.split()))


def after_list(intent: Intent, facts: dict[str, Any], rooms: Any = ROOMS) -> tuple[PlanRun, Next]:
    """The run and what it says next once the rooms are listed."""
    made = run(intent)
    following = made.next(KnownFacts(facts))
    assert isinstance(following, Calls)
    made.record(following.calls[0], {"rooms": rooms})
    return made, made.next(KnownFacts(facts))


def names(entries: Any) -> list[str]:
    return [entry["name"] for entry in entries]


# -- select ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "facts", "kept"),
    [
        ({}, {}, ["Oak", "Elm", "Ash", "Fir"]),
        ({"where": {"floor": "$x"}}, {"x": 1}, ["Oak", "Elm"]),
        ({"where": {"floor": "$x"}}, {"x": "1"}, []),
        ({"where": {"name": "$x"}}, {"x": "ELM"}, ["Elm"]),
        ({"if": "it.free"}, {}, ["Oak", "Ash", "Fir"]),
        ({"if": "it.floor == x", "where": {"free": True}}, {"x": 2}, ["Ash", "Fir"]),
        ({"if": "it.floor > 7"}, {}, []),
    ],
)
def test_a_selection_keeps_the_entries_that_fit(
    step: dict[str, Any], facts: dict[str, Any], kept: list[str]
) -> None:
    intent = plan(LIST, {"select": "some", "from": "all.rooms", **step}, facts="x")
    made, following = after_list(intent, facts)
    assert following == Finished()
    assert names(made.seen["some"]) == kept


def test_a_selection_waits_for_the_fact_it_is_made_by() -> None:
    intent = plan(
        LIST,
        {"select": "some", "from": "all.rooms", "if": "it.floor == x"},
        {"call": "get", "args": {"n": "$y"}, "as": "got"},
        facts="x y",
    )
    made, following = after_list(intent, {})
    assert following == Stuck(("y",))
    assert "some" not in made.seen
    made.next(KnownFacts({"x": 2}))
    assert names(made.seen["some"]) == ["Ash", "Fir"]


# -- tally -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "figure"),
    [
        ({"op": "count"}, 4),
        ({"op": "count", "if": "it.free"}, 3),
        ({"op": "sum", "of": "price"}, 100),
        ({"op": "sum", "of": "price", "if": "it.floor == 1"}, 50),
        ({"op": "sum", "of": "price", "if": "it.floor == 9"}, 0),
        ({"op": "min", "of": "price"}, 20),
        ({"op": "max", "of": "price"}, 50),
        ({"op": "max", "of": "price", "if": "it.floor == 9"}, None),
        ({"op": "min", "of": "name"}, "Ash"),
    ],
)
def test_a_tally_works_a_figure_out_and_empty_values_do_not_count(
    step: dict[str, Any], figure: Any
) -> None:
    made, following = after_list(plan(LIST, {"tally": "n", "from": "all.rooms", **step}), {})
    assert following == Finished()
    assert made.seen["n"] == figure


def test_a_tally_over_a_field_that_no_entry_has_is_the_domains_error() -> None:
    intent = plan(LIST, {"tally": "n", "from": "all.rooms", "op": "sum", "of": "cost"})
    with pytest.raises(DomainError, match=r"an entry of 'all\.rooms' has no 'cost'"):
        after_list(intent, {})


# -- read ------------------------------------------------------------------------------------------


def read_run(pattern: str, result: Any) -> PlanRun:
    intent = plan(
        {"call": "get_page", "as": "page"},
        {"read": "value", "from": "page", "pattern": pattern},
    )
    made = run(intent)
    following = made.next(KnownFacts({}))
    assert isinstance(following, Calls)
    made.record(following.calls[0], result)
    assert made.next(KnownFacts({})) == Finished()
    return made


def test_a_value_is_read_out_of_a_text_by_its_pattern() -> None:
    assert read_run(r"Total: (\d+)", "Items: 3\nTotal: 45\n").seen["value"] == "45"


@pytest.mark.parametrize(
    ("result", "message"),
    [("Items: 3", "nothing in 'page' fits"), ({"total": 45}, "'page' is not a text")],
)
def test_a_text_without_the_value_is_the_domains_error(result: Any, message: str) -> None:
    with pytest.raises(DomainError, match=message):
        read_run(r"Total: (\d+)", result)


# -- pick ------------------------------------------------------------------------------------------


def picked(step: dict[str, Any], facts: dict[str, Any], rooms: Any = ROOMS) -> Any:
    intent = plan(LIST, {"pick": "one", "from": "all.rooms", **step}, facts="x y")
    made, following = after_list(intent, facts, rooms)
    return made.seen["one"]["name"] if following == Finished() else following


def test_the_smallest_and_the_largest_are_picked_and_entries_without_a_value_are_out() -> None:
    assert picked({"min": "price"}, {}) == "Elm"
    assert picked({"max": "price"}, {}) == "Ash"
    assert picked({"min": "price", "if": "it.free"}, {}) == "Oak"
    assert picked({"max": "price", "where": {"floor": "$x"}}, {"x": 1}) == "Oak"


def test_two_that_are_equally_small_are_no_single_one() -> None:
    twice = [*ROOMS, {**ROOMS[1], "id": "R5", "name": "Yew"}]
    failed = picked({"min": "price"}, {}, twice)
    assert isinstance(failed, PickFailed)
    assert (failed.matches, names(failed.options)) == (2, ["Elm", "Yew"])


def test_nothing_is_picked_where_no_entry_has_a_value() -> None:
    failed = picked({"max": "price", "where": {"name": "$x"}}, {"x": "Fir"})
    assert isinstance(failed, PickFailed)
    assert failed.matches == 0


def test_further_fields_are_looked_at_only_while_the_first_words_fit_several() -> None:
    step = {"where": {"floor": "$x"}, "narrow": {"name": "$y"}}
    intent = plan(LIST, {"pick": "one", "from": "all.rooms", **step}, facts="x y")
    single = [ROOMS[0], *ROOMS[2:]]
    made, following = after_list(intent, {"x": 1}, single)
    assert (following, made.seen["one"]["name"], made.narrowed) == (Finished(), "Oak", [])
    made, following = after_list(intent, {"x": 1})
    assert isinstance(following, PickFailed)
    assert (following.facts, following.matches) == (("y",), 2)
    assert names(following.options) == ["Oak", "Elm"]
    assert made.next(KnownFacts({"x": 1, "y": "elm"})) == Finished()
    assert (made.seen["one"]["name"], made.narrowed) == ("Elm", ["one"])
    assert made.unlike == []
    made, _ = after_list(intent, {"x": 1, "y": "Oak"}, single)
    assert made.unlike == []
    made, _ = after_list(intent, {"x": 1, "y": "Elm"}, single)
    assert (made.seen["one"]["name"], made.unlike) == ("Oak", ["one"])
    _, wrong = after_list(intent, {"x": 1, "y": "Ash"})
    assert isinstance(wrong, PickFailed), "what lies outside the first words is not taken"


def test_what_only_narrows_is_no_fact_the_plan_cannot_do_without() -> None:
    step = {"pick": "one", "from": "all.rooms", "where": {"floor": "$x"}, "narrow": {"name": "$y"}}
    intent = plan(LIST, step, facts="x y")
    assert (facts_used(intent), narrowing_facts(intent)) == (("x",), ("y",))
    both = plan(LIST, step, {"call": "get", "args": {"n": "$y"}, "as": "g"}, facts="x y")
    assert (facts_used(both), narrowing_facts(both)) == (("x", "y"), ())


# -- each ------------------------------------------------------------------------------------------


EACH = {"call": "get_room", "each": "all.rooms", "args": {"id": "@it.id"}, "as": "details"}


def test_a_call_for_each_entry_gives_their_results_in_the_entries_order() -> None:
    made, following = after_list(plan(LIST, EACH), {})
    assert isinstance(following, Calls)
    assert [call.arguments for call in following.calls] == [{"id": room["id"]} for room in ROOMS]
    for call in reversed(following.calls):
        made.record(call, {"of": call.arguments["id"]})
    assert made.next(KnownFacts({})) == Finished()
    assert made.seen["details"] == [{"of": room["id"]} for room in ROOMS]


def test_what_was_made_for_some_entries_is_not_made_again_for_these() -> None:
    made, following = after_list(plan(LIST, EACH), {})
    assert isinstance(following, Calls)
    for call in following.calls[:3]:
        made.record(call, {})
    rest = made.next(KnownFacts({}))
    assert isinstance(rest, Calls)
    assert [call.entry for call in rest.calls] == [3]
    assert "details" not in made.seen


def test_no_entries_are_no_calls_and_an_empty_list_of_results() -> None:
    made, following = after_list(plan(LIST, EACH), {}, [])
    assert following == Finished()
    assert made.seen["details"] == []


def test_writes_for_each_entry_come_behind_every_earlier_step() -> None:
    book = {"call": "book", "each": "all.rooms", "args": {"id": "@it.id"}, "as": "booked"}
    made, reads = after_list(plan(LIST, EACH, book), {})
    assert isinstance(reads, Calls)
    assert {call.name for call in reads.calls} == {"get_room"}
    for call in reads.calls:
        made.record(call, {})
    writes = made.next(KnownFacts({}))
    assert isinstance(writes, Calls)
    assert [call.name for call in writes.calls] == ["book"] * 4


def test_the_same_read_for_two_entries_is_remembered_by_its_arguments() -> None:
    memory = Memory()
    twice = [ROOMS[0], ROOMS[1]]
    for expected in (3, 0):
        made = PlanRun(plan(LIST, EACH), writes=frozenset(), memory=memory)
        asked = 0
        while isinstance(following := made.next(KnownFacts({})), Calls):
            for call in following.calls:
                asked += 1
                made.record(call, {"rooms": twice} if call.name == "list_rooms" else {})
        assert following == Finished()
        assert asked == expected


# -- condition -------------------------------------------------------------------------------------


def conditional() -> Intent:
    return plan(
        LIST,
        {"pick": "one", "from": "all.rooms", "where": {"name": "$x"}},
        {"call": "book", "args": {"id": "@one.id"}, "as": "booked", "when": "met"},
        {"call": "wait_for", "args": {"id": "@one.id"}, "as": "waiting", "when": "unmet"},
        {"call": "thank", "as": "thanked"},
        facts="x limit",
        condition="one.price <= limit",
    )


@pytest.mark.parametrize(
    ("limit", "branch", "made_call"), [(30, "met", "book"), (29, "unmet", "wait_for")]
)
def test_only_the_steps_of_the_branch_taken_are_made(
    limit: int, branch: str, made_call: str
) -> None:
    facts = {"x": "Oak", "limit": limit}
    made, _ = after_list(conditional(), facts)
    called: list[str] = []
    while isinstance(following := made.next(KnownFacts(facts)), Calls):
        for call in following.calls:
            called.append(call.name)
            made.record(call, {})
    assert following == Finished()
    assert made.branch == branch
    assert sorted(called) == sorted([made_call, "thank"])


def test_a_condition_waits_until_its_fact_is_known() -> None:
    made, _ = after_list(conditional(), {"x": "Oak"})
    assert made.branch is None
    made.next(KnownFacts({"x": "Oak", "limit": 5}))
    assert made.branch == "unmet"


# -- act -------------------------------------------------------------------------------------------


def acting(tells: dict[str, str]) -> Intent:
    return plan(
        LIST,
        {"act": "reset"},
        {"call": "book", "args": {"id": "$x"}, "as": "booked"},
        facts="x",
        actions={"reset": {"tool": "press", "args": {}, "tells": tells}},
    )


def test_the_user_acts_once_everything_before_it_is_done_and_nothing_goes_on_until_they_tell() -> (
    None
):
    made = run(acting({"code": "shown.code"}))
    first = made.next(KnownFacts({"x": "R1"}))
    assert isinstance(first, Calls)
    assert [call.name for call in first.calls] == ["list_rooms"]
    made.record(first.calls[0], {"rooms": ROOMS})
    assert made.next(KnownFacts({"x": "R1"})) == UserActs("reset", ("code",))
    told = made.next(KnownFacts({"x": "R1", "code": "77"}))
    assert isinstance(told, Calls)
    assert [call.name for call in told.calls] == ["book"]


def test_an_act_that_tells_nothing_is_done_when_the_user_says_so() -> None:
    made, following = after_list(acting({}), {"x": "R1"})
    assert following == UserActs("reset", ())
    assert isinstance(made.next(KnownFacts({"x": "R1", "did:reset": True})), Calls)
