"""The steps beyond plain records, each run as a tool of a small clinic."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.core.task import Change
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.files import parse_yaml, validate

CLINIC = (Path(__file__).parent / "data" / "clinic.yaml").read_text(encoding="utf-8")
Open = Callable[..., "Desk"]


class Desk:
    """A world of the clinic with tools of the test's own."""

    def __init__(self, tools: Mapping[str, Any], domain: Mapping[str, Any]) -> None:
        loaded = parse_yaml(CLINIC, "clinic.yaml")
        loaded.value.update(domain)
        for name, steps in tools.items():
            given = steps if isinstance(steps, dict) else {"steps": steps}
            loaded.value["tools"][name] = {
                "description": "A tool of a test.",
                "kind": "write",
                "parameters": {"x": {"optional": True}, "y": {"optional": True}},
                **given,
            }
            loaded.value["tools"][name]["steps"] = parse_yaml(given["steps"], "steps").value
        compiled = CompiledDomain(validate(Domain, loaded))
        self.world = DeclarativeWorld(compiled, compiled.base(0))

    def call(self, name: str = "act", /, **arguments: Any) -> ToolResult:
        return self.world.call_now(ToolCall(id="c", name=name, arguments=arguments))

    def __call__(self, name: str = "act", /, **arguments: Any) -> Any:
        result = self.call(name, **arguments)
        assert not result.is_error, result.content
        return json.loads(result.content)

    def refused(self, name: str = "act", /, **arguments: Any) -> str:
        result = self.call(name, **arguments)
        assert result.is_error, result.content
        assert result.changes == ()
        assert result.code == json.loads(result.content)["error"]["code"]
        return result.code or ""


def act(steps: str, **domain: Any) -> Any:
    """Run steps as one call of a fresh world."""
    return Desk({"act": steps}, domain)()


# -- if ----------------------------------------------------------------------------------------


def test_a_step_whose_if_does_not_hold_is_skipped_and_what_it_binds_is_null() -> None:
    steps = """
    - {get: room, key: RM-01, as: room, if: 1 == 2}
    - {list: visit, as: visits, count: total, if: 1 == 2}
    - {aggregate: visit, give: {n: {count: true}}, as: sums, if: 1 == 2}
    - {let: {a: 5}, if: 1 == 1}
    - {let: {a: 6, b: 7}, if: 1 == 2}
    - {for_each: =visits, as: v, do: [{delete: visit, key: =v.id}], if: visits != null}
    - {return: early, if: a == 6}
    - return: [=room, =visits, =total, =sums, =a, =b]
    """
    assert act(steps) == [None, None, None, None, 5, None]


# -- time and functions ------------------------------------------------------------------------


def test_a_world_starts_at_its_opening_time() -> None:
    assert act("- return: [=now, =today]") == ["2027-03-01T08:30", "2027-03-01"]


def test_advance_moves_now_and_today_for_this_call_and_all_after() -> None:
    desk = Desk(
        {
            "wait": "- {advance: =args.x}\n- return: [=now, =today]",
            "fail": "- {advance: 5}\n- {require: 1 == 2, code: no, message: No.}\n- return: 1",
            "look": "- return: [=now, =today]",
        },
        {},
    )
    start = desk.world.state_hash()
    assert desk("wait", x=16 * 60) == ["2027-03-02T00:30", "2027-03-02"]
    assert desk.refused("fail") == "no"
    assert desk("look") == ["2027-03-02T00:30", "2027-03-02"]
    assert desk.world.net_changes() == ()
    assert desk.world.state_hash() != start
    with pytest.raises(DomainError, match="not a number of minutes"):
        desk("wait", x=-1)
    with pytest.raises(DomainError, match="no year 10000"):
        desk("wait", x=10**11)


def test_the_clock_moves_after_every_call_whatever_came_of_it() -> None:
    clock = {"start": "2027-03-01", "opens_at": "08:30", "minutes_per_call": 10}
    desk = Desk({"look": "- return: =now"}, {"clock": clock})
    assert desk("look") == "2027-03-01T08:30"
    assert desk.refused("nothing") == "unknown_tool"
    assert desk.refused("look", colour="red") == "invalid_arguments"
    assert desk("look") == "2027-03-01T09:00"


# -- list --------------------------------------------------------------------------------------


