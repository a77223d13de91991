"""What a run says of checks and judges as instruments: figures on mutants, trust, refits."""

from collections.abc import Collection
from typing import Any

from agentsynth.core.labels import OVERALL
from agentsynth.judge.calibrate import Labelled
from agentsynth.judge.metrics import Interval, Measured
from agentsynth.pipeline.settling import Settling

__all__ = ["instrument"]


def instrument(settling: Settling, to_people: int) -> dict[str, Any]:
    """Return the manifest's entry on checks and judges; nothing where nothing was measured.

    Args:
        to_people: rows with a question that a person has to answer.
    """
    if not settling.cases and settling.calibration is None:
        return {}
    checks = {c.name for c in settling.rubric.criteria if c.check is not None}
    told: dict[str, Any] = {
        "judge": settling.judge or None,
        "conversations": len({case.group for case in settling.cases}),
        "criteria": {
            name: _criterion(one, _who(name, checks)) for name, one in settling.measure().items()
        },
        "sorts": _sorts(settling.cases),
    }
    if settling.judge:
        known = {} if settling.calibration is None else settling.calibration.criteria
        told["trust"] = {name: {"trust": one.trust, "why": one.why} for name, one in known.items()}
        told["refits"] = [
            {"from_place": refit.places, "changed": {n: list(t) for n, t in refit.changed.items()}}
            for refit in settling.refits
        ]
        told["rows_to_people"] = to_people
    return {"instrument": told}


def _who(name: str, checks: Collection[str]) -> str:
    """Return whose figures they are."""
    if name == OVERALL:
        return "all"
    return "check" if name in checks else "judge"


def _criterion(figures: Measured, by: str) -> dict[str, Any]:
    return {
        "by": by,
        "cases": figures.cases,
        "defects": figures.defects,
        "unanswered": figures.unanswered,
        **{name: _interval(figure) for name, figure in figures.figures.items()},
    }


def _interval(figure: Interval) -> list[float]:
    """Return value, lower and upper end."""
    return [round(figure.value, 4), round(figure.low, 4), round(figure.high, 4)]


def _sorts(cases: list[Labelled]) -> list[list[Any]]:
    """Return each sort of mutant, how many were made, and how many would have been kept."""
    counted: dict[str, list[int]] = {}
    for case in cases:
        if case.criterion == OVERALL:
            made = counted.setdefault(case.sort, [0, 0])
            made[0] += 1
            made[1] += int(case.score == 1.0)
    return [[sort, *made] for sort, made in sorted(counted.items())]
