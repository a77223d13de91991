"""Toolsets of agents that have tools of several servers or domains.

First come the tools that the requests served need, a request of each source in turn; then those
that the co-use graph puts near them; then others. No source gives more than its cap.
"""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentsynth.compose.couse import co_use, sketch_of
from agentsynth.core.intent import CallStep
from agentsynth.core.tools import ToolSpec
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["PER_SOURCE", "Toolset", "draw_toolset", "sources_of_intents"]

PER_SOURCE = 12
"""Tools of one server or domain that an agent has at most. A cap of ours: real clients warn from
about forty tools in all, and one large server would leave no room for others."""
_SIZES = (16, 24, 32)
"""Tools of an agent in all, where there are so many."""


@dataclass(frozen=True)
class Toolset:
    """What one agent serves, and with what."""

    intents: frozenset[str]
    tools: tuple[str, ...]
    """In the order of the runtime."""


def sources_of_intents(runtime: DomainRuntime) -> dict[str, frozenset[str]]:
    """Return the servers and domains whose tools each request's plan calls."""
    source = {spec.name: spec.provenance.source for spec in runtime.specs}
    return {
        name: frozenset(source[tool] for tool in tools)
        for name, tools in _tools_of_intents(runtime).items()
    }


def _tools_of_intents(runtime: DomainRuntime) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(step.call for step in intent.steps if isinstance(step, CallStep))
        for name, intent in runtime.playbook.intents.items()
    }


def draw_toolset(runtime: DomainRuntime, rng: random.Random) -> Toolset:
    """Draw the requests that an agent serves and its tools.

    Every source has a request among them that its tools are enough for, where there is one.
    """
    specs = {spec.name: spec for spec in runtime.specs}
    most = rng.choice(_SIZES)
    served, chosen = _served(_tools_of_intents(runtime), specs, most, rng)
    room = _Room(specs, chosen, most)
    graph = co_use([sketch_of(spec) for spec in runtime.specs])
    for name in _near(graph, room.chosen, rng):
        room.take(name)
    return Toolset(served, tuple(name for name in specs if name in room.chosen))


def _served(
    needed: Mapping[str, frozenset[str]],
    specs: Mapping[str, ToolSpec],
    most: int,
    rng: random.Random,
) -> tuple[frozenset[str], frozenset[str]]:
    """Return requests, taken from each source in turn as long as there is room, and their tools.

    Two thirds of the room is theirs; the rest is for tools that nobody needs.
    """
    turns: dict[str, list[str]] = {}
    for name, tools in needed.items():
        for source in {specs[tool].provenance.source for tool in tools}:
            turns.setdefault(source, []).append(name)
    for names in turns.values():
        rng.shuffle(names)
    room = _Room(specs, frozenset(), most * 2 // 3)
    served = {name for name, tools in needed.items() if not tools}  # what no tool does
    while any(turns.values()):
        for source in sorted(turns):
            if turns[source]:
                name = turns[source].pop()
                if room.take(*needed[name]):
                    served.add(name)
    return frozenset(served), frozenset(room.chosen)


class _Room:
    """A toolset while it fills up."""

    def __init__(self, specs: Mapping[str, ToolSpec], chosen: frozenset[str], most: int) -> None:
        self.chosen = set(chosen)
        self._source = {name: spec.provenance.source for name, spec in specs.items()}
        self._most = most

    def take(self, *names: str) -> bool:
        """Take these tools in if there is room for all of them."""
        wanted = self.chosen | set(names)
        counts = Counter(self._source[name] for name in wanted)
        if len(wanted) > self._most or max(counts.values(), default=0) > PER_SOURCE:
            return False
        self.chosen = wanted
        return True


def _near(
    graph: Mapping[str, Mapping[str, float]], chosen: set[str], rng: random.Random
) -> Sequence[str]:
    """Return the other tools in turn: the nearest to those chosen, then any, and so on."""
    others = [name for name in graph if name not in chosen]
    rng.shuffle(others)
    score = {name: sum(graph[name].get(one, 0.0) for one in sorted(chosen)) for name in others}
    nearest = sorted(others, key=lambda name: -score[name])
    return [name for pair in zip(nearest, others, strict=True) for name in pair]
