from typing import Any

import pytest

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import Intent
from agentsynth.plan.candidate import attempt
from agentsynth.plan.recipe import (
    Calls,
    Declined,
    Finished,
    Memory,
    PickFailed,
    PlannedCall,
    PlanRun,
    Slip,
    Stuck,
)
from agentsynth.plan.slips import slipped_arguments
from agentsynth.plan.sources import UNKNOWN, KnownFacts, facts_used, source_names
from agentsynth.worlds.runtime import DomainRuntime

WRITES = frozenset({"move_book", "add_book"})
MOVE_FACTS = {"title": "red fern", "shelf": "South Wall"}
BOOKS = [
    {"id": "BK-101", "title": "Red Fern", "rare": False},
    {"id": "BK-102", "title": "Blue Fern", "rare": True},
    {"id": "BK-103", "title": "Grey Heron", "rare": False},
]
SHELVES = [
    {"id": "SH-01", "name": "North Wall", "room": 2},
    {"id": "SH-02", "name": "South Wall", "room": 3},
]
RESULTS = {"find_books": {"books": BOOKS}, "list_shelves": {"shelves": SHELVES}}


def intent(*steps: dict[str, Any], kind: str = "write", facts: tuple[str, ...] = ("x",)) -> Intent:
    plan = {"kind": kind, "title": "a test", "draw": {}, "steps": steps}
    return Intent.model_validate({**plan, "facts": dict.fromkeys(facts, "")})


def named(following: object) -> list[str]:
    assert isinstance(following, Calls), following
    return [call.name for call in following.calls]


def give(run: PlanRun, following: object, results: dict[str, Any]) -> None:
    assert isinstance(following, Calls)
    for call in following.calls:
        run.record(call, results[call.name])


@pytest.fixture
def move(small: DomainRuntime) -> Intent:
    return small.playbook.intents["move"]


def test_independent_reads_come_in_one_wave_and_the_write_alone_behind_them(move: Intent) -> None:
    run = PlanRun(move, writes=WRITES)
    facts = KnownFacts(MOVE_FACTS)
    first = run.next(facts)
    assert named(first) == ["find_books", "list_shelves"]
    give(run, first, RESULTS)
    second = run.next(facts)
    assert second == Calls(
        (PlannedCall(6, "move_book", {"book_id": "BK-101", "shelf_id": "SH-02"}, "moved"),)
    )
    give(run, second, {"move_book": {}})
    assert run.next(facts) == Finished()


def test_a_write_is_never_made_beside_a_read_or_before_every_earlier_step() -> None:
    run = PlanRun(
        intent(
            {"call": "find_books", "args": {"title": "$x"}, "as": "a"},
            {"call": "add_book", "args": {"title": "$x"}, "as": "b"},
            {"call": "find_books", "args": {"title": "$x"}, "as": "c"},
            {"call": "add_book", "args": {"title": "$x"}, "as": "d"},
        ),
        writes=WRITES,
    )
    waves: list[list[str]] = []
    while isinstance(following := run.next(KnownFacts({"x": "Moss"})), Calls):
        waves.append([call.bound_as for call in following.calls])
        give(run, following, {"find_books": {}, "add_book": {}})
    assert waves == [["a"], ["b"], ["c"], ["d"]]


def test_a_write_waits_for_a_read_that_cannot_be_made_yet() -> None:
    plan = intent(
        {"call": "find_books", "args": {"title": "$y"}, "as": "a"},
        {"call": "add_book", "args": {"title": "$x"}, "as": "b"},
        facts=("x", "y"),
    )
    assert PlanRun(plan, writes=WRITES).next(KnownFacts({"x": "Moss"})) == Stuck(("y",))


def test_what_is_unknown_is_asked_for_and_what_is_known_is_called(move: Intent) -> None:
    run = PlanRun(move, writes=WRITES)
    shelf = {"shelf": "South Wall"}
    assert named(run.next(KnownFacts(shelf))) == ["list_shelves"]
    give(run, run.next(KnownFacts(shelf)), RESULTS)
    assert run.next(KnownFacts(shelf)) == Stuck(("title",))
    assert named(run.next(KnownFacts(MOVE_FACTS))) == ["find_books"]


