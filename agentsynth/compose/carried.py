"""What a certificate holds each request against: the forced and the permitted twin."""

import random

from agentsynth.compose.build import build_task
from agentsynth.compose.segments import Segment, carry_out
from agentsynth.core.intent import GuardStep
from agentsynth.core.task import Task, TaskKind
from agentsynth.plan.candidate import Attempt, attempt
from agentsynth.plan.certificate import Carried
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["carried_for"]

_TWIN_TRIES = 60
_LIVE_TWIN_TRIES = 8
"""Each takes a really running server some milliseconds."""


async def carried_for(
    segment: Segment,
    task: Task,
    runtime: DomainRuntime,
    world_seed: int,
    rng: random.Random,
) -> Carried:
    """Return a request with what its certificate holds it against."""
    if not segment.blocked:
        first = await _first_version(segment, task, runtime, world_seed)
        return Carried(segment.name, segment.attempt, first_version=first)
    forced = None
    if segment.attempt.outcome == "declined" and segment.intent.kind != "no_tool":
        async with runtime.open(world_seed) as world:
            forced = await attempt(
                segment.intent, segment.facts, world, runtime, ignore_guards=True
            )
    twin = await _permitted_twin(segment, runtime, world_seed, rng)
    return Carried(segment.name, segment.attempt, forced=forced, twin=twin)


async def _first_version(
    segment: Segment, task: Task, runtime: DomainRuntime, world_seed: int
) -> Attempt | None:
    """Carry out what the user asked for before putting it right; None = nothing was put right."""
    revised = {fact.name: fact.first for fact in task.facts if fact.first is not None}
    if not revised:
        return None
    async with runtime.open(world_seed) as world:
        return await attempt(segment.intent, {**segment.facts, **revised}, world, runtime)


async def _permitted_twin(
    segment: Segment, runtime: DomainRuntime, world_seed: int, rng: random.Random
) -> Task | None:
    """Find the same request where nothing stands against it.

    Where there is none (what no tool does, what the policy never permits), another request.
    """
    others = [n for n, i in runtime.playbook.intents.items() if i.kind in ("write", "info")]
    never = segment.intent.kind == "no_tool" or isinstance(segment.intent.steps[0], GuardStep)
    tries = _TWIN_TRIES if runtime.searchable else _LIVE_TWIN_TRIES
    for names in ([] if never else [segment.name], others):
        for _ in range(tries if names else 0):
            drawn = await carry_out([rng.choice(names)], runtime, world_seed, rng)
            if not drawn or drawn[0].attempt.outcome != "done":
                continue
            kind: TaskKind = "write" if drawn[0].attempt.changes else "info"
            twin = build_task(kind, drawn, runtime, world_seed, None)
            if isinstance(twin, Task):
                return twin
    return None
