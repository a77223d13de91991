"""Intents: what users of a domain come for, as plans of tool names and argument sources.

A plan never holds a value. `$name` is what the user said for that fact, `@path` is something an
earlier result showed, `{text: ...}` is a text with such slots, and a plain literal is allowed only
where the tool's own schema offers it (an enum value, a default, a boolean).
"""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from agentsynth.core.frozen import Frozen, Identified

__all__ = [
    "AnswerSpec",
    "AnswerType",
    "CallStep",
    "Draw",
    "GuardStep",
    "Intent",
    "PickStep",
    "PlanStep",
    "Playbook",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
AnswerType = Literal["text", "money", "date", "count"]


class Draw(Frozen):
    """How one name is bound when a candidate task is drawn; exactly one of the four is given."""

    record: str | None = None
    """Entity to draw a record from."""
    where: dict[str, JsonValue] = {}
    """For `record`: fields that must equal these values."""
    filter: str | None = None
    """For `record`: condition over the record, in scope as `it`; None = any."""
    choose: tuple[JsonValue, ...] = ()
    """Literals to choose from."""
    rows: str | None = None
    """For live domains: a SELECT on the seed database; a row is drawn, columns by name."""
    value: str | None = None
    """An expression over the names drawn before."""


class CallStep(Frozen):
    """Call a tool; its result is known under `as`."""

    call: str
    args: dict[str, JsonValue] = {}
    as_: Name = Field(alias="as")
    stable: bool = False
    """True = the result does not change within a conversation, so it is not asked for twice."""


class PickStep(Frozen):
    """Choose from a list that a result showed the one entry with these fields."""

    pick: Name
    from_: str = Field(alias="from")
    """Path to the list, such as `found.members`."""
    where: dict[str, JsonValue]
    """Field to source; text is compared without case."""


class GuardStep(Frozen):
    """Go on only if the condition over what was seen holds; otherwise decline by the clause."""

    guard: str
    ok: str
    """Condition over results and facts (facts by their names)."""


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        found = [verb for verb in ("call", "pick", "guard") if verb in value]
        return found[0] if len(found) == 1 else None
    return type(value).__name__.removesuffix("Step").lower()


PlanStep = Annotated[
    Annotated[CallStep, Tag("call")]
    | Annotated[PickStep, Tag("pick")]
    | Annotated[GuardStep, Tag("guard")],
    Discriminator(
        _kind,
        custom_error_type="plan_verb",
        custom_error_message="a plan step has exactly one of: call, pick, guard",
    ),
]


class AnswerSpec(Frozen):
    """Something the final answer must say."""

    value: str
    """Expression over what the plan has seen."""
    type: AnswerType
    words: dict[str, str] = {}
    """How people say a stored value, such as `full` → `full sun`."""


class Intent(Frozen):
    """One thing users come for."""

    kind: Literal["write", "info"]
    title: str
    """What the user wants, in a few words, for people who read tasks."""
    draw: dict[Name, Draw]
    facts: dict[Name, JsonValue]
    """Fact to an expression over the drawn names: all that the user knows."""
    steps: tuple[PlanStep, ...] = Field(min_length=1)
    answers: dict[Name, AnswerSpec] = {}
    shared: tuple[str, ...] = ()
    """Drawn names that a second intent of the same conversation takes over (the same person)."""
    weight: float = Field(default=1.0, gt=0)


class Playbook(Identified):
    """All intents of a domain."""

    schema_version: Literal[1] = 1
    intents: dict[Name, Intent] = Field(min_length=1)
