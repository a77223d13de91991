"""Budgets: reserved before a call, settled after it, never overshot."""

import asyncio
import random
from datetime import UTC, datetime

import pytest

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, ModelError, Usage
from agentsynth.core.messages import UserMessage
from agentsynth.models.budget import LocalTill, SharedTill, Till, reserve
from agentsynth.models.meter import Meter, Metered, Purse
from agentsynth.models.prices import Price, price_of
from agentsynth.models.settings import ModelSettings, PriceSettings
from agentsynth.testing.models import LinesModel

KEY = CallKey("assistant", "t", 0, 0)
REQUEST = ChatRequest((UserMessage(content="x" * 400),))
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def settings(price: PriceSettings | None = None, **more: str) -> ModelSettings:
    base = {"url": "http://127.0.0.1:1/v1", "model": "nobody-knows-it"}
    return ModelSettings.model_validate({**base, **more, "price": price})


class Costly:
    """Charges a random part of what a request may cost; counts how many run at once."""

    def __init__(self, rng: random.Random, price: Price) -> None:
        self.rng = rng
        self.price = price
        self.charged = 0

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        assert request.max_tokens is not None  # a reply without a limit could cost anything
        await asyncio.sleep(self.rng.random() / 500)
        usage = Usage(prompt=self.rng.randint(50, 300), completion=self.rng.randint(0, 4096))
        self.charged += self.price.cost(usage) or 0
        if self.rng.random() < 0.2:
            raise ModelError("bad_reply", "junk", usage=usage)
        return ChatReply("ok", usage=usage)


@pytest.mark.parametrize("till", [LocalTill(2_000_000_000), SharedTill(2_000_000_000)])
async def test_sixty_four_calls_at_once_never_spend_more_than_the_budget(till: Till) -> None:
    price = price_of(settings(PriceSettings(input=10, output=100)), NOW)
    assert price is not None
    model = Costly(random.Random(5), price)
    metered = Metered(model, Meter(price, Purse(till, "usd")))

    async def caller() -> None:
        while True:
            try:
                await metered.complete(REQUEST, KEY)
            except ModelError as error:
                if error.fault == "over_budget":
                    return

    await asyncio.gather(*(caller() for _ in range(64)))
    assert till.spent == model.charged
    assert model.charged <= 2_000_000_000
    # What is left is less than one call may cost: 4,096 tokens at 0.0001 dollars and the request.
    assert model.charged > 2_000_000_000 - 450_000_000


async def test_a_call_waits_for_others_to_settle_before_it_gives_up() -> None:
    till = LocalTill(100)
    await reserve(till, 80)

    async def settle_later(seconds: float) -> None:
        till.settle(80, 10)

    await reserve(till, 60, sleep=settle_later)
    assert (till.spent, till.reserved) == (10, 60)


async def test_a_call_that_never_fits_ends_the_run() -> None:
    with pytest.raises(ModelError) as error:
        await reserve(LocalTill(100), 101)
    assert error.value.fault == "over_budget"
    assert error.value.ends_run


async def test_a_cancelled_call_counts_with_all_that_was_reserved_for_it() -> None:
    till = LocalTill(10**12)
    price = price_of(settings(PriceSettings(input=1, output=1)), NOW)

    class Hangs:
        async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
            await asyncio.Event().wait()
            raise AssertionError

    task = asyncio.create_task(
        Metered(Hangs(), Meter(price, Purse(till, "usd"))).complete(REQUEST, KEY)
    )
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    reserved = till.reserved
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reserved > 0
    assert (till.spent, till.reserved) == (reserved, 0)


async def test_a_request_that_no_model_read_costs_nothing() -> None:
    till = LocalTill(10**12)
    price = price_of(settings(PriceSettings(input=1, output=1)), NOW)
    model = LinesModel([ModelError("rate_limited", "slow down")])
    with pytest.raises(ModelError):
        await Metered(model, Meter(price, Purse(till, "usd"))).complete(REQUEST, KEY)
    assert (till.spent, till.reserved) == (0, 0)


async def test_a_budget_in_tokens_counts_what_was_read_and_written() -> None:
    till = LocalTill(10_000)
    model = LinesModel(["hello"])
    await Metered(model, Meter(None, Purse(till, "tokens"))).complete(REQUEST, KEY)
    assert till.spent == 110


async def test_a_cost_that_is_unknown_is_none_and_not_zero() -> None:
    assert price_of(settings(), NOW) is None
    reply = await Metered(LinesModel(["x"]), Meter(None)).complete(REQUEST, KEY)
    assert reply.cost is None
    priced = price_of(settings(PriceSettings(input=1, output=1)), NOW)
    assert priced is not None
    assert priced.cost(Usage(prompt=5)) is None


def test_prices_are_exact_and_cached_tokens_are_charged_apart() -> None:
    price = price_of(settings(PriceSettings(input=0.6, output=2.5, cached_input=0.15)), NOW)
    assert price is not None
    # 900 fresh tokens at 600, 100 cached at 150, 10 written at 2,500 billionths each.
    assert price.cost(Usage(prompt=1000, completion=10, cached=100)) == 580_000


def test_a_known_model_has_its_price_in_the_table() -> None:
    known = ModelSettings(url="https://api.moonshot.ai/v1", model="kimi-k2-0905-preview")
    price = price_of(known, NOW)
    assert price is not None
    assert "moonshot" in price.source
    assert price.cost(Usage(prompt=1000, completion=10)) not in (None, 0)


def test_a_local_model_costs_nothing() -> None:
    price = price_of(ModelSettings.model_validate({"model": "local"}), NOW)
    assert price is not None
    assert price.cost(Usage(prompt=1000, completion=10)) == 0
