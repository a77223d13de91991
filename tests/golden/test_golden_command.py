"""The command line: every exit code, what is written, and the way from a run to a green check."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest

from agentsynth.cli.main import main
from agentsynth.golden.asks import Ask
from tests.endpoint import endpoint
from tests.golden.judges import judge, reply, truths

Printed = pytest.CaptureFixture[str]


def run(*arguments: str | Path) -> int:
    return main(["golden", *map(str, arguments)])


def answering(folder: Path, lenient: bool = False) -> Any:
    """Return an endpoint's answer: the truth, or always the best."""
    said, prompts = truths(folder), judge(folder).prompts

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        ask: Ask = prompts[body["messages"][0]["content"]]
        choice = len(ask.criterion.choices) - 1 if lenient else said(ask)
        return {"content": reply(ask, choice)}

    return answer


def at(folder: Path, url: str) -> None:
    path = folder / "gates.yaml"
    path.write_text(re.sub(r'"http://[^"]*"', f'"{url}"', path.read_text()))


def test_from_nothing_on_record_to_green_and_every_exit_code_on_the_way(
    folder: Path, capsys: Printed
) -> None:
    assert run("check", folder) == 3
    assert "MISSING (exit 3)" in capsys.readouterr().out
    with endpoint(answering(folder)) as reached:
        at(folder, reached.url)
        assert run("record", folder) == 0
        count = len(reached.asked)
        assert run("check", folder) == 4
        assert "INCONCLUSIVE (exit 4)" in capsys.readouterr().out
        assert run("update", folder) == 0
        assert run("check", folder) == 0
        assert "PASS (exit 0)" in capsys.readouterr().out
        assert len(reached.asked) == count
    with endpoint(lambda body: 401) as reached:
        at(folder, reached.url)
        assert run("check", folder, "--mode", "live") == 5
    with endpoint(answering(folder, lenient=True)) as reached:
        at(folder, reached.url)
        assert run("check", folder, "--mode", "live") == 1
        said = capsys.readouterr().out
        assert "FAIL (exit 1)" in said
        assert "regressed: " in said
    (folder / "gates.yaml").write_text("version: 9")
    assert run("check", folder) == 2


def test_the_last_line_of_json_is_the_summary(folder: Path, capsys: Printed) -> None:
    assert run("check", folder, "--json") == 3
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["event"] == "summary"
    assert (lines[-1]["status"], lines[-1]["exit_code"]) == ("missing", 3)
    assert {line["event"] for line in lines} >= {"missing", "gate", "summary"}


def test_reports_say_what_the_verdict_says(folder: Path, tmp_path: Path) -> None:
    with endpoint(answering(folder)) as reached:
        at(folder, reached.url)
        assert run("record", folder) == 0
    assert run("update", folder) == 0
    junit, out, page = tmp_path / "j.xml", tmp_path / "o.json", tmp_path / "s.md"
    written = ("--junit", junit, "--out-json", out, "--markdown", page)
    assert run("check", folder, *written) == 0
    cases = list(ElementTree.parse(junit).iter("testcase"))
    report = json.loads(out.read_text())
    wanted = sum(1 + len(r["items"]) for r in report["results"]) + len(report["gates"])
    assert len(cases) == wanted
    assert not [case for case in cases if case.find("failure") is not None]
    assert page.read_text().startswith("## Goldens: PASS")
    before = junit.read_bytes()
    rubric = folder / "mine.yaml"
    rubric.write_text(
        rubric.read_text().replace("check: answers_given", "check: {limit: {calls: 0}}")
    )
    assert run("check", folder, *written) == 1
    failed = {
        (case.get("classname"), case.get("name"))
        for case in ElementTree.parse(junit).iter("testcase")
        if case.find("failure") is not None
    }
    assert ("golden.gates", "flips") in failed
    assert ("golden.g00", "answers") in failed
    assert ("golden.g00", "replay") not in failed
    assert "| regressed | g00 | answers |" in page.read_text()
    rubric.write_text(
        rubric.read_text().replace("check: {limit: {calls: 0}}", "check: answers_given")
    )
    assert run("check", folder, *written) == 0
    assert junit.read_bytes() == before


def test_nothing_is_locked_while_answers_are_missing(folder: Path, capsys: Printed) -> None:
    assert run("update", folder) == 3
    assert not (folder / "golden.lock").exists()
    assert "nothing is written" in capsys.readouterr().err


