"""Where a tool's parameters meet the world, read from its contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import Contract, CreateEffect, DeleteEffect, Lookup, UpdateEffect
from agentsynth.core.domain import Domain
from agentsynth.plan.contract_goals import expressions_of
from agentsynth.plan.expression_parts import atoms, parts_of, split_expression
from agentsynth.worlds.contract_parts import Part, Selected, compile_lookup, condition

__all__ = ["Origins", "origins_of"]

_PARTIAL = frozenset({"contains", "startsWith", "endsWith", "matches"})
_WORDS = frozenset({"true", "false", "null"})


@dataclass
class Origins:
    """Where a tool's parameters meet the world, as its contract tells."""

    keys: dict[str, set[str]] = field(default_factory=lambda: {})
    """Parameter to entities whose key it holds."""
    fields: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {})
    """Parameter to (entity, field) pairs it is compared with or written to."""
    partial: set[str] = field(default_factory=lambda: set())
    """Parameters that hold a part of a text."""
    constants: dict[str, set[int]] = field(default_factory=lambda: {})
    """Numbers in the conditions a parameter occurs in."""
    beside: dict[str, dict[str, Part]] = field(default_factory=lambda: {})
    """Parameter to the paths that it stands beside in a condition."""
    rows: dict[str, list[tuple[Selected, str]]] = field(default_factory=lambda: {})
    """Parameter to the fields that a filter compares it with, and whose rows those are."""
    joint: list[tuple[str, dict[str, str]]] = field(default_factory=lambda: [])
    """(entity, field to parameter): arguments that together name a record."""


def origins_of(contract: Contract, domain: Domain, parameters: Sequence[str]) -> Origins:
    """Read where parameters meet the world."""
    return _OriginReader(contract, domain, parameters).origins


class _OriginReader:
    def __init__(self, contract: Contract, domain: Domain, parameters: Sequence[str]) -> None:
        self.domain = domain
        self.parameters = parameters
        self.origins = Origins()
        self.entities = {
            name: lookup.entity
            for name, lookup in contract.given.items()
            if lookup.verb in ("record", "first") and lookup.entity is not None
        }
        lookups = [*contract.given.values()]
        lookups += [value for value in contract.returns.values() if isinstance(value, Lookup)]
        for lookup in lookups:
            self.lookup(lookup)
        for text in [*contract.errors.values(), contract.assumes]:
            if text is not None:
                self.condition(text, None, None)
        self.effects(contract)
        self.by_name()

    def parameter(self, value: Any) -> str | None:
        """Return the parameter that a value is, and nothing else."""
        if isinstance(value, str) and value.startswith("=args."):
            name = value.removeprefix("=args.").strip()
            return name if name in self.parameters else None
        return None

    def lookup(self, lookup: Lookup) -> None:
        entity = lookup.entity
        if entity is None or entity not in self.domain.entities:
            return
        if (name := self.parameter(lookup.key)) is not None:
            self.origins.keys.setdefault(name, set()).add(entity)
        joint = {
            column: name
            for column, value in lookup.where.items()
            if (name := self.parameter(value)) is not None
        }
        for column, name in joint.items():
            self.meets(name, entity, column)
        if len(joint) > 1:
            self.origins.joint.append((entity, joint))
        if lookup.if_ is not None:
            given = {"rows": entity, "where": lookup.where}
            rows = compile_lookup(Lookup.model_validate(given))
            self.condition(lookup.if_, entity, rows, lookup.join)

    def meets(self, name: str, entity: str, column: str) -> None:
        spec = self.domain.entities[entity].fields.get(column)
        if spec is None:
            return
        if spec.ref is not None:
            self.origins.keys.setdefault(name, set()).add(spec.ref)
        elif column == self.domain.entities[entity].key:
            self.origins.keys.setdefault(name, set()).add(entity)
        else:
            self.origins.fields.setdefault(name, set()).add((entity, column))

    def condition(
        self,
        text: str,
        it: str | None,
        rows: Selected | None,
        join: Mapping[str, str] | None = None,
    ) -> None:
        for atom in atoms(split_expression(text)):
            paths = [p.text for p in parts_of(atom) if p.kind == "path" and p.text not in _WORDS]
            names = {p.split(".")[1] for p in paths if p.startswith("args.")}
            numbers = {
                int(p.text) for p in parts_of(atom) if p.kind == "number" and "." not in p.text
            }
            for name in names & set(self.parameters):
                if numbers:
                    self.origins.constants.setdefault(name, set()).update(numbers)
                if any(p.kind == "call" and p.op in _PARTIAL for p in parts_of(atom)):
                    self.origins.partial.add(name)
                others = [p for p in paths if p != f"args.{name}"]
                self.beside(name, others, it, rows)
                if atom.kind == "compare" and all(p.kind == "path" for p in atom.parts):
                    self.joined(name, others, it, join or {})

    def joined(
        self, name: str, paths: Sequence[str], it: str | None, join: Mapping[str, str]
    ) -> None:
        """Take note of `it.<name>.<field>`, a field of what a row refers to."""
        for path in paths:
            head, _, rest = path.partition(".")
            alias, _, column = rest.partition(".")
            if head == "it" and column and it is not None and alias in join:
                spec = self.domain.entities[it].fields.get(join[alias])
                if spec is not None and spec.ref is not None:
                    self.meets(name, spec.ref, column)

    def beside(
        self, name: str, paths: Sequence[str], it: str | None, rows: Selected | None
    ) -> None:
        for path in paths:
            head, _, column = path.partition(".")
            entity = it if head == "it" else self.entities.get(head)
            if entity in self.domain.entities and column:
                self.meets(name, entity, column)
            if head == "it" and rows is not None and column:
                self.origins.rows.setdefault(name, []).append((rows, column))
            if head != "it":
                self.origins.beside.setdefault(name, {})[path] = condition(path)

    def effects(self, contract: Contract) -> None:
        for effect in contract.effects:
            if isinstance(effect, UpdateEffect | DeleteEffect):
                entity = effect.update if isinstance(effect, UpdateEffect) else effect.delete
                if (name := self.parameter(effect.key)) is not None:
                    self.origins.keys.setdefault(name, set()).add(entity)
                each = self.parameter(f"={(effect.each or '').removeprefix('=')}")
                if each is not None and effect.key == "=it":
                    self.origins.keys.setdefault(each, set()).add(entity)
            if isinstance(effect, UpdateEffect | CreateEffect):
                entity = effect.update if isinstance(effect, UpdateEffect) else effect.create
                for column, value in effect.set.items():
                    for text in expressions_of(value):
                        name = self.parameter(f"={text}")
                        if name is not None and entity in self.domain.entities:
                            self.meets(name, entity, column)

    def by_name(self) -> None:
        """Take `member_id` for a member's key where the contract says nothing of it."""
        for name in self.parameters:
            entity = name.removesuffix("s").removesuffix("_id")
            met = name in self.origins.keys or name in self.origins.fields
            if not met and entity != name and entity in self.domain.entities:
                self.origins.keys[name] = {entity}
