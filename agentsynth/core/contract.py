"""Tool contracts as data: what a tool promises, written beside its steps and never from them.

Conditions are expressions; values that start with `=` are expressions, anything else is a literal,
as everywhere in a domain. In scope: `args`, `today`, `now`, the names of `given`, and `it` where
something is said of each record. `worlds.contract_eval` evaluates a contract.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    JsonValue,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from agentsynth.core.frozen import Frozen, Identified

__all__ = [
    "LOOKUP_VERBS",
    "Contract",
    "ContractEffect",
    "Contracts",
    "CreateEffect",
    "DeleteEffect",
    "Lookup",
    "PageWalk",
    "Returned",
    "ScheduleEffect",
    "UnscheduleEffect",
    "UpdateEffect",
]

LOOKUP_VERBS = ("record", "count", "sum", "max", "min", "rows", "first", "value")
"""What a lookup can do; it has exactly one of them."""

_OPTIONS: dict[str, frozenset[str]] = {
    "record": frozenset({"key", "deleted"}),
    "count": frozenset({"join", "where", "if", "deleted"}),
    "sum": frozenset({"join", "of", "where", "if", "deleted"}),
    "max": frozenset({"join", "of", "where", "if", "deleted"}),
    "min": frozenset({"join", "of", "where", "if", "deleted"}),
    "rows": frozenset({"join", "where", "if", "order", "limit", "show", "deleted"}),
    "first": frozenset({"join", "where", "if", "order", "deleted"}),
    "value": frozenset(),
}
_NEEDED = {"record": "key", "sum": "of", "max": "of", "min": "of"}


class Lookup(Frozen):
    """Something read from the state before the call. Exactly one verb is given.

    The first seven verbs name an entity: its record with a `key`; the number of its records that
    match; the sum, the greatest or the least value of the field `of`; the records themselves; or
    the first of them. `value` is an expression or a literal.
    """

    record: str | None = None
    """Null when there is no such record (or only a deleted one)."""
    count: str | None = None
    sum: str | None = None
    """0 when nothing matches."""
    max: str | None = None
    """Null when nothing matches, as `min`."""
    min: str | None = None
    rows: str | None = None
    first: str | None = None
    """Null when nothing matches."""
    value: JsonValue = None
    key: JsonValue = None
    of: str | None = None
    where: dict[str, JsonValue] = {}
    """Field to value; every pair must be equal."""
    join: dict[str, str] = {}
    """Name to a reference field: its record is at `it.<name>`, null where the field is null."""
    if_: str | None = Field(default=None, alias="if")
    """A further condition over a record, in scope as `it`."""
    order: tuple[str, ...] = ()
    """Fields, a leading `-` for descending, null before everything else. What they leave equal may
    come in any order; without any, the rows may come in any order."""
    limit: int | None = Field(default=None, ge=1)
    """None = no limit."""
    show: dict[str, JsonValue] = {}
    """What is shown of each row, over `it`; empty = the whole record."""
    deleted: bool = False
    """True = softly deleted records count too."""

    @model_validator(mode="before")
    @classmethod
    def _one_verb(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        verbs = [verb for verb in LOOKUP_VERBS if verb in data]
        if len(verbs) != 1:
            raise ValueError("a lookup has exactly one of: " + ", ".join(LOOKUP_VERBS))
        verb = verbs[0]
        given = {str(name).removesuffix("_") for name in data} - {verb}
        if unknown := sorted(given - _OPTIONS[verb]):
            allowed = ", ".join(sorted(_OPTIONS[verb])) or "nothing else"
            raise ValueError(f"{unknown[0]!r} does not go with {verb!r}, which takes: {allowed}")
        if (needed := _NEEDED.get(verb)) is not None and needed not in given:
            raise ValueError(f"{verb!r} needs {needed!r}")
        return data

    @model_serializer(mode="wrap")
    def _only_given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what is not given, so that the one verb stays the one verb."""
        whole: dict[str, Any] = handler(self)
        given = {name.removesuffix("_") for name in self.model_fields_set}
        return {name: value for name, value in whole.items() if name.removesuffix("_") in given}

    @property
    def verb(self) -> str:
        """The verb that is given."""
        return next(verb for verb in LOOKUP_VERBS if verb in self.model_fields_set)

    @property
    def entity(self) -> str | None:
        """The entity it reads; None for `value`."""
        named = (self.record, self.count, self.sum, self.max, self.min, self.rows, self.first)
        return next((name for name in named if name is not None), None)