def test_a_stable_result_is_not_asked_for_twice_unless_the_arguments_differ(move: Intent) -> None:
    memory = Memory()
    first = PlanRun(move, writes=WRITES, memory=memory)
    for _ in range(2):  # the reads, then the write: what is stable outlives it
        give(first, first.next(KnownFacts(MOVE_FACTS)), {**RESULTS, "move_book": {}})
    run = PlanRun(move, writes=WRITES, memory=memory)
    assert named(run.next(KnownFacts(MOVE_FACTS))) == ["move_book"]
    other = PlanRun(move, writes=WRITES, memory=memory)
    assert named(other.next(KnownFacts({**MOVE_FACTS, "title": "Owl"}))) == ["find_books"]


def test_a_result_that_is_not_stable_is_asked_for_again() -> None:
    memory = Memory()
    read = {"call": "find_books", "args": {"title": "$x"}, "as": "a"}
    write = {"call": "add_book", "args": {"title": "$x"}, "as": "b"}
    facts = KnownFacts({"x": "Moss"})
    for _ in range(2):
        run = PlanRun(intent(read, write), writes=WRITES, memory=memory)
        assert named(run.next(facts)) == ["find_books"]
        give(run, run.next(facts), {"find_books": {}})
        assert named(run.next(facts)) == ["add_book"]
        give(run, run.next(facts), {"add_book": {}})


def test_what_was_read_since_the_last_write_is_not_read_again() -> None:
    memory = Memory()
    read = {"call": "find_books", "args": {"title": "$x"}, "as": "a"}
    facts = KnownFacts({"x": "Moss"})
    first = PlanRun(intent(read), writes=WRITES, memory=memory)
    give(first, first.next(facts), RESULTS)
    second = PlanRun(intent(read), writes=WRITES, memory=memory)
    assert second.next(facts) == Finished()
    assert second.seen["a"] == RESULTS["find_books"]
    other = PlanRun(intent(read), writes=WRITES, memory=memory)
    assert named(other.next(KnownFacts({"x": "Owl"}))) == ["find_books"]


def pick_run(entries: Any, where: dict[str, Any]) -> PlanRun:
    run = PlanRun(
        intent(
            {"call": "find_books", "args": {}, "as": "found"},
            {"pick": "one", "from": "found.books", "where": where},
        ),
        writes=WRITES,
    )
    give(run, run.next(KnownFacts({})), {"find_books": {"books": entries}})
    return run


def test_a_pick_takes_the_one_entry_that_fits_ignoring_case() -> None:
    run = pick_run(BOOKS, {"title": "$x", "rare": False})
    assert run.next(KnownFacts({"x": "GREY heron"})) == Finished()
    assert run.seen["one"] == BOOKS[2]


@pytest.mark.parametrize(
    ("entries", "where", "fact", "matches"),
    [
        (BOOKS, {"title": "$x"}, "White Owl", 0),
        (BOOKS, {"title": "$x", "rare": True}, "Red Fern", 0),
        (BOOKS + BOOKS[:1], {"title": "$x"}, "Red Fern", 2),
        ([{"n": 1}], {"n": True}, "", 0),
        ([{"n": 1}], {"n": "1"}, "", 0),
        ([], {"title": "$x"}, "Red Fern", 0),
    ],
)
def test_a_pick_that_fits_no_single_entry_fails_and_says_by_which_facts(
    entries: Any, where: dict[str, Any], fact: str, matches: int
) -> None:
    facts = ("x",) if "$x" in where.values() else ()
    run = pick_run(entries, where)
    failed = run.next(KnownFacts({"x": fact}))
    assert isinstance(failed, PickFailed)
    assert (failed.pick, failed.facts, failed.matches) == ("one", facts, matches)
    assert len(failed.options) == matches


