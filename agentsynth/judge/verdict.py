"""Hold a trajectory against a rubric."""

from collections.abc import Collection, Mapping, Sequence

from agentsynth.checks.evidence import Evidence, Finding
from agentsynth.checks.run import find
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.judge.panel import Opinion
from agentsynth.judge.trust import Calibration, outcome_of

__all__ = ["judge", "score", "with_opinions"]

_UNANSWERED = Finding("unanswered", evidence="no judge is configured")


def judge(evidence: Evidence, rubric: Rubric) -> Verdict:
    """Return the verdict of the checks; questions stay unanswered and outside the score."""
    outcomes: list[CriterionOutcome] = []
    for criterion in rubric.criteria:
        finding = _UNANSWERED if criterion.check is None else find(evidence, criterion.check)
        outcomes.append(
            CriterionOutcome(
                criterion=criterion.name,
                outcome=finding.outcome,
                code=finding.code,
                evidence=finding.evidence,
                messages=finding.messages,
                credit=finding.credit,
            )
        )
    return Verdict(
        trajectory_id=evidence.trajectory.id,
        rubric_id=rubric.id,
        judge="checks",
        outcomes=tuple(outcomes),
        score=score(rubric.criteria, outcomes),
    )


def with_opinions(
    verdict: Verdict,
    rubric: Rubric,
    opinions: Mapping[str, Opinion],
    judge_id: str,
    calibration: Calibration | None = None,
    *,
    appeals: Collection[int] = (),
) -> Verdict:
    """Return the verdict with judges' opinions in the place of what was unanswered.

    The best choice is met; a lesser one is not met and counts in part, the worst not at all. What
    a check decided stays as it is.

    Args:
        judge_id: who answered.
        calibration: what is known of them; None = nothing, and their answers count as they are.
        appeals: messages that try to sway whoever judges.
    """
    known = {} if calibration is None else calibration.criteria
    outcomes = tuple(
        outcome_of(criterion, opinions[criterion.name], known.get(criterion.name), appeals)
        if criterion.name in opinions and outcome.outcome == "unanswered"
        else outcome
        for criterion, outcome in zip(rubric.criteria, verdict.outcomes, strict=True)
    )
    return verdict.model_copy(
        update={
            "outcomes": outcomes,
            "judge": judge_id,
            "score": score(rubric.criteria, outcomes),
        }
    )


def score(criteria: Sequence[Criterion], outcomes: Sequence[CriterionOutcome]) -> float:
    """Return the weighted share of applicable criteria met, in [0, 1].

    Unanswered and not applicable criteria do not count; undecided ones count as not met, and one
    met in part counts by its credit. The score is 0 when a required criterion is not met or
    undecided, and when nothing at all applies.
    """
    total = met = 0.0
    for criterion, outcome in zip(criteria, outcomes, strict=True):
        if outcome.outcome in ("not_applicable", "unanswered"):
            continue
        if outcome.outcome != "met" and criterion.required:
            return 0.0
        total += criterion.weight
        share = 1.0 if outcome.outcome == "met" else outcome.credit or 0.0
        met += criterion.weight * share
    return round(met / total, 6) if total else 0.0
