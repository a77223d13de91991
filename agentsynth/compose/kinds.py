"""Which intents can make which kind of task, and what is looked for in one try."""

import random
from collections.abc import Mapping
from dataclasses import dataclass

from agentsynth.compose.toolsets import sources_of_intents
from agentsynth.core.intent import GuardStep, Intent, PickStep
from agentsynth.core.lexicon import Lexicon
from agentsynth.core.phrasing import parse_template
from agentsynth.core.task import KINDS, TaskKind
from agentsynth.plan.sources import facts_used, narrowing_facts
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["HORIZONS", "Wish", "kinds_allowed", "revisable", "wish_for", "withholdable"]

HORIZONS = (20, 50, 100, 300)
"""Numbers of calls that long tasks aim at."""

_PLAIN = ("write", "info", "scheduled", "compare", "aggregate", "dual")
"""Intent kinds that the kinds with a twist build on."""
_SEVERAL = ("write", "info", "scheduled", "compare", "aggregate", "writes")
_REVISED_HEARINGS = ("date", "time", "pattern", "seen")


@dataclass(frozen=True)
class Wish:
    """What one try looks for."""

    names: tuple[str, ...]
    """The intents, in order."""
    reason: str | None = None
    """The clause or obstacle that should stand against one of them; None = any."""
    calls: int | None = None
    """For long tasks: about how many calls; None for others."""


def kinds_allowed(runtime: DomainRuntime) -> tuple[TaskKind, ...]:
    """Return the kinds a domain has intents for, in the order of `KINDS`."""
    rng = random.Random(0)
    return tuple(kind for kind in KINDS if wish_for(kind, runtime, rng) is not None)


def wish_for(
    kind: TaskKind,
    runtime: DomainRuntime,
    rng: random.Random,
    only: str | None = None,
    served: frozenset[str] | None = None,
) -> Wish | None:
    """Return what to look for next; None = the domain has nothing for this kind.

    Args:
        only: the one intent to look at (beside a companion, where the kind needs two).
        served: the intents to choose from; None = all.
    """
    every = runtime.playbook.intents
    intents = {n: i for n, i in every.items() if served is None or n in served}
    match kind:
        case "several" if len(runtime.sources) > 1:
            return _several_across(runtime, intents, rng, only)
        case "several":
            return _several(intents, rng, only)
        case "refuse" | "impossible":
            found = _choice(rng, _reasons(runtime, intents, policy=kind == "refuse", only=only))
            return Wish((found[0],), found[1]) if found is not None else None
        case "partly":
            return _partly(runtime, intents, rng, only)
        case "long":
            name = _weighted(rng, {n: i for n, i in intents.items() if i.kind == "long"}, only)
            return Wish((name,), calls=rng.choice(HORIZONS)) if name is not None else None
        case "ask_back" | "ambiguous" | "corrected" | "change_of_mind":
            able = {n: i for n, i in intents.items() if _can_twist(kind, n, i, runtime.lexicon)}
        case _:
            able = {n: i for n, i in intents.items() if i.kind == kind}
    name = _weighted(rng, able, only)
    return Wish((name,)) if name is not None else None


def _weighted(rng: random.Random, able: Mapping[str, Intent], only: str | None) -> str | None:
    if only is not None:
        return only if only in able else None
    if not able:
        return None
    return rng.choices(list(able), weights=[intent.weight for intent in able.values()])[0]


def _choice(rng: random.Random, found: list[tuple[str, str]]) -> tuple[str, str] | None:
    return rng.choice(found) if found else None


def _several(intents: Mapping[str, Intent], rng: random.Random, only: str | None) -> Wish | None:
    """Two or three requests of one person, at least one of which changes something."""
    able = [n for n, i in intents.items() if i.shared and i.kind in _SEVERAL]
    first = [n for n in able if intents[n].kind in ("write", "writes", "scheduled")]
    if only is not None:
        first = [n for n in first if n == only]
    if not first or len(able) < 2:
        return None
    names = [rng.choice(first)]
    asks = False
    for _ in range(2 if rng.random() < 0.3 else 1):
        others = [
            n
            for n in able
            if n not in names
            and set(intents[n].shared) & set(intents[names[0]].shared)
            and not (asks and intents[n].answers)
        ]
        if not others:
            break
        names.append(rng.choice(others))
        asks = asks or bool(intents[names[-1]].answers)
    rng.shuffle(names)
    return Wish(tuple(names)) if len(names) > 1 else None


