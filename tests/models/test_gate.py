import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError, ModelFault
from agentsynth.core.errors import RunError
from agentsynth.models.gate import Gate, Gated
from tests.models.made import KEY, Clock, Held, Scripted, request, settle

pytestmark = pytest.mark.anyio


def fault(kind: ModelFault = "overloaded") -> ModelError:
    return ModelError(kind, f"it is {kind}")


class Crowd:
    """Callers of one gate, each known by its number."""

    def __init__(self, most: int, **options: Any) -> None:
        self.clock = Clock()
        self.gate = Gate(most, now=self.clock.now, sleep=self.clock.sleep, **options)
        self.model = Held()
        self.tasks: dict[int, asyncio.Task[ChatReply]] = {}

    async def ask(self, *numbers: int) -> None:
        gated = Gated(self.model, self.gate)
        for number in numbers:
            call: Coroutine[Any, Any, ChatReply] = gated.complete(
                request(), replace(KEY, ordinal=number)
            )
            self.tasks[number] = asyncio.create_task(call)
        await settle()

    async def fail(self, *numbers: int, kind: ModelFault = "rate_limited") -> None:
        for number in numbers:
            await self.model.answer(number, fault(kind))
            with pytest.raises(ModelError):
                await self.tasks[number]

    async def answer(self, *numbers: int) -> None:
        for number in numbers:
            await self.model.answer(number)

    @property
    def limit(self) -> int:
        return self.gate.counts().limit


async def test_as_many_as_the_user_allows_pass_at_once_and_the_rest_in_order() -> None:
    crowd = Crowd(3)
    await crowd.ask(*range(8))
    assert crowd.model.asked == [0, 1, 2]
    assert crowd.gate.counts().waiting == 5
    await crowd.answer(1)
    await crowd.answer(0, 2)
    assert crowd.model.asked == [0, 1, 2, 3, 4, 5]
    await crowd.answer(3, 4, 5, 6, 7)
    assert crowd.model.asked == list(range(8))
    assert (crowd.gate.counts().running, crowd.gate.counts().waiting) == (0, 0)


async def test_nobody_overtakes_one_who_waits() -> None:
    crowd = Crowd(1)
    await crowd.ask(0, 1)
    await crowd.model.answer(0)
    await crowd.ask(2)
    assert crowd.model.asked == [0, 1]
    await crowd.answer(1)
    assert crowd.model.asked == [0, 1, 2]


async def test_a_caller_who_leaves_the_queue_takes_no_place() -> None:
    crowd = Crowd(1)
    await crowd.ask(0, 1, 2)
    crowd.tasks[1].cancel()
    await settle()
    assert crowd.gate.counts().waiting == 1
    await crowd.answer(0)
    assert crowd.model.asked == [0, 2]


async def test_a_caller_who_is_cancelled_just_as_it_is_let_in_gives_its_place_on() -> None:
    gate = Gate(1)
    taken = await gate.enter()
    second, third = (asyncio.create_task(gate.enter()) for _ in range(2))
    await settle()
    gate.leave(taken, None)
    assert gate.counts().running == 1  # the second has its place and does not know it yet
    second.cancel()
    await settle()
    assert second.cancelled()
    gate.leave(await third, None)
    assert (gate.counts().running, gate.counts().waiting) == (0, 0)


async def test_a_caller_who_is_cancelled_during_its_call_gives_its_place_back() -> None:
    crowd = Crowd(1)
    await crowd.ask(0, 1)
    crowd.tasks[0].cancel()
    await settle()
    assert crowd.model.asked == [0, 1]
    assert crowd.limit == 1


async def test_too_many_requests_halve_the_limit_once_for_all_that_were_in_flight() -> None:
    crowd = Crowd(8)
    await crowd.ask(*range(8))
    await crowd.fail(0, 1, 2, 3)
    assert (crowd.limit, crowd.gate.counts().halvings) == (4, 1)
    await crowd.ask(*range(10, 20))
    assert crowd.gate.counts().running == 4


async def test_requests_sent_under_the_new_limit_can_halve_it_again() -> None:
    crowd = Crowd(8)
    await crowd.ask(*range(8))
    await crowd.fail(0)
    await crowd.answer(*range(1, 8))
    await crowd.ask(10, 11, 12, 13)
    await crowd.fail(10)
    assert (crowd.limit, crowd.gate.counts().halvings) == (2, 2)
    assert crowd.gate.counts().lowest == 2


async def test_the_limit_never_falls_below_one() -> None:
    crowd = Crowd(2)
    for number in range(6):
        await crowd.ask(number)
        await crowd.fail(number)
    assert crowd.limit == 1


async def test_what_is_halved_is_what_was_in_flight() -> None:
    crowd = Crowd(1000)
    await crowd.ask(*range(6))
    await crowd.fail(0)
    assert crowd.limit == 3


