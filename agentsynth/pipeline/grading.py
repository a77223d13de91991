"""The command `judge`: put conversations to judges, write what they say, hold it against labels."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.frozen import Frozen
from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import OVERALL, CriterionLabel
from agentsynth.core.rubric import Criterion
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.judge.metrics import Case, measured
from agentsynth.judge.panel import Opinion, Panel
from agentsynth.judge.trust import Calibration
from agentsynth.judge.verdict import score, with_opinions
from agentsynth.models.deadline import Clocks
from agentsynth.models.settings import ModelSettings
from agentsynth.models.tally import Tallied, Tally
from agentsynth.pipeline.asking import Asking
from agentsynth.pipeline.config import BudgetConfig, ModelsConfig
from agentsynth.pipeline.judging import appealing
from agentsynth.pipeline.panel import OpenCaller, panel_name, panel_of
from agentsynth.pipeline.seats import Modelling, Seat, Seats, open_seats
from agentsynth.pipeline.subjects import Subject

__all__ = [
    "CHECKS",
    "JUDGED",
    "Grader",
    "JudgeFile",
    "Judgement",
    "agreement",
    "graded",
    "open_grader",
]

JUDGED = "judged.jsonl"
CHECKS = "checks"
"""Who judged where no judge sat."""


class JudgeFile(Frozen):
    """Who judges, as a file says it."""

    version: Literal[1]
    models: tuple[ModelSettings, ...] = Field(min_length=1)
    """The judges; several are a panel."""
    asking: Asking = Asking()
    seed: int = Field(default=0, ge=0)
    least_score: float = Field(default=0.9, ge=0, le=1)
    """Score from which on a conversation is accepted."""
    budget: BudgetConfig | None = None
    """None = no cap."""
    calibration: str | None = None
    """File that `judge calibrate` made, relative to this one; None = nothing is known."""


class Judgement(Frozen):
    """What came of judging one conversation."""

    subject: str
    source: str
    group: str
    judge: str
    rubric_id: str
    score: float | None = None
    """None = nothing was decided about it."""
    accepted: bool | None = None
    outcomes: tuple[CriterionOutcome, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    appeals: tuple[int, ...] = ()
    """Messages that try to sway whoever judges."""
    error: str | None = None
    """Why the judge gave no opinion; None = it did."""
    labels: tuple[CriterionLabel, ...] = ()


@dataclass(frozen=True)
class Grader:
    """Judges, opened."""

    file: JudgeFile | None
    """None = nobody answers questions: checks and what they said before are all there is."""
    seats: Seats
    calibration: Calibration | None = None
    tally: Tally = field(default_factory=Tally)

    @property
    def name(self) -> str:
        """Who judges."""
        return CHECKS if self.file is None else panel_name(self.file.models, self.file.asking)

    @property
    def least_score(self) -> float:
        """Score from which on a conversation is accepted."""
        return 1.0 if self.file is None else self.file.least_score

    def panel(self, subject: Subject, ordinal: int) -> Panel | None:
        """Return the judges of one conversation."""
        if self.file is None:
            return None
        seed, numbers = self.file.seed, iter(range(10**6))

        def opened(seat: Seat) -> OpenCaller:
            def caller(_sample: int, _order: str) -> Caller:
                number = next(numbers)
                return Caller(
                    Tallied(seat.stack(Clocks()), self.tally),
                    "judge",
                    task=subject.id,
                    sample=0,
                    place=ordinal,
                    seed=derive_seed(seed, subject.id, number) % 2**31
                    if seat.settings.send_seed
                    else None,
                    calls=number * 1000,
                )

            return caller

        judges = [(seat.settings, opened(seat)) for seat in self.seats.judges()]
        return panel_of(judges, self.file.asking)


async def open_grader(
    file: JudgeFile | None,
    modelling: Modelling,
    stack: AsyncExitStack,
    calibration: Calibration | None = None,
) -> Grader:
    """Open the judges.

    Raises:
        UserError: if a key is not set, or a package that a model needs is not installed.
    """
    if file is None:
        return Grader(None, Seats())
    first, *others = file.models
    seats = await open_seats(ModelsConfig(judge=first), modelling, stack, others)
    return Grader(file, seats, calibration)


async def graded(
    subjects: Sequence[Subject], grader: Grader, *, at_once: int
) -> AsyncIterator[Judgement]:
    """Yield what comes of every conversation, in order; so many are judged at once.

    Raises:
        ModelError: for what ends all judging, as a key that is refused.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(ordinal: int, subject: Subject) -> Judgement:
        async with gate:
            return await _judgement(subject, ordinal, grader)

    tasks = [asyncio.ensure_future(one(n, subject)) for n, subject in enumerate(subjects)]
    try:
        for task in tasks:
            yield await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _judgement(subject: Subject, ordinal: int, grader: Grader) -> Judgement:
    rubric = subject.rubric
    questions = [one for one in rubric.criteria if one.question is not None]
    verdict = subject.checks or _nothing_checked(subject)
    appeals = appealing(subject.transcript.messages)
    panel = grader.panel(subject, ordinal)
    opinions: dict[str, Opinion] = {}
    error: str | None = None
    try:
        if panel is not None and questions:
            opinions = await panel.ask(subject.transcript, questions)
    except ModelError as failed:
        if failed.ends_run:
            raise
        error = f"{failed.fault}: {failed}"
    if opinions:
        verdict = with_opinions(
            verdict, rubric, opinions, grader.name, grader.calibration, appeals=appeals
        )
    decided = any(one.outcome not in ("unanswered", "not_applicable") for one in verdict.outcomes)
    decided = decided and error is None
    return Judgement(
        subject=subject.id,
        source=subject.source,
        group=subject.group,
        judge=grader.name,
        rubric_id=rubric.id,
        score=verdict.score if decided else None,
        accepted=_accepted(verdict, rubric.criteria, grader) if decided else None,
        outcomes=verdict.outcomes,
        opinions=tuple(opinions.values()),
        appeals=appeals,
        error=error,
        labels=subject.labels,
    )


