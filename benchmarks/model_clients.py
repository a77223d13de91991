"""What our engine takes, and what bare clients take for the very same requests."""

import asyncio
import resource
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.events import ignore
from agentsynth.pipeline.run import execute
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.seats import Modelling, open_seats
from agentsynth.pipeline.store import Item, Payload, Store
from agentsynth.pipeline.work import Prepared, Worker, rows_of
from agentsynth.pipeline.workers import settle_memory
from agentsynth.simulate.rollout import Limits
from benchmarks.model_tasks import DOMAIN, Scenario, config_for

__all__ = ["bare_aiohttp", "bare_transport", "ours", "padded"]


class Ready:
    """A worker whose tasks are found already: each place plays one of them once more."""

    def __init__(self, worker: Worker, tasks: list[Prepared]) -> None:
        self.config = worker.config
        self.runtimes = worker.runtimes
        self.seats = worker.seats
        self._worker = worker
        self._tasks = tasks

    async def work(self, place: Place) -> tuple[list[Item], list[Payload]]:
        """Return the rows of a place."""
        prepared = self._tasks[place.ordinal % len(self._tasks)]
        slot = place.ordinal // len(self._tasks)
        scenario = prepared.scenarios[0][1].model_copy(update={"sample": slot})
        async with self.seats.turns:
            graded = await self._worker.play(prepared, slot, scenario)
        return rows_of(replace(prepared, place=place), [graded])


@asynccontextmanager
async def _ready(
    scenario: Scenario, port: int, tasks: list[Prepared], folder: Path
) -> AsyncGenerator[Ready]:
    config = config_for(port, scenario)
    async with AsyncExitStack() as stack:
        runtimes = await open_runtimes([DOMAIN], stack, log=print)
        modelling = Modelling(recordings=folder / "recordings", in_flight=scenario.at_once)
        seats = await open_seats(config.models, modelling, stack)
        yield Ready(Worker(config, runtimes, Limits(), seats=seats), tasks)


async def ours(
    scenario: Scenario, port: int, tasks: list[Prepared], folder: Path
) -> dict[str, Any]:
    """Return what the whole engine takes.

    Args:
        folder: keeps store and recordings; a run that is in it already goes on.
    """
    async with _ready(scenario, port, tasks, folder) as worker:
        settle_memory()
        with Store(folder / "store.db") as store:
            began, cpu = time.perf_counter(), time.process_time()
            fold = await execute(
                worker.config,
                worker,  # pyright: ignore[reportArgumentType]  (the same but for finding tasks)
                store,
                concurrency=scenario.at_once,
                listen=ignore,
            )
            taken, used = time.perf_counter() - began, time.process_time() - cpu
    progress = fold.progress
    calls = sum(role.calls for role in progress.tally.roles.values())
    return {
        **_figures(scenario, taken, used),
        "reasons": dict(progress.reasons),
        "messages": round(progress.messages / max(1, progress.rollouts), 1),
        "model_calls": round(calls / max(1, progress.rollouts), 1),
        "gates": worker.seats.counts(),
    }


def _figures(scenario: Scenario, taken: float, used: float) -> dict[str, Any]:
    return {
        "rollouts_per_second": round(scenario.rollouts / taken, 1),
        "cpu_ms_each": round(used / scenario.rollouts * 1000, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


async def bare_aiohttp(scenario: Scenario, port: int, bodies: list[list[bytes]]) -> dict[str, Any]:
    """Return what aiohttp alone takes for the same requests."""
    import aiohttp  # noqa: PLC0415

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def post(body: bytes) -> None:
            headers = {"content-type": "application/json"}
            async with session.post(_url(port), data=body, headers=headers) as reply:
                orjson.loads(await reply.read())

        return await _bare(scenario, bodies, post)


async def bare_transport(
    scenario: Scenario, port: int, bodies: list[list[bytes]]
) -> dict[str, Any]:
    """Return what httpx's client takes on the transport that ours uses."""
    import aiohttp  # noqa: PLC0415
    import httpx  # noqa: PLC0415
    from httpx_aiohttp import AiohttpTransport  # noqa: PLC0415

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))

    transport = AiohttpTransport(client=session)
    async with httpx.AsyncClient(transport=transport, timeout=None) as client:

        async def post(body: bytes) -> None:
            headers = {"content-type": "application/json"}
            orjson.loads((await client.post(_url(port), content=body, headers=headers)).content)

        return await _bare(scenario, bodies, post)


async def _bare(
    scenario: Scenario, bodies: list[list[bytes]], post: Callable[[bytes], Awaitable[None]]
) -> dict[str, Any]:
    async def converse(number: int, turns: asyncio.Semaphore) -> None:
        async with turns:
            for body in bodies[number % len(bodies)]:
                await post(body)

    turns = asyncio.Semaphore(scenario.at_once)
    began, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(converse(n, turns) for n in range(scenario.rollouts)))
    return _figures(scenario, time.perf_counter() - began, time.process_time() - cpu)


def padded(bodies: list[list[bytes]], padding: int) -> list[list[bytes]]:
    """Return the requests with so many bytes more, as the engine adds them."""
    if not padding:
        return bodies
    pad = b',"padding":"' + b"x" * padding + b'"}'
    return [[body[:-1] + pad for body in conversation] for conversation in bodies]


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}/v1/chat/completions"
