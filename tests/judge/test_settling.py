"""What judges said is decided again at barriers, by what earlier places have shown of them."""

import json
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.judge.trust import Floor
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.asking import JudgingConfig
from agentsynth.pipeline.config import ModelsConfig, RunConfig, TargetConfig
from agentsynth.pipeline.fold import Fold
from agentsynth.pipeline.instrument import instrument
from agentsynth.pipeline.settling import Settling
from agentsynth.pipeline.store import Item

RUBRIC = Rubric(
    name="r",
    criteria=(
        Criterion(name="ending", check="ended_well"),
        Criterion(name="modest", question="Any praise?", choices=("yes", "no"), broken_by=("self_praise",)),
    ),
)  # fmt: skip
JUDGING = JudgingConfig(refit=10, floor=Floor(defects=2, sound=2), mutants=1.0)
JUDGE = ModelSettings(model="m", url="http://127.0.0.1:9/v1")


def settling() -> Settling:
    return Settling(rubric=RUBRIC, config=JUDGING, judge="m", seed=3, calibration=None)


def item(place: int, said: float = 1.0, of_mutant: float | None = 0.0) -> Item:
    """A rollout that the judge gave a score, and its mutant another."""
    questions = {"modest": [said, float(said == 1), 0]}
    cases = [
        ["modest", 1, of_mutant, "mutant", "", "self_praise"],
        ["modest", 0, said, "check", "", ""],
        ["overall", 1, of_mutant, "mutant", "", "self_praise"],
    ]
    return Item(
        ordinal=place, slot=0, status="done", domain="d", kind="info", scenario_id=f"s{place}",
        task_id=f"s1:{place:016x}", trajectory_id=f"t{place}", conversation=f"{place:016x}",
        kept=1, reason="kept", detail="", score=1.0, messages=4, calls=1, flaw="",
        judged=json.dumps({"checks": [["ending", "met", None]], "questions": questions}),
        measured=json.dumps(cases),
    )  # fmt: skip


def folded(items: list[Item], told: list[int] | None = None) -> tuple[Fold, list[str]]:
    """Count items in the order they are told of; return reasons in the order of the run."""
    config = RunConfig(
        version=1, seed=3, target=TargetConfig(tasks=len(items)), domains={"d": 1.0},
        models=ModelsConfig(judge=JUDGE), judging=JUDGING,
    )  # fmt: skip
    fold = Fold(config, settling())
    reasons: list[str] = []
    for place in told or range(len(items)):
        reasons += [reason for _, reason in fold.add(place, [items[place]])]
    return fold, reasons


def test_a_judge_that_lets_every_defect_pass_is_turned_off_at_a_barrier() -> None:
    fold, reasons = folded([item(n, said=0.0, of_mutant=0.0) for n in range(25)])
    assert reasons == ["low_score"] * 10 + ["kept"] * 15  # what it said no longer counts
    (refit,) = fold.settling.refits
    assert (refit.places, dict(refit.changed)) == (10, {"modest": ("unmeasured", "off")})
    told = instrument(fold.settling, 0)["instrument"]
    assert told["trust"]["modest"]["trust"] == "off"
    assert told["refits"] == [{"from_place": 10, "changed": {"modest": ["unmeasured", "off"]}}]


def test_a_judge_that_is_right_keeps_deciding() -> None:
    items = [item(n, said=float(n != 55)) for n in range(60)]
    fold, reasons = folded(items)
    assert [n for n, reason in enumerate(reasons) if reason != "kept"] == [55]
    calibration = fold.settling.calibration
    assert calibration is not None
    assert calibration.criteria["modest"].trust == "used"


def test_too_little_known_leaves_the_judge_as_it_was() -> None:
    silent = [replace(item(n), measured="") for n in range(25)]
    fold, _ = folded(silent)
    assert (fold.settling.calibration, fold.settling.refits) == (None, [])
    assert instrument(fold.settling, 0) == {}


def test_a_little_known_of_it_sends_rows_to_people() -> None:
    fold, _ = folded([item(n) for n in range(12)])
    calibration = fold.settling.calibration
    assert calibration is not None
    assert calibration.criteria["modest"].trust == "to_people"
    assert fold.settling.for_people(item(13)) == ["modest"]
    assert fold.settling.for_people(replace(item(13), judged="")) == []
    assert fold.settling.score(item(13, said=0.0)) == 1.0  # outside the score


def test_before_the_first_barrier_nothing_is_for_people() -> None:
    fold, _ = folded([item(n) for n in range(10)])
    assert fold.settling.for_people(item(9)) == []


@settings(max_examples=6)
@given(st.permutations(range(24)), st.lists(st.sampled_from([0.0, 1.0]), min_size=24, max_size=24))
def test_whatever_finishes_first_the_run_comes_to_the_same(
    order: list[int], said: list[float]
) -> None:
    items = [item(n, said=one, of_mutant=1 - one) for n, one in enumerate(said)]
    plain, reasons = folded(items)
    mixed, again = folded(items, order)
    assert again == reasons
    assert mixed.settling.history == plain.settling.history
    assert instrument(mixed.settling, 0) == instrument(plain.settling, 0)


def test_a_place_is_not_judged_by_its_own_mutants_nor_by_later_ones() -> None:
    bad = [item(n, said=0.0, of_mutant=1.0) for n in range(30)]
    good = [item(n) for n in range(30)]
    _, first = folded(good[:19] + bad[19:])
    _, second = folded(good)
    assert first[:19] == second[:19]
    assert first[19] == "kept"  # to people since place 10
