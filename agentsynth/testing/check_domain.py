"""Verify a domain: its files, then tasks of every kind, certified and played."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from agentsynth.compose.tasks import NoTask, make_task
from agentsynth.core.ids import derive_seed
from agentsynth.core.intent import CallStep
from agentsynth.core.task import TaskKind
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.run import kinds_of
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["DomainReport", "KindReport", "check_domain"]

_WORLDS_TRIED = 3
_LARGE_SAMPLE = 50
"""Tasks per kind from which a tool that none of them uses is worth a word."""


@dataclass
class KindReport:
    """How tasks of one kind fared."""

    kind: TaskKind
    sought: int = 0
    certified: int = 0
    kept: int = 0
    distinct: int = 0
    reasons: dict[str, int] = field(default_factory=lambda: {})
    """Why tasks were not found or conversations not kept, with counts."""

    def as_fields(self) -> dict[str, Any]:
        """Return the report as flat JSON."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


@dataclass
class DomainReport:
    """What was found out about a domain."""

    name: str
    tools: int
    clauses: int
    kinds: list[KindReport] = field(default_factory=lambda: [])
    problems: list[str] = field(default_factory=lambda: [])

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


async def check_domain(
    name: str, *, tasks: int, log: Callable[[str], None] = lambda text: None
) -> DomainReport:
    """Load a domain, look for `tasks` tasks of every kind, play each once.

    Raises:
        UserError: if its files are wrong, with every problem.
        RunError: if its server cannot be started.
    """
    config = RunConfig(version=1, target=TargetConfig(tasks=tasks), domains={name: 1.0}, probes=0.0)
    async with AsyncExitStack() as stack:
        runtimes = await open_runtimes([name], stack, log=log)
        worker = Worker(config, runtimes, Limits())
        runtime = runtimes[name]
        report = DomainReport(
            name=runtime.domain.name, tools=len(runtime.specs), clauses=len(runtime.domain.policy)
        )
        used: Counter[str] = Counter()
        for kind in kinds_of(config, worker)[name]:
            found = KindReport(kind)
            report.kinds.append(found)
            await _check_kind(worker, name, found, tasks, used)
            if found.certified * 2 < found.sought:
                report.problems.append(f"{kind}: a task was found in under half of the tries")
            broken = [r for r in found.reasons if "lacks a guard" in r or "world broke" in r]
            report.problems += [f"{kind}: {reason}" for reason in broken]
            if found.kept < found.certified:
                report.problems.append(
                    f"{kind}: an honest conversation was dropped; see its reason"
                )
        report.problems += await _fruitless_intents(runtime)
        if runtime.compiled is not None:  # a live server brings what it brings
            report.problems += _unused_tools(runtime, used, tasks)
    return report


async def _fruitless_intents(runtime: DomainRuntime) -> list[str]:
    """Return a problem for each intent that gives no certified task in several worlds."""
    problems: list[str] = []
    for name, intent in runtime.playbook.intents.items():
        reason = ""
        for world_seed in range(_WORLDS_TRIED):
            rng = random.Random(derive_seed("intent", name, world_seed))
            kinds: tuple[TaskKind, ...] = (intent.kind, "refuse")
            found = [
                await make_task(
                    kind, runtime, load_voice(), world_seed=world_seed, rng=rng, only=name
                )
                for kind in kinds[: 1 + (world_seed == _WORLDS_TRIED - 1)]
            ]
            if not all(isinstance(one, NoTask) for one in found):
                break
            reason = next(one.reason for one in found if isinstance(one, NoTask))
        else:
            problems.append(f"intent {name!r} gives no certified task: {reason}")
    return problems


def _unused_tools(runtime: DomainRuntime, used: Counter[str], tasks: int) -> list[str]:
    """Return a problem for each tool that no plan calls, or that no task of a large sample does."""
    planned = {
        step.call
        for intent in runtime.playbook.intents.values()
        for step in intent.steps
        if isinstance(step, CallStep)
    }
    names = [spec.name for spec in runtime.specs]
    problems = [f"{name}: no intent calls this tool" for name in names if name not in planned]
    if tasks >= _LARGE_SAMPLE:
        unmet = [name for name in names if name in planned and not used[name]]
        problems += [f"{name}: no task of {tasks} per kind uses this tool" for name in unmet]
    return problems


async def _check_kind(
    worker: Worker, name: str, found: KindReport, tasks: int, used: Counter[str]
) -> None:
    ids: set[str] = set()
    for number in range(tasks):
        found.sought += 1
        prepared = await worker.prepare(Place(number, name, found.kind, seed=number, probe=False))
        if isinstance(prepared, NoTask):
            found.reasons[prepared.reason] = found.reasons.get(prepared.reason, 0) + 1
            continue
        found.certified += 1
        ids.add(prepared.composed.task.id)
        used.update(call.name for call in prepared.composed.task.reference_calls)
        slot, scenario = prepared.scenarios[0]
        graded = await worker.play(prepared, slot, scenario)
        found.kept += graded.decision.kept
        if not graded.decision.kept:
            reason = f"{graded.decision.reason}: {graded.decision.detail}"
            found.reasons[reason] = found.reasons.get(reason, 0) + 1
    found.distinct = len(ids)
