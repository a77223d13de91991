"""A domain as data: entities, tools with their semantics, policy, invariants. No behaviour.

Expressions are strings that start with `=`; anything else is a literal. `worlds/` compiles them.
"""

from operator import not_
from typing import Annotated, Literal

from pydantic import Discriminator, Field, JsonValue, Tag

from agentsynth.core.frozen import Frozen, Identified

__all__ = [
    "Clause",
    "Clock",
    "CreateStep",
    "DeleteStep",
    "Domain",
    "Entity",
    "Failure",
    "FieldSpec",
    "FieldType",
    "FindStep",
    "GenerateSpec",
    "GetStep",
    "Invariant",
    "LetStep",
    "ListStep",
    "LiveServer",
    "RequireStep",
    "ReturnStep",
    "Step",
    "ToolDef",
    "UpdateStep",
]

FieldType = Literal[
    "string", "text", "strings", "integer", "money", "boolean", "date", "datetime", "time", "enum"
]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class FieldSpec(Frozen):
    """One field of an entity."""

    type: FieldType
    """`money` is an integer of minor units (cents); `date` is an ISO date in a string."""
    description: str = ""
    values: tuple[str, ...] = ()
    """The allowed values of an `enum`; empty for every other type."""
    nullable: bool = False
    ref: str | None = None
    """The entity whose key this field holds; None = not a reference."""


class GenerateSpec(Frozen):
    """How the seed records of an entity are made, the same for the same seed."""

    count: int = Field(default=1, ge=1)
    """Records in all, or per parent when `for_each` is given."""
    for_each: str | None = None
    """Entity to make records for; its record is in scope under its name. None = no parent."""
    where: str | None = None
    """Condition on the parent record; None = every parent."""
    fields: dict[str, JsonValue]
    """Field name to a literal, an expression or a generator (see `worlds.seed`), in order."""


class Entity(Frozen):
    """A table: typed fields, a key, and what people call a record by."""

    key: str = "id"
    id_pattern: str
    """How new keys look: every `#` becomes a digit drawn from the world's seed."""
    natural_key: tuple[str, ...] = ()
    """Fields by which people name a record; a task's facts use these, never the key."""
    fields: dict[str, FieldSpec]
    unique: tuple[tuple[str, ...], ...] = Field(default=(), exclude_if=not_)
    """Sets of fields no two live records may share; a null in any of them is no clash."""
    soft_delete: str | None = Field(default=None, exclude_if=not_)
    """A nullable `date` or `datetime` field that `delete` sets to the world's time; reads pass over
    such records unless told otherwise. None = `delete` removes the record."""
    records: tuple[dict[str, JsonValue], ...] = ()
    generate: GenerateSpec | None = None


class Failure(Frozen):
    """An error of the tool that the agent sees."""

    code: Name
    message: str
    """Text with `{path}` slots filled from the scope."""


class GetStep(Frozen):
    """Bind the record with this key; without `missing`, null when there is none."""

    get: str
    key: JsonValue
    as_: Name = Field(alias="as")
    missing: Failure | None = None


class FindStep(Frozen):
    """Bind the first record whose fields equal these values; null without `missing`."""

    find: str
    where: dict[str, JsonValue]
    as_: Name = Field(alias="as")
    missing: Failure | None = None


class ListStep(Frozen):
    """Bind the records that match, in key order of the base unless sorted."""

    list_: str = Field(alias="list")
    where: dict[str, JsonValue] = {}
    """Field to value; every pair must be equal."""
    where_given: dict[str, JsonValue] = {}
    """Like `where`, but a pair whose value is null is left out (an optional filter)."""
    match: dict[str, JsonValue] = {}
    """Field to text it must contain, ignoring case; null is left out."""
    filter: str | None = None
    """Condition over one record, in scope as `it`; None = no further condition."""
    sort: tuple[str, ...] = ()
    """Fields to sort by, a leading `-` for descending; the key breaks ties."""
    limit: int | None = Field(default=None, ge=1)
    """None = no limit."""
    fields: tuple[str, ...] = ()
    """Fields to keep of each record; empty = all."""
    count: Name | None = None
    """Name to bind the number of matches to, before the limit; None = not bound."""
    as_: Name = Field(alias="as")


class RequireStep(Frozen):
    """Refuse with an error unless the condition holds."""

    require: str
    code: Name
    message: str
    if_: str | None = Field(default=None, alias="if")
    """Check only when this holds; None = always."""


class LetStep(Frozen):
    """Bind names to values, in order."""

    let: dict[Name, JsonValue]


class CreateStep(Frozen):
    """Add a record; its key comes from the world's seed."""

    create: str
    set: dict[str, JsonValue]
    as_: Name = Field(alias="as")
    if_: str | None = Field(default=None, alias="if")


class UpdateStep(Frozen):
    """Set fields of the record with this key."""

    update: str
    key: JsonValue
    set: dict[str, JsonValue]
    if_: str | None = Field(default=None, alias="if")


class DeleteStep(Frozen):
    """Remove the record with this key."""

    delete: str
    key: JsonValue
    if_: str | None = Field(default=None, alias="if")


