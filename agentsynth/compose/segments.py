"""Requests carried out one after the other in one world."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.intent import Intent
from agentsynth.core.words import normal
from agentsynth.plan.candidate import Attempt, attempt, draw, draw_facts
from agentsynth.plan.recipe import Memory
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Segment", "carry_out"]


@dataclass(frozen=True)
class Segment:
    """One request of a task as it was carried out."""

    name: str
    intent: Intent
    facts: Mapping[str, Any]
    scope: Mapping[str, Any]
    attempt: Attempt

    @property
    def blocked(self) -> bool:
        """Whether a clause or an obstacle stood against it."""
        return self.attempt.outcome in ("declined", "refused")


async def carry_out(
    names: Sequence[str],
    runtime: DomainRuntime,
    world_seed: int,
    rng: random.Random,
    *,
    past_refusals: bool = False,
) -> list[Segment]:
    """Draw and execute the intents one after the other in one world; stop at the first failure.

    Args:
        past_refusals: go on to the next request behind one that was declined.
    """
    drawn: list[tuple[str, Intent, dict[str, Any]]] = []
    given: dict[str, Any] = {}
    for name in names:
        intent = runtime.playbook.intents[name]
        scope = draw(intent, runtime, world_seed, rng, given)
        if scope is None:
            return []
        given |= {key: scope[key] for key in intent.shared if key in scope and key not in given}
        drawn.append((name, intent, scope))
    segments: list[Segment] = []
    memory = Memory()
    async with runtime.open(world_seed) as world:
        wave = 0
        said = ""
        for name, intent, scope in drawn:
            facts = draw_facts(intent, scope)
            said += normal(" ".join(str(value) for value in facts.values())) + "\n"
            made = await attempt(
                intent, facts, world, runtime, first_wave=wave, memory=memory, said=said
            )
            segments.append(Segment(name, intent, facts, scope, made))
            if made.outcome == "failed" or (made.outcome != "done" and not past_refusals):
                break
            wave = made.calls[-1].wave + 1 if made.calls else wave
    return segments
