"""Clocks of a turn and of a rollout that run only while a model is asked.

Time at a gate does not count: an endpoint that is down or full costs no rollout its deadline.
`Timed` stands just around the transport and counts each attempt; `Retrying` counts its pauses.
"""

import asyncio
import math
import time
from collections.abc import Callable

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError

__all__ = ["Clocks", "Timed"]


class Clocks:
    """What one rollout has spent in calls. Its seats share it; the turn is begun by hand."""

    def __init__(
        self,
        *,
        turn_s: float = math.inf,
        rollout_s: float = math.inf,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start both at zero.

        Args:
            turn_s: seconds of calls a turn may take.
            rollout_s: seconds of calls the rollout may take.
            now: seconds of any clock that does not jump.
        """
        self.now = now
        self.turn_s = turn_s
        self.rollout_s = rollout_s
        self.turn_spent = 0.0
        self.rollout_spent = 0.0

    def start_turn(self) -> None:
        """Begin the next turn of the conversation."""
        self.turn_spent = 0.0

    def spend(self, seconds: float) -> None:
        """Count seconds of a call or of a pause between two attempts."""
        self.turn_spent += seconds
        self.rollout_spent += seconds

    def left(self) -> float:
        """Return the seconds until the nearer deadline, never below 0."""
        return max(0.0, min(self.turn_s - self.turn_spent, self.rollout_s - self.rollout_spent))

    def overdue(self) -> str:
        """Return which deadline is the nearer one, in words for an error."""
        turn = self.turn_s - self.turn_spent <= self.rollout_s - self.rollout_spent
        name, seconds = ("turn", self.turn_s) if turn else ("rollout", self.rollout_s)
        return (
            f"the calls of this {name} used up its {seconds:g} s; raise 'timeouts: {name}' "
            "if the model needs longer"
        )


class Timed:
    """A model whose calls the clocks of a rollout count and end."""

    def __init__(self, model: Model, clocks: Clocks, *, call_s: float = math.inf) -> None:
        """Wrap a model.

        Args:
            call_s: seconds after which the model ends a call by itself; no second timer is set
                where that comes first. Infinite = it does not.
        """
        self._model = model
        self._clocks = clocks
        self._call_s = call_s

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the model's reply within what is left.

        Raises:
            ModelError: `timeout` if nothing is left, or the model's own.
        """
        clocks = self._clocks
        left = clocks.left()
        if left <= 0:
            raise ModelError("timeout", clocks.overdue())
        began = clocks.now()
        if left > self._call_s:
            try:
                return await self._model.complete(request, key)
            finally:
                clocks.spend(clocks.now() - began)
        timer = asyncio.timeout(None if math.isinf(left) else left)
        try:
            async with timer:
                return await self._model.complete(request, key)
        except TimeoutError:
            if not timer.expired():
                raise
        finally:
            clocks.spend(clocks.now() - began)
        raise ModelError("timeout", clocks.overdue())
