"""Tools that are the same or nearly so, in groups. Which one of a group is kept is for others.

Groups depend on the tools alone, not on their order. Nearness is the Jaccard similarity of word
triples, and every pair at or above the threshold is found: the blocking leaves out only pairs that
cannot reach it (prefix filtering; Bayardo, Ma, Srikant, "Scaling up all pairs similarity search",
WWW 2007, section 4).
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from agentsynth.core.ids import canonical_json
from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.schema_views import over_schemas
from agentsynth.worlds.wire import JsonObject

__all__ = ["Group", "exact_groups", "near_groups", "shingles_of"]

_WORDS_PER_SHINGLE = 3
_MAX_SHINGLES = 2_000
"""Per tool; the rest of a longer text is not compared."""
_TELLING = frozenset({"default", "deprecated", "description", "examples", "title"})
"""Keywords that change no call, so they do not tell exact duplicates apart."""
# A sign of Chinese, Japanese or Korean is a word of its own: these are written without spaces.
_SIGNS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_SIGNS}]|[^\W_{_SIGNS}]+")


@dataclass(frozen=True, slots=True)
class Group:
    """Two or more tools that are alike."""

    keys: tuple[str, ...]
    """Sorted; the first one may stand for the group."""


def exact_groups(tools: Mapping[str, Mapping[str, JsonValue]]) -> tuple[Group, ...]:
    """Return tools with the same name and the same normalised parameters, two or more each.

    Descriptions, titles and defaults may differ. A tool without a usable schema is in no group.

    Args:
        tools: raw tools by a key of the caller's, such as `server/name`.
    """
    by_content: dict[str, list[str]] = {}
    for key in sorted(tools):
        schema = parameters_of(tools[key]).schema
        if schema is not None:
            bare = over_schemas(schema, _without_words)
            content = canonical_json([_text(tools[key].get("name")), bare])
            by_content.setdefault(content, []).append(key)
    return _groups(by_content.values())


def near_groups(
    tools: Mapping[str, Mapping[str, JsonValue]], threshold: float = 0.8
) -> tuple[Group, ...]:
    """Return tools whose descriptions and parameters say nearly the same, two or more each.

    Groups are chains: two tools of a group may be less alike than the threshold if others lie
    between them. Names of tools are not compared, so that a renamed copy is found. A tool that
    says nothing at all is in no group.

    Args:
        tools: raw tools by a key of the caller's, such as `server/name`.
        threshold: least Jaccard similarity of two tools' shingles, in (0, 1].

    Raises:
        ValueError: for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"threshold {threshold!r}: must be above 0 and at most 1")
    # Tools that say exactly the same are compared once.
    same: dict[frozenset[str], list[str]] = {}
    for key in sorted(tools):
        said = shingles_of(tools[key])
        if said:
            same.setdefault(said, []).append(key)
    parents = _joined({keys[0]: said for said, keys in same.items()}, threshold)
    chains: dict[str, list[str]] = {}
    for keys in same.values():
        chains.setdefault(_leader(parents, keys[0]), []).extend(keys)
    return _groups(chains.values())


def shingles_of(raw: Mapping[str, JsonValue]) -> frozenset[str]:
    """Return the word triples of a tool's description and of its parameters' names and texts.

    Each text gives triples of its own; one of fewer words is one shingle.
    """
    made: dict[str, None] = {}
    for kind, text in _said(raw):
        words = _WORD.findall(text.lower())
        for start in range(max(1, len(words) - _WORDS_PER_SHINGLE + 1)):
            triple = words[start : start + _WORDS_PER_SHINGLE]
            if triple:
                made.setdefault(" ".join([kind, *triple]))
        if len(made) >= _MAX_SHINGLES:
            break
    return frozenset(list(made)[:_MAX_SHINGLES])


def _said(raw: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Yield what a tool says: "d" and a text, or "p" and a property's name with its type."""
    yield "d", _text(raw.get("description"))
    found: list[tuple[str, str]] = []

    def look(node: JsonObject) -> JsonObject:
        found.append(("d", _text(node.get("description"))))
        for name, inner in cast(Mapping[str, JsonObject], node.get("properties", {})).items():
            found.append(("p", f"{name} {_text(inner.get('type'))}"))
        return node

    over_schemas(parameters_of(raw).schema or {}, look)
    yield from sorted(found)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""


def _without_words(node: JsonObject) -> JsonObject:
    made = {key: value for key, value in node.items() if key not in _TELLING}
    names = made.get("required")
    if isinstance(names, list):
        made["required"] = cast(JsonValue, sorted(cast(list[str], names)))
    return made


def _joined(sets: Mapping[str, frozenset[str]], threshold: float) -> dict[str, str]:
    """Return a forest over the keys, parent by key, one tree per chain of similar sets.

    With the elements of each set in one order, rarest first, two similar sets share an element
    among their first `size - ceil(threshold * size) + 1`; only such pairs are compared, and of
    these only pairs that are not in one chain yet.
    """
    rarity = Counter(element for members in sets.values() for element in members)
    parents = {key: key for key in sets}
    # By element, then by the leader that a chain had: the keys with this element.
    waiting: dict[str, dict[str, list[str]]] = {}
    for key in sorted(sets, key=lambda key: (len(sets[key]), key)):
        members = sets[key]
        ordered = sorted(members, key=lambda element: (rarity[element], element))
        # A hair less than exact, so that rounding never leaves out a pair.
        least = math.ceil(threshold * len(members) - 1e-9)
        prefix = ordered[: len(members) - least + 1]
        tried: set[str] = set()
        for leader, others in _met(waiting, prefix):
            if _leader(parents, leader) == _leader(parents, key):
                continue
            fresh = [other for other in others if other not in tried]
            tried.update(fresh)
            if any(_similar(members, sets[other], least, threshold) for other in fresh):
                # The newcomer joins, so that old leaders stay and few names gather in `waiting`.
                parents[_leader(parents, key)] = _leader(parents, leader)
        for element in prefix:
            chains = waiting.setdefault(element, {})
            chains.setdefault(_leader(parents, key), []).append(key)
    return parents


def _met(
    waiting: Mapping[str, Mapping[str, list[str]]], prefix: Sequence[str]
) -> Iterator[tuple[str, list[str]]]:
    for element in prefix:
        yield from waiting.get(element, {}).items()


def _similar(members: frozenset[str], other: frozenset[str], least: int, threshold: float) -> bool:
    """Return whether two sets reach the threshold, the other one being no larger."""
    return len(other) >= least and _jaccard(members, other) >= threshold


def _jaccard(left: frozenset[str], right: frozenset[str]) -> float:
    shared = len(left & right)
    return shared / (len(left) + len(right) - shared)


def _leader(parents: dict[str, str], key: str) -> str:
    while parents[key] != key:
        parents[key] = parents[parents[key]]
        key = parents[key]
    return key


def _groups(found: Iterable[list[str]]) -> tuple[Group, ...]:
    several = [tuple(sorted(keys)) for keys in found if len(keys) > 1]
    return tuple(Group(keys) for keys in sorted(several))
