"""A contract held against calls, on plain records: no domain and no steps are involved."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.contract import Contract, Lookup
from agentsynth.core.task import Change
from agentsynth.worlds.contract_changes import Mismatch
from agentsynth.worlds.contract_eval import CompiledContract, ContractMistake, Situation
from agentsynth.worlds.contract_outcome import Outcome, compile_promise
from agentsynth.worlds.contract_parts import EntityShape, Snapshot, compile_lookup, compile_part
from agentsynth.worlds.files import parse_yaml

SHAPES = {
    "loan": EntityShape("id", ("id", "who", "fee", "due", "open"), None, "today", frozenset()),
    "note": EntityShape("id", ("id", "text", "gone", "size"), "gone", "today", frozenset({"size"})),
    "scheduled": EntityShape("id", ("id", "effect", "due", "args"), None, "now", frozenset()),
}
TABLES: dict[str, dict[str, dict[str, Any]]] = {
    "loan": {
        "L1": {"id": "L1", "who": "ann", "fee": 30, "due": "2027-01-03", "open": True},
        "L2": {"id": "L2", "who": "bob", "fee": 10, "due": "2027-01-01", "open": True},
        "L3": {"id": "L3", "who": "ann", "fee": 20, "due": None, "open": False},
    },
    "note": {
        "N1": {"id": "N1", "text": "hi", "gone": None, "size": 2},
        "N2": {"id": "N2", "text": "old", "gone": "2026-12-31", "size": 3},
    },
    "scheduled": {
        "SC-1": {
            "id": "SC-1",
            "effect": "remind",
            "due": "2027-01-02T09:00",
            "args": {"loan": "L1"},
        },
        "SC-2": {
            "id": "SC-2",
            "effect": "remind",
            "due": "2027-01-02T09:00",
            "args": {"loan": "L2"},
        },
    },
}
BEFORE = Snapshot(TABLES, today="2027-01-02", now="2027-01-02T09:00")


def situation(text: str, **arguments: Any) -> Situation:
    contract = Contract.model_validate(parse_yaml(text, "c.yaml").value)
    compiled = CompiledContract("act", contract, SHAPES, dict.fromkeys(arguments))
    return compiled.situation(BEFORE, arguments)


def judged(
    text: str,
    *changes: Change,
    code: str | None = None,
    result: Any = None,
    **arguments: Any,
) -> Mismatch | None:
    there = situation(text, **arguments)
    outcome = Outcome(code, changes, {} if result is None else result)
    return compile_promise(there.compiled).mismatch(there, outcome)


def created(entity: str, key: str, **fields: Any) -> Change:
    return Change(op="create", entity=entity, key=key, fields={"id": key, **fields})


def updated(entity: str, key: str, **fields: Any) -> Change:
    return Change(op="update", entity=entity, key=key, fields=fields)


def deleted(entity: str, key: str) -> Change:
    return Change(op="delete", entity=entity, key=key, fields={})


@pytest.mark.parametrize(
    ("lookup", "value"),
    [
        ("{record: loan, key: =args.id}", TABLES["loan"]["L1"]),
        ("{record: loan, key: nobody}", None),
        ("{record: loan, key: null}", None),
        ("{record: note, key: N2}", None),
        ("{record: note, key: N2, deleted: true}", TABLES["note"]["N2"]),
        ("{count: loan}", 3),
        ("{count: loan, where: {who: ann, open: true}}", 1),
        ("{count: loan, if: it.fee >= 20}", 2),
        ("{count: note}", 1),
        ("{count: note, deleted: true}", 2),
        ("{sum: loan, of: fee, where: {who: ann}}", 50),
        ("{sum: loan, of: fee, where: {who: cid}}", 0),
        ("{max: loan, of: due}", "2027-01-03"),
        ("{min: loan, of: fee, if: it.open}", 10),
        ("{min: loan, of: fee, where: {who: cid}}", None),
        ("{first: loan, order: [fee], if: it.fee > 10}", TABLES["loan"]["L3"]),
        ("{first: loan, where: {who: cid}}", None),
        ("{rows: loan, order: [due], show: {k: =it.id}}", [{"k": "L3"}, {"k": "L2"}, {"k": "L1"}]),
        ("{rows: loan, order: [-due], show: {k: =it.id}}", [{"k": "L1"}, {"k": "L2"}, {"k": "L3"}]),
        (
            "{rows: loan, order: [-who, fee], limit: 2, show: {k: =it.id}}",
            [{"k": "L2"}, {"k": "L3"}],
        ),
        ("{value: \"=days_between(today, '2027-01-05')\"}", 3),
        ("{value: [1, =args.id]}", [1, "L1"]),
    ],
)
def test_a_lookup_reads_the_state_before_the_call(lookup: str, value: Any) -> None:
    there = situation(f"given: {{x: {lookup}}}", id="L1")
    assert there.value(compile_part("=x")) == value


def test_lookups_build_on_each_other() -> None:
    text = (
        "given: {loan: {record: loan, key: =args.id}, same: {count: loan, where: {who: =loan.who}}}"
    )
    assert situation(text, id="L1").value(compile_part("=same")) == 2


ERRORS = """
given: {loan: {record: loan, key: =args.id}}
errors: {not_found: loan == null, closed: "!loan.open", dear: loan.fee > 15}
"""


def test_every_code_whose_condition_holds_is_due_and_what_cannot_be_asked_is_not() -> None:
    assert situation(ERRORS, id="L2").codes == frozenset()
    assert situation(ERRORS, id="L1").codes == {"dear"}
    assert situation(ERRORS, id="L3").codes == {"closed", "dear"}
    assert situation(ERRORS, id="L9").codes == {"not_found"}


def test_a_condition_that_cannot_be_evaluated_although_none_holds_is_the_contracts_mistake() -> (
    None
):
    with pytest.raises(ContractMistake, match=r"act, errors.closed: .*cannot be evaluated with"):
        _ = situation(ERRORS.replace("not_found: loan == null, ", ""), id="L9").codes
    with pytest.raises(ContractMistake, match="gave 30, not true or false"):
        _ = situation(ERRORS.replace("loan.fee > 15", "loan.fee"), id="L1").codes


def test_any_one_of_the_codes_that_are_due_is_right_and_no_other() -> None:
    assert judged(ERRORS, code="closed", id="L3") is None
    assert judged(ERRORS, code="dear", id="L3") is None
    assert judged(ERRORS, code="not_found", id="L3") == Mismatch(
        "error closed or dear", "error not_found"
    )
    assert judged(ERRORS, id="L3") == Mismatch("error closed or dear", "success")
    assert judged(ERRORS, code="dear", id="L2") == Mismatch("success", "error dear")


def test_an_error_changes_nothing() -> None:
    wrong = judged(ERRORS, updated("loan", "L1", fee=1), code="dear", id="L1")
    assert wrong == Mismatch("an error that changes nothing", "update loan L1: fee=1")


def test_what_is_assumed_bounds_what_is_covered_but_not_the_errors() -> None:
    text = ERRORS + "assumes: loan.fee < 5"
    assert not situation(text, id="L2").covered
    assert situation(text, id="L9").covered


UPDATE = "effects: [{update: loan, key: =args.id, set: {open: false, fee: 10}}]"


@pytest.mark.parametrize(
    ("changes", "expected", "got"),
    [
        ([updated("loan", "L1", open=False, fee=10)], None, None),
        ([], "update loan L1: fee=10, open=False", "no change"),
        ([updated("loan", "L1", open=False)], "update loan L1: fee=10, open=False", "update loan L1: open=False"),
        ([updated("loan", "L1", open=False, fee=11)], "update loan L1: fee=10, open=False", "update loan L1: fee=11, open=False"),
        ([updated("loan", "L1", open=False, fee=10, who="x")], "update loan L1: fee=10, open=False", "update loan L1: fee=10, open=False, who='x'"),
        ([updated("loan", "L1", open=False, fee=10), updated("loan", "L2", fee=3)], "no change", "update loan L2: fee=3"),
        ([updated("loan", "L1", open=False, fee=10), created("note", "N9", text="a", gone=None, size=1)], "no change", "create note N9: gone=None, id='N9', text='a'"),
        ([updated("loan", "L1", open=False, fee=10), deleted("note", "N1")], "no change", "delete note N1"),
    ],
)  # fmt: skip
def test_changes_are_exactly_the_promised_ones(
    changes: list[Change], expected: str | None, got: str | None
) -> None:
    wanted = None if expected is None else Mismatch(expected, str(got))
    assert judged(UPDATE, *changes, id="L1") == wanted


def test_a_field_that_has_the_promised_value_already_is_no_change() -> None:
    assert judged(UPDATE, updated("loan", "L2", open=False), id="L2") is None


def test_later_effects_build_on_earlier_ones_of_the_same_record() -> None:
    text = UPDATE.replace("}}]", "}}, {update: loan, key: =args.id, set: {fee: 99}}]")
    assert judged(text, updated("loan", "L1", open=False, fee=99), id="L1") is None


def test_an_effect_on_a_record_that_is_not_there_is_the_contracts_mistake() -> None:
    with pytest.raises(ContractMistake, match="changes loan 'L9', which does not exist"):
        judged(UPDATE, id="L9")


CREATE = """
effects:
  - {create: loan, as: fresh, set: {who: ann, fee: 5, open: true}}
  - {create: note, set: {text: =fresh.id}}
