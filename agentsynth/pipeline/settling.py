"""Decide again what judges said, by what is known of them by then: in the order of the run.

At a barrier after every so many places the judges are calibrated anew on the mutants of all places
before it. Which calibration holds at a place depends on the config, the seed and earlier places
only, so that a run that is stopped and resumed comes to the same.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.compose.rubrics import whole_rubric
from agentsynth.core.ids import derive_seed
from agentsynth.core.labels import OVERALL
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.verdict import CriterionOutcome, Decision, Verdict
from agentsynth.curate.decide import decide
from agentsynth.judge.calibrate import Labelled, changed, fitted
from agentsynth.judge.metrics import Measured, measured
from agentsynth.judge.panel import Opinion
from agentsynth.judge.trust import Calibration, CriterionTrust, is_swayed, standing
from agentsynth.judge.verdict import score, with_opinions
from agentsynth.pipeline.asking import JudgingConfig
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.judging import Judged
from agentsynth.pipeline.panel import panel_name
from agentsynth.pipeline.store import Item, Store

__all__ = [
    "Refit",
    "Settling",
    "read_cases",
    "remember",
    "remember_refits",
    "settled",
    "settled_verdict",
    "settling_of",
    "stored_cases",
    "stored_opinions",
]


def stored_opinions(judged: Judged, rubric: Rubric) -> str:
    """Return what is needed to decide again, as JSON; "" = no judge was asked."""
    if not judged.opinions:
        return ""
    opinions = judged.opinions
    checks = [
        [one.criterion, one.outcome, one.credit]
        for one, criterion in zip(judged.verdict.outcomes, rubric.criteria, strict=True)
        if criterion.name not in opinions
    ]
    questions = {
        name: [one.score, one.best, int(is_swayed(one, judged.appeals))]
        for name, one in opinions.items()
    }
    return json.dumps({"checks": checks, "questions": questions})


def stored_cases(cases: Sequence[Labelled]) -> str:
    """Return what was said of mutants as JSON; "" = none were made."""
    if not cases:
        return ""
    return json.dumps(
        [[c.criterion, int(c.defect), c.score, c.by, c.condition, c.sort] for c in cases]
    )


def read_cases(item: Item) -> list[Labelled]:
    """Return what was said of the mutants of a rollout."""
    if not item.measured:
        return []
    return [
        Labelled(criterion, bool(defect), score, item.trajectory_id, by, condition, sort)
        for criterion, defect, score, by, condition, sort in json.loads(item.measured)
    ]


def remember(store: Store, config: RunConfig, calibration: Calibration | None) -> None:
    """Write down what settling needs, beside the rollouts: files may change or go."""
    plain = None if calibration is None else calibration.plain
    store.set_setting("rubric", whole_rubric(config.rubric).plain)
    store.set_setting("calibration", plain)
    store.set_setting("keep_score", config.keep_score())


def remember_refits(store: Store, settling: "Settling") -> None:
    """Write down which calibrations held in a run, for whoever looks at its rows later."""
    if settling.history:
        plain = [[place, one.plain] for place, one in settling.history]
        store.set_setting("calibrations", plain)


def settled(store: Store, item: Item, bundle: Mapping[str, Any]) -> tuple[Verdict, Decision]:
    """Return verdict and decision of a stored rollout, by what was known of its judges there."""
    if not item.judged:
        return Verdict.model_validate(bundle["verdict"]), Decision.model_validate(
            bundle["decision"]
        )
    known = store.setting("calibration")
    for place, one in store.setting("calibrations") or ():
        known = one if place <= item.ordinal else known
    rubric = Rubric.model_validate(store.setting("rubric"))
    calibration = None if known is None else Calibration.model_validate(known)
    verdict = settled_verdict(bundle, rubric, calibration)
    trajectory = Trajectory.model_validate(bundle["trajectory"])
    return verdict, decide(trajectory, verdict, least_score=store.setting("keep_score"))


def settling_of(store: Store, config: RunConfig) -> "Settling":
    """Return what is known of a run's judges at its first place.

    Args:
        config: the run's, as it was loaded or as its manifest has it.
    """
    rubric, known = store.setting("rubric"), store.setting("calibration")
    judges = config.judges()
    return Settling(
        rubric=whole_rubric(None) if rubric is None else Rubric.model_validate(rubric),
        config=config.judging,
        judge=panel_name(judges, config.judging.asking) if judges else "",
        seed=config.seed,
        calibration=None if known is None else Calibration.model_validate(known),
    )


@dataclass(frozen=True)
class Refit:
    """A calibration in the course of a run."""

    places: int
    """It holds from this place on."""
    changed: Mapping[str, tuple[str, str]]
    """Criterion to its trust before and after; those that stay are left out."""


@dataclass
class Settling:
    """What is known of checks and judges so far in a run, and what follows from it."""

    rubric: Rubric
    config: JudgingConfig
    judge: str
    """Who judges; "" = nobody."""
    seed: int
    calibration: Calibration | None
    """In force; None = nothing is known yet."""
    cases: list[Labelled] = field(default_factory=lambda: [])
    refits: list[Refit] = field(default_factory=lambda: [])
    history: list[tuple[int, Calibration]] = field(default_factory=lambda: [])
    """Place from which on each calibration of the run held."""

    def __post_init__(self) -> None:
        self._criteria = {criterion.name: criterion for criterion in self.rubric.criteria}

    def begin_place(self, place: int) -> None:
        """Calibrate anew where a round begins."""
        if self.judge and place and place % self.config.refit == 0:
            self._refit(place)

    def add(self, item: Item) -> None:
        """Take in what was said of a rollout's mutants."""
        self.cases += read_cases(item)

    def score(self, item: Item) -> float | None:
        """Return the score of a rollout by what is known now; None = no judge was asked."""
        if not item.judged:
            return None
        kept = json.loads(item.judged)
        outcomes = [
            CriterionOutcome(criterion=name, outcome=outcome, credit=credit)
            for name, outcome, credit in kept["checks"]
        ]
        known = self._known
        for name, (got, best, swayed) in kept["questions"].items():
            outcome, _ = standing(
                self._criteria[name], got, best, known.get(name), swayed=bool(swayed)
            )
            credit = got if outcome == "not_met" else None
            outcomes.append(CriterionOutcome(criterion=name, outcome=outcome, credit=credit))
        return score([self._criteria[one.criterion] for one in outcomes], outcomes)

    def for_people(self, item: Item) -> list[str]:
        """Return the questions about a rollout that a person has to answer."""
        if not item.judged:
            return []
        known = self._known
        return [
            name
            for name in json.loads(item.judged)["questions"]
            if name in known and known[name].trust == "to_people"
        ]

    def measure(self) -> dict[str, Measured]:
        """Return the figures of everything measured in the run, by criterion; last the whole.

        Those of questions are on the half of the conversations that their threshold was not fitted
        to; a check has no threshold to fit, and so all of them count.
        """
        named = {case.criterion for case in self.cases}
        found: dict[str, Measured] = {}
        for criterion in self.rubric.criteria:
            if criterion.name not in named:
                continue
            if criterion.question is not None:
                found[criterion.name] = self._fitted(criterion).measured
            else:
                found[criterion.name] = self._measured(criterion.name)
        if OVERALL in named:
            found[OVERALL] = self._measured(OVERALL)
        return found

    def _measured(self, name: str) -> Measured:
        cases = [case.case for case in self.cases if case.criterion == name]
        return measured(cases, threshold=1.0, seed=derive_seed(self.seed, "measured"))

    @property
    def _known(self) -> Mapping[str, CriterionTrust]:
        return {} if self.calibration is None else self.calibration.criteria

    def _fitted(self, criterion: Criterion) -> CriterionTrust:
        cases = [case for case in self.cases if case.criterion == criterion.name]
        seed = derive_seed(self.seed, "calibration")
        return fitted(criterion, cases, floor=self.config.floor, seed=seed)

    def _refit(self, place: int) -> None:
        """Calibrate on all mutants so far; what is not measured well enough stays as it was."""
        before = self.calibration
        known = dict(self._known)
        for criterion in self.rubric.criteria:
            if criterion.question is None:
                continue
            trusted = self._fitted(criterion)
            if _measured_enough(trusted, self.config):
                known[criterion.name] = trusted
        if not known:
            return
        after = Calibration(judge=self.judge, floor=self.config.floor, criteria=known)
        moved = changed(before, after)
        if moved:
            self.refits.append(Refit(place, moved))
        self.calibration = after
        self.history.append((place, after))


