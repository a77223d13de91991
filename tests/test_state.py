"""State against a model written without it: plain dicts, copied whole for every transaction."""

import copy
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from agentsynth.core.errors import DomainError
from agentsynth.core.task import Change
from agentsynth.worlds.state import Base, Savepoint, State

Tables = dict[str, dict[str, dict[str, Any]]]

START: Tables = {
    "cat": {
        "c1": {"id": "c1", "name": "Tom", "age": 3},
        "c2": {"id": "c2", "name": "Kit", "age": None},
        "c3": {"id": "c3", "name": "Tom", "age": 3},
    },
    "dog": {"d1": {"id": "d1", "name": "Rex", "age": 1}},
}
ENTITIES = st.sampled_from(["cat", "dog"])
KEYS = st.sampled_from(["c1", "c2", "c3", "d1", "z9", "n1", "a0"])
NAMES = ("Tom", "Kit", "Rex")
AGES = (None, 1, 3)


def base() -> Base:
    return Base(copy.deepcopy(START), seed=11, today="2027-01-01")


def content(tables: Tables) -> str:
    return json.dumps(tables, sort_keys=True)


class Model:
    """What the state should hold. A deleted record keeps its place, should it come back."""

    def __init__(self) -> None:
        self.tables = copy.deepcopy(START)
        self.order = {entity: list(records) for entity, records in START.items()}
        self.minutes = 0

    def put(self, entity: str, key: str, record: dict[str, Any] | None) -> None:
        if key not in self.order[entity]:
            self.order[entity].append(key)
        if record is None:
            self.tables[entity].pop(key, None)
        else:
            self.tables[entity][key] = record

    def records(
        self,
        entity: str,
        where: dict[str, Any],
        between: Mapping[str, tuple[Any, Any]] | None = None,
    ) -> list[tuple[str, dict[str, Any]]]:
        table = self.tables[entity]
        present = [(key, table[key]) for key in self.order[entity] if key in table]
        for field, (low, high) in (between or {}).items():
            if low is None and high is None:
                continue
            present = [(k, r) for k, r in present if r[field] is not None]
            present = [(k, r) for k, r in present if low is None or r[field] >= low]
            present = [(k, r) for k, r in present if high is None or r[field] <= high]
        return [(k, r) for k, r in present if all(r[f] == v for f, v in where.items())]

    def changes_since(self, before: Tables) -> list[tuple[str, str, str, dict[str, Any]]]:
        found: list[tuple[str, str, str, dict[str, Any]]] = []
        for entity in sorted(self.tables):
            old, new = before[entity], self.tables[entity]
            for key in sorted({*old, *new}):
                if key not in old:
                    found.append(("create", entity, key, new[key]))
                elif key not in new:
                    found.append(("delete", entity, key, {}))
                elif old[key] != new[key]:
                    changed = {f: v for f, v in new[key].items() if old[key][f] != v}
                    found.append(("update", entity, key, changed))
        return found


def plain(changes: tuple[Change, ...]) -> list[tuple[str, str, str | None, dict[str, Any]]]:
    return [(c.op, c.entity, c.key, c.fields) for c in changes]


class StateMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.state = State(base())
        self.model = Model()
        self.saved: Model | None = None
        self.marks: list[tuple[Savepoint, Model]] = []
        self.hashes: dict[str, str] = {}

    @precondition(lambda self: self.saved is None)
    @rule()
    def begin(self) -> None:
        self.state.begin()
        self.saved = copy.deepcopy(self.model)

    @precondition(lambda self: self.saved is not None)
    @rule(entity=ENTITIES, key=KEYS, name=st.sampled_from(NAMES), age=st.sampled_from(AGES))
    def write(self, entity: str, key: str, name: str, age: int | None) -> None:
        record = {"id": key, "name": name, "age": age}
        self.state.put(entity, key, record)
        self.model.put(entity, key, record)

    @precondition(lambda self: self.saved is not None)
    @rule(entity=ENTITIES, key=KEYS)
    def delete(self, entity: str, key: str) -> None:
        self.state.put(entity, key, None)
        self.model.put(entity, key, None)

    @precondition(lambda self: self.saved is not None)
    @rule(entity=ENTITIES)
    def create(self, entity: str) -> None:
        key = self.state.new_key(entity, "N-##")
        assert key not in self.model.tables[entity]
        record = {"id": key, "name": "New", "age": None}
        self.state.put(entity, key, record)
        self.model.put(entity, key, record)

    @precondition(lambda self: self.saved is not None)
    @rule()
    def mark(self) -> None:
        self.marks.append((self.state.savepoint(), copy.deepcopy(self.model)))

    @precondition(lambda self: self.marks)
    @rule(data=st.data())
    def back(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.marks) - 1))
        savepoint, model = self.marks[place]
        del self.marks[place + 1 :]
        self.state.back_to(savepoint)
        self.model = copy.deepcopy(model)

    @rule(minutes=st.sampled_from([0, 1, 1440]))
    def advance(self, minutes: int) -> None:
        self.state.advance(minutes)
        self.model.minutes += minutes

    @precondition(lambda self: self.saved is not None)
    @rule()
    def commit(self) -> None:
        assert self.saved is not None
        self.marks.clear()
        expected = self.model.changes_since(self.saved.tables)
        assert plain(self.state.commit()) == expected
        self.saved = None

    @precondition(lambda self: self.saved is not None)
    @rule()
    def rollback(self) -> None:
        assert self.saved is not None
        self.marks.clear()
        self.state.rollback()
        self.model, self.saved = self.saved, None

    @invariant()
    def every_question_is_answered_as_by_the_model(self) -> None:
        for entity in START:
            asked = [
                ({}, {}),
                *(({"name": n}, {}) for n in NAMES),
                *(({"age": a}, {}) for a in AGES),
            ]
            asked += [({"name": n, "age": a}, {}) for n in NAMES for a in AGES]
            asked += [({}, {"age": (1, 3)}), ({"name": "Tom"}, {"age": (None, 1)})]
            asked += [
                ({}, {"name": ("Kit", "Rex"), "age": (None, None)}),
                ({}, {"name": ("L", None)}),
            ]
            for where, between in asked:
                found = list(self.state.records(entity, where, between))
                assert found == self.model.records(entity, where, between), (where, between)
            for name in NAMES:
                together = self.state.holders(entity, ("age", "name"), (3, name))
                same = self.model.records(entity, {"name": name, "age": 3})
                assert list(together) == [key for key, _ in same]

    @invariant()
    def every_record_can_be_got(self) -> None:
        for entity, order in self.model.order.items():
            for key in order:
                assert self.state.get(entity, key) == self.model.tables[entity].get(key)

    @precondition(lambda self: self.saved is None)
    @invariant()
    def the_hash_is_the_same_exactly_when_the_content_is(self) -> None:
        assert plain(self.state.net_changes()) == self.model.changes_since(START)
        now = datetime(2027, 1, 1, 9, tzinfo=UTC) + timedelta(minutes=self.model.minutes)
        assert self.state.now == now.strftime("%Y-%m-%dT%H:%M")
        assert self.state.today == now.date().isoformat()
        held = content(self.model.tables) + self.state.now
        before = self.hashes.setdefault(held, self.state.hash())
        assert self.state.hash() == before
        assert len(set(self.hashes.values())) == len(self.hashes)


TestState = StateMachine.TestCase
TestState.settings = settings(max_examples=60, stateful_step_count=40)


def test_the_base_is_shared_and_never_edited() -> None:
    shared = base()
    one, other = State(shared), State(shared)
    one.begin()
    one.put("cat", "c1", None)
    one.put("cat", "c9", {"id": "c9", "name": "New", "age": 0})
    one.commit()
    assert list(other.records("cat", {})) == list(START["cat"].items())
    assert other.hash() == shared.hash == base().hash
    assert shared.tables == START


def test_a_change_that_is_undone_leaves_no_net_change() -> None:
    state = State(base())
    for age in (7, 3):
        state.begin()
        state.put("cat", "c1", {**START["cat"]["c1"], "age": age})
        made = state.commit()
        assert plain(made) == [("update", "cat", "c1", {"age": age})]
    assert state.net_changes() == ()
    assert state.hash() == state.base.hash


def test_a_record_made_and_deleted_again_leaves_no_net_change() -> None:
    state = State(base())
    for record in ({"id": "c9", "name": "New", "age": 0}, None):
        state.begin()
        state.put("cat", "c9", record)
        state.commit()
    assert state.net_changes() == ()
    assert state.hash() == state.base.hash


def test_worlds_of_another_day_or_content_have_another_hash() -> None:
    other = copy.deepcopy(START)
    other["dog"]["d1"]["age"] = 2
    hashes = {
        base().hash,
        Base(START, seed=11, today="2027-01-02").hash,
        Base(other, seed=11, today="2027-01-01").hash,
    }
    assert len(hashes) == 3


def test_nothing_is_written_outside_a_transaction_and_none_opens_twice() -> None:
    state = State(base())
    with pytest.raises(DomainError, match="outside a transaction"):
        state.put("cat", "c1", None)
    state.begin()
    with pytest.raises(DomainError, match="already open"):
        state.begin()
    state.rollback()
    with pytest.raises(DomainError, match="outside a transaction"):
        state.put("cat", "c1", None)


@given(st.integers(0, 2**40), st.lists(ENTITIES, max_size=6))
def test_new_keys_depend_on_seed_and_calls_alone(seed: int, entities: list[str]) -> None:
    runs: list[list[str]] = []
    for _ in range(2):
        state = State(Base(START, seed=seed, today="2027-01-01"))
        keys: list[str] = []
        for entity in entities:
            state.begin()
            keys.append(state.new_key(entity, "X-####"))
            state.put(entity, keys[-1], {"id": keys[-1], "name": "N", "age": None})
            state.commit()
        runs.append(keys)
    assert runs[0] == runs[1]
    assert len({*zip(entities, runs[0], strict=True)}) == len(entities)


