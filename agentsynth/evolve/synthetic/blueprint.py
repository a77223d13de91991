"""The structure of a synthetic domain before it is written out: entities, actions, rules.

A blueprint knows roles, not tools' steps. Emitters turn it into the four files of a domain, each by
code of its own. Expressions in it are over bindings: names that an action gives to the records it
is about (`vehicle.status`), and `args`.
"""

from operator import not_
from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified

__all__ = [
    "ActionPlan",
    "Binding",
    "Blueprint",
    "Effect",
    "EntityPlan",
    "FieldPlan",
    "Guard",
    "GuardKind",
    "Interface",
    "Noun",
    "ParameterPlan",
    "Sort",
    "Verb",
]

Sort = Literal["party", "staff", "place", "thing", "record", "line", "entry"]
"""What a table is about: people who ask, people who work, where, what, and what was agreed."""

FieldKind = Literal[
    "name", "email", "label", "title", "reference", "ref", "status", "choice", "flag", "number",
    "money", "date", "count",
]  # fmt: skip

GuardKind = Literal[
    "among", "flag", "most", "least", "open_limit", "none_open", "ahead", "notice", "elapsed",
    "enough", "same", "other", "own", "if_then", "sum_cap", "no_clash",
]  # fmt: skip


class Noun(Frozen):
    """A word for records of a kind."""

    one: str
    many: str

    @property
    def name(self) -> str:
        """The entity's name: the noun in snake case."""
        return self.one.replace(" ", "_").replace("-", "_")

    @property
    def plural(self) -> str:
        """The plural in snake case."""
        return self.many.replace(" ", "_").replace("-", "_")


class FieldPlan(Frozen):
    """A field of an entity."""

    name: str
    kind: FieldKind
    target: str | None = Field(default=None, exclude_if=not_)
    """For `ref`: the role."""
    values: tuple[str, ...] = Field(default=(), exclude_if=not_)
    """For `status` and `choice`; for labels, names and titles the stock of them."""
    low: int = Field(default=0, exclude_if=not_)
    """Least value; for dates days from today."""
    high: int = Field(default=0, exclude_if=not_)
    step: int = Field(default=1, exclude_if=lambda step: step == 1)
    share: int = Field(default=50, exclude_if=lambda share: share == 50)
    """For `flag`: percent of records with it."""
    said: str = Field(default="", exclude_if=not_)
    """What it is called in a sentence: `has done the induction`, `daily rate`."""
    unsaid: str = Field(default="", exclude_if=not_)
    """For `flag`: the contrary."""
    nullable: bool = Field(default=False, exclude_if=not_)


class EntityPlan(Frozen):
    """A table."""

    role: str
    """Its name within the blueprint; never shown."""
    sort: Sort
    noun: Noun
    code: str
    """Letters that ids begin with."""
    fields: tuple[FieldPlan, ...]
    """All but the id."""
    known_by: tuple[str, ...]
    """The fields by which people name a record, within its parent where it has one."""
    parent: str | None = None
    """The role it lies in; a ref field leads there."""
    open_states: tuple[str, ...] = ()
    """Of its statuses, those in which something is still going on."""
    busy: tuple[str, str] | None = None
    """(role, status): an open record goes with a record of that role in that status."""
    many: int = 8
    """Seed records, per parent where there is one."""

    def field(self, name: str) -> FieldPlan:
        """Return a field by name."""
        return next(field for field in self.fields if field.name == name)

    def ref_to(self, role: str) -> str | None:
        """Return the first field that refers to a role; None = there is none."""
        found = (f.name for f in self.fields if f.kind == "ref" and f.target == role)
        return next(found, None)

    @property
    def status(self) -> FieldPlan | None:
        """The field of its lifecycle."""
        return next((field for field in self.fields if field.kind == "status"), None)


class Binding(Frozen):
    """A record that an action is about: given by its key, or reached from another binding."""

    role: str
    via: str | None = None
    """`binding.field` whose value is the key; None = an argument gives it."""


class ParameterPlan(Frozen):
    """An argument beside keys."""

    name: str
    kind: Literal["date", "number", "money", "choice", "title"]
    values: tuple[str, ...] = Field(default=(), exclude_if=not_)
    low: int = Field(default=0, exclude_if=not_)
    high: int = Field(default=0, exclude_if=not_)
    step: int = Field(default=1, exclude_if=lambda step: step == 1)
    said: str = ""
    """What it is called in a sentence."""
    joint: str = Field(default="", exclude_if=not_)
    """What leads to it in a sentence: `until`, `by`; empty = as is usual for its kind."""


