"""Plant defects in a declarative domain's tools, to measure who would notice."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from agentsynth.core.domain import Domain, ToolDef
from agentsynth.core.ids import canonical_json, derive_seed
from agentsynth.plan.defect_kinds import KINDS, Planted, Soil
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.static import domain_problems

__all__ = ["Defect", "plant_defects"]


@dataclass(frozen=True)
class Defect:
    """A domain with one thing wrong in one tool."""

    tool: str
    kind: str
    """A key of `defect_kinds.KINDS`."""
    description: str
    domain: Domain


def plant_defects(
    domain: Domain, *, seed: int, per_tool: int = 10, only: Sequence[str] | None = None
) -> list[Defect]:
    """Return domains with one defect each, the same ones for the same seed.

    Each passes the static checks. Some may make no difference that anyone could see.

    Args:
        domain: a declarative domain without faults.
        seed: draws among all defects that are possible.
        per_tool: how many at most for each tool, spread over kinds.
        only: tools to plant in; None = all.
    """
    found: list[Defect] = []
    for name, tool in domain.tools.items():
        if (only is None or name in only) and tool.steps:
            rng = random.Random(derive_seed("defects", seed, name))
            found += _in_tool(domain, name, tool, rng, per_tool)
    return found


def _in_tool(
    domain: Domain, name: str, tool: ToolDef, rng: random.Random, most: int
) -> list[Defect]:
    plain = tool.model_dump(mode="json", by_alias=True, exclude_unset=True)
    soil = _soil(domain, tool, plain["steps"])
    seen = {canonical_json(plain["steps"])}
    found: list[Defect] = []
    for kind, (description, steps) in _spread(soil, rng):
        text = canonical_json(steps)
        if len(found) == most:
            break
        if text in seen:
            continue
        seen.add(text)
        planted = _planted(domain, name, {**plain, "steps": steps})
        if planted is not None:
            found.append(Defect(name, kind, f"{name}: {description}", planted))
    return found


def _soil(domain: Domain, tool: ToolDef, steps: list[dict[str, Any]]) -> Soil:
    families: dict[tuple[str, ...], None] = {}
    for entity in domain.entities.values():
        for spec in entity.fields.values():
            if spec.values:
                families[spec.values] = None
    everything = [one.model_dump(by_alias=True)["steps"] for one in domain.tools.values()]
    codes = tuple(sorted(set(_codes(everything))))
    return Soil(domain, tool, steps, tuple(families), codes)


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("code"), str):
            yield value["code"]
        for part in value.values():
            yield from _codes(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _codes(part)


def _spread(soil: Soil, rng: random.Random) -> Iterator[tuple[str, Planted]]:
    """Yield every defect, one of each kind in turn."""
    waiting: dict[str, list[Planted]] = {}
    for kind, plant in KINDS.items():
        possible = list(plant(soil))
        rng.shuffle(possible)
        if possible:
            waiting[kind] = possible
    while waiting:
        for kind in rng.sample(sorted(waiting), len(waiting)):
            yield kind, waiting[kind].pop()
            if not waiting[kind]:
                del waiting[kind]


def _planted(domain: Domain, name: str, plain: dict[str, Any]) -> Domain | None:
    """Return the domain with this tool in place of its own; None = it does not pass the checks."""
    try:
        tool = ToolDef.model_validate(plain)
    except ValidationError:
        return None
    planted = domain.model_copy(update={"tools": {**domain.tools, name: tool}})
    return None if domain_problems(planted, Loaded("planted", {}, {})) else planted
