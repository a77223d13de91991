"""Who plays a task: personas, and the flaws of probes."""

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agentsynth.checks.target import compare_changes
from agentsynth.compose.segments import Segment
from agentsynth.compose.tasks import Composed
from agentsynth.core.intent import CallStep, PickStep
from agentsynth.core.messages import ToolCall
from agentsynth.core.phrasing import parse_template
from agentsynth.core.scenario import Flaw, Persona, Role
from agentsynth.plan.candidate import attempt
from agentsynth.plan.recipe import PlannedCall, Slip
from agentsynth.plan.slips import slipped_arguments
from agentsynth.plan.sources import look_up, source_names
from agentsynth.worlds.expressions import MISSING
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["choose_flaw", "personas"]

_FLAWS: dict[str, tuple[Flaw, ...]] = {
    "write": (
        "wrong_entity",
        "skips_confirmation",
        "invents_argument",
        "stops_early",
        "claims_without_doing",
    ),
    "info": ("wrong_entity", "invents_argument", "stops_early"),
    "refuse": ("ignores_policy",),
}


@lru_cache(maxsize=1)
def personas() -> tuple[Persona, ...]:
    """Return the bundled personas."""
    loaded = load_yaml(Path(__file__).with_name("personas.yaml"))
    return TypeAdapter(tuple[Persona, ...]).validate_python(loaded.value)


async def choose_flaw(
    composed: Composed, runtime: DomainRuntime, rng: random.Random
) -> Role | None:
    """Return a flawed assistant's role for this task; None when no flaw can be planted in it.

    A mix-up is planted only where it leads somewhere else: it is tried out first.
    """
    last = composed.segments[-1].attempt
    if last.branch == "unmet" and not last.changes:
        return None  # the flaws strike at what was not to be done
    flaws: list[Flaw] = list(_flaws_for(composed))
    if any(fact.first is not None for fact in composed.task.facts):
        # A mix-up over the first value may lead to the right one.
        flaws = [flaw for flaw in flaws if flaw != "wrong_entity"]
    rng.shuffle(flaws)
    if "wrong_entity" in flaws and rng.random() < 0.4:  # it fits few tasks: try it first more often
        flaws.sort(key=lambda flaw: flaw != "wrong_entity")
    place = len(composed.segments) - 1
    for flaw in flaws:
        if flaw == "wrong_entity":
            slip = await _slip(composed, runtime, rng)
            if slip is not None:
                return Role(
                    driver="scripted", flaw=flaw, flaw_at=place, slip=(slip.pick, slip.offset)
                )
        elif _applies(flaw, composed, runtime):
            return Role(driver="scripted", flaw=flaw, flaw_at=place)
    return None


def _flaws_for(composed: Composed) -> tuple[Flaw, ...]:
    """Return the flaws that could show in a task's last request."""
    last = composed.segments[-1]
    if last.blocked:
        return _FLAWS["refuse"]
    return _FLAWS["write" if last.attempt.changes else "info"]


def _applies(flaw: Flaw, composed: Composed, runtime: DomainRuntime) -> bool:
    segment = composed.segments[-1]
    mine = [call for call in composed.task.reference_calls if call.actor == "assistant"]
    last = mine[-1] if mine else None
    spec = runtime.spec_by_name[last.name] if last is not None else None
    match flaw:
        case "ignores_policy":
            clause = runtime.domain.policy.get(segment.attempt.reason or "")
            free = clause is not None and clause.enforced_by == "agent"
            return free and segment.attempt.outcome == "declined"
        case "skips_confirmation":
            revised = any(fact.first is not None for fact in composed.task.facts)
            return spec is not None and spec.consequential and not revised  # else: a wrong record
        case "claims_without_doing":
            return _can_claim(segment, runtime) and spec is not None and spec.consequential
        case "invents_argument":
            properties: Any = spec.parameters.get("properties", {}) if spec is not None else {}
            arguments = last.arguments if last is not None else {}
            return any(
                isinstance(value, str) and "enum" not in properties.get(name, {})
                for name, value in arguments.items()
            )
        case _:
            return True


def _can_claim(segment: Segment, runtime: DomainRuntime) -> bool:
    """Whether some report of the deed needs nothing that only the deed's result shows."""
    results = {
        step.as_
        for step in segment.intent.steps
        if isinstance(step, CallStep) and runtime.step_writes(step)
    }
    phrases = runtime.lexicon.intents[segment.name].done
    return any(
        all(
            slot.partition("|")[0].split(".")[0] not in results
            for slot in parse_template(phrase).needed
        )
        for phrase in phrases
    )


async def _slip(composed: Composed, runtime: DomainRuntime, rng: random.Random) -> Slip | None:
    segment = composed.segments[-1]
    for slip in _possible_slips(segment, rng):
        if not segment.attempt.changes:
            leads_astray = await _answers_differ(composed, segment, slip, runtime)
        else:
            leads_astray = await _changes_differ(composed, segment, slip, runtime)
        if leads_astray:
            return slip
    return None


def _possible_slips(segment: Segment, rng: random.Random) -> list[Slip]:
    slips: list[Slip] = []
    for step in segment.intent.steps:
        if isinstance(step, PickStep) and any(source_names(s) for s in step.where.values()):
            entries: Any = look_up(step.from_, segment.attempt.seen)
            if step.pick not in segment.attempt.seen or not isinstance(entries, list):
                continue  # on the branch that was not taken
            slips += [Slip(step.pick, offset) for offset in range(1, min(len(entries), 6))]
    rng.shuffle(slips)
    return slips[:8]


async def _answers_differ(
    composed: Composed, segment: Segment, slip: Slip, runtime: DomainRuntime
) -> bool:
    async with runtime.open(composed.task.world_seed) as world:
        made = await attempt(segment.intent, segment.facts, world, runtime, slip=slip)
    if made.outcome != "done":
        return False
    scope = {**segment.facts, **made.seen}
    for answer in composed.task.target.answers:
        spec = segment.intent.answers.get(answer.name)
        if spec is None or answer.field is None:
            continue
        value = look_up(spec.value.removeprefix("="), scope)
        if value is not MISSING and value is not None and value != answer.value:
            return True
    return False


async def _changes_differ(
    composed: Composed, segment: Segment, slip: Slip, runtime: DomainRuntime
) -> bool:
    """Whether the last write, with the mixed-up entry, changes another record of the same kind."""
    *before, last = composed.task.reference_calls
    indices = [
        i
        for i, step in enumerate(segment.intent.steps)
        if isinstance(step, CallStep) and step.call == last.name and step.each is None
    ]
    if last.actor == "user" or not runtime.is_write(last) or not indices:
        return False
    step = segment.intent.steps[indices[-1]]
    planned = PlannedCall(indices[-1], last.name, dict(last.arguments), getattr(step, "as_", ""))
    arguments = slipped_arguments(planned, segment.intent, segment.attempt.seen, slip)
    if arguments == last.arguments:
        return False
    async with runtime.open(composed.task.world_seed) as world:
        for call in before:
            made = ToolCall(id="slip", name=call.name, arguments=call.arguments)
            await world.call(made, call.actor)
        result = await world.call(ToolCall(id="slip", name=last.name, arguments=arguments))
        changes = world.net_changes()
    if result.is_error:
        return False
    return compare_changes(changes, composed.task.target.changes).code == "wrong_record"
