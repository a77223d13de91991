"""What a run has come to: its places counted in their own order, and what is kept of them."""

import json

from agentsynth.curate.decide import Deduplicator
from agentsynth.models.tally import Tally, tally_of
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.events import Progress
from agentsynth.pipeline.settling import Settling
from agentsynth.pipeline.store import Item

__all__ = ["Fold"]


class Fold:
    """Counts finished places in the order of the run, whatever order they finish in."""

    def __init__(self, config: RunConfig, settling: Settling, begun: Tally | None = None) -> None:
        """Begin to count.

        Args:
            settling: what is known of the judges, and becomes known.
            begun: what was used before the first place; None = nothing.
        """
        self.settling = settling
        self._least = config.keep_score()
        target = config.target.kept or config.target.tasks or 1
        self.progress = Progress(target, counts_rows=config.target.kept is not None)
        if begun is not None:
            self.progress.tally.add(begun)
        self.next = 0
        """The first place not counted yet."""
        self.over_budget = False
        """Whether the run ended because its budget was spent."""
        self._budget = config.budget
        self._waiting: dict[int, list[Item]] = {}
        self._deduplicator = Deduplicator()

    def add(self, ordinal: int, items: list[Item]) -> list[tuple[Item, str]]:
        """Take in a finished place; return what can be counted now: item and final reason."""
        self._waiting[ordinal] = items
        counted: list[tuple[Item, str]] = []
        while self.next in self._waiting and not self.progress.reached:
            items = self._waiting.pop(self.next)
            if not self._affordable(items):
                self.over_budget = True
                break
            self.settling.begin_place(self.next)
            for item in items:
                counted.append((item, self._count(item)))
            self.next += 1
            self.progress.places += 1
        return counted

    def _affordable(self, items: list[Item]) -> bool:
        """Whether a place still fits the budget; later ones are stored and not exported."""
        self.progress.tally.add(tally_of(json.loads(i.usage) for i in items if i.usage))
        if self._budget is None:
            return True
        if self._budget.usd is None:
            return self.progress.tally.tokens <= self._budget.limit
        return (self.progress.tally.cost or 0) <= self._budget.limit

    def _count(self, item: Item) -> str:
        progress = self.progress
        if item.rejected:
            progress.count_rejected(json.loads(item.rejected))
        if item.level and item.slot == 0:
            progress.levels[item.level] = progress.levels.get(item.level, 0) + 1
        if item.status == "unfilled":
            progress.count_unfilled(item.detail)
            return "unfilled"
        progress.rollouts += 1
        progress.messages += item.messages
        if item.is_probe:
            progress.probes += 1
            progress.probes_caught += not item.kept
            return item.reason
        reason = self._settled(item)
        if reason == "kept":
            reason = self._deduplicator.reason(item.ordinal, item.task_id, item.conversation)
            reason = reason or "kept"
        self.settling.add(item)
        progress.kept += reason == "kept"
        progress.reasons[reason] = progress.reasons.get(reason, 0) + 1
        return reason

    def _settled(self, item: Item) -> str:
        """Return why an item is dropped by what is known of its judges now; `kept` if it is not."""
        score = self.settling.score(item)
        if score is None:
            return item.reason
        return "kept" if score >= self._least else "low_score"
