"""The tools of a synthetic domain as steps: looking and finding, and what each action does."""

from typing import Any

from agentsynth.evolve.synthetic.blueprint import (
    ActionPlan,
    Binding,
    Blueprint,
    Effect,
    EntityPlan,
    Guard,
    ParameterPlan,
)
from agentsynth.evolve.synthetic.conditions import count_name, counted, holds, open_filter
from agentsynth.evolve.synthetic.interface import Outside
from agentsynth.evolve.synthetic.wording import Wording

__all__ = ["PAGE", "binding_steps", "counts_shown", "effects_of", "list_filters", "tools_of"]

PAGE = 20
"""Entries of a page, for interfaces that give lists in pages."""


def tools_of(blueprint: Blueprint, wording: Wording) -> dict[str, Any]:
    """Return the `tools` of domain.yaml: two that look for each entity, one for each action."""
    out = Outside(blueprint)
    tools: dict[str, Any] = {}
    for entity in blueprint.entities:
        tools[out.lister(entity)] = _lister(blueprint, out, entity)
        tools[out.getter(entity)] = _getter(blueprint, out, entity)
    for action in blueprint.actions:
        tools[out.action(action)] = _action(blueprint, out, action, wording)
    return tools


def effects_of(blueprint: Blueprint) -> dict[str, Any]:
    """Return the `effects` of domain.yaml: what comes due later."""
    made: dict[str, Any] = {}
    for action in blueprint.actions:
        for effect in action.effects:
            if effect.kind == "later":
                entity = blueprint.entity(effect.entity)
                values = {k: v for k, v in effect.values.items() if k not in ("at", "when")}
                step = {"get": entity.noun.name, "key": "=args.key", "as": "it_is"}
                due = {"update": entity.noun.name, "key": "=it_is.id", "set": values}
                due["if"] = f"it_is != null && it_is.status == '{effect.values['when']}'"
                made[effect.field] = {"parameters": ["key"], "steps": [step, due]}
    return made


# -- looking ---------------------------------------------------------------------------------------


def counts_shown(blueprint: Blueprint, role: str) -> list[Guard]:
    """Return the guards whose numbers a record of this role shows, each number once."""
    found: dict[str, Guard] = {}
    for action in blueprint.actions:
        for guard in action.guards:
            counts = guard.kind in ("open_limit", "none_open", "sum_cap")
            if counts and action.bindings[guard.on].role == role:
                found.setdefault(count_name(guard, blueprint), guard)
    return list(found.values())


def _getter(blueprint: Blueprint, out: Outside, entity: EntityPlan) -> dict[str, Any]:
    noun = entity.noun
    steps: list[dict[str, Any]] = [_get(out, entity, "it_is", f"=args.{out.id_of(entity)}")]
    shown = out.shown(entity, "it_is")
    for guard in counts_shown(blueprint, entity.role):
        name = count_name(guard, blueprint)
        steps += counted(guard.model_copy(update={"on": "it_is"}), blueprint)
        shown[out.key(name)] = f"={name}"
    for key, (target, field, own) in out.named(entity).items():
        step = {"get": target.noun.name, "key": f"=it_is.{field}", "as": f"{target.noun.name}_of"}
        steps.append(step)
        shown[key] = f"={target.noun.name}_of.{own}"
    shown[out.key("as_of")] = "=today"
    steps.append({"return": _single(out, entity, shown)})
    more = ", ".join(field.name.replace("_", " ") for field in entity.fields[:4])
    return {
        "description": out.described(
            f"Get one {noun.one} by its id.", f"Shows {more} and the rest."
        ),
        "kind": "read",
        "parameters": {out.id_of(entity): _id_schema(out, entity)},
        "steps": steps,
    }


def _single(out: Outside, entity: EntityPlan, shown: dict[str, Any]) -> dict[str, Any]:
    place = out.record_at(entity)
    return {place: shown} if place else shown


def _get(out: Outside, entity: EntityPlan, name: str, key: str) -> dict[str, Any]:
    given = key.removeprefix("=")
    missing = {
        "code": f"{entity.noun.name}_not_found",
        "message": f"There is no {entity.noun.one} with the id {{{given}}}.",
    }
    return {"get": entity.noun.name, "key": key, "as": name, "missing": missing}


def _id_schema(out: Outside, entity: EntityPlan) -> dict[str, Any]:
    text = f"Id of the {entity.noun.one}, such as {out.id_example(entity)}."
    return {"type": "string", "description": text}


