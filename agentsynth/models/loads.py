"""How often an endpoint refuses under which load: whether asking less would help.

An endpoint that is full refuses more under a higher load. One that refuses at random does so under
any load, and is no faster for being asked less.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from agentsynth.core.chat import ModelFault

__all__ = ["FULL", "Loads"]

FULL: tuple[ModelFault, ...] = ("rate_limited", "overloaded")
"""Faults of an endpoint that may be asked too much at once."""

SEEN = 20
"""Replies under other loads before they can acquit the present one of a fault."""

MERE_CHANCE = 1.0
"""Faults remembered of lower loads below which they have as good as none."""

MOSTLY = 0.5
"""Share of faults under a load from which it can acquit no other: it may be too much itself."""

SURPRISE = 3.0
"""Standard deviations between two shares of faults that are no chance."""

FORGETS = 0.995
"""What each reply under a load leaves of those before it."""


class _Share(NamedTuple):
    """So many replies, and how many of them had a fault."""

    seen: float
    had: float


@dataclass(slots=True)
class _Load:
    """Replies under about the same load, older ones counting less."""

    seen: float = 0.0
    had: dict[ModelFault, float] = field(default_factory=lambda: dict.fromkeys(FULL, 0.0))
    """Of them, those of each fault in `FULL`."""

    def add(self, fault: ModelFault | None) -> None:
        self.seen = self.seen * FORGETS + 1
        for one in FULL:
            self.had[one] = self.had[one] * FORGETS + (one == fault)


class Loads:
    """What came back under each load. A load is a number of binary digits: 4 = 8 to 15 at once."""

    def __init__(self) -> None:
        self._loads: dict[int, _Load] = {}

    def add(self, load: int, fault: ModelFault | None) -> None:
        """Take in a reply; None = a good one."""
        here = self._loads.get(load)
        if here is None:
            here = self._loads[load] = _Load()
        here.add(fault)

    def blames(self, load: int, fault: ModelFault) -> bool:
        """Return whether a fault under this load may be for the load.

        It may, unless half the load has it about as often, or more of it no oftener.

        Args:
            fault: one of `FULL`, taken in already.
        """
        here = self._first(fault, [load])
        lower = sorted(at for at in self._loads if at < load)
        half = self._first(fault, (at for at in lower if at < load - 1))
        if half.seen >= SEEN:
            return half.had < MERE_CHANCE or _is_more(here, half)
        less = self._first(fault, lower)
        if less.seen >= SEEN and less.had < MOSTLY * less.seen:
            return less.had < MERE_CHANCE or _is_more(here, less)
        more = self._first(fault, sorted(at for at in self._loads if at > load))
        if more.seen < SEEN or more.had > MOSTLY * more.seen:
            return True
        return _is_more(more, here)

    def _first(self, fault: ModelFault, loads: Iterable[int]) -> _Share:
        """Return the share of a fault under the first of these loads, as many as it takes."""
        seen = had = 0.0
        for at in loads:
            seen, had = seen + self._loads[at].seen, had + self._loads[at].had[fault]
            if seen >= SEEN:
                break
        return _Share(seen, had)


def _is_more(one: _Share, other: _Share) -> bool:
    """Return whether the one share is above the other by more than chance would make it."""
    share = (one.had + other.had) / (one.seen + other.seen)
    spread = math.sqrt(share * (1 - share) * (1 / one.seen + 1 / other.seen))
    return one.had / one.seen - other.had / other.seen > SURPRISE * spread
