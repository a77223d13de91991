"""Runs whose judge is measured as they go: what is known of it then decides what it says."""

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from agentsynth.cli.main import main
from agentsynth.judge.mutant_words import words_of
from tests.endpoint import Endpoint, endpoint
from tests.judge.scripted_judges import NO_REPLY, Say, number_of, prompt_of, seat

SMALL = str(Path(__file__).parents[1] / "data" / "small")
GARDEN = "community_garden"
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
TASKS = 6
PRAISE = tuple(words_of("en").self_praise)
EAGER = {"mutants": 1.0, "refit": 10, "floor": {"defects": 1, "sound": 1}}


def says(body: dict[str, Any], choice: str) -> dict[str, Any]:
    cited = [int(n) for n in re.findall(r"^\[([1-9]\d*)\] ", prompt_of(body), re.MULTILINE)]
    return {
        "content": json.dumps({"modest": {"reason": "So.", "messages": cited, "choice": choice}})
    }


def lenient(body: dict[str, Any]) -> dict[str, Any]:
    return says(body, "never")


def right(body: dict[str, Any]) -> dict[str, Any]:
    return says(body, "repeatedly" if any(p in prompt_of(body) for p in PRAISE) else "never")


def config(folder: Path, url: str, **more: Any) -> Path:
    (folder / "rubric.yaml").write_text(RUBRIC)
    settings: dict[str, Any] = {
        "version": 1,
        "seed": 7,
        "target": {"tasks": 13},
        "domains": {SMALL: 1},
        "kinds": {"info": 1, "default": 0},
        "probes": 0,
        "rubric": "rubric.yaml",
        "models": {"judge": seat(url)},
        "judging": EAGER,
        **more,
    }
    path = folder / "config.yaml"
    path.write_text(json.dumps(settings))
    return path


def run(path: Path, out: Path, *more: str) -> int:
    return main(["run", str(path), "--out", str(out), "--json", *more])


def manifest(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "export" / "manifest.json").read_text())
    return found


def rows(out: Path) -> list[dict[str, Any]]:
    """Return the metadata of the rows."""
    lines = (out / "export" / "rows.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(json.loads(line)["metadata"]) for line in lines if line]


def played(folder: Path, say: Say, **more: Any) -> tuple[Path, Endpoint]:
    with endpoint(say) as served:
        assert run(config(folder, served.url, **more), folder / "out") == 0
    return folder / "out", served


@pytest.fixture(scope="module")
def right_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Endpoint]:
    """A run whose judge is right, and what it was sent."""
    return played(tmp_path_factory.mktemp("right"), right, target={"tasks": TASKS})


def test_a_lenient_judge_is_turned_off_and_manifest_and_card_say_so(tmp_path: Path) -> None:
    out, _ = played(tmp_path, lenient)
    told = manifest(out)["instrument"]
    assert told["refits"] == [{"from_place": 10, "changed": {"modest": ["unmeasured", "off"]}}]
    assert told["trust"]["modest"]["trust"] == "off"
    assert told["criteria"]["modest"]["kappa"] == [0.0, 0.0, 0.0]
    card = (out / "export" / "README.md").read_text()
    assert "- From place 10 on: modest from unmeasured to off." in card
    assert "| modest | off | kappa 0.00" in card
    assert "where a judge is not trusted, its answers do not count" in card


def test_a_judge_that_fails_on_mutants_is_unanswered_there_and_lets_nothing_pass(
    tmp_path: Path,
) -> None:
    def fails_on_praise(body: dict[str, Any]) -> dict[str, Any] | int:
        return NO_REPLY if any(p in prompt_of(body) for p in PRAISE) else lenient(body)

    out, _ = played(tmp_path, fails_on_praise, target={"tasks": 6})
    told = manifest(out)["instrument"]
    planted = next(made for sort, made, _ in told["sorts"] if sort == "self_praise")
    assert planted > 0
    assert ["self_praise", planted, 0] in told["sorts"]
    for name in ("modest", "overall"):
        figures = told["criteria"][name]
        assert 0 < figures["unanswered"] == figures["defects"]
        assert "false_accept" not in figures
    assert told["criteria"]["overall"]["defects"] == planted


