"""Certificates: what a task must survive before anyone plays it.

The probes here share the world's semantics with the planner; they show that the target is
reachable, that it does not hold by itself, and that an assistant who does nothing fails.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.checks.run import CHECKS
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.observe import observe
from agentsynth.core.rubric import CheckName
from agentsynth.core.task import Answer, Certificate, Change, Probe, Task
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory
from agentsynth.core.words import normal
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["certify"]

_OUTCOME_CHECKS: tuple[CheckName, ...] = (
    "target_state",
    "answers_given",
    "declined",
    "policy_kept",
)


async def certify(
    task: Task, runtime: DomainRuntime, voice: Voice, *, forced_breaks: Sequence[str] | None
) -> Certificate:
    """Return the task's certificate, with every probe recorded.

    Args:
        forced_breaks: for a task to be declined: what went wrong when the request was carried out
            all the same (clauses broken, or the world's refusal). None for other tasks.
    """
    reference = await _play(task, runtime, voice, calls=True, words=True)
    nothing = await _play(task, runtime, voice, calls=False, words=False)
    probes = [
        Probe(
            name="reference_passes",
            passed=not reference,
            detail="; ".join(reference) or "the reference calls reach the target",
        ),
        Probe(
            name="nothing_fails",
            passed=bool(nothing),
            detail="; ".join(nothing) or "an assistant that does nothing passes",
        ),
        _goal_not_met(task),
    ]
    if task.target.declined_by is not None:
        due = task.target.declined_by in (forced_breaks or ())
        probes.append(
            Probe(
                name="refusal_is_due",
                passed=due,
                detail="carrying the request out breaks: "
                + (", ".join(forced_breaks or ()) or "nothing"),
            )
        )
    return Certificate(task_id=task.id, probes=tuple(probes))


def _goal_not_met(task: Task) -> Probe:
    """A write task needs changes; any other needs words, which nobody has said at the start."""
    target = task.target
    met = not target.changes and not target.answers and target.declined_by is None
    detail = "at the start nothing is changed and nothing is said"
    return Probe(name="goal_not_met", passed=not met, detail=detail)


async def _play(
    task: Task, runtime: DomainRuntime, voice: Voice, *, calls: bool, words: bool
) -> list[str]:
    """Play the reference (or its absence) without an actor; return which checks fail."""
    messages: list[Message] = [SystemMessage(content=""), UserMessage(content=_told(task))]
    records: list[CallRecord] = []
    broken: list[tuple[int, str]] = []
    async with runtime.open(task.world_seed) as world:
        start = world.state_hash()
        for number, planned in enumerate(task.reference_calls if calls else ()):
            call = ToolCall(id=f"c{number}", name=planned.name, arguments=planned.arguments)
            clauses = runtime.broken_clauses(world, call, normal(_told(task)))
            result = await world.call(call)
            if not result.is_error:
                broken += [(len(messages), clause) for clause in clauses]
            message, record = observe(call, result)
            messages += [AssistantMessage(content="", tool_calls=(call,)), message]
            records.append(record)
        final = world.state_hash()
        net: tuple[Change, ...] = world.net_changes()
    messages.append(AssistantMessage(content=_report(task, runtime, voice) if words else ""))
    trajectory = Trajectory(
        task_id=task.id,
        scenario_id="",
        messages=tuple(messages),
        calls=tuple(records),
        start_state=start,
        final_state=final,
        net_changes=net,
        stop_reason=StopReason.USER_DONE,
    )
    evidence = Evidence(task, trajectory, runtime, voice, Replay((), tuple(broken), final))
    found = [(name, CHECKS[name](evidence)) for name in _OUTCOME_CHECKS]
    failed = [f"{name}: {f.evidence}" for name, f in found if f.outcome == "not_met"]
    return failed + (_unseen_answers(task, runtime, messages) if words else [])


def _unseen_answers(task: Task, runtime: DomainRuntime, messages: Sequence[Message]) -> list[str]:
    """Return a failure for every answer that a result should show and none does."""
    shown: list[Any] = []
    for message in messages:
        if isinstance(message, ToolMessage) and not message.is_error:
            shown += _leaves(runtime.decode(message.content))
    return [
        f"answers_given: no result shows the {answer.name} {answer.value!r}"
        for answer in task.target.answers
        if answer.field is not None and answer.value not in shown
    ]


def _leaves(value: Any) -> Iterator[Any]:
    parts: Iterable[Any] = ()
    if isinstance(value, dict):
        parts = cast(dict[str, Any], value).values()
    elif isinstance(value, list | tuple):
        parts = cast(Sequence[Any], value)
    else:
        yield value
    for part in parts:
        yield from _leaves(part)


def _told(task: Task) -> str:
    return " ".join(str(fact.value) for fact in task.facts)


def _report(task: Task, runtime: DomainRuntime, voice: Voice) -> str:
    parts = [f"{answer.name}: {_shown(answer)}." for answer in task.target.answers]
    if task.target.declined_by is not None:
        clause = runtime.lexicon.clauses.get(task.target.declined_by)
        parts.append(clause.decline[0] if clause is not None else "I cannot do that.")
    return " ".join(parts)


def _shown(answer: Answer) -> str:
    if answer.type == "money" and isinstance(answer.value, int):
        return f"${answer.value // 100}.{answer.value % 100:02}"
    return str(answer.said_as or answer.value)
