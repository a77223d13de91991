"""Bad judges are found out, with the reason; the one that is right is used."""

import json
from pathlib import Path

import pytest

from tests.endpoint import endpoint
from tests.judge.commands import (
    CONVERSATIONS,
    calibrate,
    judge,
    judge_with_mutants,
    lines_of,
    outcomes,
    told,
)
from tests.judge.scripted_judges import (
    JUDGES,
    judge_file,
    right,
    write_conversations,
    write_rubric,
)

WHY = {
    "lenient": "kappa 0.00",
    "noisy": "of the defects pass",
    "bribed": "with appeal_to_judge",
    "prose": "answers 0 of 40 questions",
    "empty": "answers 0 of 40 questions",
    "failing": "answers 0 of 40 questions",
}


@pytest.mark.parametrize("name", WHY)
def test_a_bad_judge_is_named_with_the_reason_and_nothing_it_says_counts(
    name: str, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint(JUDGES[name]) as served:
        answering = name in ("lenient", "noisy", "bribed")
        assert judge_with_mutants(scratch, served.url, "first") == (0 if answering else 1)
        capsys.readouterr()
        assert calibrate("first", "--out", "known.json") == 1
        *criteria, summary = told(capsys)
        assert [one["criterion"] for one in criteria] == ["backed", "modest"]
        for one in criteria:
            assert one["trust"] in ("off", "to_people")
            assert WHY[name] in one["why"]
        assert sorted(summary["off"] + summary["to_people"]) == ["backed", "modest"]
        assert summary["used"] == 0
        asked = len(served.asked)
        more = ("--limit", "8", *(("--replay", "first") if answering else ()))
        judge_with_mutants(scratch, served.url, "again", *more, calibration="known.json")
        assert not answering or len(served.asked) == asked
    assert set(outcomes(scratch / "again")) == {"unanswered"}
    rows = lines_of(scratch / "again" / "judged.jsonl")
    assert len(rows) == 3 * 8
    assert {(row["score"], row["accepted"]) for row in rows} == {(None, None)}
    if answering:
        word = {"off": "off: ", "to_people": "to people: "}
        whys = {one["criterion"]: word[one["trust"]] + one["why"] for one in criteria}
        for row in rows:
            for one in row["outcomes"]:
                assert one["evidence"].startswith(whys[one["criterion"]])


def test_the_judge_that_is_right_is_used(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with endpoint(right) as served:
        assert judge_with_mutants(scratch, served.url, "first") == 0
        capsys.readouterr()
        assert calibrate("first", "--out", "known.json") == 0
        *criteria, summary = told(capsys)
        more = ("--replay", "first")
        assert judge_with_mutants(
            scratch, served.url, "again", *more, calibration="known.json"
        ) == 0  # fmt: skip
    assert [one["trust"] for one in criteria] == ["used", "used"]
    assert (summary["used"], summary["off"], summary["to_people"]) == (2, [], [])
    for one in criteria:
        assert one["measured"]["figures"]["false_accept"]["value"] == 0
        assert one["labels"] == {"check": CONVERSATIONS, "mutant": CONVERSATIONS}
    for row in lines_of(scratch / "again" / "judged.jsonl"):
        planted = {one["criterion"] for one in row["labels"] if one["by"] == "mutant"}
        for one in row["outcomes"]:
            assert one["outcome"] == ("not_met" if one["criterion"] in planted else "met")
        assert row["accepted"] is not bool(planted)


@pytest.mark.parametrize("name", ["prose", "empty", "failing"])
def test_without_a_reply_there_is_no_outcome_and_no_score_even_uncalibrated(
    name: str, scratch: Path
) -> None:
    source = write_conversations(scratch, 3)
    with endpoint(JUDGES[name]) as served:
        file = judge_file(scratch, served.url)
        assert judge(source, "--judge", file, "--rubric", write_rubric(scratch), "--out", "d") == 1
    assert set(outcomes(scratch / "d")) == {"unanswered"}
    for row in lines_of(scratch / "d" / "judged.jsonl"):
        assert (row["score"], row["accepted"], row["opinions"]) == (None, None, [])
        assert row["error"]
    report = json.loads((scratch / "d" / "report.json").read_text())
    assert (report["errors"], report["undecided"], report["accepted"]) == (3, 3, 0)
    assert report["agreement"]["overall"]["figures"] == {}
    assert report["agreement"]["overall"]["unanswered"] == 3
