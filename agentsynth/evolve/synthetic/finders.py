"""How the records of an action are drawn, told by people, and found again with the tools."""

from dataclasses import dataclass, field
from typing import Any

from agentsynth.evolve.synthetic.blueprint import (
    ActionPlan,
    Blueprint,
    EntityPlan,
    FieldPlan,
    ParameterPlan,
)
from agentsynth.evolve.synthetic.interface import Outside

__all__ = ["Finder", "Told", "slot_for"]


def slot_for(blueprint: Blueprint, action: ActionPlan, parameter: ParameterPlan) -> str:
    """Return the slot of an argument: its name, with the action's where others mean otherwise."""
    alike = (p for a in blueprint.actions for p in a.parameters if p.name == parameter.name)
    only = all(p.model_copy(update=_ANY) == parameter.model_copy(update=_ANY) for p in alike)
    return parameter.name if only else f"{parameter.name}_of_{action.name}"


_ANY = {"joint": "", "low": 0, "high": 0, "step": 1}


@dataclass(frozen=True)
class Told:
    """One thing that the user knows."""

    slot: str
    entity: EntityPlan
    field: FieldPlan
    is_self: bool
    """Whether it is who the user is."""
    binding: str
    """The record it is about."""


@dataclass
class Finder:
    """What one request draws, knows and looks up, as it grows."""

    blueprint: Blueprint
    action: ActionPlan | None = None
    draw: dict[str, Any] = field(default_factory=dict[str, Any])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    told: list[Told] = field(default_factory=list[Told])
    entries: dict[str, str] = field(default_factory=dict[str, str])
    """Binding to the path of its key, once it is found."""
    shown: dict[str, str] = field(default_factory=dict[str, str])
    """Binding to the path of the record in a result that shows all of it."""
    roles: dict[str, str] = field(default_factory=dict[str, str])
    """Name of what is drawn to its role."""

    def __post_init__(self) -> None:
        self.out = Outside(self.blueprint)

    # drawing

    def drawn(self, name: str, role: str, spec: dict[str, Any]) -> None:
        """Draw a record."""
        self.draw[name] = {"record": self.blueprint.entity(role).noun.name, **spec}
        self.roles[name] = role

    def surroundings(self, name: str) -> None:
        """Draw what people name a record by: what it lies in, whose it is."""
        entity = self.blueprint.entity(self.roles[name])
        for known in self._by(entity):
            plan = entity.field(known)
            if plan.kind == "ref" and plan.target is not None:
                other = self._drawn_as(plan.target, f"{name}.{known}")
                if other is None:
                    other = f"{name}_{plan.target}"
                    self.drawn(other, plan.target, {"where": {"id": f"={name}.{known}"}})
                self.surroundings(other)

    def _by(self, entity: EntityPlan) -> tuple[str, ...]:
        """Return the fields by which people name a record; what it lies in comes first."""
        above = entity.ref_to(entity.parent) if entity.parent is not None else None
        first = (above,) if above is not None and above not in entity.known_by else ()
        return (*first, *entity.known_by)

    def _drawn_as(self, role: str, source: str) -> str | None:
        """Return the name under which the record at a path is drawn already."""
        for name, spec in self.draw.items():
            if self.roles.get(name) == role and spec.get("where", {}).get("id") == f"={source}":
                return name
        return None

    # knowing and finding

    def find(self, name: str, *, is_self: bool = False) -> str:
        """Add the facts and calls by which a record is found; return the path of its key."""
        if name in self.entries:
            return self.entries[name]
        entity = self.blueprint.entity(self.roles[name])
        where: dict[str, Any] = {}
        arguments: dict[str, Any] = {}
        for known in self._by(entity):
            plan = entity.field(known)
            if plan.kind == "ref" and plan.target is not None:
                other = self._drawn_as(plan.target, f"{name}.{known}")
                assert other is not None  # drawn with the surroundings
                path = self.find(other, is_self=self._is_self(other))
                target = self.blueprint.entity(plan.target)
                arguments[self.out.id_of(target)] = f"@{path}"
                where[self.out.key(known)] = f"@{path}"
            else:
                slot = self._tell(name, entity, plan, is_self=is_self)
                where[self.out.key(known)] = f"${slot}"
        if self.out.searched(entity):
            sought = "name" if entity.sort == "party" else entity.known_by[-1]
            slot = self._tell(name, entity, entity.field(sought), is_self=is_self)
            arguments["query"] = f"${slot}"
        call: dict[str, Any] = {"call": self.out.lister(entity), "args": arguments}
        call["as"] = self._named(f"{name}_list")
        if entity.sort in ("party", "place", "staff"):
            call["stable"] = True
        self.steps.append(call)
        pick = {"pick": f"{name}_entry", "from": f"{call['as']}.{self.out.items(entity)}"}
        self.steps.append({**pick, "where": where})
        self.entries[name] = f"{name}_entry.id"
        return self.entries[name]

    def _is_self(self, name: str) -> bool:
        action = self.action
        return action is not None and action.party == name

    def _named(self, name: str) -> str:
        return name

    def _tell(self, name: str, entity: EntityPlan, plan: FieldPlan, *, is_self: bool) -> str:
        """Return the slot of a fact, taken in."""
        slot = self.slot_of(entity, plan, is_self=is_self)
        if slot in self.facts and self.facts[slot] != f"={name}.{plan.name}":
            binding = self.action.bindings.get(name) if self.action is not None else None
            given = binding is not None and binding.via is None
            slot = f"{'new' if given else 'other'}_{slot}"
        if slot not in self.facts:
            self.facts[slot] = f"={name}.{plan.name}"
            self.told.append(Told(slot, entity, plan, is_self, name))
        return slot

    def slot_of(self, entity: EntityPlan, plan: FieldPlan, *, is_self: bool) -> str:
        """Return the name of a fact's slot."""
        if is_self:
            return "email" if plan.kind == "email" else "full_name"
        return f"{entity.noun.name}_{plan.name}"

    # looking closely

    def look(self, name: str) -> str:
        """Add the call that shows all of a record; return the path of the record in its result."""
        if name not in self.shown:
            entity = self.blueprint.entity(self.roles[name])
            path = self.find(name)
            self.got(name, entity, path)
        return self.shown[name]

    def got(self, name: str, entity: EntityPlan, path: str) -> None:
        """Add the call that shows the record whose key is at a path."""
        call = {"call": self.out.getter(entity), "args": {self.out.id_of(entity): f"@{path}"}}
        self.steps.append({**call, "as": f"{name}_seen"})
        place = self.out.record_at(entity)
        self.shown[name] = f"{name}_seen.{place}" if place else f"{name}_seen"