def test_the_key_of_a_record_that_is_gone_is_not_given_again() -> None:
    state = State(base())
    keys: list[str] = []
    for _ in range(8):
        state.begin()
        keys.append(state.new_key("cat", "X-####"))
        state.put("cat", keys[-1], {"id": keys[-1], "name": "New", "age": None})
        state.commit()
        state.begin()
        state.put("cat", keys[-1], None)
        state.commit()
    assert len(set(keys)) == 8


def test_records_of_one_call_come_in_the_order_they_were_made() -> None:
    state = State(base())
    state.begin()
    for key in ("z", "a", "m"):
        state.put("dog", key, {"id": key, "name": "New", "age": None})
    expected = ["d1", "z", "a", "m"]
    assert [key for key, _ in state.records("dog", {})] == expected
    assert [change.key for change in state.commit()] == ["a", "m", "z"]
    for where in ({}, {"age": None}):
        found = [key for key, _ in state.records("dog", where)]
        assert found == [key for key in expected if key != "d1" or not where]


def test_new_keys_differ_between_seeds() -> None:
    keys = {
        State(Base(START, seed=seed, today="2027-01-01")).new_key("cat", "X-########")
        for seed in range(20)
    }
    assert len(keys) == 20


def test_new_keys_never_take_one_of_the_base_and_run_out_in_the_end() -> None:
    taken = {"k": {str(n): {"id": str(n)} for n in range(0, 10, 2)}}
    state = State(Base(taken, seed=3, today="2027-01-01"))
    state.begin()
    for key in taken["k"]:
        state.put("k", key, None)
    made: list[str] = []
    for _ in range(5):
        made.append(state.new_key("k", "#"))
        state.put("k", made[-1], {"id": made[-1]})
    assert sorted(made) == ["1", "3", "5", "7", "9"]
    with pytest.raises(DomainError, match="no key left"):
        state.new_key("k", "#")


def test_going_back_to_a_savepoint_forgets_what_was_touched_since() -> None:
    state = State(base())
    state.begin()
    state.put("cat", "c1", None)
    start = state.savepoint()
    state.put("cat", "c1", {**START["cat"]["c1"], "age": 9})
    state.put("dog", "d1", None)
    state.advance(5)
    state.back_to(start)
    assert state.touched() == [("cat", "c1", None)]
    assert plain(state.commit()) == [("delete", "cat", "c1", {})]
    assert state.now == "2027-01-01T09:00"


def test_what_was_taken_back_leaves_no_trace_in_later_keys() -> None:
    keys: list[str] = []
    for undone in (False, True):
        state = State(base())
        state.begin()
        start = state.savepoint()
        if undone:
            state.put("cat", "c9", {"id": "c9", "name": "New", "age": 0})
            state.back_to(start)
        keys.append(state.new_key("cat", "X-####"))
    assert keys[0] == keys[1]


def test_the_clock_never_goes_back() -> None:
    with pytest.raises(DomainError, match="cannot go back"):
        State(base()).advance(-1)


def test_an_unknown_entity_is_the_domains_error() -> None:
    with pytest.raises(DomainError, match="no entity 'cow'"):
        State(base()).get("cow", "c1")


class Counted(dict[str, Any]):
    """A table that counts how often its records are looked at."""

    looks = 0

    def items(self) -> Any:
        for pair in super().items():
            Counted.looks += 1
            yield pair

    def __iter__(self) -> Any:
        for key in super().__iter__():
            Counted.looks += 1
            yield key


def test_a_call_looks_at_no_record_that_it_does_not_touch() -> None:
    records = {f"k{n}": {"id": f"k{n}", "group": n % 500, "size": n} for n in range(5000)}
    shared = Base({"thing": records}, seed=1, today="2027-01-01")
    State(shared).records("thing", {"group": 1}, {"size": (1, 2)})  # the indexes are made once
    shared.tables["thing"] = Counted(shared.tables["thing"])
    state = State(shared)
    written: list[str] = []
    _ = shared.places
    Counted.looks = 0
    for turn in range(50):
        state.begin()
        key = state.new_key("thing", "n####")
        state.put("thing", key, {"id": key, "group": turn % 5, "size": -turn})
        state.put("thing", f"k{turn}", {**records[f"k{turn}"], "group": 499})
        written.append(key)
        assert key in [k for k, _ in state.records("thing", {"group": turn % 5})]
        assert f"k{turn}" not in [k for k, _ in state.records("thing", {"group": turn})]
        assert key in [k for k, _ in state.records("thing", {}, {"size": (-turn, -turn)})]
        state.commit()
    assert Counted.looks == 0
