"""The models of a run: opened once, metered, behind a gate, recorded or replayed.

From the outside in, a call passes: the recording, the retries, the actions (for endpoints without
tool calling), the gate, the meter, the rollout's clocks, the transport.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from agentsynth.core.chat import Model
from agentsynth.core.errors import UserError
from agentsynth.models.budget import Till
from agentsynth.models.deadline import Clocks, Timed
from agentsynth.models.meter import Meter, Metered, Purse
from agentsynth.models.prices import price_of
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.config import ModelsConfig, SeatName

__all__ = [
    "SCRIPTED_SEATS",
    "UNMODELLED",
    "Modelling",
    "Seat",
    "Seats",
    "metered",
    "open_seats",
]


@dataclass(frozen=True)
class Modelling:
    """How a run's models are recorded, replayed and paid. Travels to worker processes."""

    recordings: Path | None = None
    """Folder of the run's own exchanges; None = none are kept."""
    name: str = "exchanges"
    """The file there that this process appends to, without its ending."""
    replay: Path | None = None
    """Folder of exchanges to answer from instead of any endpoint; None = endpoints answer."""
    till: Till | None = None
    """The budget; None = no cap."""
    unit: Literal["usd", "tokens"] = "usd"
    in_flight: int = 64
    """Most requests at once for each model of a process."""
    at: datetime | None = None
    """When the run began, for prices that go by the hour; None = there are no models."""
    seed: int = 0

    def of_process(self, number: int, among: int) -> "Modelling":
        """Return the same for one of so many worker processes: a file of its own, and a share."""
        share = max(1, self.in_flight // among)
        return replace(self, name=f"{self.name}-{number}", in_flight=share)


@dataclass(frozen=True)
class Seat:
    """A model in a seat."""

    settings: ModelSettings
    stack: Callable[[Clocks], Model]
    """Gives the model as one rollout calls it."""
    counts: Callable[[], dict[str, Any]] = dict[str, Any]
    """What its gate has done so far."""


@dataclass(frozen=True)
class Seats:
    """The models of a run by role; a role that is not there is scripted."""

    by_role: Mapping[SeatName, Seat] = field(default_factory=dict[SeatName, Seat])
    panel: tuple[Seat, ...] = ()
    """Judges beside the one in the seat."""
    turns: AbstractAsyncContextManager[object] = field(default_factory=nullcontext)
    """Lets so many rollouts play at once."""

    def clocks(self) -> Clocks:
        """Return the clocks of a new rollout."""
        seat = next(iter(self.by_role.values()), None)
        if seat is None:
            return Clocks()
        timeouts = seat.settings.timeouts
        return Clocks(turn_s=timeouts.turn, rollout_s=timeouts.rollout)

    def counts(self) -> dict[str, dict[str, Any]]:
        """Return what the gates have done so far, by role."""
        return {role: seat.counts() for role, seat in self.by_role.items()}

    def judges(self) -> tuple[Seat, ...]:
        """Return the models that judge; empty = nobody does."""
        first = self.by_role.get("judge")
        return () if first is None else (first, *self.panel)

    def get(self, role: SeatName) -> Seat | None:
        """Return the model in a seat; None = the role is scripted."""
        return self.by_role.get(role)


SCRIPTED_SEATS = Seats()
"""Nobody in the seats is a model."""
UNMODELLED = Modelling()
"""No recordings and no budget."""


async def open_seats(
    models: ModelsConfig,
    modelling: Modelling,
    stack: AsyncExitStack,
    panel: Sequence[ModelSettings] = (),
) -> Seats:
    """Open the models of a run; roles with the same endpoint and model share its gate.

    Args:
        stack: closes them.
        panel: judges beside the one in the seat.

    Raises:
        UserError: if a key is not set, or a package that a model needs is not installed.
        StoreError: if the recordings cannot be read.
    """
    seated = models.seated()
    if not seated:
        return Seats()
    from agentsynth.pipeline.endpoints import Endpoints  # noqa: PLC0415  (HTTP clients are heavy)

    endpoints = Endpoints(modelling, stack, random.Random(modelling.seed))
    opened: dict[SeatName, Seat] = {}
    for role, one in seated.items():
        opened[role] = await endpoints.seat(one)
    others = tuple([await endpoints.seat(one) for one in panel])
    return Seats(opened, others, turns=asyncio.Semaphore(modelling.in_flight))


def metered(settings: ModelSettings, modelling: Modelling) -> Callable[[Model, Clocks], Model]:
    """Return what puts a model's meter around it, as one rollout calls it.

    Raises:
        UserError: if the budget is in dollars and the model has no price.
    """
    price = None if modelling.at is None else price_of(settings, modelling.at)
    if modelling.till is not None and modelling.unit == "usd" and price is None:
        raise UserError(
            f"budget: no price is known for {settings.model!r}; give one under its 'price' "
            "(dollars per million tokens), or a budget in tokens"
        )
    purse = None if modelling.till is None else Purse(modelling.till, modelling.unit)
    meter = Meter(price, purse)
    call_s = settings.timeouts.call
    return lambda model, clocks: Metered(Timed(model, clocks, call_s=call_s), meter)
