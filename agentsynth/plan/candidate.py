"""Find tasks by executing: draw what a user could want, carry it out, see what the world says."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsynth.core.errors import DomainError, UserError
from agentsynth.core.intent import Draw, Intent
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult, World
from agentsynth.core.task import Change, ReferenceCall
from agentsynth.core.words import normal
from agentsynth.plan.recipe import (
    Calls,
    Declined,
    Finished,
    Memory,
    PlannedCall,
    PlanRun,
    Slip,
    UserActs,
)
from agentsynth.plan.sources import Facts, KnownFacts, resolve_source
from agentsynth.worlds.expressions import resolve_path
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = [
    "Attempt",
    "action_call",
    "action_tells",
    "attempt",
    "draw",
    "draw_facts",
]

_TRIES_PER_RECORD = 60


def draw(
    intent: Intent,
    runtime: DomainRuntime,
    world_seed: int,
    rng: random.Random,
    given: Mapping[str, Any],
) -> dict[str, Any] | None:
    """Draw the records and values of one candidate; None when nothing fits.

    Args:
        given: names bound already (the person of an earlier intent); they are not drawn again.
    """
    scope: dict[str, Any] = {"today": runtime.today(world_seed)}
    for name, spec in intent.draw.items():
        value = given[name] if name in given else _drawn(spec, runtime, world_seed, rng, scope)
        if value is None:
            return None
        scope[name] = value
    return scope


def _drawn(
    spec: Draw,
    runtime: DomainRuntime,
    world_seed: int,
    rng: random.Random,
    scope: Mapping[str, Any],
) -> Any:
    if spec.choose:
        return rng.choice(spec.choose)
    if spec.value is not None:
        return compiled(spec.value.removeprefix("=")).evaluate(scope)
    if spec.rows is not None and runtime.rows is not None:
        rows = runtime.rows(spec.rows)
        return rng.choice(rows) if rows else None
    if spec.record is not None and runtime.compiled is not None:
        return _record(spec, runtime, world_seed, rng, scope)
    raise UserError(f"a draw needs one of record, choose, rows, value; got {spec!r}")


def _record(
    spec: Draw,
    runtime: DomainRuntime,
    world_seed: int,
    rng: random.Random,
    scope: Mapping[str, Any],
) -> Any:
    assert runtime.compiled is not None  # the caller looked
    assert spec.record is not None
    base = runtime.compiled.base(world_seed)
    where = {name: _given(value, scope) for name, value in spec.where.items()}
    table = base.tables[spec.record]
    if where:
        first = next(iter(where))
        keys: Sequence[str] = base.keys_where(spec.record, first, where[first])
    else:
        keys = list(table)
    if not keys:
        return None
    condition = compiled(spec.filter) if spec.filter is not None else None
    for _ in range(_TRIES_PER_RECORD):
        record = table[keys[rng.randrange(len(keys))]]
        if any(record.get(name) != value for name, value in where.items()):
            continue
        if condition is None or condition.evaluate({**scope, "it": record}):
            return record
    return None


def _given(value: Any, scope: Mapping[str, Any]) -> Any:
    if isinstance(value, str) and value.startswith("="):
        return compiled(value[1:]).evaluate(scope)
    return value


def draw_facts(intent: Intent, scope: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the user knows, by fact name."""
    return {name: _given(value, scope) for name, value in intent.facts.items()}


@dataclass
class Attempt:
    """One intent carried out in a world."""

    outcome: Literal["done", "declined", "refused", "failed"] = "failed"
    reason: str | None = None
    """The clause or obstacle that a guard or the world's error stands for; None = neither."""
    detail: str = ""
    calls: list[ReferenceCall] = field(default_factory=lambda: [])
    results: list[ToolResult] = field(default_factory=lambda: [])
    seen: dict[str, Any] = field(default_factory=lambda: {})
    facts: dict[str, Any] = field(default_factory=lambda: {})
    """The facts given, and what the user's own actions showed them."""
    changes: list[Change] = field(default_factory=lambda: [])
    broken: list[str] = field(default_factory=lambda: [])
    """Clauses that a successful call broke: a plan without the guard it needs."""
    idle: list[str] = field(default_factory=lambda: [])
    """Write tools whose successful call changed nothing."""
    narrowed: tuple[str, ...] = ()
    """Picks for which the first words fitted several entries."""
    unlike: tuple[str, ...] = ()
    """Picks of the only entry there is, though it differs from what the facts say."""
    branch: str | None = None
    """Which branch of the intent's condition was taken; None = it has none."""


