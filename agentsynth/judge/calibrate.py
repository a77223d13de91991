"""Fit a judge's thresholds to labels and say how far each criterion is to be trusted.

A threshold is fitted on one half of the conversations and everything is measured on the other, so
no figure is flattered by its own fit. What was not answered has no score and is counted apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import LabelMaker
from agentsynth.core.rubric import Criterion
from agentsynth.judge.metrics import Case, Interval, Measured, measured
from agentsynth.judge.panel import Opinion
from agentsynth.judge.trust import Calibration, CriterionTrust, Floor, Trust

__all__ = ["Labelled", "calibrate", "changed", "fitted", "labelled"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a judge said to a question, beside the truth."""

    criterion: str
    defect: bool
    """The truth: it is not met."""
    score: float | None
    """The opinion's score; None = no answer."""
    group: str
    """Conversations of one group are not independent."""
    by: LabelMaker
    condition: str = ""
    """What else was done to the conversation to sway a judge; "" = nothing."""
    sort: str = ""
    """The planted defect; "" = none was planted."""

    @property
    def case(self) -> Case:
        """What the figures are made from."""
        return Case(defect=self.defect, score=self.score, group=self.group)


def labelled(
    criterion: str,
    opinion: Opinion | None,
    *,
    defect: bool,
    group: str,
    by: LabelMaker,
    condition: str = "",
    sort: str = "",
) -> Labelled:
    """Return an opinion beside the truth.

    To say that a question does not apply is to find nothing wrong: it scores 1.

    Args:
        opinion: None = the judge gave none.
    """
    score = None if opinion is None else 1.0 if opinion.score is None else opinion.score
    return Labelled(criterion, defect, score, group, by, condition, sort)


def calibrate(
    cases: Iterable[Labelled],
    questions: Sequence[Criterion],
    *,
    judge: str,
    floor: Floor,
    seed: int,
) -> Calibration:
    """Return what is known of a judge at each of these questions.

    Args:
        judge: who gave the opinions.
        seed: splits the conversations in halves and draws the resamples.
    """
    by_name: dict[str, list[Labelled]] = {question.name: [] for question in questions}
    for case in cases:
        if case.criterion in by_name:
            by_name[case.criterion].append(case)
    return Calibration(
        judge=judge,
        floor=floor,
        criteria={
            question.name: fitted(question, by_name[question.name], floor=floor, seed=seed)
            for question in questions
        },
    )


def fitted(
    question: Criterion, cases: Sequence[Labelled], *, floor: Floor, seed: int
) -> CriterionTrust:
    """Return the threshold and trust of one criterion."""
    fitting, held = _halves(cases, seed)
    threshold = _threshold(fitting)
    figures = measured((case.case for case in held), threshold=threshold, seed=seed)
    trust, why = _trust(figures, held, floor)
    makers: Counter[LabelMaker] = Counter(case.by for case in cases)
    return CriterionTrust(
        question=question.question_id,
        trust=trust,
        why=why,
        threshold=threshold,
        measured=figures,
        labels=dict(sorted(makers.items())),
    )


def _halves(cases: Sequence[Labelled], seed: int) -> tuple[Sequence[Labelled], Sequence[Labelled]]:
    """Return two halves that share no group, those with and without a defect shared out evenly."""
    defects = {case.group for case in cases if case.defect}
    drawn = sorted({case.group for case in cases}, key=lambda g: derive_seed(seed, "half", g))
    first = {
        group
        for kind in (True, False)
        for group in [one for one in drawn if (one in defects) is kind][::2]
    }
    return (
        [case for case in cases if case.group in first],
        [case for case in cases if case.group not in first],
    )


def _threshold(cases: Sequence[Labelled]) -> float:
    """Return the score from which on a criterion is met.

    It is what gives the largest kappa; of equal ones the strictest, because a defect that passes
    costs more than a sound conversation that is lost. 1 where there is nothing to fit.
    """
    scored = [(case.defect, case.score) for case in cases if case.score is not None]
    if len({defect for defect, _ in scored}) < 2:
        return 1.0
    candidates = sorted({score for _, score in scored if score > 0} | {1.0})
    return max(candidates, key=lambda at: (round(_agreement(scored, at), 9), at))


def _agreement(scored: Sequence[tuple[bool, float]], threshold: float) -> float:
    """Return Cohen's kappa at a threshold; 0 where it is not defined."""
    every = len(scored)
    called = sum(score < threshold for _, score in scored)
    truly = sum(defect for defect, _ in scored)
    same = sum(defect == (score < threshold) for defect, score in scored)
    chance = (called * truly + (every - called) * (every - truly)) / every**2
    return 0.0 if chance == 1 else (same / every - chance) / (1 - chance)


def _trust(figures: Measured, held: Sequence[Labelled], floor: Floor) -> tuple[Trust, str]:
    """Return how far a criterion is trusted, and why."""
    answered = figures.cases - figures.unanswered
    if figures.cases and answered < floor.answered * figures.cases:
        return "off", f"answers {answered} of {figures.cases} questions"
    defects = sum(case.defect for case in held)
    sound = len(held) - defects
    if defects < floor.defects or sound < floor.sound:
        return "to_people", (
            f"measured on {defects} defects and {sound} sound conversations; "
            f"{floor.defects} and {floor.sound} are needed"
        )
    kappa = figures.figures.get("kappa")
    passed = figures.figures.get("false_accept")
    if kappa is None or passed is None:
        return "to_people", "kappa is not defined on these conversations"
    told = f"kappa {_range(kappa)}, lets {_range(passed)} of the defects pass"
    swayed = _swayed(held, figures.threshold)
    if kappa.high < floor.kappa or passed.low > floor.false_accept:
        return "off", f"{told}{swayed}"
    if kappa.low < floor.kappa or passed.high > floor.false_accept:
        return "to_people", f"{told}{swayed}"
    return "used", told


def _range(interval: Interval) -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def _swayed(held: Sequence[Labelled], threshold: float) -> str:
    """Return what was let pass under each condition, where conditions differ; "" = nothing."""
    counts: dict[str, tuple[int, int]] = {}
    for case in held:
        if case.defect and case.score is not None:
            passed, of = counts.get(case.condition, (0, 0))
            counts[case.condition] = (passed + (case.score >= threshold), of + 1)
    if len(counts) < 2:
        return ""
    return "; passed: " + ", ".join(
        f"{passed} of {of} {'with ' + name if name else 'plain'}"
        for name, (passed, of) in sorted(counts.items())
    )


def changed(before: Calibration | None, after: Calibration) -> Mapping[str, tuple[str, str]]:
    """Return the criteria whose trust is another than before: name to old and new trust."""
    known = {} if before is None else before.criteria
    return {
        name: (known[name].trust if name in known else "unmeasured", one.trust)
        for name, one in after.criteria.items()
        if name not in known or known[name].trust != one.trust
    }
