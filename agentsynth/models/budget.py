"""A cap on what a run spends: reserved before each call, settled after it, never overshot.

The till is shared by all calls of a run, in however many processes. A call that does not fit beside
what others have reserved waits until they have settled; one that does not fit into what is left at
all ends the run.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, Protocol

from agentsynth.core.chat import ModelError

__all__ = ["LocalTill", "SharedTill", "Till", "reserve"]

_LOOK_AGAIN_S = 0.02
"""How often a call that waits for others' settlements looks again."""


class Till(Protocol):
    """What may be spent, what is spent and what is reserved, in one unit."""

    def take(self, amount: int) -> bool | None:
        """Reserve an amount; None = not now, others have reserved it; False = never."""
        ...

    def settle(self, reserved: int, spent: int) -> None:
        """Turn a reservation into what was really spent."""
        ...

    @property
    def spent(self) -> int:
        """What was spent so far."""
        ...


@dataclass
class LocalTill:
    """A till of one process."""

    limit: int
    spent: int = 0
    reserved: int = 0

    def take(self, amount: int) -> bool | None:
        """Reserve an amount; None = not now, others have reserved it; False = never."""
        if self.spent + self.reserved + amount <= self.limit:
            self.reserved += amount
            return True
        return None if self.reserved else False

    def settle(self, reserved: int, spent: int) -> None:
        """Turn a reservation into what was really spent."""
        self.reserved -= reserved
        self.spent += spent


class SharedTill:
    """A till for a run's processes: hand it to each as it is started."""

    def __init__(self, limit: int, spent: int = 0) -> None:
        self.limit = limit
        self._held: Any = get_context("spawn").Array("q", [spent, 0])

    @property
    def spent(self) -> int:
        """What was spent so far."""
        with self._held.get_lock():
            return self._held[0]

    def take(self, amount: int) -> bool | None:
        """Reserve an amount; None = not now, others have reserved it; False = never."""
        with self._held.get_lock():
            if self._held[0] + self._held[1] + amount <= self.limit:
                self._held[1] += amount
                return True
            return None if self._held[1] else False

    def settle(self, reserved: int, spent: int) -> None:
        """Turn a reservation into what was really spent."""
        with self._held.get_lock():
            self._held[1] -= reserved
            self._held[0] += spent


async def reserve(
    till: Till, amount: int, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Reserve an amount, waiting for others to settle where it does not fit beside them.

    Raises:
        ModelError: `over_budget`, if it does not fit into what is left.
    """
    while not (taken := till.take(amount)):
        if taken is False:
            raise ModelError("over_budget", "the budget does not allow another call")
        await sleep(_LOOK_AGAIN_S)
