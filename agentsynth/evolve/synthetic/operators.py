"""Evolution operators: each makes another blueprint from one or two, and says what it did.

specialise gives a table a field that a special branch of a trade needs, with a rule on it; graft
adds
an archetype: another core one (combine), or a module (a workflow, with or without a table of its
own);
add_policy adds a rule that the agent keeps, deepen_tool guards and effects, change_interface how it
looks from outside.
"""

import random
from collections.abc import Callable, Mapping
from typing import Any, get_args

from agentsynth.evolve.synthetic.archetypes import archetypes, traits
from agentsynth.evolve.synthetic.blueprint import Blueprint, EntityPlan, Guard, Interface
from agentsynth.evolve.synthetic.deepen import deepened, fitting_guards
from agentsynth.evolve.synthetic.fresh import fresh_value
from agentsynth.evolve.synthetic.grow import graft
from agentsynth.evolve.synthetic.vocabulary import Vocabulary

__all__ = ["OPERATORS", "Operator", "restyled"]

Operator = Callable[[Blueprint, Vocabulary, random.Random, str | None], Blueprint]
"""The last argument is what is grafted, None for the others. Raises ValueError where
it does not fit."""


def restyled(blueprint: Blueprint, rng: random.Random) -> Blueprint:
    """Return the blueprint with another interface, drawn part by part."""
    drawn: dict[str, Any] = {
        name: rng.choice(get_args(field.annotation))
        for name, field in Interface.model_fields.items()
    }
    return blueprint.model_copy(update={"interface": Interface(**drawn)})


def _change_interface(
    blueprint: Blueprint, words: Vocabulary, rng: random.Random, what: str | None
) -> Blueprint:
    del words, what
    return restyled(blueprint, rng)


def _graft(
    blueprint: Blueprint, words: Vocabulary, rng: random.Random, what: str | None
) -> Blueprint:
    """Graft another archetype onto the same people, places and things."""
    assert what is not None  # the plan names it
    return graft(blueprint, archetypes()[what], words, rng)


def _add_policy(
    blueprint: Blueprint, words: Vocabulary, rng: random.Random, what: str | None
) -> Blueprint:
    """Add one rule that nothing but the agent keeps."""
    del words, what
    able = [
        (action.name, guard)
        for action in blueprint.actions
        if len(action.guards) < 5
        for guard in fitting_guards(blueprint, action)
    ]
    if not able:
        raise ValueError("no rule fits")
    name, guard = rng.choice(able)
    return _with_guard(blueprint, name, guard.model_copy(update={"by": "agent", "rule": True}))


def _with_guard(blueprint: Blueprint, name: str, guard: Guard) -> Blueprint:
    actions = tuple(
        action.model_copy(update={"guards": (*action.guards, guard)})
        if action.name == name
        else action
        for action in blueprint.actions
    )
    return blueprint.model_copy(update={"actions": actions})


def _deepen_tool(
    blueprint: Blueprint, words: Vocabulary, rng: random.Random, what: str | None
) -> Blueprint:
    del words, what
    chosen = rng.choice(blueprint.actions).name
    return deepened(blueprint, rng, guards=rng.randint(1, 2), effects=1, among=[chosen])


def _specialise(
    blueprint: Blueprint, words: Vocabulary, rng: random.Random, what: str | None
) -> Blueprint:
    """Narrow a domain: a table gets a field that a special branch of it needs, and a rule."""
    del words, what
    entity = rng.choice([e for e in blueprint.entities if e.sort in ("party", "thing", "record")])
    known = {field.name for field in entity.fields}
    able = [t.field for t in traits() if entity.sort in t.sorts and t.field.name not in known]
    if not able:
        raise ValueError("no field is left")
    field = rng.choice(able)
    wider = entity.model_copy(update={"fields": (*entity.fields, field)})
    made = _with_entity(blueprint, wider)
    for action in made.actions:
        found = [
            g for g in fitting_guards(made, action)
            if g.field == field.name and action.bindings[g.on].role == entity.role
        ]  # fmt: skip
        if found and len(action.guards) < 6:
            by = rng.choice(("agent", "world"))
            rule = rng.choice(found).model_copy(update={"by": by, "rule": True})
            return _with_guard(made, action.name, rule)
    raise ValueError("nothing can depend on the new field")


def _with_entity(blueprint: Blueprint, entity: EntityPlan) -> Blueprint:
    """Return the blueprint with a table replaced, and its new fields set where it is created."""
    entities = tuple(entity if e.role == entity.role else e for e in blueprint.entities)
    before = {field.name for field in blueprint.entity(entity.role).fields}
    fresh = [field for field in entity.fields if field.name not in before]
    actions = []
    for action in blueprint.actions:
        effects = tuple(
            effect.model_copy(update={"values": {**effect.values, **_fresh(fresh)}})
            if effect.kind == "create" and effect.entity == entity.role
            else effect
            for effect in action.effects
        )
        actions.append(action.model_copy(update={"effects": effects}))
    return blueprint.model_copy(update={"entities": entities, "actions": tuple(actions)})


def _fresh(fields: list[Any]) -> dict[str, Any]:
    return {field.name: fresh_value(field) for field in fields}


OPERATORS: Mapping[str, Operator] = {
    "graft": _graft,
    "specialise": _specialise,
    "add_policy": _add_policy,
    "deepen_tool": _deepen_tool,
    "change_interface": _change_interface,
}
