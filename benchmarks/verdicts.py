"""Verdicts per second of one core: real conversations of about 12 messages, replay not counted.

The scripted actors play tasks of the community garden first; then every conversation is judged by
the bundled rubric, with fresh evidence each time. Headline figure: nothing is remembered of any
text when a pass begins. Seconds are CPU seconds: other work on the machine counts little. Ids
of the trajectories are made before, as a run makes them for its store.
The reference beside it (hashing and JSON of a fixed document) tells a slow machine from slow code.

    python -m benchmarks.verdicts [--conversations 200] [--repeat 7] [--profile]
"""

import argparse
import asyncio
import cProfile
import hashlib
import json
import pstats
import time
from contextlib import AsyncExitStack
from typing import Any

from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.checks.found import forget_texts
from agentsynth.checks.replay import replay
from agentsynth.compose.tasks import NoTask
from agentsynth.core.rubric import Rubric
from agentsynth.core.task import Task, TaskKind
from agentsynth.core.trajectory import Trajectory
from agentsynth.judge.verdict import judge
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

_GARDEN = "community_garden"
_LEAST, _MOST = 11, 13
_BAR = 2000
_KINDS: tuple[TaskKind, ...] = ("write", "refuse", "info", "several")

Case = tuple[Task, Trajectory, Replay, Rubric]


async def _cases(count: int) -> tuple[list[Case], DomainRuntime, Worker]:
    """Play until there are so many conversations of about 12 messages."""
    config = RunConfig(version=1, seed=7, target=TargetConfig(tasks=1), domains={_GARDEN: 1.0})
    cases: list[Case] = []
    async with AsyncExitStack() as stack:
        runtimes = await open_runtimes([_GARDEN], stack, log=print)
        worker = Worker(config, runtimes, Limits())
        number = 0
        while len(cases) < count:
            kind = _KINDS[number % 4]
            place = Place(number, _GARDEN, kind, seed=500 + number, probe=kind == "write")
            number += 1
            prepared = await worker.prepare(place)
            if isinstance(prepared, NoTask):
                continue
            task = prepared.composed.task
            for slot, scenario in prepared.scenarios:
                played = (await worker.play(prepared, slot, scenario)).trajectory
                if _LEAST <= len(played.messages) <= _MOST and len(cases) < count:
                    again = await replay(task, played, runtimes[_GARDEN])
                    cases.append((task, played, again, prepared.rubric))
        return cases, runtimes[_GARDEN], worker


def _pass(cases: list[Case], runtime: DomainRuntime, worker: Worker) -> float:
    """Return the CPU seconds one verdict of each takes."""
    voice = load_voice()
    started = time.process_time()
    for task, trajectory, again, rubric in cases:
        judge(Evidence(task, trajectory, runtime, voice, again), rubric)
    return time.process_time() - started


def _reference(seconds: float = 0.5) -> float:
    """Return how often a second this machine encodes and hashes a 16 KB JSON document."""
    document: dict[str, Any] = {f"key{n}": {"value": "x" * 40, "number": n} for n in range(200)}
    done = 0
    started = time.process_time()
    while time.process_time() - started < seconds:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"))
        hashlib.sha256(text.encode()).hexdigest()
        done += 1
    return done / (time.process_time() - started)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--profile", action="store_true", help="print where the time goes, too")
    options = parser.parse_args()
    cases, runtime, worker = asyncio.run(_cases(options.conversations))
    for _, trajectory, _, rubric in cases:
        assert trajectory.id
        assert rubric.id
    cold: list[float] = []
    warm: list[float] = []
    references: list[float] = []
    for _ in range(options.repeat):
        references.append(_reference())
        forget_texts()
        cold.append(len(cases) / _pass(cases, runtime, worker))
        warm.append(len(cases) / _pass(cases, runtime, worker))
    if options.profile:
        forget_texts()
        profile = cProfile.Profile()
        profile.runcall(_pass, cases, runtime, worker)
        pstats.Stats(profile).sort_stats("cumtime").print_stats(45)
    messages = sum(len(trajectory.messages) for _, trajectory, _, _ in cases)
    print(
        json.dumps(
            {
                "benchmark": "verdicts",
                "verdicts_per_cpu_second_best": round(max(cold)),
                "verdicts_per_cpu_second_all": [round(rate) for rate in cold],
                "with_texts_remembered_best": round(max(warm)),
                "bar": _BAR,
                "reference_per_second_best": round(max(references), 1),
                "ratio_to_reference": round(max(cold) / max(references), 3),
                "conversations": len(cases),
                "messages_per_conversation": round(messages / len(cases), 1),
                "criteria": max(len(rubric.criteria) for _, _, _, rubric in cases),
            }
        )
    )


if __name__ == "__main__":
    main()
