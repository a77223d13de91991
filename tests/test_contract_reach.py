"""Contract tests reach what shows only after other calls, later, or in one combination of arguments."""

from pathlib import Path

import pytest

from agentsynth.core.contract import Contracts
from agentsynth.core.domain import Domain
from agentsynth.plan.contract_conditions import compile_condition, threshold
from agentsynth.plan.contracts import ContractReport, check_contracts
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import parse_yaml, validate
from agentsynth.worlds.load import load_folder

CLINIC = Path(__file__).parents[1] / "domains" / "vet_clinic"
DOMAIN = (CLINIC / "domain.yaml").read_text(encoding="utf-8")
CONTRACTS = (CLINIC / "contracts.yaml").read_text(encoding="utf-8")


def clinic(tool: str, domain: str = DOMAIN) -> ContractReport:
    """Hold one tool of the vet clinic against its contract."""
    value = validate(Domain, parse_yaml(domain, "domain.yaml"))
    promised = validate(Contracts, parse_yaml(CONTRACTS, "contracts.yaml"))
    return check_contracts(CompiledDomain(value), promised, only=[tool], first_failure=True)


pytestmark = pytest.mark.slow

CASES = [
    # what it takes, tool, words in the tool, what they become
    ("a visit like the one handed over before", "handOverAppointment", "require: meanwhile.visits == 0", "require: meanwhile.visits >= 0"),
    ("what a hold has scheduled before", "cancelAppointment", "- {unschedule: release_hold, where: {visit_id: =visit.id}}\n", "\n"),
    ("a record that another tool has changed", "confirmHold", "visit.status == 'lapsed'", "visit.status == 'calledOff'"),
    ("a reminder that was sent meanwhile", "callOffAppointment", "where: {appointmentId: =visit.id, status: planned}", "where: {appointmentId: =visit.id}"),
    ("one code alone among many arguments", "bookSeries", "missing: {code: patient_not_found,", "missing: {code: vet_not_found,"),
    ("an animal elsewhere while the vet is free", "bookAppointment", "require: same_animal.visits == 0", "require: same_animal.visits >= 0"),
    ("a time of day on the border", "holdSlot", "args.time >= shift.opens", "args.time > shift.opens"),
    ("a date of what a row refers to", "listRoster", "args.date > it.vet.leaveTo", "args.date >= it.vet.leaveTo"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "old", "new"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_a_mistake_that_shows_only_in_certain_states_is_noticed(
    tool: str, old: str, new: str
) -> None:
    assert old in DOMAIN
    report = clinic(tool, DOMAIN.replace(old, new))
    assert [one.tool for one in report.tools if one.failures] == [tool]


def test_a_failure_says_how_long_after_which_calls_it_was_seen() -> None:
    kept = "where: {appointmentId: =visit.id, status: planned}"
    report = clinic("callOffAppointment", DOMAIN.replace(kept, "where: {appointmentId: =visit.id}"))
    assert "minutes later, after scheduleReminder(" in report.problems[0]


def test_a_call_with_one_wrong_thing_that_cannot_be_mended_is_not_the_only_one_gone_on_from() -> (
    None
):
    folder = load_folder(CLINIC.parent / "heat_pump_support")
    contracts, python = (
        load_contracts(CLINIC.parent / "heat_pump_support", folder.domain),
        folder.python,
    )
    assert contracts is not None
    assert python is not None
    compiled = CompiledDomain(folder.domain, tools=python.tools, base=python.base)
    report = check_contracts(compiled, contracts, only=["pairSensor"])
    assert report.tools[0].unreached == ()


@pytest.mark.parametrize(("opens", "apart"), [("09:00", 0), ("09:01", -1), ("10:00", None)])
def test_times_of_day_have_a_threshold_as_dates_have(opens: str, apart: int | None) -> None:
    atom = compile_condition("errors.outside_hours", "args.time < opens").atoms[0]
    names = {"args": {"time": "09:00"}, "opens": opens}
    assert threshold(atom, lambda part: part.evaluate(names)) == apart
