"""Find tasks by executing: draw what a user could want, carry it out, see what the world says."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agentsynth.core.errors import UserError
from agentsynth.core.intent import Draw, Intent
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult, World
from agentsynth.core.task import Change, ReferenceCall
from agentsynth.core.words import normal
from agentsynth.plan.recipe import UNKNOWN, Calls, Declined, Finished, PlannedCall, PlanRun, Slip
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = ["Attempt", "KnownFacts", "attempt", "draw", "draw_facts", "error_code"]

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


@dataclass(frozen=True)
class KnownFacts:
    """Facts straight from the task, for planning."""

    values: Mapping[str, Any]

    def value(self, name: str) -> Any:
        """Return the fact's value."""
        return self.values.get(name, UNKNOWN)

    def among(self, name: str, options: Sequence[str]) -> Any:
        """Return the option that is the fact's value."""
        wanted = str(self.values.get(name, "")).casefold()
        return next((option for option in options if option.casefold() == wanted), UNKNOWN)


@dataclass
class Attempt:
    """One intent carried out in a world."""

    outcome: Literal["done", "declined", "refused", "failed"] = "failed"
    clause: str | None = None
    """The clause that a guard or the world's error stands for; None unless declined or refused."""
    detail: str = ""
    calls: list[ReferenceCall] = field(default_factory=lambda: [])
    results: list[ToolResult] = field(default_factory=lambda: [])
    seen: dict[str, Any] = field(default_factory=lambda: {})
    changes: list[Change] = field(default_factory=lambda: [])
    broken: list[str] = field(default_factory=lambda: [])
    """Clauses that a successful call broke: a plan without the guard it needs."""


async def attempt(
    intent: Intent,
    facts: Mapping[str, Any],
    world: World,
    runtime: DomainRuntime,
    *,
    said: str | None = None,
    first_wave: int = 0,
    remembered: dict[tuple[str, str], Any] | None = None,
    ignore_guards: bool = False,
    slip: Slip | None = None,
) -> Attempt:
    """Carry out an intent's plan with true facts.

    Args:
        said: all the user has said by now, made by `normal`; None = just these facts.
        first_wave: number of the first wave of calls.
        remembered: stable results of earlier intents in the same world; added to.
        ignore_guards: go on where the policy says no (to show that it says no for a reason).
        slip: a mix-up to make on the way; None = none.
    """
    run = PlanRun(
        intent,
        writes=runtime.writes,
        remembered=remembered,
        ignore_guards=ignore_guards,
        slip=slip,
    )
    made = Attempt(seen=run.seen)
    words = said or normal(" ".join(str(value) for value in facts.values()))
    known = KnownFacts(facts)
    while True:
        following = run.next(known)
        match following:
            case Calls():
                wave = first_wave
                if made.calls:
                    wave = made.calls[-1].wave + 1
                for planned in following.calls:
                    error = await _make(planned, wave, world, runtime, words, made)
                    if error is not None:
                        return _refused(made, runtime, error)
                    run.record(planned, runtime.decode(made.results[-1].content))
            case Declined():
                made.outcome, made.clause = "declined", following.clause
                return made
            case Finished():
                made.outcome = "done"
                return made
            case _:
                made.detail = str(following)
                return made


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
    return None


def _refused(made: Attempt, runtime: DomainRuntime, error: ToolResult) -> Attempt:
    made.detail = error.content
    code = error_code(error.content)
    for name, clause in runtime.domain.policy.items():
        if code is not None and code in clause.codes:
            made.outcome, made.clause = "refused", name
            return made
    return made


def error_code(content: str) -> str | None:
    """Return the code of a declarative tool's error; None for other texts."""
    if not content.startswith('{"error"'):
        return None
    return json.loads(content)["error"].get("code")
