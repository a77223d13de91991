from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from agentsynth.compose.agents import agent_plans, make_agent
from agentsynth.core.errors import DomainError, ServerError
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from agentsynth.core.protocols import AssistantView, UserAct, UserView
from agentsynth.core.task import Fact, Request, Target, Task
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.simulate.rollout import Limits, ledger, rollout
from agentsynth.worlds.runtime import DomainRuntime

Play = Callable[..., Any]
LOOK = ToolCall(id="c1", name="list_shelves", arguments={})
ADD = ToolCall(id="c2", name="add_book", arguments={"shelf_id": "SH-01", "title": "Moss"})


@dataclass
class Says:
    """A user, or an assistant, that says these things in turn and then the last one for ever."""

    things: list[Any]
    turn: int = -1

    async def act(self, view: UserView | AssistantView) -> Any:
        self.turn = min(self.turn + 1, len(self.things) - 1)
        thing = self.things[self.turn]
        return UserAct(thing) if isinstance(view, UserView) and isinstance(thing, str) else thing


def talk(text: str = "", *calls: ToolCall) -> AssistantMessage:
    return AssistantMessage(content=text, tool_calls=calls)


@pytest.fixture
def task(small: DomainRuntime) -> Task:
    facts = (
        Fact(name="title", type="text", value="Red Fern"),
        Fact(name="day", type="date", value="2027-03-09"),
        Fact(name="price", type="money", value=1250),
    )
    return Task(
        domain="small",
        domain_id=small.domain.id,
        kind="info",
        requests=(Request(intent="price"),),
        goal="a goal",
        facts=facts,
        world_seed=1,
        reference_calls=(),
        target=Target(),
    )


@pytest.fixture
def play(small: DomainRuntime, task: Task) -> Play:
    async def run(user: list[Any], assistant: list[Any], **options: Any) -> Trajectory:
        limits = options.pop("limits", Limits(user_turns=4, waves_per_turn=3))
        return await rollout(
            task,
            make_agent(small, agent_plans(small)[0], "2027-03-05"),
            Says(user),
            Says(assistant),
            options.pop("world", small.open),
            scenario_id="s",
            limits=limits,
        )

    return run


@pytest.mark.parametrize(
    ("user", "assistant", "reason", "messages"),
    [
        (["Hi", UserAct(None)], [talk("Yes?")], StopReason.USER_DONE, 3),
        (["Hi", UserAct(None, satisfied=False)], [talk("Yes?")], StopReason.USER_GAVE_UP, 3),
        ([UserAct("Bye", leaves=True)], [talk("Bye")], StopReason.USER_DONE, 3),
        ([UserAct("Bye", leaves=True, satisfied=False)], [talk("Bye")], StopReason.USER_GAVE_UP, 3),
        (["Hi"], [None], StopReason.ASSISTANT_LEFT, 2),
        (["Hi"], [talk("Yes?")], StopReason.TURN_LIMIT, 9),
        (["Hi"], [talk("", LOOK)], StopReason.TURN_LIMIT, 8),
    ],
)
async def test_a_rollout_says_why_it_ended(
    play: Play, user: list[Any], assistant: list[Any], reason: StopReason, messages: int
) -> None:
    trajectory = await play(user, assistant)
    assert trajectory.stop_reason is reason
    assert trajectory.error is None
    assert len(trajectory.messages) == messages


async def test_every_call_is_answered_in_order_and_recorded(play: Play) -> None:
    bad = ToolCall(id="c3", name="fly", arguments={})
    user = [UserAct("Add Moss", leaves=True)]
    trajectory = await play(user, [talk("Let's see", LOOK, ADD, bad), talk("Done")])
    answers = [m for m in trajectory.messages if isinstance(m, ToolMessage)]
    assert [(a.tool_call_id, a.name, a.is_error) for a in answers] == [
        ("c1", "list_shelves", False),
        ("c2", "add_book", False),
        ("c3", "fly", True),
    ]
    assert [(r.call_id, r.outcome) for r in trajectory.calls] == [
        ("c1", "success"),
        ("c2", "success"),
        ("c3", "error"),
    ]
    assert trajectory.calls[1].changes == trajectory.net_changes
    assert len(trajectory.net_changes) == 2
    assert trajectory.start_state != trajectory.final_state


@pytest.mark.parametrize("error", [DomainError("a rule broke"), ServerError("it died")])
async def test_a_world_that_breaks_ends_the_rollout_as_data(
    play: Play, small: DomainRuntime, error: Exception
) -> None:
    @asynccontextmanager
    async def broken(world_seed: int) -> AsyncGenerator[Any, None]:
        async with small.open(world_seed) as world:

            async def call(_: ToolCall) -> Any:
                raise error

            world.call = call  # type: ignore[method-assign]
            yield world

    trajectory = await play(["Hi"], [talk("", LOOK)], world=broken)
    assert trajectory.stop_reason is StopReason.ERROR
    assert trajectory.error == f"{type(error).__name__}: {error}"
    assert not any(isinstance(m, ToolMessage) for m in trajectory.messages)
    assert trajectory.calls == ()


async def test_a_bug_of_an_actor_is_not_taken_for_data(play: Play) -> None:
    with pytest.raises(AttributeError):
        await play(["Hi"], ["not a message"])


async def test_the_same_words_and_deeds_are_the_same_trajectory(play: Play) -> None:
    one, other = [await play([UserAct("Hi", leaves=True)], [talk("Hello")]) for _ in range(2)]
    assert one.id == other.id
    assert one.id == one.model_copy(update={"scenario_id": "another"}).id
    assert one.id != one.model_copy(update={"stop_reason": StopReason.USER_GAVE_UP}).id


async def test_the_ledger_follows_which_facts_were_told_when(play: Play, task: Task) -> None:
    user = ["The red  fern, please", "By 9 March. Red Fern!", UserAct("$12.50, bye", leaves=True)]
    trajectory = await play(user, [talk("And?")])
    turns = ledger(task, trajectory, today="2027-03-05").turns
    assert [(turn.told, turn.withheld) for turn in turns] == [
        (("title",), ("day", "price")),
        (("title", "day"), ("price",)),
        (("price",), ()),
    ]
    assert all(isinstance(trajectory.messages[turn.message], UserMessage) for turn in turns)


async def test_a_fact_told_in_other_words_than_it_is_stored_in_is_told(
    play: Play, task: Task
) -> None:
    trajectory = await play([UserAct("那盆红蕨，谢谢", leaves=True)], [talk("好的。")])
    plain = ledger(task, trajectory, today="2027-03-05")
    assert plain.turns[0].told == ()
    worded = ledger(task, trajectory, today="2027-03-05", words={"Red Fern": "红蕨"})
    assert worded.turns[0].told == ("title",)
