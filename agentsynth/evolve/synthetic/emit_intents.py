"""Requests: for each action somebody who wants it, and people who only want to know something."""

from dataclasses import dataclass
from typing import Any

from agentsynth.core.ids import derive_seed
from agentsynth.evolve.synthetic.blueprint import (
    ActionPlan,
    Blueprint,
    EntityPlan,
    FieldPlan,
    Guard,
    ParameterPlan,
)
from agentsynth.evolve.synthetic.conditions import count_name, holds, mentions, open_filter
from agentsynth.evolve.synthetic.emit_tools import key_parameter
from agentsynth.evolve.synthetic.finders import Finder, Told, slot_for
from agentsynth.evolve.synthetic.interface import Outside
from agentsynth.evolve.synthetic.wording import Wording, article

__all__ = ["RequestPlan", "reason_id", "requests_of"]

_FIELD_KINDS = ("among", "flag", "most", "least", "notice", "elapsed", "enough", "same", "other",
                "own", "if_then")  # fmt: skip


@dataclass(frozen=True)
class RequestPlan:
    """One intent and what its phrases need to know."""

    name: str
    intent: dict[str, Any]
    told: tuple[Told, ...]
    action: ActionPlan | None = None
    asks: FieldPlan | None = None
    """For questions: the field that is asked for."""
    about: EntityPlan | None = None
    sort: str = "write"
    """`write`, `field`, `count`, `least`, `unserved`."""
    number: int = 0


def reason_id(action: ActionPlan, guard: Guard, wording: Wording) -> str:
    """Return the name of the clause or obstacle that a guard stands for."""
    return f"{action.name}_{wording.key(action, guard)}"


def requests_of(blueprint: Blueprint, wording: Wording) -> list[RequestPlan]:
    """Return all requests of a domain."""
    made = [_request(blueprint, action, wording) for action in blueprint.actions]
    for entity in blueprint.entities:
        if entity.sort in ("record", "thing", "line", "entry"):
            made += _questions(blueprint, entity)
    for number, _ in enumerate(blueprint.unserved):
        name = f"unserved_{number + 1}"
        steps = [{"guard": name, "ok": "false"}]
        title, _ = blueprint.unserved[number]
        intent = {"kind": "no_tool", "title": title, "draw": {}, "facts": {}, "steps": steps}
        made.append(RequestPlan(name, intent, (), sort="unserved", number=number))
    return made


# -- actions ---------------------------------------------------------------------------------------


def _request(blueprint: Blueprint, action: ActionPlan, wording: Wording) -> RequestPlan:
    finder = Finder(blueprint, action)
    _draw_parameters(finder, action)
    for place, name in enumerate(_drawing_order(blueprint, action), start=1):
        _draw_binding(finder, action, name, place)
    dice = list(range(1, len(action.bindings) + 4))
    finder.draw = {"dice": {"choose": dice}, **finder.draw}
    for name, binding in action.bindings.items():
        if binding.via is None:
            finder.surroundings(name)
    for name, binding in action.bindings.items():
        if binding.via is None:
            finder.find(name, is_self=action.party == name)
    for parameter in action.parameters:
        slot = slot_for(blueprint, action, parameter)
        finder.facts[slot] = f"={parameter.name}_value"
    _look_and_guard(finder, action, wording)
    finder.steps.append(_last_call(finder, action))
    later = any(effect.kind == "later" for effect in action.effects)
    noun = blueprint.entity(action.subject).noun.one
    intent: dict[str, Any] = {
        "kind": "scheduled" if later else "write",
        "title": f"{action.verb.do} the {noun}"
        if action.creates != action.subject
        else f"{action.verb.do} {article(noun)}",
        "draw": finder.draw,
        "facts": finder.facts,
        "steps": finder.steps,
    }
    if action.party is not None:
        intent["shared"] = [action.party]
    return RequestPlan(action.name, intent, tuple(finder.told), action)


def _last_call(finder: Finder, action: ActionPlan) -> dict[str, Any]:
    """Return the call that does what is asked for."""
    out, blueprint = finder.out, finder.blueprint
    arguments: dict[str, Any] = {}
    for name, binding in action.bindings.items():
        if binding.via is None:
            entity = blueprint.entity(binding.role)
            arguments[key_parameter(out, entity, name, action)] = f"@{finder.entries[name]}"
    for parameter in action.parameters:
        arguments[out.key(parameter.name)] = f"${slot_for(blueprint, action, parameter)}"
    return {"call": out.action(action), "args": arguments, "as": "result"}


