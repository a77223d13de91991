"""A blueprint as the files of a domain."""

from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.evolve.synthetic.blueprint import Blueprint
from agentsynth.evolve.synthetic.emit_contracts import contracts_of
from agentsynth.evolve.synthetic.emit_entities import entities_of
from agentsynth.evolve.synthetic.emit_intents import RequestPlan, requests_of
from agentsynth.evolve.synthetic.emit_lexicon import lexicon_of
from agentsynth.evolve.synthetic.emit_policy import policy_of
from agentsynth.evolve.synthetic.emit_tools import effects_of, tools_of
from agentsynth.evolve.synthetic.wording import Wording

__all__ = ["files_of"]


def files_of(blueprint: Blueprint, names: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """Return the files of a synthetic domain: name to the value of its YAML.

    Args:
        names: first and last names of people, under `first` and `last`.
    """
    wording = Wording(blueprint)
    left_out = set(blueprint.without)
    requests = [r for r in requests_of(blueprint, wording) if r.name not in left_out]
    requests = list({request.name: request for request in requests}.values())
    contracts = contracts_of(blueprint, wording)
    tools = tools_of(blueprint, wording)
    for name in (left_out | _unused(tools, requests)) & tools.keys():
        del tools[name], contracts["tools"][name]
    domain: dict[str, Any] = {
        "schema_version": 1,
        "name": blueprint.name,
        "title": blueprint.title,
        "category": list(blueprint.category),
        "persona": _persona(blueprint),
        "clock": {"start": "2027-03-01", "spread_days": 60},
        "worlds": 8,
        "errors": blueprint.interface.errors,
        "policy": policy_of(blueprint, wording),
        "entities": entities_of(blueprint, names),
        "tools": tools,
    }
    effects = effects_of(blueprint)
    if effects:
        domain["effects"] = effects
    if blueprint.parent:
        domain["parent"] = " × ".join(blueprint.parent)
    intents = {request.name: request.intent for request in requests}
    return {
        "domain.yaml": domain,
        "contracts.yaml": contracts,
        "intents.yaml": {"schema_version": 1, "intents": intents},
        "lexicon.en.yaml": lexicon_of(blueprint, requests, wording),
    }


def _unused(tools: Mapping[str, Any], requests: Sequence[RequestPlan]) -> set[str]:
    """Return the tools that look and that no request's plan calls: nothing would need them."""
    steps = [step for request in requests for step in request.intent["steps"]]
    called = {step["call"] for step in steps if "call" in step}
    return {name for name, tool in tools.items() if tool["kind"] == "read"} - called


def _persona(blueprint: Blueprint) -> str:
    parties = [e.noun.many for e in blueprint.entities if e.sort == "party"]
    who = f"{parties[0].capitalize()} and colleagues" if parties else "Colleagues"
    return (
        f"You are the assistant at {blueprint.desk}. {who} write to you. You look things up and "
        "make changes with the tools you are given, you rely on what they show you, and you say so "
        "plainly when something is not possible."
    )