def test_a_pick_from_something_else_than_a_list_is_the_domains_error() -> None:
    with pytest.raises(DomainError, match="is not a list"):
        pick_run({"a": 1}, {"title": "$x"}).next(KnownFacts({"x": "a"}))


def test_a_guard_that_fails_declines_by_its_clause_before_the_write(move: Intent) -> None:
    facts = KnownFacts({**MOVE_FACTS, "title": "Blue Fern"})
    run = PlanRun(move, writes=WRITES)
    give(run, run.next(facts), RESULTS)
    assert run.next(facts) == Declined("no_rare")
    blind = PlanRun(move, writes=WRITES, ignore_guards=True)
    give(blind, blind.next(facts), RESULTS)
    assert named(blind.next(facts)) == ["move_book"]


def test_a_guard_over_a_fact_waits_until_the_fact_is_known() -> None:
    plan = intent(
        {"guard": "room", "ok": "x == 'yes'"},
        {"call": "find_books", "args": {"title": "$y"}, "as": "found"},
        facts=("x", "y"),
    )
    run = PlanRun(plan, writes=WRITES)
    assert run.next(KnownFacts({})) == Stuck(("y",))
    assert run.next(KnownFacts({"x": "no"})) == Declined("room")
    assert named(run.next(KnownFacts({"x": "yes", "y": "Moss"}))) == ["find_books"]


def test_a_guard_over_what_no_result_shows_is_the_domains_error() -> None:
    plan = intent(
        {"call": "find_books", "args": {}, "as": "found"},
        {"guard": "room", "ok": "found.missing == 1"},
    )
    run = PlanRun(plan, writes=WRITES)
    give(run, run.next(KnownFacts({})), {"find_books": {"books": []}})
    with pytest.raises(DomainError, match="reads something that no result shows"):
        run.next(KnownFacts({}))


def test_a_plan_that_can_never_go_on_is_the_domains_error() -> None:
    run = PlanRun(
        intent({"pick": "one", "from": "found.books", "where": {"a": "$x"}}), writes=WRITES
    )
    with pytest.raises(DomainError, match="plan step 1 of 'a test' can never be carried out"):
        run.next(KnownFacts({"x": "a"}))


def test_a_slip_takes_an_entry_further_on_and_goes_around() -> None:
    for offset, expected in ((1, "BK-102"), (2, "BK-103"), (3, "BK-101")):
        run = PlanRun(
            intent(
                {"call": "find_books", "args": {}, "as": "found"},
                {"pick": "one", "from": "found.books", "where": {"title": "$x"}},
            ),
            writes=WRITES,
            slip=Slip("one", offset),
        )
        give(run, run.next(KnownFacts({})), RESULTS)
        assert run.next(KnownFacts({"x": "Red Fern"})) == Finished()
        assert run.seen["one"]["id"] == expected


def test_slipped_arguments_change_only_what_came_from_the_pick(move: Intent) -> None:
    seen = {
        "found": {"books": BOOKS},
        "book": BOOKS[0],
        "all": {"shelves": SHELVES},
        "place": SHELVES[1],
    }
    call = PlannedCall(6, "move_book", {"book_id": "BK-101", "shelf_id": "SH-02"}, "moved")
    assert slipped_arguments(call, move, seen, Slip("book", 2)) == {
        "book_id": "BK-103",
        "shelf_id": "SH-02",
    }
    assert slipped_arguments(call, move, seen, Slip("place", 1)) == {
        "book_id": "BK-101",
        "shelf_id": "SH-01",
    }


