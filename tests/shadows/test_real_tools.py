"""What rows, manifest and card say of the real tools behind shadows."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentsynth.cli.main import main
from agentsynth.core.agent import Agent
from agentsynth.core.errors import UserError
from agentsynth.core.messages import AssistantMessage, Message, UserMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.evolve.snapshot import ListedServer, Snapshot, save_snapshot
from agentsynth.pipeline.config import RunConfig, load_config
from agentsynth.pipeline.real_tools import RealTools, called_specs, real_metadata
from agentsynth.worlds.load import find_domain, shadow_names
from tests.shadows.tracker import STATUS, TEXT, TRACKER, call, domain_from, emitted, listed, tool

NOTE = {"type": "object", "properties": {"id": TEXT, "title": TEXT}, "required": ["id", "title"]}
TOOLS = [
    tool("create_note", "title", status=STATUS),
    tool("get_note", "note_id", output=NOTE),
    tool("list_notes"),
]


@pytest.fixture(scope="module")
def specs() -> dict[str, ToolSpec]:
    found = domain_from(emitted(TOOLS)["domain.yaml"]).specs
    return {spec.name: spec for spec in found}


def calling(*names: str) -> list[Message]:
    """Return a conversation in which these tools are called."""
    calls = tuple(call(name) for name in names)
    return [UserMessage(content="Please."), AssistantMessage(content="", tool_calls=calls)]


# metadata


def test_a_shadows_tool_is_offered_as_the_server_lists_it(specs: dict[str, ToolSpec]) -> None:
    one = specs["create_note"]
    assert one.provenance.origin == "mcp"
    assert (one.provenance.source, one.provenance.licence) == ("toy", "MIT")
    assert {name: spec.level for name, spec in specs.items()} == {
        "create_note": "L1",
        "get_note": "L2",
        "list_notes": "L1",
    }
    assert specs["get_note"].returns is not None
    assert one.returns is None


def test_only_real_tools_that_are_called_are_named(specs: dict[str, ToolSpec]) -> None:
    ours = specs["list_notes"].provenance.model_copy(update={"origin": "synthetic"})
    own = specs["list_notes"].model_copy(update={"name": "own", "provenance": ours})
    agent = Agent(domain="d", system_prompt="s", tools=(*specs.values(), own))
    found = called_specs(agent, calling("own", "get_note", "create_note", "get_note"))
    assert [spec.name for spec in found] == ["create_note", "get_note"]


def test_a_rows_metadata_names_server_licence_and_level(specs: dict[str, ToolSpec]) -> None:
    made = real_metadata([specs["create_note"], specs["get_note"]])
    assert made["real_tools"]["get_note"] == {
        "server": "toy",
        "package": "toy-server",
        "version": "1.0",
        "licence": "MIT",
        "spec_hash": "s1:" + "0" * 32,
        "level": "L2",
    }
    assert made["results_not_specified"] == ["create_note"]
    assert "results_not_specified" not in real_metadata([specs["get_note"]])
    assert real_metadata([]) == {}


def test_a_tool_at_l3_has_its_fidelity_in_the_row_and_the_manifest(
    specs: dict[str, ToolSpec],
) -> None:
    like = [
        specs[name].model_copy(update={"level": "L3", "fidelity": score})
        for name, score in (("create_note", 0.9), ("get_note", 0.95))
    ]
    made = real_metadata(like)
    assert {name: (one["level"], one["fidelity"]) for name, one in made["real_tools"].items()} == {
        "create_note": ("L3", 0.9),
        "get_note": ("L3", 0.95),
    }
    assert made["results_not_specified"] == ["create_note"]  # being alike says nothing of a schema
    assert "fidelity" not in real_metadata([specs["get_note"]])["real_tools"]["get_note"]
    real = RealTools()
    real.add([*like, specs["list_notes"]])
    assert real.summary()["levels"] == {"L1": 1, "L3": 2}
    assert real.summary()["fidelity"] == {"least": 0.9, "mean": 0.925}


def test_the_fidelity_of_a_tool_is_part_of_its_id_and_none_leaves_ids_as_they_were(
    specs: dict[str, ToolSpec],
) -> None:
    one = specs["get_note"]
    assert "fidelity" not in one.plain
    like = one.model_copy(update={"level": "L3", "fidelity": 0.9})
    assert like.id != one.id
    assert ToolSpec.model_validate(json.loads(json.dumps(like.plain))).id == like.id


def test_card_and_manifest_count_each_tool_once_by_level_and_licence(
    specs: dict[str, ToolSpec],
) -> None:
    other = specs["get_note"].provenance.model_copy(update={"source": "twin", "licence": "ISC"})
    real = RealTools()
    real.add([specs["create_note"], specs["get_note"]])
    real.add([specs["create_note"]])
    real.add([specs["get_note"].model_copy(update={"provenance": other})])
    real.add([])
    assert real.summary() == {
        "rows": 3,
        "tools": 3,
        "servers": 2,
        "levels": {"L1": 1, "L2": 2},
        "licences": {"ISC": 1, "MIT": 2},
    }


# configs and names


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace with shadows of two servers, in name only."""
    monkeypatch.chdir(tmp_path)
    for name in ("toy/issue", "toy/project", "twin/note"):
        folder = tmp_path / ".agentsynth" / "shadows" / name
        folder.mkdir(parents=True)
        (folder / "domain.yaml").write_text("name: x\n", encoding="utf-8")
    return tmp_path


