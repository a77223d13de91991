"""Intents: what users of a domain come for, as plans of tool names and argument sources.

A plan never holds a value. `$name` is what the user said for that fact, `@path` is something an
earlier result showed, `{text: ...}` is a text with such slots, and a plain literal is allowed only
where the tool's own schema offers it (an enum value, a default, a boolean). Inside a call with
`each`, `@it.field` is the entry at hand.
"""

from operator import not_
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from agentsynth.core.frozen import Frozen, Identified

__all__ = [
    "ActStep",
    "AnswerSpec",
    "AnswerType",
    "CallStep",
    "Draw",
    "GuardStep",
    "Intent",
    "IntentKind",
    "PickStep",
    "PlanStep",
    "Playbook",
    "ReadStep",
    "SelectStep",
    "TallyStep",
    "UserAction",
]

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
AnswerType = Literal["text", "money", "date", "count", "time", "datetime", "quantity"]
Branch = Literal["met", "unmet"]

IntentKind = Literal[
    "write",
    "writes",
    "info",
    "compare",
    "aggregate",
    "conditional",
    "scheduled",
    "dual",
    "long",
    "no_tool",
]
"""What a request is like: one write, several writes at once, a look-up, a comparison over many
records, a computed figure, something to be done on a condition, something set to happen later,
something the user has to lend a hand with, work of many calls, something no tool does."""


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
    each: str | None = None
    """Path to a list: one call per entry (`@it.field`), the results a list. None = one call."""
    stable: bool = False
    """True = the result does not change within a conversation, so it is not asked for twice."""
    together: bool = Field(default=False, exclude_if=not_)
    """True = one deed with the write before it: that one's read-back and yes are for both."""
    when: Branch | None = None
    """Only on this branch of the intent's `condition`; None = on both."""


class PickStep(Frozen):
    """Choose from a list that a result showed the one entry with these fields."""

    pick: Name
    from_: str = Field(alias="from")
    """Path to the list, such as `found.members`."""
    where: dict[str, JsonValue] = {}
    """Field to source; text is compared without case."""
    narrow: dict[str, JsonValue] = {}
    """Further fields, looked at only while `where` fits more than one entry: what the user is asked
    for when the first words were ambiguous."""
    if_: str | None = Field(default=None, alias="if")
    """Condition over the entry as `it`, results and facts; None = none."""
    min: str | None = None
    """Of the entries that fit, the one with the smallest value of this field; None = no matter."""
    max: str | None = None
    when: Branch | None = None


class SelectStep(Frozen):
    """Keep the entries of a list that fit."""

    select: Name
    from_: str = Field(alias="from")
    where: dict[str, JsonValue] = {}
    if_: str | None = Field(default=None, alias="if")
    """Condition over the entry as `it`, results and facts; None = all that fit `where`."""
    when: Branch | None = None


class TallyStep(Frozen):
    """Work a figure out of a list."""

    tally: Name
    from_: str = Field(alias="from")
    op: Literal["sum", "count", "min", "max"]
    of: str | None = None
    """Field of the entries; None for `count`."""
    if_: str | None = Field(default=None, alias="if")
    when: Branch | None = None


class ReadStep(Frozen):
    """Read a value out of a text that a result showed."""

    read: Name
    from_: str = Field(alias="from")
    """Path to the text; a text result is the text itself."""
    pattern: str
    """Regular expression with one group."""
    when: Branch | None = None


class GuardStep(Frozen):
    """Go on only if the condition over what was seen holds; otherwise decline.

    `guard` names the clause of the policy that forbids it, or the obstacle (in the lexicon) that
    makes it impossible.
    """

    guard: str
    ok: str
    """Condition over results and facts (facts by their names)."""
    when: Branch | None = None


class ActStep(Frozen):
    """Have the user do something with a tool of theirs, and go on when they have told about it."""

    act: Name
    """One of the intent's `actions`."""
    when: Branch | None = None


_VERBS = ("call", "pick", "select", "tally", "read", "guard", "act")


def _kind(value: object) -> str | None:
    if isinstance(value, dict):
        found = [verb for verb in _VERBS if verb in value]
        return found[0] if len(found) == 1 else None
    return type(value).__name__.removesuffix("Step").lower()


PlanStep = Annotated[
    Annotated[CallStep, Tag("call")]
    | Annotated[PickStep, Tag("pick")]
    | Annotated[SelectStep, Tag("select")]
    | Annotated[TallyStep, Tag("tally")]
    | Annotated[ReadStep, Tag("read")]
    | Annotated[GuardStep, Tag("guard")]
    | Annotated[ActStep, Tag("act")],
    Discriminator(
        _kind,
        custom_error_type="plan_verb",
        custom_error_message="a plan step has exactly one of: " + ", ".join(_VERBS),
    ),
]


class UserAction(Frozen):
    """Something the user does with a tool of theirs when asked to."""

    tool: str
    args: dict[Name, JsonValue] = {}
    """Parameter to `$fact` or a literal."""
    tells: dict[Name, str] = {}
    """Slot of the lexicon to the path in the tool's result that the user then tells."""


class AnswerSpec(Frozen):
    """Something the final answer must say."""

    value: str
    """Expression over what the plan has seen."""
    type: AnswerType
    words: dict[str, str] = {}
    """How people say a stored value, such as `full` → `full sun`."""
    unit: str | None = None
    """For a `quantity`: the unit of the stored number; None for other types."""
    when: Branch | None = None
    """Due only on this branch of the intent's `condition`; None = on both."""


class Intent(Frozen):
    """One thing users come for."""

    kind: IntentKind
    title: str
    """What the user wants, in a few words, for people who read tasks."""
    draw: dict[Name, Draw]
    facts: dict[Name, JsonValue]
    """Fact to an expression over the drawn names: all that the user knows."""
    steps: tuple[PlanStep, ...] = Field(min_length=1)
    condition: str | None = None
    """What the user makes it depend on, over results and facts; None = nothing."""
    actions: dict[Name, UserAction] = {}
    answers: dict[Name, AnswerSpec] = {}
    shared: tuple[str, ...] = ()
    """Drawn names that a second intent of the same conversation takes over (the same person)."""
    weight: float = Field(default=1.0, gt=0)


class Playbook(Identified):
    """All intents of a domain."""

    schema_version: Literal[1] = 1
    intents: dict[Name, Intent] = Field(min_length=1)
