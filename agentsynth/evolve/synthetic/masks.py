"""How different domains are with their nouns, names, constants and thresholds masked.

All of it is read off the files of a domain and nothing else, so it measures hand-written domains
too.

- An entity is masked to whether it has a lifecycle (an enum called status) and to how many entities
  it refers to (0, 1, 2 = more). A field is masked to its type; an argument to its type; every
  literal
  to `K`. A record is masked to how it is reached (`arg` by a key given, `via` from another, `new`,
  `each`) and to its entity.
- A tool's signature is the set of its masked conditions, of the numbers it counts, and of its
  masked writes:
  order does not matter. A tool that writes, and has no condition and no count and writes one
  record, is CRUD; every other tool that writes is a workflow tool.
- A domain's features are, for each of its tools, the kinds of its writes and conditions with the
  masked
  entities they are about. Two domains' similarity is the Jaccard index of their features (with
  counts).
- An entity graph has an edge for every reference. Graphs are compared up to isomorphism.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.ids import content_id

__all__ = ["Masked", "graph_form", "mask", "packed", "similarity"]

_LITERAL = re.compile(r"'[^']*'|\b\d+\b|\b(?:true|false)\b")
_PATH = re.compile(r"\b([A-Za-z_]\w*)((?:\.\w+)*)")
_WORDS = frozenset({"null", "K", "in", "today", "now"})
_MOST_PERMUTATIONS = 5040


@dataclass(frozen=True)
class Masked:
    """A domain with everything masked that is only a word or a number."""

    tools: Mapping[str, str]
    """Workflow tools by name, with their signatures."""
    crud: Mapping[str, str]
    graph: str
    """Canonical form of the entity graph: equal exactly for isomorphic graphs."""
    features: Mapping[str, int]

    @property
    def form(self) -> str:
        """Return what two domains share that differ in words and numbers only."""
        return content_id([self.graph, sorted(self.tools.values()), sorted(self.crud.values())])


def mask(domain: Mapping[str, Any]) -> Masked:
    """Return a domain masked.

    Args:
        domain: the value of domain.yaml.
    """
    entities: Mapping[str, Any] = domain.get("entities", {})
    kinds = {name: _kind(entity) for name, entity in entities.items()}
    workflow: dict[str, str] = {}
    crud: dict[str, str] = {}
    features: Counter[str] = Counter()
    for name, tool in domain.get("tools", {}).items():
        if tool["kind"] != "write":
            continue
        parts = _Tool(entities, kinds, tool).parts()
        plain = len(parts.writes) == 1 and not parts.conditions
        (crud if plain else workflow)[name] = content_id(
            [sorted(parts.conditions), sorted(parts.writes)]
        )
        features["|".join([*sorted(parts.acts), "?", *sorted(parts.asked)])] += 1
    edges = [
        (name, str(field["ref"]))
        for name, entity in entities.items()
        for field in entity["fields"].values()
        if field.get("ref")
    ]
    return Masked(workflow, crud, graph_form(list(entities), edges), dict(features))


def _kind(entity: Mapping[str, Any]) -> str:
    fields = entity["fields"]
    refs = sum(bool(field.get("ref")) for field in fields.values())
    return f"{'L' if 'status' in fields else '-'}{min(refs, 2)}"


@dataclass
class _Parts:
    conditions: set[str]
    writes: set[str]
    acts: set[str]
    asked: set[str]


class _Tool:
    """One tool while its steps are read."""

    def __init__(
        self, entities: Mapping[str, Any], kinds: Mapping[str, str], tool: Mapping[str, Any]
    ) -> None:
        self._entities = entities
        self._kinds = kinds
        self._parameters = tool.get("parameters", {})
        self._bound: dict[str, tuple[str, str]] = {}
        """Name to (how it is reached, entity)."""
        self._numbers: dict[str, str] = {}
        self._found = _Parts(set(), set(), set(), set())
        self._steps = tool.get("steps", ())

    def parts(self) -> _Parts:
        self._read(self._steps)
        return self._found

    def _read(self, steps: Iterable[Mapping[str, Any]]) -> None:
        for step in steps:
            self._step(step)

    def _step(self, step: Mapping[str, Any]) -> None:
        found = self._found
        if "get" in step or "find" in step:
            key = str(step.get("key", step.get("where", "")))
            how = "arg" if "args." in key else "via"
            self._bound[step["as"]] = (how, step.get("get") or step["find"])
        elif "list" in step or "aggregate" in step:
            self._counted(step)
        elif "let" in step:
            for name, value in step["let"].items():
                head = str(value).removeprefix("=").split(".")[0]
                self._numbers[name] = self._numbers.get(head, "let")
        elif "require" in step:
            found.conditions.add(self._masked(step["require"]))
            found.asked.add(self._about(step["require"]))
        elif "for_each" in step:
            head = str(step["for_each"]).removeprefix("=")
            entity = self._bound.get(head, ("each", ""))[1]
            self._bound[step["as"]] = ("each", entity)
            self._read(step["do"])
        else:
            self._write(step)

    def _counted(self, step: Mapping[str, Any]) -> None:
        entity = step.get("list") or step["aggregate"]
        where = sorted(self._typed(entity, name) for name in step.get("where", {}))
        verb = "sum" if "give" in step else "count"
        text = f"{verb}({self._kinds.get(entity, '')};{','.join(where)};{bool(step.get('filter'))})"
        self._numbers[step.get("count") or step["as"]] = text
        self._bound[step["as"]] = ("each", entity)

    def _write(self, step: Mapping[str, Any]) -> None:
        for verb in ("create", "update", "delete", "schedule", "unschedule"):
            if verb not in step:
                continue
            entity = str(step[verb])
            kind = self._kinds.get(entity, "")
            how = "new"
            if verb in ("update", "delete"):
                head = str(step["key"]).removeprefix("=").split(".")[0]
                how = self._bound.get(head, ("arg", ""))[0]
            values = step.get("set", {}) if verb != "create" else {}
            said = sorted(
                f"{self._typed(entity, name)}={self._masked(value)}"
                for name, value in values.items()
            )
            self._found.writes.add(f"{verb}:{how}:{kind}({','.join(said)})")
            self._found.acts.add(f"{verb}:{how}:{kind}")
            if verb == "create":
                self._bound[step["as"]] = ("new", entity)

    def _typed(self, entity: str, field: str) -> str:
        fields = self._entities.get(entity, {}).get("fields", {})
        found = fields.get(field, {})
        return "ref" if found.get("ref") else str(found.get("type", "?"))

    def _masked(self, value: Any) -> str:
        """Return an expression (or a literal) with names, literals and numbers masked."""
        if not isinstance(value, str):
            return "K"
        text = value.removeprefix("=")
        if text == value and not re.search(r"[=<>!&|.]", value):
            return "K"
        text = _LITERAL.sub("K", text)
        text = re.sub(r"(?:\S+ == K)(?: \|\| \S+ == K)*", self._one_of, text)
        return " ".join(_PATH.sub(self._path, text).split())

    def _one_of(self, match: re.Match[str]) -> str:
        """Return `x == K || x == K` as one membership, however many values there are."""
        return f"{match[0].split(' ')[0].lstrip('(')} == K"

    def _path(self, match: re.Match[str]) -> str:
        head, rest = match[1], match[2]
        if head in _WORDS or (match.end() < len(match.string) and match.string[match.end()] == "("):
            return match[0]
        if head == "args" and rest:
            parameter = self._parameters.get(rest[1:], {})
            return f"arg:{parameter.get('format', parameter.get('type', '?'))}"
        if head in self._numbers:
            return self._numbers[head]
        how, entity = self._bound.get(head, ("?", ""))
        return f"{how}:{self._kinds.get(entity, '')}:{self._typed(entity, rest[1:])}"

    def _about(self, condition: str) -> str:
        """Return what a condition is about: masked entities and arguments, no operators."""
        masked = self._masked(condition)
        return "+".join(
            sorted(set(re.findall(r"(?:arg|via|new|each):[\w-]+(?::\w+)?|(?:count|sum)\(", masked)))
        )


# -- graphs ----------------------------------------------------------------------------------------


def graph_form(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> str:
    """Return a text that is equal for isomorphic directed graphs, and for no others.

    Colours are refined until they no longer change; what they leave alike is tried in every order
    (up to 5,040 orders: above that, alike colours are taken as they come, which may tell isomorphic
    graphs apart but never takes different ones for the same).
    """
    colour = dict.fromkeys(nodes, "")
    for _ in nodes:
        colour = {
            node: content_id(
                [
                    colour[node],
                    sorted(colour[b] for a, b in edges if a == node),
                    sorted(colour[a] for a, b in edges if b == node),
                ]
            )
            for node in nodes
        }
    classes = [
        [node for node in nodes if colour[node] == one] for one in sorted(set(colour.values()))
    ]
    return min(_written(order, edges) for order in _orders(classes))


def _orders(classes: Sequence[Sequence[str]]) -> Iterator[list[str]]:
    orders = itertools.product(*(itertools.permutations(one) for one in classes))
    for order in itertools.islice(orders, _MOST_PERMUTATIONS):
        yield [node for part in order for node in part]


def _written(order: Sequence[str], edges: Sequence[tuple[str, str]]) -> str:
    place = {node: number for number, node in enumerate(order)}
    return f"{len(order)}:" + ",".join(sorted(f"{place[a]}>{place[b]}" for a, b in edges))


# -- similarity ------------------------------------------------------------------------------------


def similarity(one: Masked, other: Masked) -> float:
    """Return how alike two domains are, from 0 to 1: the Jaccard index of their features."""
    mine, theirs = Counter(one.features), Counter(other.features)
    whole = (mine | theirs).total()
    return (mine & theirs).total() / whole if whole else 1.0


def packed(domains: Sequence[Masked], *, least: float) -> list[int]:
    """Return the places of domains of which no two are as alike as `least`, taken greedily."""
    kept: list[int] = []
    for place, domain in enumerate(domains):
        if all(similarity(domain, domains[other]) < least for other in kept):
            kept.append(place)
    return kept
