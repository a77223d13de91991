"""The commands `judge` and `judge calibrate`, as tests drive them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agentsynth.cli.main import main
from tests.judge.scripted_judges import judge_file, write_conversations, write_rubric

__all__ = [
    "CONVERSATIONS",
    "calibrate",
    "judge",
    "judge_with_mutants",
    "lines_of",
    "outcomes",
    "told",
]

CONVERSATIONS = 40
"""Half of them is what is measured on: under 32 no judge can be known to be good."""
Rows = list[dict[str, Any]]


def lines_of(path: Path) -> Rows:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def told(capsys: pytest.CaptureFixture[str]) -> Rows:
    return [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]


def judge(*arguments: object) -> int:
    return main(["judge", *map(str, arguments), "--json"])


def calibrate(*arguments: object) -> int:
    return main(["judge", "calibrate", *map(str, arguments), "--json"])


def judge_with_mutants(folder: Path, url: str, out: str, *more: object, **file: Any) -> int:
    source = write_conversations(folder, CONVERSATIONS)
    chosen = judge_file(folder, url, **file)
    rubric = write_rubric(folder)
    return judge(
        source, "--judge", chosen, "--mutants", "1.0", "--rubric", rubric, "--out", out, *more
    )


def outcomes(folder: Path) -> Counter[str]:
    return Counter(one["outcome"] for row in lines_of(folder / "judged.jsonl") for one in row["outcomes"])  # fmt: skip
