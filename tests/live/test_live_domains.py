"""Every bundled live domain, played end to end over its really running server."""

import json
from pathlib import Path

import pytest
import yaml

from agentsynth.cli.main import main
from agentsynth.core.manifest import parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.evolve.install import installed
from agentsynth.pipeline.domains import load_checked
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.load import domain_names
from agentsynth.worlds.sandbox import why_unavailable

WORKSPACE = Path(__file__).parents[2] / ".agentsynth"
LIVE = [name for name in domain_names() if name.startswith("live/")]


def test_there_are_eight_live_domains_each_over_another_server() -> None:
    lives = [load_checked(name).domain.live for name in LIVE]
    assert len({live.manifest for live in lives if live is not None}) >= 8


@pytest.mark.parametrize("name", LIVE)
def test_a_live_domain_has_policy_and_intents_that_look_and_that_change(name: str) -> None:
    loaded = load_checked(name)
    kinds = {intent.kind for intent in loaded.playbook.intents.values()}
    assert "info" in kinds
    assert kinds & {"write", "writes"}
    clauses = loaded.domain.policy.values()
    caught = [c for c in clauses if c.forbid or c.broken_if is not None]
    assert len(caught) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("name", LIVE)
def test_a_live_domain_gives_rows_that_replay_exactly(
    name: str, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    live = load_checked(name).domain.live
    assert live is not None
    path = bundled("tools_registry") / f"{live.manifest}.yaml"
    manifest = parse_manifest(load_yaml(path).value, str(path))
    if not manifest.reviewed and (missing := why_unavailable()) is not None:
        pytest.skip(
            f"the server {live.manifest!r} is not reviewed and there is no sandbox: {missing}"
        )
    if installed(manifest, WORKSPACE / "servers") is None:
        pytest.skip(f"the server {live.manifest!r} is not installed in .agentsynth/servers")
    (scratch / ".agentsynth").symlink_to(WORKSPACE.resolve())
    settings = {
        "version": 1,
        "seed": 2,
        "target": {"tasks": 6},
        "domains": {name: 1},
        "kinds": {"default": 0, "info": 1, "write": 2, "writes": 1, "refuse": 1},
        "probes": 0,
    }
    Path("config.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert main(["run", "config.yaml", "--out", "o", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["rows"] >= 5
    assert {"info", "refuse"} <= {kind for _, kind, _ in summary["kept_by"]}
    assert {"write", "writes"} & {kind for _, kind, _ in summary["kept_by"]}
    assert main(["replay", "--all", "--run", "o", "--json"]) == 0
    replayed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (replayed["replayed"], replayed["different"]) == (summary["rows"], 0)