def _several_across(
    runtime: DomainRuntime, intents: Mapping[str, Intent], rng: random.Random, only: str | None
) -> Wish | None:
    """Two or three requests for different parts of a mixture, at least one of which writes.

    Only one of them may say who the user is: the parts know different people.
    """
    sources = sources_of_intents(runtime)
    able = [n for n, i in intents.items() if i.kind in _SEVERAL]
    first = [n for n in able if intents[n].kind in ("write", "writes", "scheduled")]
    if only is not None:
        first = [n for n in first if n == only]
    if not first:
        return None
    names = [rng.choice(first)]
    for _ in range(2 if rng.random() < 0.3 else 1):
        taken = frozenset[str]().union(*(sources[name] for name in names))
        others = [
            n
            for n in able
            if taken.isdisjoint(sources[n])
            and not (intents[n].shared and any(intents[name].shared for name in names))
            and not (intents[n].answers and any(intents[name].answers for name in names))
        ]
        if not others:
            break
        names.append(rng.choice(others))
    rng.shuffle(names)
    return Wish(tuple(names)) if len(names) > 1 else None


def _partly(
    runtime: DomainRuntime, intents: Mapping[str, Intent], rng: random.Random, only: str | None
) -> Wish | None:
    """A request that can be granted and one that cannot, by the same person."""
    able = [n for n, i in intents.items() if i.shared and i.kind in ("write", "scheduled")]
    blocked = _reasons(runtime, intents, policy=True, only=only)
    blocked += _reasons(runtime, intents, policy=False, only=only)
    pairs = [
        (name, other, reason)
        for other, reason in blocked
        for name in able
        if name != other and set(intents[name].shared) & set(intents[other].shared)
    ]
    if not pairs:
        return None
    name, other, reason = rng.choice(pairs)
    names = (name, other) if rng.random() < 0.5 else (other, name)
    return Wish(names, reason)


def _reasons(
    runtime: DomainRuntime, intents: Mapping[str, Intent], *, policy: bool, only: str | None
) -> list[tuple[str, str]]:
    """Return (intent, what can stand against it), each pair once."""
    known = runtime.domain.policy if policy else runtime.lexicon.obstacles
    pairs: list[tuple[str, str]] = []
    for name, intent in intents.items():
        if intent.kind in ("no_tool", "long") or only not in (None, name):
            continue
        guards = [step.guard for step in intent.steps if isinstance(step, GuardStep)]
        tools = {getattr(step, "call", None) for step in intent.steps} - {None}
        if policy:
            clauses = runtime.domain.policy.items()
            coded = [r for r, c in clauses if c.codes and not tools.isdisjoint(c.tools)]
        else:
            codes = {code for tool in tools for code in runtime.codes_of(str(tool))}
            obstacles = runtime.lexicon.obstacles.items()
            coded = [r for r, o in obstacles if not codes.isdisjoint(o.codes)]
        pairs += [(name, r) for r in dict.fromkeys([*guards, *coded]) if r in known]
    return pairs


def _can_twist(kind: TaskKind, name: str, intent: Intent, lexicon: Lexicon) -> bool:
    if intent.kind not in _PLAIN:
        return False
    match kind:
        case "ask_back":
            return bool(withholdable(name, intent, lexicon))
        case "ambiguous":
            return any(isinstance(step, PickStep) and step.narrow for step in intent.steps)
        case "corrected":  # the figure of the first version would be held to be made up
            return intent.kind != "aggregate" and bool(revisable(intent, lexicon))
        case _:
            writes = intent.kind in ("write", "scheduled", "dual")
            return (
                writes and bool(lexicon.intents[name].propose) and bool(revisable(intent, lexicon))
            )


def withholdable(name: str, intent: Intent, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the facts that some first message leaves out although the plan needs them."""
    needed = [parse_template(phrase).needed for phrase in lexicon.intents[name].open]
    narrowing = set(narrowing_facts(intent))
    return tuple(
        fact
        for fact in facts_used(intent)
        if fact not in narrowing and any(fact not in slots for slots in needed)
    )


def revisable(intent: Intent, lexicon: Lexicon) -> tuple[str, ...]:
    """Return the facts a user could get wrong or change: not who they are."""
    return tuple(
        fact for fact in facts_used(intent) if lexicon.slots[fact].hearing in _REVISED_HEARINGS
    )