def test_a_text_argument_is_composed_with_quotes_doubled_and_can_slip() -> None:
    plan = intent(
        {"call": "find_books", "args": {}, "as": "found"},
        {"pick": "one", "from": "found.books", "where": {"title": "$x"}},
        {"call": "add_book", "args": {"q": {"text": "id='{@one.id}' t='{$x}' {n}"}}, "as": "q"},
    )
    run = PlanRun(plan, writes=WRITES)
    give(run, run.next(KnownFacts({})), RESULTS)
    facts = KnownFacts({"x": "Red Fern"})
    assert run.next(facts) == Calls(
        (PlannedCall(2, "add_book", {"q": "id='BK-101' t='Red Fern' {n}"}, "q"),)
    )
    call = PlannedCall(2, "add_book", {"q": "id='BK-101' t='Red''s' {n}"}, "q")
    slipped = slipped_arguments(call, plan, run.seen, Slip("one", 1))
    assert slipped == {"q": "id='BK-102' t='Red''s' {n}"}
    step = {"call": "f", "args": {"q": {"text": "'{$x}'"}}, "as": "a"}
    quoted = PlanRun(intent(step), writes=WRITES)
    following = quoted.next(KnownFacts({"x": "O'Hara"}))
    assert isinstance(following, Calls)
    assert following.calls[0].arguments == {"q": "'O''Hara'"}


def test_sources_and_literals_are_told_apart() -> None:
    assert source_names("$x") == [("$", "x")]
    assert source_names("@a.b") == [("@", "a.b")]
    assert source_names({"text": "{$x} {@a.b} {c}"}) == [("$", "x"), ("@", "a.b")]
    nested = [{"name": "$x", "notes": [{"text": "on {@a}"}]}, "@b.0"]
    assert source_names(nested) == [("$", "x"), ("@", "a"), ("@", "b.0")]
    for literal in ("x", "$", "", 5, None, True, ["x"], {"a": 1}):
        assert source_names(literal) == []


def test_the_facts_of_a_plan_come_in_the_order_it_needs_them(small: DomainRuntime) -> None:
    assert facts_used(small.playbook.intents["move"]) == ("title", "shelf")
    plan = intent(
        {"guard": "room", "ok": "y > 0 && z"},
        {"call": "f", "args": {"a": "$x", "b": "$y"}, "as": "r"},
        facts=("x", "y"),
    )
    assert facts_used(plan) == ("y", "x")


def test_known_facts_name_one_of_the_options_or_nothing() -> None:
    facts = KnownFacts({"x": "Bow Saw"})
    assert facts.among("x", ["bow saw", "saw"]) == "bow saw"
    assert facts.among("x", ["saw"]) is UNKNOWN
    assert facts.value("y") is UNKNOWN


async def test_an_attempt_keeps_calls_waves_and_changes(small: DomainRuntime) -> None:
    async with small.open(1) as world:
        made = await attempt(small.playbook.intents["move"], MOVE_FACTS, world, small, first_wave=4)
    assert made.outcome == "done"
    assert [(call.name, call.wave) for call in made.calls] == [
        ("find_books", 4),
        ("list_shelves", 4),
        ("move_book", 5),
    ]
    assert [(c.op, c.entity, c.key) for c in made.changes] == [
        ("update", "book", "BK-101"),
        ("update", "shelf", "SH-02"),
    ]
    assert made.broken == []


async def test_an_attempt_is_refused_by_the_world_or_declined_by_a_guard(
    small: DomainRuntime,
) -> None:
    move = small.playbook.intents["move"]
    full = {"title": "Red Fern", "shelf": "East Corner"}
    async with small.open(1) as world:
        declined = await attempt(move, full, world, small)
        refused = await attempt(move, full, world, small, ignore_guards=True)
        rare = await attempt(
            move, {"title": "Blue Fern", "shelf": "South Wall"}, world, small, ignore_guards=True
        )
        lost = await attempt(move, {"title": "Moss", "shelf": "South Wall"}, world, small)
    assert (declined.outcome, declined.reason) == ("declined", "room")
    assert (refused.outcome, refused.reason) == ("refused", "room")
    assert (rare.outcome, rare.broken) == ("done", ["no_rare"])
    assert (lost.outcome, lost.reason) == ("failed", None)