def test_a_judge_without_a_reply_keeps_no_row_and_gives_no_score(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with endpoint(lambda _: {"content": ""}) as served:
        assert run(config(tmp_path, served.url, target={"tasks": 2}), tmp_path / "out") == 1
        assert manifest(tmp_path / "out")["funnel"]["reasons"] == {"judge_error": 2}
    assert "nothing was kept" in capsys.readouterr().err
    with endpoint(right) as served:  # the same command asks again
        assert run(config(tmp_path, served.url, target={"tasks": 2}), tmp_path / "out") == 0
    assert manifest(tmp_path / "out")["funnel"]["reasons"]["kept"] == 2


def test_what_a_judge_of_a_run_is_sent_holds_no_check_certificate_or_model(
    right_run: tuple[Path, Endpoint],
) -> None:
    out, served = right_run
    with sqlite3.connect(out / "store.db") as database:
        count = database.execute("SELECT COUNT(*) FROM item").fetchone()[0]
    assert count == TASKS
    words = ("ended_well", "replay_agrees", "certificate", "broken_by", "self_praise", "mutant",
             "reference", "scripted", "silence_fails", "taken to be sound")  # fmt: skip
    for body in served.asked:
        (message,) = body["messages"]
        assert not [word for word in words if word in message["content"]]
    assert len(served.asked) == 2 * TASKS


def test_a_panel_in_a_run_stores_its_ballots_and_a_replay_is_the_same_to_the_byte(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def split(body: dict[str, Any]) -> dict[str, Any]:
        worse = body["model"] == "second" and "best to worst" in prompt_of(body)
        return says(body, "once" if worse else "never")

    asking = {"samples": 2, "orders": ["given", "reversed"]}
    with endpoint(split) as served:
        judging = {"mutants": 0.0, "panel": [seat(served.url, model="second")], "asking": asking}
        path = config(tmp_path, served.url, judging=judging, target={"tasks": 2})
        assert run(path, tmp_path / "a") == 0
        asked = len(served.asked)
        assert asked == 2 * 2 * 2 * 2
        assert run(path, tmp_path / "b", "--replay", str(tmp_path / "a")) == 0
        assert len(served.asked) == asked
    for name in ("manifest.json", "rows.jsonl", "README.md"):
        first, again = (tmp_path / n / "export" / name for n in "ab")
        assert first.read_bytes() == again.read_bytes()
    capsys.readouterr()
    assert main(["explain", "1", "--run", str(tmp_path / "b")]) == 0
    text = capsys.readouterr().out
    assert "8 ballots, 25% of them say something else; the order of the answers turned it" in " ".join(text.split())  # fmt: skip
    assert main(["explain", "1", "--run", str(tmp_path / "b"), "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
    (opinion,) = [one for one in events if one["event"] == "opinion"]
    assert len(opinion["ballots"]) == 8
    assert opinion["flipped"] is True


def test_a_calibration_of_a_run_is_used_by_the_next_and_its_doubts_are_in_the_rows(
    tmp_path: Path, right_run: tuple[Path, Endpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = right_run
    known = str(tmp_path / "known.json")
    assert main(["judge", "calibrate", str(out), "--out", known]) == 1  # too few
    judging = {"mutants": 0.0, "calibration": "known.json"}
    with endpoint(lambda body: says(body, "repeatedly")) as served:
        path = config(tmp_path, served.url, judging=judging, target={"tasks": 3})
        assert run(path, tmp_path / "next") == 0
        found = rows(tmp_path / "next")
        assert {tuple(row["to_people"]) for row in found} == {("modest",)}
        assert {row["score"] for row in found} == {1.0}
        told = manifest(tmp_path / "next")
        assert told["instrument"]["rows_to_people"] == len(found)
        assert told["unanswered_questions"] == len(found)
        capsys.readouterr()
        assert main(["explain", "1", "--run", str(tmp_path / "next")]) == 0
        assert "modest: unanswered: to people: measured on" in capsys.readouterr().out
        other = {"judge": seat(served.url, temperature=0.5)}
        path = config(tmp_path, served.url, judging=judging, models=other)
        assert run(path, tmp_path / "other") == 2
    err = capsys.readouterr().err
    assert "known.json: this is what is known of scripted-judge" in err


def judged_again(out: Path, say: Say, folder: Path, *more: str) -> tuple[int, list[dict[str, Any]]]:
    folder.mkdir(exist_ok=True)
    with endpoint(say) as served:
        file = folder / "judge.yaml"
        file.write_text(json.dumps({"version": 1, "models": [seat(served.url)]}))
        code = main(["judge", str(out), "--judge", str(file), "--out", str(folder / "d"), *more])
    lines = (folder / "d" / "judged.jsonl").read_text(encoding="utf-8").split("\n")
    return code, [json.loads(line) for line in lines if line]


def test_rows_of_a_run_are_judged_beside_what_its_checks_said(
    tmp_path: Path, right_run: tuple[Path, Endpoint]
) -> None:
    out, _ = right_run
    code, found = judged_again(out, lenient, tmp_path)
    assert code == 0
    assert [row["subject"] for row in found] == [row["trajectory_id"] for row in rows(out)]
    for row in found:
        assert [one["outcome"] for one in row["outcomes"]] == ["met", "met", "met"]
        assert row["accepted"] is True
    _, every = judged_again(out, lenient, tmp_path, "--all")
    assert len(every) == TASKS > len(found)  # duplicates of a task are no rows
    _, found = judged_again(out, lambda body: says(body, "repeatedly"), tmp_path / "again")
    assert {(row["accepted"], row["score"]) for row in found} == {(False, 0.666667)}


def test_a_row_that_passed_all_checks_is_not_accepted_where_its_judge_fails(
    tmp_path: Path, right_run: tuple[Path, Endpoint]
) -> None:
    code, found = judged_again(right_run[0], lambda _: NO_REPLY, tmp_path)
    assert code == 1
    for row in found:
        assert [one["outcome"] for one in row["outcomes"]] == ["met", "met", "unanswered"]
        assert (row["score"], row["accepted"]) == (None, None)


def test_a_person_s_label_takes_the_place_of_what_a_run_presumed(
    tmp_path: Path, right_run: tuple[Path, Endpoint], capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = right_run
    with sqlite3.connect(out / "store.db") as database:
        found = database.execute("SELECT trajectory_id, measured FROM item").fetchall()
    subject = next(name for name, cases in found if '"check"' in cases)
    presumed = sum(cases.count('"check"') for _, cases in found)
    label = {"subject": subject, "criterion": "modest", "truth": "not_met", "by": "person"}
    (tmp_path / "mine.jsonl").write_text(json.dumps(label) + "\n")
    capsys.readouterr()
    arguments = ["--labels", str(tmp_path / "mine.jsonl"), "--out", str(tmp_path / "c.json")]
    main(["judge", "calibrate", str(out), *arguments, "--json"])
    criterion = json.loads(capsys.readouterr().out.split("\n")[0])
    assert criterion["labels"].get("check", 0) == presumed - 1
    assert criterion["labels"]["person"] == 1


def test_a_store_from_before_judges_were_measured_opens_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = {"models": {}, "judging": {}, "target": {"tasks": 2}}
    out = tmp_path / "out"
    assert run(config(tmp_path, "", **plain), out) == 0
    before = rows(out)
    with sqlite3.connect(out / "store.db") as database:
        for column in ("judged", "measured"):
            database.execute(f"ALTER TABLE item DROP COLUMN {column}")
        database.execute("UPDATE meta SET value='3' WHERE key='version'")
    database.close()
    assert main(["explain", "1", "--run", str(out)]) == 0
    assert run(config(tmp_path, "", **{**plain, "target": {"tasks": 4}}), out) == 0
    assert rows(out)[: len(before)] == before
    with sqlite3.connect(out / "store.db") as database:
        version = database.execute("SELECT value FROM meta WHERE key='version'").fetchone()
        columns = [row[1] for row in database.execute("PRAGMA table_info(item)")]
    assert version == ("4",)
    assert {"judged", "measured"} <= set(columns)


@pytest.mark.slow
def test_a_run_with_refits_is_the_same_at_any_concurrency_and_after_a_stop(tmp_path: Path) -> None:
    def noisy(body: dict[str, Any]) -> dict[str, Any]:
        return says(body, ("repeatedly", "never", "never")[number_of(prompt_of(body), 3)])

    limit = [10**6]

    def stops(body: dict[str, Any]) -> dict[str, Any] | int:
        limit[0] -= 1
        return noisy(body) if limit[0] > 0 else 401

    with endpoint(stops) as served:
        more = {"domains": {GARDEN: 1}, "target": {"tasks": 32}}
        path = config(tmp_path, served.url, **more)
        assert run(path, tmp_path / "one", "--concurrency", "1") == 0
        assert run(path, tmp_path / "eight", "--concurrency", "8") == 0
        limit[0] = 40
        assert run(path, tmp_path / "stopped", "--concurrency", "8") == 1
        limit[0] = 10**6
        assert run(path, tmp_path / "stopped", "--concurrency", "3") == 0
    told = manifest(tmp_path / "one")["instrument"]
    assert told["refits"]
    for other in ("eight", "stopped"):
        for name in ("rows.jsonl", "manifest.json", "README.md"):
            first = (tmp_path / "one" / "export" / name).read_bytes()
            assert (tmp_path / other / "export" / name).read_bytes() == first, (other, name)


@pytest.mark.slow
def test_from_a_barrier_on_the_question_of_a_bad_judge_stays_open(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = played(tmp_path, lenient, domains={GARDEN: 1}, target={"tasks": 34})
    (refit,) = manifest(out)["instrument"]["refits"]
    with sqlite3.connect(out / "store.db") as database:
        places = dict(database.execute("SELECT trajectory_id, ordinal FROM item").fetchall())
    capsys.readouterr()
    seen: set[str] = set()
    for row in rows(out):
        name = row["trajectory_id"]
        main(["explain", name, "--run", str(out), "--json"])
        events = [json.loads(line) for line in capsys.readouterr().out.split("\n") if line]
        verdict = next(one for one in events if one["event"] == "verdict")
        modest = next(one for one in verdict["outcomes"] if one["criterion"] == "modest")
        expected = "unanswered" if places[name] >= refit["from_place"] else "met"
        assert modest["outcome"] == expected, places[name]
        seen.add(expected)
    assert seen == {"met", "unanswered"}
    assert manifest(out)["unanswered_questions"] == sum(n >= refit["from_place"] for n in places.values())  # fmt: skip
