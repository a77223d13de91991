"""Checks with parameters, as data: patterns of tool use, checkpoints, limits, things said.

Each is a mapping with one verb, such as `{pattern: {before: [get_member, assign_plot]}}`.
"""

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag, model_validator

from agentsynth.core.frozen import Frozen

__all__ = [
    "AllOf",
    "AnyOf",
    "Before",
    "Called",
    "CalledCheckpoint",
    "ChangeCheckpoint",
    "Checkpoint",
    "CheckpointCheck",
    "Count",
    "Limit",
    "LimitCheck",
    "Never",
    "NotSaidCheck",
    "Order",
    "ParameterCheck",
    "Pattern",
    "PatternCheck",
    "SaidCheck",
    "Saying",
    "StateChange",
    "called_in",
]


class Called(Frozen):
    """Which calls are meant. A plain tool name is short for `{tool: NAME}`."""

    tool: str
    arguments: dict[str, JsonValue] = {}
    """Arguments it must have, the rest is free; `$name` is the task's fact of this name."""
    outcome: Literal["success", "error", "any"] | None = None
    """None = a success where a call is wanted, any outcome where calls are limited or forbidden."""


def _called(value: object) -> object:
    return {"tool": value} if isinstance(value, str) else value


Call = Annotated[Called, BeforeValidator(_called)]


class Before(Frozen):
    """Every call of the last one comes after a successful call of each earlier one, in order."""

    before: tuple[Call, ...] = Field(min_length=2)


class Order(Frozen):
    """These calls were made, in this order; others may stand between."""

    order: tuple[Call, ...] = Field(min_length=2)


class Count(Frozen):
    """How often it was called."""

    count: Call
    at_least: int | None = Field(default=None, ge=0)
    at_most: int | None = Field(default=None, ge=0)
    exactly: int | None = Field(default=None, ge=0)
    before_first: Call | None = None
    """Count only what comes before the first of these calls; None = all."""

    @model_validator(mode="after")
    def _bounded(self) -> "Count":
        bounds = (self.at_least, self.at_most, self.exactly)
        if all(bound is None for bound in bounds):
            raise ValueError("give 'at_least', 'at_most' or 'exactly'")
        if self.exactly is not None and (self.at_least, self.at_most) != (None, None):
            raise ValueError("give either 'exactly' or 'at_least' and 'at_most', not both")
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError("'at_least' is more than 'at_most'")
        return self


class Never(Frozen):
    """It was never called, whatever came of it."""

    never: Call
    before_first: Call | None = None
    """Look only at what comes before the first of these calls; None = at all."""


class AnyOf(Frozen):
    """One of these alternatives holds."""

    any_of: "tuple[Pattern, ...]" = Field(min_length=2)


class AllOf(Frozen):
    """All of these hold."""

    all_of: "tuple[Pattern, ...]" = Field(min_length=2)


_PATTERNS: dict[str, type[Frozen]] = {
    "before": Before, "order": Order, "count": Count, "never": Never, "any_of": AnyOf,
    "all_of": AllOf,
}  # fmt: skip


def _one_verb(value: object, verbs: dict[str, type[Frozen]]) -> str | None:
    """Return the one verb a mapping has; None so that the error names the choices."""
    if isinstance(value, dict):
        found = [verb for verb in verbs if verb in value]
        return found[0] if len(found) == 1 else None
    return next((verb for verb, kind in verbs.items() if type(value) is kind), None)


def _pattern_verb(value: object) -> str | None:
    return _one_verb(value, _PATTERNS)


Pattern: TypeAlias = Annotated[
    Annotated[Before, Tag("before")]
    | Annotated[Order, Tag("order")]
    | Annotated[Count, Tag("count")]
    | Annotated[Never, Tag("never")]
    | Annotated[AnyOf, Tag("any_of")]
    | Annotated[AllOf, Tag("all_of")],
    Discriminator(
        _pattern_verb,
        custom_error_type="pattern_verb",
        custom_error_message="a pattern has exactly one of: " + ", ".join(_PATTERNS),
    ),
]


class StateChange(Frozen):
    """A change of the state."""

    entity: str
    op: Literal["create", "update", "delete"] | None = None
    """None = any."""
    key: str | None = None
    """None = any record."""
    fields: dict[str, JsonValue] = {}
    """Fields the change must have set to these values; `$name` is the task's fact."""


