"""Probe sets: conversations that a rubric's criteria have to tell apart.

Sound ones, played by the scripted pair or taken from a run; flawed ones that the pair played; and
of each sound one its mutants and a few records broken in form.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import NoTask
from agentsynth.core.agent import Agent
from agentsynth.core.ids import derive_seed
from agentsynth.core.rubric import MutantSort
from agentsynth.core.task import KINDS, Task
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.judge.mutants import SORTS, mutate
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.domains import load_checked
from agentsynth.pipeline.opening import open_worker
from agentsynth.pipeline.probe_spoils import spoiled
from agentsynth.pipeline.rows import open_run, read_row, run_config
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.load import domain_names
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

__all__ = ["Probed", "probes_bundled", "probes_of_run"]

_MANY_CALLS = 90
_MANY_IN_LONG = 900
"""More than the bundled limits of 80 calls, and of 700 in long tasks."""
_MANY_MESSAGES = 60
"""A longer conversation gives only records broken in form: its mutants take long to run again."""


@dataclass(frozen=True)
class Probed:
    """One conversation of a probe set."""

    evidence: Evidence
    sound: bool
    """It was kept where it was played, and nothing was changed in it."""
    sort: MutantSort | None = None
    """For a mutant."""


async def probes_bundled(*, seed: int, rounds: int) -> AsyncIterator[Probed]:
    """Yield a probe set over the bundled domains: each kind of task, so many times.

    Args:
        seed: draws tasks, players and mutants.
        rounds: conversations of each kind, each with what is made of it.
    """
    loaded = {name: load_checked(name) for name in domain_names()}
    runtimes = {
        name: declarative_runtime(one) for name, one in loaded.items() if one.domain.live is None
    }
    config = RunConfig(
        version=1, seed=seed, target=TargetConfig(tasks=1), domains=dict.fromkeys(runtimes, 1.0)
    )
    worker = Worker(config, runtimes, Limits())
    number = 0
    for kind in KINDS:
        able = [name for name, runtime in runtimes.items() if kind in kinds_allowed(runtime)]
        for turn in range(rounds if able else 0):
            number += 1
            name = able[(number + turn) % len(able)]
            place = Place(number, name, kind, seed=derive_seed(seed, number), probe=True)
            async for one in _played(worker, place, formless=turn == 0):
                yield one


async def _played(worker: Worker, place: Place, *, formless: bool) -> AsyncIterator[Probed]:
    """Yield what a place gives: as it was played, flawed, and changed."""
    prepared = await worker.prepare(place)
    if isinstance(prepared, NoTask):
        return
    task, agent = prepared.composed.task, prepared.agent
    runtime = worker.runtimes[place.domain].speaking(task.language)
    for slot, scenario in prepared.scenarios:
        graded = await worker.play(prepared, slot, scenario)
        kept = graded.decision.kept
        async for one in _around(
            task, agent, runtime, graded.trajectory, sound=kept, formless=formless
        ):
            yield one


async def probes_of_run(
    folder: Path, *, seed: int, most: int, log: Callable[[str], None]
) -> AsyncIterator[Probed]:
    """Yield a probe set of a run: its conversations, kept or not, and what is made of the kept.

    Args:
        most: conversations of the run that are taken, in its order.
        log: takes one line per slow step.

    Raises:
        UserError: if there is no finished run in the folder, or a domain is gone.
    """
    config = run_config(folder).model_copy(update={"seed": seed})
    async with AsyncExitStack() as stack:
        store = stack.enter_context(open_run(folder))
        scripted = config.model_copy(update={"models": type(config.models)()})
        worker = await open_worker(scripted, stack, log=log)
        taken = 0
        for item in store.items():
            if item.status != "done" or taken >= most:
                continue
            taken += 1
            row = read_row(store, item)
            runtime = worker.runtimes[item.domain].speaking(row.task.language)
            async for one in _around(
                row.task,
                row.agent,
                runtime,
                row.trajectory,
                sound=row.decision.kept,
                formless=taken == 1,
            ):
                yield one


async def _around(
    task: Task,
    agent: Agent,
    runtime: DomainRuntime,
    trajectory: Trajectory,
    *,
    sound: bool,
    formless: bool,
) -> AsyncIterator[Probed]:
    """Yield a conversation, and of a sound one its mutants and what is broken in form."""
    offered = agent.tool_names
    if trajectory.stop_reason in (StopReason.ERROR, StopReason.MODEL_ERROR):
        return
    yield Probed(await _evidence(task, runtime, trajectory, offered), sound)
    if not sound:
        return
    if formless:
        times = _MANY_IN_LONG if task.kind == "long" else _MANY_CALLS
        for _, broken in spoiled(trajectory, times=times):
            yield Probed(await _evidence(task, runtime, broken, offered), sound=False)
    if len(trajectory.messages) > _MANY_MESSAGES:
        return
    writes = [tool.name for tool in agent.tools if tool.consequential]
    for sort in SORTS:
        made = mutate(
            trajectory,
            sort,
            seed=derive_seed(task.id, sort),
            writes=writes,
            language=task.language,
        )
        if made is not None:
            evidence = await _evidence(task, runtime, made.trajectory, offered)
            yield Probed(evidence, sound=False, sort=sort)


async def _evidence(
    task: Task, runtime: DomainRuntime, trajectory: Trajectory, offered: Collection[str]
) -> Evidence:
    again = await replay(task, trajectory, runtime, frozenset(offered))
    return Evidence(task, trajectory, runtime, load_voice(task.language), again)
