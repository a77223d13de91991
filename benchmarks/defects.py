"""Planted defects: how many does a domain's own evidence notice?

    python -m benchmarks.defects [DOMAIN ...] [--per-tool 10] [--per-kind 12] [--seed 1]

Every tool gets up to ten small defects, each in a domain of its own. A killer looks at such a
domain and says why it is rejected. Survivors are listed with a sentence each, for a person to
judge: some make no difference that anyone could see. The sound domain has to pass every killer.
"""

import argparse
import asyncio
import json
import random
import shutil
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from agentsynth.checks.target import compare_changes
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.contract import Contracts
from agentsynth.core.errors import DomainError, UserError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import ToolCall
from agentsynth.core.task import Change, Task
from agentsynth.pipeline.domains import load_checked
from agentsynth.plan.contracts import check_contracts
from agentsynth.plan.defects import plant_defects
from agentsynth.plan.defects_python import planted_in_source
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.load import DomainFolder, find_domain, load_folder
from agentsynth.worlds.runtime import declarative_runtime

_BAR = 0.9
_OPEN_KINDS = ("guard_order",)
"""Kinds that a contract may leave open: of several codes that hold, any one is right."""


@dataclass(frozen=True)
class Subject:
    """What a killer looks at."""

    compiled: CompiledDomain
    contracts: Contracts | None
    tool: str | None
    """The tool with the defect, so that the others need no second look; None = look at all."""
    tasks: Sequence[tuple[Task, list[int]]] = ()
    """Tasks certified in the sound domain, and which of their reference calls it refuses."""


Killer = Callable[[Subject], str | None]
"""Returns why the domain is rejected; None = nothing noticed."""


def _contract_tests(subject: Subject) -> str | None:
    if subject.contracts is None:
        return None
    try:
        only = [subject.tool] if subject.tool is not None else None
        report = check_contracts(
            subject.compiled,
            subject.contracts,
            only=only,
            first_failure=subject.tool is not None,
        )
    except (DomainError, UserError) as error:
        return str(error)
    return report.problems[0] if report.problems else None


def _certificates(subject: Subject) -> str | None:
    """Carry the tasks of the sound domain out again: does each still go the same way?"""
    for task, refused in subject.tasks:
        if subject.tool not in (None, *(call.name for call in task.reference_calls)):
            continue
        try:
            changes, now_refused = carried_out(task, subject.compiled)
        except DomainError as error:
            return f"{task.id}: {error}"
        if now_refused != refused:
            return f"{task.id}: the calls {now_refused} are refused, not {refused}"
        found = compare_changes(changes, task.target.changes)
        if found.outcome != "met":
            return f"{task.id}: {found.evidence}"
    return None


def carried_out(task: Task, compiled: CompiledDomain) -> tuple[tuple[Change, ...], list[int]]:
    """Return what a task's reference calls change, and the places of those that are refused."""
    world = DeclarativeWorld(compiled, compiled.base(task.world_seed))
    refused: list[int] = []
    for number, call in enumerate(task.reference_calls):
        made = ToolCall(id=str(number), name=call.name, arguments=call.arguments)
        if world.call_now(made, call.actor).is_error:
            refused.append(number)
    return world.net_changes(), refused


KILLERS: dict[str, Killer] = {"contract_tests": _contract_tests, "certificates": _certificates}


async def certified(name: str, *, per_kind: int, seed: int) -> list[tuple[Task, list[int]]]:
    """Return certified tasks of every kind of a domain, with the calls that it refuses."""
    runtime = declarative_runtime(load_checked(name))
    assert runtime.compiled is not None  # only domains that hold their own state are taken
    tasks: list[tuple[Task, list[int]]] = []
    for kind in kinds_allowed(runtime):
        for number in range(per_kind):
            rng = random.Random(derive_seed(seed, kind, number))
            made = await make_task(kind, runtime, load_voice(), world_seed=number, rng=rng)
            if isinstance(made, Composed):
                tasks.append((made.task, carried_out(made.task, runtime.compiled)[1]))
    return tasks


@dataclass
class Tally:
    """What was found in one domain."""

    domain: str
    planted: Counter[str] = field(default_factory=lambda: Counter())
    killed: Counter[str] = field(default_factory=lambda: Counter())
    by_killer: Counter[str] = field(default_factory=lambda: Counter())
    survivors: list[tuple[str, str]] = field(default_factory=lambda: [])
    rejected: list[str] = field(default_factory=lambda: [])
    """Why the sound domain was rejected; must be empty."""
    unusable: int = 0
    """Changes of Python source that do not even load; they are not counted as planted."""
    seconds: float = 0.0

    def rate(self, *, without: tuple[str, ...] = ()) -> float:
        """Return the share of defects that were noticed."""
        planted = sum(n for kind, n in self.planted.items() if kind not in without)
        killed = sum(n for kind, n in self.killed.items() if kind not in without)
        return killed / planted if planted else 1.0


