"""The two templates are one small business in two forms, and each holds as it lies there."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.cli.main import main
from agentsynth.core.messages import ToolCall
from agentsynth.core.resources import bundled
from agentsynth.testing.check_domain import check_domain
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.load import domain_names, find_domain, load_folder

FORMS = ("declarative", "python")


def folder(form: str) -> Path:
    return bundled("domains") / "_template" / form


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
async def test_a_template_holds_and_offers_every_kind(form: str) -> None:
    report = await check_domain(str(folder(form)), tasks=8)
    assert report.problems == []
    certified = {kind.kind: (kind.certified, kind.kept) for kind in report.kinds}
    assert set(certified.values()) == {(8, 8)}
    assert {"write", "several", "info", "refuse", "partly", "ask_back"} <= certified.keys()


@pytest.mark.parametrize("form", FORMS)
def test_a_template_can_be_copied_and_played(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder(form).glob("*.*"):
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    config = tmp_path / "config.yaml"
    config.write_text(f"version: 1\ntarget: {{tasks: 6}}\ndomains: {{'{tmp_path}': 1}}\n")
    assert main(["run", str(config), "--out", str(tmp_path / "out"), "--json"]) == 0
    assert '"rows":' in capsys.readouterr().out


def test_templates_are_no_bundled_domains_and_are_found_by_name_all_the_same() -> None:
    assert not [name for name in domain_names() if "_template" in name]
    assert find_domain("_template/python") == folder("python")


def test_both_forms_have_one_playbook_lexicon_contract_and_policy() -> None:
    for name in ("intents.yaml", "lexicon.en.yaml", "contracts.yaml"):
        first, second = [(folder(form) / name).read_text(encoding="utf-8") for form in FORMS]
        assert first == second, name
    first, second = [load_folder(folder(form)).domain for form in FORMS]
    assert first.policy == second.policy
    assert first.invariants == second.invariants
    assert set(first.tools) == set(second.tools)
    for name, tool in first.tools.items():
        other = second.tools[name]
        assert (tool.description, tool.kind) == (other.description, other.kind)
        assert tool.parameters == other.parameters
    for name, entity in first.entities.items():
        assert entity.fields == second.entities[name].fields
        assert entity.natural_key == second.entities[name].natural_key


def ids(prefix: str, *numbers: int) -> st.SearchStrategy[str]:
    return st.sampled_from([f"{prefix}-{number}" for number in numbers])


MEMBERS, GAMES = ids("ME", 101, 102, 103, 999), ids("GA", *range(11, 25), 99)
LOANS = ids("LO", *(1013 + 37 * number for number in range(6)), 9)
DAYS = st.sampled_from(["2027-04-01", "2027-05-05", "2027-06-30", "soon"])
CALLS = st.one_of(
    st.tuples(st.just("find_member"), st.fixed_dictionaries({"card": ids("C", 1207, 1820, 1)})),
    st.tuples(st.just("list_games"), st.fixed_dictionaries({})),
    st.tuples(st.just("list_loans"), st.fixed_dictionaries({"member_id": MEMBERS})),
    st.tuples(
        st.just("lend_game"),
        st.fixed_dictionaries({"member_id": MEMBERS, "game_id": GAMES, "due_on": DAYS}),
    ),
    st.tuples(st.just("return_game"), st.fixed_dictionaries({"loan_id": LOANS})),
)


@given(st.integers(0, 3), st.lists(CALLS, max_size=12))
def test_both_forms_answer_and_change_alike(
    seed: int, calls: list[tuple[str, dict[str, Any]]]
) -> None:
    declarative, python = [load_folder(folder(form)) for form in FORMS]
    assert python.python is not None
    in_steps = CompiledDomain(declarative.domain, base=python.python.base)
    in_python = CompiledDomain(python.domain, tools=python.python.tools, base=python.python.base)
    worlds = [DeclarativeWorld(one, one.base(seed)) for one in (in_steps, in_python)]
    for name, arguments in calls:
        call = ToolCall(id="c", name=name, arguments=arguments)
        first, second = [world.call_now(call) for world in worlds]
        assert first == second
    assert worlds[0].net_changes() == worlds[1].net_changes()
    assert worlds[0].state_hash() == worlds[1].state_hash()
