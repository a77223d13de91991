"""A blueprint as the files of a domain."""

from collections.abc import Mapping
from typing import Any

from agentsynth.evolve.synthetic.blueprint import Blueprint
from agentsynth.evolve.synthetic.emit_contracts import contracts_of
from agentsynth.evolve.synthetic.emit_entities import entities_of
from agentsynth.evolve.synthetic.emit_intents import requests_of
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
    requests = [r for r in requests_of(blueprint, wording) if r.name]
    requests = list({request.name: request for request in requests}.values())
    domain: dict[str, Any] = {
        "schema_version": 1,
        "name": blueprint.name,
        "title": blueprint.title,
        "category": list(blueprint.category),
        "persona": _persona(blueprint),
        "clock": {"start": "2027-03-01", "spread_days": 60},
        "worlds": 20,
        "errors": blueprint.interface.errors,
        "policy": policy_of(blueprint, wording),
        "entities": entities_of(blueprint, names),
        "tools": tools_of(blueprint, wording),
    }
    effects = effects_of(blueprint)
    if effects:
        domain["effects"] = effects
    if blueprint.parent:
        domain["parent"] = " × ".join(blueprint.parent)
    intents = {request.name: request.intent for request in requests}
    return {
        "domain.yaml": domain,
        "contracts.yaml": contracts_of(blueprint, wording),
        "intents.yaml": {"schema_version": 1, "intents": intents},
        "lexicon.en.yaml": lexicon_of(blueprint, requests, wording),
    }


def _persona(blueprint: Blueprint) -> str:
    parties = [e.noun.many for e in blueprint.entities if e.sort == "party"]
    who = f"{parties[0].capitalize()} and colleagues" if parties else "Colleagues"
    return (
        f"You are the assistant at {blueprint.desk}. {who} write to you. You look things up and make "
        "changes with the tools you are given, you rely on what they show you, and you say so plainly "
        "when something is not possible."
    )
