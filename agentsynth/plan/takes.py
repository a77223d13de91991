"""A take: calls and closing words played without actors, and held against the outcome checks."""

from collections.abc import Sequence
from dataclasses import dataclass

from agentsynth.checks.answers import answers_given
from agentsynth.checks.conduct import claims_true, declined, policy_kept, reported
from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.checks.target import target_state
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    UserMessage,
)
from agentsynth.core.observe import observe
from agentsynth.core.task import Change, ReferenceCall, Task
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory, UserCall
from agentsynth.core.words import normal
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["OUTCOME_CHECKS", "Take", "failures", "run_take"]

OUTCOME_CHECKS = {
    "target_state": target_state,
    "answers_given": answers_given,
    "declined": declined,
    "policy_kept": policy_kept,
    "claims_true": claims_true,
    "reported": reported,
}
"""The checks that say whether the task was done, whatever the way there."""


@dataclass(frozen=True)
class Take:
    """What came of some calls in a fresh world."""

    messages: tuple[Message, ...]
    calls: tuple[CallRecord, ...]
    user_calls: tuple[UserCall, ...]
    changes: tuple[Change, ...]
    broken: tuple[tuple[int, str], ...]
    start: str
    final: str
    refused: tuple[int, ...]
    """Places of the calls that gave an error."""


async def run_take(task: Task, calls: Sequence[ReferenceCall], runtime: DomainRuntime) -> Take:
    """Make the calls in a fresh world of the task."""
    told = " ".join(str(fact.value) for fact in task.facts)
    said = normal(told)
    messages: list[Message] = [SystemMessage(content=""), UserMessage(content=told)]
    records: list[CallRecord] = []
    user_calls: list[UserCall] = []
    broken: list[tuple[int, str]] = []
    refused: list[int] = []
    async with runtime.open(task.world_seed) as world:
        start = world.state_hash()
        for number, planned in enumerate(calls):
            call = ToolCall(id=f"c{number}", name=planned.name, arguments=planned.arguments)
            if planned.actor == "user":
                result = await world.call(call, "user")
                user_calls.append(UserCall(
                    after=len(messages), call=call, content=result.content,
                    is_error=result.is_error, changes=result.changes,
                ))  # fmt: skip
                # What the user saw may be told, and so may be known.
                messages.append(UserMessage(content=result.content))
                said += "\n" + normal(result.content)
                continue
            clauses = runtime.broken_clauses(world, call, said)
            result = await world.call(call)
            if result.is_error:
                refused.append(number)
            else:
                broken += [(len(messages), clause) for clause in clauses]
            message, record = observe(call, result)
            messages += [AssistantMessage(content="", tool_calls=(call,)), message]
            records.append(record)
        final = world.state_hash()
        changes = world.net_changes()
    return Take(
        tuple(messages), tuple(records), tuple(user_calls), changes, tuple(broken),
        start, final, tuple(refused),
    )  # fmt: skip


def failures(task: Task, take: Take, words: str, runtime: DomainRuntime, voice: Voice) -> list[str]:
    """Return which outcome checks fail when the take is closed with these words."""
    messages = take.messages
    if words:
        messages = (*messages, AssistantMessage(content=words))
    trajectory = Trajectory(
        task_id=task.id,
        scenario_id="",
        messages=messages,
        calls=take.calls,
        user_calls=take.user_calls,
        start_state=take.start,
        final_state=take.final,
        net_changes=take.changes,
        stop_reason=StopReason.USER_DONE,
    )
    evidence = Evidence(task, trajectory, runtime, voice, Replay((), take.broken, take.final))
    found = [(name, check(evidence)) for name, check in OUTCOME_CHECKS.items()]
    return [
        f"{name}: {finding.evidence}"
        for name, finding in found
        if finding.outcome in ("not_met", "undecided")
    ]
