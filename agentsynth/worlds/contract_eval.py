"""Hold a call against a tool's contract, over plain records.

This shares nothing with the semantics that run the steps: it knows expressions and plain loops over
records, so a mistake there is not repeated here.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import Contract
from agentsynth.core.errors import DomainError, UserError
from agentsynth.worlds.bodies import Bodies, with_bodies
from agentsynth.worlds.contract_parts import (
    EntityShape,
    Part,
    Record,
    Selected,
    Snapshot,
    compile_lookup,
    condition,
    order_key,
)

__all__ = ["CompiledContract", "ContractMistake", "Situation"]


class ContractMistake(UserError):
    """The contract itself cannot be evaluated, whatever the tool does."""


@dataclass
class CompiledContract:
    """A contract ready to be held against calls."""

    tool: str
    contract: Contract
    shapes: Mapping[str, EntityShape]
    defaults: Mapping[str, Any]
    """Every parameter with its default, null without one."""
    bodies: Bodies = field(default_factory=dict[str, Any])
    """The parameters that wrap others."""
    given: dict[str, Selected] = field(init=False)
    assumes: Part | None = field(init=False)
    errors: dict[str, Part] = field(init=False)

    def __post_init__(self) -> None:
        self.given = {name: compile_lookup(one) for name, one in self.contract.given.items()}
        assumes = self.contract.assumes
        self.assumes = condition(assumes) if assumes is not None else None
        self.errors = {code: condition(text) for code, text in self.contract.errors.items()}

    def situation(self, before: Snapshot, arguments: Mapping[str, Any]) -> "Situation":
        """Return one call in one state, for everything that can be asked about it."""
        return Situation(self, before, arguments)


class Situation:
    """One call in one state: the arguments, the clock, and what the contract looks up on demand."""

    def __init__(
        self, compiled: CompiledContract, before: Snapshot, arguments: Mapping[str, Any]
    ) -> None:
        self.compiled = compiled
        self.before = before
        self.arguments = arguments
        args = with_bodies({**compiled.defaults, **arguments}, compiled.bodies)
        self.names: dict[str, Any] = {"args": args, "today": before.today, "now": before.now}
        self._asked: set[str] = set()
        self._codes: frozenset[str] | None = None

    def value(self, part: Part) -> Any:
        """Return a part's value.

        Raises:
            DomainError: it cannot be evaluated here, for instance for a record that is not there.
        """
        self._look_up(part.needs)
        return part.evaluate(self.names)

    def _look_up(self, names: Iterable[str]) -> None:
        for name in names:
            selected = self.compiled.given.get(name)
            if selected is None or name in self._asked:
                continue
            self._asked.add(name)
            with suppress(DomainError):  # what needs it cannot be evaluated either, and says so
                self.names[name] = self.select(selected)

    def visible(
        self, entity: str, where: Sequence[tuple[str, Any]] = (), *, deleted: bool = False
    ) -> Iterable[Record]:
        """Return an entity's records whose fields equal `where`, those deleted softly left out."""
        records: Iterable[Record] = self.before.tables.get(entity, {}).values()
        if where:
            (name, value), rest = where[0], where[1:]
            records = [
                record
                for record in self.before.having(entity, name, value)
                if all(record[other] == wanted for other, wanted in rest)
            ]
        hidden = self.compiled.shapes[entity].hidden_by
        if hidden is None or deleted:
            return records
        return (record for record in records if record[hidden] is None)

    def select(self, selected: Selected) -> Any:
        """Carry a lookup out."""
        lookup = selected.lookup
        if selected.entity is None:
            return self.value(selected.key)
        if lookup.verb == "record":
            return self._record(selected, selected.entity)
        found = self.rows(selected)
        if lookup.verb == "count":
            return len(found)
        if lookup.verb in ("sum", "max", "min"):
            values = [row[lookup.of or ""] for row in found]
            values = [value for value in values if value is not None]
            if lookup.verb == "sum":
                return sum(values)
            return (max if lookup.verb == "max" else min)(values, default=None)
        if lookup.verb == "first":
            return found[0] if found else None
        return [self.shown(selected, row) for row in found[: lookup.limit]]

    def _record(self, selected: Selected, entity: str) -> Record | None:
        key = self.value(selected.key)
        record = self.before.tables.get(entity, {}).get(str(key)) if key is not None else None
        hidden = self.compiled.shapes[entity].hidden_by
        if record is None or hidden is None or selected.lookup.deleted:
            return record
        return record if record[hidden] is None else None

    def rows(self, selected: Selected) -> list[Record]:
        """Return all records that match a lookup, in its order."""
        wanted = [(name, self.value(part)) for name, part in selected.where.items()]
        deleted = selected.lookup.deleted
        found = list(self.visible(selected.entity or "", wanted, deleted=deleted))
        if selected.lookup.join:
            found = [self._joined(selected, record) for record in found]
        if selected.keep is not None:
            keep = selected.keep
            found = [record for record in found if self.over(keep, record) is True]
        if selected.lookup.order:
            found.sort(key=order_key(selected.lookup.order))
        return found

    def _joined(self, selected: Selected, record: Record) -> Record:
        refs = self.compiled.shapes[selected.entity or ""].refs
        found: dict[str, Any] = {}
        for name, via in selected.lookup.join.items():
            key = record[via]
            found[name] = None if key is None else self.before.tables[refs[via]].get(str(key))
        return {**record, **found}

    def over(self, part: Part, entry: Any) -> Any:
        """Return a part's value with this entry as `it`."""
        self._look_up(part.needs)
        outer = self.names.get("it")
        self.names["it"] = entry
        try:
            return part.evaluate(self.names)
        finally:
            self.names["it"] = outer

    def shown(self, selected: Selected, row: Record) -> Record:
        """Return what a lookup shows of a row."""
        if not selected.show:
            return row
        return {name: self.over(part, row) for name, part in selected.show.items()}

    def truth(self, part: Part, what: str) -> bool:
        """Return a condition's value.

        Raises:
            ContractMistake: it gives neither true nor false.
            DomainError: it cannot be evaluated.
        """
        value = self.value(part)
        if not isinstance(value, bool):
            raise ContractMistake(
                f"{self.compiled.tool}, {what}: gave {value!r}, not true or false"
            )
        return value

    @property
    def codes(self) -> frozenset[str]:
        """The codes whose conditions hold; empty = the call has to succeed.

        Raises:
            ContractMistake: a condition cannot be evaluated although none before it holds.
        """
        if self._codes is None:
            holding: list[str] = []
            for code, part in self.compiled.errors.items():
                try:
                    if self.truth(part, f"errors.{code}"):
                        holding.append(code)
                except DomainError as error:
                    if not holding:
                        where = f"{self.compiled.tool}, errors.{code}"
                        raise ContractMistake(f"{where}: {error}") from error
            self._codes = frozenset(holding)
        return self._codes

    @property
    def covered(self) -> bool:
        """Whether the contract speaks of this call at all."""
        if self.compiled.assumes is None or self.codes:
            return True
        try:
            return self.truth(self.compiled.assumes, "assumes")
        except DomainError as error:
            raise ContractMistake(f"{self.compiled.tool}, assumes: {error}") from error
