"""One agent with the tools of several domains: what may be mixed, how it is played, what replays."""

import json
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from pydantic import JsonValue

from agentsynth.cli.main import main
from agentsynth.compose.agents import agent_plans
from agentsynth.compose.couse import co_use, sketch_of
from agentsynth.compose.tasks import NoTask
from agentsynth.compose.toolsets import PER_SOURCE, draw_toolset, sources_of_intents
from agentsynth.core.errors import UserError
from agentsynth.core.intent import CallStep
from agentsynth.core.messages import ToolCall
from agentsynth.pipeline.config import RunConfig, TargetConfig, load_config
from agentsynth.pipeline.domains import load_checked
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.plan.lint import plan_problems
from agentsynth.simulate.rollout import Limits
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.load import find_domain, load_folder
from agentsynth.worlds.mix import clashes, mixed
from agentsynth.worlds.mixed_world import MixedWorld
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime
from agentsynth.worlds.static import domain_problems

DATA = Path(__file__).parent / "data"
SMALL, KINDS = str(DATA / "small"), str(DATA / "kinds")
BOTH = f"{KINDS}+{SMALL}"


@pytest.fixture(scope="module")
def both() -> DomainRuntime:
    return declarative_runtime(load_checked(BOTH))


def test_a_mixture_is_as_sound_as_its_parts() -> None:
    loaded = load_checked(BOTH)
    assert domain_problems(loaded.domain, loaded.domain_file) == []
    assert plan_problems(loaded, CompiledDomain(loaded.domain).specs) == []
    parts = [load_checked(KINDS), load_checked(SMALL)]
    assert loaded.domain.tools.keys() == {t for part in parts for t in part.domain.tools}
    assert loaded.playbook.intents.keys() == {i for p in parts for i in p.playbook.intents}


def test_a_rule_of_conduct_that_both_have_is_one_rule_over_the_tools_of_both() -> None:
    parts = [load_checked(KINDS).domain, load_checked(SMALL).domain]
    merged = load_checked(BOTH).domain.policy
    assert set(merged["ask_first"].tools) == {
        tool for part in parts for tool in part.policy["ask_first"].tools
    }


def test_each_tool_keeps_its_domain_and_the_looks_of_its_errors(both: DomainRuntime) -> None:
    sources = {spec.name: spec.provenance.source for spec in both.specs}
    assert sources["move_book"] == "small"
    assert sources["book_room"] == "kinds"
    parts = [load_folder(find_domain(name)) for name in ("housing_coop", "vet_clinic")]
    compiled = CompiledDomain(mixed(parts).domain)
    for part in parts:
        assert {compiled.error_style(tool) for tool in part.domain.tools} == {part.domain.errors}
    assert len({part.domain.errors for part in parts}) == 2


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((SMALL, SMALL), "a domain is named twice"),
        (("community_garden", "city_archive"), "both have a entity 'loan'"),
        (("live/sqlite", "live/memory"), "two of them have a live server"),
        (("community_garden", "wind_farm"), "wind_farm is written in Python"),
        (("housing_coop", "live/filesystem"), "have days of their own"),
    ],
)
def test_what_cannot_be_mixed_is_refused_with_the_reason(names: tuple[str, ...], told: str) -> None:
    with pytest.raises(UserError, match="cannot be mixed") as error:
        load_checked("+".join(names))
    assert told in str(error.value)


def test_two_parts_with_a_tool_of_one_name_clash() -> None:
    one = load_checked(SMALL)
    other = load_checked(KINDS)
    taken = {"move_book": next(iter(other.domain.tools.values())), **other.domain.tools}
    domain = other.domain.model_copy(update={"tools": taken})
    found = clashes([one, replace(other, domain=domain)])
    assert found == ["both have a tool 'move_book'"]


def test_an_unknown_part_is_named() -> None:
    with pytest.raises(UserError, match="unknown domain 'gardn'"):
        load_checked(f"{SMALL}+gardn")


async def test_several_requests_of_a_mixture_are_for_different_parts(both: DomainRuntime) -> None:
    config = RunConfig(version=1, seed=5, target=TargetConfig(tasks=1), domains={BOTH: 1.0})
    worker = Worker(config, {BOTH: both}, Limits())
    sources = sources_of_intents(both)
    kept = 0
    for seed in range(6):
        prepared = await worker.prepare(Place(seed, BOTH, "several", seed=seed, probe=False))
        if isinstance(prepared, NoTask):
            continue
        graded = await worker.play(prepared, *prepared.scenarios[0])
        assert graded.decision.kept, graded.decision
        task = prepared.composed.task
        assert len({min(sources[one.intent]) for one in task.requests}) == len(task.requests) > 1
        called = {call.name for call in task.reference_calls}
        assert {both.spec_by_name[name].provenance.source for name in called} == {"kinds", "small"}
        kept += 1
    assert kept >= 4