async def test_a_few_broken_replies_do_not_slow_a_run_down_and_many_do() -> None:
    crowd = Crowd(8, dead_after=99)
    for number in range(100):
        await crowd.ask(number)
        if number % 10 == 9:
            await crowd.fail(number, kind="overloaded")
        else:
            await crowd.answer(number)
    assert crowd.gate.counts().halvings == 0
    await crowd.ask(*range(200, 208))
    await crowd.fail(*range(200, 204), kind="overloaded")
    assert crowd.gate.counts().halvings == 1


async def replies(crowd: Crowd, first: int, count: int, seconds: float) -> None:
    for number in range(first, first + count):
        await crowd.ask(number)
        crowd.clock.time += seconds
        await crowd.answer(number)


async def test_the_limit_climbs_by_one_a_window_while_replies_are_quick() -> None:
    crowd = Crowd(8)
    await crowd.ask(*range(8))
    crowd.clock.time += 1
    await crowd.fail(0)
    await crowd.answer(*range(1, 8))
    start = crowd.gate._limit
    await replies(crowd, 10, 5, 1.0)
    assert 0.7 < crowd.gate._limit - start <= 1.3
    await replies(crowd, 50, 200, 1.0)
    assert crowd.limit == 8


async def test_the_limit_stays_while_replies_are_slow() -> None:
    crowd = Crowd(8)
    await replies(crowd, 0, 30, 1.0)
    await crowd.ask(*range(50, 58))
    crowd.clock.time += 1
    await crowd.fail(50)
    await crowd.answer(*range(51, 58))
    await replies(crowd, 60, 30, 9.0)
    held = crowd.gate._limit
    assert held < 6
    await replies(crowd, 100, 20, 9.0)
    assert crowd.gate._limit == held


async def test_an_endpoint_that_is_dead_is_probed_and_nobody_is_failed() -> None:
    crowd = Crowd(4)
    await crowd.ask(*range(4))
    await crowd.fail(0, 1, 2, 3, kind="unreachable")
    await crowd.ask(4, 5, 6, 7)
    await crowd.fail(4, 5, 6, 7, kind="unreachable")
    assert (crowd.gate.counts().pauses, crowd.clock.slept) == (1, [])
    await crowd.ask(*range(10, 20))
    probes: list[int] = []
    for _ in range(7):
        (probe,) = (
            set(crowd.model.asked[8:])
            - {n for n in probes if crowd.tasks[n].done()}
            - {n for n in crowd.model._open if crowd.model._open[n].done()}
        )
        probes.append(probe)
        await crowd.model.answer(probe, fault("unreachable"))
    assert probes == list(range(10, 17))
    assert crowd.clock.slept == [1, 2, 4, 8, 16, 30, 30, 30]
    assert not any(crowd.tasks[number].done() for number in range(10, 20))


async def test_one_good_reply_opens_the_gate_again() -> None:
    crowd = Crowd(4, dead_after=2)
    await crowd.ask(0, 1)
    await crowd.fail(0, 1, kind="unreachable")
    await crowd.ask(*range(10, 16))
    assert crowd.model.asked == [0, 1, 10]
    await crowd.model.answer(10, fault("unreachable"))
    await crowd.model.answer(11)
    assert crowd.model.asked == [0, 1, 10, 11, 12, 13, 14, 15]
    assert crowd.gate.counts().paused_s == 3
    await crowd.answer(12, 13, 14, 15)


async def test_a_probe_that_failed_stands_in_the_reply_that_came_later() -> None:
    crowd = Crowd(4, dead_after=1)
    await crowd.ask(0)
    await crowd.fail(0, kind="unreachable")
    await crowd.ask(1)
    await crowd.model.answer(1, fault("unreachable"))
    await crowd.model.answer(1)
    reply = await crowd.tasks[1]
    assert [attempt.fault for attempt in reply.failed] == ["unreachable"]


@pytest.mark.parametrize("kind", ["rate_limited", "refused", "bad_reply"])
async def test_any_answer_shows_that_an_endpoint_is_there(kind: ModelFault) -> None:
    crowd = Crowd(4, dead_after=2)
    await crowd.ask(0, 1, 2, 3)
    await crowd.fail(0, kind="unreachable")
    await crowd.fail(1, kind=kind)
    await crowd.fail(2, kind="unreachable")
    assert crowd.gate.counts().pauses == 0
    await crowd.fail(3, kind="timeout")
    assert crowd.gate.counts().pauses == 1


async def test_a_probe_that_is_cancelled_hands_its_task_on() -> None:
    crowd = Crowd(4, dead_after=1)
    await crowd.ask(0)
    await crowd.fail(0, kind="unreachable")
    await crowd.ask(1, 2)
    assert crowd.model.asked == [0, 1]
    crowd.tasks[1].cancel()
    await settle()
    assert crowd.model.asked == [0, 1, 2]