returns: {id: =fresh.id}
"""


def test_a_new_record_is_known_by_its_fields_and_its_key_is_the_worlds_choice() -> None:
    loan = created("loan", "L77", who="ann", fee=5, due=None, open=True)
    note = created("note", "N5", text="L77", gone=None, size=3)
    assert judged(CREATE, loan, note, result={"id": "L77"}) is None
    assert judged(CREATE, loan, note, result={"id": "L78"}) == Mismatch("id = 'L77'", "id = 'L78'")
    wrong = judged(CREATE, loan, created("note", "N5", text="L78", gone=None, size=3))
    assert wrong is not None
    assert wrong.expected == "create note: gone=None, text='L77'"
    missing = judged(CREATE, note)
    assert missing is not None
    assert missing.expected.startswith("create loan: due=None, fee=5, open=True, who='ann'")


def test_a_second_record_like_the_promised_one_is_too_many() -> None:
    loan = created("loan", "L77", who="ann", fee=5, due=None, open=True)
    text = "effects: [{create: loan, set: {who: ann, fee: 5, open: true}}]"
    assert judged(text, loan) is None
    wrong = judged(text, loan, created("loan", "L78", who="ann", fee=5, due=None, open=True))
    assert wrong is not None
    assert wrong.got.startswith("create loan L78")


def test_derived_fields_are_nobodys_promise() -> None:
    text = "effects: [{update: note, key: N1, set: {text: longer}}]"
    assert judged(text, updated("note", "N1", text="longer", size=6)) is None


def test_deleting_softly_sets_the_field_that_hides_a_record() -> None:
    text = "effects: [{delete: note, key: N1}]"
    assert judged(text, updated("note", "N1", gone="2027-01-02")) is None
    assert judged(text, deleted("note", "N1")) is not None
    assert judged("effects: [{delete: loan, key: L1}]", deleted("loan", "L1")) is None


EACH = """
given: {mine: {rows: loan, where: {who: ann}}}
effects: [{update: loan, each: mine, key: =it.id, set: {fee: =it.fee + 1}, if: it.open}]
"""


def test_an_effect_of_each_entry_happens_for_those_its_condition_holds_for() -> None:
    assert judged(EACH, updated("loan", "L1", fee=31)) is None
    both = judged(EACH, updated("loan", "L1", fee=31), updated("loan", "L3", fee=21))
    assert both == Mismatch("no change", "update loan L3: fee=21")


def test_an_effect_with_a_condition_happens_only_where_it_holds() -> None:
    text = "effects: [{update: loan, key: L1, set: {fee: 0}, if: args.free}]"
    assert judged(text, updated("loan", "L1", fee=0), free=True) is None
    assert judged(text, free=False) is None
    assert judged(text, updated("loan", "L1", fee=0), free=False) is not None


def test_scheduling_and_unscheduling_are_changes_of_pending_effects() -> None:
    text = "effects: [{schedule: remind, at: '2027-01-05', with: {loan: =args.id}}]"
    right = created(
        "scheduled", "SC-9", effect="remind", due="2027-01-05T00:00", args={"loan": "L1"}
    )
    late = created(
        "scheduled", "SC-9", effect="remind", due="2027-01-06T00:00", args={"loan": "L1"}
    )
    assert judged(text, right, id="L1") is None
    assert judged(text, late, id="L1") is not None
    text = "effects: [{unschedule: remind, where: {loan: =args.id}}]"
    assert judged(text, deleted("scheduled", "SC-2"), id="L2") is None
    assert judged(text, deleted("scheduled", "SC-1"), id="L2") is not None
    assert judged(text, id="L9") is None


def test_promised_places_in_the_result_are_compared_by_type_and_value() -> None:
    text = "returns: {a.b: =args.n, list.0: x, n: {count: loan}}"
    good = {"a": {"b": 1}, "list": ["x"], "n": 3, "more": "is allowed"}
    assert judged(text, result=good, n=1) is None
    assert judged(text, result={**good, "a": {"b": True}}, n=1) == Mismatch("a.b = 1", "a.b = True")
    assert judged(text, result={**good, "n": 2}, n=1) == Mismatch("n = 3", "n = 2")
    missing = judged(text, result={"a": {}}, n=1)
    assert missing == Mismatch("a result with 'a.b'", "result {'a': {}}")
    assert judged("returns: {.: [1, =args.n]}", result=[1, 2], n=2) is None


def test_a_text_says_the_promised_values_in_order() -> None:
    text = "says: [=args.id, 30]"
    assert judged(text, result="Loan L1 costs 30.", id="L1") is None
    assert judged(text, result="30 is what L1 costs.", id="L1") is not None


ROWS = [
    {"k": 1, "n": "a"},
    {"k": 1, "n": "b"},
    {"k": 2, "n": "c"},
    {"k": 2, "n": "d"},
    {"k": 3, "n": "e"},
]


def _row_verdict(order: str, got: list[Any], limit: str = "") -> Mismatch | None:
    shapes = {"row": EntityShape("n", ("n", "k"), None, "today", frozenset[str]())}
    text = f"returns: {{rows: {{rows: row, order: [{order}]{limit}}}}}"
    contract = Contract.model_validate(parse_yaml(text, "c.yaml").value)
    compiled = CompiledContract("act", contract, shapes, {})
    rows: dict[str, dict[str, Any]] = {str(row["n"]): row for row in ROWS}
    before = Snapshot({"row": rows}, "2027-01-02", "2027-01-02T09:00")
    outcome = Outcome(None, (), {"rows": got})
    return compile_promise(compiled).mismatch(compiled.situation(before, {}), outcome)


@given(st.permutations(ROWS))
def test_rows_that_the_order_leaves_equal_may_change_places_and_no_others(got: list[Any]) -> None:
    assert _row_verdict("", got) is None
    placed = [row["k"] for row in got] == sorted(row["k"] for row in ROWS)
    assert (_row_verdict("k", got) is None) is placed
    turned = [row["k"] for row in got] == sorted((row["k"] for row in ROWS), reverse=True)
    assert (_row_verdict("-k", got) is None) is turned


@given(st.permutations(ROWS), st.integers(0, 5))
def test_a_limited_list_is_a_beginning_of_the_whole_one(got: list[Any], length: int) -> None:
    cut = got[:length]
    right = length == 3 and [row["k"] for row in cut] == [1, 1, 2]
    assert (_row_verdict("k", cut, ", limit: 3") is None) is right


PAGES = """
returns: {loans: {rows: loan, order: [fee], show: {id: =it.id}}}
pages: {cursor: cursor, next: next, items: loans, size: 2}
"""


def test_the_first_page_begins_the_promised_list_and_all_pages_make_it() -> None:
    ids = [{"id": "L2"}, {"id": "L3"}, {"id": "L1"}]
    assert judged(PAGES, result={"loans": ids[:2], "next": "x"}) is None
    assert judged(PAGES, result={"loans": ids[1:], "next": None}) is not None
    assert judged(PAGES, result={"loans": [], "next": None}) is not None
    there = situation(PAGES)
    promise, pages = compile_promise(there.compiled), there.compiled.contract.pages
    assert pages is not None
    assert promise.pages_mismatch(there, pages, ids, [2, 1]) is None
    assert promise.pages_mismatch(there, pages, ids[:2], [2]) is not None
    assert promise.pages_mismatch(there, pages, [*ids, ids[0]], [2, 2]) is not None
    assert promise.pages_mismatch(there, pages, ids, [1, 2]) == Mismatch(
        "pages of 2", "pages of [1, 2]"
    )


def test_a_lookup_survives_being_stored() -> None:
    lookup = Lookup.model_validate({"count": "loan", "if": "it.open", "where": {"who": None}})
    assert Lookup.model_validate(lookup.model_dump(mode="json", by_alias=True)) == lookup
    assert compile_lookup(lookup).entity == "loan"
