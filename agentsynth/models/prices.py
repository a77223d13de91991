"""What a call costs. Money is whole billionths of a US dollar; no price known is None, not zero."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from agentsynth.core.chat import Usage
from agentsynth.models.settings import ModelSettings, PriceSettings

__all__ = ["NANO", "Price", "price_of"]

NANO = 10**9
"""Billionths in a dollar."""


@dataclass(frozen=True, slots=True)
class Price:
    """How the tokens of a model are charged."""

    source: str
    """Where the price comes from, for people: `config`, or the price table's own name for it."""
    charge: Callable[[Usage], int]

    def cost(self, usage: Usage) -> int | None:
        """Return what a call costs, rounded up; None = the endpoint did not state its tokens."""
        if usage.prompt is None or usage.completion is None:
            return None
        return self.charge(usage)


def price_of(settings: ModelSettings, at: datetime) -> Price | None:
    """Return the price of a model: the config's, or the table's; None = it is in neither.

    The table is that of the package genai-prices, as it was when it was installed. A local model
    costs nothing.

    Args:
        at: when the calls are made; some endpoints charge by the hour of the day.
    """
    if settings.price is not None:
        return Price("config", _charger(settings.price))
    if settings.via == "local":
        return Price("runs on this machine", lambda usage: 0)
    return _from_table(settings, at)


def _charger(price: PriceSettings) -> Callable[[Usage], int]:
    # Dollars per million tokens are thousands of billionths per token.
    fresh, written = (Decimal(str(rate)) * 1000 for rate in (price.input, price.output))
    again = fresh if price.cached_input is None else Decimal(str(price.cached_input)) * 1000

    def charge(usage: Usage) -> int:
        cached = min(usage.cached or 0, usage.prompt or 0)
        read = ((usage.prompt or 0) - cached) * fresh + cached * again
        return _whole(read + (usage.completion or 0) * written)

    return charge


def _from_table(settings: ModelSettings, at: datetime) -> Price | None:
    from genai_prices import Usage as Charged  # noqa: PLC0415  (slow to import)
    from genai_prices.data_snapshot import get_snapshot  # noqa: PLC0415

    provider, _, name = settings.model.partition("/")
    by_litellm = settings.via == "litellm" and name
    try:
        found, model = get_snapshot().find_provider_model(
            name if by_litellm else settings.model,
            None,
            provider if by_litellm else None,
            settings.url,
        )
    except LookupError:
        return None
    prices: Any = model.get_prices(at)

    def charge(usage: Usage) -> int:
        cached = min(usage.cached or 0, usage.prompt or 0)
        charged = Charged(
            input_tokens=usage.prompt,
            output_tokens=usage.completion,
            cache_read_tokens=cached or None,
        )
        return _whole(prices.calc_price(charged)["total_price"] * NANO)

    return Price(f"genai-prices: {found.id} {model.id}", charge)


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(rounding=ROUND_CEILING))