async def test_a_probe_that_is_cancelled_in_its_pause_hands_its_task_on() -> None:
    asleep = asyncio.Event()
    rested: list[float] = []

    async def sleep(seconds: float) -> None:
        rested.append(seconds)
        if len(rested) == 1:
            await asleep.wait()

    gate, model = (
        Gate(4, dead_after=1, sleep=sleep),
        Scripted([fault("unreachable"), ChatReply("ok")]),
    )
    gated = Gated(model, gate)
    with pytest.raises(ModelError):
        await gated.complete(request(), KEY)
    first, second = (asyncio.create_task(gated.complete(request(), KEY)) for _ in range(2))
    await settle()
    assert rested == [1]
    first.cancel()
    assert (await second).text == "ok"
    assert rested == [1, 1]
    assert gate.counts().running == 0


async def test_an_endpoint_that_stays_dead_ends_the_run_and_says_so() -> None:
    clock = Clock()
    gate = Gate(4, name="model 'm'", dead_after=2, give_up_s=100, now=clock.now, sleep=clock.sleep)
    gated = Gated(Scripted([fault("unreachable")]), gate)
    for _ in range(2):
        with pytest.raises(ModelError):
            await gated.complete(request(), KEY)
    tasks = [asyncio.create_task(gated.complete(request(), KEY)) for _ in range(5)]
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {RunError}
    assert "model 'm' has not answered for 121 s" in str(outcomes[0])
    assert "resumes" in str(outcomes[0])
    with pytest.raises(RunError):
        await gated.complete(request(), KEY)


async def test_a_bug_gives_its_place_back_and_says_nothing_about_the_endpoint() -> None:
    gate = Gate(1, dead_after=1)
    gated = Gated(Scripted([KeyError("bug")]), gate)
    for _ in range(3):
        with pytest.raises(KeyError):
            await gated.complete(request(), KEY)
    assert (gate.counts().running, gate.counts().pauses) == (0, 0)


async def test_a_bug_between_two_failures_is_no_sign_of_life() -> None:
    gate = Gate(1, dead_after=2)
    gated = Gated(Scripted([fault("unreachable"), KeyError("bug"), fault("unreachable")]), gate)
    for expected in (ModelError, KeyError, ModelError):
        with pytest.raises(expected):
            await gated.complete(request(), KEY)
    assert gate.counts().pauses == 1


async def test_many_callers_are_never_more_than_the_limit() -> None:
    gate = Gate(7)
    now = most = 0

    class Counting:
        async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
            nonlocal now, most
            now += 1
            most = max(most, now)
            for _ in range(key.ordinal % 5):
                await asyncio.sleep(0)
            now -= 1
            if key.ordinal % 11 == 0:
                raise fault("bad_reply")
            return ChatReply("ok")

    gated = Gated(Counting(), gate)
    tasks = [
        asyncio.create_task(gated.complete(request(), replace(KEY, ordinal=number)))
        for number in range(400)
    ]
    for number, task in enumerate(tasks):
        if number % 13 == 0:
            task.cancel()
        if number % 50 == 0:
            await asyncio.sleep(0)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert most == 7
    assert (gate.counts().running, gate.counts().waiting) == (0, 0)


async def limits_with(
    refuses: Callable[[random.Random, int], bool],
    requests: int,
    kind: ModelFault = "rate_limited",
) -> list[int]:
    """Return the limit of a gate for 64 at each reply, where an endpoint refuses some."""
    gate, rng, running = Gate(64, now=lambda: 0.0), random.Random(7), 0
    limits: list[int] = []

    class Refusing:
        async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
            nonlocal running
            running += 1
            refused = refuses(rng, running)
            for _ in range(rng.randrange(1, 4)):
                await asyncio.sleep(0)
            running -= 1
            limits.append(gate.counts().limit)
            if refused:
                raise fault(kind)
            return ChatReply("ok")

    asked = Gated(Refusing(), gate)
    calls = (asked.complete(request(), replace(KEY, ordinal=n)) for n in range(requests))
    await asyncio.gather(*calls, return_exceptions=True)
    return limits


@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
async def test_an_endpoint_that_refuses_at_random_is_not_asked_less_for_long(share: float) -> None:
    limits = await limits_with(lambda rng, running: rng.random() < share, 9000)
    assert min(limits) < 64, "the first refusals are taken for what they may be"
    late = limits[2000:]
    assert sum(late) / len(late) > 40


async def test_nor_is_one_that_breaks_at_random() -> None:
    limits = await limits_with(lambda rng, running: rng.random() < 0.3, 9000, "overloaded")
    late = limits[2000:]
    assert sum(late) / len(late) > 40


@pytest.mark.parametrize("noise", [0.0, 0.05])
async def test_an_endpoint_that_bears_eight_at_once_is_asked_for_about_eight(noise: float) -> None:
    limits = await limits_with(
        lambda rng, running: running > 8 or (running > 0 and rng.random() < noise), 6000
    )
    late = limits[2000:]
    assert sum(late) / len(late) < 12
