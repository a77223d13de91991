"""Guards and effects that fit an action, found by the types of the records it is about.

This is where structural variety comes from: an action of an archetype is the same everywhere, what
it depends on and what it brings about is not.
"""

import random
from collections.abc import Iterator, Sequence

from agentsynth.evolve.synthetic.blueprint import (
    ActionPlan,
    Blueprint,
    Effect,
    EntityPlan,
    FieldPlan,
    Guard,
)

__all__ = ["deepened", "fitting_effects", "fitting_guards", "with_rules"]

_MOST_GUARDS = 6
_MOST_EFFECTS = 5


def deepened(
    blueprint: Blueprint,
    rng: random.Random,
    *,
    guards: int,
    effects: int,
    among: Sequence[str] = (),
) -> Blueprint:
    """Return the blueprint with further guards and effects on its actions.

    Args:
        guards: how many more in all.
        effects: how many more in all.
        among: names of the actions that may get them; empty = all.
    """
    actions = {action.name: action for action in blueprint.actions}
    names = [name for name in actions if not among or name in among]
    for _ in range(guards):
        name = rng.choice(names)
        found = list(fitting_guards(blueprint, actions[name]))
        if found and len(actions[name].guards) < _MOST_GUARDS:
            more = _kept_by(rng.choice(_balanced(found, rng)), rng)
            actions[name] = actions[name].model_copy(
                update={"guards": (*actions[name].guards, more)}
            )
    for _ in range(effects):
        name = rng.choice(names)
        own = list(fitting_effects(blueprint, actions[name]))
        if own and len(actions[name].effects) < _MOST_EFFECTS:
            added = (*actions[name].effects, rng.choice(own))
            actions[name] = actions[name].model_copy(update={"effects": added})
    return blueprint.model_copy(update={"actions": tuple(actions.values())})


