"""Bad files: each problem with its file, line and field, and one does not hide the others."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.errors import UserError
from agentsynth.golden.load import load_goldens
from agentsynth.golden.lock import LOCK
from tests.golden.judges import look, update

CASES: list[tuple[str, Any, str]] = [
    ("rubrics", ["nowhere"], "there is no rubric 'nowhere'"),
    ("rubrics", [], "rubrics: Tuple should have at least 1 item"),
    ("labels", {"nonsense": {"truth": "met"}}, "no rubric of this golden has a criterion"),
    ("labels", {"polite": {"truth": "good"}}, "labels.polite.truth"),
    ("accept", None, "accept"),
    ("id", "Big Letters", "id: String should match"),
    ("mutant_of", "g77", "belong together"),
    ("played", None, "give either 'played' or 'transcript'"),
    ("surprise", 1, "surprise: Extra inputs"),
]


@pytest.mark.parametrize(("key", "value", "told"), CASES, ids=[c[2][:30] for c in CASES])
def test_a_bad_golden_is_named_with_line_and_field(
    folder: Path, key: str, value: Any, told: str
) -> None:
    path = folder / "goldens.jsonl"
    lines = path.read_text().splitlines()
    lines[2] = json.dumps({**json.loads(lines[2]), key: value})
    lines[4] = "{"
    path.write_text("\n".join(lines))
    with pytest.raises(UserError) as caught:
        load_goldens(folder)
    said = str(caught.value)
    assert told in said
    assert "goldens.jsonl:3" in said
    assert "goldens.jsonl:5" in said


def test_ids_are_unique_across_files(folder: Path) -> None:
    (folder / "more.jsonl").write_text((folder / "goldens.jsonl").read_text().splitlines()[0])
    with pytest.raises(UserError, match=r"more.jsonl:1: id: the id 'g00' is taken by .*goldens"):
        load_goldens(folder)


def test_a_mutant_names_a_golden_that_is_there(folder: Path) -> None:
    path = folder / "goldens.jsonl"
    one = json.loads(path.read_text().splitlines()[0])
    path.write_text(json.dumps({**one, "mutant_of": "gone", "sort": "padding"}))
    with pytest.raises(UserError, match="there is no golden 'gone'"):
        load_goldens(folder)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("version: 2\n", "version"),
        ("version: 1\ngates: {agrement: 1}\n", "agrement"),
        ("version: 1\ngates:\n  agreement: 1.5\n", r"gates.yaml:3"),
        ("version: 1\njudge: {models: []}\n", "models"),
        ("version: 1\ncalibration: gone.json\n", "gone.json: no calibration"),
    ],
)
def test_bad_gates_are_named(folder: Path, text: str, told: str) -> None:
    (folder / "gates.yaml").write_text(text)
    with pytest.raises(UserError, match=told):
        load_goldens(folder)


async def test_a_domain_that_is_not_there_is_named_with_its_golden(folder: Path) -> None:
    path = folder / "goldens.jsonl"
    path.write_text(path.read_text().replace("../world", "../nowhere", 1))
    with pytest.raises(UserError, match=r"goldens.jsonl:\d+: domain: .*nowhere"):
        await look(folder)


async def test_a_torn_lock_says_how_to_write_it_again(folder: Path) -> None:
    (folder / "gates.yaml").write_text("version: 1\n")
    await update(folder)
    (folder / LOCK).write_text("{")
    with pytest.raises(UserError, match="golden update"):
        await look(folder)


def test_an_empty_folder_and_none_say_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no golden here"):
        load_goldens(tmp_path)
    with pytest.raises(UserError, match="no such folder"):
        load_goldens(tmp_path / "gone")


async def test_goldens_of_one_domain_may_be_checked_alone(folder: Path) -> None:
    (folder / "gates.yaml").write_text("version: 1\n")
    assert len((await look(folder, domain=str(folder.parent / "world"))).results) > 5
    with pytest.raises(UserError, match="no golden of the domain 'other'"):
        await look(folder, domain="other")
