"""Evolved domains drawn at random: which kinds of task they yield, how many planted defects die.

    python -m benchmarks.evolved FOLDER [--kinds 200] [--defects 500] [--seed 1]

FOLDER is what `agentsynth evolve` wrote. For so many domains a certified task of every kind that
they offer is looked for; a task is blocked where its own reference no longer leads to its target
when it is carried out again in a fresh world. In so many tools one defect each is planted, and the
domain's contract is asked whether it notices. Prints one JSON object last.
"""

import argparse
import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentsynth.checks.target import compare_changes
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.ids import derive_seed
from agentsynth.plan.contracts import check_contracts
from agentsynth.plan.defects import plant_defects
from agentsynth.plan.takes import run_take
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

_LEAST_KINDS = 5


async def kinds_of(runtime: DomainRuntime, seed: int) -> tuple[dict[str, bool], int]:
    """Return which kinds a domain yields a certified task of, and how many tasks are blocked."""
    found: dict[str, bool] = {}
    blocked = 0
    voice = load_voice(runtime.lexicon.language)
    for kind in kinds_allowed(runtime):
        drawn = derive_seed("kinds", seed, runtime.domain.name, kind)
        made = await make_task(kind, runtime, voice, world_seed=drawn % 8, rng=random.Random(drawn))
        found[kind] = isinstance(made, Composed)
        if isinstance(made, Composed):
            take = await run_take(made.task, made.task.reference_calls, runtime)
            reached = compare_changes(take.changes, made.task.target.changes)
            blocked += reached.outcome != "met"
    return found, blocked


def yields(folders: Sequence[Path], seed: int) -> dict[str, Any]:
    """Return how many domains yield tasks of at least five kinds."""
    enough = blocked = 0
    missing: Counter[str] = Counter()
    tasks = 0
    poor: list[str] = []
    for folder in folders:
        runtime = declarative_runtime(load_folder(folder))
        found, own = asyncio.run(kinds_of(runtime, seed))
        tasks += sum(found.values())
        blocked += own
        missing.update(kind for kind, there in found.items() if not there)
        if sum(found.values()) >= _LEAST_KINDS:
            enough += 1
        else:
            poor.append(folder.name)
    return {
        "domains": len(folders), "with_five_kinds": enough, "tasks": tasks, "blocked": blocked,
        "kinds_without_a_task": dict(missing.most_common()), "poor": poor,
    }  # fmt: skip


def kills(folders: Sequence[Path], tools: int, seed: int) -> dict[str, Any]:
    """Plant one defect in each of so many tools; count those that the contract notices."""
    rng = random.Random(derive_seed("evolved defects", seed))
    planted: Counter[str] = Counter()
    killed: Counter[str] = Counter()
    survivors: list[str] = []
    for folder in folders:
        if planted.total() >= tools:
            break
        loaded = load_folder(folder)
        contracts = load_contracts(folder, loaded.domain)
        assert contracts is not None  # every evolved domain has them
        sown = plant_defects(loaded.domain, seed=seed, per_tool=6)
        by_tool: dict[str, list[Any]] = {}
        for defect in sown:
            by_tool.setdefault(defect.tool, []).append(defect)
        for tool, defects in by_tool.items():
            if planted.total() >= tools:
                break
            defect = rng.choice(defects)
            planted[defect.kind] += 1
            report = check_contracts(
                CompiledDomain(defect.domain), contracts, seed=seed, only=[tool], first_failure=True
            )
            if any(one.failures or one.mistakes for one in report.tools):
                killed[defect.kind] += 1
            else:
                survivors.append(f"{folder.name} {tool} ({defect.kind}): {defect.description}")
    return {
        "tools": planted.total(), "killed": killed.total(),
        "rate": round(killed.total() / max(1, planted.total()), 4),
        "by_kind": {kind: [killed[kind], n] for kind, n in sorted(planted.items())},
        "survivors": survivors,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", type=int, default=200)
    parser.add_argument("--defects", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    every = sorted(path.parent for path in options.folder.glob("*/domain.yaml"))
    rng = random.Random(options.seed)
    started = time.monotonic()
    drawn = rng.sample(every, min(options.kinds, len(every)))
    found = yields(drawn, options.seed)
    rng.shuffle(every)
    dead = kills(every, options.defects, options.seed)
    for survivor in dead["survivors"]:
        print(survivor)
    seconds = round(time.monotonic() - started)
    plain = {name: value for name, value in dead.items() if name != "survivors"}
    print(
        json.dumps({"benchmark": "evolved", "yields": found, "defects": plain, "seconds": seconds})
    )


if __name__ == "__main__":
    main()
