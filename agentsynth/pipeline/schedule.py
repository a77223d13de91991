"""Which task comes at which place: a pure function of config and seed, place by place.

Shares are kept by low-discrepancy sequences (multiples of an irrational number, modulo one), so
every stretch of the run has about the right mix and a longer run begins like a shorter one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from agentsynth.core.ids import derive_seed
from agentsynth.core.task import TaskKind
from agentsynth.pipeline.config import RunConfig

__all__ = ["Place", "place_at"]

KeyT = TypeVar("KeyT", bound=str)

_STEPS = {"domain": (math.sqrt(5) - 1) / 2, "kind": math.sqrt(2) - 1, "probe": math.sqrt(3) - 1}


@dataclass(frozen=True, slots=True)
class Place:
    """What is planned at one place of the run."""

    ordinal: int
    domain: str
    kind: TaskKind
    seed: int
    probe: bool
    """Whether a flawed twin of the task is played too."""


def place_at(
    ordinal: int, config: RunConfig, kinds_of: Mapping[str, Mapping[TaskKind, float]]
) -> Place:
    """Return what is planned at a place.

    Args:
        kinds_of: for each domain, the weights of the kinds it can offer.
    """
    domain = _chosen(
        {n: w for n, w in config.domains.items() if w}, _point("domain", ordinal, config)
    )
    kind = _chosen(kinds_of[domain], _point("kind", ordinal, config))
    share = config.probes / (1 - config.probes) * config.samples
    return Place(
        ordinal=ordinal,
        domain=domain,
        kind=kind,
        seed=derive_seed(config.seed, ordinal),
        probe=_point("probe", ordinal, config) < share,
    )


def _point(name: str, ordinal: int, config: RunConfig) -> float:
    offset = derive_seed(name, config.seed) % 1_000_003 / 1_000_003
    return (offset + ordinal * _STEPS[name]) % 1.0


def _chosen(weights: Mapping[KeyT, float], point: float) -> KeyT:
    mark = point * sum(weights.values())
    for name, weight in weights.items():
        mark -= weight
        if mark < 0:
            return name
    return next(reversed([name for name, weight in weights.items() if weight > 0]))
