"""Certificates: what a task must survive before anyone plays it.

The probes share the world's semantics with the planner, so their agreement is not proof by itself:
the search knows nothing of the plan, the witness is another process, and the tests hold mutants of
their own making against the same checks.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json, derive_seed
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import ToolMessage
from agentsynth.core.task import Certificate, Probe, ProbeName, ReferenceCall, Task
from agentsynth.plan.candidate import Attempt
from agentsynth.plan.goals import Goal, leaves, needed_for
from agentsynth.plan.mutants import dropped_writes, other_entities, other_values, wrong_answers
from agentsynth.plan.search import search
from agentsynth.plan.takes import Take, failures, run_take
from agentsynth.plan.witness import Witness, results_digest
from agentsynth.plan.words import closing_words, refusing_words, words_for
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Carried", "certify"]

_MUTANTS = 3
"""Variants of a kind that are held against the checks; long tasks get one."""


@dataclass(frozen=True)
class Carried:
    """One request as it was carried out when the task was found."""

    intent: str
    attempt: Attempt
    forced: Attempt | None = None
    """For a request to be declined: the same carried out all the same; None for others."""
    first_version: Attempt | None = None
    """What came of the values that the user took back; None where nothing was taken back."""
    twin: Task | None = None
    """For a request to be declined: a task in which the same is permitted."""


@dataclass
class _Case:
    task: Task
    carried: Sequence[Carried]
    runtime: DomainRuntime
    voice: Voice
    reference: Take
    words: str
    rng: random.Random
    probes: list[Probe]

    def add(self, name: ProbeName, passed: bool, detail: str, tried: int = 1) -> None:
        self.probes.append(Probe(name=name, passed=passed, tried=tried, detail=detail))

    def failed(self, take: Take, words: str) -> list[str]:
        return failures(self.task, take, words, self.runtime, self.voice)

    def must_fail(self, name: ProbeName, take: Take, words: str, detail: str) -> None:
        found = self.failed(take, words)
        self.add(name, bool(found), found[0] if found else f"{detail} passes")


async def certify(
    task: Task,
    carried: Sequence[Carried],
    runtime: DomainRuntime,
    voice: Voice,
    *,
    witness: Witness | None = None,
) -> tuple[Certificate, int]:
    """Return the task's certificate, with every probe recorded, and the number of alternatives.

    It stops at the first probe that fails: the task is dropped then.

    Args:
        carried: the task's requests as they were carried out, in order.
        witness: another process to carry the reference out; None = that probe is left out.
    """
    reference = await run_take(task, task.reference_calls, runtime)
    case = _Case(
        task=task,
        carried=carried,
        runtime=runtime,
        voice=voice,
        reference=reference,
        words=closing_words(task, runtime),
        rng=random.Random(derive_seed("certificate", task.id)),
        probes=[],
    )
    alternatives = 0
    _reference_passes(case)
    if _holds(case):
        await _doing_nothing(case)
    if _holds(case):
        await _refusals(case)
    if _holds(case):
        await _mutants(case)
    if _holds(case):
        alternatives = await _searched(case)
    if _holds(case) and witness is not None and runtime.searchable:
        await _elsewhere(case, witness)
    return Certificate(task_id=task.id, probes=tuple(case.probes)), alternatives


def _holds(case: _Case) -> bool:
    return all(probe.passed for probe in case.probes)


def _reference_passes(case: _Case) -> None:
    task = case.task
    wrong = case.failed(case.reference, case.words) + _unseen_answers(case)
    case.add("reference_passes", not wrong, "; ".join(wrong))
    target = task.target
    met = not target.changes and not target.answers and not target.declined
    case.add("goal_not_met", not met, "nothing has to change or be said" if met else "")
    idle = [name for one in case.carried for name in one.attempt.idle]
    if any(case.runtime.is_write(call) for call in task.reference_calls):
        case.add("no_idle_write", not idle, ", ".join(idle))


def _unseen_answers(case: _Case) -> list[str]:
    """Return a failure for every answer that a result should show and none does."""
    answers = [answer for answer in case.task.target.answers if answer.field is not None]
    if not answers:
        return []
    shown = {canonical_json(value) for _, value in _shown(case)}
    return [
        f"answers_given: no result shows the {answer.name} {answer.value!r}"
        for answer in answers
        if canonical_json(answer.value) not in shown
    ]


def _shown(case: _Case) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for message in case.reference.messages:
        if isinstance(message, ToolMessage) and not message.is_error:
            found += leaves(case.runtime.decode(message.name, message.content))
    return found


async def _doing_nothing(case: _Case) -> None:
    """Silence fails; so does giving up where something is due, and claiming where nothing is."""
    nothing = await run_take(case.task, (), case.runtime)
    case.must_fail("silence_fails", nothing, "", "an assistant that does nothing")
    if case.task.target.declined:
        pretended = words_for(case.task, case.runtime, case.carried[0].intent, done=True)
        case.must_fail("yielding_fails", nothing, pretended, "pretending that it is done")
    else:
        case.must_fail("yielding_fails", nothing, refusing_words(case.voice), "giving up")
    if case.task.target.changes:
        case.must_fail("said_not_done_fails", nothing, case.words, "words without the deed")
    if case.reference.calls:
        silent = case.failed(case.reference, "")
        case.add("done_not_said_fails", bool(silent), "" if silent else "a silent deed passes")


async def _refusals(case: _Case) -> None:
    """What is declined is rightly declined, and only there."""
    for one, request in zip(case.carried, case.task.requests, strict=True):
        if request.reason is None:
            continue
        if request.outcome != "no_tool":
            against = _against(one)
            case.add(
                "refusal_is_due",
                request.reason in against,
                "carrying it out meets: " + (", ".join(against) or "nothing"),
            )
            if one.forced is not None and one.forced.outcome == "done":
                take = await run_take(case.task, one.forced.calls, case.runtime)
                words = words_for(case.task, case.runtime, one.intent, done=True)
                case.must_fail("yielding_fails", take, words, "doing what is forbidden")
        if one.twin is None:
            case.add("refusing_the_permitted_fails", False, "no permitted twin was found")
            continue
        words = words_for(case.task, case.runtime, request.reason, done=False)
        nothing = await run_take(one.twin, (), case.runtime)
        found = failures(one.twin, nothing, words, case.runtime, case.voice)
        case.add(
            "refusing_the_permitted_fails",
            bool(found),
            found[0] if found else "refusing the permitted twin passes",
        )


def _against(one: Carried) -> tuple[str, ...]:
    """Return the clauses and obstacles that a request met when it was carried out all the same."""
    if one.attempt.outcome == "refused":
        return (one.attempt.reason or "",)
    if one.forced is None:
        return ()
    if one.forced.outcome == "refused":
        return (one.forced.reason or "",)
    return tuple(dict.fromkeys(one.forced.broken))


# -- mutants ---------------------------------------------------------------------------------------


async def _mutants(case: _Case) -> None:
    task, runtime, rng = case.task, case.runtime, case.rng
    limit = 1 if len(task.reference_calls) > 30 else _MUTANTS
    dropped = [list(calls) for calls in dropped_writes(task, runtime, rng)][:limit]
    await _must_all_fail(case, "dropped_write_fails", dropped)
    changed: list[tuple[int, ReferenceCall]] = await _accepted(
        case, other_entities(task, runtime, rng), limit
    )
    await _must_all_fail(case, "wrong_entity_fails", [_replaced(task, *c) for c in changed])
    values = await _accepted(case, other_values(task, runtime, rng), limit)
    await _must_all_fail(case, "wrong_value_fails", [_replaced(task, *c) for c in values])
    extra = [[*task.reference_calls, call] for _, call in (*changed, *values)]
    extra = [calls for calls in extra if await _all_accepted(case, calls)][:limit]
    await _must_all_fail(case, "extra_write_fails", extra)
    for one in case.carried:
        if one.first_version is not None and one.first_version.outcome == "done":
            await _must_all_fail(case, "first_version_fails", [one.first_version.calls])
    _answers_fail(case)


def _needed(case: _Case, calls: Sequence[ReferenceCall]) -> list[ReferenceCall]:
    """Return the calls that decide how a variant ends: look-ups do not, unless they answer.

    Where a call takes time, every call counts: something may come due meanwhile.
    """
    timed = case.runtime.domain.clock.minutes_per_call > 0
    if timed or case.task.target.answers or not case.runtime.searchable:
        return list(calls)
    return [c for c in calls if c.actor == "user" or case.runtime.is_write(c)]


async def _accepted(case: _Case, variants: Any, limit: int) -> list[tuple[int, ReferenceCall]]:
    """Return the variants that the world takes and that lead to another state."""
    kept: list[tuple[int, ReferenceCall]] = []
    for tried, (place, call) in enumerate(variants):
        if len(kept) >= limit or tried >= 12 * limit:
            break
        calls = _replaced(case.task, place, call)
        at = len(_needed(case, calls[:place]))
        try:
            take = await run_take(case.task, _needed(case, calls), case.runtime)
        except DomainError:
            continue  # a tool's own mistake, met by arguments nobody asked for
        if at not in take.refused and take.changes != case.reference.changes:
            kept.append((place, call))
    return kept


async def _all_accepted(case: _Case, calls: Sequence[ReferenceCall]) -> bool:
    needed = _needed(case, calls)
    try:
        take = await run_take(case.task, needed, case.runtime)
    except DomainError:
        return False
    return len(needed) - 1 not in take.refused and take.changes != case.reference.changes


def _replaced(task: Task, place: int, call: ReferenceCall) -> list[ReferenceCall]:
    calls = list(task.reference_calls)
    calls[place] = call
    return calls


async def _must_all_fail(
    case: _Case, name: ProbeName, variants: Sequence[Sequence[ReferenceCall]]
) -> None:
    """Record that every variant fails, with the right words said; nothing where there is none."""
    passing: list[str] = []
    for calls in variants:
        take = await run_take(case.task, _needed(case, calls), case.runtime)
        if take.changes == case.reference.changes and not take.broken:
            continue  # the same deed in other words
        if not case.failed(take, case.words):
            passing.append(", ".join(call.name for call in calls))
    if variants:
        case.add(name, not passing, "; ".join(f"passes: {p}" for p in passing), len(variants))


def _answers_fail(case: _Case) -> None:
    """Record that other answers than the right ones fail."""
    passing: list[str] = []
    tried = 0
    answers = case.task.target.answers
    shown = _shown(case)
    for place, answer in enumerate(answers):
        beside = [value for field, value in shown if field == answer.field]
        for wrong in wrong_answers(answer, beside):
            tried += 1
            said = [*answers[:place], wrong, *answers[place + 1 :]]
            if not case.failed(case.reference, closing_words(case.task, case.runtime, said)):
                passing.append(f"{answer.name}={wrong.value!r}")
    if tried:
        case.add("wrong_answer_fails", not passing, ", ".join(passing), tried)


# -- other witnesses -------------------------------------------------------------------------------


async def _searched(case: _Case) -> int:
    """Look for the goal from the facts alone; every other way found has to pass as well."""
    if not case.runtime.searchable or not (case.task.target.changes or case.task.target.answers):
        return 0
    needed = [
        pair
        for one in case.carried
        if one.attempt.outcome == "done"
        for pair in needed_for(case.runtime.playbook.intents[one.intent], one.attempt)
    ]
    found = await search(case.task, Goal(case.task, needed), case.runtime)
    case.add(
        "facts_suffice",
        found.reached,
        "" if found.reached else f"no way was found in {found.tried} calls",
        found.tried,
    )
    tried = 0
    failing: list[str] = []
    for calls in found.alternatives:
        take = await run_take(case.task, calls, case.runtime)
        if take.refused or take.broken or take.changes != case.reference.changes:
            continue  # this order leads elsewhere
        tried += 1
        failing += case.failed(take, case.words)
    if tried:
        case.add("alternatives_pass", not failing, "; ".join(failing[:3]), tried)
    return tried


async def _elsewhere(case: _Case, witness: Witness) -> None:
    answer = await witness.ask(case.task)
    here = results_digest(case.reference.messages, case.reference.final)
    case.add("same_elsewhere", answer == here, "" if answer == here else f"{answer} is not {here}")
