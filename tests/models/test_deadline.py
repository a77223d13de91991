import asyncio

import pytest

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError
from agentsynth.models.deadline import Clocks, Timed
from agentsynth.models.gate import Gate, Gated
from tests.models.made import KEY, Clock, Scripted, request

pytestmark = pytest.mark.anyio


class Slow:
    """A model that takes some seconds of a test's clock."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        self.clock = clock
        self.seconds = seconds

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        self.clock.time += self.seconds
        return ChatReply("ok")


class Never:
    """A model that never answers."""

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        await asyncio.Event().wait()
        raise AssertionError


async def test_calls_add_up_over_a_turn_and_over_the_rollout() -> None:
    clock = Clock()
    clocks = Clocks(turn_s=10, rollout_s=25, now=clock.now)
    model = Timed(Slow(clock, 4), clocks)
    for turn in range(2):
        clocks.start_turn()
        for _ in range(3):
            await model.complete(request(), KEY)
        with pytest.raises(ModelError, match="turn used up its 10 s") as caught:
            await model.complete(request(), KEY)
        assert caught.value.fault == "timeout"
        assert clocks.rollout_spent == 12 * (turn + 1)
    clocks.start_turn()
    await model.complete(request(), KEY)
    with pytest.raises(ModelError, match="rollout used up its 25 s"):
        await model.complete(request(), KEY)


async def test_a_call_that_does_not_end_is_ended_by_what_is_left() -> None:
    clocks = Clocks(turn_s=0.05)
    with pytest.raises(ModelError, match="turn used up") as caught:
        await Timed(Never(), clocks).complete(request(), KEY)
    assert caught.value.fault == "timeout"
    assert clocks.left() == 0


async def test_a_failed_call_counts_too() -> None:
    clock = Clock()

    class Failing(Slow):
        async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
            await super().complete(request, key)
            raise ModelError("overloaded", "no")

    clocks = Clocks(turn_s=10, now=clock.now)
    with pytest.raises(ModelError, match="no"):
        await Timed(Failing(clock, 4), clocks).complete(request(), KEY)
    assert clocks.turn_spent == 4


async def test_waiting_at_a_gate_does_not_count() -> None:
    clock = Clock()
    gate = Gate(1, now=clock.now, sleep=clock.sleep)
    clocks = Clocks(turn_s=10, now=clock.now)
    taken = await gate.enter()
    model = Gated(Timed(Slow(clock, 4), clocks), gate)
    asked = asyncio.create_task(model.complete(request(), KEY))
    await asyncio.sleep(0)
    clock.time += 500
    gate.leave(taken, None)
    assert (await asked).text == "ok"
    assert clocks.turn_spent == 4
    assert gate.counts().waited_s == 500


async def test_a_timeout_of_the_model_itself_is_its_own() -> None:
    model = Timed(Scripted([TimeoutError("inner")]), Clocks(turn_s=10))
    with pytest.raises(TimeoutError, match="inner"):
        await model.complete(request(), KEY)
