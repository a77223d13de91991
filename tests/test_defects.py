"""Planted defects: each is a domain of its own with one thing wrong, and contract tests notice it."""

from collections import Counter
from pathlib import Path

import pytest

from agentsynth.core.contract import Contracts
from agentsynth.core.domain import Domain
from agentsynth.plan.contracts import check_contracts
from agentsynth.plan.defect_kinds import KINDS
from agentsynth.plan.defects import Defect, plant_defects
from agentsynth.plan.expression_edits import changed_conditions, changed_expressions
from agentsynth.plan.expression_parts import atoms, parts_of, split_expression
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import Loaded, load_yaml, validate
from agentsynth.worlds.static import domain_problems

DEPOT = Path(__file__).parent / "data" / "depot"
UNSEEN = {
    "send: the person 'person' gets another sent beside": "the same value as the tool's own write",
}
"""Defects that make no difference."""
_EACH = 6


@pytest.fixture(scope="module")
def depot() -> Domain:
    return validate(Domain, load_yaml(DEPOT / "domain.yaml"))


@pytest.fixture(scope="module")
def contracts(depot: Domain) -> Contracts:
    loaded = load_contracts(DEPOT, depot)
    assert loaded is not None
    return loaded


@pytest.fixture(scope="module")
def defects(depot: Domain) -> list[Defect]:
    """Every defect that can be planted in the depot."""
    return plant_defects(depot, seed=1, per_tool=1000)


def test_every_kind_of_defect_can_be_planted(defects: list[Defect]) -> None:
    assert {defect.kind for defect in defects} == KINDS.keys()
    assert len(defects) > 150


def test_a_defect_changes_its_tool_and_nothing_else(depot: Domain, defects: list[Defect]) -> None:
    for defect in defects:
        assert defect.domain != depot
        rest = {name: tool for name, tool in depot.tools.items() if name != defect.tool}
        assert {n: t for n, t in defect.domain.tools.items() if n != defect.tool} == rest
        assert defect.domain.model_copy(update={"tools": depot.tools}) == depot
        assert defect.description.startswith(f"{defect.tool}: ")
    assert len({defect.domain.id for defect in defects}) == len(defects)


def test_a_domain_with_a_defect_passes_the_static_checks(defects: list[Defect]) -> None:
    for defect in defects[::5]:
        tools = {"tools": {defect.tool: defect.domain.tools[defect.tool]}, "policy": {}}
        alone = defect.domain.model_copy(update=tools)
        assert domain_problems(alone, Loaded("d", {}, {})) == [], defect.description


def test_the_same_seed_plants_the_same_defects_spread_over_kinds(depot: Domain) -> None:
    first = plant_defects(depot, seed=3)
    assert first == plant_defects(depot, seed=3)
    assert first != plant_defects(depot, seed=4)
    assert Counter(defect.tool for defect in first) == dict.fromkeys(depot.tools, 10)
    send = [defect.kind for defect in first if defect.tool == "send"]
    assert len(set(send)) == 10


@pytest.mark.slow
def test_contract_tests_notice_defects_of_every_kind_that_make_a_difference(
    contracts: Contracts, defects: list[Defect]
) -> None:
    by_kind = {kind: [one for one in defects if one.kind == kind] for kind in KINDS}
    tried = [defect for kind in KINDS for defect in by_kind[kind][:_EACH]]
    survivors = [
        defect
        for defect in tried
        if check_contracts(
            CompiledDomain(defect.domain),
            contracts,
            worlds=2,
            only=[defect.tool],
            first_failure=True,
        ).holds
    ]
    left_open = [defect for defect in survivors if defect.kind == "guard_order"]
    assert left_open == by_kind["guard_order"]  # of two codes that hold, either is right
    rest = {defect.description for defect in survivors if defect.kind != "guard_order"}
    assert rest <= UNSEEN.keys()


def test_conditions_are_changed_one_part_at_a_time() -> None:
    families = [("free", "held", "resting")]
    text = "plot.fee >= 3 && plot.status == 'free'"
    assert set(changed_conditions(text, families)) == {
        f"!({text})",
        "plot.fee >= 3 || plot.status == 'free'",
        "(plot.fee >= 3)",
        "(plot.status == 'free')",
        "plot.fee > 3 && plot.status == 'free'",
        "plot.fee >= 4 && plot.status == 'free'",
        "plot.fee >= 2 && plot.status == 'free'",
        "plot.fee >= 3 && plot.status != 'free'",
        "plot.fee >= 3 && plot.status == 'held'",
        "plot.fee >= 3 && plot.status == 'resting'",
    }


def test_expressions_are_changed_one_part_at_a_time() -> None:
    assert set(changed_expressions("a.b ? c - 1 : 'x'", [])) == {
        "a.b ? 'x' : c - 1",
        "a.b ? c + 1 : 'x'",
        "a.b ? c - 2 : 'x'",
        "a.b ? c - 0 : 'x'",
    }


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "!a.b && (c || !(d == 'x && y'))",
        "days_between(loan.due_on, args.new) > (loan.kind == 'power' ? 2 : 7)",
        "lower(it.name).contains(lower(args.name)) || it.x in ['a', 'b'] && it.n + 1 <= 2 * m - 3",
        '-x + size(y) % 2 != 0 && has(a.b) && a.b.startsWith("q")',
        "x[0].y == 1",
    ],
)
def test_parts_of_an_expression_know_their_place(text: str) -> None:
    whole = split_expression(text)
    assert whole.kind != "other"
    assert (whole.start, whole.end) == (0, len(text))
    for part in parts_of(whole):
        assert text[part.start : part.end] == part.text
        if part.op_start >= 0:
            assert text.startswith(part.op, part.op_start)
    assert all(atom.kind not in ("and", "or", "not") for atom in atoms(whole))


def test_an_expression_that_cannot_be_taken_apart_is_one_part() -> None:
    for text in ("{'a': 1}.a", "a ==", "a b", "x.?y"):
        assert split_expression(text).kind == "other"
        assert [atom.text for atom in atoms(split_expression(text))] == [text]
