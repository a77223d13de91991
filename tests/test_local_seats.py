"""Seats that name the local model: one server for all of them, and none for a replay."""

import random
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agentsynth.models.local import LocalServer
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline import endpoints
from agentsynth.pipeline.endpoints import Endpoints
from agentsynth.pipeline.seats import UNMODELLED, Modelling

pytestmark = pytest.mark.anyio

RECORDED = Path(__file__).resolve().parent.parent / "examples" / "replay" / "local_user"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What servers were started with; "stopped" once one is."""
    seen: list[dict[str, Any]] = []

    @asynccontextmanager
    async def local_server(**asked: Any) -> AsyncGenerator[LocalServer]:
        seen.append(asked)
        yield LocalServer("http://127.0.0.1:9/v1", 3)
        seen.append({"stopped": True})

    monkeypatch.setattr(endpoints, "local_server", local_server)
    return seen


def local(**changed: Any) -> ModelSettings:
    return ModelSettings.model_validate({"model": "local", **changed})


async def test_seats_share_one_server_which_ends_with_the_run(
    started: list[dict[str, Any]],
) -> None:
    async with AsyncExitStack() as stack:
        opened = Endpoints(UNMODELLED, stack, random.Random(0))
        seats = [await opened.seat(local(temperature=t)) for t in (0.1, 0.9)]
        assert started == [{"name": "local", "context": None}]
        assert [seat.counts()["limit"] for seat in seats] == [3, 3]
    assert started[-1] == {"stopped": True}


async def test_another_context_is_another_server(started: list[dict[str, Any]]) -> None:
    async with AsyncExitStack() as stack:
        opened = Endpoints(UNMODELLED, stack, random.Random(0))
        for context in (None, 4096):
            await opened.seat(local(context=context))
        assert [one["context"] for one in started] == [None, 4096]


async def test_a_replay_starts_no_server(started: list[dict[str, Any]]) -> None:
    async with AsyncExitStack() as stack:
        opened = Endpoints(Modelling(replay=RECORDED), stack, random.Random(0))
        await opened.seat(local())
    assert started == []
