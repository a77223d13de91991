"""Whether a rubric's criteria tell anything apart: how each comes out over a probe set."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.judge.mutants import HARMLESS
from agentsynth.judge.rubric_lint import Slip
from agentsynth.judge.verdict import judge
from agentsynth.pipeline.rubric_probes import Probed

__all__ = ["CriterionCount", "RubricCount", "count_probes"]


@dataclass
class CriterionCount:
    """How one criterion came out over a probe set."""

    criterion: Criterion
    outcomes: Counter[str] = field(default_factory=lambda: Counter())
    """For a check: `met`, `not_met`, `not_applicable`, `undecided`."""
    sound: int = 0
    """For a question with `broken_by`: conversations without a defect, and harmless mutants."""
    broken: int = 0
    """For a question: mutants that break it."""

    def slips(self, probes: int) -> list[Slip]:
        """Return what is wrong.

        Args:
            probes: conversations in the set.
        """
        name = self.criterion.name
        if self.criterion.question is not None:
            return list(_unprobed(name, self.sound, self.broken))
        found: list[Slip] = []
        failed, met = self.outcomes["not_met"], self.outcomes["met"]
        if not failed and not met:
            told = f"it applied to none of {probes} conversations; name a run that it fits: --run"
            return [Slip(kind="never_passes", criterion=name, told=told)]
        if not failed:
            told = f"none of {probes} conversations fails it: it may see nothing"
            found.append(Slip(kind="never_fails", criterion=name, told=told))
        if not met:
            told = f"none of {probes} conversations passes it: it may be impossible to meet"
            found.append(Slip(kind="never_passes", criterion=name, told=told))
        return found


def _unprobed(name: str, sound: int, broken: int) -> list[Slip]:
    if sound and broken:
        return []
    missing = "bad" if sound else "good" if broken else "bad or good"
    told = (
        f"of no conversation is it known that the answer is {missing}: "
        "a judge cannot be measured at it; name defects under 'broken_by', or label some"
    )
    return [Slip(kind="unprobed", criterion=name, told=told)]


@dataclass
class RubricCount:
    """How a rubric came out over a probe set."""

    rubric: Rubric
    criteria: list[CriterionCount]
    probes: int = 0
    """Conversations in the set."""

    @property
    def slips(self) -> list[Slip]:
        """What is wrong, in the order of the criteria."""
        return [slip for one in self.criteria for slip in one.slips(self.probes)]


async def count_probes(
    rubrics: Sequence[Rubric], probes: AsyncIterator[Probed]
) -> list[RubricCount]:
    """Hold every conversation of a probe set against each rubric."""
    counts = [RubricCount(r, [CriterionCount(c) for c in r.criteria]) for r in rubrics]
    async for probed in probes:
        for count in counts:
            _add(count, probed)
    return counts


def _add(count: RubricCount, probed: Probed) -> None:
    kind = probed.evidence.task.kind
    count.probes += 1
    verdict = judge(probed.evidence, count.rubric)
    for one, outcome in zip(count.criteria, verdict.outcomes, strict=True):
        applies = not one.criterion.kinds or kind in one.criterion.kinds
        if one.criterion.check is not None:
            one.outcomes[outcome.outcome if applies else "not_applicable"] += 1
        elif applies and one.criterion.broken_by:
            one.broken += probed.sort in one.criterion.broken_by
            one.sound += probed.sound or probed.sort in HARMLESS
