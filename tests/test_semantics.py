"""Each kind of step, run as a tool of a small library that is written for these tests."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agentsynth.core.domain import Domain, FieldSpec
from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.core.task import Change
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.files import parse_yaml, validate
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.semantics import field_error
from agentsynth.worlds.state import Base, State

Act = Callable[[str], ToolResult]
TODAY = "2027-03-05"
"""Of world seed 1."""


@pytest.fixture
def act(small_files: dict[str, str]) -> Act:
    """Run steps, given as YAML, as a tool of a fresh world."""

    def run(steps: str) -> ToolResult:
        loaded = parse_yaml(small_files["domain.yaml"], "domain.yaml")
        loaded.value["tools"]["act"] = {
            "description": "A tool of a test.",
            "kind": "write",
            "parameters": {"x": {"type": "string", "optional": True}},
            "steps": parse_yaml(steps, "steps.yaml").value,
        }
        compiled = CompiledDomain(validate(Domain, loaded))
        world = DeclarativeWorld(compiled, compiled.base(1))
        return world.call_now(ToolCall(id="c", name="act", arguments={}))

    return run


def returned(result: ToolResult) -> Any:
    assert not result.is_error, result.content
    return json.loads(result.content)


def call(name: str, arguments: Mapping[str, Any]) -> ToolCall:
    return ToolCall(id="1", name=name, arguments=dict(arguments))


def failure(result: ToolResult) -> tuple[str, str]:
    assert result.is_error
    assert result.changes == ()
    error = json.loads(result.content)["error"]
    return error["code"], error["message"]


def test_get_binds_the_record_of_a_key_or_null(act: Act) -> None:
    steps = """
    - {get: book, key: BK-101, as: one}
    - {get: book, key: BK-999, as: none}
    - {get: book, key: null, as: nothing}
    - return: {title: =one.title, none: =none, nothing: =nothing}
    """
    assert returned(act(steps)) == {"title": "Red Fern", "none": None, "nothing": None}


def test_get_and_find_fail_with_their_code_and_a_filled_message(act: Act) -> None:
    for step in ("get: book\n  key: BK-9", "find: book\n  where: {title: =name}"):
        steps = f"""
- let: {{name: Moby}}
- {step}
  as: book
  missing: {{code: not_there, message: "No {{name}} on {{today}}."}}
