"""Runs whose judge is measured as they go: what is known of it then decides what it says."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agentsynth.cli.main import main
from tests.endpoint import endpoint
from tests.judge.scripted_judges import number_of, prompt_of, seat

SMALL = Path(__file__).parents[1] / "data" / "small"
RUBRIC = """schema_version: 1
name: with_questions
criteria:
  - {name: ending, check: ended_well, required: true}
  - {name: replay, check: replay_agrees, required: true}
  - name: modest
    question: Does the assistant praise its own work?
    choices: [repeatedly, once, never]
    broken_by: [self_praise]
"""


def config(folder: Path, url: str, **more: Any) -> Path:
    (folder / "rubric.yaml").write_text(RUBRIC)
    settings: dict[str, Any] = {
        "version": 1,
        "seed": 7,
        "target": {"tasks": 40},
        "domains": {"community_garden": 1},
        "kinds": {"info": 1, "default": 0},
        "probes": 0,
        "rubric": "rubric.yaml",
        "models": {"judge": seat(url)},
        "judging": {"mutants": 1.0, "refit": 10, "floor": {"defects": 2, "sound": 2}},
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(settings))
    return path


def always_best(body):
    return {
        "content": json.dumps(
            {
                "modest": {
                    "reason": "Fine.",
                    "messages": [
                        int(n)
                        for n in re.findall(r"^\[([1-9]\d*)\] ", prompt_of(body), re.MULTILINE)
                    ],
                    "choice": "never",
                }
            }
        )
    }


def test_x(tmp_path, capsys):
    import time

    for dom in ({"community_garden": 1}, {str(SMALL): 1}):
        with endpoint(always_best) as served:
            t = time.time()
            code = main(
                [
                    "run",
                    str(config(tmp_path, served.url, domains=dom)),
                    "--out",
                    str(tmp_path / str(len(list(dom)[0]))),
                    "--json",
                ]
            )
            print(code, time.time() - t, len(served.asked))
        out = tmp_path / str(len(list(dom)[0]))
        m = json.loads((out / "export/manifest.json").read_text())
        print(json.dumps(m["instrument"], indent=None), m["funnel"], m["unanswered_questions"])
        print((out / "export/README.md").read_text()[-2500:])
    capsys.readouterr
    assert 0