def ids(options: str, **domain: Any) -> list[str]:
    step = {"list": "visit", "as": "found", "show": {"id": "=it.id"}}
    step.update(parse_yaml(options, "o").value)
    found = act(f"- {json.dumps(step)}\n- return: =found", **domain)
    return [entry["id"] for entry in found]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("between: {starts: ['2027-03-02T09:00', '2027-03-04T16:00']}", ["VI-102", "VI-103", "VI-104"]),
        ("between: {starts: ['2027-03-02T09:01', null]}", ["VI-103", "VI-104"]),
        ("between: {starts: [null, '2027-03-02T09:00']}", ["VI-101", "VI-102"]),
        ("between: {starts: [null, null]}", ["VI-101", "VI-102", "VI-103", "VI-104"]),
        ("between: {fee_cents: [1000, 2500]}", ["VI-102", "VI-104"]),
        ("between: {fee_cents: [null, 9999]}", ["VI-101", "VI-102", "VI-104"]),
        ("between: {fee_cents: [null, =args.x]}", ["VI-101", "VI-102", "VI-103", "VI-104"]),
        ("{between: {fee_cents: [2000, null]}, where: {status: booked, room_id: RM-01}}", ["VI-101", "VI-102"]),
        ("{between: {fee_cents: [2000, null]}, where: {status: done}}", []),
        ("{join: {patient: patient_id}, filter: it.patient.name == 'Bob'}", ["VI-102", "VI-104"]),
        ("{join: {room: room_id}, filter: it.room == null || it.room.floor == 2}", ["VI-103", "VI-104"]),
        ("{join: {patient: patient_id}, sort: [-patient.name, -fee_cents]}", ["VI-102", "VI-104", "VI-101", "VI-103"]),
        ("{join: {room: room_id}, sort: [room.name]}", ["VI-103", "VI-101", "VI-102", "VI-104"]),
    ],
)  # fmt: skip
def test_list_narrows_by_bounds_and_by_what_records_refer_to(
    options: str, found: list[str]
) -> None:
    assert ids(options) == found


def test_bounds_of_different_types_are_the_domains_error() -> None:
    with pytest.raises(DomainError, match="bounds of different types"):
        ids("between: {starts: ['2027-03-02T09:01', 7]}")


def test_show_gives_what_is_asked_of_each_record() -> None:
    steps = """
    - let: {word: at}
    - list: visit
      where: {status: booked}
      join: {room: room_id, patient: patient_id}
      show: {who: =it.patient.name, where: "=word + ' ' + it.room.name", deep: [=it.id, {day: =date_of(it.starts)}]}
      as: visits
    - return: =visits
    """
    assert act(steps) == [
        {"who": "Ann", "where": "at Blue", "deep": ["VI-101", {"day": "2027-03-01"}]},
        {"who": "Bob", "where": "at Blue", "deep": ["VI-102", {"day": "2027-03-02"}]},
    ]


def test_a_join_may_follow_a_joined_record() -> None:
    extra = {
        "entities": {
            **parse_yaml(CLINIC, "c").value["entities"],
            "bill": {
                "id_pattern": "BI-#",
                "fields": {
                    "id": {"type": "string"},
                    "visit_id": {"type": "string", "ref": "visit", "nullable": True},
                },
                "records": [{"id": "BI-1", "visit_id": "VI-102"}, {"id": "BI-2", "visit_id": None}],
            },
        }
    }
    steps = """
    - list: bill
      join: {visit: visit_id, patient: visit.patient_id}
      show: {patient: =it.patient}
      as: bills
    - return: =bills
    """
    bob = {"id": "PA-02", "name": "Bob", "born": "1990-02-02", "email": "b@x.org"}
    bob |= {"allergies": [], "label": "Bob / 1990-02-02", "left_at": None}
    assert act(steps, **extra) == [{"patient": bob}, {"patient": None}]


# -- page --------------------------------------------------------------------------------------

PAGED = """
- list: visit
  where_given: {status: =args.status}
  filter: args.least == null || it.fee_cents == null || it.fee_cents >= args.least
  sort: [-starts]
  page: {size: =args.size, cursor: =args.cursor, next: next}
  count: total
  show: {id: =it.id}
  as: visits
- return: {ids: =visits, next: =next, total: =total}
"""
PAGED_PARAMETERS = {
    "status": {"type": "string", "optional": True},
    "least": {"type": "integer", "optional": True},
    "size": {"type": "integer", "default": 3, "optional": True},
    "cursor": {"type": "string", "optional": True},
}


