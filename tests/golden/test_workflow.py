"""The workflow in examples/github: it parses, and so does every command of ours in it."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from agentsynth.cli.main import build_parser

WORKFLOW = Path(__file__).parents[2] / "examples" / "github" / "golden.yml"


def commands() -> list[list[str]]:
    """Return the arguments of every `agentsynth` in the workflow's steps."""
    plain: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    steps = [step for job in plain["jobs"].values() for step in job["steps"]]
    runs = [line for step in steps for line in step.get("run", "").splitlines()]
    given = [shlex.split(re.sub(r'"\$GOLDENS"', "goldens", line)) for line in runs]
    return [words[1:] for words in given if words and words[0] == "agentsynth"]


def test_every_command_in_it_is_one_of_ours() -> None:
    parsed = [build_parser().parse_args(words) for words in commands()]
    assert [one.action for one in parsed] == ["check", "drift"]
    assert parsed[0].offline
    assert parsed[0].markdown == "golden.md"


def test_a_command_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args([*commands()[0], "--no-such-option"])


def test_the_key_is_only_in_the_scheduled_job() -> None:
    plain: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    assert "secrets." not in str(plain["jobs"]["check"])
    assert "schedule" in plain["jobs"]["drift"]["if"]
    assert plain["permissions"] == {"contents": "read"}
