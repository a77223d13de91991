"""What becomes of an opinion, by how far the judge is trusted: never a default, never over a check."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.verdict import CriterionOutcome, OutcomeValue, Verdict
from agentsynth.judge.metrics import measured
from agentsynth.judge.panel import Ballot, Opinion, opinion_of
from agentsynth.judge.trust import Calibration, CriterionTrust, Trust, outcome_of, standing
from agentsynth.judge.verdict import with_opinions

TONE = Criterion(name="tone", question="Is it kind?", choices=("no", "mostly", "yes"))
ENDING = Criterion(name="ending", check="ended_well")


def trusted(trust: Trust, threshold: float = 1.0, question: Criterion = TONE) -> CriterionTrust:
    nothing = measured((), threshold=threshold, seed=0)
    return CriterionTrust(
        question=question.question_id,
        trust=trust,
        why="kappa 0.10",
        threshold=threshold,
        measured=nothing,
    )


def opinion(*choices: int | None, cites: tuple[int, ...] = (3,)) -> Opinion:
    return opinion_of(
        TONE,
        [
            Ballot(judge="m", sample=n, choice=one, reason="Warm words.", messages=cites)
            for n, one in enumerate(choices)
        ],
    )


@pytest.mark.parametrize(("trust", "word"), [("off", "off"), ("to_people", "to people")])
@pytest.mark.parametrize("choice", [None, 0, 1, 2])
def test_a_judge_that_is_not_trusted_leaves_the_question_open_and_says_why(
    trust: Trust, word: str, choice: int | None
) -> None:
    found = outcome_of(TONE, opinion(choice), trusted(trust))
    assert (found.outcome, found.code, found.credit) == ("unanswered", None, None)
    assert found.evidence.startswith(f"{word}: kappa 0.10 (")
    assert "Warm words." in found.evidence
    assert found.messages == (3,)


def test_a_question_that_was_reworded_is_to_be_measured_again() -> None:
    reworded = TONE.model_copy(update={"question": "Is it very kind?"})
    found = outcome_of(reworded, opinion(2), trusted("used"))
    assert found.outcome == "unanswered"
    assert "the question was changed" in found.evidence
    weighted = TONE.model_copy(update={"weight": 3.0, "broken_by": ("padding",)})
    assert outcome_of(weighted, opinion(2), trusted("used")).outcome == "met"


@pytest.mark.parametrize(
    ("choices", "threshold", "outcome"),
    [
        ((2,), 1.0, "met"),
        ((1,), 1.0, "not_met"),
        ((1,), 0.5, "met"),
        ((0, 1), 0.5, "not_met"),
        ((None,), 0.5, "not_applicable"),
    ],
)
def test_a_trusted_judge_is_held_to_its_threshold(
    choices: tuple[int | None, ...], threshold: float, outcome: OutcomeValue
) -> None:
    found = outcome_of(TONE, opinion(*choices), trusted("used", threshold))
    assert found.outcome == outcome
    assert found.code == ("judged_low" if outcome == "not_met" else None)
    assert (found.credit is not None) == (outcome == "not_met")


def test_a_judge_that_was_never_measured_needs_more_than_half_of_the_ballots() -> None:
    assert outcome_of(TONE, opinion(2, 2, 0)).outcome == "met"
    assert outcome_of(TONE, opinion(2, 0)).outcome == "not_met"
    assert outcome_of(TONE, opinion(2, 0)).credit == 0.5


def test_praise_that_rests_on_words_to_the_judge_is_open_and_blame_stands() -> None:
    swayed = outcome_of(TONE, opinion(2, cites=(3, 5)), appeals=(3, 5))
    assert (swayed.outcome, swayed.credit) == ("undecided", None)
    assert "meant to sway" in swayed.evidence
    assert outcome_of(TONE, opinion(2, cites=(3, 4)), appeals=(3, 5)).outcome == "met"
    assert outcome_of(TONE, opinion(0, cites=(3,)), appeals=(3, 5)).outcome == "not_met"


@given(
    st.none() | st.floats(0, 1),
    st.sampled_from(["off", "to_people"]),
    st.floats(0, 1),
    st.booleans(),
)
def test_no_score_and_no_threshold_makes_an_untrusted_answer_count(
    score: float | None, trust: Trust, threshold: float, swayed: bool
) -> None:
    outcome, why = standing(TONE, score, score, trusted(trust, threshold), swayed=swayed)
    assert outcome == "unanswered"
    assert why


RUBRIC = Rubric(name="r", criteria=(ENDING, TONE))


def checked(ending: OutcomeValue, tone: OutcomeValue = "unanswered") -> Verdict:
    return Verdict(
        trajectory_id="t",
        rubric_id=RUBRIC.id,
        judge="checks",
        outcomes=(
            CriterionOutcome(criterion="ending", outcome=ending),
            CriterionOutcome(criterion="tone", outcome=tone),
        ),
        score=0.5,
    )


@pytest.mark.parametrize("ending", ["met", "not_met", "undecided", "not_applicable"])
def test_a_judge_never_overrules_a_check(ending: OutcomeValue) -> None:
    opinions = {"ending": opinion(2), "tone": opinion(2)}
    found = with_opinions(checked(ending), RUBRIC, opinions, "m")
    assert [one.outcome for one in found.outcomes] == [ending, "met"]


def test_what_was_answered_before_stays() -> None:
    found = with_opinions(checked("met", "not_met"), RUBRIC, {"tone": opinion(2)}, "m")
    assert found.outcomes[1].outcome == "not_met"


def test_a_judge_that_is_off_moves_no_score() -> None:
    known = Calibration(judge="m", criteria={"tone": trusted("off")})
    for choice in (0, 1, 2):
        found = with_opinions(checked("met"), RUBRIC, {"tone": opinion(choice)}, "m", known)
        assert found.score == 1.0
        assert found.outcomes[1].outcome == "unanswered"
