"""The recorded examples: real replies of a small model, played again without it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agentsynth.pipeline.config import load_config

ROOT = Path(__file__).resolve().parent.parent
CONFIGS = sorted(
    path
    for path in (ROOT / "examples").rglob("*.yaml")
    if path.parent.name not in ("goldens", "judge")  # gates, and files that say who judges
)
RECORDED = sorted((ROOT / "examples" / "replay").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda p: p.stem)
def test_every_example_is_a_config(config: Path) -> None:
    assert load_config(config).version == 1


@pytest.mark.parametrize("config", RECORDED, ids=lambda path: path.stem)
def test_recordings_stay_small(config: Path) -> None:
    files = list(config.with_suffix("").iterdir())
    assert {path.suffix for path in files} == {".json", ".jsonl"}
    assert sum(path.stat().st_size for path in files) < 100_000


@pytest.mark.slow
@pytest.mark.parametrize("config", RECORDED, ids=lambda path: path.stem)
def test_a_recording_comes_out_the_same_whatever_the_process(config: Path, tmp_path: Path) -> None:
    expected = json.loads((config.with_suffix("") / "expected.json").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "agentsynth", "run", str(config.relative_to(ROOT))]
    replay = ["--replay", str(config.with_suffix("")), "--out", str(tmp_path), "--json"]
    nobody = {"http_proxy": "http://127.0.0.1:9", "PYTHONHASHSEED": "3", "TZ": "Asia/Tokyo"}
    done = subprocess.run(
        [*command, *replay, "--concurrency", "1"],
        cwd=ROOT,
        env=os.environ | nobody,
        capture_output=True,
        text=True,
        check=False,
    )
    summary = json.loads(done.stdout.splitlines()[-1])
    assert summary["rows_sha256"] == expected["export_sha256"]["rows.jsonl"]
    assert summary["models"]["roles"] == expected["models"]
