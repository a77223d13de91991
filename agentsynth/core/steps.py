"""The steps of a tool, as data: what each reads, writes, binds and refuses. No behaviour.

Expressions are strings that start with `=`; anything else is a literal. Conditions (`if`, `filter`,
`require`) are expressions without the `=`. A step whose `if` does not hold is skipped, and what it
would have bound is null. `worlds/` compiles all of it.
"""

from operator import not_
from typing import Annotated, Literal, get_args

from pydantic import Discriminator, Field, JsonValue, Tag

from agentsynth.core.frozen import Frozen

__all__ = [
    "AdvanceStep",
    "Aggregate",
    "AggregateStep",
    "Collect",
    "CreateStep",
    "DeleteStep",
    "DocumentStep",
    "Failure",
    "FindStep",
    "ForEachStep",
    "GetStep",
    "LetStep",
    "ListStep",
    "Name",
    "OnceStep",
    "Page",
    "RequireStep",
    "ReturnStep",
    "ScheduleStep",
    "Step",
    "UnscheduleStep",
    "UpdateStep",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Status = Annotated[int, Field(ge=400, le=599)]
Bounds = tuple[JsonValue, JsonValue]
"""(low, high), both inclusive; null = open on that side."""


class Failure(Frozen):
    """An error of the tool that the agent sees."""

    code: Name
    message: str
    """Text with `{path}` slots filled from the scope."""
    status: Status | None = Field(default=None, exclude_if=not_)
    """HTTP status where the domain's errors show one; None = by the code."""


class GetStep(Frozen):
    """Bind the record with this key; without `missing`, null when there is none."""

    get: str
    key: JsonValue
    as_: Name = Field(alias="as")
    missing: Failure | None = None
    deleted: bool = Field(default=False, exclude_if=not_)
    """True = records that were soft-deleted are seen too."""
    if_: str | None = Field(default=None, alias="if", exclude_if=not_)


class FindStep(Frozen):
    """Bind the first record whose fields equal these values; null without `missing`."""

    find: str
    where: dict[str, JsonValue]
    as_: Name = Field(alias="as")
    missing: Failure | None = None
    deleted: bool = Field(default=False, exclude_if=not_)
    """True = records that were soft-deleted are seen too."""
    if_: str | None = Field(default=None, alias="if", exclude_if=not_)


class Page(Frozen):
    """Show a list page by page. A cursor that belongs to another query fails with `bad_cursor`."""

    size: JsonValue
    """Entries on a page, a whole number from 1, or an expression that gives one."""
    cursor: JsonValue
    """Where to go on, an expression; null = the first page."""
    next: Name
    """Name to bind the next page's cursor to; it is null on the last page."""


class ListStep(Frozen):
    """Bind the records that match, in order of the base and then of creation, unless sorted."""

    list_: str = Field(alias="list")
    where: dict[str, JsonValue] = {}
    """Field to value; every pair must be equal."""
    where_given: dict[str, JsonValue] = {}
    """Like `where`, but a pair whose value is null is left out (an optional filter)."""
    between: dict[str, Bounds] = Field(default={}, exclude_if=not_)
    """Field to its bounds; a null field lies outside unless both bounds are null."""
    match: dict[str, JsonValue] = {}
    """Field to text it must contain, ignoring case; null is left out."""
    join: dict[Name, str] = Field(default={}, exclude_if=not_)
    """Name to a reference field, perhaps of an earlier name's record (`plot.garden_id`): the record
    it refers to is at `it.<name>`, or null where the reference is null."""
    filter: str | None = None
    """Condition over one record, in scope as `it`; None = no further condition."""
    sort: tuple[str, ...] = ()
    """Fields to sort by, a leading `-` for descending; order of the base breaks ties."""
    limit: int | None = Field(default=None, ge=1)
    """None = no limit."""
    skip: JsonValue = Field(default=None, exclude_if=lambda value: value is None)
    """Entries passed over, a whole number or an expression that gives one; null = none. `count`
    still counts all."""
    take: JsonValue = Field(default=None, exclude_if=lambda value: value is None)
    """Entries given after those, a whole number or an expression; null = all."""
    page: Page | None = Field(default=None, exclude_if=not_)
    """None = all at once. Without `sort`, pages are in order of the key."""
    fields: tuple[str, ...] = ()
    """Fields to keep of each record; empty = all."""
    show: dict[str, JsonValue] = Field(default={}, exclude_if=not_)
    """Name to value over `it`: what to give of each record instead of `fields`."""
    count: Name | None = None
    """Name to bind the number of matches to, before the limit; None = not bound."""
    as_: Name = Field(alias="as")
    deleted: bool = Field(default=False, exclude_if=not_)
    """True = records that were soft-deleted are seen too."""
    if_: str | None = Field(default=None, alias="if", exclude_if=not_)


class Aggregate(Frozen):
    """One figure over many entries: exactly one of these. Nulls are passed over."""

    sum: str | None = None
    """Field or `=expression` over `it`, whole numbers; 0 for nothing."""
    min: str | None = None
    """Field or `=expression` over `it`; null for nothing."""
    max: str | None = None
    """Field or `=expression` over `it`; null for nothing."""
    count: Literal[True] | None = None


class AggregateStep(Frozen):
    """Bind figures over the records that match, or over the entries of a list in scope."""

    aggregate: str
    """An entity, or `=path` of a list; then only `filter` narrows it, over `it`."""
    where: dict[str, JsonValue] = {}
    where_given: dict[str, JsonValue] = {}
    between: dict[str, Bounds] = {}
    match: dict[str, JsonValue] = {}
    join: dict[Name, str] = {}
    filter: str | None = None
    deleted: bool = False
    by: str | None = None
    """Field or `=expression` over `it`. None = one mapping over all; else a list of mappings with
    `by` and the figures, in order of `by`."""
    give: dict[Name, Aggregate] = Field(min_length=1)
    as_: Name = Field(alias="as")
    if_: str | None = Field(default=None, alias="if")


class RequireStep(Frozen):
    """Refuse with an error unless the condition holds."""

    require: str
    code: Name
    message: str
    status: Status | None = Field(default=None, exclude_if=not_)
    """HTTP status where the domain's errors show one; None = by the code."""
    if_: str | None = Field(default=None, alias="if")
    """Check only when this holds; None = always."""


class LetStep(Frozen):
    """Bind names to values, in order."""

    let: dict[Name, JsonValue]
    if_: str | None = Field(default=None, alias="if", exclude_if=not_)


class CreateStep(Frozen):
    """Add a record; its key comes from the world's seed."""

    create: str
    set: dict[str, JsonValue]
    as_: Name = Field(alias="as")
    taken: Failure | None = Field(default=None, exclude_if=not_)
    """How to refuse when a `unique` set is taken; None = then the domain is wrong."""
    if_: str | None = Field(default=None, alias="if")


class UpdateStep(Frozen):
    """Set fields of the record with this key."""

    update: str
    key: JsonValue
    set: dict[str, JsonValue]
    taken: Failure | None = Field(default=None, exclude_if=not_)
    """How to refuse when a `unique` set is taken; None = then the domain is wrong."""
    if_: str | None = Field(default=None, alias="if")


class DeleteStep(Frozen):
    """Remove the record with this key, or mark it where the entity soft-deletes."""

    delete: str
    key: JsonValue
    if_: str | None = Field(default=None, alias="if")


class ReturnStep(Frozen):
    """End with this value; expressions inside it are evaluated."""

    return_: JsonValue = Field(alias="return")
    if_: str | None = Field(default=None, alias="if", exclude_if=not_)


class Collect(Frozen):
    """Gather a value of every entry that went through."""

    into: Name
    value: JsonValue


class ForEachStep(Frozen):
    """Do the same for every entry of a list. What is bound inside does not leave it."""

    for_each: str
    """`=path` of a list in scope."""
    as_: Name = Field(alias="as")
    do: tuple["Step", ...] = Field(min_length=1)
    collect: Collect | None = None
    failed: Name | None = None
    """Name to bind a list of `{item, code, message}` to: an entry that is refused is undone alone.
    None = a refusal ends the tool."""
    if_: str | None = Field(default=None, alias="if")


class ScheduleStep(Frozen):
    """Have an effect come due later. It is then a record of the entity `scheduled`."""

    schedule: Name
    at: JsonValue
    """A datetime, or a date (that day at 00:00)."""
    with_: dict[Name, JsonValue] = Field(default={}, alias="with")
    as_: Name | None = Field(default=None, alias="as")
    if_: str | None = Field(default=None, alias="if")


class UnscheduleStep(Frozen):
    """Drop the pending effects of this name whose arguments equal these."""

    unschedule: Name
    where: dict[Name, JsonValue] = {}
    if_: str | None = Field(default=None, alias="if")


class AdvanceStep(Frozen):
    """Move the world's clock on by so many minutes; what comes due runs after the call."""

    advance: JsonValue
    if_: str | None = Field(default=None, alias="if")


class OnceStep(Frozen):
    """Answer a repeated request as before, changing nothing. The first step of a tool.

    The same key with other arguments fails with `idempotency_conflict`.
    """

    once: str
    """The request's key, an expression; null = no key, so nothing is remembered."""
    if_: str | None = Field(default=None, alias="if")


class Document(Frozen):
    """A plain text made of `{path}` templates."""

    head: str = ""
    each: str | None = None
    """`=path` of a list; None = no rows."""
    row: str = ""
    """Template of one entry, in scope as `it`."""
    foot: str = ""


class DocumentStep(Frozen):
    """End with a plain text: head, rows and foot, one below the other."""

    document: Document
    if_: str | None = Field(default=None, alias="if")


_Kinds = (
    Annotated[GetStep, Tag("get")]
    | Annotated[FindStep, Tag("find")]
    | Annotated[ListStep, Tag("list")]
    | Annotated[AggregateStep, Tag("aggregate")]
    | Annotated[RequireStep, Tag("require")]
    | Annotated[LetStep, Tag("let")]
    | Annotated[CreateStep, Tag("create")]
    | Annotated[UpdateStep, Tag("update")]
    | Annotated[DeleteStep, Tag("delete")]
    | Annotated[ForEachStep, Tag("for_each")]
    | Annotated[ScheduleStep, Tag("schedule")]
    | Annotated[UnscheduleStep, Tag("unschedule")]
    | Annotated[AdvanceStep, Tag("advance")]
    | Annotated[OnceStep, Tag("once")]
    | Annotated[DocumentStep, Tag("document")]
    | Annotated[ReturnStep, Tag("return")]
)
_VERB_OF: dict[type, str] = {get_args(kind)[0]: get_args(kind)[1].tag for kind in get_args(_Kinds)}
_VERBS = tuple(_VERB_OF.values())


def _verb(value: object) -> str | None:
    """Return the one verb a step has, or None so that the error names the choices."""
    if isinstance(value, dict):
        found = [verb for verb in _VERBS if verb in value]
        return found[0] if len(found) == 1 else None
    return _VERB_OF.get(type(value))


Step = Annotated[
    _Kinds,
    Discriminator(
        _verb,
        custom_error_type="step_verb",
        custom_error_message="a step has exactly one verb of: " + ", ".join(_VERBS),
    ),
]
ForEachStep.model_rebuild()