async def attempt(
    intent: Intent,
    facts: Mapping[str, Any],
    world: World,
    runtime: DomainRuntime,
    *,
    said: str | None = None,
    first_wave: int = 0,
    memory: Memory | None = None,
    ignore_guards: bool = False,
    slip: Slip | None = None,
) -> Attempt:
    """Carry out an intent's plan with true facts.

    Args:
        said: all the user has said by now, made by `normal`; None = just these facts.
        first_wave: number of the first wave of calls.
        memory: results of earlier intents in the same world; added to.
        ignore_guards: go on where the policy says no (to show that it says no for a reason).
        slip: a mix-up to make on the way; None = none.
    """
    run = PlanRun(
        intent,
        writes=runtime.writes,
        looks=runtime.looks,
        memory=memory,
        ignore_guards=ignore_guards,
        slip=slip,
    )
    known = KnownFacts(facts)
    made = Attempt(seen=run.seen, facts=known.values)
    words = said or normal(" ".join(str(value) for value in facts.values()))
    await _carry_out(run, known, world, runtime, words, first_wave, made)
    made.narrowed, made.branch = tuple(run.narrowed), run.branch
    made.unlike = tuple(run.unlike)
    return made


async def _carry_out(
    run: PlanRun,
    known: KnownFacts,
    world: World,
    runtime: DomainRuntime,
    said: str,
    first_wave: int,
    made: Attempt,
) -> None:
    while True:
        following = run.next(known)
        wave = made.calls[-1].wave + 1 if made.calls else first_wave
        match following:
            case Calls():
                for planned in following.calls:
                    error = await _make(planned, wave, world, runtime, said, made)
                    if error is not None:
                        _refused(made, runtime, error)
                        return
                    run.record(planned, runtime.decode(planned.name, made.results[-1].content))
            case UserActs():
                error = await _act(run.intent, following.action, wave, world, known, made)
                if error is not None:
                    _refused(made, runtime, error)
                    return
                told = run.intent.actions[following.action].tells
                said += "\n" + normal(" ".join(str(known.values[slot]) for slot in told))
            case Declined():
                made.outcome, made.reason = "declined", following.reason
                return
            case Finished():
                made.outcome = "done"
                return
            case _:
                made.detail = str(following)
                return


async def _make(
    planned: PlannedCall, wave: int, world: World, runtime: DomainRuntime, said: str, made: Attempt
) -> ToolResult | None:
    """Make one call; return its result when it is an error, None when it succeeded."""
    call = ToolCall(id=f"plan_{len(made.calls)}", name=planned.name, arguments=planned.arguments)
    broken = runtime.broken_clauses(world, call, said)
    result = await world.call(call)
    made.calls.append(ReferenceCall(name=call.name, arguments=call.arguments, wave=wave))
    made.results.append(result)
    if result.is_error:
        return result
    made.broken += broken
    made.changes += result.changes
    if runtime.is_write(call) and not result.changes:
        made.idle.append(call.name)
    return None


async def _act(
    intent: Intent, name: str, wave: int, world: World, known: KnownFacts, made: Attempt
) -> ToolResult | None:
    """Do what the user does; return the result when it is an error."""
    call = action_call(intent, name, known, f"plan_{len(made.calls)}")
    result = await world.call(call, "user")
    made.calls.append(
        ReferenceCall(name=call.name, arguments=call.arguments, wave=wave, actor="user")
    )
    made.results.append(result)
    if result.is_error:
        return result
    made.changes += result.changes
    known.values |= action_tells(intent, name, json.loads(result.content))
    return None


def action_call(intent: Intent, name: str, facts: Facts, call_id: str) -> ToolCall:
    """Return the call that the user makes for an action.

    Raises:
        DomainError: if a fact it needs is not known.
    """
    action = intent.actions[name]
    missing: list[str] = []
    arguments = {k: resolve_source(v, facts, {}, missing) for k, v in action.args.items()}
    if missing:
        raise DomainError(f"action {name!r} needs facts that the user does not have: {missing}")
    return ToolCall(id=call_id, name=action.tool, arguments=arguments)


def action_tells(intent: Intent, name: str, result: Any) -> dict[str, Any]:
    """Return what the user knows after an action: slots to values, and that it was done."""
    told = {s: resolve_path(p, result) for s, p in intent.actions[name].tells.items()}
    return told | {f"did:{name}": True}


def _refused(made: Attempt, runtime: DomainRuntime, error: ToolResult) -> None:
    made.detail = error.content
    made.reason = runtime.reason_of(error.content, error.code)
    if made.reason is not None:
        made.outcome = "refused"
