"""How many requests an endpoint gets at once, and whether it gets any while it is down.

A gate stands before one model at one endpoint, and everything that asks it passes through. It
starts at the most the user allows, because the user said so, and halves when the endpoint says that
it is too much. When nothing answers any more it lets one probe through at a time; everybody else
waits, and nobody's rollout fails for it.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from agentsynth.core.chat import (
    Attempt,
    CallKey,
    ChatReply,
    ChatRequest,
    Model,
    ModelError,
    ModelFault,
)
from agentsynth.core.errors import RunError
from agentsynth.models.loads import FULL, Loads

__all__ = ["Gate", "GateCounts", "Gated"]

DOWN: tuple[ModelFault, ...] = ("unreachable", "overloaded", "timeout")
"""Faults of an endpoint that may be down. Any other answer shows that it is there."""

TOO_MANY = 0.25
"""Share of recent replies that must be 5xx before the limit halves. A few broken replies of an
endpoint that is not full are no reason to slow down."""

MEMORY = 0.1
"""Weight of the latest reply in the running means of latency and of 5xx."""

FIRST_REPLIES = 10
"""Good replies before a latency counts as the best seen; one quick reply is no measure."""

RISES = 50
"""Windows of replies in which the limit climbs from 0 to the most; at least one a window."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
"""Before the first probe of an endpoint that is down, and at most before a later one."""


@dataclass(frozen=True, slots=True)
class GateCounts:
    """What a gate has done so far, for reports."""

    limit: int
    """Requests it lets through at once now."""
    lowest: int
    running: int
    waiting: int
    halvings: int
    pauses: int
    """Times the endpoint was taken for dead."""
    paused_s: float
    """Seconds it was taken for dead, all pauses together."""
    waited_s: float
    """Seconds that callers waited here, all callers together."""


@dataclass(frozen=True, slots=True)
class _Pass:
    """A request's leave to be sent."""

    era: int
    """Halvings before it; a failure of an earlier era says nothing about the present limit."""
    sent: float
    probe: bool
    load: int
    """Binary digits of the number of requests in flight, this one included."""


