"""How far each criterion of a judge is trusted, and what becomes of an opinion accordingly."""

from collections.abc import Collection
from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.labels import LabelMaker
from agentsynth.core.rubric import Criterion
from agentsynth.core.verdict import CriterionOutcome, OutcomeValue
from agentsynth.judge.metrics import Measured
from agentsynth.judge.panel import Opinion

__all__ = [
    "Calibration",
    "CriterionTrust",
    "Floor",
    "Trust",
    "is_swayed",
    "outcome_of",
    "standing",
]

Trust = Literal["used", "to_people", "off"]
"""`used` = its answers count; `to_people` = too little is known of it, so a person has to look;
`off` = it was measured, and is not good enough."""


class Floor(Frozen):
    """What a criterion has to reach to be used. Bounds hold for the ends of the intervals."""

    kappa: float = Field(default=0.4, ge=-1, le=1)
    """Least lower end of Cohen's kappa with the truth. From 0.4 on it is "moderate" (Landis & Koch,
    1977)."""
    false_accept: float = Field(default=0.2, ge=0, le=1)
    """Most defects that may pass: the upper end of that share."""
    defects: int = Field(default=10, ge=1)
    """Labelled defects there must be on the held-out side."""
    sound: int = Field(default=10, ge=1)
    """Labelled conversations without the defect there must be there."""
    answered: float = Field(default=0.95, ge=0, le=1)
    """Least share of the questions that must be answered at all."""


class CriterionTrust(Frozen):
    """What is known of a judge at one question."""

    question: str
    """`Criterion.question_id`: a question that was reworded has to be measured again."""
    trust: Trust
    why: str
    threshold: float = Field(ge=0, le=1)
    """Met where the opinion's score is at least this."""
    measured: Measured
    """On the conversations that the threshold was not fitted to."""
    labels: dict[LabelMaker, int] = {}
    """Labels by who made them, on both sides."""


class Calibration(Identified):
    """What is known of a judge."""

    schema_version: Literal[1] = 1
    judge: str
    """Who was measured: another panel has to be measured by itself."""
    floor: Floor = Floor()
    criteria: dict[str, CriterionTrust] = {}


def standing(
    criterion: Criterion,
    score: float | None,
    best: float | None,
    trusted: CriterionTrust | None,
    *,
    swayed: bool,
) -> tuple[OutcomeValue, str]:
    """Return how a question came out, and what is to be said of it.

    Args:
        score: the opinion's, and with it `best`; None = it does not apply.
        trusted: what is known of the judge at this question; None = nothing.
        swayed: whether the opinion rests on words meant to sway a judge.
    """
    if trusted is not None and trusted.question != criterion.question_id:
        return "unanswered", "to people: the question was changed since the judge was measured"
    if trusted is not None and trusted.trust != "used":
        word = "off" if trusted.trust == "off" else "to people"
        return "unanswered", f"{word}: {trusted.why}"
    if score is None or best is None:
        return "not_applicable", ""
    if not (best > 0.5 if trusted is None else score >= trusted.threshold):
        return "not_met", ""
    return ("undecided", "rests on words meant to sway a judge") if swayed else ("met", "")


def outcome_of(
    criterion: Criterion,
    opinion: Opinion,
    trusted: CriterionTrust | None = None,
    appeals: Collection[int] = (),
) -> CriterionOutcome:
    """Return how a question came out.

    A criterion that is off or for people stays `unanswered`, and says why: it is outside the score.

    Args:
        trusted: what is known of the judge at this question; None = it was never measured, and more
            than half of the ballots decide.
        appeals: messages that try to sway whoever judges. An answer in favour that rests on these
            alone is not taken: it is undecided.
    """
    spoken = opinion.spoken
    outcome, remark = standing(
        criterion, opinion.score, opinion.best, trusted, swayed=is_swayed(opinion, appeals)
    )
    said = "" if spoken.choice is None else f"{criterion.choices[spoken.choice]}: "
    evidence = f"{remark} ({said}{spoken.reason})" if remark else f"{said}{spoken.reason}"
    return CriterionOutcome(
        criterion=criterion.name,
        outcome=outcome,
        code="judged_low" if outcome in ("not_met", "undecided") else None,
        evidence=evidence,
        messages=spoken.messages,
        credit=opinion.score if outcome == "not_met" else None,
    )


def is_swayed(opinion: Opinion, appeals: Collection[int]) -> bool:
    """Whether an opinion cites nothing but words meant to sway a judge."""
    cited = opinion.spoken.messages
    return bool(cited) and set(cited) <= set(appeals)