@pytest.fixture
def pages() -> Desk:
    paged = {"parameters": PAGED_PARAMETERS, "steps": PAGED, "kind": "read"}
    drop = "- {delete: visit, key: =args.x}\n- return: 1"
    return Desk({"visits": paged, "others": paged, "drop": drop}, {})


def walk(pages: Desk, **arguments: Any) -> list[list[str]]:
    found: list[list[str]] = []
    cursor = None
    while True:
        more = {} if cursor is None else {"cursor": cursor}
        page = pages("visits", **arguments, **more)
        found.append([entry["id"] for entry in page["ids"]])
        cursor = page["next"]
        if cursor is None:
            return found


def test_pages_cut_the_sorted_list_and_the_last_has_no_cursor(pages: Desk) -> None:
    assert walk(pages) == [["VI-104", "VI-103", "VI-102"], ["VI-101"]]
    assert walk(pages, size=2) == [["VI-104", "VI-103"], ["VI-102", "VI-101"]]
    assert walk(pages, size=4) == [["VI-104", "VI-103", "VI-102", "VI-101"]]
    assert walk(pages, least=2500, size=1) == [["VI-103"], ["VI-102"], ["VI-101"]]
    assert pages("visits", size=1)["total"] == 4


def test_without_sort_pages_are_in_order_of_the_key() -> None:
    steps = """
    - create: room
      set: {name: New, floor: 3}
      as: made
    - {list: room, page: {size: 5, cursor: null, next: more}, show: {id: =it.id}, as: rooms}
    - return: [=rooms, =more]
    """
    rooms, more = act(steps)
    keys = [room["id"] for room in rooms]
    assert len(keys) == 3
    assert keys == sorted(keys)
    assert more is None


def test_a_cursor_belongs_to_its_own_query_and_nothing_else_is_taken(pages: Desk) -> None:
    cursor = pages("visits", size=1)["next"]
    assert pages("visits", size=2, cursor=cursor)["ids"][0] == {"id": "VI-103"}
    other = [
        {"cursor": cursor, "status": "done"},
        {"cursor": cursor, "least": 1},
        {"cursor": ""},
        {"cursor": "garbage"},
        {"cursor": cursor + "A"},
        {"cursor": cursor[:-1]},
        {"cursor": cursor + "="},
        {"cursor": "WzEsIlZJLTEwNCJd"},
        {"cursor": "é"},
    ]
    for arguments in other:
        assert pages.refused("visits", **arguments) == "bad_cursor", arguments
    assert pages.refused("others", cursor=cursor) == "bad_cursor"


@pytest.mark.parametrize("gone", ["VI-104", "VI-103", "VI-102"])
def test_the_next_page_starts_behind_the_last_record_shown(pages: Desk, gone: str) -> None:
    first = pages("visits", size=2)
    pages("drop", x=gone)
    rest = [entry["id"] for entry in pages("visits", cursor=first["next"])["ids"]]
    expected = {"VI-104": ["VI-102", "VI-101"], "VI-103": ["VI-101"], "VI-102": ["VI-101"]}
    assert rest == expected[gone]


def test_a_size_that_is_none_is_the_domains_error(pages: Desk) -> None:
    with pytest.raises(DomainError, match="0 is not a size of a page"):
        pages("visits", size=0)


# -- aggregate ---------------------------------------------------------------------------------


def test_aggregate_gives_sum_count_min_and_max_over_what_matches() -> None:
    steps = """
    - aggregate: visit
      where: {status: =args.x}
      give: {n: {count: true}, fees: {sum: fee_cents}, first: {min: starts}, last: {max: starts},
             most: {max: "=it.fee_cents == null ? 0 : it.fee_cents * 2"}}
      as: sums
    - return: =sums
    """
    desk = Desk({"act": steps}, {})
    first, last = "2027-03-03T11:15", "2027-03-04T16:00"
    assert desk(x="done") == {"n": 2, "fees": 1000, "first": first, "last": last, "most": 2000}
    empty = {"n": 0, "fees": 0, "first": None, "last": None, "most": None}
    assert desk(x="held") == empty


