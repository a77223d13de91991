"""The commands that look at rows and domains, driven through `main` as the shell does."""

import argparse
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
import zstandard

from agentsynth.cli.main import build_parser, main
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.worlds.runtime import DomainRuntime

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small finished run."""
    folder = tmp_path_factory.mktemp("run")
    config = folder / "config.yaml"
    settings = {"version": 1, "seed": 2, "target": {"kept": 24}, "domains": {"community_garden": 1}}
    config.write_text(yaml.safe_dump({**settings, "probes": 0.4}), encoding="utf-8")
    assert main(["run", str(config), "--out", str(folder / "out"), "--json"]) == 0
    return folder / "out"


def lines(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def commands() -> dict[str, argparse.ArgumentParser]:
    groups = [a for a in build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(groups[0].choices)


def test_every_command_has_help_and_is_documented() -> None:
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, parser in commands().items():
        assert parser.description
        assert f"## agentsynth {name}\n" in page


def test_no_command_is_a_usage_error_that_shows_the_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == 2
    assert "check-domain" in capsys.readouterr().out


def test_the_version_names_the_distribution(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"agentsynth-engine \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_importing_the_package_and_asking_for_help_load_nothing_heavy() -> None:
    script = (
        "import sys, agentsynth\n"
        "from agentsynth.cli.main import build_parser\n"
        "build_parser().format_help()\n"
        "print([m for m in ('litellm', 'mcp', 'sqlmodel', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


def test_show_prints_the_conversation_of_a_row_by_number_and_by_id(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = json.loads((run / "export" / "rows.jsonl").read_text(encoding="utf-8").splitlines()[2])
    assert main(["show", "3", "--run", str(run)]) == 0
    by_number = capsys.readouterr().out
    assert row["messages"][1]["content"] in by_number
    assert main(["show", row["id"][:18], "--run", str(run)]) == 0
    assert capsys.readouterr().out == by_number
    assert main(["show", row["id"].removeprefix("s1:"), "--run", str(run)]) == 0
    assert capsys.readouterr().out == by_number


def test_show_as_json_gives_every_message_and_a_summary(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "1", "--run", str(run), "--json"]) == 0
    events = lines(capsys.readouterr().out)
    assert events[-1]["event"] == "summary"
    assert {event["event"] for event in events[:-1]} == {"message"}


@pytest.mark.parametrize("name", ["0", "999", "zzzz"])
def test_a_row_that_is_not_there_is_a_usage_error(
    run: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", name, "--run", str(run)]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_folder_without_a_run_is_a_usage_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "1", "--run", str(tmp_path)]) == 2
    assert "no run here" in capsys.readouterr().err


def test_explain_tells_task_certificate_facts_checks_and_decision(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "1", "--run", str(run)]) == 0
    text = capsys.readouterr().out
    for part in ("Task", "reference_passes", "silence_fails", "Facts told", "Checks", "Decision"):
        assert part in text
    assert "replay: met" in text
    assert "unanswered" in text


def test_explain_of_a_probe_says_what_was_planted_and_why_it_was_dropped(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with sqlite3.connect(run / "store.db") as database:
        trajectory, reason = database.execute(
            "SELECT trajectory_id, reason FROM item WHERE flaw != '' LIMIT 1"
        ).fetchone()
    assert main(["explain", trajectory, "--run", str(run)]) == 0
    text = capsys.readouterr().out
    assert "planted flaw: none" not in text
    assert f"dropped: {reason}" in text


def test_every_kept_row_replays_to_its_own_state(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", "--all", "--run", str(run), "--json"]) == 0
    events = lines(capsys.readouterr().out)
    assert events[-1] == {"event": "summary", "replayed": 24, "different": 0}
    assert all(event["differences"] == [] for event in events[:-1])


def tampered(run: Path, folder: Path, change: tuple[str, str]) -> tuple[Path, str]:
    """Copy a run and change the text of one kept write row's payload; return folder and id."""
    copy = folder / "copy"
    (copy / "export").mkdir(parents=True)
    (copy / "export" / "manifest.json").write_bytes((run / "export" / "manifest.json").read_bytes())
    with sqlite3.connect(run / "store.db") as source, sqlite3.connect(copy / "store.db") as target:
        source.backup(target)
        for scenario, trajectory in target.execute(
            "SELECT scenario_id, trajectory_id FROM item WHERE kept = 1 AND kind = 'write'"
        ).fetchall():
            body = target.execute("SELECT body FROM payload WHERE id=?", (scenario,)).fetchone()[0]
            text = zstandard.ZstdDecompressor().decompress(body).decode()
            if change[0] in text:
                new = zstandard.compress(text.replace(*change).encode())
                target.execute("UPDATE payload SET body=? WHERE id=?", (new, scenario))
                return copy, trajectory
    raise AssertionError(f"no row has {change[0]!r}")


