"""A rollout before its judges: opinions, the verdict they come to, and how well they do on mutants.

Checks come first: judges are asked about what the checks keep in full. They can drop it, and save
nothing that a check drops. Mutants of some conversations go the same way; their effect is known.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from agentsynth.checks.appeals import appeals_in
from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.core.chat import ModelError
from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import OVERALL
from agentsynth.core.messages import Message
from agentsynth.core.rubric import HARMLESS_SORTS, Criterion, MutantSort, Rubric
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import transcript_of
from agentsynth.core.verdict import Decision, Verdict
from agentsynth.curate.decide import decide
from agentsynth.judge.calibrate import Labelled, labelled
from agentsynth.judge.mutants import mutate
from agentsynth.judge.panel import Opinion, Panel
from agentsynth.judge.trust import Calibration
from agentsynth.judge.verdict import judge, with_opinions

__all__ = ["PRESSURES", "Judged", "Judging", "Subject", "appealing"]

Pressure = Literal["", "appeal_to_judge", "padding"]
PRESSURES: tuple[Pressure, ...] = ("", "", "appeal_to_judge", "padding")
"""What is done to a mutant beside its defect, to see whether a judge is swayed; half are plain."""


@dataclass(frozen=True)
class Subject:
    """A conversation with all that checks and judges need."""

    evidence: Evidence
    rubric: Rubric
    tools: frozenset[str]
    """Names of the tools that were offered."""
    writes: frozenset[str]
    """Those of them that change something."""
    seed: int
    """Draws whether mutants are made of it, and which."""


@dataclass(frozen=True)
class Judged:
    """What checks and judges came to."""

    verdict: Verdict
    decision: Decision
    opinions: Mapping[str, Opinion] = field(default_factory=dict[str, Opinion])
    """By criterion; empty = no judge was asked."""
    measured: tuple[Labelled, ...] = ()
    """What checks and judges said where the truth is known."""
    appeals: tuple[int, ...] = ()
    """Messages that try to sway whoever judges."""


@dataclass(frozen=True)
class Judging:
    """How the rollouts of a run are judged."""

    panel: Panel | None
    """None = nobody answers questions."""
    judge_id: str
    calibration: Calibration | None
    """What was known of the judges before the run; None = nothing."""
    least_by_checks: float
    """Score from which on the checks keep a conversation."""
    keep_score: float
    """Score from which on it is kept in the end."""
    mutants: float
    """Share of the conversations kept by the checks of which mutants are made."""

    async def judged(self, subject: Subject, verdict: Verdict) -> Judged:
        """Return what becomes of a conversation, given the verdict of the checks.

        Raises:
            ModelError: for what ends the run.
        """
        trajectory = subject.evidence.trajectory
        decision = decide(trajectory, verdict, least_score=self.least_by_checks)
        if not decision.kept:
            return Judged(verdict, decision)
        appeals = () if self.panel is None else appealing(trajectory.messages)
        opinions: Mapping[str, Opinion] = {}
        try:
            if self.panel is not None:
                questions = _questions(subject.rubric)
                opinions = await self.panel.ask(transcript_of(trajectory), questions)
        except ModelError as error:
            if error.ends_run:
                raise
            failed = Decision(
                trajectory_id=trajectory.id,
                kept=False,
                reason="judge_error",
                detail=f"{error.fault}: {error}",
            )
            return Judged(verdict, failed, appeals=appeals)
        verdict = self._with(verdict, subject.rubric, opinions, appeals)
        decision = decide(trajectory, verdict, least_score=self.keep_score)
        measured = await self._measured(subject, opinions)
        return Judged(verdict, decision, opinions, measured, appeals)

    def _with(
        self,
        verdict: Verdict,
        rubric: Rubric,
        opinions: Mapping[str, Opinion],
        appeals: Sequence[int],
    ) -> Verdict:
        """Return the verdict with the opinions in it, as far as they are trusted."""
        if self.panel is None:
            return verdict
        return with_opinions(
            verdict, rubric, opinions, self.judge_id, self.calibration, appeals=appeals
        )

    async def _measured(
        self, subject: Subject, opinions: Mapping[str, Opinion]
    ) -> tuple[Labelled, ...]:
        """Return what is said of a mutant of the conversation, and of itself beside it."""
        rng = random.Random(derive_seed(subject.seed, "mutants"))
        if rng.random() >= self.mutants:
            return ()
        planted = _planted(subject, rng, judged=self.panel is not None)
        if planted is None:
            return ()
        said = await self._said(subject, planted)
        if said is None:
            return ()
        group = subject.evidence.trajectory.id
        cases: list[Labelled] = []
        for criterion in subject.rubric.criteria:
            defect = planted.breaks(criterion)
            if not criterion.broken_by or not (defect or planted.harmless):
                continue
            if criterion.check is not None or self.panel is not None:
                cases.append(planted.case(criterion.name, defect, said.get(criterion.name), group))
            if criterion.name in opinions and defect:
                own = opinions[criterion.name]
                cases.append(labelled(criterion.name, own, defect=False, group=group, by="check"))
        cases.append(planted.case(OVERALL, not planted.harmless, said[OVERALL], group))
        return tuple(cases)

    async def _said(self, subject: Subject, planted: "_Planted") -> dict[str, float | None] | None:
        """Return how met each criterion seems for a mutant, and whether it would be kept.

        Where the judges fail, what hangs on them is None. None for the whole = the mutant is no
        true record: where results count the calls made so far, calls in another order would have
        been answered otherwise, so that reordering them is a defect.
        """
        evidence, mutant = subject.evidence, planted.trajectory
        again = await replay(evidence.task, mutant, evidence.runtime, subject.tools)
        if planted.harmless and again.differences:
            return None
        changed = Evidence(evidence.task, mutant, evidence.runtime, evidence.voice, again)
        verdict = judge(changed, subject.rubric)
        said: dict[str, float | None] = {
            one.criterion: float(one.outcome in ("met", "not_applicable"))
            for one in verdict.outcomes
            if one.outcome != "unanswered"
        }
        kept = decide(mutant, verdict, least_score=self.least_by_checks).kept
        opinions = await self._asked(mutant, subject.rubric)
        if opinions is None:
            return {**said, OVERALL: None if kept else 0.0}
        for name, opinion in opinions.items():
            said[name] = 1.0 if opinion.score is None else opinion.score
        if kept and opinions:
            verdict = self._with(verdict, subject.rubric, opinions, appealing(mutant.messages))
            kept = decide(mutant, verdict, least_score=self.keep_score).kept
        return {**said, OVERALL: float(kept)}

    async def _asked(self, mutant: Trajectory, rubric: Rubric) -> Mapping[str, Opinion] | None:
        """Return the judges' opinions on a mutant; None where they fail, which is no answer."""
        if self.panel is None:
            return {}
        try:
            return await self.panel.ask(transcript_of(mutant), _questions(rubric))
        except ModelError as error:
            if error.ends_run:
                raise
            return None


