"""Which domains an agent gets the tools of: drawn along the co-use graph, from what can be mixed.

A mixture begins with one domain; each further one is, of a few that can be mixed with those there,
the one whose tools have most to do with theirs. Live, shadowed and synthetic tools come together
where the run has all three.
"""

import math
import random
from collections.abc import Mapping, Sequence

from agentsynth.compose.couse import CoUse, Sketch, co_use, sketch_of, words_of
from agentsynth.core.ids import derive_seed
from agentsynth.core.intent import CallStep
from agentsynth.worlds.declarative import tool_spec
from agentsynth.worlds.load import SHADOW, DomainFolder, find_domain, load_folder
from agentsynth.worlds.mix import JOINT, clashes, tool_names

__all__ = ["draw_mixtures"]

_POOL = 48
"""Domains that are looked at; of more, so many are drawn."""
_LOOKED_AT = 6
"""Candidates for a place, of which the nearest is taken."""
_TRIES = 20
"""Draws for each mixture that is wanted."""


def draw_mixtures(names: Sequence[str], *, agents: int, parts: int) -> tuple[str, ...]:
    """Return names of mixtures, the same for the same domains; fewer where fewer can be drawn.

    Args:
        names: domains by name or folder.
        agents: how many mixtures.
        parts: domains of each.

    Raises:
        UserError: a domain that is unknown or wrong.
    """
    rng = random.Random(derive_seed("mixtures", *sorted(names), parts))
    pool = _pool(names, rng)
    loaded = {name: load_folder(find_domain(name)) for name in pool}
    able = {name: one for name, one in loaded.items() if one.python is None}
    if len(able) < parts:
        return ()
    nearness = _Nearness(able)
    found: dict[frozenset[str], str] = {}
    for _ in range(_TRIES * agents):
        if len(found) == agents:
            break
        drawn = _drawn(able, nearness, parts, rng)
        if drawn is not None:
            found.setdefault(frozenset(drawn), JOINT.join(drawn))
    return tuple(found.values())


def _pool(names: Sequence[str], rng: random.Random) -> list[str]:
    """Return the domains to look at: of shadows, which may be hundreds, what room is left."""
    own = sorted(name for name in names if not name.startswith(SHADOW))
    own = rng.sample(own, min(_POOL // 2, len(own)))
    shadows = sorted(name for name in names if name.startswith(SHADOW))
    return sorted([*own, *rng.sample(shadows, min(_POOL - len(own), len(shadows)))])


def _drawn(
    able: Mapping[str, DomainFolder], nearness: "_Nearness", parts: int, rng: random.Random
) -> list[str] | None:
    """Return the names of one mixture's parts, or None where no part fits any more."""
    sorts = sorted({_sort(one) for one in able.values()})
    wanted = [*rng.sample(sorts, len(sorts)), *rng.choices(sorts, k=parts)]
    chosen: list[str] = []
    for place in range(parts):
        others = [n for n in able if n not in chosen]
        rng.shuffle(others)
        others.sort(key=lambda n: _sort(able[n]) != wanted[place])  # the sort that is due, first
        mixable = (n for n in others if not clashes([*(able[one] for one in chosen), able[n]]))
        candidates = [n for n, _ in zip(mixable, range(_LOOKED_AT), strict=False)]
        if not candidates:
            return None
        chosen.append(max(candidates, key=lambda n: nearness.of(n, chosen)))
    return chosen


def _sort(part: DomainFolder) -> str:
    """Return whether a domain's tools are live, shadowed or synthetic."""
    if part.domain.live is not None:
        return "live"
    shadowed = any(tool.mirrors is not None for tool in part.domain.tools.values())
    return "shadow" if shadowed else "synthetic"


class _Nearness:
    """How much the tools of two domains have to do with one another."""

    def __init__(self, parts: Mapping[str, DomainFolder]) -> None:
        sketches = {name: _sketches(name, part) for name, part in parts.items()}
        self._tools = {name: [one.name for one in own] for name, own in sketches.items()}
        self._graph: CoUse = co_use([one for own in sketches.values() for one in own])

    def of(self, name: str, others: Sequence[str]) -> float:
        """Return the weight of the edges to other domains, per pair of tools (square root)."""
        theirs = [tool for other in others for tool in self._tools[other]]
        own = self._tools[name]
        weight = sum(self._graph[tool].get(other, 0.0) for tool in own for other in theirs)
        return weight / math.sqrt(max(1, len(own) * len(theirs)))


def _sketches(name: str, part: DomainFolder) -> list[Sketch]:
    """Return a domain's tools for the graph; of a live one, as its requests use them."""
    domain = part.domain
    made = [sketch_of(tool_spec(domain, tool, spec)) for tool, spec in domain.tools.items()]
    if domain.live is not None:
        given: dict[str, set[str]] = {tool: set() for tool in tool_names(domain)}
        for intent in part.playbook.intents.values():
            for step in intent.steps:
                if isinstance(step, CallStep):
                    given.setdefault(step.call, set()).update(step.args)
        made = [Sketch(t, words_of([t]), words_of(names)) for t, names in given.items()]
    return [Sketch(f"{name}:{one.name}", one.gives, one.needs) for one in made]
