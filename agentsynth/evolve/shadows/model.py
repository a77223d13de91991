"""What was inferred of a server, as values: entities, operations, and what was left out and why."""

from typing import Literal

from agentsynth.core.domain import FieldType
from agentsynth.core.frozen import Frozen

__all__ = [
    "Deed",
    "Inferred",
    "LeftOut",
    "Operation",
    "Paging",
    "ShadowEntity",
    "ShadowField",
    "Shape",
]

Deed = Literal["create", "get", "list", "update", "delete"]
"""What an operation does to its entity; the rest of the verbs are `update`s of one field."""


class ShadowField(Frozen):
    """One field of an entity, as the specifications tell of it."""

    name: str
    """As results show it: the name of the parameter or property it was read from."""
    type: FieldType
    values: tuple[str, ...] = ()
    """Of an enumeration; empty for every other type."""
    description: str = ""
    ref: str | None = None
    """The entity whose key it holds; None = none."""
    origin: Literal["input", "output", "transition", "scope", "reviewed"]
    """Where it is known from: a parameter, an output schema, a verb such as `archive`, a parameter
    that says what the record belongs to, or a reviewed overlay."""
    required: bool = False
    """True = whatever creates the record gives it."""
    always: bool = False
    """True = an output schema says that it is never null."""
    default: str | int | bool | None = None
    """What the specification says a left-out value is; None = it says nothing."""


class ShadowEntity(Frozen):
    """One kind of record."""

    name: str
    key: str
    """Name of the key's field."""
    key_number: bool = False
    """True = tools take and give the key as a number."""
    named_by: bool = False
    """True = the key is what people call the record by: a name, a path, an address."""
    hidden: bool = False
    """True = no tool speaks of it but as a scope: an owner, a workspace, a repository."""
    fields: tuple[ShadowField, ...]
    """Without the key."""
    natural: str | None = None
    """The field people name a record by; None = the key only."""

    def field(self, name: str) -> ShadowField | None:
        """Return a field by name; None = it has none."""
        return next((one for one in self.fields if one.name == name), None)


class Paging(Frozen):
    """How a list is cut. None in a part = the tool has no such parameter."""

    limit: str | None = None
    page: str | None = None
    """Parameter with the number of the page, from 1."""
    offset: str | None = None
    """Parameter with the number of entries passed over."""
    default: int | None = None
    """Entries without a limit, where the specification says it."""


class Shape(Frozen):
    """How a result looks, as the tool's own output schema has it."""

    items: str | None = None
    """Property that holds the list of records; None = the result is no list."""
    inner: str | None = None
    """Property that holds the one record; None = the result is the record itself."""
    shown: dict[str, str] = {}
    """Property of a record to the field that it shows, the key among them."""
    said: dict[str, bool | str] = {}
    """Property to what a success says, such as `success: true`."""
    total: str | None = None
    """Property with the number of all matches."""


class Operation(Frozen):
    """What one tool does, each parameter explained or refused."""

    tool: str
    deed: Deed
    entity: str
    key: str | None = None
    """Parameter that holds the record's key."""
    scope: dict[str, str] = {}
    """Parameter to the field the record must have it in (or gets it in, when it is created)."""
    sets: dict[str, str] = {}
    """Parameter to the field it writes."""
    needs: tuple[str, ...] = ()
    """The parameters of `sets` that a call must have."""
    fixed: dict[str, str | bool] = {}
    """Field to the value that the verb itself writes, such as `archived: true`."""
    filters: dict[str, str] = {}
    """Parameter of a list to the field that must equal it."""
    query: str | None = None
    """Parameter of a list whose text some text of the record must contain."""
    paging: Paging = Paging()
    refused: tuple[str, ...] = ()
    """Optional parameters that were not understood: a call that gives one is refused, never
    answered as if it had not been given."""
    shape: Shape | None = None
    """None = the specification does not say what a result looks like."""
    reviewed: bool = False
    """True = a reviewed overlay says so, not the inference alone."""


class LeftOut(Frozen):
    """A tool without a shadow."""

    tool: str
    reason: str
    """A short code, such as `no_verb`."""
    detail: str = ""


class Inferred(Frozen):
    """All that was inferred of one server."""

    server: str
    entities: dict[str, ShadowEntity]
    operations: dict[str, Operation]
    """By tool name."""
    left_out: tuple[LeftOut, ...]