class CreateEffect(Frozen):
    """One new record, or one for each entry of a list."""

    create: str
    set: dict[str, JsonValue]
    """Every field but the key and derived ones; a field left out is null."""
    each: str | None = None
    """A path to a list; its entries are in scope as `it`. None = once."""
    as_: str | None = Field(default=None, alias="as")
    """Name of the new record in what follows, its key included. None = not needed."""
    if_: str | None = Field(default=None, alias="if")


class UpdateEffect(Frozen):
    """Changed fields of the record with this key."""

    update: str
    key: JsonValue
    set: dict[str, JsonValue]
    each: str | None = None
    if_: str | None = Field(default=None, alias="if")


class DeleteEffect(Frozen):
    """The record with this key is gone."""

    delete: str
    key: JsonValue
    each: str | None = None
    if_: str | None = Field(default=None, alias="if")


class ScheduleEffect(Frozen):
    """Something becomes due later."""

    schedule: str
    at: JsonValue
    """A datetime, or a date for its first minute."""
    with_: dict[str, JsonValue] = Field(default={}, alias="with")
    each: str | None = None
    as_: str | None = Field(default=None, alias="as")
    if_: str | None = Field(default=None, alias="if")


class UnscheduleEffect(Frozen):
    """Whatever was due later, with these arguments, no longer is."""

    unschedule: str
    where: dict[str, JsonValue] = {}
    each: str | None = None
    if_: str | None = Field(default=None, alias="if")


_EFFECTS = ("create", "update", "delete", "schedule", "unschedule")


def _effect(value: object) -> str | None:
    """Return the one verb an effect has, or None so that the error names the choices."""
    if isinstance(value, Mapping):
        found = [verb for verb in _EFFECTS if verb in value]
        return found[0] if len(found) == 1 else None
    name = type(value).__name__.removesuffix("Effect").lower()
    return name if name in _EFFECTS else None


ContractEffect = Annotated[
    Annotated[CreateEffect, Tag("create")]
    | Annotated[UpdateEffect, Tag("update")]
    | Annotated[DeleteEffect, Tag("delete")]
    | Annotated[ScheduleEffect, Tag("schedule")]
    | Annotated[UnscheduleEffect, Tag("unschedule")],
    Discriminator(
        _effect,
        custom_error_type="step_verb",
        custom_error_message="an effect has exactly one verb of: " + ", ".join(_EFFECTS),
    ),
]


def _returned(value: object) -> str:
    looks = isinstance(value, Lookup) or (
        isinstance(value, Mapping) and any(verb in value for verb in LOOKUP_VERBS)
    )
    return "lookup" if looks else "plain"


Returned = Annotated[
    Annotated[Lookup, Tag("lookup")] | Annotated[JsonValue, Tag("plain")], Discriminator(_returned)
]
"""A promised value: a mapping with a lookup's verb is a lookup, anything else a value."""


class PageWalk(Frozen):
    """How a list comes in pages. `returns` then promises the whole list, over all of its pages."""

    cursor: str
    """The parameter that takes the cursor."""
    next: str
    """Path in the result of the next cursor; null there on the last page."""
    items: str
    """Path in the result of the page; the same path in `returns` promises the whole list."""
    size: JsonValue = None
    """Entries of every page but the last; None = not promised."""


class Contract(Frozen):
    """What one tool promises."""

    given: dict[str, Lookup] = {}
    """Names for what is looked up in the state before the call, in order."""
    assumes: str | None = None
    """The contract speaks only of calls for which this holds (and of those that are refused).
    None = of every call."""
    errors: dict[str, str] = {}
    """Code to the condition under which it is due; of several that hold, any one is right."""
    effects: tuple[ContractEffect, ...] = ()
    """What a successful call changes. Nothing else may change."""
    returns: dict[str, Returned] = {}
    """Dotted path in the result to what is there; `.` is the result itself."""
    says: tuple[JsonValue, ...] = ()
    """For a tool that answers in plain text: values it has to contain, in this order."""
    idempotent: bool = False
    """True = making the same successful call again changes nothing more."""
    pages: PageWalk | None = None

    @model_validator(mode="after")
    def _pages_promise_a_list(self) -> Self:
        if self.pages is not None and self.pages.items not in self.returns:
            raise ValueError(f"'returns' has to promise {self.pages.items!r}, which has pages")
        return self


class Contracts(Identified):
    """The contracts of a domain's tools."""

    schema_version: Literal[1] = 1
    tools: dict[str, Contract]
