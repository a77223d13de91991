"""Count tokens and money of every request that is sent, and hold them to the budget."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, Usage
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.tools import ToolSpec
from agentsynth.models.budget import Till, reserve
from agentsynth.models.prices import Price

__all__ = ["REPLY_TOKENS", "Metered", "Purse", "request_bytes"]

REPLY_TOKENS = 4096
"""Most tokens of a reply where a budget is set and the config names none: a reply without a limit
could cost anything."""

_MARGIN = 1.25
"""How much over the most tokens per byte seen so far a request may be."""
_SETTLED = 8
"""Replies after which the tokens per byte seen are believed; before, a byte is a token."""


@dataclass(frozen=True, slots=True)
class Purse:
    """The run's budget, as one model sees it."""

    till: Till
    unit: Literal["usd", "tokens"]


@dataclass
class Metered:
    """A model whose calls are priced and, with a purse, reserved before they are made."""

    model: Model
    price: Price | None
    purse: Purse | None = None
    """None = no budget."""
    _seen: int = 0
    _most: float = 0.0
    """Most tokens per byte of a request so far."""
    _tools: dict[int, tuple[Sequence[ToolSpec], int]] = field(default_factory=lambda: {})

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the reply with its cost.

        Raises:
            ModelError: as the model does, with the cost of what it charged; `over_budget`.
        """
        size = reserved = 0
        if self.purse is not None:
            size = self._size(request)
            request = replace(request, max_tokens=request.max_tokens or REPLY_TOKENS)
            reserved = self._worst(size, request.max_tokens or REPLY_TOKENS)
            await reserve(self.purse.till, reserved)
        spent: int | None = reserved  # what a call that is cancelled may have cost
        try:
            reply = await self.model.complete(request, key)
            spent = self._spent(reply.usage)
            self._learn(size, reply.usage)
        except ModelError as error:
            spent = self._charged(error)
            error.cost = self._cost(error.usage)
            raise
        finally:
            if self.purse is not None:
                self.purse.till.settle(reserved, reserved if spent is None else spent)
        return replace(reply, cost=self._cost(reply.usage))

    def _cost(self, usage: Usage | None) -> int | None:
        return None if usage is None or self.price is None else self.price.cost(usage)

    def _spent(self, usage: Usage | None) -> int | None:
        """Return what a call takes from the budget; None = unknown."""
        if self.purse is None or usage is None:
            return None
        if self.purse.unit == "usd":
            return self._cost(usage)
        if usage.prompt is None or usage.completion is None:
            return None
        return usage.prompt + usage.completion

    def _charged(self, error: ModelError) -> int | None:
        """Return what a failed call takes; one that no model has read takes nothing."""
        unread = error.fault in ("rate_limited", "denied", "refused", "over_budget")
        return 0 if unread and error.usage is None else self._spent(error.usage)

    def _worst(self, size: int, reply_tokens: int) -> int:
        """Return the most that a request of so many bytes can take from the budget."""
        per_byte = 1.0 if self._seen < _SETTLED else min(1.0, self._most * _MARGIN)
        worst = Usage(prompt=int(size * per_byte) + 64, completion=reply_tokens)
        return self._spent(worst) or 0

    def _learn(self, size: int, usage: Usage) -> None:
        if size and usage.prompt:
            self._seen += 1
            self._most = max(self._most, usage.prompt / size)

    def _size(self, request: ChatRequest) -> int:
        known = self._tools.get(id(request.tools))
        if known is None or known[0] is not request.tools:
            if len(self._tools) > 256:
                self._tools.clear()
            known = (request.tools, _tools_bytes(request.tools))
            self._tools[id(request.tools)] = known
        return request_bytes(request) + known[1]


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