def test_aggregate_groups_in_order_of_the_groups_value() -> None:
    steps = """
    - aggregate: visit
      join: {room: room_id}
      by: "=it.room == null ? null : it.room.name"
      give: {n: {count: true}, fees: {sum: fee_cents}}
      as: rooms
    - {aggregate: visit, by: patient_id, give: {n: {count: true}}, filter: it.status == 'done', as: p}
    - return: [=rooms, =p]
    """
    assert act(steps) == [
        [
            {"by": None, "n": 1, "fees": 0},
            {"by": "Blue", "n": 2, "fees": 6500},
            {"by": "Green", "n": 1, "fees": 1000},
        ],
        [{"by": "PA-01", "n": 1}, {"by": "PA-02", "n": 1}],
    ]


def test_aggregate_goes_over_a_list_in_scope() -> None:
    steps = """
    - {list: visit, fields: [id, fee_cents], as: visits}
    - let: {numbers: [3, 4, 5]}
    - {aggregate: =visits, filter: it.fee_cents != null, give: {fees: {sum: fee_cents}, n: {count: true}}, as: a}
    - {aggregate: =numbers, give: {total: {sum: =it}}, as: b}
    - return: [=a, =b]
    """
    assert act(steps) == [{"fees": 7500, "n": 3}, {"total": 12}]
    with pytest.raises(DomainError, match="not a list"):
        act("- {aggregate: =today, give: {n: {count: true}}, as: a}\n- return: =a")
    for options in ("give: {n: {max: =it}}", "by: =it, give: {n: {count: true}}"):
        mixed = f"- let: {{l: [1, a]}}\n- {{aggregate: =l, {options}, as: a}}\n- return: =a"
        with pytest.raises(DomainError, match="have no order"):
            act(mixed)
    with pytest.raises(DomainError, match="no whole number"):
        act("- {aggregate: visit, give: {n: {sum: starts}}, as: a}\n- return: =a")


# -- for_each ----------------------------------------------------------------------------------


def test_for_each_writes_for_every_entry_and_collects_a_value() -> None:
    steps = """
    - {list: visit, where: {status: booked}, as: visits}
    - for_each: =visits
      as: visit
      do:
        - let: {inside: "=visit.id + '!'"}
        - {update: visit, key: =visit.id, set: {status: held}}
      collect: {into: names, value: {id: =visit.id, name: =inside}}
    - return: =names
    """
    desk = Desk({"act": steps}, {})
    result = desk.call()
    assert json.loads(result.content) == [
        {"id": "VI-101", "name": "VI-101!"},
        {"id": "VI-102", "name": "VI-102!"},
    ]
    assert [change.key for change in result.changes] == ["VI-101", "VI-102"]
    inner = "- {for_each: =args.x, as: n, do: [{let: {m: =n}}]}\n- return: =m"
    with pytest.raises(DomainError, match="'m' has no value"):
        Desk({"act": inner}, {})(x=[1])


MOVES = """
- for_each: =args.x
  as: id
  do:
    - {update: visit, key: VI-104, set: {fee_cents: 7}}
    - create: room
      set: {name: =id, floor: 1}
      as: room
    - {get: visit, key: =id, as: visit, missing: {code: not_there, message: "No {id}."}}
    - {update: visit, key: =id, set: {room_id: =room.id}}
  collect: {into: moved, value: =id}
"""


def test_an_entry_that_is_refused_is_undone_alone_and_told() -> None:
    desk = Desk({"act": MOVES + "  failed: failed\n- return: [=moved, =failed]"}, {})
    result = desk.call(x=["VI-101", "VI-9", "VI-102", "VI-8"])
    assert json.loads(result.content) == [
        ["VI-101", "VI-102"],
        [
            {"item": "VI-9", "code": "not_there", "message": "No VI-9."},
            {"item": "VI-8", "code": "not_there", "message": "No VI-8."},
        ],
    ]
    made = [str(c.fields["name"]) for c in result.changes if c.op == "create"]
    assert sorted(made) == ["VI-101", "VI-102"]
    keys = [c.key for c in result.changes if c.op == "update"]
    assert keys == ["VI-101", "VI-102", "VI-104"]
    only_bad = Desk({"act": MOVES + "  failed: failed\n- return: [=moved, =failed]"}, {})
    start = only_bad.world.state_hash()
    assert only_bad.call(x=["VI-9"]).changes == ()
    assert only_bad.world.state_hash() == start