def config(folder: Path, **domains: float) -> RunConfig:
    """Load a config with these domains; `__` stands for a slash."""
    path = folder / "config.yaml"
    named = {name.replace("__", "/").replace("ALL", "*"): w for name, w in domains.items()}
    value = {"version": 1, "target": {"kept": 5}, "domains": named}
    path.write_text(yaml.safe_dump(value), encoding="utf-8")
    return load_config(path)


def test_a_pattern_stands_for_every_shadow_that_fits_with_its_weight(workspace: Path) -> None:
    assert config(workspace, shadow__ALL=2, community_garden=1).domains == {
        "community_garden": 1,
        "shadow/toy/issue": 2,
        "shadow/toy/project": 2,
        "shadow/twin/note": 2,
    }
    assert list(config(workspace, shadow__twin__ALL=1).domains) == ["shadow/twin/note"]


def test_a_name_that_is_given_itself_keeps_its_own_weight(workspace: Path) -> None:
    found = config(workspace, shadow__ALL=2, shadow__toy__issue=0).domains
    assert found["shadow/toy/issue"] == 0
    assert found["shadow/toy/project"] == 2


def test_a_pattern_without_a_shadow_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"agentsynth tools shadow") as caught:
        config(tmp_path, shadow__nosuch__ALL=1)
    assert "config.yaml:" in str(caught.value)
    with pytest.raises(UserError, match="no domain is named like") as caught:
        config(tmp_path, nosuch_ALL=1)
    assert "tools shadow" not in str(caught.value)


def test_a_shadow_that_was_not_made_names_the_commands_that_make_it(workspace: Path) -> None:
    assert shadow_names() == ("shadow/toy/issue", "shadow/toy/project", "shadow/twin/note")
    assert find_domain("shadow/toy/issue").is_dir()
    with pytest.raises(UserError, match="agentsynth tools shadow nosuch") as caught:
        find_domain("shadow/nosuch/note")
    assert "agentsynth tools collect" in str(caught.value)


# the command


def collected(folder: Path, *servers: ListedServer) -> None:
    """Put servers into the workspace's snapshot."""
    save_snapshot(folder / ".agentsynth" / "tools", Snapshot(), servers, {})


def lines(text: str) -> list[dict[str, Any]]:
    """Return NDJSON as values."""
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def test_the_command_makes_shadows_keeps_them_and_counts_what_it_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    free = listed([*TOOLS[:1], TOOLS[2], tool("mark_all_as_read")])
    closed = listed(TRACKER[:3], name="closed", licence="Proprietary")
    collected(tmp_path, free, closed)
    stale = tmp_path / ".agentsynth" / "shadows" / "toy" / "old"
    stale.mkdir(parents=True)
    assert main(["tools", "shadow", "--all", "--json"]) == 0
    *servers, summary = lines(capsys.readouterr().out)
    assert {one["name"]: len(one["domains"]) for one in servers} == {"toy": 1, "closed": 0}
    assert {key: summary[key] for key in ("servers", "domains", "tools", "proven")} == {
        "servers": 1,
        "domains": 1,
        "tools": 2,
        "proven": 2,
    }
    assert summary["licences"]["MIT"] == 2
    assert summary["licences"].get("Proprietary", 0) == 0
    assert summary["left_out"] == {"skipped": 3, "no_verb": 1}
    assert shadow_names() == ("shadow/toy/note",)
    assert not stale.exists()


def test_the_command_wants_names_that_are_in_the_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["tools", "shadow"]) == 2
    assert "--all" in capsys.readouterr().err
    assert main(["tools", "shadow", "nosuch"]) == 2
    assert "tools collect" in capsys.readouterr().err
    collected(tmp_path, listed([tool("mark_all_as_read")]))
    assert main(["tools", "shadow", "toy", "--jobs", "0"]) == 2
    assert main(["tools", "shadow", "toy", "--why"]) == 1
    assert "toy/mark_all_as_read: no_verb" in capsys.readouterr().out
