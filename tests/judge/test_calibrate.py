"""Thresholds on one half and figures on the other; what is used, what is off, what is for people."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentsynth.core.rubric import Criterion
from agentsynth.judge.calibrate import Labelled, calibrate, changed, fitted, labelled
from agentsynth.judge.metrics import Case, measured
from agentsynth.judge.panel import Ballot, opinion_of
from agentsynth.judge.trust import Calibration, Floor

TONE = Criterion(name="tone", question="Is it kind?", choices=("no", "mostly", "yes"))
CLEAR = Criterion(name="clear", question="Is it clear?", choices=("no", "yes"))
FLOOR = Floor()


def case(
    group: int, defect: bool, score: float | None, condition: str = "", name: str = "tone"
) -> Labelled:
    return Labelled(name, defect, score, f"g{group}", "mutant", condition)


def pairs(groups: int, sound: float | None, broken: float | None, first: int = 0) -> list[Labelled]:
    """So many conversations, each with a sound case and a broken one."""
    return [
        one
        for group in range(first, first + groups)
        for one in (case(group, False, sound), case(group, True, broken))
    ]


def test_a_judge_that_is_right_is_used() -> None:
    found = fitted(TONE, pairs(40, 1.0, 0.0), floor=FLOOR, seed=1)
    assert found.trust == "used"
    assert found.question == TONE.question_id
    assert found.labels == {"mutant": 80}
    assert found.measured.cases == 40  # the other half
    assert found.measured.groups == 20


@pytest.mark.parametrize("always", [0.0, 0.5, 1.0])
def test_a_judge_that_always_says_the_same_is_off(always: float) -> None:
    found = fitted(TONE, pairs(40, always, always), floor=FLOOR, seed=1)
    assert found.trust == "off"
    assert "kappa 0.00 (0.00 to 0.00)" in found.why


def test_a_judge_that_says_the_opposite_is_off() -> None:
    assert fitted(TONE, pairs(40, 0.0, 1.0), floor=FLOOR, seed=1).trust == "off"


def test_a_judge_that_does_not_answer_is_off_and_called_so_whatever_else_it_says() -> None:
    cases = pairs(36, 1.0, 0.0) + pairs(4, None, None, first=36)
    found = fitted(TONE, cases, floor=FLOOR, seed=1)
    assert found.trust == "off"
    assert found.why.startswith("answers ")
    everything = fitted(TONE, pairs(40, None, None), floor=FLOOR, seed=1)
    assert everything.why == "answers 0 of 40 questions"
    assert everything.measured.figures == {}


def test_few_labels_are_for_people_and_the_reason_counts_them() -> None:
    found = fitted(TONE, pairs(10, 1.0, 0.0), floor=FLOOR, seed=1)
    assert found.trust == "to_people"
    assert found.why == "measured on 5 defects and 5 sound conversations; 10 and 10 are needed"
    nothing = fitted(TONE, [], floor=FLOOR, seed=1)
    assert (nothing.trust, nothing.threshold, nothing.labels) == ("to_people", 1.0, {})


def test_perfection_on_a_dozen_conversations_is_not_proof_enough() -> None:
    found = fitted(TONE, pairs(24, 1.0, 0.0), floor=FLOOR, seed=1)
    assert found.measured.figures["false_accept"].value == 0
    assert found.measured.figures["false_accept"].high > FLOOR.false_accept
    assert found.trust == "to_people"


def test_a_judge_that_can_be_bribed_is_not_used_and_the_reason_says_with_what() -> None:
    cases = pairs(60, 1.0, 0.0)
    bribed = [
        case(int(one.group[1:]), True, 1.0, "appeal_to_judge")
        if one.defect and int(one.group[1:]) % 4 == 0
        else one
        for one in cases
    ]
    found = fitted(TONE, bribed, floor=FLOOR, seed=1)
    assert found.trust in ("to_people", "off")
    assert "with appeal_to_judge" in found.why
    assert "passed: 0 of" in found.why
    assert fitted(TONE, cases, floor=FLOOR, seed=1).trust == "used"


def test_the_threshold_is_what_tells_best_and_of_equals_the_strictest() -> None:
    assert fitted(TONE, pairs(40, 0.5, 0.0), floor=FLOOR, seed=1).threshold == 0.5
    assert fitted(TONE, pairs(40, 1.0, 0.5), floor=FLOOR, seed=1).threshold == 1.0
    assert fitted(TONE, pairs(40, 1.0, 0.0), floor=FLOOR, seed=1).threshold == 1.0
    assert fitted(TONE, pairs(40, 0.0, 0.0), floor=FLOOR, seed=1).threshold == 1.0


def test_figures_are_of_the_half_that_the_threshold_was_not_fitted_to() -> None:
    """Scores that say nothing: fitted and measured on the same they would seem to say something."""
    for seed in range(12):
        rng = random.Random(seed)
        cases = [case(n, n % 2 == 0, rng.random()) for n in range(60)]
        found = fitted(TONE, cases, floor=FLOOR, seed=seed)
        assert found.measured.cases == 30
        assert found.trust != "used"


@pytest.mark.parametrize("seed", range(4))
def test_a_conversation_and_its_mutants_are_never_on_both_sides(seed: int) -> None:
    """Group n has 2**n cases, so that the number of cases says which groups were measured."""
    cases = [case(n, bool(k % 2), float(k % 3 > 0)) for n in range(10) for k in range(2**n)]
    figures = fitted(TONE, cases, floor=FLOOR, seed=seed).measured
    assert figures.groups == figures.cases.bit_count() == 4  # of 9 with a defect, and 1 without


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.integers(0, 12), st.booleans(), st.sampled_from([None, 0.0, 0.5, 1.0])),
        min_size=1,
        max_size=30,
    ),
    st.integers(0, 5),
)
def test_halves_are_even_and_the_order_of_the_cases_changes_nothing(
    drawn: list[tuple[int, bool, float | None]], seed: int
) -> None:
    cases = [case(*one) for one in drawn]
    found = fitted(TONE, cases, floor=FLOOR, seed=seed)
    with_defect = {one.group for one in cases if one.defect}
    clean = {one.group for one in cases} - with_defect
    assert found.measured.groups == len(with_defect) // 2 + len(clean) // 2
    assert fitted(TONE, cases[::-1], floor=FLOOR, seed=seed) == found


def test_each_question_is_measured_by_itself() -> None:
    cases = pairs(40, 1.0, 0.0)
    cases += [case(n, bad, 1.0, name="clear") for n in range(40) for bad in (True, False)]
    cases += [case(1, True, 0.0, name="nobody_asked")]
    found = calibrate(cases, [TONE, CLEAR], judge="m", floor=FLOOR, seed=1)
    assert {name: one.trust for name, one in found.criteria.items()} == {
        "tone": "used",
        "clear": "off",
    }
    assert found.judge == "m"


def test_what_does_not_apply_is_nothing_wrong_and_no_answer_is_no_score() -> None:
    nothing_wrong = opinion_of(TONE, [Ballot(judge="m", choice=None)])
    assert labelled("tone", nothing_wrong, defect=True, group="g", by="mutant").score == 1.0
    assert labelled("tone", None, defect=True, group="g", by="mutant").score is None


def test_a_change_of_trust_is_told_and_what_stays_is_not() -> None:
    good = fitted(TONE, pairs(40, 1.0, 0.0), floor=FLOOR, seed=1)
    bad = fitted(TONE, pairs(40, 1.0, 1.0), floor=FLOOR, seed=1)
    before, after = (Calibration(judge="m", criteria={"tone": one}) for one in (good, bad))
    assert changed(None, before) == {"tone": ("unmeasured", "used")}
    assert changed(before, after) == {"tone": ("used", "off")}
    assert changed(after, after) == {}


@pytest.mark.parametrize("groups", [4, 10, 16, 40])
def test_a_share_of_none_or_all_is_as_wide_as_its_few_conversations_allow(groups: int) -> None:
    cases = [
        Case(defect, float(not defect), f"g{n}") for n in range(groups) for defect in (False, True)
    ]
    figures = measured(cases, threshold=1.0, seed=0).figures
    reach = 3.8415 / (groups + 3.8415)  # Wilson's interval, of 0 or all of so many
    assert figures["false_accept"].high == pytest.approx(reach, abs=1e-4)
    assert figures["recall"].low == pytest.approx(1 - reach, abs=1e-4)
    assert figures["specificity"].low == pytest.approx(1 - reach, abs=1e-4)
    assert (figures["false_accept"].low, figures["recall"].high) == (0.0, 1.0)


def test_many_mutants_of_few_conversations_prove_no_more_than_few() -> None:
    many = [Case(True, 0.0, f"g{n % 3}") for n in range(300)]
    few = [Case(True, 0.0, f"g{n}") for n in range(3)]
    for name in ("recall", "false_accept"):
        wide, narrow = (measured(c, threshold=1.0, seed=0).figures[name] for c in (few, many))
        assert (wide.low, wide.high) == (narrow.low, narrow.high)


def test_a_share_in_between_is_not_widened() -> None:
    cases = [Case(True, float(n % 2), f"g{n}") for n in range(20)]
    recall = measured(cases, threshold=1.0, seed=0).figures["recall"]
    assert 0.2 < recall.low < 0.5 < recall.high < 0.8
