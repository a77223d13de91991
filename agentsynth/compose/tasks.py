"""Tasks found by executing, each with its certificate."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentsynth.compose.build import build_task
from agentsynth.compose.carried import carried_for
from agentsynth.compose.kinds import Wish, wish_for
from agentsynth.compose.segments import Segment, carry_out
from agentsynth.compose.twists import find_twist
from agentsynth.core.lexicon import Voice
from agentsynth.core.task import Certificate, Task, TaskKind
from agentsynth.plan.certificate import certify
from agentsynth.plan.difficulty import Difficulty, difficulty_of
from agentsynth.plan.witness import Witness
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["LACKS_A_GUARD", "Composed", "Desk", "NoTask", "make_task"]

_TRIES = {"refuse": 300, "impossible": 300, "partly": 400, "several": 150, "ambiguous": 300}
_TRIES_OTHERWISE = 120
_STRICT = 0.6
"""Share of the tries in which the wished reason or length has to be met."""
LACKS_A_GUARD = "its plan lacks a guard"
"""How the reason ends where a plan goes on although the policy forbids it: the domain's mistake."""
_PICKY = 12
"""Tries in which the wished difficulty has to be met."""
_ACTING = ("write", "writes", "scheduled", "change_of_mind")
_ASKING = ("info", "compare", "aggregate")
_LONG = 15
"""Calls from which a task is long."""


@dataclass(frozen=True)
class Composed:
    """A certified task."""

    task: Task
    certificate: Certificate
    segments: tuple[Segment, ...]
    difficulty: Difficulty
    rejected: Mapping[str, int] = field(default_factory=lambda: {})
    """Tasks found before this one whose certificate failed: probe to count."""


@dataclass(frozen=True)
class Desk:
    """For whom a task is sought."""

    intents: frozenset[str]
    """The requests that are served there."""
    tools: tuple[str, ...]
    """The tools on offer there."""
    level: int | None = None
    """The difficulty looked for first; None = any."""


@dataclass(frozen=True)
class NoTask:
    """Nothing was found."""

    reason: str
    rejected: Mapping[str, int] = field(default_factory=lambda: {})


async def make_task(
    kind: TaskKind,
    runtime: DomainRuntime,
    voice: Voice,
    *,
    world_seed: int,
    rng: random.Random,
    only: str | None = None,
    witness: Witness | None = None,
    desk: Desk | None = None,
) -> Composed | NoTask:
    """Return a certified task of this kind, or why none was found.

    Candidates are drawn and executed until one is of the kind and survives its certificate.

    Args:
        only: the one intent to look at; None = any that fits the kind.
        witness: another process that carries the reference out again; None = not asked for.
        desk: the agent it is for; None = one that serves everything with every tool.
    """
    quest = _Quest(kind, runtime, voice, world_seed, rng, only, witness, desk)
    last = "no intent of this kind"
    rejected: Counter[str] = Counter()
    tries = _TRIES.get(kind, _TRIES_OTHERWISE)
    wish = quest.wish()
    for number in range(tries):
        strict = number < tries * _STRICT
        if not strict or kind not in ("refuse", "impossible"):
            wish = quest.wish()
        if wish is None:
            return NoTask(last, dict(rejected))
        made = await _candidate(quest, wish, strict=strict, picky=number < _PICKY)
        if isinstance(made, Composed):
            return replace(made, rejected=dict(rejected))
        if isinstance(made, Certificate):
            failed = [probe for probe in made.probes if not probe.passed]
            rejected.update(probe.name for probe in failed)
            made = "; ".join(f"{probe.name}: {probe.detail}" for probe in failed)
        elif made.endswith(LACKS_A_GUARD):
            rejected[made] += 1
        last = made
    return NoTask(last, dict(rejected))


@dataclass(frozen=True)
class _Quest:
    kind: TaskKind
    runtime: DomainRuntime
    voice: Voice
    world_seed: int
    rng: random.Random
    only: str | None
    witness: Witness | None
    desk: Desk | None

    def wish(self) -> Wish | None:
        served = None if self.desk is None else self.desk.intents
        return wish_for(self.kind, self.runtime, self.rng, self.only, served)