def appealing(messages: Sequence[Message]) -> tuple[int, ...]:
    """Return the messages that try to sway whoever judges; kind words to the user do not."""
    found = {one.message for one in appeals_in(messages) if one.kind != "flattery"}
    return tuple(sorted(found))


def _questions(rubric: Rubric) -> list[Criterion]:
    return [criterion for criterion in rubric.criteria if criterion.question is not None]


@dataclass(frozen=True)
class _Planted:
    """A mutant, and what else was done to it."""

    trajectory: Trajectory
    sort: MutantSort
    pressure: Pressure

    @property
    def harmless(self) -> bool:
        return self.sort in HARMLESS_SORTS

    def breaks(self, criterion: Criterion) -> bool:
        return self.sort in criterion.broken_by or self.pressure in criterion.broken_by

    def case(self, name: str, defect: bool, score: float | None, group: str) -> Labelled:
        return Labelled(name, defect, score, group, "mutant", self.pressure, self.sort)


def _planted(subject: Subject, rng: random.Random, *, judged: bool) -> _Planted | None:
    """Return one mutant of a conversation, of a sort that its rubric can tell; None = none can be.

    Args:
        judged: whether questions are answered; if not, only what checks can tell is planted.
    """
    told: set[MutantSort] = {
        sort
        for criterion in subject.rubric.criteria
        if judged or criterion.check is not None
        for sort in criterion.broken_by
    }
    if not told:
        return None
    sorts: list[MutantSort] = sorted({*told, *HARMLESS_SORTS})
    rng.shuffle(sorts)
    for sort in sorts:
        mutant = _mutated(subject, subject.evidence.trajectory, sort, rng)
        if mutant is None:
            continue
        pressure: Pressure = "" if sort in HARMLESS_SORTS else rng.choice(PRESSURES)
        if pressure == sort or not judged:
            pressure = ""
        pressed = _mutated(subject, mutant, pressure, rng) if pressure else None
        if pressed is None:
            return _Planted(mutant, sort, "")
        return _Planted(pressed, sort, pressure)
    return None


def _mutated(
    subject: Subject, trajectory: Trajectory, sort: MutantSort, rng: random.Random
) -> Trajectory | None:
    made = mutate(
        trajectory,
        sort,
        seed=rng.randrange(2**32),
        writes=subject.writes,
        language=subject.evidence.task.language,
    )
    return None if made is None else made.trajectory
