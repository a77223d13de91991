"""Tasks found by executing, each with its certificate."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.checks.target import normal_changes
from agentsynth.core.intent import GuardStep, Intent
from agentsynth.core.lexicon import Voice
from agentsynth.core.task import (
    Answer,
    Certificate,
    Change,
    Fact,
    ReferenceCall,
    Target,
    Task,
    TaskKind,
)
from agentsynth.core.words import normal
from agentsynth.plan.candidate import Attempt, attempt, draw, draw_facts
from agentsynth.plan.certificate import certify
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = ["Composed", "Segment", "make_task"]

_TRIES = {"write": 60, "writes": 120, "info": 60, "refuse": 300}


@dataclass(frozen=True)
class Segment:
    """One intent of a task as it was carried out."""

    name: str
    intent: Intent
    facts: Mapping[str, Any]
    scope: Mapping[str, Any]
    attempt: Attempt


@dataclass(frozen=True)
class Composed:
    """A certified task."""

    task: Task
    certificate: Certificate
    segments: tuple[Segment, ...]


async def make_task(
    kind: TaskKind,
    runtime: DomainRuntime,
    voice: Voice,
    *,
    world_seed: int,
    rng: random.Random,
    only: str | None = None,
) -> Composed | str:
    """Return a certified task of this kind, or why none was found.

    Candidates are drawn and executed until one is of the kind and survives its certificate.

    Args:
        only: the one intent to look at; None = any that fits the kind.
    """
    last = "no intent of this kind"
    wish = _refusal_wish(runtime, rng) if kind == "refuse" and only is None else None
    for number in range(_TRIES[kind]):
        if wish is not None and number == 200:
            wish = None  # this clause is not met in this world: take any
        names = [only] if only is not None else _intent_names(kind, runtime, rng, wish)
        if not names:
            return last
        segments = await _carried_out(names, runtime, world_seed, rng)
        reason = _unfit(kind, segments, names, wish)
        if reason is not None:
            last = reason
            continue
        task = _task(kind, segments, runtime, world_seed)
        if task is None:
            last = "two requests tell the user's facts apart in no clear way"
            continue
        breaks = await _forced(segments[-1], runtime, world_seed) if kind == "refuse" else None
        certificate = await certify(task, runtime, voice, forced_breaks=breaks)
        if certificate.holds:
            return Composed(task, certificate, tuple(segments))
        last = "; ".join(f"{p.name}: {p.detail}" for p in certificate.probes if not p.passed)
    return last


def _refusal_wish(runtime: DomainRuntime, rng: random.Random) -> tuple[str, str] | None:
    """Choose an intent and a clause that can forbid it, each pair as likely."""
    pairs: list[tuple[str, str]] = []
    for name, intent in runtime.playbook.intents.items():
        guards = [step.guard for step in intent.steps if isinstance(step, GuardStep)]
        tools = {getattr(step, "call", None) for step in intent.steps}
        coded = [
            clause
            for clause, spec in runtime.domain.policy.items()
            if spec.codes and tools & set(spec.tools)
        ]
        pairs += [(name, clause) for clause in dict.fromkeys([*guards, *coded])]
    return rng.choice(pairs) if pairs else None


def _intent_names(
    kind: TaskKind, runtime: DomainRuntime, rng: random.Random, wish: tuple[str, str] | None
) -> list[str]:
    intents = runtime.playbook.intents
    if kind == "refuse":
        able = [n for n, i in intents.items() if any(isinstance(s, GuardStep) for s in i.steps)]
        return [wish[0]] if wish is not None else ([rng.choice(able)] if able else [])
    wanted = "info" if kind == "info" else "write"
    able = [name for name, intent in intents.items() if intent.kind == wanted]
    if kind == "writes":
        able = [name for name in able if intents[name].shared]
        return rng.sample(able, 2) if len(able) >= 2 else []
    weights = [intents[name].weight for name in able]
    return rng.choices(able, weights=weights) if able else []


async def _carried_out(
    names: Sequence[str], runtime: DomainRuntime, world_seed: int, rng: random.Random
) -> list[Segment]:
    """Draw and execute the intents one after the other in one world; stop at the first failure."""
    segments: list[Segment] = []
    given: dict[str, Any] = {}
    remembered: dict[tuple[str, str], Any] = {}
    drawn: list[tuple[str, Intent, dict[str, Any]]] = []
    for name in names:
        intent = runtime.playbook.intents[name]
        scope = draw(intent, runtime, world_seed, rng, given)
        if scope is None:
            return []
        given = {key: scope[key] for key in intent.shared if key in scope}
        drawn.append((name, intent, scope))
    async with runtime.open(world_seed) as world:
        wave = 0
        said = ""
        for name, intent, scope in drawn:
            facts = draw_facts(intent, scope)
            said += normal(" ".join(str(value) for value in facts.values())) + "\n"
            made = await attempt(
                intent, facts, world, runtime, first_wave=wave, remembered=remembered, said=said
            )
            segments.append(Segment(name, intent, facts, scope, made))
            if made.outcome != "done":
                break
            wave = made.calls[-1].wave + 1 if made.calls else wave
    return segments


def _unfit(
    kind: TaskKind, segments: Sequence[Segment], names: Sequence[str], wish: tuple[str, str] | None
) -> str | None:
    """Return why what happened is not a task of this kind; None = it is."""
    if len(segments) < len(names):
        return "nothing could be drawn, or an earlier request failed"
    outcomes = [segment.attempt.outcome for segment in segments]
    if kind == "refuse":
        if outcomes[-1] not in ("declined", "refused"):
            return "nothing forbids the request"
        if wish is not None and segments[-1].attempt.clause != wish[1]:
            return "another clause forbids it than the one looked for"
        return None
    if any(outcome != "done" for outcome in outcomes):
        return f"ended as {outcomes[-1]}: {segments[-1].attempt.detail}"
    for segment in segments:
        if segment.attempt.broken:
            clause = segment.attempt.broken[0]
            return f"intent {segment.name!r} breaks clause {clause!r}: its plan lacks a guard"
        if (segment.intent.kind == "write") != bool(segment.attempt.changes):
            return "a write that changes nothing"
    return None


def _task(
    kind: TaskKind, segments: Sequence[Segment], runtime: DomainRuntime, world_seed: int
) -> Task | None:
    facts = _facts(segments, runtime)
    if facts is None:
        return None
    last = segments[-1]
    calls: list[ReferenceCall] = [call for s in segments for call in s.attempt.calls]
    changes: list[Change] = (
        [] if kind == "refuse" else [c for s in segments for c in s.attempt.changes]
    )
    answers = _answers(last, runtime) if kind == "info" else ()
    if kind == "info" and not answers:
        return None
    return Task(
        domain=runtime.domain.name,
        domain_id=runtime.domain.id,
        kind=kind,
        intents=tuple(segment.name for segment in segments),
        goal=_goal(segments),
        facts=tuple(facts),
        world_seed=world_seed,
        reference_calls=tuple(calls),
        target=Target(
            changes=normal_changes(_net(changes)),
            answers=answers,
            declined_by=last.attempt.clause if kind == "refuse" else None,
        ),
    )


def _net(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with several updates of one record folded into one."""
    merged: dict[tuple[str, str | None], Change] = {}
    for change in changes:
        place = (change.entity, change.key)
        before = merged.get(place)
        if before is not None and change.op == "update":
            change = before.model_copy(update={"fields": {**before.fields, **change.fields}})
        merged[place] = change
    return list(merged.values())


