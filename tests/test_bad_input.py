"""What bad input gets: one clear error each, the right exit code, nothing made before lost."""

import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from agentsynth.cli.main import main
from agentsynth.core.resources import bundled

ROOT = Path(__file__).resolve().parent.parent
GOOD = {"version": 1, "seed": 1, "target": {"tasks": 4}, "domains": {"community_garden": 1}}


def config(folder: Path, text: str | None = None, **changes: object) -> str:
    path = folder / "config.yaml"
    path.write_text(text or yaml.safe_dump({**GOOD, **changes}), encoding="utf-8")
    return str(path)


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, *parts: str) -> None:
    assert main(arguments) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("error: ")
    assert "Traceback" not in captured.err
    for part in parts:
        assert part in captured.err, captured.err


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("version: 1\ntarget: {kept: 5}\ndomains: {community_garden: 1}\nprobs: 0.1\n",
         ["config.yaml:4: probs: unknown field"]),
        ("version: 1\ntarget: {kept: 5}\n", ["domains", "required"]),
        ("version: 2\ntarget: {kept: 5}\ndomains: {community_garden: 1}\n",
         ["config.yaml:1: version"]),
        ("version: 1\ntarget: {kept: 0}\ndomains: {community_garden: 1}\n",
         ["config.yaml:2: target.kept", "greater than or equal to 1"]),
        ("version: 1\ntarget: {kept: 5, tasks: 5}\ndomains: {community_garden: 1}\n",
         ["give either 'kept' or 'tasks'"]),
        ("version: 1\ntarget: {kept: 5}\ntarget: {kept: 6}\n", ["target: this key is given twice"]),
        ("version: 1\ntarget: {kept: [\n", ["not valid YAML"]),
        ("", ["the file is empty"]),
        ("- a list\n", ["a run config is a mapping"]),
        ("version: 1\ntarget: {kept: 5}\ndomains: {community_garden: 1}\nkinds: {info: -1}\n",
         ["config.yaml:4: kinds.info"]),
        ("version: 1\ntarget: {kept: 5}\ndomains: {community_garden: 0}\n",
         ["at least one domain needs a weight above 0"]),
        ("version: 1\ntarget: {kept: 5}\ndomains: {comunity_garden: 1}\n",
         ["unknown domain 'comunity_garden'", "community_garden"]),
        ("version: 1\ntarget: {kept: 5}\ndomains: {community_garden: 1}\nrubric: gone.yaml\n",
         ["config.yaml:4: rubric: no such file"]),
        ("version: 1\ntarget: {kept: 5}\ndomains: {community_garden: 1}\n"
         "models: {assistant: gpt}\n", ["config.yaml:4: models.assistant", "scripted"]),
    ],
)  # fmt: skip
def test_a_wrong_config_names_file_line_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, parts: list[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    fails(capsys, ["run", str(path), "--out", str(tmp_path / "o")], 2, *parts)


def test_a_missing_config_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["run", str(tmp_path / "gone.yaml"), "--out", str(tmp_path / "o")]
    fails(capsys, arguments, 2, "gone.yaml: no such file")


def test_a_config_that_is_no_text_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xff\xfe\x00v")
    fails(capsys, ["preview", str(path)], 2, "c.yaml: not UTF-8")


@pytest.mark.parametrize("value", ["0", "50000"])
def test_an_absurd_concurrency_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    arguments = ["run", config(tmp_path), "--out", str(tmp_path / "o"), "--concurrency", value]
    fails(capsys, arguments, 2, "--concurrency")


def garden_with(folder: Path, file: str, change: Callable[[str], str]) -> Path:
    """Copy the bundled garden with one file changed."""
    copy = folder / "garden"
    shutil.copytree(bundled("domains") / "community_garden", copy)
    path = copy / file
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    return copy


@pytest.mark.parametrize(
    ("file", "old", "new", "parts"),
    [
        ("domain.yaml", "require: member.orientation_done", "require: member.orientated",
         ["domain.yaml:", "policy.orientation.require", "'orientated'"]),
        ("domain.yaml", "kind: read", "kind: raed", ["domain.yaml:", "kind", "raed"]),
        ("domain.yaml", "- get: garden", "- fetch: garden", ["a step has exactly one verb of"]),
        ("intents.yaml", "call: list_gardens", "call: list_garden",
         ["intents.yaml:", "unknown tool 'list_garden'"]),
        ("intents.yaml", "{guard: dues,", "{guard: debts,", ["the policy has no clause 'debts'"]),
        ("lexicon.en.yaml", "{item}", "{itme}", ["lexicon.en.yaml:", "'itme'"]),
    ],
)  # fmt: skip
def test_a_malformed_domain_names_file_line_and_path(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    file: str,
    old: str,
    new: str,
    parts: list[str],
) -> None:
    folder = garden_with(tmp_path, file, lambda text: text.replace(old, new, 1))
    fails(capsys, ["check-domain", str(folder)], 2, *parts)


def test_a_run_over_a_malformed_domain_leaves_no_half_made_export(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = garden_with(tmp_path, "domain.yaml", lambda text: text.replace("clock:", "clok:", 1))
    arguments = ["run", config(tmp_path, domains={str(folder): 1}), "--out", str(tmp_path / "o")]
    fails(capsys, arguments, 2, "clok: unknown field", "clock: this field is required")
    assert not (tmp_path / "o" / "export").exists()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("name: r\ncriteria:\n  - {name: a, check: calls_vaild}\n", "criteria.0.check"),
        ("name: r\ncriteria:\n  - {name: a}\n", "give either 'check' or 'question'"),
        ("name: r\ncriteria:\n  - {name: a, check: declined}\n  - {name: a, check: declined}\n",
         "'a' appears twice"),
        ("name: r\ncriteria: []\n", "criteria"),
        ("name: r\ncriteria:\n  - {name: a, question: Nice?, choices: [yes]}\n",
         "at least two 'choices'"),
    ],
)  # fmt: skip
def test_a_malformed_rubric_names_file_line_and_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, part: str
) -> None:
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    arguments = ["run", config(tmp_path, rubric="r.yaml"), "--out", str(tmp_path / "o")]
    fails(capsys, arguments, 2, "r.yaml:", part)