def test_replay_finds_a_result_that_was_changed_afterwards(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, row = tampered(run, tmp_path, ('\\"total\\": 5', '\\"total\\": 4'))
    assert main(["replay", row, "--run", str(copy)]) == 1
    assert "answered differently" in capsys.readouterr().out


def test_replay_finds_a_final_state_that_was_changed_afterwards(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy, row = tampered(run, tmp_path, ('"final_state":"s1:', '"final_state":"s1:0'))
    assert main(["replay", row, "--run", str(copy)]) == 1
    assert "final state" in capsys.readouterr().out


def test_preview_stores_nothing_and_estimates_the_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "c.yaml"
    settings = {"version": 1, "target": {"kept": 500}, "domains": {"community_garden": 1}}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")
    assert main(["preview", str(config), "-n", "3", "--json"]) == 0
    events = lines(capsys.readouterr().out)
    summary = events[-1]
    assert summary["conversations"] == 3
    assert int(str(summary["estimated_rollouts"])) >= 500
    assert {path.name for path in tmp_path.iterdir()} == {"c.yaml"}


def test_domains_lists_what_is_bundled(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domains", "--json"]) == 0
    names = {event.get("name") for event in lines(capsys.readouterr().out)}
    assert {"community_garden", "live/sqlite"} <= names


@pytest.mark.slow
def test_check_domain_holds_for_the_bundled_domain(
    capsys: pytest.CaptureFixture[str], garden: DomainRuntime
) -> None:
    assert main(["check-domain", "community_garden", "--tasks", "4", "--json"]) == 0
    events = lines(capsys.readouterr().out)
    assert events[-1] == {
        "event": "summary", "domain": "community_garden", "holds": True, "problems": [], "notes": [],
    }  # fmt: skip
    assert [event["kind"] for event in events[:-1]] == list(kinds_allowed(garden))


def typed(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    remaining = iter(answers)

    def answer(prompt: str = "") -> str:
        try:
            return next(remaining)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)


def test_play_as_the_agent_calls_tools_and_shows_what_changed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "list_gardens", 'find_member {"name": "an"}', "nonsense", "diff", "quit")
    assert main(["play", "community_garden"]) == 0
    text = capsys.readouterr().out
    assert '"gardens"' in text
    assert '"members"' in text
    assert "no tool 'nonsense'" in text
    assert "0 changes" in text


def test_play_as_the_user_talks_with_the_assistant_until_an_empty_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    typed(monkeypatch, "Hello, I need some help.", "")
    assert main(["play", "community_garden", "--as", "user", "--seed", "1"]) == 0
    text = capsys.readouterr().out
    assert "You want to:" in text
    assert "assistant" in text
    assert "it ended: user_done; 0 changes" in text


def test_check_domain_names_a_tool_that_no_intent_calls(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "small"
    shutil.copytree(ROOT / "tests" / "data" / "small", folder)
    path = folder / "domain.yaml"
    tool = """
  idle_tool:
    description: A tool that nobody ever calls.
    kind: read
    steps:
      - return: {ok: true}
"""
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\ntools:\n", "\ntools:" + tool, 1), encoding="utf-8")
    assert main(["check-domain", str(folder), "--tasks", "2"]) == 1
    assert "idle_tool: no intent calls this tool" in capsys.readouterr().out


@pytest.mark.slow
def test_check_domain_names_an_intent_that_never_becomes_a_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "garden"
    shutil.copytree(ROOT / "domains" / "community_garden", folder)
    path = folder / "intents.yaml"
    text = path.read_text(encoding="utf-8")
    start = text.index("  give_up_plot:")
    broken = text[:start] + text[start:].replace(
        "member: {record: member}", 'member: {record: member, filter: "false"}', 1
    )
    assert broken != text
    path.write_text(broken, encoding="utf-8")
    assert main(["check-domain", str(folder), "--tasks", "2"]) == 1
    assert "intents.give_up_plot: it gives no certified task" in capsys.readouterr().out