def _accepted(verdict: Verdict, criteria: Sequence[Criterion], grader: Grader) -> bool:
    """Whether checks and judges would keep it: no judge saves what a check drops."""
    pairs = zip(criteria, verdict.outcomes, strict=True)
    checks = [(c, o) for c, o in pairs if c.check is not None]
    if any(outcome.outcome == "not_met" for _, outcome in checks):
        return False
    return verdict.score >= grader.least_score


def _nothing_checked(subject: Subject) -> Verdict:
    outcomes = tuple(
        CriterionOutcome(criterion=criterion.name, outcome="unanswered")
        for criterion in subject.rubric.criteria
    )
    return Verdict(
        trajectory_id=subject.id,
        rubric_id=subject.rubric.id,
        judge="checks",
        outcomes=outcomes,
        score=score(subject.rubric.criteria, outcomes),
    )


def agreement(
    judgements: Iterable[Judgement], *, least_score: float, seed: int
) -> dict[str, dict[str, Any]]:
    """Return how judgements agree with the labels, by criterion; `overall` is the whole.

    A conversation without an answer is counted as unanswered and is in no figure.

    Args:
        least_score: for the whole: a score below it calls a defect.
    """
    cases: dict[str, list[Case]] = {}
    labels: dict[str, Counter[str]] = {}
    for one in judgements:
        found = {outcome.criterion: outcome for outcome in one.outcomes}
        for label in one.labels:
            defect = label.truth == "not_met"
            if label.criterion == OVERALL:
                said = _overall(one, least_score)
            else:
                said = _said(found.get(label.criterion))
            cases.setdefault(label.criterion, []).append(Case(defect, said, one.group))
            labels.setdefault(label.criterion, Counter())[f"{label.by} {label.who}".strip()] += 1
    return {
        name: {
            "labels": dict(sorted(labels[name].items())),
            **_figures(some, least_score if name == OVERALL else 1.0, seed),
        }
        for name, some in sorted(cases.items())
    }


def _overall(one: Judgement, least_score: float) -> float | None:
    """Return the score of a whole, under the least one where a check dropped it."""
    if one.score is None:
        return None
    return one.score if one.accepted or one.score < least_score else 0.0


def _said(outcome: CriterionOutcome | None) -> float | None:
    if outcome is None or outcome.outcome == "unanswered":
        return None
    if outcome.outcome in ("met", "not_applicable"):
        return 1.0
    return outcome.credit or 0.0


def _figures(cases: Sequence[Case], threshold: float, seed: int) -> dict[str, Any]:
    figures = measured(cases, threshold=threshold, seed=seed)
    return figures.model_dump(mode="json")