def list_filters(blueprint: Blueprint, entity: EntityPlan) -> list[EntityPlan]:
    """Return what a list can be narrowed to: the records that its own refer to."""
    targets = [field.target for field in entity.fields if field.kind == "ref" and field.target]
    return [blueprint.entity(role) for role in dict.fromkeys(targets)]


def _lister(blueprint: Blueprint, out: Outside, entity: EntityPlan) -> dict[str, Any]:
    noun, items = entity.noun, out.items(entity)
    parameters: dict[str, Any] = {}
    step: dict[str, Any] = {"list": noun.name}
    if out.searched(entity):
        text = f"Name of the {noun.one} or a part of it."
        parameters["query"] = {"type": "string", "minLength": 2, "description": text}
        step["match"] = {entity.known_by[-1] if entity.sort != "party" else "name": "=args.query"}
    for target in list_filters(blueprint, entity):
        name = out.id_of(target)
        text = f"Only of this {target.noun.one}."
        parameters[name] = {"type": "string", "optional": True, "description": text}
        step.setdefault("where_given", {})[entity.ref_to(target.role)] = f"=args.{name}"
    if entity.status is not None:
        parameters["status"] = {
            "type": "string", "enum": list(entity.status.values), "optional": True,
            "description": "Only those in this status.",
        }  # fmt: skip
        step.setdefault("where_given", {})["status"] = "=args.status"
    shown = out.shown(entity, "it")
    for key, (target, field, own) in out.named(entity).items():
        step.setdefault("join", {})[target.noun.name] = field
        shown[key] = f"=it.{target.noun.name}.{own}"
    result: dict[str, Any] = {items: "=found"}
    if out.style.lists in ("total", "envelope"):
        step["count"] = "total"
        result["total"] = "=total"
    if out.style.lists == "pages":
        text = "Where to go on: next_cursor of the page before."
        parameters["cursor"] = {"type": "string", "optional": True, "description": text}
        step["page"] = {"size": PAGE, "cursor": "=args.cursor", "next": "next_cursor"}
        result["next_cursor"] = "=next_cursor"
    step |= {"show": shown, "as": "found"}
    short = f"List {noun.many}." if not out.searched(entity) else f"Find {noun.many} by name."
    return {
        "description": out.described(short, "Several may come back; compare them before use."),
        "kind": "read",
        "parameters": parameters,
        "steps": [step, {"return": result}],
    }  # fmt: skip


# -- acting ----------------------------------------------------------------------------------------


def binding_steps(
    blueprint: Blueprint, out: Outside, action: ActionPlan, *, only: set[str] | None = None
) -> list[dict[str, Any]]:
    """Return the steps that bind an action's records.

    Args:
        only: bindings that are needed, with those that they are reached by; None = all.
    """
    wanted = set(action.bindings) if only is None else _with_origins(action, only)
    steps: list[dict[str, Any]] = []
    for name, binding in action.bindings.items():
        if name in wanted:
            entity = blueprint.entity(binding.role)
            step = _get(out, entity, name, _key(out, entity, name, action, binding))
            if binding.via is not None:
                del step["missing"]  # a reference leads somewhere
            steps.append(step)
    return steps


def _with_origins(action: ActionPlan, names: set[str]) -> set[str]:
    found = set(names)
    for name in reversed(action.bindings):
        via = action.bindings[name].via
        if name in found and via is not None:
            found.add(via.partition(".")[0])
    return found


def _key(out: Outside, entity: EntityPlan, name: str, action: ActionPlan, binding: Binding) -> str:
    if binding.via is not None:
        return f"={binding.via}"
    return f"=args.{key_parameter(out, entity, name, action)}"


def key_parameter(out: Outside, entity: EntityPlan, name: str, action: ActionPlan) -> str:
    """Return the parameter that gives a binding's key: by the noun, or by the binding's own name
    where an action takes two of a kind."""
    alike = [b for b in action.bindings.values() if b.role == entity.role and b.via is None]
    return out.id_of(entity) if len(alike) == 1 else out.key(f"{name}_id")