def _measured_enough(trusted: CriterionTrust, config: JudgingConfig) -> bool:
    figures, floor = trusted.measured, config.floor
    sound = figures.cases - figures.defects
    return figures.defects >= floor.defects and sound >= floor.sound


def settled_verdict(
    bundle: Mapping[str, Any], rubric: Rubric, calibration: Calibration | None
) -> Verdict:
    """Return a stored rollout's verdict by what was known of its judges at its place.

    Args:
        rubric: the whole one of the run; the verdict's own has those of its criteria that fit.
    """
    verdict = Verdict.model_validate(bundle["verdict"])
    if "opinions" not in bundle:
        return verdict
    by_name = {criterion.name: criterion for criterion in rubric.criteria}
    fitting = tuple(by_name[one.criterion] for one in verdict.outcomes)
    rubric = Rubric(name=rubric.name, criteria=fitting)
    opinions = [Opinion.model_validate(one) for one in bundle["opinions"]]
    names = {one.criterion for one in opinions}
    open_ = verdict.model_copy(
        update={
            "outcomes": tuple(
                CriterionOutcome(criterion=one.criterion, outcome="unanswered")
                if one.criterion in names
                else one
                for one in verdict.outcomes
            )
        }
    )
    return with_opinions(
        open_,
        rubric,
        {one.criterion: one for one in opinions},
        verdict.judge,
        calibration,
        appeals=bundle["appeals"],
    )