def with_rules(blueprint: Blueprint, rng: random.Random) -> Blueprint:
    """Return the blueprint with at least half of its policy left to the agent to keep."""
    rules = [
        (action.name, place)
        for action in blueprint.actions
        for place, guard in enumerate(action.guards)
        if guard.rule and guard.by == "world"
    ]
    mine = sum(g.rule and g.by == "agent" for action in blueprint.actions for g in action.guards)
    rng.shuffle(rules)
    mine += 1 + any(action.party is not None for action in blueprint.actions)  # confirm, identity
    handed = set(rules[: max(0, (len(rules) - mine + 1) // 2)])
    actions = [
        action.model_copy(
            update={
                "guards": tuple(
                    guard.model_copy(update={"by": "agent"})
                    if (action.name, place) in handed
                    else guard
                    for place, guard in enumerate(action.guards)
                )
            }
        )
        for action in blueprint.actions
    ]
    return blueprint.model_copy(update={"actions": tuple(actions)})


def _kept_by(guard: Guard, rng: random.Random) -> Guard:
    by = "agent" if rng.random() < 0.5 else "world"
    return guard.model_copy(update={"by": by, "rule": by == "agent" or rng.random() < 0.6})


def _balanced(guards: Sequence[Guard], rng: random.Random) -> list[Guard]:
    """Return the guards of one kind, drawn evenly over the kinds: fields outnumber everything."""
    kind = rng.choice(sorted({guard.kind for guard in guards}))
    return [guard for guard in guards if guard.kind == kind]


# -- guards ----------------------------------------------------------------------------------------


def fitting_guards(blueprint: Blueprint, action: ActionPlan) -> Iterator[Guard]:
    """Yield the guards that an action could have beside those that it has."""
    taken = {(g.on, g.field) for g in action.guards if g.field}
    counting = {(g.on, g.entity) for g in action.guards if g.entity}
    for name, binding in action.bindings.items():
        entity = blueprint.entity(binding.role)
        for field in entity.fields:
            if (name, field.name) not in taken:
                yield from _on_field(name, entity, field)
        yield from _on_records(blueprint, action, name, counting)
    yield from _between(blueprint, action, taken)


def _on_field(name: str, entity: EntityPlan, field: FieldPlan) -> Iterator[Guard]:
    middle = (field.low + field.high) // 2
    match field.kind:
        case "flag":
            yield Guard(kind="flag", on=name, field=field.name, wanted=field.share >= 50)
        case "choice" if len(field.values) > 2:
            yield Guard(kind="among", on=name, field=field.name, values=field.values[:-1])
            yield Guard(kind="among", on=name, field=field.name, values=field.values[:2])
        case "number" | "count":
            yield Guard(kind="most", on=name, field=field.name, limit=middle)
            if entity.sort != "party":
                yield Guard(kind="least", on=name, field=field.name, limit=max(1, middle // 2))
        case "money" if entity.sort == "party":
            yield Guard(kind="most", on=name, field=field.name, limit=field.low)
        case "money":
            steps = (field.high - field.low) // field.step
            limit = field.low + field.step * (2 * steps // 3)
            yield Guard(kind="most", on=name, field=field.name, limit=limit)
        case "date" if field.low < -20 and field.high < 0:
            yield Guard(kind="elapsed", on=name, field=field.name, limit=-field.high + 6)
        case "date" if field.high > 10:
            yield Guard(kind="notice", on=name, field=field.name, limit=max(1, field.high // 8))
        case _:
            pass


def _on_records(
    blueprint: Blueprint, action: ActionPlan, name: str, counting: set[tuple[str, str]]
) -> Iterator[Guard]:
    """Yield guards over the open records that belong to a binding."""
    role = action.bindings[name].role
    acted_on = {binding.role for binding in action.bindings.values()}
    for entity in blueprint.entities:
        ref = entity.ref_to(role)
        if ref is None or not entity.open_states or (name, entity.role) in counting:
            continue
        if entity.role in acted_on:
            continue  # the record that is acted on would count itself
        busy = entity.busy is not None and entity.busy[0] == role
        sort = blueprint.entity(role).sort
        if sort == "party":
            yield Guard(kind="open_limit", on=name, entity=entity.role, ref=ref, limit=2)
        if not busy and sort in ("thing", "party") and entity.role != action.creates:
            yield Guard(kind="none_open", on=name, entity=entity.role, ref=ref)


def _between(
    blueprint: Blueprint, action: ActionPlan, taken: set[tuple[str, str]]
) -> Iterator[Guard]:
    """Yield guards over two of an action's records."""
    for name, binding in action.bindings.items():
        entity = blueprint.entity(binding.role)
        for other, their in action.bindings.items():
            if name == other or their.role == binding.role:
                continue
            for field in entity.fields:
                if field.kind != "choice" or (name, field.name) in taken:
                    continue
                for flag in blueprint.entity(their.role).fields:
                    if flag.kind == "flag" and (other, flag.name) not in taken:
                        values = field.values[-1:]
                        yield Guard(
                            kind="if_then", on=name, field=field.name, values=values,
                            with_=f"{other}.{flag.name}",
                        )  # fmt: skip
                    elif flag.kind == "choice" and flag.values == field.values and name < other:
                        with_ = f"{other}.{flag.name}"
                        yield Guard(kind="same", on=name, field=field.name, with_=with_)


# -- effects ---------------------------------------------------------------------------------------


def fitting_effects(blueprint: Blueprint, action: ActionPlan) -> Iterator[Effect]:
    """Yield the effects that an action could have beside those that it has."""
    written = {
        (effect.on, field)
        for effect in action.effects
        for field in (*effect.values, effect.field)
        if effect.kind in ("set", "add")
    }
    gone = {effect.on for effect in action.effects if effect.kind == "delete"}
    for name, binding in action.bindings.items():
        if name in gone:
            continue
        entity = blueprint.entity(binding.role)
        for field in entity.fields:
            if (name, field.name) not in written and not _is_looked_at(action, name, field):
                yield from _on_one(name, field)
        yield from _on_many(blueprint, action, name)


def _is_looked_at(action: ActionPlan, name: str, field: FieldPlan) -> bool:
    return any(g.on == name and g.field == field.name for g in action.guards)


def _on_one(name: str, field: FieldPlan) -> Iterator[Effect]:
    match field.kind:
        case "count":
            yield Effect(kind="add", on=name, field=field.name, values={"by": 1})
        case "flag":
            yield Effect(kind="set", on=name, values={field.name: field.share < 50})
        case "date" if field.high < 0:
            yield Effect(kind="set", on=name, values={field.name: "=today"})
        case "choice":
            yield Effect(kind="set", on=name, values={field.name: field.values[-1]})
        case _:
            pass


def _on_many(blueprint: Blueprint, action: ActionPlan, name: str) -> Iterator[Effect]:
    """Yield effects on everything open that belongs to a record."""
    role = action.bindings[name].role
    acted_on = {binding.role for binding in action.bindings.values()}
    cascaded = {effect.entity for effect in action.effects if effect.kind == "cascade"}
    for entity in blueprint.entities:
        ref = entity.ref_to(role)
        if ref is None or entity.role in acted_on | cascaded or entity.role == action.creates:
            continue
        if blueprint.entity(role).sort not in ("thing", "record", "party") or entity.busy:
            continue
        for field in entity.fields:
            if field.kind == "flag":
                values: dict[str, str | int | bool | None] = {field.name: field.share < 50}
                yield Effect(kind="cascade", on=name, entity=entity.role, ref=ref, values=values)