def test_without_failed_a_refusal_inside_ends_the_tool_and_undoes_all() -> None:
    desk = Desk({"act": MOVES + "- return: =moved"}, {})
    start = desk.world.state_hash()
    assert desk.refused(x=["VI-101", "VI-9"]) == "not_there"
    assert desk.world.state_hash() == start


# -- unique, soft_delete, derived --------------------------------------------------------------

ADD = """
- create: patient
  set: {name: =args.x, born: "1980-01-01", email: =args.y, allergies: []}
  taken: {code: patient_exists, message: "There is a {args.x} already."}
  as: made
- return: =made.label
"""


def test_no_two_live_records_share_a_unique_set_of_fields() -> None:
    rename = """
    - update: patient
      key: PA-02
      set: {name: =args.x, born: "1980-01-01"}
      taken: {code: name_taken, message: Taken.}
    - return: 1
    """
    leave = "- {delete: patient, key: =args.x}\n- return: 1"
    note = "- {update: patient, key: =args.x, set: {allergies: [rye]}}\n- return: 1"
    desk = Desk({"add": ADD, "rename": rename, "leave": leave, "note": note}, {})
    assert desk.refused("add", x="Ann", y="new@x.org") == "patient_exists"
    assert desk.refused("add", x="Zoe", y="b@x.org") == "patient_exists"
    assert desk("add", x="Zoe", y=None) == "Zoe / 1980-01-01"
    assert desk("add", x="Yan", y=None) == "Yan / 1980-01-01"
    assert desk.refused("rename", x="Zoe") == "name_taken"
    assert desk("rename", x="Bob") == 1
    desk("leave", x="PA-01")
    assert desk("rename", x="Ann") == 1
    assert desk("add", x="Ada", y="a@x.org") == "Ada / 1980-01-01"
    assert desk("note", x="PA-01") == 1


def test_a_clash_that_no_step_foresees_is_the_domains_error() -> None:
    with pytest.raises(DomainError, match="has the same email as another"):
        act("- {update: patient, key: PA-02, set: {email: a@x.org}}\n- return: 1")


def test_a_soft_deleted_record_is_marked_and_passed_over() -> None:
    steps = """
    - {delete: patient, key: PA-01}
    - {get: patient, key: PA-01, as: a}
    - {get: patient, key: PA-01, deleted: true, as: b}
    - {find: patient, where: {name: Ann}, as: c}
    - {find: patient, where: {name: Ann}, deleted: true, as: d}
    - {list: patient, fields: [id], as: e}
    - {list: patient, fields: [id], deleted: true, as: f}
    - {aggregate: patient, give: {n: {count: true}}, as: g}
    - {aggregate: patient, give: {n: {count: true}}, deleted: true, as: h}
    - return: [=a, =b.left_at, =c, =d.left_at, =e, =f, =g.n, =h.n]
    """
    desk = Desk({"act": steps}, {})
    result = desk.call()
    now = "2027-03-01T08:30"
    every = [{"id": "PA-01"}, {"id": "PA-02"}, {"id": "PA-03"}]
    assert json.loads(result.content) == [None, now, None, now, [{"id": "PA-02"}], every, 1, 3]
    marked = Change(op="update", entity="patient", key="PA-01", fields={"left_at": now})
    assert result.changes == (marked,)
    with pytest.raises(DomainError, match="does not exist"):
        act("- {delete: patient, key: PA-03}\n- return: 1")


def test_derived_fields_follow_every_write() -> None:
    desk = Desk({"act": "- {update: patient, key: PA-02, set: {name: Rob}}\n- return: 1"}, {})
    assert desk.world.state.base.tables["patient"]["PA-01"]["label"] == "Ann / 1980-01-01"
    (change,) = desk.call().changes
    assert change.fields == {"name": "Rob", "label": "Rob / 1990-02-02"}


def test_fields_of_the_newer_types_are_checked() -> None:
    for field, bad, told in (
        ("left_at", "2027-03-01", "a datetime such as"),
        ("left_at", "2027-02-30T10:00", "a datetime such as"),
        ("allergies", [1], "a list of strings"),
        ("allergies", "nuts", "expected strings"),
    ):
        step = {"update": "patient", "key": "PA-02", "set": {field: bad}}
        with pytest.raises(DomainError, match=told):
            act(f"- {json.dumps(step)}\n- return: 1")
    steps = """
    - {update: patient, key: PA-02, set: {allergies: =args.x}}
    - {list: patient, filter: "contains_item(it.allergies, 'milk')", show: {n: "=join(it.allergies, '+')"}, as: found}
    - {list: patient, where: {allergies: [nuts]}, fields: [id], as: same}
    - return: [=found, =same]
    """
    assert Desk({"act": steps}, {})(x=["milk", "rye"]) == [[{"n": "milk+rye"}], [{"id": "PA-01"}]]