def _facts(segments: Sequence[Segment], runtime: DomainRuntime) -> list[Fact] | None:
    """Return the user's facts; one that differs between requests is told apart by its number."""
    facts: dict[str, Fact] = {}
    for number, segment in enumerate(segments, start=1):
        for name, value in segment.facts.items():
            if value is None:
                return None
            slot = runtime.lexicon.slots[name]
            before = facts.get(name)
            if before is None:
                facts[name] = Fact(name=name, type=slot.type, value=value)
            elif before.value != value:
                label = f"{name}@{number}"
                facts[label] = Fact(name=label, type=slot.type, value=value)
    return list(facts.values())


def _goal(segments: Sequence[Segment]) -> str:
    parts: list[str] = []
    for segment in segments:
        told = "; ".join(
            f"{name.replace('_', ' ')}: {value}" for name, value in segment.facts.items()
        )
        parts.append(f"{segment.intent.title} ({told})")
    return ", then ".join(parts)


def _answers(segment: Segment, runtime: DomainRuntime) -> tuple[Answer, ...]:
    made: list[Answer] = []
    for name, spec in segment.intent.answers.items():
        expression = compiled(spec.value.removeprefix("="))
        value = expression.evaluate({**segment.facts, **segment.attempt.seen})
        if value is None:
            return ()
        is_path = expression.paths == (expression.text,)
        made.append(
            Answer(
                name=name,
                type=spec.type,
                value=value,
                said_as=spec.words.get(str(value)) or runtime.lexicon.words.get(str(value)),
                field=expression.text.rpartition(".")[2] if is_path else None,
            )
        )
    return tuple(made)


async def _forced(segment: Segment, runtime: DomainRuntime, world_seed: int) -> list[str]:
    """Carry the forbidden request out all the same; return what forbids it."""
    if segment.attempt.outcome == "refused":
        return [segment.attempt.clause or ""]
    async with runtime.open(world_seed) as world:
        made = await attempt(segment.intent, segment.facts, world, runtime, ignore_guards=True)
    if made.outcome == "refused":
        return [made.clause or ""]
    return made.broken
