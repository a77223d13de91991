"""What a set of calls should meet, so that a tool that breaks its contract is caught.

Goals come from the contract alone: every code on its own, success, both sides of every branch, and
each comparison where it decides, just before, at and just after its threshold. A call meets a goal
only where nothing else would hide it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, pairwise
from typing import Any

from agentsynth.core.contract import Contract, CreateEffect, Lookup, UpdateEffect
from agentsynth.core.errors import DomainError
from agentsynth.plan.contract_conditions import (
    Condition,
    branches_of,
    compile_condition,
    threshold,
)
from agentsynth.plan.expression_parts import split_expression
from agentsynth.worlds.contract_eval import CompiledContract, Situation
from agentsynth.worlds.contract_parts import (
    Part,
    Selected,
    compile_lookup,
    condition,
    order_key,
)

__all__ = ["Goals", "expressions_of"]

_ROWS_LOOKED_AT = 40
_KEPT_OUT_LOOKED_AT = 400
"""Records looked at for one that a single pair keeps out; of a few hundred, that is all."""


def expressions_of(value: Any) -> Iterator[str]:
    """Yield the expressions inside a value, without their leading `=`."""
    if isinstance(value, str) and value.startswith("="):
        yield value[1:]
    elif isinstance(value, Lookup):
        yield from expressions_of([value.value, value.key, value.where, value.show])
        yield from [value.if_] if value.if_ is not None else []
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from expressions_of(part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from expressions_of(part)


@dataclass(frozen=True)
class Goals:
    """The goals of one contract."""

    compiled: CompiledContract
    parameters: Mapping[str, Mapping[str, Any]]

    @property
    def contract(self) -> Contract:
        """The contract they come from."""
        return self.compiled.contract

    @cached_property
    def _errors(self) -> dict[str, Condition]:
        return {
            code: compile_condition(f"errors.{code}", text)
            for code, text in self.contract.errors.items()
        }

    @cached_property
    def _branches(self) -> tuple[tuple[str, Part], ...]:
        """Conditions of effects, and branches in what is set and returned, outside of rows."""
        found: dict[str, Part] = {}
        for effect in self.contract.effects:
            if effect.each is not None:
                continue
            if effect.if_ is not None:
                found[effect.if_] = condition(effect.if_)
            if isinstance(effect, CreateEffect | UpdateEffect):
                for text in expressions_of(effect.set):
                    found.update(branches_of(split_expression(text)))
        for value in self.contract.returns.values():
            if not isinstance(value, Lookup):
                for text in expressions_of(value):
                    found.update(branches_of(split_expression(text)))
        return tuple(found.items())

    @cached_property
    def _lookups(self) -> tuple[tuple[str, Selected, Condition | None], ...]:
        """Everything that selects records, with the condition it selects by."""
        named = [(f"given.{name}", one) for name, one in self.contract.given.items()]
        named += [
            (f"returns.{path}", one)
            for path, one in self.contract.returns.items()
            if isinstance(one, Lookup)
        ]
        found: dict[str, tuple[str, Selected, Condition | None]] = {}
        for label, one in named:
            if one.verb in ("record", "value"):
                continue
            # Several that select alike (a list and its total) are looked at once: the placed one.
            same = repr((one.entity, one.where, one.if_))
            if same not in found or one.order:
                keep = compile_condition(label, one.if_) if one.if_ else None
                found[same] = (label, compile_lookup(one), keep)
        return tuple(found.values())

    @cached_property
    def cost(self) -> int:
        """How much dearer than a plain one a call of this tool is to look at."""
        return 1 + 3 * sum(keep is not None for _, _, keep in self._lookups)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The goals that have to be met: codes, success and branches. Others are a bonus."""
        found = {"success", *(f"{code} alone" for code in self._errors)}
        for text, _ in self._branches:
            found |= {f"success, {text} is {side}" for side in ("true", "false")}
        for one in self._errors.values():
            for text, _ in one.branches:
                found |= {f"{one.label}, {text} is {side}" for side in ("true", "false")}
        for label, selected, _ in self._lookups:
            if selected.lookup.verb == "rows":
                found.add(f"{label}: several")
            if selected.lookup.limit is not None:
                found.add(f"{label}: more than the limit")
        return frozenset(found)

    def met(self, situation: Situation) -> set[str]:
        """Return the goals that a call in this situation meets.

        Raises:
            ContractMistake: the contract cannot be evaluated here.
        """
        if not situation.covered or len(situation.codes) > 1:
            return set()
        codes = situation.codes
        found = {f"{code} alone" for code in codes} or {"success"}
        near = frozenset[str]()
        if any(label.startswith("given.") for label, _, _ in self._lookups):
            near = frozenset(self._near_misses(situation, "given."))
        for code, one in self._errors.items():
            if codes <= {code}:
                found.update(_met_by_condition(situation, one, near))
        if not codes:
            found.update(self._met_by_success(situation))
        return found

    def _met_by_success(self, situation: Situation) -> Iterator[str]:
        for text, part in self._branches:
            if (value := _value(situation, part)) is not None:
                yield f"success, {text} is {str(value).lower()}"
        found: list[str] = []
        for label, selected, keep in self._lookups:
            try:
                found += _met_by_rows(situation, label, selected, keep)
            except DomainError:
                continue
        yield from found
        yield from self._arguments(situation, rows=any(goal.endswith("several") for goal in found))
        yield from self._near_misses(situation, "returns.")

    def _arguments(self, situation: Situation, *, rows: bool) -> Iterator[str]:
        """Yield which optional arguments and choices succeed, and whether anything was found."""
        shown = ", with rows" if rows else ""
        for name, schema in self.parameters.items():
            if schema.get("optional"):
                yield f"{name} {'given' if name in situation.arguments else 'left out'}{shown}"
            if "enum" in schema or schema.get("type") == "boolean":
                yield f"{name} = {situation.arguments.get(name)}{shown}"

    def _near_misses(self, situation: Situation, prefix: str) -> Iterator[str]:
        """Yield, for lookups, the pairs that alone keep some record out."""
        for label, selected, _ in self._lookups:
            if label.startswith(prefix):
                try:
                    kept_out = _kept_out(situation, selected)
                except DomainError:
                    continue
                yield from (f"{label}: only {name} keeps one out" for name in kept_out)