def test_an_agent_of_a_mixture_has_what_it_serves_and_no_source_above_its_cap() -> None:
    runtime = declarative_runtime(load_checked("community_garden+housing_coop"))
    assert len(runtime.specs) > 2 * PER_SOURCE
    sources = {spec.name: spec.provenance.source for spec in runtime.specs}
    needed = {
        name: {step.call for step in intent.steps if isinstance(step, CallStep)}
        for name, intent in runtime.playbook.intents.items()
    }
    for plan in agent_plans(runtime):
        counts = Counter(sources[tool] for tool in plan.tools)
        assert set(counts) == {"community_garden", "housing_coop"}
        assert max(counts.values()) <= PER_SOURCE
        used = {tool for name in plan.intents for tool in needed[name]}
        assert used <= set(plan.tools)
        assert set(plan.tools) - used, "an agent has tools that its tasks never need"


def test_toolsets_are_the_same_for_the_same_seed(both: DomainRuntime) -> None:
    drawn = [draw_toolset(both, random.Random(3)) for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_the_co_use_graph_joins_a_tool_with_what_needs_its_result(garden: DomainRuntime) -> None:
    graph = co_use([sketch_of(spec) for spec in garden.specs])
    near = graph["find_member"]
    assert near["get_member"] > 0
    assert graph["get_member"]["find_member"] == near["get_member"]
    assert "list_gardens" not in graph["return_item"]


async def test_a_world_of_two_halves_is_told_apart_by_either(garden: DomainRuntime) -> None:
    def opened() -> MixedWorld:
        return MixedWorld(world(load_small()), world(garden.compiled))

    def world(compiled: CompiledDomain | None) -> DeclarativeWorld:
        assert compiled is not None
        return DeclarativeWorld(compiled, compiled.base(1))

    def load_small() -> CompiledDomain:
        return CompiledDomain(load_checked(SMALL).domain)

    opened_one = opened()
    fresh = opened_one.state_hash()
    assert fresh == opened().state_hash()
    added = await opened_one.call(ToolCall(id="1", name="add_book", arguments=_a_book(opened_one)))
    assert not added.is_error, added.content
    assert opened_one.state_hash() != fresh
    assert opened_one.net_changes() == added.changes
    plots = await opened_one.call(ToolCall(id="2", name="list_gardens", arguments={}))
    assert not plots.is_error
    assert (await opened_one.call(ToolCall(id="3", name="nonsense", arguments={}))).is_error


def _a_book(mixed: MixedWorld) -> dict[str, JsonValue]:
    half = mixed.half("add_book")
    assert isinstance(half, DeclarativeWorld)
    shelf = next(iter(half.state.base.tables["shelf"]))
    return {"title": "The Long Field", "shelf_id": shelf}


def test_a_config_draws_mixtures_of_its_domains_with_their_share(tmp_path: Path) -> None:
    settings = {
        "version": 1,
        "target": {"tasks": 5},
        "domains": {"community_garden": 1, "housing_coop": 1, SMALL: 2},
        "mixed": {"share": 0.5, "agents": 2, "domains": 2},
    }
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    config = load_config(path)
    drawn = {name: weight for name, weight in config.domains.items() if "+" in name}
    assert len(drawn) == 2
    assert sum(drawn.values()) == pytest.approx(4)
    assert config == load_config(path)
    assert config.mixed is None


def test_a_config_whose_domains_cannot_be_mixed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "version: 1\ntarget: {tasks: 5}\ndomains: {wind_farm: 1, heat_pump_support: 1}\n"
        "mixed: {share: 0.5}\n",
        encoding="utf-8",
    )
    with pytest.raises(UserError, match=r"run.yaml:4: mixed: no 3 of these domains can be mixed"):
        load_config(path)


@pytest.mark.slow
def test_a_run_of_mixtures_replays_and_has_the_same_bytes_with_workers(
    scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {
        "version": 1,
        "seed": 3,
        "target": {"tasks": 16},
        "domains": {BOTH: 3, "community_garden+housing_coop": 1},
        "probes": 0.2,
    }
    Path("run.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    for out, more in (("one", []), ("two", ["--workers", "2"])):
        assert main(["run", "run.yaml", "--out", out, "--json", *more]) == 0
    rows = [(Path(out) / "export" / "rows.jsonl").read_bytes() for out in ("one", "two")]
    assert rows[0] == rows[1]
    assert rows[0].count(b"\n") >= 14
    capsys.readouterr()
    assert main(["replay", "--all", "--run", "one", "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert replayed["different"] == 0
    assert replayed["replayed"] == rows[0].count(b"\n")
