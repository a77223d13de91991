"""How well an instrument tells defects from sound trajectories, with intervals.

A defect is the positive class: recall is the share of the defects that were found, precision the
share of what was called a defect that is one, and a false accept a defect that was let pass. What
the instrument did not answer is no answer: it is counted apart and never taken for either.

Intervals are percentile bootstrap intervals over groups (Efron & Tibshirani, An Introduction to the
Bootstrap, 1993, chapter 13): mutants of one conversation are not independent, so whole groups are
drawn. Where a share is 0 or 1 in every resample, Wilson's interval says how little that proves.
"""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from agentsynth.core.frozen import Frozen

__all__ = ["Case", "Interval", "Measure", "Measured", "measured"]

Measure = Literal[
    "agreement", "precision", "recall", "specificity", "false_accept", "kappa", "auroc"
]

_RESAMPLES = 1000
_LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Case:
    """One question about one trajectory, with the truth and what the instrument said."""

    defect: bool
    """The truth: the criterion is not met."""
    score: float | None
    """What the instrument said, from 0 (worst) to 1 (met in full); None = no answer."""
    group: str
    """Cases of one group come from one conversation."""


class Interval(Frozen):
    """A figure with its bootstrap interval."""

    value: float
    low: float
    high: float


class Measured(Frozen):
    """What an instrument is worth on one criterion."""

    cases: int
    groups: int
    defects: int
    unanswered: int
    """Cases without an answer; they are in no figure."""
    threshold: float
    """A score below this calls a defect."""
    figures: dict[Measure, Interval]
    """A figure that is not defined (no defects, nothing called a defect …) is left out."""


_Cell = tuple[bool, float]
"""Defect or not, and the score."""


def measured(
    cases: Iterable[Case], *, threshold: float, seed: int, resamples: int = _RESAMPLES
) -> Measured:
    """Return the figures of an instrument over these cases.

    Args:
        threshold: a score below it calls a defect.
        seed: draws the resamples.
    """
    every = list(cases)
    groups: dict[str, list[_Cell]] = {}
    for case in every:
        if case.score is not None:
            groups.setdefault(case.group, []).append((case.defect, case.score))
    counted = [_counted(cells) for _, cells in sorted(groups.items())]
    whole = _summed(counted)
    figures = _figures(whole, threshold)
    drawn: dict[Measure, list[float]] = {}
    rng = random.Random(seed)
    for _ in range(resamples if figures else 0):
        again = _figures(_summed(rng.choices(counted, k=len(counted))), threshold)
        for name, value in again.items():
            drawn.setdefault(name, []).append(value)
    between: dict[Measure, Interval] = {}
    for name, value in figures.items():
        between[name] = _interval(value, drawn.get(name, ()))
        if value in (0, 1) and (of := _denominator(name, whole, threshold)) is not None:
            between[name] = _widened(between[name], min(of, len(counted)))
    return Measured(
        cases=len(every),
        groups=len({case.group for case in every}),
        defects=sum(case.defect for case in every),
        unanswered=sum(case.score is None for case in every),
        threshold=threshold,
        figures=between,
    )


_Z = 1.959964
"""The normal quantile of a 95 % interval."""


def _denominator(name: Measure, counts: "_Counts", threshold: float) -> int | None:
    """Return how many cases a share is of; None = the figure is no share."""
    match name:
        case "agreement":
            return sum(counts.values())
        case "precision":
            return sum(n for (_, score), n in counts.items() if score < threshold)
        case "recall" | "false_accept":
            return sum(n for (defect, _), n in counts.items() if defect)
        case "specificity":
            return sum(n for (defect, _), n in counts.items() if not defect)
        case _:
            return None


def _widened(interval: Interval, groups: int) -> Interval:
    """Return an interval for a ratio of 0 or 1, of which every resample gives the same.

    The bootstrap would say that a few cases prove perfection; the far end is that of Wilson's score
    interval (1927) for so many groups.
    """
    reach = round(_Z**2 / (groups + _Z**2), 6)
    if interval.value == 0:
        return interval.model_copy(update={"high": max(interval.high, reach)})
    return interval.model_copy(update={"low": min(interval.low, 1 - reach)})


_Counts = Mapping[_Cell, int]


def _counted(cells: Sequence[_Cell]) -> _Counts:
    found: dict[_Cell, int] = {}
    for cell in cells:
        found[cell] = found.get(cell, 0) + 1
    return found


def _summed(groups: Sequence[_Counts]) -> _Counts:
    found: dict[_Cell, int] = {}
    for group in groups:
        for cell, count in group.items():
            found[cell] = found.get(cell, 0) + count
    return found


def _figures(counts: _Counts, threshold: float) -> dict[Measure, float]:
    """Return every figure that is defined for these counts."""
    found = missed = wrongly = rightly = 0
    for (defect, score), count in counts.items():
        called = score < threshold
        if defect and called:
            found += count
        elif defect:
            missed += count
        elif called:
            wrongly += count
        else:
            rightly += count
    every = found + missed + wrongly + rightly
    figures: dict[Measure, float] = {}
    ratios: list[tuple[Measure, int, int]] = [
        ("agreement", found + rightly, every),
        ("precision", found, found + wrongly),
        ("recall", found, found + missed),
        ("specificity", rightly, wrongly + rightly),
        ("false_accept", missed, found + missed),
    ]
    for name, part, of in ratios:
        if of:
            figures[name] = part / of
    kappa = _kappa(found, missed, wrongly, rightly)
    if kappa is not None:
        figures["kappa"] = kappa
    area = _area(counts)
    if area is not None:
        figures["auroc"] = area
    return figures


def _kappa(found: int, missed: int, wrongly: int, rightly: int) -> float | None:
    """Return Cohen's kappa (1960): agreement beyond what the two rates of defects give by chance.

    None where chance alone agrees on everything: truth or instrument knows one answer only.
    """
    every = found + missed + wrongly + rightly
    if not every:
        return None
    chance = (
        (found + missed) * (found + wrongly) + (wrongly + rightly) * (missed + rightly)
    ) / every**2
    return None if chance == 1 else ((found + rightly) / every - chance) / (1 - chance)


def _area(counts: _Counts) -> float | None:
    """Return how often a defect scores lower than a sound case, ties by half (Mann-Whitney).

    None without both.
    """
    sound: dict[float, int] = {}
    broken: dict[float, int] = {}
    for (defect, score), count in counts.items():
        side = broken if defect else sound
        side[score] = side.get(score, 0) + count
    if not sound or not broken:
        return None
    above = sum(sound.values())
    won = 0.0
    for score in sorted({*sound, *broken}):
        equal = sound.get(score, 0)
        above -= equal
        won += broken.get(score, 0) * (above + equal / 2)
    return won / (sum(sound.values()) * sum(broken.values()))


def _interval(value: float, drawn: Sequence[float]) -> Interval:
    """Return the middle 95 % of what the resamples gave; those without the figure say nothing."""
    ordered = sorted(drawn)
    if not ordered:
        return Interval(value=value, low=value, high=value)
    edge = (1 - _LEVEL) / 2
    first, last = (min(len(ordered) - 1, int(share * len(ordered))) for share in (edge, 1 - edge))
    low, high = round(ordered[first], 6), round(ordered[last], 6)
    return Interval(value=round(value, 6), low=low, high=high)