def measure(name: str, *, per_tool: int, per_kind: int, seed: int) -> Tally:
    """Plant defects in one domain and count who is noticed."""
    folder = find_domain(name)
    loaded = load_folder(folder)
    contracts = load_contracts(folder, loaded.domain)
    tally, started = Tally(name), time.monotonic()
    tasks = asyncio.run(certified(name, per_kind=per_kind, seed=seed))
    sound = Subject(_compiled(loaded), contracts, None, tasks)
    tally.rejected = [f"{n}: {why}" for n, killer in KILLERS.items() if (why := killer(sound))]
    plant = _in_steps if loaded.python is None else _in_source
    for tool, kind, description, compiled in plant(folder, loaded, seed, per_tool):
        if compiled is None:
            tally.unusable += 1
            continue
        tally.planted[kind] += 1
        subject = Subject(compiled, contracts, tool, tasks)
        by = next((n for n, killer in KILLERS.items() if killer(subject) is not None), None)
        if by is None:
            tally.survivors.append((kind, description))
        else:
            tally.killed[kind] += 1
            tally.by_killer[by] += 1
    tally.seconds = time.monotonic() - started
    return tally


_Sown = tuple[str, str, str, CompiledDomain | None]
"""Tool, kind of defect, description, the domain with it; None = it does not load."""


def _compiled(loaded: DomainFolder) -> CompiledDomain:
    python = loaded.python
    if python is None:
        return CompiledDomain(loaded.domain)
    return CompiledDomain(loaded.domain, tools=python.tools, base=python.base)


def _in_steps(folder: Path, loaded: DomainFolder, seed: int, per_tool: int) -> Iterator[_Sown]:
    for defect in plant_defects(loaded.domain, seed=seed, per_tool=per_tool):
        yield defect.tool, defect.kind, defect.description, CompiledDomain(defect.domain)


def _in_source(folder: Path, loaded: DomainFolder, seed: int, per_tool: int) -> Iterator[_Sown]:
    """Plant in the functions of a Python domain, each change in a copy of the folder."""
    file = str(loaded.domain.python)
    source = (folder / file).read_text(encoding="utf-8")
    assert loaded.python is not None  # the caller looked
    for tool in loaded.domain.tools:
        function = loaded.python.functions[tool]
        rng = random.Random(derive_seed("defects", seed, tool))
        for kind, description, text in planted_in_source(source, function, rng, per_tool):
            with TemporaryDirectory() as copy:
                shutil.copytree(folder, copy, dirs_exist_ok=True)
                (Path(copy) / file).write_text(text, encoding="utf-8")
                try:
                    yield tool, kind, description, _compiled(load_folder(Path(copy)))
                except (UserError, DomainError):
                    yield tool, kind, description, None


def _print(tally: Tally) -> None:
    print(f"{tally.domain}: {sum(tally.killed.values())} of {sum(tally.planted.values())} noticed")
    for kind, planted in sorted(tally.planted.items()):
        print(f"  {kind:<16} {tally.killed[kind]:>4} of {planted}")
    for why in tally.rejected:
        print(f"  the sound domain is rejected: {why}")
    for kind, description in tally.survivors:
        print(f"  survivor ({kind}): {description}")


def main() -> None:
    """Print the figures; exit code 1 below the bar or if a sound domain is rejected."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("domains", nargs="*", default=["community_garden"])
    parser.add_argument("--per-tool", type=int, default=10)
    parser.add_argument("--per-kind", type=int, default=12, help="certified tasks of each kind")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    tallies = [
        measure(n, per_tool=options.per_tool, per_kind=options.per_kind, seed=options.seed)
        for n in options.domains
    ]
    for tally in tallies:
        _print(tally)
    print(
        json.dumps(
            {
                "benchmark": "defects",
                "seed": options.seed,
                "domains": {
                    tally.domain: {
                        "planted": sum(tally.planted.values()),
                        "killed": sum(tally.killed.values()),
                        "rate": round(tally.rate(), 4),
                        "rate_without_guard_order": round(tally.rate(without=_OPEN_KINDS), 4),
                        "by_killer": dict(tally.by_killer),
                        "by_kind": {
                            k: [tally.killed[k], n] for k, n in sorted(tally.planted.items())
                        },
                        "survivors": [description for _, description in tally.survivors],
                        "sound_rejected": tally.rejected,
                        "seconds": round(tally.seconds, 1),
                    }
                    for tally in tallies
                },
            }
        )
    )
    good = all(tally.rate() >= _BAR and not tally.rejected for tally in tallies)
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
