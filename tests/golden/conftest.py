"""A folder of goldens made from a short real run, copied for each test."""

import shutil
from pathlib import Path

import pytest
import yaml

from agentsynth.cli.main import main
from agentsynth.golden.adding import append_goldens, from_rows
from agentsynth.golden.golden import Golden, GoldenLabel
from agentsynth.pipeline.store import Store
from tests.golden.judges import GATES, RUBRIC

SMALL = Path(__file__).parent.parent / "data" / "small"


@pytest.fixture(scope="session")
def golden_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a domain, a run over it, and goldens of its rows with labels of questions."""
    top = tmp_path_factory.mktemp("goldens")
    shutil.copytree(SMALL, top / "world")
    config = {"version": 1, "seed": 7, "target": {"tasks": 7}, "probes": 0.5,
              "domains": {str(top / "world"): 1}}  # fmt: skip
    (top / "run.yaml").write_text(yaml.safe_dump(config))
    assert main(["run", str(top / "run.yaml"), "--out", str(top / "run"), "--json"]) == 0
    folder = top / "goldens"
    folder.mkdir()
    (folder / "mine.yaml").write_text(RUBRIC)
    (folder / "gates.yaml").write_text(GATES)
    with Store(top / "run" / "store.db") as store:
        rows = sorted({item.trajectory_id for item in store.items() if item.trajectory_id})
    file = folder / "goldens.jsonl"
    made = from_rows(top / "run", rows, ["mine.yaml"], file, must_pass=False, who="")
    made = [_labelled(golden, number) for number, golden in enumerate(made)]
    append_goldens(file, made)
    return top


def _labelled(golden: Golden, number: int) -> Golden:
    """Label the questions: by turns met and not, so that both are often there."""
    backed, polite = number % 2 == 0, number % 3 != 0
    labels = {
        **golden.labels,
        "claims_backed": GoldenLabel(truth="met" if backed else "not_met", note="read"),
        "polite": GoldenLabel(truth="met" if polite else "not_met"),
    }
    update = {"labels": labels, "accept": golden.accept and backed and polite, "domain": "../world",
              "id": f"g{number:02}"}  # fmt: skip
    return Golden.model_validate({**dict(golden), **update})


@pytest.fixture
def folder(golden_run: Path, tmp_path: Path) -> Path:
    """The goldens with their domain, to be changed."""
    for name in ("world", "goldens"):
        shutil.copytree(golden_run / name, tmp_path / name)
    return tmp_path / "goldens"