def test_a_folder_that_cannot_be_written_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    arguments = ["run", config(tmp_path), "--out", str(tmp_path / "file" / "o")]
    fails(capsys, arguments, 1, "cannot be written", "--out")


@pytest.mark.skipif(not Path("/sys").is_dir(), reason="needs a file system that refuses writes")
def test_a_read_only_file_system_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["run", config(tmp_path), "--out", "/sys/agentsynth-cannot-write-here"]
    fails(capsys, arguments, 1, "/sys/agentsynth-cannot-write-here", "cannot be written")


def test_a_store_of_a_newer_version_is_refused_and_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    assert main(["run", config(tmp_path), "--out", str(out), "--json"]) == 0
    capsys.readouterr()
    with sqlite3.connect(out / "store.db") as database:
        database.execute("UPDATE meta SET value='99' WHERE key='version'")
    rows = (out / "export" / "rows.jsonl").read_bytes()
    arguments = ["run", config(tmp_path), "--out", str(out)]
    fails(capsys, arguments, 1, "version 99", "update agentsynth-engine")
    fails(capsys, ["show", "1", "--run", str(out)], 1, "version 99")
    assert (out / "export" / "rows.jsonl").read_bytes() == rows


def test_a_store_that_is_none_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "o"
    out.mkdir()
    (out / "store.db").write_text("not a database, " * 400, encoding="utf-8")
    arguments = ["run", config(tmp_path), "--out", str(out)]
    fails(capsys, arguments, 1, "store.db", "not a store of agentsynth")


def _no_file_over(size: int) -> Callable[[], None]:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit


@pytest.mark.slow
def test_a_full_disk_stops_the_run_with_advice_and_the_next_run_goes_on(tmp_path: Path) -> None:
    """A file size limit is how a full disk looks to SQLite without filling one."""
    path, out = config(tmp_path, target={"tasks": 60}), tmp_path / "o"
    arguments = [sys.executable, "-m", "agentsynth", "run", path, "--out", str(out), "--json"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    full = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        env=env,
        preexec_fn=_no_file_over(200_000),
        timeout=60,
        check=False,
    )
    assert full.returncode == 1, full.stderr
    assert "free some space and run the same command again" in full.stderr
    assert "Traceback" not in full.stderr
    with sqlite3.connect(out / "store.db") as database:
        saved = database.execute("SELECT COUNT(*) FROM item").fetchone()[0]
    assert saved > 0, "what was finished before the disk was full is lost"
    again = subprocess.run(
        arguments, capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    resumed = next(event["resumed"] for event in events if event.get("stage") == "rollouts")
    assert 0 < resumed < 60