- return: =book.id
"""
        assert failure(act(steps)) == ("not_there", f"No Moby on {TODAY}.")


def test_find_binds_the_first_record_whose_fields_are_equal(act: Act) -> None:
    steps = """
    - {find: book, where: {pages: 300, kind: novel}, as: one}
    - {find: book, where: {pages: 300}, as: first}
    - {find: book, where: {pages: "300"}, as: text}
    - return: [=one.id, =first.id, =text]
    """
    assert returned(act(steps)) == ["BK-104", "BK-102", None]


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ("", ["BK-101", "BK-102", "BK-103", "BK-104"]),
        ("where: {kind: novel, shelf_id: SH-02}", ["BK-103", "BK-104"]),
        ("where_given: {kind: atlas}", ["BK-102"]),
        ("where_given: {kind: =args.x}", ["BK-101", "BK-102", "BK-103", "BK-104"]),
        ("where: {note: null}", ["BK-101", "BK-103"]),
        ("match: {title: FERN}", ["BK-101", "BK-102"]),
        ("match: {title: =args.x}", ["BK-101", "BK-102", "BK-103", "BK-104"]),
        ("filter: it.pages > 100 && !it.rare", ["BK-101", "BK-104"]),
        ("filter: it.added >= today", []),
        ("sort: [pages]", ["BK-103", "BK-101", "BK-102", "BK-104"]),
        ("sort: [-pages]", ["BK-102", "BK-104", "BK-101", "BK-103"]),
        ("sort: [-pages, title]", ["BK-102", "BK-104", "BK-101", "BK-103"]),
        ("sort: [-pages, -title]", ["BK-104", "BK-102", "BK-101", "BK-103"]),
        ("sort: [note]", ["BK-101", "BK-103", "BK-102", "BK-104"]),
        ("{where: {kind: novel}, sort: [-pages], limit: 2}", ["BK-104", "BK-101"]),
    ],
)
def test_list_selects_sorts_and_limits(act: Act, options: str, ids: list[str]) -> None:
    more = parse_yaml(options, "o").value if options else {}
    step = {"list": "book", "as": "books", "fields": ["id"], **more}
    steps = f"- {json.dumps(step)}\n- return: =books"
    assert returned(act(steps)) == [{"id": key} for key in ids]


def test_list_counts_before_the_limit_and_shows_every_field_unless_told(act: Act) -> None:
    steps = """
    - {list: shelf, sort: [-name], limit: 1, count: total, as: shelves}
    - return: {total: =total, shelves: =shelves}
    """
    south = {"id": "SH-02", "name": "South Wall", "room": 3}
    assert returned(act(steps)) == {"total": 3, "shelves": [south]}


def test_list_shows_what_the_call_itself_has_written(act: Act) -> None:
    steps = """
    - {delete: book, key: BK-103}
    - {update: book, key: BK-101, set: {shelf_id: SH-02}}
    - create: book
      set:
        {shelf_id: SH-02, title: New, kind: novel, pages: 1, price_cents: 1, added: =today,
         rare: false}
      as: made
    - {list: book, where: {shelf_id: SH-02}, fields: [title], as: books}
    - return: =books
    """
    titles = [book["title"] for book in returned(act(steps))]
    assert titles == ["Red Fern", "White Owl", "New"]


def test_require_refuses_unless_it_holds_and_only_where_its_if_does(act: Act) -> None:
    steps = """
    - {{require: "{require}", if: "{when}", code: no_good, message: "Not on {{today}}."}}
    - return: fine
    """
    assert returned(act(steps.format(require="1 == 1", when="true"))) == "fine"
    assert returned(act(steps.format(require="1 == 2", when="today < '2027-01-01'"))) == "fine"
    refused = act(steps.format(require="1 == 2", when="true"))
    assert failure(refused) == ("no_good", f"Not on {TODAY}.")


@pytest.mark.parametrize(
    "steps",
    [
        "- {require: size(today), code: x, message: x}\n- return: 1",
        "- {require: 1 == 1, if: size(today), code: x, message: x}\n- return: 1",
        "- {delete: book, key: BK-101, if: size(today)}\n- return: 1",
    ],
)
def test_a_condition_that_is_neither_true_nor_false_is_the_domains_error(
    act: Act, steps: str
) -> None:
    with pytest.raises(DomainError, match="must give true or false"):
        act(steps)


def test_let_binds_in_order_and_return_ends_the_tool(act: Act) -> None:
    steps = """
    - let: {a: 2, b: "=a * 3", c: [=b, {d: =a}], e: "plain a"}
    - return: {c: =c, e: =e, literal: [1, null, true]}
    - {require: 1 == 2, code: never, message: never}
    """
    assert returned(act(steps)) == {
        "c": [6, {"d": 2}],
        "e": "plain a",
        "literal": [1, None, True],
    }


def test_create_gives_a_key_of_the_pattern_and_null_where_nothing_is_set(act: Act) -> None:
    steps = """
    - create: book
      set:
        {shelf_id: SH-02, title: New, kind: novel, pages: 7, price_cents: 1, added: =today,
         rare: true}
      as: made
    - return: =made.id
    """
    result = act(steps)
    key = returned(result)
    assert key[:3] == "BK-"
    assert key[3:].isdigit()
    assert len(key) == 6
    (change,) = result.changes
    assert (change.op, change.entity, change.key) == ("create", "book", key)
    assert {**change.fields, "id": key} == {
        "id": key,
        "shelf_id": "SH-02",
        "title": "New",
        "kind": "novel",
        "pages": 7,
        "price_cents": 1,
        "added": TODAY,
        "rare": True,
        "note": None,
    }


def test_update_and_delete_change_one_record_and_only_where_their_if_holds(act: Act) -> None:
    steps = """
    - {update: book, key: BK-101, set: {pages: 5, kind: novel}}
    - {update: book, key: BK-102, set: {pages: 5}, if: 1 == 2}
    - {delete: book, key: BK-103, if: today > '2027'}
    - {delete: book, key: BK-104, if: today < '2027'}
    - return: done
    """
    assert act(steps).changes == (
        Change(op="update", entity="book", key="BK-101", fields={"pages": 5}),
        Change(op="delete", entity="book", key="BK-103", fields={}),
    )


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{update: book, key: BK-999, set: {pages: 5}}", "BK-999.*does not exist"),
        ("{delete: book, key: BK-999}", "BK-999.*does not exist"),
        ("{update: book, key: BK-101, set: {title: null}}", "may not be null"),
        ("{update: book, key: BK-101, set: {pages: many}}", "expected integer, got 'many'"),
        ("{update: book, key: BK-101, set: {pages: true}}", "expected integer, got True"),
        ("{update: book, key: BK-101, set: {pages: 1.5}}", "expected integer, got 1.5"),
        ("{update: book, key: BK-101, set: {price_cents: 1.5}}", "expected money, got 1.5"),
        ("{update: book, key: BK-101, set: {rare: 1}}", "expected boolean, got 1"),
        ("{update: book, key: BK-101, set: {title: 5}}", "expected string, got 5"),
        ("{update: book, key: BK-101, set: {kind: comic}}", "one of novel, atlas, got 'comic'"),
        ("{update: book, key: BK-101, set: {added: soon}}", "expected an ISO date, got 'soon'"),
        ("{update: book, key: BK-101, set: {added: '20270405'}}", "expected an ISO date"),
        ("{update: book, key: BK-101, set: {added: 2027-02-30}}", "expected an ISO date"),
        ("{update: book, key: BK-101, set: {shelf_id: SH-77}}", "no shelf 'SH-77'"),
        ("{update: book, key: BK-101, set: {pages: 0}}", "broke the invariant 'some_pages'"),
    ],
)
def test_a_write_against_the_domains_own_rules_fails_the_rollout(
    act: Act, step: str, told: str
) -> None:
    with pytest.raises(DomainError, match=told):
        act(f"- {step}\n- return: done")


def test_a_field_takes_null_only_where_it_may() -> None:
    assert field_error(FieldSpec(type="string", nullable=True), None) is None
    assert field_error(FieldSpec(type="string"), None) == "may not be null"
    assert field_error(FieldSpec(type="date"), "2028-02-29") is None


async def test_a_refused_call_leaves_the_world_as_it_was(small: DomainRuntime) -> None:
    async with small.open(1) as world:
        start = world.state_hash()
        full = ToolCall(
            id="1", name="move_book", arguments={"book_id": "BK-101", "shelf_id": "SH-03"}
        )
        refused = await world.call(full)
        assert failure(refused) == ("shelf_full", "The shelf East Corner is full.")
        assert (world.state_hash(), world.net_changes()) == (start, ())


def test_a_refusal_after_a_write_takes_the_write_back(act: Act) -> None:
    steps = """
    - {delete: book, key: BK-101}
    - {require: 1 == 2, code: too_late, message: Too late.}
    - return: done
    """
    assert failure(act(steps)) == ("too_late", "Too late.")


async def test_a_domain_error_takes_every_write_of_the_call_back(small: DomainRuntime) -> None:
    assert small.compiled is not None
    world = DeclarativeWorld(small.compiled, small.compiled.base(1))
    start = world.state_hash()
    add = {"shelf_id": "SH-01", "title": "Moss"}
    with pytest.raises(DomainError, match="'add_book' broke the invariant 'some_pages'"):
        await world.call(call("add_book", {**add, "pages": -3}))
    assert (world.state_hash(), world.net_changes()) == (start, ())
    good = await world.call(call("add_book", add))
    assert {change.op for change in good.changes} == {"create", "update"}


async def test_an_invariant_is_checked_for_every_record_that_a_call_touched(
    small: DomainRuntime,
) -> None:
    add = {"shelf_id": "SH-03", "title": "Moss"}
    async with small.open(1) as world:
        with pytest.raises(DomainError, match="invariant 'room_left' of shelf 'SH-03'"):
            await world.call(call("add_book", add))


async def test_optional_arguments_have_their_default_or_null(small: DomainRuntime) -> None:
    add = {"shelf_id": "SH-02", "title": "Moss"}
    async with small.open(1) as world:
        made = await world.call(call("add_book", add))
        found = await world.call(ToolCall(id="2", name="find_books", arguments={"title": "fern"}))
    created = next(change for change in made.changes if change.op == "create")
    assert created.fields["pages"] == 100
    assert returned(found)["total"] == 2


@pytest.mark.parametrize(
    ("tool", "arguments", "code", "told"),
    [
        ("steal_book", {}, "unknown_tool", "no tool named 'steal_book'"),
        ("move_book", {"book_id": "BK-101"}, "invalid_arguments", "'shelf_id' is a required"),
        ("find_books", {"title": 7}, "invalid_arguments", "title: 7 is not of type 'string'"),
        ("find_books", {"title": "x"}, "invalid_arguments", "title: 'x' is too short"),
        ("find_books", {"title": "xx", "kind": "comic"}, "invalid_arguments", "kind: 'comic'"),
        ("find_books", {"title": "xx", "colour": 1}, "invalid_arguments", "'colour'"),
        (
            "add_book",
            {"shelf_id": "SH-02", "title": "Moss", "pages": True},
            "invalid_arguments",
            "True",
        ),
        (
            "add_book",
            {"shelf_id": "SH-02", "title": "Moss", "pages": 1.5},
            "invalid_arguments",
            "1.5",
        ),
    ],
)
async def test_a_call_that_does_not_fit_is_an_error_the_agent_sees(
    small: DomainRuntime, tool: str, arguments: dict[str, Any], code: str, told: str
) -> None:
    async with small.open(1) as world:
        seen, message = failure(await world.call(ToolCall(id="1", name=tool, arguments=arguments)))
    assert seen == code
    assert told in message


async def test_a_whole_number_written_with_a_point_is_an_integer(small: DomainRuntime) -> None:
    arguments = {"shelf_id": "SH-02", "title": "Moss", "pages": 30.0}
    async with small.open(1) as world:
        made = await world.call(call("add_book", arguments))
    (pages,) = [c.fields["pages"] for c in made.changes if c.op == "create"]
    assert (pages, type(pages)) == (30, int)


async def test_a_date_argument_has_to_be_a_real_iso_date(garden: DomainRuntime) -> None:
    for due in ("soon", "2027-02-30", "20270410"):
        arguments = {"member_id": "ME-1013", "item_id": "IT-2003", "due_on": due}
        async with garden.open(1) as world:
            made = await world.call(call("borrow_item", arguments))
            assert failure(made)[0] == "invalid_arguments"


async def test_no_read_tool_of_a_bundled_domain_changes_anything(garden: DomainRuntime) -> None:
    assert garden.compiled is not None
    base = garden.compiled.base(1)
    keys = {name: next(iter(table)) for name, table in base.tables.items()}
    shown = {
        "member_id": keys["member"],
        "garden_id": keys["garden"],
        "name": "an",
        "label": "A-01",
    }
    async with garden.open(1) as world:
        for spec in garden.specs:
            if not spec.read_only:
                continue
            required: Any = spec.parameters.get("required", [])
            arguments = {name: shown[name] for name in required}
            result = await world.call(call(spec.name, arguments))
            assert not result.is_error, result.content
            assert result.changes == ()
        assert world.net_changes() == ()


async def test_results_are_json_with_letters_as_they_are(small: DomainRuntime) -> None:
    async with small.open(1) as world:
        add = {"shelf_id": "SH-02", "title": "Zoë & ☂"}
        made = await world.call(call("add_book", add))
    assert '"title": "Zoë & ☂"' in made.content


async def test_a_clause_is_broken_by_the_call_in_the_state_it_meets(small: DomainRuntime) -> None:
    async with small.open(1) as world:
        said = "please move red fern and blue fern"
        common = ToolCall(
            id="1", name="move_book", arguments={"book_id": "BK-101", "shelf_id": "SH-02"}
        )
        rare = ToolCall(
            id="2", name="move_book", arguments={"book_id": "BK-102", "shelf_id": "SH-02"}
        )
        unknown = ToolCall(
            id="3", name="move_book", arguments={"book_id": "BK-9", "shelf_id": "SH-02"}
        )
        assert small.broken_clauses(world, common, said) == []
        assert small.broken_clauses(world, rare, said) == ["no_rare"]
        assert small.broken_clauses(world, common, "hello") == ["named_first"]
        assert small.broken_clauses(world, unknown, "hello") == []


async def test_a_clause_about_words_wants_whole_words(small: DomainRuntime) -> None:
    call = ToolCall(id="1", name="move_book", arguments={"book_id": "BK-101", "shelf_id": "SH-02"})
    async with small.open(1) as world:
        for said in ("move a scared fern", "all red ferns", "red and fern"):
            assert small.broken_clauses(world, call, said) == ["named_first"]
        assert small.broken_clauses(world, call, "the book 'red fern', please") == []


async def test_a_call_that_does_not_fit_its_schema_breaks_no_clause(garden: DomainRuntime) -> None:
    arguments = {"member_id": "ME-1013", "item_id": "IT-2003", "due_on": "soon"}
    async with garden.open(1) as world:
        for args in (arguments, {"due_on": "2027-04-30"}, {**arguments, "due_on": 5}):
            assert garden.broken_clauses(world, call("borrow_item", args), "") == []


def test_tools_and_starting_state_can_be_given_instead_of_compiled(small: DomainRuntime) -> None:
    def list_shelves(state: State, scope: dict[str, Any]) -> Any:
        return {"today": scope["today"], "books": [key for key, _ in state.records("book", {})]}

    tables = {"book": {"BK-1": {"id": "BK-1"}}, "shelf": {}}
    compiled = CompiledDomain(
        small.domain,
        tools={"list_shelves": list_shelves},
        base=lambda seed: Base(tables, seed=seed, today="2027-01-02"),
    )
    world = DeclarativeWorld(compiled, compiled.base(7))
    given = world.call_now(call("list_shelves", {}))
    assert returned(given) == {"today": "2027-01-02", "books": ["BK-1"]}
    assert compiled.base(7) is compiled.base(7)
    assert compiled.base(7).seed == 7
