"""Contracts of a synthetic domain's tools: what each promises, read off the blueprint.

Written apart from the steps, and from the meaning of guards and effects: they share no code with
`emit_tools` but the outside names.
"""

from typing import Any

from agentsynth.evolve.synthetic.blueprint import ActionPlan, Blueprint, Effect, EntityPlan
from agentsynth.evolve.synthetic.conditions import breaks, count_name, counted_in_contract
from agentsynth.evolve.synthetic.emit_tools import (
    PAGE,
    counts_shown,
    key_parameter,
    list_filters,
    outside_value,
)
from agentsynth.evolve.synthetic.interface import Outside
from agentsynth.evolve.synthetic.wording import Wording

__all__ = ["contracts_of"]


def contracts_of(blueprint: Blueprint, wording: Wording) -> dict[str, Any]:
    """Return contracts.yaml."""
    out = Outside(blueprint)
    tools: dict[str, Any] = {}
    for entity in blueprint.entities:
        tools[out.lister(entity)] = _lister(blueprint, out, entity)
        tools[out.getter(entity)] = _getter(blueprint, out, entity)
    for action in blueprint.actions:
        tools[out.action(action)] = _action(blueprint, out, action, wording)
    return {"schema_version": 1, "tools": tools}


def _getter(blueprint: Blueprint, out: Outside, entity: EntityPlan) -> dict[str, Any]:
    parameter = out.id_of(entity)
    given: dict[str, Any] = {"one": {"record": entity.noun.name, "key": f"=args.{parameter}"}}
    place = out.record_at(entity)
    head = f"{place}." if place else ""
    returns: dict[str, Any] = {f"{head}id": f"=args.{parameter}"}
    for field in entity.fields:
        returns[f"{head}{out.key(field.name)}"] = f"=one.{field.name}"
    for guard in counts_shown(blueprint, entity.role):
        found = counted_in_contract(guard.model_copy(update={"on": "one"}), blueprint)
        name = count_name(guard, blueprint)
        returns[f"{head}{out.key(name)}"] = dict(found)[name]
    for key, (target, field, own) in out.named(entity).items():
        given[f"{target.noun.name}_of"] = {"record": target.noun.name, "key": f"=one.{field}"}
        returns[f"{head}{key}"] = f"={target.noun.name}_of.{own}"
    returns[f"{head}{out.key('as_of')}"] = "=today"
    errors = {f"{entity.noun.name}_not_found": "one == null"}
    return {"given": given, "errors": errors, "returns": returns, "idempotent": True}


def _lister(blueprint: Blueprint, out: Outside, entity: EntityPlan) -> dict[str, Any]:
    """Return the contract of a list: exactly the records that every given filter fits."""
    fits: list[str] = []
    if out.searched(entity):
        field = "name" if entity.sort == "party" else entity.known_by[-1]
        fits.append(f"lower(it.{field}).contains(lower(args.query))")
    for target in list_filters(blueprint, entity):
        parameter = f"args.{out.id_of(target)}"
        fits.append(f"({parameter} == null || it.{entity.ref_to(target.role)} == {parameter})")
    if entity.status is not None:
        fits.append("(args.status == null || it.status == args.status)")
    shown: dict[str, Any] = {"id": "=it.id"}
    shown |= {out.key(field.name): f"=it.{field.name}" for field in entity.fields}
    rows: dict[str, Any] = {"rows": entity.noun.name, "show": shown}
    for key, (target, field, own) in out.named(entity).items():
        rows.setdefault("join", {})[f"of_{target.noun.name}"] = field
        shown[key] = f"=it.of_{target.noun.name}.{own}"
    count: dict[str, Any] = {"count": entity.noun.name}
    if fits:
        rows["if"] = count["if"] = " && ".join(fits)
    items = out.items(entity)
    made: dict[str, Any] = {"returns": {items: rows}, "idempotent": True}
    if out.style.lists in ("total", "envelope"):
        made["returns"]["total"] = count
    if out.style.lists == "pages":
        rows["order"] = ["id"]
        made["errors"] = {"bad_cursor": "args.cursor != null"}
        made["pages"] = {"cursor": "cursor", "next": "next_cursor", "items": items, "size": PAGE}
    return made


