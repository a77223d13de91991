"""The rollout: a user and an assistant talk in a world until one of them leaves.

Actors are told apart by what they see: `assistant_view` and `user_view` are the information
barrier, as pure functions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agentsynth.checks.mentions import says
from agentsynth.core.agent import Agent
from agentsynth.core.errors import DomainError, ServerError
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    UserMessage,
)
from agentsynth.core.observe import observe
from agentsynth.core.protocols import (
    Assistant,
    AssistantView,
    OpenWorld,
    User,
    UserView,
    World,
)
from agentsynth.core.task import Change, Fact, Task
from agentsynth.core.trajectory import CallRecord, FactLedger, FactTurn, StopReason, Trajectory

__all__ = ["Limits", "assistant_view", "ledger", "rollout", "user_view"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a rollout may get."""

    user_turns: int = 16
    waves_per_turn: int = 12
    """Assistant messages with calls between two user turns."""


def assistant_view(agent: Agent, messages: Sequence[Message]) -> AssistantView:
    """Return what the assistant may see: everything in the conversation, and its tools."""
    return AssistantView(messages=tuple(messages), tools=agent.tools)


def user_view(task: Task, messages: Sequence[Message]) -> UserView:
    """Return what the user may see: goal, facts, and the texts that passed. No results."""
    facts: Mapping[str, Fact] = {fact.name: fact for fact in task.facts}
    texts = [
        ("user" if isinstance(message, UserMessage) else "assistant", message.content)
        for message in messages
        if isinstance(message, UserMessage | AssistantMessage) and message.content
    ]
    return UserView(goal=task.goal, facts=facts, messages=texts)


async def rollout(
    task: Task,
    agent: Agent,
    user: User,
    assistant: Assistant,
    open_world: OpenWorld,
    *,
    scenario_id: str,
    limits: Limits,
) -> Trajectory:
    """Play one scenario to its end.

    A world or server that breaks ends the rollout with the error on record. Anything else that
    goes wrong is a bug and is not caught here.
    """
    messages: list[Message] = [SystemMessage(content=agent.system_prompt)]
    records: list[CallRecord] = []
    start = final = ""
    net: tuple[Change, ...] = ()
    error: str | None = None
    try:
        async with open_world(task.world_seed) as world:
            start = final = world.state_hash()
            stop = await _talk(task, agent, user, assistant, world, messages, records, limits)
            final = world.state_hash()
            net = world.net_changes()
    except (DomainError, ServerError) as broken:
        stop, error = StopReason.ERROR, f"{type(broken).__name__}: {broken}"
    return Trajectory(
        task_id=task.id,
        scenario_id=scenario_id,
        messages=tuple(messages),
        calls=tuple(records),
        start_state=start,
        final_state=final,
        net_changes=net,
        stop_reason=stop,
        error=error,
    )


async def _talk(
    task: Task,
    agent: Agent,
    user: User,
    assistant: Assistant,
    world: World,
    messages: list[Message],
    records: list[CallRecord],
    limits: Limits,
) -> StopReason:
    for _ in range(limits.user_turns):
        act = await user.act(user_view(task, messages))
        if act.text is None:
            return StopReason.USER_DONE if act.satisfied else StopReason.USER_GAVE_UP
        messages.append(UserMessage(content=act.text))
        for _ in range(limits.waves_per_turn):
            reply = await assistant.act(assistant_view(agent, messages))
            if reply is None:
                return StopReason.ASSISTANT_LEFT
            messages.append(reply)
            if not reply.tool_calls:
                break
            await _run_calls(reply, world, messages, records)
        else:
            return StopReason.TURN_LIMIT
        if act.leaves:
            return StopReason.USER_DONE if act.satisfied else StopReason.USER_GAVE_UP
    return StopReason.TURN_LIMIT


async def _run_calls(
    reply: AssistantMessage, world: World, messages: list[Message], records: list[CallRecord]
) -> None:
    for call in reply.tool_calls:
        message, record = observe(call, await world.call(call))
        messages.append(message)
        records.append(record)


def ledger(task: Task, trajectory: Trajectory, *, today: str) -> FactLedger:
    """Return which facts the user told in which turn, read off the words themselves."""
    told: set[str] = set()
    turns: list[FactTurn] = []
    for index, message in enumerate(trajectory.messages):
        if not isinstance(message, UserMessage):
            continue
        now = tuple(
            fact.name
            for fact in task.facts
            if says(message.content, fact.value, fact.type, today=today)
        )
        told |= set(now)
        withheld = tuple(fact.name for fact in task.facts if fact.name not in told)
        turns.append(FactTurn(message=index, told=now, withheld=withheld))
    return FactLedger(trajectory_id=trajectory.id, turns=tuple(turns))
