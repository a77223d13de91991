"""From requests carried out to a task: what the user knows, wants, and what must hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from agentsynth.checks.target import normal_changes
from agentsynth.compose.segments import Segment
from agentsynth.core.intent import PickStep
from agentsynth.core.task import (
    Answer,
    Change,
    Fact,
    ReferenceCall,
    Request,
    Target,
    Task,
    TaskKind,
)
from agentsynth.plan.sources import narrowing_facts
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = ["Twist", "build_task"]


@dataclass(frozen=True)
class Twist:
    """What the user does not say at once, or first says otherwise."""

    fact: str
    revised: Literal["never", "next_turn", "at_read_back"] = "never"
    first: Any = None
    """What is said first; None where the fact is only withheld."""


def build_task(
    kind: TaskKind,
    segments: Sequence[Segment],
    runtime: DomainRuntime,
    world_seed: int,
    twist: Twist | None,
) -> Task | str:
    """Return the task that these requests make, or why they make none."""
    facts = _facts(segments, runtime, twist)
    if isinstance(facts, str):
        return facts
    answers = _answers(segments, runtime)
    if answers is None:
        return "an answer has no value in this world"
    calls: list[ReferenceCall] = [c for s in segments for c in s.attempt.calls]
    changes = [change for s in segments for change in s.attempt.changes]
    requests = tuple(_request(segment, runtime) for segment in segments)
    return Task(
        domain=runtime.domain.name,
        domain_id=runtime.domain.id,
        language=runtime.lexicon.language,
        kind=kind,
        requests=requests,
        goal=_goal(segments, twist),
        facts=tuple(facts),
        world_seed=world_seed,
        reference_calls=tuple(calls),
        target=Target(
            changes=normal_changes(_net(changes)),
            answers=answers,
            declined=tuple(r.reason for r in requests if r.reason is not None),
        ),
    )


def _request(segment: Segment, runtime: DomainRuntime) -> Request:
    if not segment.blocked:
        return Request(intent=segment.name)
    reason = segment.attempt.reason
    if segment.intent.kind == "no_tool":
        return Request(intent=segment.name, outcome="no_tool", reason=reason)
    outcome = "declined" if reason in runtime.domain.policy else "impossible"
    return Request(intent=segment.name, outcome=outcome, reason=reason)


def _net(changes: Sequence[Change]) -> list[Change]:
    """Return the changes with several changes of one record folded into one."""
    merged: dict[tuple[str, str | None], Change] = {}
    for change in changes:
        place = (change.entity, change.key)
        before = merged.get(place)
        if before is not None and change.op == "update":
            change = before.model_copy(update={"fields": {**before.fields, **change.fields}})
        if before is not None and before.op == "create" and change.op == "delete":
            del merged[place]
            continue
        merged[place] = change
    return list(merged.values())


def _facts(
    segments: Sequence[Segment], runtime: DomainRuntime, twist: Twist | None
) -> list[Fact] | str:
    """Return the user's facts; one that differs between requests is told apart by its number."""
    facts: dict[str, Fact] = {}
    for number, segment in enumerate(segments, start=1):
        narrowing = set(narrowing_facts(segment.intent)) & _narrowed(segment)
        for name, value in segment.facts.items():
            if value is None:
                return f"the fact {name!r} has no value"
            before = facts.get(name)
            if before is not None and before.value == value:
                continue
            label = name if before is None else f"{name}@{number}"
            facts[label] = _fact(label, name, value, runtime, twist, name in narrowing)
    return list(facts.values())


def _narrowed(segment: Segment) -> set[str]:
    """Return the facts by which a choice was narrowed down that the first words left open."""
    return {
        str(source)[1:]
        for step in segment.intent.steps
        if isinstance(step, PickStep) and step.pick in segment.attempt.narrowed
        for source in step.narrow.values()
    }


def _fact(
    label: str, name: str, value: Any, runtime: DomainRuntime, twist: Twist | None, narrows: bool
) -> Fact:
    slot = runtime.lexicon.slots[name]
    fact = Fact(name=label, type=slot.type, unit=slot.unit, value=value)
    if twist is None or twist.fact != name:
        return fact.model_copy(update={"told": "when_asked"}) if narrows else fact
    if twist.revised == "never":
        return fact.model_copy(update={"told": "when_asked"})
    return fact.model_copy(update={"first": twist.first, "revised": twist.revised})


def _goal(segments: Sequence[Segment], twist: Twist | None) -> str:
    parts: list[str] = []
    for segment in segments:
        told = "; ".join(
            f"{name.replace('_', ' ')}: {value}" for name, value in segment.facts.items()
        )
        parts.append(f"{segment.intent.title} ({told})")
    goal = ", then ".join(parts)
    if twist is None:
        return goal
    name = twist.fact.replace("_", " ")
    match twist.revised:
        case "next_turn":
            return f"{goal}; at first gets the {name} wrong ({twist.first}) and then puts it right"
        case "at_read_back":
            return f"{goal}; first asks for another {name} ({twist.first}), then changes their mind"
        case _:
            return f"{goal}; gives the {name} only when asked"


def _answers(segments: Sequence[Segment], runtime: DomainRuntime) -> tuple[Answer, ...] | None:
    """Return what has to be said, or None when a value is missing."""
    made: list[Answer] = []
    for segment in segments:
        if segment.blocked:
            continue
        scope: Mapping[str, Any] = {**segment.attempt.facts, **segment.attempt.seen}
        for name, spec in segment.intent.answers.items():
            if spec.when is not None and spec.when != segment.attempt.branch:
                continue
            expression = compiled(spec.value.removeprefix("="))
            value = expression.evaluate(scope)
            if value is None:
                return None
            is_path = expression.paths == (expression.text,)
            shown = is_path and "." in expression.text
            made.append(
                Answer(
                    name=name,
                    type=spec.type,
                    value=value,
                    said_as=spec.words.get(str(value)) or runtime.lexicon.words.get(str(value)),
                    field=expression.text.rpartition(".")[2] if shown else None,
                    unit=spec.unit,
                )
            )
    return tuple(made)
