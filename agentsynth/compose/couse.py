"""The co-use graph: which tool needs what another returns, by the words of their specifications.

An edge from a tool to another weighs the words that the first gives (properties of its output
schema, or the nouns of its name) and the second requires (names of its required parameters). A word
that few tools know weighs more: the logarithm of tools over tools that have it.
"""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.names import bare, tokens_of
from agentsynth.core.tools import ToolSpec

__all__ = ["CoUse", "Sketch", "co_use", "sketch_of"]

_EMPTY = frozenset(
    [
        "a",
        "an",
        "and",
        "by",
        "for",
        "from",
        "get",
        "in",
        "list",
        "create",
        "update",
        "delete",
        "add",
        "remove",
        "set",
        "search",
        "find",
        "id",
        "ids",
        "key",
        "name",
        "value",
        "type",
        "the",
        "to",
        "of",
        "on",
        "with",
        "all",
        "new",
    ]
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """What the graph is made from: one tool."""

    name: str
    gives: frozenset[str]
    needs: frozenset[str]


CoUse = Mapping[str, Mapping[str, float]]
"""Tool to the tools that it is used with, in either direction, and the weight."""


def sketch_of(spec: ToolSpec) -> Sketch:
    """Return what a tool gives and needs."""
    required = spec.parameters.get("required")
    names = [str(name) for name in required] if isinstance(required, list) else []
    shown = words_of(_properties(spec.returns)) if spec.returns is not None else frozenset()
    return Sketch(spec.name, shown | words_of([spec.name]), words_of(names))


def words_of(names: Iterable[str]) -> frozenset[str]:
    """Return the words that names are made of, without those that say nothing."""
    return frozenset(bare(word) for name in names for word in tokens_of(name)) - _EMPTY


def _properties(schema: Any) -> Iterator[str]:
    """Yield the names of all properties of a schema."""
    if isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
    elif isinstance(schema, Mapping):
        for key, part in schema.items():
            if key == "properties" and isinstance(part, Mapping):
                yield from part
            yield from _properties(part)


def co_use(sketches: Collection[Sketch]) -> CoUse:
    """Return the graph over these tools."""
    often = Counter(word for one in sketches for word in one.gives | one.needs)
    weight = {word: math.log(1 + len(sketches) / count) for word, count in often.items()}
    givers: dict[str, list[str]] = {}
    for one in sketches:
        for word in one.gives:
            givers.setdefault(word, []).append(one.name)
    graph: dict[str, dict[str, float]] = {one.name: {} for one in sketches}
    for one in sketches:
        for word in sorted(one.needs):
            for giver in givers.get(word, ()):
                if giver != one.name:
                    for here, there in ((giver, one.name), (one.name, giver)):
                        graph[here][there] = graph[here].get(there, 0.0) + weight[word]
    return graph
