"""What our engine takes, and what bare clients take for the very same requests."""

import asyncio
import pickle
import resource
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.events import ignore
from agentsynth.pipeline.run import execute
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.seats import Modelling, open_seats
from agentsynth.pipeline.store import Item, Payload, Store
from agentsynth.pipeline.work import Prepared, Worker, rows_of
from agentsynth.pipeline.workers import Pool, settle_memory
from agentsynth.simulate.rollout import Limits
from benchmarks.model_tasks import DOMAIN, Scenario, config_for

__all__ = ["bare_aiohttp", "bare_transport", "open_ready", "ours", "padded"]


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


def _leave_tasks(folder: Path, tasks: list[Prepared]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "tasks.pickle").write_bytes(pickle.dumps(tasks))


def _found_tasks(folder: Path) -> list[Prepared]:
    return pickle.loads((folder / "tasks.pickle").read_bytes())


async def open_ready(
    config: RunConfig,
    stack: AsyncExitStack,
    *,
    log: Callable[[str], None],
    names: Iterable[str] | None = None,
    modelling: Modelling,
) -> Ready:
    """Return a worker whose tasks lie beside the recordings."""
    assert modelling.recordings is not None
    tasks = _found_tasks(modelling.recordings.parent)
    runtimes = await open_runtimes(names or [DOMAIN], stack, log=log)
    seats = await open_seats(config.models, modelling, stack)
    return Ready(Worker(config, runtimes, Limits(), seats=seats), tasks)


async def ours(
    scenario: Scenario, port: int, tasks: list[Prepared], folder: Path, workers: int = 1
) -> dict[str, Any]:
    """Return what the whole engine takes.

    Args:
        folder: keeps store and recordings; a run that is in it already goes on.
        workers: processes that play; 1 = this one.
    """
    _leave_tasks(folder, tasks)
    config = config_for(port, scenario)
    modelling = Modelling(recordings=folder / "recordings", in_flight=scenario.at_once)
    async with AsyncExitStack() as stack:
        worker: Any = await open_ready(config, stack, log=print, modelling=modelling)
        opens: Any = open_ready  # a worker like any other, but for finding tasks
        pool = Pool(worker, workers, modelling, opens=opens) if workers > 1 else None
        if pool is not None:
            await stack.enter_async_context(pool)
        settle_memory()
        with Store(folder / "store.db") as store:
            began, cpu = time.perf_counter(), time.process_time()
            fold = await execute(
                config, worker, store, concurrency=scenario.at_once, listen=ignore, pool=pool
            )
            taken, used = time.perf_counter() - began, time.process_time() - cpu
    progress = fold.progress
    calls = sum(role.calls for role in progress.tally.roles.values())
    return {
        **_figures(scenario, taken, used if pool is None else None),
        "reasons": dict(progress.reasons),
        "messages": round(progress.messages / max(1, progress.rollouts), 1),
        "model_calls": round(calls / max(1, progress.rollouts), 1),
        "gates": worker.seats.counts(),
    }


def _figures(scenario: Scenario, taken: float, used: float | None) -> dict[str, Any]:
    """Return rate, CPU and memory; CPU is None where other processes played."""
    return {
        "rollouts_per_second": round(scenario.rollouts / taken, 1),
        "cpu_ms_each": None if used is None else round(used / scenario.rollouts * 1000, 2),
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