def _value(situation: Situation, part: Part) -> Any:
    try:
        return situation.value(part)
    except DomainError:
        return None


def _met_by_condition(situation: Situation, one: Condition, near: frozenset[str]) -> Iterator[str]:
    values = [_truth(_value(situation, atom.part)) for atom in one.atoms]
    sides = [f"{text} is {str(_value(situation, part)).lower()}" for text, part in one.branches]
    decisive = one.decisive(values)
    if decisive:
        yield from (f"{one.label}, {side}" for side in sides)
    for index in decisive:
        atom = one.atoms[index]
        label = ", ".join([f"{one.label}: {atom.text} is {str(values[index]).lower()}", *sides])
        yield label
        at = threshold(atom, lambda part: _value(situation, part))
        if at is not None:
            yield f"{label}, at {at}"
            yield from (f"{label}, at {at}, {miss}" for miss in near)


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _kept_out(situation: Situation, selected: Selected) -> set[str]:
    """Return the pairs of `where` that are all that keeps some record out."""
    wanted = [(name, situation.value(part)) for name, part in selected.where.items()]
    found: set[str] = set()
    for place, (name, value) in enumerate(wanted):
        others = [*wanted[:place], *wanted[place + 1 :]]
        records = situation.visible(selected.entity or "", others)
        for record in islice(records, _KEPT_OUT_LOOKED_AT):
            if record[name] != value and (
                selected.keep is None or situation.over(selected.keep, record) is True
            ):
                found.add(name)
                break
    return found


def _met_by_rows(
    situation: Situation, label: str, selected: Selected, keep: Condition | None
) -> Iterator[str]:
    """Yield what a successful call shows of how records are selected and placed."""
    found = situation.rows(selected)
    yield f"{label}: {('none', 'one', 'several')[min(len(found), 2)]}"
    limit = selected.lookup.limit
    if limit is not None and len(found) > limit:
        yield f"{label}: more than the limit"
    order = selected.lookup.order
    stored = [row for row in situation.visible(selected.entity or "") if row in found]
    if order and stored != found:
        yield f"{label}: placed otherwise than stored"
    for place, name in enumerate(order):
        before, key = order_key(order[:place]), order_key(order[place : place + 1])
        pairs = pairwise(found)
        if any(before(a) == before(b) and key(a) != key(b) for a, b in pairs):
            yield f"{label}: {name} decides a place"
    if keep is not None:
        yield from _met_by_filter(situation, selected, keep)


def _met_by_filter(situation: Situation, selected: Selected, keep: Condition) -> Iterator[str]:
    wanted = [(name, situation.value(part)) for name, part in selected.where.items()]
    for record in islice(situation.visible(selected.entity or "", wanted), _ROWS_LOOKED_AT):

        def over(part: Part, row: Mapping[str, Any] = record) -> Any:
            try:
                return situation.over(part, row)
            except DomainError:
                return None

        values = [_truth(over(atom.part)) for atom in keep.atoms]
        for index in keep.decisive(values):
            label = f"{keep.label}: {keep.atoms[index].text} is {str(values[index]).lower()}"
            yield label
            if (at := threshold(keep.atoms[index], over)) is not None:
                yield f"{label}, at {at}"