def test_prompts_and_answers_take_the_place_of_an_endpoint(
    folder: Path, tmp_path: Path, capsys: Printed
) -> None:
    out, back = tmp_path / "batch.jsonl", tmp_path / "results.jsonl"
    assert run("prompts", folder, "--out", out) == 0
    asked = [json.loads(line) for line in out.read_text().splitlines()]
    assert {line["url"] for line in asked} == {"/v1/chat/completions"}
    assert {line["body"]["model"] for line in asked} == {"first-judge"}
    answer = answering(folder)

    def result(line: dict[str, Any], text: str | None = None) -> str:
        content = text or answer(line["body"])["content"]
        message = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
        body = {"choices": [message], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
        response = {"status_code": 200, "body": body}
        return json.dumps({"custom_id": line["custom_id"], "response": response, "error": None})

    strange = json.dumps({"custom_id": "f" * 64, "response": {"status_code": 200, "body": {}}})
    failed = json.dumps({"custom_id": asked[1]["custom_id"], "error": {"message": "quota"}})
    lines = [result(asked[0], "Sure!"), failed, *map(result, asked[2:]), strange]
    back.write_text("\n".join(lines))
    assert run("answers", folder, back) == 5
    said = capsys.readouterr()
    assert f"results.jsonl:{len(lines)}: custom_id: nothing of today asks" in said.err
    assert "results.jsonl:2: the batch says" in said.err
    left = (tmp_path / "results.jsonl.left").read_text().splitlines()
    assert left == [failed, strange]
    assert run("prompts", folder, "--out", out) == 0
    again = [json.loads(line) for line in out.read_text().splitlines()]
    assert [len(line["body"]["messages"]) for line in again] == [3, 1]
    assert "cannot be read" in again[0]["body"]["messages"][2]["content"]
    good = [result(again[0], answer(asked[0]["body"])["content"]), result(again[1])]
    back.write_text("\n".join(good))
    assert run("answers", folder, back) == 0
    assert run("update", folder) == 0
    assert run("check", folder) == 0
    back.write_text("\n".join(good))
    assert run("answers", folder, back, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["known"] == 2


def test_prune_drops_what_nothing_asks_for_and_nothing_else(folder: Path, capsys: Printed) -> None:
    with endpoint(answering(folder)) as reached:
        at(folder, reached.url)
        assert run("record", folder) == 0
    assert run("prune", folder, "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["dropped"] == 0
    rubric = folder / "mine.yaml"
    rubric.write_text(rubric.read_text().replace("courteous", "friendly"))
    assert run("prune", folder, "--json") == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["dropped"] == told["kept"] > 0


def test_goldens_are_added_from_labels_of_people(
    golden_run: Path, folder: Path, capsys: Printed
) -> None:
    rows = (folder / "goldens.jsonl").read_text().splitlines()
    played = [json.loads(row)["played"] for row in rows[:2]]
    from agentsynth.core.trajectory import Trajectory  # noqa: PLC0415

    ids = [Trajectory.model_validate(one["trajectory"]).id for one in played]
    labels = folder.parent / "labels.jsonl"
    labels.write_text(
        json.dumps({"subject": ids[0], "criterion": "polite", "truth": "met", "by": "person"}) + "\n"
        + json.dumps({"subject": ids[0], "truth": "met", "by": "person"}) + "\n"
        + json.dumps({"subject": ids[1], "criterion": "gone", "truth": "met", "by": "person"}) + "\n"
    )  # fmt: skip
    code = run("add", folder, "--run", golden_run / "run", "--rubric", "mine.yaml",
               "--labels", labels, "--file", "people.jsonl", "--who", "Ada")  # fmt: skip
    assert code == 1
    assert "criterion 'gone'" in capsys.readouterr().err
    [made] = map(json.loads, (folder / "people.jsonl").read_text().splitlines())
    assert made["labels"] == {"polite": {"truth": "met", "by": "person", "who": "Ada", "note": ""}}
    assert made["accept"] is True
    assert made["domain"]


def test_drift_is_told_and_fails(folder: Path, capsys: Printed) -> None:
    with endpoint(answering(folder)) as reached:
        at(folder, reached.url)
        assert run("record", folder) == 0
        assert run("drift", folder) == 0
        assert "0.0% flipped" in capsys.readouterr().out
        assert run("drift", folder, "--max-live-calls", "3") == 4
    capsys.readouterr()
    kept = {p: p.read_bytes() for p in (folder / "cassettes").iterdir()}
    with endpoint(answering(folder, lenient=True)) as reached:
        at(folder, reached.url)
        assert run("drift", folder, "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[-1]["status"] == "failed"
    assert lines[-1]["score"] > 0.2
    assert lines[-1]["p"] < 0.01
    assert {p: p.read_bytes() for p in (folder / "cassettes").iterdir()} == kept