def _draw_parameters(finder: Finder, action: ActionPlan) -> None:
    for parameter in action.parameters:
        name = f"{parameter.name}_value"
        if parameter.kind == "date":
            finder.draw[f"{parameter.name}_span"] = {"choose": _spans(action, parameter)}
            finder.draw[name] = {"value": f"=add_days(today, {parameter.name}_span)"}
        elif parameter.kind in ("choice", "title"):
            finder.draw[name] = {"choose": list(parameter.values)}
        else:
            last = parameter.high + parameter.step
            finder.draw[name] = {"choose": list(range(parameter.low, last, parameter.step))}


def _spans(action: ActionPlan, parameter: ParameterPlan) -> list[int]:
    """Return days from today: most of them allowed, where there is a rule."""
    rule = next((g for g in action.guards if g.kind == "ahead" and g.arg == parameter.name), None)
    if rule is None:
        return [parameter.low + i * max(1, (parameter.high - parameter.low) // 6) for i in range(6)]
    width = max(1, rule.limit - rule.low)
    inside = [rule.low + round(width * part / 5) for part in range(6)]
    return [*inside, *inside, rule.limit + 2, rule.limit + 9]


def _drawing_order(blueprint: Blueprint, action: ActionPlan) -> list[str]:
    """Return the bindings in the order they are drawn: what exists already leads to its owner."""
    names = [name for name, binding in action.bindings.items() if binding.via is None]
    depth = {"line": 0, "entry": 0, "record": 1}
    names.sort(key=lambda name: depth.get(blueprint.entity(action.bindings[name].role).sort, 2))
    return [*names, *(name for name in action.bindings if name not in names)]


def _draw_binding(finder: Finder, action: ActionPlan, name: str, place: int) -> None:
    """Draw one record, mostly such that no guard about it and those before stands in the way."""
    binding = action.bindings[name]
    known = {*finder.roles, name}
    spec: dict[str, Any] = {}
    if binding.via is not None:
        spec["where"] = {"id": f"={binding.via}"}
        finder.drawn(name, binding.role, spec)
        return
    told: list[str] = []
    for guard in action.guards:
        ready = name in mentions(guard) and set(mentions(guard)) <= known
        if guard.kind not in _FIELD_KINDS or not ready:
            continue
        if guard.kind == "own" and guard.with_ == name:
            finder.drawn(name, binding.role, {"where": {"id": f"={guard.on}.{guard.field}"}})
            return
        told.append(
            holds(
                guard,
                finder.blueprint,
                path=lambda b, f: f"it.{f}" if b == name else f"{b}.{f}",
                arg=lambda arg: f"{arg}_value",
            )
        )
    if told:
        spec["filter"] = f"dice == {place} || ({' && '.join(f'({one})' for one in told)})"
    finder.drawn(name, binding.role, spec)


def _look_and_guard(finder: Finder, action: ActionPlan, wording: Wording) -> None:
    """Add the calls that show what the guards compare, and the guards."""
    slots = {p.name: slot_for(finder.blueprint, action, p) for p in action.parameters}
    dated = [g for g in action.guards if g.kind in ("ahead", "notice", "elapsed")]
    for guard in action.guards:
        for name in mentions(guard):
            _look(finder, action, name)
    if dated and not finder.shown:
        _look(finder, action, next(n for n, b in action.bindings.items() if b.via is None))
    for guard in action.guards:
        count: str | None = None
        if guard.kind == "no_clash":
            count = _tally_clashes(finder, action, guard)
        elif name := count_name(guard, finder.blueprint):
            count = f"{finder.shown[guard.on]}.{finder.out.key(name)}"
        today = (
            f"{next(iter(finder.shown.values()))}.{finder.out.key('as_of')}" if finder.shown else ""
        )
        ok = holds(
            guard, finder.blueprint, path=lambda b, f: f"{finder.shown[b]}.{finder.out.key(f)}",
            count=count, arg=slots.__getitem__, today=today,
        )  # fmt: skip
        finder.steps.append({"guard": reason_id(action, guard, wording), "ok": ok})


def _look(finder: Finder, action: ActionPlan, name: str) -> None:
    via = action.bindings[name].via
    if name in finder.shown:
        return
    if via is None:
        finder.look(name)
        return
    origin, _, field = via.partition(".")
    _look(finder, action, origin)
    entity = finder.blueprint.entity(action.bindings[name].role)
    finder.got(name, entity, f"{finder.shown[origin]}.{finder.out.key(field)}")


def _tally_clashes(finder: Finder, action: ActionPlan, guard: Guard) -> str:
    """Add the look at what else there is on a day; return the name of the count."""
    blueprint, out = finder.blueprint, finder.out
    entity = blueprint.entity(guard.entity)
    target = blueprint.entity(action.bindings[guard.on].role)
    arguments = {out.id_of(target): f"@{finder.entries[guard.on]}"}
    items = "on_that_day_list"
    finder.steps.append({"call": out.lister(entity), "args": arguments, "as": items})
    given = next(p for p in action.parameters if p.name == guard.arg)
    condition = f"it.{out.key(guard.field)} == {slot_for(blueprint, action, given)}"
    if entity.open_states:
        condition += f" && ({open_filter(entity.open_states)})"
    tally = {"tally": "on_that_day", "from": f"{items}.{out.items(entity)}", "op": "count"}
    finder.steps.append({**tally, "if": condition})
    return "on_that_day"


# -- questions -------------------------------------------------------------------------------------

_ANSWERS = {"status": "text", "choice": "text", "money": "money", "date": "date", "number": "count",
            "count": "count"}  # fmt: skip


def _questions(blueprint: Blueprint, entity: EntityPlan) -> list[RequestPlan]:
    made: list[RequestPlan | None] = []
    askable = [f for f in entity.fields if f.kind in _ANSWERS and not f.nullable]
    drawn = derive_seed("asks", blueprint.name, entity.role)
    if askable:
        field = askable[drawn % len(askable)]
        made.append(_field_question(blueprint, entity, field))
    above = entity.parent
    if entity.sort in ("record", "line", "entry"):
        above = next((f.target for f in entity.fields if f.kind == "ref" and f.target), None)
    if above is not None and not Outside(blueprint).searched(entity):
        made.append(_count_question(blueprint, entity, above))
        prices = [f for f in entity.fields if f.kind == "money"]
        if entity.sort == "thing" and prices:
            made.append(_least_question(blueprint, entity, above, prices[0]))
    return [request for request in made if request is not None]


def _field_question(blueprint: Blueprint, entity: EntityPlan, field: FieldPlan) -> RequestPlan:
    finder = Finder(blueprint)
    finder.drawn("subject", entity.role, {})
    finder.surroundings("subject")
    finder.find("subject")
    path = finder.look("subject")
    name = f"ask_{entity.noun.name}_{field.name}"
    answer = {"value": f"{path}.{finder.out.key(field.name)}", "type": _ANSWERS[field.kind]}
    intent = {
        "kind": "info", "title": f"learn the {field.name.replace('_', ' ')} of a {entity.noun.one}",
        "draw": finder.draw, "facts": finder.facts, "steps": finder.steps,
        "answers": {"wanted": answer},
    }  # fmt: skip
    return RequestPlan(name, intent, tuple(finder.told), asks=field, about=entity, sort="field")


def _count_question(blueprint: Blueprint, entity: EntityPlan, above: str) -> RequestPlan | None:
    """Return None where records are only found by a text: then nobody can count them."""
    finder = Finder(blueprint)
    finder.drawn("owner", above, {})
    finder.surroundings("owner")
    path = finder.find("owner")
    target = blueprint.entity(above)
    call = {"call": finder.out.lister(entity), "args": {finder.out.id_of(target): f"@{path}"}}
    finder.steps.append({**call, "as": "theirs"})
    tally = {"tally": "how_many", "from": f"theirs.{finder.out.items(entity)}", "op": "count"}
    finder.steps.append(tally)
    name = f"count_{entity.noun.plural}_of_{target.noun.name}"
    intent = {
        "kind": "aggregate", "title": f"learn how many {entity.noun.many} a {target.noun.one} has",
        "draw": finder.draw, "facts": finder.facts, "steps": finder.steps,
        "answers": {"wanted": {"value": "how_many", "type": "count"}},
    }  # fmt: skip
    return RequestPlan(name, intent, tuple(finder.told), about=entity, sort="count")


def _least_question(
    blueprint: Blueprint, entity: EntityPlan, above: str, price: FieldPlan
) -> RequestPlan | None:
    finder = Finder(blueprint)
    finder.drawn("owner", above, {})
    finder.surroundings("owner")
    path = finder.find("owner")
    target = blueprint.entity(above)
    call = {"call": finder.out.lister(entity), "args": {finder.out.id_of(target): f"@{path}"}}
    finder.steps.append({**call, "as": "theirs"})
    pick = {"pick": "least", "from": f"theirs.{finder.out.items(entity)}"}
    finder.steps.append({**pick, "min": finder.out.key(price.name)})
    known = finder.out.key(entity.known_by[-1])
    intent = {
        "kind": "compare",
        "title": f"find the {entity.noun.one} with the lowest {price.said or price.name}",
        "draw": finder.draw, "facts": finder.facts, "steps": finder.steps,
        "answers": {"wanted": {"value": f"least.{known}", "type": "text"}},
    }  # fmt: skip
    name = f"least_{entity.noun.name}_{price.name}"
    return RequestPlan(name, intent, tuple(finder.told), asks=price, about=entity, sort="least")