class ReturnStep(Frozen):
    """End with this value; expressions inside it are evaluated."""

    return_: JsonValue = Field(alias="return")


_VERBS = ("get", "find", "list", "require", "let", "create", "update", "delete", "return")


def _verb(value: object) -> str | None:
    """Return the one verb a step has, or None so that the error names the choices."""
    if isinstance(value, dict):
        found = [verb for verb in _VERBS if verb in value]
        return found[0] if len(found) == 1 else None
    name = type(value).__name__.removesuffix("Step").lower()
    return name if name in _VERBS else None


Step = Annotated[
    Annotated[GetStep, Tag("get")]
    | Annotated[FindStep, Tag("find")]
    | Annotated[ListStep, Tag("list")]
    | Annotated[RequireStep, Tag("require")]
    | Annotated[LetStep, Tag("let")]
    | Annotated[CreateStep, Tag("create")]
    | Annotated[UpdateStep, Tag("update")]
    | Annotated[DeleteStep, Tag("delete")]
    | Annotated[ReturnStep, Tag("return")],
    Discriminator(
        _verb,
        custom_error_type="step_verb",
        custom_error_message="a step has exactly one verb of: " + ", ".join(_VERBS),
    ),
]


class ToolDef(Frozen):
    """A tool and its semantics."""

    description: str = Field(min_length=10)
    kind: Literal["read", "write"]
    consequential: bool = True
    """For write tools: the policy asks for a confirmation before the call."""
    parameters: dict[Name, dict[str, JsonValue]] = {}
    """Parameter to its JSON Schema; `optional: true` beside the schema makes it optional."""
    steps: tuple[Step, ...] = ()
    """Empty only where the domain's tools are written in Python."""
    result: Literal["json", "text"] = Field(default="json", exclude_if=lambda kind: kind == "json")
    """`text` = the agent reads the returned string as it is."""
    codes: tuple[str, ...] = Field(default=(), exclude_if=not_)
    """The error codes of a tool in Python, read off its code; steps say theirs themselves."""


class Clause(Frozen):
    """One rule of the policy. The text the agent reads is rendered from these."""

    text: str
    enforced_by: Literal["world", "agent"]
    """`agent` = the world would let it pass, so that disobeying is possible and can be caught."""
    tools: tuple[str, ...] = ()
    """The tools whose calls it governs; empty = conduct that a check of its own covers."""
    codes: tuple[str, ...] = ()
    """For `world` clauses: the tool errors that this clause explains."""
    steps: tuple[Step, ...] = ()
    """Reads (get, find, list, let) that bind what the condition needs, from `args`."""
    when: str | None = None
    """The clause applies only where this holds; None = always."""
    require: str | None = None
    """Must hold before the call; None = covered by the world or by a check of its own."""
    told: tuple[str, ...] = ()
    """Expressions over what the steps bound: the user must have said these values before."""
    forbid: dict[str, str] = {}
    """Argument name to a regular expression that must not match it, for live tools."""
    broken_if: str | None = None
    """For live SQL tools: a SELECT that shows rows once the call has run on a copy of the database,
    where `before.<table>` is the table as it is now; None = no such condition."""


class Invariant(Frozen):
    """Something that holds for every record of an entity after every call."""

    id: Name
    entity: str
    require: str
    """Condition over the record, in scope as `it`."""


class Clock(Frozen):
    """The world's own time. Nothing reads the machine's."""

    start: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    spread_days: int = Field(default=1, ge=1)
    """A world's today is `start` plus up to this many days, drawn from its seed."""


class LiveServer(Frozen):
    """A live domain's server and the state each rollout starts from."""

    manifest: str
    """Name of a manifest in `tools_registry/`."""
    state_sql: str
    """File beside the domain with the SQL that makes the scratch database."""


class Domain(Identified):
    """A domain: hashable data. Its worlds are opened elsewhere."""

    schema_version: Literal[1] = 1
    name: str
    title: str
    category: tuple[str, ...]
    persona: str
    """First lines of the system prompt: who the assistant is."""
    clock: Clock
    policy: dict[Name, Clause]
    entities: dict[Name, Entity] = {}
    tools: dict[Name, ToolDef] = {}
    user_tools: dict[Name, ToolDef] = Field(default={}, exclude_if=not_)
    """Tools that only the user has, over the same world."""
    python: str | None = Field(
        default=None, pattern=r"^[A-Za-z][A-Za-z0-9_]*\.py$", exclude_if=not_
    )
    """File beside the domain that holds the tools in Python; None = their steps say everything."""
    invariants: tuple[Invariant, ...] = ()
    worlds: int = Field(default=4, ge=1)
    """How many different seeded starting states tasks are spread over."""
    live: LiveServer | None = None
    """None = no live server: `entities` and `tools`, or the file `python`, say everything."""
    parent: str | None = None
    """Id of the domain this one was evolved from; None = written by hand."""
    files: dict[str, str] = {}
    """Digest of every file that belongs to the domain beside its own data."""
