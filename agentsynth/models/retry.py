"""The only layer that sends a request again."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace

from agentsynth.core.chat import Attempt, CallKey, ChatReply, ChatRequest, Model, ModelError
from agentsynth.models.deadline import Clocks

__all__ = ["Retrying"]

BASE_S = 0.5
"""The first pause is drawn from 0 to this, each later one from 0 to twice the one before."""

CAP_S = 30.0
"""No pause is drawn from more than this."""

ASKED_CAP_S = 120.0
"""An endpoint that asks for a longer wait is asked again after this."""


class Retrying:
    """A model that is asked again after a fault that may pass.

    Pauses grow exponentially with full jitter, and are never shorter than what the endpoint asked
    for. Nothing is sent after a deadline, nor where the pause alone would reach it.
    """

    def __init__(
        self,
        model: Model,
        *,
        retries: int,
        rng: random.Random,
        clocks: Clocks | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Wrap a model.

        Args:
            retries: how often a request is sent again at most.
            rng: draws the jitter.
            clocks: the rollout's; pauses count there. None = no deadline but the call's own.
            sleep: waits for some seconds.
        """
        self._model = model
        self._retries = retries
        self._rng = rng
        self._clocks = clocks or Clocks()
        self._sleep = sleep

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the first reply; `failed` holds the attempts before it.

        Raises:
            ModelError: the last one, with the attempts before it.
        """
        failed: tuple[Attempt, ...] = ()
        for tries in itertools.count():
            try:
                reply = await self._model.complete(request, key)
            except ModelError as error:
                failed += error.failed
                pause = self._pause(error, tries)
                if pause is None:
                    error.failed = failed
                    raise
                failed += (Attempt(error.fault, str(error), error.usage, error.cost),)
            else:
                return replace(reply, failed=failed + reply.failed) if failed else reply
            await self._sleep(pause)
            self._clocks.spend(pause)
        raise AssertionError("counting has no end")

    def _pause(self, error: ModelError, tries: int) -> float | None:
        """Return the seconds until the next attempt; None = there is none."""
        if not error.can_retry or tries >= self._retries:
            return None
        pause = self._rng.uniform(0, min(CAP_S, BASE_S * 2.0 ** min(tries, 16)))
        if error.retry_after is not None:
            pause += min(error.retry_after, ASKED_CAP_S)
        return pause if pause < self._clocks.left() else None