class Guard(Frozen):
    """A condition for an action. Which parts are used depends on the kind.

    among: `on.field` is one of `values` · flag: `on.field` is `wanted` · most, least: `on.field`
    against `limit` · open_limit, none_open: open records of `entity` whose `ref` is `on`, fewer
    than
    `limit` · ahead: `args.arg` lies `low` to `limit` days from today · notice, elapsed: `on.field`
    at least `limit` days ahead, or past · enough: `on.field` is at least `args.arg` · same, other:
    `on.field` and `with_` are equal, or not · own: `on.field` is the key of `with_` · if_then:
    where `on.field` is one of `values`, `with_` (a flag) is true · sum_cap: the sum of
    `entity.field`
    over records whose `ref` is `on`, and `args.arg`, is at most `with_` · no_clash: no open record
    of `entity` with this `ref` has `args.arg` in `field`.
    """

    kind: GuardKind
    on: str = ""
    field: str = ""
    values: tuple[str, ...] = Field(default=(), exclude_if=not_)
    wanted: bool = Field(default=True, exclude_if=lambda wanted: wanted)
    low: int = Field(default=0, exclude_if=not_)
    limit: int = Field(default=0, exclude_if=not_)
    entity: str = Field(default="", exclude_if=not_)
    ref: str = Field(default="", exclude_if=not_)
    with_: str = Field(default="", exclude_if=not_)
    arg: str = Field(default="", exclude_if=not_)
    by: Literal["world", "agent"] = "world"
    """Who keeps it: the tool refuses, or the policy says so."""
    rule: bool = False
    """Whether the policy states it; what the world refuses without is an obstacle."""


class Effect(Frozen):
    """What an action does.

    create: a record of `entity` with `values` · set: `values` on the binding `on` · add: `on.field`
    changed by `values['by']` · cascade: `values` on all open records of `entity` whose `ref` is
    `on` · delete: the record `on` · later: the effect `entity` comes due at `values['at']`.
    """

    kind: Literal["create", "set", "add", "cascade", "delete", "later"]
    on: str = ""
    entity: str = Field(default="", exclude_if=not_)
    ref: str = Field(default="", exclude_if=not_)
    field: str = Field(default="", exclude_if=not_)
    values: dict[str, str | int | bool | None] = Field(default={}, exclude_if=not_)
    """Field to a literal, or an expression after `=`."""


class Verb(Frozen):
    """How an action is called and spoken of."""

    name: str
    """In tools' names: `check_out`."""
    do: str
    done: str
    joint: str = Field(default="", exclude_if=not_)
    """What leads to a colleague or a thing: `to`; empty = `with`."""


class ActionPlan(Frozen):
    """One workflow tool."""

    name: str
    """Its name within the blueprint."""
    verb: Verb
    subject: str
    """The role that is spoken of: created, or acted on."""
    bindings: dict[str, Binding]
    """By name, in the order in which they can be looked up."""
    parameters: tuple[ParameterPlan, ...] = ()
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...]
    party: str | None = None
    """The binding of who asks; None = a colleague asks."""
    source: str = ""
    """The archetype it is from."""

    @property
    def creates(self) -> str | None:
        """The role of the record that it makes; None = it makes none."""
        return next((e.entity for e in self.effects if e.kind == "create"), None)


class Interface(Frozen):
    """How the tools look from outside: the structure is the same."""

    naming: Literal["snake", "camel", "kebab", "noun_first", "prefixed"] = "snake"
    errors: Literal["codes", "http", "prose"] = "codes"
    lists: Literal["plain", "total", "pages", "envelope"] = "plain"
    ids: Literal["dashed", "long", "numbers"] = "dashed"
    results: Literal["flat", "nested", "brief"] = "flat"
    words: Literal["terse", "plain", "full"] = "plain"
    looking: Literal["list", "search"] = "list"
    """Whether records are found by listing what they lie in, or by a text."""


class Blueprint(Identified):
    """A synthetic domain's structure."""

    name: str
    title: str
    category: tuple[str, ...]
    desk: str
    """Who the assistant works for."""
    entities: tuple[EntityPlan, ...]
    actions: tuple[ActionPlan, ...]
    interface: Interface = Interface()
    archetypes: tuple[str, ...]
    unserved: tuple[tuple[str, str], ...] = ()
    """(what people ask for in vain, where it is done instead)."""
    without: tuple[str, ...] = ()
    """Requests and tools that did not stand their test and are left out."""
    parent: tuple[str, ...] = ()
    """Names of the blueprints it came from."""
    generation: int = 0
    operators: tuple[str, ...] = ()
    """What made it from its parents, the last one last."""
    seed: int = 0

    def entity(self, role: str) -> EntityPlan:
        """Return an entity by role."""
        return next(entity for entity in self.entities if entity.role == role)