def _action(
    blueprint: Blueprint, out: Outside, action: ActionPlan, wording: Wording
) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for name, binding in action.bindings.items():
        if binding.via is None:
            entity = blueprint.entity(binding.role)
            parameters[key_parameter(out, entity, name, action)] = _id_schema(out, entity)
    for parameter in action.parameters:
        parameters[out.key(parameter.name)] = _schema(parameter)
    steps = binding_steps(blueprint, out, action)
    for guard in action.guards:
        if guard.by == "world":
            steps += counted(_outside_args(guard, out), blueprint)
            require = holds(_outside_args(guard, out), blueprint)
            refusal = wording.refusal(action, guard)
            code = wording.code(action, guard)
            steps.append({"require": require, "code": code, "message": refusal})
    for effect in action.effects:
        steps += _effect(blueprint, out, action, effect)
    steps.append({"return": _result(blueprint, out, action)})
    return {
        "description": out.described(*wording.described(action)),
        "kind": "write",
        "parameters": parameters,
        "steps": steps,
    }


def _outside_args(guard: Guard, out: Outside) -> Guard:
    """Return a guard whose argument has the name that the tool gives it."""
    return guard.model_copy(update={"arg": out.key(guard.arg)}) if guard.arg else guard


def _schema(parameter: ParameterPlan) -> dict[str, Any]:
    said = f"{parameter.said[0].upper()}{parameter.said[1:]}." if parameter.said else ""
    match parameter.kind:
        case "date":
            return {"type": "string", "format": "date", "description": said or "The day."}
        case "choice":
            return {"type": "string", "enum": list(parameter.values), "description": said}
        case "title":
            return {"type": "string", "minLength": 1, "description": said}
        case "money":
            text = f"{said} In cents."
            return {"type": "integer", "minimum": 1, "description": text}
        case "number":
            return {"type": "integer", "minimum": 1, "description": said}


def outside_value(value: Any, out: Outside) -> Any:
    """Return an effect's value with arguments by the names that the tool gives them."""
    if not (isinstance(value, str) and value.startswith("=") and out.style.naming == "camel"):
        return value
    words = value.split("args.")
    for place in range(1, len(words)):
        name = words[place].split(" ")[0].split(")")[0].split(",")[0]
        words[place] = out.key(name) + words[place][len(name) :]
    return "args.".join(words)


def _effect(
    blueprint: Blueprint, out: Outside, action: ActionPlan, effect: Effect
) -> list[dict[str, Any]]:
    values = {name: outside_value(value, out) for name, value in effect.values.items()}
    match effect.kind:
        case "create":
            entity = blueprint.entity(effect.entity)
            return [{"create": entity.noun.name, "set": values, "as": "made"}]
        case "set":
            entity = blueprint.entity(action.bindings[effect.on].role)
            return [{"update": entity.noun.name, "key": f"={effect.on}.id", "set": values}]
        case "add":
            entity = blueprint.entity(action.bindings[effect.on].role)
            by = str(values["by"]).removeprefix("=")
            sum_ = f"={effect.on}.{effect.field} + ({by})"
            change = {effect.field: sum_}
            return [{"update": entity.noun.name, "key": f"={effect.on}.id", "set": change}]
        case "cascade":
            entity = blueprint.entity(effect.entity)
            name = f"{entity.noun.plural}_left"
            found: dict[str, Any] = {"list": entity.noun.name, "as": name}
            found["where"] = {effect.ref: f"={effect.on}.id"}
            if entity.open_states:
                found["filter"] = open_filter(entity.open_states)
            change = {"update": entity.noun.name, "key": "=each_one.id", "set": values}
            return [found, {"for_each": f"={name}", "as": "each_one", "do": [change]}]
        case "delete":
            entity = blueprint.entity(action.bindings[effect.on].role)
            return [{"delete": entity.noun.name, "key": f"={effect.on}.id"}]
        case "later":
            key = "=made.id" if effect.on == "made" else f"={effect.on}.id"
            return [{"schedule": effect.field, "at": values["at"], "with": {"key": key}}]


def _result(blueprint: Blueprint, out: Outside, action: ActionPlan) -> Any:
    """Return what an action answers: the new record, or as much as says that it is done."""
    if action.creates is not None:
        entity = blueprint.entity(action.creates)
        shown = out.shown(entity, "made")
        if out.style.results == "brief":
            shown = {name: shown[name] for name in list(shown)[:1]}
            if entity.status is not None:
                shown["status"] = "=made.status"
        return _single(out, entity, shown)
    subject = next(n for n, b in action.bindings.items() if b.role == action.subject)
    return {
        out.key(f"{blueprint.entity(action.subject).noun.name}_id"): f"={subject}.id",
        "done": True,
    }
