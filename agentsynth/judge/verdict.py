"""Hold a trajectory against a rubric."""

from collections.abc import Mapping, Sequence

from agentsynth.checks.evidence import Evidence, Finding
from agentsynth.checks.run import find
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.judge.reading import Answered

__all__ = ["judge", "score", "with_answers"]

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


def with_answers(
    verdict: Verdict, rubric: Rubric, answers: Mapping[str, Answered], judge_id: str
) -> Verdict:
    """Return the verdict with a judge's answers in the place of what was unanswered.

    The best choice is met; a lesser one is not met and counts in part, the worst not at all. What
    a check decided stays as it is.

    Args:
        judge_id: who answered.
    """
    outcomes = tuple(
        _answered(criterion, answers[criterion.name]) if criterion.name in answers else outcome
        for criterion, outcome in zip(rubric.criteria, verdict.outcomes, strict=True)
    )
    return verdict.model_copy(
        update={
            "outcomes": outcomes,
            "judge": judge_id,
            "score": score(rubric.criteria, outcomes),
        }
    )


def _answered(criterion: Criterion, answer: Answered) -> CriterionOutcome:
    if answer.choice is None:
        return CriterionOutcome(
            criterion=criterion.name,
            outcome="not_applicable",
            evidence=answer.reason,
            messages=answer.messages,
        )
    best = len(criterion.choices) - 1
    met = answer.choice == best
    return CriterionOutcome(
        criterion=criterion.name,
        outcome="met" if met else "not_met",
        code=None if met else "judged_low",
        evidence=f"{criterion.choices[answer.choice]}: {answer.reason}",
        messages=answer.messages,
        credit=None if met else round(answer.choice / best, 6),
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
