"""Count tokens and money of every request that is sent, and hold them to the budget."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, Usage
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.models.budget import Till, reserve
from agentsynth.models.prices import Price

__all__ = ["REPLY_TOKENS", "Meter", "Metered", "Purse", "request_bytes"]

REPLY_TOKENS = 4096
"""Most tokens of a reply where a budget is set and the config names none: a reply without a limit
could cost anything."""

_UNREAD = ("rate_limited", "denied", "refused")
"""Faults of requests that no model has read: unless the endpoint says so, they cost nothing."""

_MARGIN = 1.25
"""How much over the most tokens per byte seen so far a request may be."""
_SETTLED = 8
"""Replies after which the tokens per byte seen are believed; before, a byte is a token."""


@dataclass(frozen=True, slots=True)
class Purse:
    """The run's budget, as one model sees it."""

    till: Till
    unit: Literal["usd", "tokens"]


class Meter:
    """What all calls of one model share: its price, its purse, and how its tokens count."""

    def __init__(self, price: Price | None, purse: Purse | None = None) -> None:
        """Begin a meter.

        Args:
            price: None = unknown.
            purse: None = no budget.
        """
        self.price = price
        self.purse = purse
        self._seen = 0
        self._most = 0.0
        self._tools: dict[int, tuple[Sequence[ToolSpec], int]] = {}

    def cost(self, usage: Usage | None) -> int | None:
        """Return what a request costs in billionths of a dollar; None = unknown."""
        return None if usage is None or self.price is None else self.price.cost(usage)

    def taken(self, usage: Usage | None) -> int | None:
        """Return what a request takes from the purse, in its unit; None = unknown."""
        if self.purse is None or usage is None:
            return None
        if self.purse.unit == "usd":
            return self.cost(usage)
        if usage.prompt is None or usage.completion is None:
            return None
        return usage.prompt + usage.completion

    def worst(self, size: int, reply_tokens: int) -> int:
        """Return the most that a request of so many bytes can take from the purse."""
        per_byte = 1.0 if self._seen < _SETTLED else min(1.0, self._most * _MARGIN)
        worst = Usage(prompt=int(size * per_byte) + 64, completion=reply_tokens)
        return self.taken(worst) or 0

    def learn(self, size: int, usage: Usage) -> None:
        """Take in how many tokens a request of so many bytes had."""
        if size and usage.prompt:
            self._seen += 1
            self._most = max(self._most, usage.prompt / size)

    def size(self, request: ChatRequest) -> int:
        """Return about how many bytes a request has on the wire."""
        known = self._tools.get(id(request.tools))
        if known is None or known[0] is not request.tools:
            if len(self._tools) > 256:
                self._tools.clear()
            known = (request.tools, _tools_bytes(request.tools))
            self._tools[id(request.tools)] = known
        return request_bytes(request) + known[1]


class Metered:
    """A model whose calls are priced and, with a purse, reserved before they are made."""

    def __init__(self, model: Model, meter: Meter) -> None:
        self._model = model
        self._meter = meter

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the reply with its cost.

        Raises:
            ModelError: as the model does, with the cost of what it charged; `over_budget`.
        """
        meter = self._meter
        if meter.purse is None:
            try:
                reply = await self._model.complete(request, key)
            except ModelError as error:
                error.cost = meter.cost(error.usage)
                raise
            cost = meter.cost(reply.usage)
            return reply if cost is None else replace(reply, cost=cost)
        return await self._within(meter.purse, request, key)

    async def _within(self, purse: Purse, request: ChatRequest, key: CallKey) -> ChatReply:
        meter = self._meter
        size = meter.size(request)
        request = replace(request, max_tokens=request.max_tokens or REPLY_TOKENS)
        reserved = meter.worst(size, request.max_tokens or REPLY_TOKENS)
        await reserve(purse.till, reserved)
        spent: int | None = None  # a call that is cancelled may have cost all that was reserved
        try:
            reply = await self._model.complete(request, key)
            spent = meter.taken(reply.usage)
            meter.learn(size, reply.usage)
        except ModelError as error:
            unread = error.fault in _UNREAD and error.usage is None
            spent = 0 if unread else meter.taken(error.usage)
            error.cost = meter.cost(error.usage)
            raise
        finally:
            purse.till.settle(reserved, reserved if spent is None else spent)
        return replace(reply, cost=meter.cost(reply.usage))


def request_bytes(request: ChatRequest) -> int:
    """Return about how many bytes a request's messages have on the wire; tools apart."""
    total = 64
    for message in request.messages:
        total += 48 + len(message.content.encode("utf-8"))
        if isinstance(message, AssistantMessage):
            total += len(message.reasoning.encode("utf-8"))
            for call in message.tool_calls:
                total += 96 + len(call.name) + len(json.dumps(call.arguments))
    return total + (len(json.dumps(request.schema)) if request.schema else 0)


def _tools_bytes(tools: Sequence[ToolSpec]) -> int:
    return sum(
        96 + len(t.name) + len(t.description.encode("utf-8")) + len(json.dumps(t.parameters))
        for t in tools
    )
