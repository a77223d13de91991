import random
from typing import Any

import pytest

from agentsynth.core.chat import Attempt, ChatReply, ModelError, ModelFault, Usage
from agentsynth.models.deadline import Clocks
from agentsynth.models.retry import ASKED_CAP_S, Retrying
from tests.models.made import KEY, Answer, Clock, Scripted, request

pytestmark = pytest.mark.anyio

OK = ChatReply("ok")


def fault(kind: ModelFault = "overloaded", **more: Any) -> ModelError:
    return ModelError(kind, f"it is {kind}", **more)


def retrying(
    *answers: Answer, retries: int = 5, seed: int = 1, clocks: Clocks | None = None
) -> tuple[Retrying, Scripted, Clock]:
    model, clock = Scripted(list(answers)), Clock()
    rng = random.Random(seed)
    wrapped = Retrying(model, retries=retries, rng=rng, clocks=clocks, sleep=clock.sleep)
    return wrapped, model, clock


async def failure(model: Retrying) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await model.complete(request(), KEY)
    return caught.value


async def test_a_good_reply_is_passed_on() -> None:
    model, inner, clock = retrying(OK)
    assert await model.complete(request(), KEY) is OK
    assert (inner.asked, clock.slept) == (1, [])


@pytest.mark.parametrize(
    "kind", ["unreachable", "timeout", "rate_limited", "overloaded", "bad_reply"]
)
async def test_a_fault_that_may_pass_is_asked_again_and_stays_on_record(kind: ModelFault) -> None:
    model, inner, _ = retrying(fault(kind, usage=Usage(3), cost=7), fault(), OK)
    reply = await model.complete(request(), KEY)
    assert reply.text == "ok"
    assert inner.asked == 3
    assert reply.failed == (
        Attempt(kind, f"it is {kind}", Usage(3), 7),
        Attempt("overloaded", "it is overloaded"),
    )


@pytest.mark.parametrize("kind", ["refused", "over_budget", "not_recorded"])
async def test_a_fault_that_will_not_pass_is_not_asked_again(kind: ModelFault) -> None:
    model, inner, _ = retrying(fault(kind))
    assert (await failure(model)).failed == ()
    assert inner.asked == 1


@pytest.mark.parametrize("retries", [0, 1, 4])
async def test_the_last_failure_comes_with_the_ones_before(retries: int) -> None:
    model, inner, clock = retrying(fault(), retries=retries)
    error = await failure(model)
    assert len(error.failed) == retries
    assert inner.asked == retries + 1
    assert len(clock.slept) == retries


async def test_attempts_a_layer_below_made_do_not_count_as_retries() -> None:
    probes = (Attempt("unreachable", "no"),) * 9
    model, inner, _ = retrying(fault(failed=probes), OK, retries=1)
    assert len((await model.complete(request(), KEY)).failed) == 10
    assert inner.asked == 2


async def test_attempts_a_layer_below_made_for_the_reply_come_last() -> None:
    below = (Attempt("unreachable", "no"),)
    model, _, _ = retrying(fault(), ChatReply("ok", failed=below))
    failed = (await model.complete(request(), KEY)).failed
    assert [attempt.fault for attempt in failed] == ["overloaded", "unreachable"]


async def test_pauses_grow_and_are_spread_over_their_whole_range() -> None:
    pauses: list[list[float]] = []
    for seed in range(300):
        model, _, clock = retrying(fault(), retries=10, seed=seed)
        await failure(model)
        pauses.append(clock.slept)
    for at, most in enumerate([0.5, 1, 2, 4, 8, 16, 30, 30, 30, 30]):
        drawn = [slept[at] for slept in pauses]
        assert max(drawn) <= most
        assert max(drawn) > 0.9 * most
        assert min(drawn) < 0.1 * most


async def test_the_same_seed_draws_the_same_pauses() -> None:
    drawn: list[list[float]] = []
    for _ in range(2):
        model, _, clock = retrying(fault())
        await failure(model)
        drawn.append(clock.slept)
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize(("asked", "least"), [(7.0, 7.0), (0.0, 0.0), (9999.0, ASKED_CAP_S)])
async def test_a_wait_the_endpoint_asks_for_is_honoured_up_to_a_cap(
    asked: float, least: float
) -> None:
    model, _, clock = retrying(fault("rate_limited", retry_after=asked), OK)
    await model.complete(request(), KEY)
    assert least <= clock.slept[0] <= least + 0.5


async def test_nothing_is_sent_where_the_pause_would_reach_the_deadline() -> None:
    clocks = Clocks(turn_s=10)
    model, inner, clock = retrying(fault("rate_limited", retry_after=11), OK, clocks=clocks)
    await failure(model)
    assert (inner.asked, clock.slept) == (1, [])


async def test_pauses_count_on_the_clocks_of_the_rollout() -> None:
    clocks = Clocks(turn_s=1000, rollout_s=2000)
    model, _, clock = retrying(fault("rate_limited", retry_after=11), OK, clocks=clocks)
    await model.complete(request(), KEY)
    assert clocks.turn_spent == clocks.rollout_spent == clock.slept[0] > 11


async def test_a_bug_is_not_asked_again() -> None:
    model, inner, _ = retrying(KeyError("bug"))
    with pytest.raises(KeyError):
        await model.complete(request(), KEY)
    assert inner.asked == 1
