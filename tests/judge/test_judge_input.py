"""What is wrong with the input of `judge` and `judge calibrate` is said with its place."""

import json
import os
from pathlib import Path

import pytest

from agentsynth.cli.main import main
from agentsynth.core.labels import CriterionLabel, read_labels, write_labels
from agentsynth.pipeline.grading import JudgeFile
from agentsynth.worlds.files import load_yaml, validate
from tests.endpoint import endpoint
from tests.judge.commands import calibrate, judge, lines_of
from tests.judge.scripted_judges import (
    judge_file,
    right,
    seat,
    write_conversations,
    write_rubric,
)

NOWHERE = "http://127.0.0.1:9/v1"
ROOT = Path(__file__).parents[2]


def refused(capsys: pytest.CaptureFixture[str], *parts: str) -> None:
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert "Traceback" not in error
    for part in parts:
        assert part in error, error


@pytest.fixture
def ready(scratch: Path) -> Path:
    """A folder with conversations, a rubric and a judge."""
    write_conversations(scratch, 2)
    write_rubric(scratch)
    judge_file(scratch, NOWHERE)
    return scratch


BAD_FILES = {
    "a typo": ("modells: []\nversion: 1\n", ("j.yaml:1", "modells", "models")),
    "nobody": ("version: 1\nmodels: []\n", ("j.yaml:2", "models")),
    "no url": ("version: 1\nmodels: [{model: m}]\n", ("j.yaml:2", "url")),
    "a share": (f"version: 1\nmodels: [{{model: m, url: '{NOWHERE}'}}]\nleast_score: 2\n",
                ("j.yaml:3", "least_score")),
    "an order": (f"version: 1\nmodels: [{{model: m, url: '{NOWHERE}'}}]\nasking: {{orders: [up]}}\n",
                 ("j.yaml:3", "orders")),
    "twice": (f"version: 1\nmodels: [{{model: m, url: '{NOWHERE}'}}]\n"
              "asking: {orders: [given, given]}\n", ("j.yaml:3", "given twice")),
    "no mapping": ("just words\n", ("j.yaml",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_broken_judge_file_is_named_with_line_and_field(
    name: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, parts = BAD_FILES[name]
    (ready / "j.yaml").write_text(text)
    assert judge("conversations.jsonl", "--judge", "j.yaml", "--out", "d") == 2
    refused(capsys, *parts)
    assert not (ready / "d").exists()


ARGUMENTS = {
    "no judge file": (("--judge", "none.yaml"), ("none.yaml",)),
    "no rubric": (("--rubric", "nonesuch"), ("nonesuch",)),
    "no sign": (("--map", "reward"), ("--map 'reward'", "LABEL=CRITERION")),
    "no label": (("--map", "=backed"), ("--map '=backed'", "LABEL=CRITERION")),
    "no such criterion": (("--rubric", "pair.yaml", "--map", "reward=bakced"), ("bakced", "backed")),
    "more than all": (("--mutants", "1.5"), ("--mutants 1.5", "from 0 to 1")),
    "no number": (("--mutants", "nan"), ("--mutants nan",)),
    "none at all": (("--limit", "0"), ("--limit",)),
    "fewer than none": (("--limit", "-1"), ("--limit",)),
    "nobody at once": (("--concurrency", "0"), ("--concurrency",)),
    "nothing to replay": (("--judge", "judge.yaml", "--replay", "none"), ("--replay none",)),
    "out is a file": (("--out", "pair.yaml"), ("--out pair.yaml",)),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_wrong_argument_is_named(
    name: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, parts = ARGUMENTS[name]
    assert judge("conversations.jsonl", "--out", "d", *given) == 2
    refused(capsys, *parts)


@pytest.mark.parametrize("source", ["empty", "none.jsonl", "nothing.jsonl"])
def test_a_source_without_a_conversation_is_named(
    source: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ready / "empty").mkdir()
    (ready / "nothing.jsonl").write_text("")
    assert judge(source, "--out", "d") == 2
    refused(capsys, source)


def test_a_key_that_is_not_set_is_named(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models = [seat(NOWHERE, key_env="NO_SUCH_KEY_HERE")]
    file = judge_file(ready, NOWHERE, models=models)
    assert judge("conversations.jsonl", "--judge", file, "--out", "d") == 2
    refused(capsys, "NO_SUCH_KEY_HERE")


def test_a_calibration_of_somebody_else_is_refused(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint(right) as served:
        file = judge_file(ready, served.url)
        judge("conversations.jsonl", "--judge", file, "--rubric", "pair.yaml", "--out", "d")
    calibrate("d", "--out", "known.json")
    for more in ({"asking": {"samples": 2}}, {"models": [seat(NOWHERE, temperature=0.1)]}):
        file = judge_file(ready, NOWHERE, calibration="known.json", **more)
        capsys.readouterr()
        assert judge("conversations.jsonl", "--judge", file, "--out", "e") == 2
        refused(capsys, "known.json", "has to be measured by itself")


@pytest.mark.parametrize(
    ("content", "part"),
    [(None, "No such file"), (b"{}", "judge: "), (b"\xff\xfe", "cannot be read"), (b"[", "judge calibrate")],
)  # fmt: skip
def test_a_file_that_is_no_calibration_is_refused(
    content: bytes | None, part: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (ready / "known.json").write_bytes(content)
    file = judge_file(ready, NOWHERE, calibration="known.json")
    assert judge("conversations.jsonl", "--judge", file, "--out", "d") == 2
    refused(capsys, "known.json", part)


GOOD = '{"subject": "s", "criterion": "backed", "truth": "met", "by": "person"}\n'


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ('{"subject": "s", "truth": "good", "by": "person"}', "truth"),
        ('{"subject": "s", "truth": "met"}', "by"),
        ('{"subject": "s", "truth": "met", "by": "person", "why": "x"}', "why"),
        ("not JSON", "the line"),
    ],
)
def test_a_bad_line_among_labels_is_named_with_its_number(
    line: str, part: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ready / "mine.jsonl").write_text(f"{GOOD}\n{line}\n{GOOD}")
    assert calibrate("d", "--labels", "mine.jsonl", "--out", "known.json") == 2
    refused(capsys, f"mine.jsonl:3: {part}", "a label has 'subject'")


def test_labels_with_line_breaks_of_any_kind_are_read_as_they_were_written(scratch: Path) -> None:
    label = CriterionLabel(subject="s", truth="met", by="person", note="a\u2028b\x85c\x0bd")
    write_labels(scratch / "l.jsonl", [label, label])
    assert read_labels(scratch / "l.jsonl") == [label, label]


def judged_by(folder: Path, out: str, **file: object) -> None:
    with endpoint(right) as served:
        made = judge_file(folder, served.url, **file)
        judge("conversations.jsonl", "--judge", made, "--rubric", "pair.yaml", "--out", out)


def test_a_folder_that_nobody_judged_in_is_named(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for folder in (".", "none"):
        assert calibrate(folder, "--out", "known.json") == 2
        refused(capsys, folder, "neither a run nor judgements")
    judge("conversations.jsonl", "--out", "unjudged")
    capsys.readouterr()
    assert calibrate("unjudged", "--out", "known.json") == 2
    refused(capsys, "unjudged", "no judge sat here")


def test_two_judges_are_not_calibrated_as_one(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(ready, "one")
    judged_by(ready, "two", asking={"samples": 2})
    capsys.readouterr()
    assert calibrate("one", "two", "--out", "known.json") == 2
    refused(capsys, "one judge is calibrated at a time", "in one", "in two")


def test_two_wordings_of_a_question_are_not_measured_as_one(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(ready, "one")
    text = (ready / "pair.yaml").read_text().replace("each number", "every number")
    (ready / "pair.yaml").write_text(text)
    judged_by(ready, "two")
    capsys.readouterr()
    assert calibrate("one", "two", "--out", "known.json") == 2
    refused(capsys, "two", "'backed' is worded differently")


@pytest.mark.parametrize("line", ["{}", "nothing", '{"subject": 5}'])
def test_a_broken_line_among_judgements_is_named(
    line: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(ready, "d")
    with (ready / "d" / "judged.jsonl").open("a") as file:
        file.write(line + "\n")
    capsys.readouterr()
    assert calibrate("d", "--out", "known.json") == 2
    refused(capsys, f"{os.path.join('d', 'judged.jsonl')}:3: not what `judge` writes")


@pytest.mark.parametrize("name", ["judged.jsonl", "rubrics.json"])
def test_files_that_are_no_text_are_refused(
    name: str, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(ready, "d")
    (ready / "d" / name).write_bytes(b"\xff\xfe\x00")
    capsys.readouterr()
    assert calibrate("d", "--out", "known.json") == 2
    refused(capsys, "not what `judge` writes")


def test_a_calibration_that_cannot_be_written_is_told(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    judged_by(ready, "d")
    capsys.readouterr()
    assert calibrate("d", "--out", "nowhere/known.json") == 2
    refused(capsys, "--out nowhere/known.json")


def test_a_run_config_names_a_calibration_that_is_not_there_and_a_panel_without_a_judge(
    ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"version": 1, "target": {"tasks": 1}, "domains": {"community_garden": 1}}
    judged = {**plain, "models": {"judge": seat(NOWHERE)}, "judging": {"calibration": "none.json"}}
    alone = {**plain, "judging": {"panel": [seat(NOWHERE)]}}
    for settings, part in ((judged, "no such file"), (alone, "give 'models' a 'judge' too")):
        (ready / "run.yaml").write_text(json.dumps(settings))
        assert main(["run", "run.yaml", "--out", "r"]) == 2
        refused(capsys, "run.yaml", part)


def test_the_example_of_a_judge_file_is_one() -> None:
    file = validate(JudgeFile, load_yaml(ROOT / "examples" / "judge" / "panel.yaml"))
    assert len(file.models) == 2
    assert all(one.key_env for one in file.models)
    assert file.budget is not None


def test_judgements_are_one_line_each_and_hold_their_labels(ready: Path) -> None:
    judged_by(ready, "d")
    first, second = lines_of(ready / "d" / "judged.jsonl")
    assert first["subject"] != second["subject"]
    assert [one["who"] for one in first["labels"]] == ["reward"]
