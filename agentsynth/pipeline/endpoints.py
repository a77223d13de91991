"""Open what a run's models stand on: transports, gates, recordings. Heavy to import."""

import random
from contextlib import AsyncExitStack
from typing import Any

from agentsynth.core.chat import Model
from agentsynth.core.errors import UserError
from agentsynth.models.actions import Actions
from agentsynth.models.deadline import Clocks
from agentsynth.models.gate import Gate, Gated
from agentsynth.models.http import HttpModel, http_model
from agentsynth.models.journal import JsonlRecordings
from agentsynth.models.litellm_model import litellm_model
from agentsynth.models.local import LocalServer, local_server
from agentsynth.models.record import Fingerprints, Recorded, Replayed
from agentsynth.models.retry import Retrying
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.seats import Modelling, Seat, metered

__all__ = ["Endpoints"]


class Endpoints:
    """The endpoints of a run; the same one is opened once, whoever uses it."""

    def __init__(self, modelling: Modelling, stack: AsyncExitStack, rng: random.Random) -> None:
        """Prepare.

        Args:
            stack: closes what is opened.
            rng: draws the jitter of pauses.
        """
        self._modelling = modelling
        self._stack = stack
        self._rng = rng
        self._opened: dict[str, tuple[Model, ModelSettings]] = {}
        self._gates: dict[tuple[str, str | None, str], Gate] = {}
        self._locals: dict[int | None, LocalServer] = {}
        folder = modelling.replay or modelling.recordings
        self._recordings = (
            None
            if folder is None
            else stack.enter_context(JsonlRecordings(folder, name=modelling.name))
        )
        if modelling.replay is not None and not len(self._recordings or ()):
            raise UserError(f"{modelling.replay}: there are no recordings to replay")

    async def seat(self, settings: ModelSettings) -> Seat:
        """Return a model ready to be called.

        Raises:
            UserError: if its key is not set, or the package that it needs is not installed.
        """
        fingerprints = Fingerprints(settings)
        if self._modelling.replay is not None and self._recordings is not None:
            recordings = self._recordings
            return Seat(settings, lambda clocks: Replayed(recordings, fingerprints.conversation()))
        model, gate = await self._open(settings)
        with_meter = metered(settings, self._modelling)

        def stack(clocks: Clocks) -> Model:
            talking = model.conversation() if isinstance(model, HttpModel) else model
            asked: Model = Gated(with_meter(talking, clocks), gate)
            if settings.mode == "action":
                asked = Actions(asked)
            asked = Retrying(asked, retries=settings.retries, rng=self._rng, clocks=clocks)
            if self._recordings is None:
                return asked
            return Recorded(asked, self._recordings, fingerprints.conversation(), reuse=True)

        return Seat(settings, stack, lambda: _counts(gate))

    async def _open(self, settings: ModelSettings) -> tuple[Model, Gate]:
        name = settings.model_dump_json()
        if name not in self._opened:
            self._opened[name] = await self.transport(settings)
        model, reached = self._opened[name]
        # Temperature and mode do not matter to how much an endpoint bears: one gate for both.
        shared = (settings.via, reached.url, settings.model)
        if shared not in self._gates:
            most = reached.in_flight or self._modelling.in_flight
            self._gates[shared] = Gate(most, name=f"model {settings.model!r}")
        return model, self._gates[shared]

    async def transport(self, settings: ModelSettings) -> tuple[Model, ModelSettings]:
        """Return the bare model, and the settings with which it is reached in the end.

        Raises:
            UserError: if its key is not set, or the package that it needs is not installed.
        """
        if settings.via == "litellm":
            return litellm_model(settings), settings
        if settings.via == "local":
            settings = (await self._local_server(settings)).settings(settings)
        return await self._stack.enter_async_context(http_model(settings)), settings

    async def _local_server(self, settings: ModelSettings) -> LocalServer:
        known = self._locals.get(settings.context)
        if known is None:
            opening = local_server(name=settings.model, context=settings.context)
            known = await self._stack.enter_async_context(opening)
            self._locals[settings.context] = known
        return known


def _counts(gate: Gate) -> dict[str, Any]:
    counts = gate.counts()
    return {name: getattr(counts, name) for name in type(counts).__dataclass_fields__}
