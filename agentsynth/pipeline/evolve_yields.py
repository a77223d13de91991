"""What a run over evolved domains tells the next round: what is too easy, what nobody solves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen
from agentsynth.core.ids import content_id
from agentsynth.evolve.synthetic.archive import Entry
from agentsynth.pipeline.rows import open_run

__all__ = ["Share", "Yields", "depth_weights", "read_yields"]

_FLOOR = 0.1
"""Weight of what always passes, or never does: it is made now and then all the same."""


class Share(Frozen):
    """How often conversations were kept."""

    rollouts: int = 0
    """Probes, and rollouts in which a model gave no reply, are not counted."""
    kept: int = 0

    @property
    def share(self) -> float:
        """The share that was kept; 0 for none."""
        return self.kept / self.rollouts if self.rollouts else 0.0


class Yields(Frozen):
    """One run over evolved domains."""

    run: str
    """Hash over the domains and what came of their rollouts."""
    domains: int
    """Evolved domains in it."""
    too_easy: int
    """Of these, domains of which every rollout was kept (of at least three)."""
    unsolved: int
    """Of these, domains of which none was."""
    whole: Share
    by_depth: dict[str, Share]
    by_archetype: dict[str, Share]


def read_yields(run: Path, archive: Sequence[Entry]) -> Yields:
    """Return what a run says about the domains of an archive.

    Raises:
        UserError: if the folder holds no run, or none of these domains is in it.
    """
    known = {entry.name.rpartition("/")[2]: entry for entry in archive}
    counts: dict[str, list[int]] = {}
    for item in open_run(run).items():
        name = item.domain.rstrip("/").rpartition("/")[2]
        if name in known and item.status == "done" and not item.flaw:
            counts.setdefault(name, []).append(item.kept)
    if not counts:
        raise UserError(f"{run}: no domain of this archive was played there")
    own = {name: Share(rollouts=len(kept), kept=sum(kept)) for name, kept in counts.items()}
    depths: dict[str, list[Share]] = {}
    archetypes: dict[str, list[Share]] = {}
    for name, share in own.items():
        depths.setdefault(known[name].cell.depth, []).append(share)
        for archetype in known[name].archetypes:
            archetypes.setdefault(archetype, []).append(share)
    return Yields(
        run=content_id(sorted((name, kept) for name, kept in counts.items())),
        domains=len(own),
        too_easy=sum(one.rollouts >= 3 and one.kept == one.rollouts for one in own.values()),
        unsolved=sum(one.rollouts >= 3 and not one.kept for one in own.values()),
        whole=_summed(list(own.values())),
        by_depth={name: _summed(depths[name]) for name in sorted(depths)},
        by_archetype={name: _summed(archetypes[name]) for name in sorted(archetypes)},
    )


def _summed(shares: Sequence[Share]) -> Share:
    return Share(rollouts=sum(s.rollouts for s in shares), kept=sum(s.kept for s in shares))


def depth_weights(history: Sequence[Yields]) -> Mapping[str, float] | None:
    """Return how much of each depth the next round makes; None = no run says anything.

    The weight is 0.1 + 4 p (1 - p) with p the share kept in the latest run that had the depth: most
    where about half pass, least where everything passes or nothing does. A depth that no run had
    weighs as one of which half pass.
    """
    if not history:
        return None
    latest: dict[str, Share] = {}
    for one in history:
        latest |= one.by_depth
    weights: dict[str, float] = dict.fromkeys(("shallow", "middle", "deep"), _FLOOR + 1.0)
    for depth, share in latest.items():
        weights[depth] = _FLOOR + 4 * share.share * (1 - share.share)
    return weights
