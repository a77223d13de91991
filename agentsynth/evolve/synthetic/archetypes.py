"""Operational archetypes as data: what is kept and what is done about it, without any nouns.

An archetype names roles (people, places, things, records) and actions over them. A role with `host`
is found in the domain it is added to, if there is one of its sort. Guards and effects are those of
`blueprint`; options are drawn when a domain is made.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, TypeAdapter

from agentsynth.core.frozen import Frozen
from agentsynth.evolve.synthetic.blueprint import (
    Effect,
    FieldPlan,
    Guard,
    ParameterPlan,
    Sort,
    Verb,
)
from agentsynth.worlds.files import Loaded, load_yaml, validate

__all__ = [
    "Archetype",
    "ArchetypeAction",
    "Role",
    "Trait",
    "archetypes",
    "load_archetypes",
    "traits",
    "verbs",
]

_DATA = Path(__file__).with_name("data")


class Role(Frozen):
    """A table of an archetype."""

    sort: Sort
    host: bool = False
    """True = a table of this sort that is there already takes the role."""
    nouns: tuple[tuple[str, str], ...] = ()
    """What its records may be called (one, many); empty = as the vocabulary says for its sort."""
    parent: str | None = None
    refs: tuple[str, ...] = ()
    maybe: tuple[str, ...] = ()
    """Roles that a record refers to or not; a host is given these too."""
    known_by: tuple[str, ...] = ()
    """Roles and fields; empty = as is usual for its sort."""
    status: tuple[str, ...] = ()
    """The lifecycle, the first being what a new record is in."""
    open: tuple[str, ...] = ()
    busy: tuple[str, str] | None = None
    fields: tuple[FieldPlan, ...] = ()
    titles: tuple[str, ...] = ()
    """For records, lines and things that are known by a title: the stock of them."""


class ArchetypeAction(Frozen):
    """An action of an archetype."""

    verbs: tuple[str, ...] = Field(min_length=1)
    """Names of verbs, of which one is drawn."""
    subject: str
    takes: tuple[str, ...]
    """Roles whose records are given by their keys, the subject among them unless it is created."""
    reaches: dict[str, str] = {}
    """Role to `role.field` by which it is reached from another."""
    party: bool = False
    """Whether the party is who asks."""
    args: tuple[ParameterPlan, ...] = ()
    guards: tuple[Guard, ...] = ()
    options: tuple[Guard, ...] = ()
    """Guards of which some are drawn."""
    effects: tuple[Effect, ...] = Field(min_length=1)
    chance: int = 100
    """Percent of domains that have it."""


class Archetype(Frozen):
    """A way in which something is run."""

    name: str
    kind: Literal["core", "module"] = "core"
    """`module` = only added to what is there."""
    roles: dict[str, Role]
    actions: tuple[ArchetypeAction, ...] = Field(min_length=1)


class Trait(Frozen):
    """A field that records of a sort may have."""

    sorts: tuple[Sort, ...]
    field: FieldPlan


@lru_cache(maxsize=1)
def archetypes() -> dict[str, Archetype]:
    """Return the bundled archetypes by name."""
    found: dict[str, Archetype] = {}
    for path in sorted((_DATA / "archetypes").glob("*.yaml")):
        found |= load_archetypes(path)
    return found


def load_archetypes(path: Path) -> dict[str, Archetype]:
    """Return the archetypes in a YAML file: a list of them.

    Raises:
        UserError: with file, line and field, for every mistake.
    """
    loaded = load_yaml(path)
    return {one.name: one for one in (_checked(loaded, n) for n in range(len(loaded.value)))}


def _checked(loaded: Loaded, number: int) -> Archetype:
    part = Loaded(loaded.file, loaded.value[number], _below(loaded.lines, number))
    return validate(Archetype, part)


def _below(lines: Any, number: int) -> Any:
    return {path[1:]: line for path, line in lines.items() if path and path[0] == number}


@lru_cache(maxsize=1)
def verbs() -> dict[str, Verb]:
    """Return the verbs that actions are called by."""
    spoken: Any = load_yaml(_DATA / "verbs.yaml").value
    return {
        name: Verb(name=name, do=do, done=done, joint=joint[0] if joint else "")
        for name, (do, done, *joint) in spoken.items()
    }


@lru_cache(maxsize=1)
def traits() -> tuple[Trait, ...]:
    """Return the fields that may be added to any table of a sort."""
    return TypeAdapter(tuple[Trait, ...]).validate_python(load_yaml(_DATA / "traits.yaml").value)
