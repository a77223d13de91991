"""Conversations from elsewhere, mutants, calibrations: what each adds to a check."""

import json
from pathlib import Path
from typing import Any

from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import transcript_of
from agentsynth.golden.drift import mcnemar
from agentsynth.golden.load import load_goldens
from agentsynth.judge.trust import Calibration
from agentsynth.pipeline.panel import panel_name
from tests.golden.judges import look, record, truths, update


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(x) for x in (folder / "goldens.jsonl").read_text().splitlines()]


def add(folder: Path, *goldens: dict[str, Any]) -> None:
    text = "".join(json.dumps(one) + "\n" for one in goldens)
    (folder / "more.jsonl").write_text(text, encoding="utf-8")


async def test_a_conversation_from_elsewhere_has_questions_only(folder: Path) -> None:
    one = lines(folder)[1]
    shown = transcript_of(Trajectory.model_validate(one["played"]["trajectory"]))
    labels = {name: one["labels"][name] for name in ("claims_backed", "polite")}
    add(folder, {"id": "from-elsewhere", "rubrics": ["mine.yaml"], "labels": labels,
                 "transcript": shown.model_dump(mode="json"), "accept": False})  # fmt: skip
    before = {r.golden: r for r in (await look(folder)).results}["from-elsewhere"]
    assert (before.accepted, before.by) == (None, "nothing")
    await record(folder)
    await update(folder)
    report = await look(folder)
    found = {r.golden: r for r in report.results}["from-elsewhere"]
    assert (found.by, found.accepted) == ("questions", False)
    assert {item.kind for item in found.items} == {"question"}
    assert report.exit_code == 0, report.rule


async def test_a_mutant_whose_flip_is_not_seen_is_alive(folder: Path) -> None:
    text = (folder / "gates.yaml").read_text()
    (folder / "gates.yaml").write_text(
        text.replace("least_cases: 3", "least_cases: 1\n  mutants_killed: 1.0")
    )
    one = lines(folder)[0]
    flipped = {"truth": "not_met", "by": "mutant"}
    add(folder, {**one, "id": "g00-praise", "mutant_of": "g00", "sort": "self_praise",
                 "flips": ["claims_backed"], "accept": False,
                 "labels": {**one["labels"], "claims_backed": flipped}})  # fmt: skip
    said = truths(folder)

    def gate(report: Any) -> tuple[str, tuple[str, ...]]:
        [found] = [g for g in report.gates if g.name == "mutants_killed"]
        return found.status, found.cases

    # The same words have one answer: the judge says of both what is true of the original.
    await record(folder, lambda ask: 2 if ask.criterion.name == "claims_backed" else said(ask))
    report = await look(folder)
    assert gate(report) == ("failed", ("g00-praise/claims_backed",))
    assert {r.golden: r.group for r in report.results}["g00-praise"] == "g00"


async def test_a_calibration_of_another_judge_fails_and_one_that_is_off_answers_nothing(
    folder: Path,
) -> None:
    with (folder / "gates.yaml").open("a") as file:
        file.write("calibration: calibration.json\n")
    path = folder / "calibration.json"
    path.write_text(json.dumps({"judge": "somebody else"}))
    await record(folder)
    report = await look(folder)
    [gate] = [g for g in report.gates if g.name == "calibration"]
    assert gate.status == "failed"
    judge = load_goldens(folder).config.judge
    assert judge is not None
    question = next(c for c in load_goldens(folder).held[0].asked if c.name == "polite")
    measured = {"cases": 9, "groups": 9, "defects": 1, "unanswered": 0, "threshold": 0.5,
                "figures": {}}  # fmt: skip
    off = {"question": question.question_id, "trust": "off", "why": "kappa is 0.1",
           "threshold": 0.5, "measured": measured}  # fmt: skip
    name = panel_name(judge.models, judge.asking)
    known = Calibration.model_validate({"judge": name, "criteria": {"polite": off}})
    path.write_text(known.model_dump_json())
    report = await look(folder)
    assert next(g for g in report.gates if g.name == "calibration").status == "passed"
    items = [i for r in report.results for i in r.items if i.criterion == "polite"]
    said = {f"off: kappa is 0.1 ({choice}: By what is shown.)" for choice in ("no", "yes")}
    assert {(i.outcome, i.evidence) for i in items} == {("unanswered", one) for one in said}


def test_mcnemar_is_the_exact_binomial_test() -> None:
    """By hand: 2 * (1 + 8) / 2 ** 8, and nothing can be said where nothing changed."""
    assert mcnemar(1, 7) == mcnemar(7, 1) == 18 / 256
    assert mcnemar(0, 0) == mcnemar(4, 4) == 1.0