# -- invariants with steps ---------------------------------------------------------------------


def test_an_invariant_may_look_at_other_records() -> None:
    rule = {
        "id": "one_at_a_time",
        "entity": "visit",
        "steps": [
            {"list": "visit", "where": {"room_id": "=it.room_id", "starts": "=it.starts"}, "count": "same", "as": "r"}
        ],
        "require": "it.room_id == null || same == 1",
    }  # fmt: skip
    move = "- {update: visit, key: VI-102, set: {starts: =args.x}}\n- return: 1"
    desk = Desk({"act": move}, {"invariants": [rule]})
    assert desk(x="2027-03-05T09:00") == 1
    with pytest.raises(
        DomainError, match="tool 'act' broke the invariant 'one_at_a_time' of visit"
    ):
        desk(x="2027-03-01T09:00")


# -- schedule ----------------------------------------------------------------------------------

EFFECTS = {
    "finish": {
        "parameters": ["visit_id"],
        "steps": [
            {"get": "visit", "key": "=args.visit_id", "as": "visit"},
            {"create": "room", "set": {"name": "=now", "floor": 0}, "as": "r"},
            {"require": "visit.status != 'held'", "code": "held", "message": "Held."},
            {"update": "visit", "key": "=visit.id", "set": {"status": "done", "starts": "=now"}},
        ],
    },
    "again": {
        "parameters": [],
        "steps": [
            {"create": "room", "set": {"name": "=now", "floor": 0}, "as": "r"},
            {"schedule": "again", "at": "=add_minutes(now, 60)"},
        ],
    },
}
TIMES = {
    "plan": "- {schedule: finish, at: =args.x, with: {visit_id: =args.y}, as: made}\n- return: =made",
    "cancel": "- {unschedule: finish, where: {visit_id: =args.x}}\n- return: 1",
    "wait": "- {advance: =args.x}\n- return: =now",
    "hourly": '- {schedule: again, at: "=add_minutes(now, 60)"}\n- return: 1',
    "pending": "- {list: scheduled, sort: [due], as: s}\n- return: =s",
    "hold": "- {update: visit, key: =args.x, set: {status: held}}\n- return: 1",
}


@pytest.fixture
def timed() -> Desk:
    return Desk(TIMES, {"effects": EFFECTS})


def test_an_effect_is_pending_until_the_clock_has_passed_it(timed: Desk) -> None:
    made = timed("plan", x="2027-03-01T09:00", y="VI-101")
    assert made["id"].startswith("SC-")
    assert timed("pending") == [
        {"id": made["id"], "effect": "finish", "due": "2027-03-01T09:00", "args": {"visit_id": "VI-101"}}
    ]  # fmt: skip
    (planned,) = timed.world.net_changes()
    assert (planned.op, planned.entity, planned.key) == ("create", "scheduled", made["id"])
    assert timed.call("wait", x=29).changes == ()
    ran = timed.call("wait", x=90)
    assert json.loads(ran.content) == "2027-03-01T10:29"
    assert [change.op for change in ran.changes] == ["create", "delete", "update"]
    assert ran.changes[1:] == (
        Change(op="delete", entity="scheduled", key=made["id"], fields={}),
        Change(op="update", entity="visit", key="VI-101", fields={"status": "done"}),
    )
    assert timed("pending") == []
    assert [change.entity for change in timed.world.net_changes()] == ["room", "visit"]


def test_effects_run_in_order_of_their_time_and_see_it_as_now(timed: Desk) -> None:
    for due in ("2027-03-01T22:00", "2027-03-02", "2027-03-01T23:00"):
        timed("plan", x=due, y="VI-102")
    timed("wait", x=48 * 60)
    rooms = [record["name"] for _, record in timed.world.state.records("room", {"floor": 0})]
    assert rooms == ["2027-03-01T22:00", "2027-03-01T23:00", "2027-03-02T00:00"]


