"""Certify without playing: tools against their contracts, and tasks of every kind."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.errors import UserError
from agentsynth.core.task import TaskKind
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.run import kinds_of
from agentsynth.pipeline.schedule import Place, place_at
from agentsynth.pipeline.work import Certified, Worker
from agentsynth.pipeline.workers import BLOCK, Pool
from agentsynth.plan.contracts import ContractReport, check_contracts
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.load import find_domain
from agentsynth.worlds.mix import JOINT

__all__ = ["LEAST_SHARE", "CertifyReport", "certify_tasks", "domain_contracts", "kinds_over"]

LEAST_SHARE = 0.01
"""A kind that a domain allows has at least this share of the tasks asked for over all domains."""


@dataclass
class CertifyReport:
    """What came of certifying many tasks."""

    asked: int
    certified: int = 0
    kinds: Counter[str] = field(default_factory=lambda: Counter())
    by_domain: Counter[tuple[str, str]] = field(default_factory=lambda: Counter())
    """(domain, kind) to certified tasks."""
    levels: Counter[int] = field(default_factory=lambda: Counter())
    ladder: Counter[tuple[str, str, int]] = field(default_factory=lambda: Counter())
    """(domain, agent, level) to tasks: the ladder of every agent."""
    probes: Counter[str] = field(default_factory=lambda: Counter())
    """Probe to the number of variants held against the checks, over all certified tasks."""
    rejected: Counter[str] = field(default_factory=lambda: Counter())
    """Probe to the number of tasks that failed it and were dropped."""
    unfilled: Counter[str] = field(default_factory=lambda: Counter())
    """Why no task was found at a place, with domain and kind."""
    distinct: set[str] = field(default_factory=lambda: set[str]())
    seconds: float = 0.0

    def add(self, one: Certified) -> None:
        """Count one place."""
        self.rejected.update(one.rejected)
        if one.task_id is None:
            self.unfilled[f"{one.domain}, {one.kind}: {one.reason[:160]}"] += 1
            return
        self.certified += 1
        self.kinds[one.kind] += 1
        self.by_domain[one.domain, one.kind] += 1
        self.levels[one.level] += 1
        self.ladder[one.domain, one.agent, one.level] += 1
        self.probes.update(one.probes)
        self.distinct.add(one.task_id)

    def thin(self, allowed: Sequence[str]) -> list[str]:
        """Return the kinds that some domain allows and that are under the least share."""
        return [k for k in allowed if self.kinds[k] < LEAST_SHARE * max(1, self.certified)]

    def as_fields(self) -> dict[str, Any]:
        """Return the report as flat JSON."""
        return {
            "asked": self.asked,
            "certified": self.certified,
            "distinct": len(self.distinct),
            "seconds": round(self.seconds, 2),
            "per_second": round(self.certified / self.seconds, 1) if self.seconds else None,
            "kinds": dict(self.kinds.most_common()),
            "levels": dict(sorted(self.levels.items())),
            "probes": dict(sorted(self.probes.items())),
            "rejected": dict(self.rejected.most_common()),
            "unfilled": dict(self.unfilled.most_common(20)),
        }


async def certify_tasks(
    config: RunConfig, worker: Worker, pool: Pool | None, report: CertifyReport
) -> AsyncIterator[int]:
    """Look for the config's tasks and certify them; yields how many places are done.

    Args:
        pool: processes to share the work with; None = everything here.
        report: filled on the way, in any order.
    """
    table = kinds_of(config, worker)
    places = [place_at(n, config, table) for n in range(config.target.tasks or report.asked)]
    started = time.perf_counter()
    queue: asyncio.Queue[list[Certified]] = asyncio.Queue()
    elsewhere = [p for p in places if pool is not None and p.domain in pool.domains]
    here = [p for p in places if pool is None or p.domain not in pool.domains]
    waiting = deque(_by_world(elsewhere, worker))

    async def by_process(number: int) -> None:
        while waiting and pool is not None:
            block = waiting.pop() if number % 2 else waiting.popleft()
            queue.put_nowait(await pool.certify(number, block))

    async def by_this() -> None:
        for place in here:
            queue.put_nowait([await worker.certify(place)])
            await asyncio.sleep(0)

    done = 0
    async with asyncio.TaskGroup() as group:
        group.create_task(by_this())
        for number in range(pool.size if pool is not None else 0):
            group.create_task(by_process(number))
        while done < len(places):
            for one in await queue.get():
                report.add(one)
                done += 1
            report.seconds = time.perf_counter() - started
            yield done


def _by_world(places: Sequence[Place], worker: Worker) -> list[list[Place]]:
    """Return blocks of places in one world each: it is made once, its look-ups are remembered."""
    by_world: dict[tuple[str, int], list[Place]] = {}
    for place in places:
        by_world.setdefault((place.domain, worker.world_number(place)), []).append(place)
    return [
        block[start : start + BLOCK]
        for _, block in sorted(by_world.items())
        for start in range(0, len(block), BLOCK)
    ]


def kinds_over(table: Mapping[str, Mapping[TaskKind, float]]) -> list[str]:
    """Return the kinds that some domain offers."""
    return sorted({kind for kinds in table.values() for kind in kinds})


def domain_contracts(name: str, worker: Worker, *, seed: int = 0) -> ContractReport | None:
    """Hold a domain's tools against their contracts; None = a live domain, or a mixture.

    Raises:
        UserError: if the domain has no contracts, or they are wrong.
    """
    runtime = worker.runtimes[name]
    if runtime.compiled is None or JOINT in name:
        return None
    folder = find_domain(name)
    contracts = load_contracts(folder, runtime.domain)
    if contracts is None:
        raise UserError(
            f"{folder}: there is no contracts.yaml; write down for each tool what a call changes "
            "and when it fails (see docs/write-a-domain.md)"
        )
    return check_contracts(runtime.compiled, contracts, seed=seed)
