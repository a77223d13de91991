"""Hold a call against a tool's contract, over plain records.

This shares nothing with the semantics that run the steps: it knows expressions and plain loops over
records, so a mistake there is not repeated here.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import Contract, Lookup
from agentsynth.core.domain import Entity
from agentsynth.core.errors import DomainError, UserError
from agentsynth.worlds.expressions import compile_expression

__all__ = [
    "SCHEDULED_FIELDS",
    "CompiledContract",
    "ContractMistake",
    "EntityShape",
    "Part",
    "Selected",
    "Situation",
    "Snapshot",
    "compile_lookup",
    "compile_part",
    "condition",
    "entity_shapes",
    "order_key",
]

_Record = Mapping[str, Any]


class ContractMistake(UserError):
    """The contract itself cannot be evaluated, whatever the tool does."""


@dataclass(frozen=True, slots=True)
class EntityShape:
    """What a contract has to know of an entity."""

    key: str
    fields: tuple[str, ...]
    hidden_by: str | None
    """The field that is set when a record is deleted softly; None = deletion removes it."""
    hidden_at: str
    """`today` or `now`: what that field is set to."""
    derived: frozenset[str]
    """Fields that follow from the others, so that nobody promises them."""


SCHEDULED_FIELDS = ("id", "effect", "due", "args")
"""Of the built-in entity of pending effects."""

_SCHEDULED = EntityShape("id", SCHEDULED_FIELDS, None, "now", frozenset())


def entity_shapes(entities: Mapping[str, Entity]) -> dict[str, EntityShape]:
    """Return the shape of every entity, the built-in `scheduled` among them."""
    shapes = {"scheduled": _SCHEDULED}
    for name, entity in entities.items():
        # At merge: hidden_by=entity.soft_delete and derived=frozenset(entity.derived).
        shapes[name] = EntityShape(entity.key, tuple(entity.fields), None, "today", frozenset())
    return shapes


@dataclass(frozen=True)
class Snapshot:
    """A state as plain records: entity to key to record, in the order a query sees them."""

    tables: Mapping[str, Mapping[str, _Record]]
    today: str
    now: str
    _found: dict[tuple[str, str], dict[Any, list[_Record]]] = field(default_factory=lambda: {})

    def having(self, entity: str, name: str, value: Any) -> Sequence[_Record]:
        """Return the records whose field equals the value, remembered for the next time."""
        records = self.tables.get(entity, {}).values()
        if isinstance(value, list | dict):  # lists are not remembered
            return [record for record in records if record[name] == value]
        if (entity, name) not in self._found:
            sorted_out: dict[Any, list[_Record]] = {}
            for record in records:
                if not isinstance(record[name], list | dict):
                    sorted_out.setdefault(record[name], []).append(record)
            self._found[entity, name] = sorted_out
        return self._found[entity, name].get(value, [])


@dataclass(frozen=True, slots=True)
class Part:
    """A compiled value: what it needs of the names in scope, and what it gives."""

    evaluate: Callable[[Mapping[str, Any]], Any]
    needs: frozenset[str]


def compile_part(value: Any) -> Part:
    """Compile a literal, an `=expression`, or a list or mapping of both."""
    if isinstance(value, str) and value.startswith("="):
        return condition(value[1:])
    if isinstance(value, Mapping):
        named = {str(name): compile_part(part) for name, part in value.items()}
        needs = frozenset(n for part in named.values() for n in part.needs)
        return Part(lambda names: {k: part.evaluate(names) for k, part in named.items()}, needs)
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = [compile_part(part) for part in value]
        needs = frozenset(n for part in items for n in part.needs)
        return Part(lambda names: [part.evaluate(names) for part in items], needs)
    return Part(lambda names: value, frozenset())


def condition(text: str) -> Part:
    """Compile an expression written without its leading `=`."""
    expression = compile_expression(text)
    heads = frozenset(path.partition(".")[0] for path in expression.paths)
    return Part(expression.evaluate, heads)


def order_key(names: Sequence[str]) -> Callable[[_Record], tuple[Any, ...]]:
    """Return the key by which a record is placed: null first, descending fields turned around."""
    fields = [(name.removeprefix("-"), name.startswith("-")) for name in names]

    def key(record: _Record) -> tuple[Any, ...]:
        return tuple(
            _Turned((record[name] is not None, record[name]))
            if turned
            else (record[name] is not None, record[name])
            for name, turned in fields
        )

    return key


@dataclass(frozen=True, slots=True)
class _Turned:
    """A value that sorts the other way around."""

    value: tuple[bool, Any]

    def __lt__(self, other: "_Turned") -> bool:
        return other.value < self.value


@dataclass(frozen=True)
class Selected:
    """A compiled lookup."""

    lookup: Lookup
    entity: str | None
    key: Part
    where: dict[str, Part]
    keep: Part | None
    show: dict[str, Part]

    @property
    def needs(self) -> frozenset[str]:
        """Names it reads, `it` left out."""
        kept = [self.keep] if self.keep is not None else []
        parts = [self.key, *self.where.values(), *self.show.values(), *kept]
        return frozenset(name for part in parts for name in part.needs) - {"it"}


def compile_lookup(lookup: Lookup) -> Selected:
    """Compile a lookup."""
    return Selected(
        lookup=lookup,
        entity=lookup.entity,
        key=compile_part(lookup.value if lookup.verb == "value" else lookup.key),
        where={name: compile_part(value) for name, value in lookup.where.items()},
        keep=condition(lookup.if_) if lookup.if_ is not None else None,
        show={name: compile_part(value) for name, value in lookup.show.items()},
    )


@dataclass
class CompiledContract:
    """A contract ready to be held against calls."""

    tool: str
    contract: Contract
    shapes: Mapping[str, EntityShape]
    defaults: Mapping[str, Any]
    """Every parameter with its default, null without one."""
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
        args = {**compiled.defaults, **arguments}
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
    ) -> Iterable[_Record]:
        """Return an entity's records whose fields equal `where`, those deleted softly left out."""
        records: Iterable[_Record] = self.before.tables.get(entity, {}).values()
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

    def _record(self, selected: Selected, entity: str) -> _Record | None:
        key = self.value(selected.key)
        record = self.before.tables.get(entity, {}).get(str(key)) if key is not None else None
        hidden = self.compiled.shapes[entity].hidden_by
        if record is None or hidden is None or selected.lookup.deleted:
            return record
        return record if record[hidden] is None else None

    def rows(self, selected: Selected) -> list[_Record]:
        """Return all records that match a lookup, in its order."""
        wanted = [(name, self.value(part)) for name, part in selected.where.items()]
        deleted = selected.lookup.deleted
        found = list(self.visible(selected.entity or "", wanted, deleted=deleted))
        if selected.keep is not None:
            keep = selected.keep
            found = [record for record in found if self.over(keep, record) is True]
        if selected.lookup.order:
            found.sort(key=order_key(selected.lookup.order))
        return found

    def over(self, part: Part, entry: Any) -> Any:
        """Return a part's value with this entry as `it`."""
        self._look_up(part.needs)
        outer = self.names.get("it")
        self.names["it"] = entry
        try:
            return part.evaluate(self.names)
        finally:
            self.names["it"] = outer

    def shown(self, selected: Selected, row: _Record) -> _Record:
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
