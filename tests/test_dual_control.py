"""The user lends a hand with a tool of their own: nobody else sees it, and replay does it again."""

import json
from typing import Any

import pytest

from agentsynth.checks.replay import replay
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from agentsynth.core.trajectory import Trajectory, UserCall
from agentsynth.export.canonical import canonical_row
from agentsynth.simulate.rollout import assistant_view, user_view
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play

SEEDS = range(8)


async def played(play_kind: Play) -> list[tuple[Any, Any]]:
    return [await play_kind("dual", seed) for seed in SEEDS]


def the_call(trajectory: Trajectory) -> UserCall:
    (made,) = trajectory.user_calls
    return made


async def test_the_user_acts_when_asked_to_and_then_tells(play_kind: Play) -> None:
    for prepared, graded in await played(play_kind):
        trajectory = graded.trajectory
        made = the_call(trajectory)
        assert made.call.name == "press_reset"
        assert made.changes
        before, after = trajectory.messages[made.after - 1], trajectory.messages[made.after]
        assert isinstance(before, AssistantMessage)
        assert "reset button" in before.content
        assert isinstance(after, UserMessage)
        assert json.loads(made.content)["code"] in after.content
        actors = [call.actor for call in prepared.composed.task.reference_calls]
        assert actors.count("user") == 1
        assert graded.decision.kept


async def test_no_message_of_a_row_shows_the_users_call(
    play_kind: Play, kinds: DomainRuntime
) -> None:
    for prepared, graded in await played(play_kind):
        made = the_call(graded.trajectory)
        for message in graded.trajectory.messages:
            assert made.call.id not in message.content
            assert made.call.name not in message.content
            assert message.content != made.content
            if isinstance(message, AssistantMessage):
                assert made.call.name not in {call.name for call in message.tool_calls}
            if isinstance(message, ToolMessage):
                assert message.name != made.call.name
        row = canonical_row(graded.trajectory.id, graded.trajectory.messages, prepared.agent, {})
        shown = json.dumps(row)
        assert made.call.name not in shown
        assert "press_reset" not in {tool.name for tool in prepared.agent.tools}
        assert {spec.name for spec in kinds.user_specs} == {"press_reset"}


async def test_the_users_result_reaches_the_user_and_never_the_assistant(play_kind: Play) -> None:
    prepared, graded = await play_kind("dual", 1)
    trajectory, made = graded.trajectory, the_call(graded.trajectory)
    view = assistant_view(prepared.agent, trajectory.messages)
    assert all(made.content != message.content for message in view.messages)
    assert made.call.name not in {tool.name for tool in view.tools}
    mine = user_view(prepared.composed.task, trajectory.messages)
    assert all(speaker in ("user", "assistant") for speaker, _ in mine.messages)


async def test_replay_makes_the_users_calls_again_at_their_place(
    play_kind: Play, kinds: DomainRuntime
) -> None:
    for prepared, graded in await played(play_kind):
        task, good = prepared.composed.task, graded.trajectory
        assert (await replay(task, good, kinds)).differences == ()
        without = good.model_copy(update={"user_calls": ()})
        assert (await replay(task, without, kinds)).differences
        late = the_call(good).model_copy(update={"after": len(good.messages)})
        moved = good.model_copy(update={"user_calls": (late,)})
        assert (await replay(task, moved, kinds)).differences
        forged = the_call(good).model_copy(update={"content": '{"code": "0000"}'})
        lying = good.model_copy(update={"user_calls": (forged,)})
        assert "the user's press_reset answered differently" in (
            (await replay(task, lying, kinds)).differences
        )


async def test_each_side_has_only_its_own_tools(play_kind: Play, kinds: DomainRuntime) -> None:
    prepared, graded = await play_kind("dual", 1)
    call = the_call(graded.trajectory).call
    mine = ToolCall(id="x", name="list_rooms", arguments={})
    async with kinds.open(prepared.composed.task.world_seed) as world:
        assert (await world.call(call, "assistant")).is_error
        assert (await world.call(mine, "user")).is_error
        assert world.net_changes() == ()
        assert not (await world.call(call, "user")).is_error


@pytest.mark.parametrize("kind", ["write", "info", "refuse"])
async def test_users_without_a_part_of_their_own_make_no_calls(kind: str, play_kind: Play) -> None:
    for seed in range(4):
        _, graded = await play_kind(kind, seed)
        assert graded.trajectory.user_calls == ()
