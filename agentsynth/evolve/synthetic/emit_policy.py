"""The policy of a synthetic domain: who is asking, confirmation, and the rules of its actions."""

from typing import Any

from agentsynth.evolve.synthetic.blueprint import ActionPlan, Blueprint, Guard
from agentsynth.evolve.synthetic.conditions import counted, holds, mentions
from agentsynth.evolve.synthetic.emit_intents import reason_id
from agentsynth.evolve.synthetic.emit_lexicon import forms
from agentsynth.evolve.synthetic.emit_tools import binding_steps, key_parameter
from agentsynth.evolve.synthetic.interface import Outside
from agentsynth.evolve.synthetic.wording import Wording

__all__ = ["policy_of"]


def policy_of(blueprint: Blueprint, wording: Wording) -> dict[str, Any]:
    """Return the `policy` of domain.yaml."""
    out = Outside(blueprint)
    clauses: dict[str, Any] = {}
    asked = [action for action in blueprint.actions if action.party is not None]
    for action in asked:
        party = blueprint.entity(action.bindings[str(action.party)].role)
        name = f"identity_{party.noun.name}"
        if name not in clauses:
            clauses[name] = _identity(out, action)
        clauses[name]["tools"].append(out.action(action))
    clauses["confirm"] = {
        "text": forms()["policy"]["confirm"],
        "enforced_by": "agent",
        "tools": [out.action(action) for action in blueprint.actions],
    }
    for action in blueprint.actions:
        for guard in action.guards:
            if guard.rule:
                name = reason_id(action, guard, wording)
                clauses[name] = _clause(blueprint, out, action, guard, wording)
    return clauses


def _identity(out: Outside, action: ActionPlan) -> dict[str, Any]:
    name = str(action.party)
    blueprint = out.blueprint
    entity = blueprint.entity(action.bindings[name].role)
    text = forms()["policy"]["identity"].replace("<noun>", entity.noun.one)
    key = f"=args.{key_parameter(out, entity, name, action)}"
    missing = {"code": f"{entity.noun.name}_not_found", "message": f"No {entity.noun.one}."}
    step = {"get": entity.noun.name, "key": key, "as": "asking", "missing": missing}
    told = ["=asking.name", "=asking.email"]
    return {"text": text, "enforced_by": "agent", "tools": [], "steps": [step], "told": told}


def _clause(
    blueprint: Blueprint, out: Outside, action: ActionPlan, guard: Guard, wording: Wording
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "text": wording.rule(action, guard),
        "enforced_by": guard.by,
        "tools": [out.action(action)],
    }
    if guard.by == "world":
        return {**made, "codes": [wording.code(action, guard)]}
    said = guard.model_copy(update={"arg": out.key(guard.arg)}) if guard.arg else guard
    steps = binding_steps(blueprint, out, action, only=set(mentions(guard)))
    steps += counted(said, blueprint)
    made["require"] = holds(said, blueprint)
    return {**made, "steps": steps} if steps else made