def _action(
    blueprint: Blueprint, out: Outside, action: ActionPlan, wording: Wording
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    errors: dict[str, str] = {}
    reached: list[str] = []
    for name, binding in action.bindings.items():
        entity = blueprint.entity(binding.role)
        if binding.via is None:
            key = f"args.{key_parameter(out, entity, name, action)}"
        else:
            key = binding.via
        given[name] = {"record": entity.noun.name, "key": f"={key}"}
        if binding.via is not None:
            continue
        code = f"{entity.noun.name}_not_found"
        gone = " && ".join([*(f"{one} != null" for one in reached), f"{name} == null"])
        errors[code] = f"({errors[code]}) || ({gone})" if code in errors else gone
        reached.append(name)
    everything = " && ".join(f"{name} != null" for name in action.bindings)
    for guard in action.guards:
        if guard.by == "world":
            said = guard.model_copy(update={"arg": out.key(guard.arg)}) if guard.arg else guard
            given |= counted_in_contract(said, blueprint)
            errors[wording.code(action, guard)] = f"{everything} && ({breaks(said, blueprint)})"
    made: dict[str, Any] = {"given": given, "errors": errors}
    made["effects"] = [_effect(blueprint, out, action, effect, given) for effect in _folded(action)]
    made["returns"] = _returns(blueprint, out, action)
    return made


def _folded(action: ActionPlan) -> list[Effect]:
    """Return the effects, those on one record together: a contract says what is there at the end."""
    kept: list[Effect] = []
    for effect in action.effects:
        if effect.kind == "add":
            by = str(effect.values["by"]).removeprefix("=")
            total: dict[str, str | int | bool | None] = {
                effect.field: f"={effect.on}.{effect.field} + ({by})"
            }
            effect = Effect(kind="set", on=effect.on, values=total)
        place = next(
            (i for i, e in enumerate(kept) if e.kind == effect.kind == "set" and e.on == effect.on),
            None,
        )
        if place is None:
            kept.append(effect)
        else:
            merged = {**kept[place].values, **effect.values}
            kept[place] = kept[place].model_copy(update={"values": merged})
    return kept


def _effect(
    blueprint: Blueprint, out: Outside, action: ActionPlan, effect: Effect, given: dict[str, Any]
) -> dict[str, Any]:
    values = {name: outside_value(value, out) for name, value in effect.values.items()}
    match effect.kind:
        case "create":
            return {
                "create": blueprint.entity(effect.entity).noun.name,
                "set": values,
                "as": "made",
            }
        case "set" | "add":
            name = blueprint.entity(action.bindings[effect.on].role).noun.name
            return {"update": name, "key": f"={effect.on}.id", "set": values}
        case "delete":
            name = blueprint.entity(action.bindings[effect.on].role).noun.name
            return {"delete": name, "key": f"={effect.on}.id"}
        case "cascade":
            entity = blueprint.entity(effect.entity)
            left = f"{entity.noun.plural}_left"
            given[left] = {"rows": entity.noun.name, "where": {effect.ref: f"={effect.on}.id"}}
            if entity.open_states:
                listed = ", ".join(repr(state) for state in entity.open_states)
                given[left]["if"] = f"it.status in [{listed}]"
            return {"update": entity.noun.name, "key": "=it.id", "each": left, "set": values}
        case "later":
            key = "=made.id" if effect.on == "made" else f"={effect.on}.id"
            return {"schedule": effect.field, "at": values["at"], "with": {"key": key}}


def _returns(blueprint: Blueprint, out: Outside, action: ActionPlan) -> dict[str, Any]:
    """Return what the answer of an action shows."""
    if action.creates is None:
        subject = next(n for n, b in action.bindings.items() if b.role == action.subject)
        noun = blueprint.entity(action.subject).noun.name
        return {out.key(f"{noun}_id"): f"={subject}.id", "done": True}
    entity = blueprint.entity(action.creates)
    place = out.record_at(entity)
    head = f"{place}." if place else ""
    created = next(effect for effect in action.effects if effect.kind == "create")
    shown = [field.name for field in entity.fields]
    if out.style.results == "brief":
        shown = ["status"] if entity.status is not None else []
    returns: dict[str, Any] = {f"{head}id": "=made.id"}
    for name in shown:
        if name in created.values:
            returns[f"{head}{out.key(name)}"] = outside_value(created.values[name], out)
    return returns