def test_an_effect_that_is_refused_does_nothing_and_is_gone(timed: Desk) -> None:
    timed("plan", x="2027-03-01T09:00", y="VI-101")
    timed("hold", x="VI-101")
    changes = timed.call("wait", x=60).changes
    assert [(change.op, change.entity) for change in changes] == [("delete", "scheduled")]
    assert timed("pending") == []


def test_an_effect_may_schedule_what_is_due_in_the_same_stretch(timed: Desk) -> None:
    timed("hourly")
    changes = timed.call("wait", x=200).changes
    made = sorted(
        str(change.fields["name"])
        for change in changes
        if change.op == "create" and change.entity == "room"
    )
    assert made == [f"2027-03-01T{hour:02}:30" for hour in (9, 10, 11)]
    assert [entry["due"] for entry in timed("pending")] == ["2027-03-01T12:30"]


def test_effects_that_are_unscheduled_never_come(timed: Desk) -> None:
    timed("plan", x="2027-03-01T09:00", y="VI-101")
    timed("plan", x="2027-03-01T09:00", y="VI-102")
    timed("cancel", x="VI-101")
    assert [entry["args"] for entry in timed("pending")] == [{"visit_id": "VI-102"}]
    timed("cancel", x="VI-999")
    assert len(timed("pending")) == 1


def test_an_effect_due_at_once_runs_after_its_own_call(timed: Desk) -> None:
    result = timed.call("plan", x="2027-03-01T08:00", y="VI-101")
    assert [(c.op, c.entity) for c in result.changes] == [("create", "room"), ("update", "visit")]
    assert timed.world.state.get("visit", "VI-101")["starts"] == "2027-03-01T08:00"  # type: ignore[index]


def test_what_is_not_a_time_cannot_be_scheduled(timed: Desk) -> None:
    for wrong in ("soon", None, 5, "2027-03-01T9:00"):
        with pytest.raises(DomainError, match="is not a date or a datetime"):
            timed("plan", x=wrong, y="VI-101")


def test_effects_that_never_come_to_rest_fail_the_rollout() -> None:
    loop = {"loop": {"parameters": [], "steps": [{"schedule": "loop", "at": "=now"}]}}
    desk = Desk({"act": "- {schedule: loop, at: =now}\n- return: 1"}, {"effects": loop})
    with pytest.raises(DomainError, match="effects came due at once"):
        desk()


def test_effects_are_held_against_the_invariants(timed: Desk) -> None:
    rule = {"id": "cheap", "entity": "visit", "require": "it.status != 'done'"}
    desk = Desk(TIMES, {"effects": EFFECTS, "invariants": [rule]})
    desk("plan", x="2027-03-01T09:00", y="VI-101")
    with pytest.raises(DomainError, match="effect 'finish' broke the invariant 'cheap'"):
        desk("wait", x=60)


# -- once --------------------------------------------------------------------------------------

ONCE = """
- {once: =args.x}
- create: room
  set: {name: =args.y, floor: 1}
  as: room
- {require: args.y != 'bad', code: bad_name, message: No.}
- return: {id: =room.id, name: =args.y}
"""


def test_a_repeated_request_is_answered_as_before_and_changes_nothing() -> None:
    desk = Desk({"add": ONCE, "other": ONCE}, {})
    first = desk.call("add", x="k1", y="Red")
    hashed = desk.world.state_hash()
    again = desk.call("add", x="k1", y="Red")
    assert again.content == first.content
    assert (len(first.changes), again.changes) == (1, ())
    assert desk.world.state_hash() == hashed
    assert desk.refused("add", x="k1", y="Blue") == "idempotency_conflict"
    assert desk("other", x="k1", y="Red")["id"] != json.loads(first.content)["id"]
    assert desk("add", x="k2", y="Red")["id"] != json.loads(first.content)["id"]


def test_without_a_key_or_after_a_refusal_nothing_is_remembered() -> None:
    desk = Desk({"add": ONCE}, {})
    assert desk("add", y="Red")["id"] != desk("add", y="Red")["id"]
    assert desk.refused("add", x="k1", y="bad") == "bad_name"
    assert desk("add", x="k1", y="Red")["name"] == "Red"


