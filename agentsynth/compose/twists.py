"""What the user leaves out or first says otherwise, for the kinds that live on it."""

import random
from collections.abc import Mapping
from typing import Any

from agentsynth.compose.build import Twist
from agentsynth.compose.kinds import revisable, withholdable
from agentsynth.compose.segments import Segment
from agentsynth.core.errors import DomainError
from agentsynth.core.task import TaskKind
from agentsynth.plan.candidate import attempt, draw, draw_facts
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = ["find_twist"]

_TRIES = 25


async def find_twist(
    kind: TaskKind, segment: Segment, runtime: DomainRuntime, world_seed: int, rng: random.Random
) -> Twist | str | None:
    """Return the twist of a task of this kind; None = it needs none; text = none can be found."""
    match kind:
        case "ask_back":
            able = withholdable(segment.name, segment.intent, runtime.lexicon)
            return Twist(rng.choice(able)) if able else "every first message tells all it needs"
        case "corrected" | "change_of_mind":
            return await _revision(kind, segment, runtime, world_seed, rng)
        case _:
            return None


async def _revision(
    kind: TaskKind, segment: Segment, runtime: DomainRuntime, world_seed: int, rng: random.Random
) -> Twist | str:
    """Find another value for one fact: what the user says before putting it right.

    A change of mind comes when the deed is read back, so the first value has to lead that far, to
    other changes. A mistake may lead anywhere.
    """
    names = list(revisable(segment.intent, runtime.lexicon))
    rng.shuffle(names)
    for name in names:
        for _ in range(_TRIES):
            first = _other_value(name, segment, runtime, world_seed, rng)
            if first is None:
                break
            facts = {**segment.facts, name: first}
            if kind == "corrected":
                if await _can_be_answered(facts, segment, runtime, world_seed):
                    return Twist(name, "next_turn", first)
                continue
            if await _leads_elsewhere(facts, segment, runtime, world_seed):
                return Twist(name, "at_read_back", first)
    return "no fact of it could sensibly be told otherwise first"


def _other_value(
    name: str, segment: Segment, runtime: DomainRuntime, world_seed: int, rng: random.Random
) -> Any:
    """Return another value of the fact, as another draw of the same person gives it."""
    given = {n: segment.scope[n] for n in segment.intent.shared if n in segment.scope}
    told = {str(value).casefold() for value in segment.facts.values()}
    for _ in range(_TRIES):
        scope = draw(segment.intent, runtime, world_seed, rng, given)
        if scope is None:
            continue
        value = draw_facts(segment.intent, scope).get(name)
        if value is not None and str(value).casefold() not in told:
            return value
    return None


async def _can_be_answered(
    facts: Mapping[str, Any], segment: Segment, runtime: DomainRuntime, world_seed: int
) -> bool:
    """Whether there is something to say to the mistaken request: no answer of it is empty."""
    async with runtime.open(world_seed) as world:
        try:
            made = await attempt(segment.intent, facts, world, runtime)
        except DomainError:
            return False
    if made.unlike:
        return False  # an assistant that took what it finds would pass over what was said
    if made.outcome != "done":
        return made.outcome != "failed" or "facts=()" not in made.detail  # nothing to ask about
    scope = {**made.facts, **made.seen}
    return all(
        compiled(spec.value.removeprefix("=")).evaluate(scope) is not None
        for spec in segment.intent.answers.values()
        if spec.when in (None, made.branch)
    )


async def _leads_elsewhere(
    facts: Mapping[str, Any], segment: Segment, runtime: DomainRuntime, world_seed: int
) -> bool:
    async with runtime.open(world_seed) as world:
        try:
            made = await attempt(segment.intent, facts, world, runtime)
        except DomainError:
            return False
    if made.outcome != "done" or made.broken or made.unlike or not made.changes:
        return False
    return [c.fields for c in made.changes] != [c.fields for c in segment.attempt.changes] or [
        c.key for c in made.changes
    ] != [c.key for c in segment.attempt.changes]