async def _candidate(
    quest: _Quest, wish: Wish, *, strict: bool, picky: bool
) -> Composed | Certificate | str:
    """Draw and execute one candidate; return the task, its failed certificate, or why not."""
    kind, runtime, world_seed, rng = quest.kind, quest.runtime, quest.world_seed, quest.rng
    segments = await carry_out(wish.names, runtime, world_seed, rng, past_refusals=kind == "partly")
    reason = _unfit(kind, segments, wish, runtime, strict=strict)
    if reason is not None:
        return reason
    twist = await find_twist(kind, segments[0], runtime, world_seed, rng)
    if isinstance(twist, str):
        return twist
    task = build_task(kind, segments, runtime, world_seed, twist)
    if isinstance(task, str):
        return task
    attempts = [segment.attempt for segment in segments]
    offered = len(runtime.specs) if quest.desk is None else len(quest.desk.tools)
    measured = difficulty_of(task, attempts, runtime, offered=offered)
    wanted = None if quest.desk is None else quest.desk.level
    if picky and wanted is not None and measured.level != wanted:
        return "another difficulty than the one looked for"
    carried = [await carried_for(s, task, runtime, world_seed, rng) for s in segments]
    certificate, others = await certify(task, carried, runtime, quest.voice, witness=quest.witness)
    if not certificate.holds:
        return certificate
    measured = difficulty_of(task, attempts, runtime, offered=offered, alternatives=others)
    return Composed(task, certificate, tuple(segments), measured)


def _unfit(
    kind: TaskKind,
    segments: Sequence[Segment],
    wish: Wish,
    runtime: DomainRuntime,
    *,
    strict: bool,
) -> str | None:
    """Return why what happened is not a task of this kind; None = it is."""
    if len(segments) < len(wish.names):
        return "nothing could be drawn, or an earlier request failed"
    for segment in segments:
        made = segment.attempt
        if made.outcome == "failed":
            return f"intent {segment.name!r} failed: {made.detail}"
        if made.broken:
            clause = made.broken[0]
            return f"intent {segment.name!r} breaks clause {clause!r}: {LACKS_A_GUARD}"
        if segment.blocked and made.changes:
            return "a refusal after something was changed"
    blocked = [segment for segment in segments if segment.blocked]
    match kind:
        case "refuse" | "impossible" | "partly" | "no_tool":
            return _unfit_refusal(kind, segments, blocked, wish, runtime, strict=strict)
        case _:
            pass
    if blocked:
        return f"declined by {blocked[0].attempt.reason}"
    return _unfit_work(kind, segments, wish, strict=strict)


def _unfit_refusal(
    kind: TaskKind,
    segments: Sequence[Segment],
    blocked: Sequence[Segment],
    wish: Wish,
    runtime: DomainRuntime,
    *,
    strict: bool,
) -> str | None:
    if len(blocked) != 1:
        return "nothing stands against the request" if not blocked else "two requests are blocked"
    if strict and wish.reason is not None and blocked[0].attempt.reason != wish.reason:
        return "another reason stands against it than the one looked for"
    forbidden = blocked[0].attempt.reason in runtime.domain.policy
    if (kind == "impossible" and forbidden) or (kind == "refuse" and not forbidden):
        return "what stands against it is " + ("the policy" if forbidden else "no policy")
    if kind == "partly":
        rest = [segment for segment in segments if not segment.blocked]
        return None if all(s.attempt.changes for s in rest) else "nothing is left to be done"
    return None


def _unfit_work(
    kind: TaskKind, segments: Sequence[Segment], wish: Wish, *, strict: bool
) -> str | None:
    made = segments[0].attempt
    count = sum(call.actor == "assistant" for call in made.calls)
    changed = any(segment.attempt.changes for segment in segments)
    if kind in (*_ACTING, "several") and not changed:
        return "a write that changes nothing"
    if kind in _ASKING and changed:
        return "a question that changes something"
    if kind == "writes" and sum(bool(r.changes) for r in made.results) < 2:
        return "fewer than two writes"
    if kind == "dual" and count == len(made.calls):
        return "the user has nothing to do"
    if kind == "ambiguous" and not made.narrowed:
        return "the first words fit one record only"
    if kind == "long":
        near = wish.calls is None or 0.6 * wish.calls <= count <= 1.5 * wish.calls
        if count < _LONG or (strict and not near):
            return f"{count} calls: another length than the one looked for"
    return None