def test_a_kept_answer_is_in_the_hash_and_never_in_the_changes() -> None:
    desk, plain = Desk({"add": ONCE}, {}), Desk({"add": ONCE}, {})
    desk("add", x="k1", y="Red")
    plain("add", y="Red")
    assert desk.world.net_changes() == plain.world.net_changes()
    assert desk.world.state_hash() != plain.world.state_hash()


# -- documents, errors, actors -----------------------------------------------------------------

DOCUMENT = """
- {list: visit, where: {status: done}, join: {patient: patient_id}, show: {who: =it.patient.name, at: =it.starts}, as: v}
- document:
    head: "Visits on {today}\\n"
    each: =v
    row: "- {it.who}: {it.at}"
    foot: "Asked by {args.x}"
"""


def test_a_document_is_a_plain_text_of_head_rows_and_foot() -> None:
    desk = Desk({"act": {"steps": DOCUMENT, "result": "text", "kind": "read"}}, {})
    assert desk.call(x="me").content == (
        "Visits on 2027-03-01\n- Ann: 2027-03-03T11:15\n- Bob: 2027-03-04T16:00\nAsked by me"
    )


REFUSE = """
- {get: room, key: =args.x, as: room, missing: {code: room_not_found, message: "No room “{args.x}”."}}
- {require: room.floor == 2, code: wrong_floor, message: Wrong floor., status: 418}
- {require: room.floor == 1, code: already_there, message: Twice.}
- return: 1
"""


@pytest.mark.parametrize(
    ("style", "name", "argument", "content"),
    [
        ("codes", "act", "RM-9", '{"error": {"code": "room_not_found", "message": "No room “RM-9”."}}'),
        ("http", "act", "RM-9", '{"status": 404, "error": "Not Found", "detail": "No room “RM-9”."}'),
        ("http", "act", "RM-01", '{"status": 418, "error": "Error", "detail": "Wrong floor."}'),
        ("http", "act", "RM-02", '{"status": 409, "error": "Conflict", "detail": "Twice."}'),
        ("http", "nope", "RM-9", '{"status": 404, "error": "Not Found", "detail": "There is no tool named \'nope\'."}'),
        ("prose", "act", "RM-9", "Error: No room “RM-9”."),
    ],
)  # fmt: skip
def test_errors_look_as_the_domain_says_and_the_code_stands_beside(
    style: str, name: str, argument: str, content: str
) -> None:
    result = Desk({"act": REFUSE}, {"errors": style}).call(name, x=argument)
    assert result.content == content
    assert result.is_error
    codes = {"RM-9": "room_not_found", "RM-01": "wrong_floor", "RM-02": "already_there"}
    assert result.code == (codes[argument] if name == "act" else "unknown_tool")


def test_each_side_has_its_own_tools_over_one_world() -> None:
    user_tool = {
        "description": "Say where you are now.",
        "kind": "write",
        "parameters": {"floor": {"type": "integer"}},
        "steps": [
            {"update": "room", "key": "RM-01", "set": {"floor": "=args.floor"}},
            {"return": "ok"},
        ],
    }
    desk = Desk(
        {"look": "- {get: room, key: RM-01, as: r}\n- return: =r.floor"},
        {"user_tools": {"moveTo": user_tool}},
    )
    move = ToolCall(id="1", name="moveTo", arguments={"floor": 9})
    look = ToolCall(id="2", name="look", arguments={})
    assert desk.world.call_now(move).code == "unknown_tool"
    assert desk.world.call_now(look, "user").code == "unknown_tool"
    assert desk.world.call_now(move, "user").content == '"ok"'
    assert desk.world.call_now(look).content == "9"
    assert [spec.name for spec in desk.world.compiled.user_specs] == ["moveTo"]
    assert [spec.name for spec in desk.world.compiled.specs] == ["look"]


def test_arguments_with_a_time_have_to_be_real_ones() -> None:
    parameters = {
        "at": {"type": "string", "format": "datetime", "optional": True},
        "time": {"type": "string", "format": "time", "optional": True},
    }
    desk = Desk({"act": {"steps": "- return: 1", "parameters": parameters}}, {})
    assert desk(at="2027-03-01T09:00", time="23:59") == 1
    for wrong in (
        {"at": "2027-02-30T09:00"},
        {"at": "2027-03-01"},
        {"time": "24:00"},
        {"time": "9:00"},
    ):
        assert desk.refused(**wrong) == "invalid_arguments"
