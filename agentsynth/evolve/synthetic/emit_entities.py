"""Entities of a synthetic domain with plausible seed records."""

from collections.abc import Mapping
from typing import Any

from agentsynth.core.ids import derive_seed
from agentsynth.evolve.synthetic.blueprint import Blueprint, EntityPlan, FieldPlan
from agentsynth.evolve.synthetic.interface import Outside

__all__ = ["entities_of"]

_TYPES = {
    "name": "string", "email": "string", "label": "string", "title": "string", "ref": "string",
    "reference": "string", "status": "enum", "choice": "enum", "flag": "boolean",
    "number": "integer", "money": "money", "date": "date", "count": "integer",
}  # fmt: skip
REGULARS = 8
"""People who ask often: in good standing, and some of them at a limit."""


def entities_of(blueprint: Blueprint, names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the `entities` of domain.yaml, in an order in which they can be generated.

    Args:
        names: first and last names of people, under `first` and `last`.
    """
    making = _Making(blueprint, names)
    return {entity.noun.name: making.entity(entity) for entity in _ordered(blueprint)}


def _ordered(blueprint: Blueprint) -> list[EntityPlan]:
    """Return the entities with those that they refer to before them."""
    done: list[EntityPlan] = []
    waiting = list(blueprint.entities)
    while waiting:
        known = {entity.role for entity in done}
        ready = [
            e for e in waiting
            if all(f.target in known for f in e.fields if f.kind == "ref" and f.target != e.role)
        ]  # fmt: skip
        if not ready:
            raise ValueError(f"{blueprint.name}: entities refer to one another in a circle")
        done += ready
        waiting = [entity for entity in waiting if entity not in ready]
    return done


class _Making:
    def __init__(self, blueprint: Blueprint, names: Mapping[str, tuple[str, ...]]) -> None:
        self.blueprint = blueprint
        self.names = names
        self.out = Outside(blueprint)

    def entity(self, entity: EntityPlan) -> dict[str, Any]:
        made: dict[str, Any] = {"id_pattern": self.out.id_pattern(entity)}
        made["natural_key"] = list(entity.known_by)
        made["fields"] = {"id": {"type": "string"}}
        for field in entity.fields:
            made["fields"][field.name] = self._type(field)
        made["generate"] = self._generated(entity)
        return made

    def _type(self, field: FieldPlan) -> dict[str, Any]:
        made: dict[str, Any] = {"type": _TYPES[field.kind]}
        if field.kind in ("status", "choice"):
            made["values"] = list(field.values)
        if field.kind == "ref":
            assert field.target is not None
            made["ref"] = self.blueprint.entity(field.target).noun.name
        if field.nullable:
            made["nullable"] = True
        if field.said:
            made["description"] = f"{field.said[0].upper()}{field.said[1:]}."
        return made

    def _generated(self, entity: EntityPlan) -> dict[str, Any]:
        above = self._above(entity)
        made: dict[str, Any] = {"count": entity.many}
        if above is not None:
            made["for_each"] = above.noun.name
        fields: dict[str, Any] = {"id": f"={self.out.seed_key(entity, 'n')}"}
        for field in entity.fields:
            fields[field.name] = self._value(entity, field, above)
        return {**made, "fields": fields}

    def _above(self, entity: EntityPlan) -> EntityPlan | None:
        """Return the entity that it has records for: what it lies in, or what it keeps busy."""
        role = entity.parent or (entity.busy[0] if entity.busy is not None else None)
        return self.blueprint.entity(role) if role is not None else None

    def _value(  # noqa: C901
        self, entity: EntityPlan, field: FieldPlan, above: EntityPlan | None
    ) -> Any:
        drawn = derive_seed("seed", self.blueprint.name, entity.role, field.name)
        match field.kind:
            case "name" if entity.sort in ("party", "staff"):
                first, last = self.names["first"], self.names["last"]
                half = (0, None) if entity.sort == "party" else (1, None)
                return {"names": {"first": list(first[half[0] :: 2]), "last": list(last)}}
            case "name" | "title" | "label":
                return {"cycle": list(field.values)}
            case "email":
                return {"text": "{name|slug}@postbox.example"}
            case "reference":
                return f"='{entity.code}' + string({1000 + drawn % 8000} + n * 7)"
            case "ref":
                return self._reference(entity, field, above)
            case "status":
                return self._status(entity, field, above)
            case "choice":
                shift = drawn % len(field.values)
                values = [*field.values[shift:], *field.values[:shift]]
                return {"pick": values} if drawn % 2 else {"cycle": values}
            case "flag":
                chance = {"chance": field.share / 100}
                if entity.sort != "party":
                    return chance
                return {"if": f"n < {REGULARS}", "then": True, "else": chance}
            case "number" | "count":
                return {"int": [field.low, field.high], "step": field.step}
            case "money":
                spread = max(1, (field.high - field.low) // field.step)
                if entity.sort == "party":
                    worth = [field.low + field.step * ((drawn + i * 3) % spread) for i in range(3)]
                    owed = {"pick": [0, *worth], "weights": [70, 10, 10, 10]}
                    return {"if": f"n < {REGULARS}", "then": 0, "else": owed}
                factor = next(f for f in (7, 11, 13, 5, 17) if spread % f)
                return f"={field.low} + {field.step} * ((n * {factor}) % {spread})"
            case "date":
                return {"days": [field.low, field.high]}

    def _reference(self, entity: EntityPlan, field: FieldPlan, above: EntityPlan | None) -> Any:
        assert field.target is not None
        target = self.blueprint.entity(field.target)
        if above is not None and target.role == above.role:
            return f"={above.noun.name}.id"
        via = above.ref_to(target.role) if above is not None else None
        if above is not None and via is not None and not above.field(via).nullable:
            return f"={above.noun.name}.{via}"  # where the thing is, the record is
        index = self._spread(entity, field, self._size(target))
        if target.sort == "party" and entity.known_by != (field.name,):
            most = max([2, *(g.limit for a in self.blueprint.actions for g in a.guards
                             if g.kind == "open_limit" and g.entity == entity.role)])  # fmt: skip
            rest = self._size(target) - REGULARS
            often = f"(n / {2 * most}) % {REGULARS}"
            index = f"n % 2 == 0 ? {often} : {REGULARS} + (n * 5) % {rest}"
        made = f"={self.out.seed_key(target, index)}"
        return {"if": "n % 3 == 0", "then": None, "else": made} if field.nullable else made

    def _spread(self, entity: EntityPlan, field: FieldPlan, size: int) -> str:
        """Return which record is referred to: others together for each record of this table."""
        before = 1
        for name in entity.known_by:
            if name == field.name and before > 1:
                return f"(n / {before} + n) % {size}"
            target = entity.field(name).target
            if target is not None and self.blueprint.entity(target).sort != "party":
                before *= self._size(self.blueprint.entity(target))
        return f"(n * 7) % {size}"

    def _size(self, entity: EntityPlan) -> int:
        above = self._above(entity)
        return entity.many * (self._size(above) if above is not None else 1)

    def _status(self, entity: EntityPlan, field: FieldPlan, above: EntityPlan | None) -> Any:
        values = list(field.values)
        if entity.busy is not None and above is not None:
            open_ = [value for value in values if value in entity.open_states]
            closed = [value for value in values if value not in entity.open_states]
            busy = f"{above.noun.name}.status == '{entity.busy[1]}'"
            return {"if": busy, "then": {"pick": open_}, "else": {"pick": closed or open_}}
        weights = [max(2, 10 - 3 * place) for place in range(len(values))]
        if entity.sort in ("line", "entry"):  # mostly settled, so that what they lie in may end
            weights = [3 if value in entity.open_states else 5 for value in values]
        pick = {"pick": values, "weights": weights}
        if entity.sort == "party":
            return {"if": f"n < {REGULARS}", "then": values[0], "else": pick}
        if entity.sort == "record":
            open_ = [value for value in values if value in entity.open_states] or values
            return {"if": "n % 2 == 0", "then": {"pick": open_}, "else": {"pick": values}}
        kept = [e.busy[1] for e in self.blueprint.entities if e.busy and e.busy[0] == entity.role]
        if kept:
            return {"if": "n % 2 == 0 && n % 3 != 0", "then": kept[0], "else": pick}
        return pick