class ChangeCheckpoint(Frozen):
    """At some point a call made this change, even if a later one took it back."""

    change: StateChange


class CalledCheckpoint(Frozen):
    """At some point this was called, successfully unless `outcome` says otherwise."""

    called: Call


_CHECKPOINTS: dict[str, type[Frozen]] = {"change": ChangeCheckpoint, "called": CalledCheckpoint}


def _checkpoint_verb(value: object) -> str | None:
    return _one_verb(value, _CHECKPOINTS)


Checkpoint: TypeAlias = Annotated[
    Annotated[ChangeCheckpoint, Tag("change")] | Annotated[CalledCheckpoint, Tag("called")],
    Discriminator(
        _checkpoint_verb,
        custom_error_type="checkpoint_verb",
        custom_error_message="a checkpoint has exactly one of: " + ", ".join(_CHECKPOINTS),
    ),
]


class Limit(Frozen):
    """Upper bounds; None = no bound. At least one is given."""

    calls: int | None = Field(default=None, ge=0)
    repeated_calls: int | None = Field(default=None, ge=1)
    """How often the same call with the same arguments may be made while the state stays as it
    is."""
    assistant_messages: int | None = Field(default=None, ge=1)
    """Messages with words for the user."""
    user_turns: int | None = Field(default=None, ge=1)
    message_chars: int | None = Field(default=None, ge=1)
    """Characters of one message of the assistant."""

    @model_validator(mode="after")
    def _some(self) -> "Limit":
        if all(bound is None for _, bound in self):
            raise ValueError(f"give at least one of: {', '.join(type(self).model_fields)}")
        return self


class Saying(Frozen):
    """A value, who says it and where."""

    value: JsonValue
    """`$name` is the task's fact of this name; cents for money, in `unit` for quantities."""
    type: Literal["text", "money", "date", "time", "datetime", "count", "quantity"] = "text"
    said_as: str | None = None
    """Another way to say it; None = only the value itself."""
    unit: str | None = None
    """For quantities such as `kg`, for money a currency code; None = any."""
    tolerance: float | str = 0
    """For numbers: absolute in the value's unit, or relative as `5%`; 0 = exact."""
    by: Literal["assistant", "user", "anyone"] = "assistant"
    part: Literal["any", "final"] = "any"
    """`final` = the last message of whoever is meant."""

    @model_validator(mode="after")
    def _tolerance(self) -> "Saying":
        if isinstance(self.tolerance, str):
            number = self.tolerance.removesuffix("%")
            plain = number.replace(".", "", 1)
            if number == self.tolerance or not (plain.isascii() and plain.isdecimal()):
                raise ValueError("a relative tolerance looks like 5%")
        elif self.tolerance < 0:
            raise ValueError("a tolerance cannot be negative")
        if self.tolerance and self.type not in ("money", "count", "quantity"):
            raise ValueError(f"a {self.type} has no tolerance")
        return self


class PatternCheck(Frozen):
    """A pattern of tool use."""

    pattern: Pattern


class CheckpointCheck(Frozen):
    """States reached on the way. One not reached leaves the share that was as credit."""

    checkpoints: tuple[Checkpoint, ...] = Field(min_length=1)
    ordered: bool = True
    """True = only those reached in this order count; one event may reach several."""


class LimitCheck(Frozen):
    """Limits."""

    limit: Limit


class SaidCheck(Frozen):
    """Something that must be said."""

    said: Saying


class NotSaidCheck(Frozen):
    """Something that must not be said."""

    not_said: Saying


def called_in(check: PatternCheck | CheckpointCheck) -> Iterator[Called]:
    """Yield every call a check speaks of, alternatives included."""
    if isinstance(check, CheckpointCheck):
        yield from (p.called for p in check.checkpoints if isinstance(p, CalledCheckpoint))
    else:
        yield from _called_in(check.pattern)


def _called_in(pattern: Pattern) -> Iterator[Called]:
    match pattern:
        case Before():
            yield from pattern.before
        case Order():
            yield from pattern.order
        case Count(count=called, before_first=first) | Never(never=called, before_first=first):
            yield called
            if first is not None:
                yield first
        case AnyOf(any_of=inner) | AllOf(all_of=inner):
            for one in inner:
                yield from _called_in(one)


ParameterCheck: TypeAlias = PatternCheck | CheckpointCheck | LimitCheck | SaidCheck | NotSaidCheck

AnyOf.model_rebuild()
AllOf.model_rebuild()
