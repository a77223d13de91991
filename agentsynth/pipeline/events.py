"""What a run tells while it goes on: one flat record per event, for people and for programs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsynth.models.tally import Tally

__all__ = ["Event", "Listener", "Progress", "ignore"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. `fields` is flat JSON."""

    event: str
    fields: Mapping[str, Any]


Listener = Callable[[Event], None]


def ignore(event: Event) -> None:
    """Listen to nothing."""


@dataclass
class Progress:
    """How far a run is, counted in the order of the run."""

    target: int
    """Rows or tasks to reach."""
    counts_rows: bool
    """True = `target` is kept rows; False = tasks."""
    places: int = 0
    rollouts: int = 0
    kept: int = 0
    probes: int = 0
    probes_caught: int = 0
    unfilled: int = 0
    messages: int = 0
    levels: dict[int, int] = field(default_factory=lambda: {})
    """Difficulty level to the number of tasks."""
    rejected: dict[str, int] = field(default_factory=lambda: {})
    """Probe of the certificate to the number of tasks that failed it and were not played."""
    reasons: dict[str, int] = field(default_factory=lambda: {})
    """Reason to count, of rollouts that are no probes."""
    tally: Tally = field(default_factory=Tally)
    """What models used."""
    unfilled_reasons: dict[str, int] = field(default_factory=lambda: {})
    """Why places stayed empty, with counts; the first twenty different reasons."""

    def count_unfilled(self, reason: str) -> None:
        """Count a place without a task."""
        self.unfilled += 1
        if reason in self.unfilled_reasons or len(self.unfilled_reasons) < 20:
            self.unfilled_reasons[reason] = self.unfilled_reasons.get(reason, 0) + 1

    def count_rejected(self, rejected: Mapping[str, int]) -> None:
        """Count the tasks of a place that failed their certificates."""
        for probe, count in rejected.items():
            self.rejected[probe] = self.rejected.get(probe, 0) + count

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return (self.kept if self.counts_rows else self.places) >= self.target

    @property
    def done(self) -> int:
        """How much of the target is reached."""
        return min(self.kept if self.counts_rows else self.places, self.target)