class Gate:
    """Lets requests through in the order they came, as many at once as the endpoint bears."""

    def __init__(
        self,
        most: int,
        *,
        name: str = "the endpoint",
        dead_after: int = 8,
        give_up_s: float = 900.0,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """Open a gate.

        Args:
            most: most requests at once.
            name: the endpoint, for errors.
            dead_after: failures in a row, with no answer between, after which it is taken for dead.
            give_up_s: seconds of one pause after which the run ends.
            now: seconds of any clock that does not jump.
            sleep: waits for some seconds.
        """
        self._most = most
        self._name = name
        self._dead_after = dead_after
        self._give_up_s = give_up_s
        self._now = now
        self._sleep = sleep
        self._queue: deque[asyncio.Future[bool]] = deque()
        self._limit = float(most)
        self._lowest = most
        self._running = 0
        self._waiting = 0
        self._waited = 0.0
        self._era = 0
        self._broken_share = 0.0
        self._loads = Loads()
        self._latency: float | None = None
        self._best: dict[int, float] = {}
        self._good = 0
        self._streak = 0
        self._pauses = 0
        self._paused_s = 0.0
        self._paused: float | None = None
        self._pause_s = FIRST_PAUSE_S
        self._probing = False
        self._gone: str | None = None

    def counts(self) -> GateCounts:
        """Return what the gate has done so far."""
        down = 0.0 if self._paused is None else self._now() - self._paused
        return GateCounts(
            limit=int(self._limit),
            lowest=self._lowest,
            running=self._running,
            waiting=self._waiting,
            halvings=self._era,
            pauses=self._pauses,
            paused_s=self._paused_s + down,
            waited_s=self._waited,
        )

    async def enter(self) -> _Pass:
        """Wait for a place and take it; whoever takes one gives it back with `leave`.

        Raises:
            RunError: if the endpoint has been dead for `give_up_s`.
        """
        if self._gone is not None:
            raise RunError(self._gone)
        if self._paused is None and self._running < int(self._limit):
            self._running += 1
            return self._pass(probe=False)
        began = self._now()
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._waiting += 1
        self._wake()
        try:
            probe = await turn
            if probe:
                await self._sleep(self._pause_s)
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._give_back(probe=turn.result())
            raise
        finally:
            self._waiting -= 1
            self._waited += self._now() - began
        return self._pass(probe=probe)

    def _pass(self, *, probe: bool) -> _Pass:
        return _Pass(self._era, self._now(), probe, self._running.bit_length())

    def leave(self, taken: _Pass, fault: ModelFault | None, *, answered: bool = True) -> None:
        """Give a place back and say how the request went.

        Args:
            fault: None = it was answered well.
            answered: False = it was given up from outside, which says nothing.
        """
        if answered:
            self._learn(taken, fault)
        self._give_back(probe=taken.probe)

    def _give_back(self, *, probe: bool) -> None:
        self._running -= 1
        if probe:
            self._probing = False
        self._wake()

    def _wake(self) -> None:
        """Hand out what is free, oldest first; while paused, one probe."""
        while self._queue and self._has_place():
            turn = self._queue.popleft()
            if turn.done():
                continue
            self._running += 1
            probe = self._paused is not None
            self._probing = self._probing or probe
            turn.set_result(probe)

    def _has_place(self) -> bool:
        if self._paused is not None:
            return not self._probing
        return self._running < int(self._limit)

    def _learn(self, taken: _Pass, fault: ModelFault | None) -> None:
        self._broken_share += MEMORY * ((fault == "overloaded") - self._broken_share)
        self._loads.add(taken.load, fault)
        few = fault == "overloaded" and self._broken_share <= TOO_MANY
        if fault in FULL and not few and self._loads.blames(taken.load, fault):
            self._halve(taken)
        if fault in DOWN:
            self._streak += 1
            self._mourn(taken)
            return
        self._streak = 0
        self._resume()
        if fault is None:
            self._rise(self._now() - taken.sent)

    def _halve(self, taken: _Pass) -> None:
        """Halve what is in flight, once for all requests that were sent under one limit."""
        if taken.era == self._era:
            self._era += 1
            self._limit = max(1.0, min(self._limit, self._running) / 2)
            self._lowest = min(self._lowest, int(self._limit))

    def _rise(self, latency: float) -> None:
        """Climb while replies are about as quick as they have been under a like load."""
        mean = latency if self._latency is None else self._latency
        self._latency = mean = mean + MEMORY * (latency - mean)
        self._good += 1
        load = self._running.bit_length()
        near = [self._best[at] for at in (load - 1, load) if at in self._best]
        best = min(near, default=mean)
        if self._good >= FIRST_REPLIES:
            # The best is forgotten slowly: conversations grow, and so do their latencies.
            older = self._best.get(load, math.inf) * (1 + 0.01 / self._limit)
            self._best[load] = min(mean, older)
        if self._limit < self._most and mean <= 2 * best:
            step = max(1.0, self._most / RISES) / self._limit
            self._limit = min(float(self._most), self._limit + step)

    def _mourn(self, taken: _Pass) -> None:
        """Pause after enough failures; after a probe's, pause longer, or for good."""
        now = self._now()
        if self._paused is None:
            if self._streak >= self._dead_after:
                self._paused = now
                self._pauses += 1
                self._pause_s = FIRST_PAUSE_S
            return
        if not taken.probe:
            return
        self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2)
        if now - self._paused >= self._give_up_s:
            self._gone = (
                f"{self._name} has not answered for {now - self._paused:.0f} s; everything that "
                "was finished is saved, and the same command resumes the run once it is back"
            )
            for turn in self._queue:
                if not turn.done():
                    turn.set_exception(RunError(self._gone))
            self._queue.clear()

    def _resume(self) -> None:
        if self._paused is not None:
            self._paused_s += self._now() - self._paused
            self._paused = None


class Gated:
    """A model behind a gate."""

    def __init__(self, model: Model, gate: Gate) -> None:
        self._model = model
        self._gate = gate

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Wait for a place and return the model's reply.

        A caller whose request was the probe of a dead endpoint waits on and is not failed; such
        requests stand in the `failed` of what comes in the end.

        Raises:
            RunError: if the endpoint has been dead for too long.
            ModelError: the model's own.
        """
        probes: tuple[Attempt, ...] = ()
        while True:
            taken = await self._gate.enter()
            fault: ModelFault | None = None
            answered = False
            try:
                reply = await self._model.complete(request, key)
                answered = True
                return replace(reply, failed=probes + reply.failed) if probes else reply
            except ModelError as error:
                answered = True
                fault = error.fault
                if not (taken.probe and fault in DOWN):
                    error.failed = probes + error.failed
                    raise
                probes += (Attempt(fault, str(error), error.usage, error.cost),)
            finally:
                self._gate.leave(taken, fault, answered=answered)
