"""How well checks tell wrong conversations from right ones: mutants, judged as a run judges.

    python -m benchmarks.mutants --count 20000 [--seed 1] [--domains NAME,...]

Tasks of every kind that the domains allow are made and played; each kept conversation is changed
in one way at a time and carried out again (`tests/independent/mutants.py`), then replayed, judged
and decided on. Every mutant that passes is adjudicated by `tests/independent/comparator.py`, which
shares nothing with the checks: *equivalent* = nothing is wrong with it after all, otherwise it is a
false pass. Beside them, as a quarter of the whole, are conversations with a change that does not
count (`tests/independent/harmless.py`): one of those that is dropped is a false alarm.

A defect is the positive class. Exit code 1 above 0.5 % false passes, or where recall or precision
is under 99 %.
"""

import argparse
import asyncio
import json
import math
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.checks.target import target_state
from agentsynth.compose.carried import carried_for
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import NoTask
from agentsynth.core.ids import derive_seed
from agentsynth.core.task import TaskKind
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.verdict import Decision
from agentsynth.curate.decide import decide
from agentsynth.judge.verdict import judge
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.domains import load_checked
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Prepared, Worker
from agentsynth.plan.words import words_for
from agentsynth.simulate.rollout import Limits
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.load import domain_names
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime
from tests.independent.comparator import Findings, Tables, compare
from tests.independent.harmless import SAME, vary
from tests.independent.mutants import BREAKS, MISSTATING, Case, mutate

BAR = 0.005
LEAST = 0.99
"""Recall and precision."""
_EVERY_KIND = Path(__file__).resolve().parent.parent / "tests" / "data" / "kinds"
_VARIANTS = 3
"""Mutants of one sort that one conversation gives at most."""
_SAME_SHARE = 0.35
"""Harmless changes for each defect: from a third on they are a quarter of the whole."""
_LONG_SHARE = 0.15
"""Share of the long tasks' turns that are used: their mutants take long."""


@dataclass
class Sort:
    """How the mutants of one sort fared."""

    made: int = 0
    passed: int = 0
    equivalent: int = 0

    @property
    def false(self) -> int:
        """Passed although something is wrong."""
        return self.passed - self.equivalent

    @property
    def recall(self) -> float:
        """Share that was dropped, of those in which something is wrong."""
        return (self.made - self.passed) / max(1, self.made - self.equivalent)


@dataclass
class Same:
    """How the changes of one harmless sort fared."""

    made: int = 0
    dropped: int = 0


@dataclass
class Score:
    """What came of all of them."""

    same: dict[str, Same] = field(default_factory=lambda: {name: Same() for name in SAME})
    alarms: list[dict[str, Any]] = field(default_factory=lambda: [])
    """Harmless changes that were dropped."""
    sorts: dict[str, Sort] = field(default_factory=lambda: {name: Sort() for name in BREAKS})
    passing: list[dict[str, Any]] = field(default_factory=lambda: [])
    conversations: int = 0
    dropped: Counter[str] = field(default_factory=lambda: Counter())
    """Honest conversations that were not kept, by reason: nothing is made of them."""
    broken: int = 0
    """Mutants on which the domain itself broke: not counted."""

    compared: int = 0
    """Conversations whose end state both the check and the comparator looked at."""
    disagreed: Counter[str] = field(default_factory=lambda: Counter())
    """Sort, domain, kind and what the check says to conversations where the two differ."""

    def compare(self, sort: str, case: Case, check: bool, comparator: bool) -> None:
        """Count whether check and comparator say the same of an end state."""
        self.compared += 1
        if check != comparator:
            said = "right" if check else "wrong"
            self.disagreed[f"{sort}: {case.task.domain}: {case.task.kind}: {said}"] += 1

    @property
    def made(self) -> int:
        """Mutants judged."""
        return sum(sort.made for sort in self.sorts.values())

    @property
    def rate(self) -> float:
        """Share of the mutants that passed and should not have."""
        return sum(sort.false for sort in self.sorts.values()) / max(1, self.made)

    @property
    def harmless(self) -> int:
        """Conversations with a harmless change."""
        return sum(same.made for same in self.same.values())

    @property
    def recall(self) -> float:
        """Share of the defects that were dropped; equivalent mutants are none."""
        found = sum(sort.made - sort.passed for sort in self.sorts.values())
        missed = sum(sort.false for sort in self.sorts.values())
        return found / max(1, found + missed)

    @property
    def precision(self) -> float:
        """Share of what was dropped that is a defect."""
        found = sum(sort.made - sort.passed for sort in self.sorts.values())
        return found / max(1, found + sum(same.dropped for same in self.same.values()))


def tables_of(runtime: DomainRuntime, world_seed: int) -> Tables:
    """Return all records that a world starts with."""
    assert runtime.compiled is not None  # only domains that hold their own state are taken
    base = runtime.compiled.base(world_seed)
    return {name: dict(rows) for name, rows in base.tables.items()}


async def case_of(prepared: Prepared, trajectory: Trajectory, runtime: DomainRuntime) -> Case:
    """Return a kept conversation with what its mutants need to know."""
    composed = prepared.composed
    task = composed.task
    names = [*runtime.lexicon.clauses, *runtime.lexicon.obstacles]
    forbidden: list[tuple[str, dict[str, Any]]] = []
    claim = "I've done that for you."
    for segment in composed.segments:
        if not segment.blocked:
            continue
        rng = random.Random(0)
        carried = await carried_for(segment, task, runtime, task.world_seed, rng)
        if carried.forced is not None:
            forbidden = [(call.name, call.arguments) for call in carried.forced.calls]
        claim = words_for(task, runtime, segment.name, done=True)
    return Case(
        task=task,
        trajectory=trajectory,
        tools=prepared.agent.tools,
        tables=tables_of(runtime, task.world_seed),
        refusals={name: words_for(task, runtime, name, done=False) for name in names},
        forbidden=forbidden,
        claim=claim,
    )


async def passes(
    prepared: Prepared, trajectory: Trajectory, runtime: DomainRuntime
) -> tuple[Decision, bool]:
    """Judge a conversation: whether it is kept and why not, and whether its end state is right."""
    task = prepared.composed.task
    again = await replay(task, trajectory, runtime, prepared.agent.tool_names)
    voice = load_voice(task.language)
    evidence = Evidence(task, trajectory, runtime, voice, again)
    verdict = judge(evidence, prepared.rubric)
    return decide(trajectory, verdict), target_state(evidence).outcome == "met"


async def measure(count: int, seed: int, folders: list[str]) -> Score:
    """Make and judge so many mutants."""
    score = Score()
    async for prepared, trajectory, runtime in _conversations(seed, folders, score):
        case = await case_of(prepared, trajectory, runtime)
        score.conversations += 1
        consequential = frozenset(t.name for t in prepared.agent.tools if t.consequential)
        honest = compare(case.task, trajectory, case.tables, consequential, trajectory)
        _, state = await passes(prepared, trajectory, runtime)
        score.compare("honest", case, state, honest.state)
        seen = {trajectory.id}
        before = score.made
        await _break(score, prepared, case, runtime, consequential, seen, count)
        await _vary(score, prepared, case, runtime, seen, score.made - before)
        if score.made >= count:
            return score
    return score


async def _break(
    score: Score,
    prepared: Prepared,
    case: Case,
    runtime: DomainRuntime,
    consequential: frozenset[str],
    seen: set[str],
    count: int,
) -> None:
    """Make and judge the wrong conversations of one right one, up to so many in all."""
    spoken, trajectory = case.task, case.trajectory
    for sort in BREAKS:
        for variant in range(_VARIANTS):
            rng = random.Random(derive_seed(spoken.id, sort, variant))
            mutant = await mutate(sort, case, rng, runtime.open)
            if mutant is None:
                break
            if mutant.id in seen:
                continue
            seen.add(mutant.id)
            score.sorts[sort].made += 1
            decision, state = await passes(prepared, mutant, runtime)
            found = compare(case.task, mutant, case.tables, consequential, trajectory)
            if BREAKS[sort] != "record":  # a forged record is for the replay
                score.compare(sort, case, state, found.state)
            if decision.kept:
                _adjudicate(score, sort, case, mutant, found)
            if score.made >= count:
                return


async def _vary(
    score: Score,
    prepared: Prepared,
    case: Case,
    runtime: DomainRuntime,
    seen: set[str],
    broken: int,
) -> None:
    """Make and judge harmless changes of a conversation, in proportion to its wrong ones."""
    wanted = math.ceil(broken * _SAME_SHARE)
    for variant in range(wanted):
        for sort in SAME:
            rng = random.Random(derive_seed(case.task.id, sort, variant))
            same = await vary(sort, case, rng, runtime.open) if wanted > 0 else None
            if same is None or same.id in seen:
                continue
            seen.add(same.id)
            wanted -= 1
            score.same[sort].made += 1
            decision, _ = await passes(prepared, same, runtime)
            if not decision.kept:
                score.same[sort].dropped += 1
                about = {"domain": case.task.domain, "kind": case.task.kind, "task": case.task.id}
                why = {"reason": decision.reason, "detail": decision.detail[:300]}
                score.alarms.append({"harmless": sort, **about, **why})


def _adjudicate(score: Score, sort: str, case: Case, mutant: Trajectory, found: Findings) -> None:
    equivalent = found.right and BREAKS[sort] != "record" and not _misstates(sort, case, mutant)
    score.sorts[sort].passed += 1
    score.sorts[sort].equivalent += equivalent
    score.passing.append(
        {
            "sort": sort,
            "domain": case.task.domain,
            "kind": case.task.kind,
            "intents": list(case.task.intents),
            "equivalent": equivalent,
            "found": vars(found),
            "task": case.task.id,
            "messages": [
                [m.role, m.content, [c.model_dump() for c in getattr(m, "tool_calls", ())]]
                for m in mutant.messages[1:]
            ],
        }
    )


def _misstates(sort: str, case: Case, mutant: Trajectory) -> bool:
    """Whether the mutant states a figure in place of another: never equivalent."""
    return sort in (*MISSTATING, "other_answer")


async def _conversations(
    seed: int, folders: list[str], score: Score
) -> AsyncGenerator[tuple[Prepared, Trajectory, DomainRuntime]]:
    """Yield kept conversations without end, of every domain and kind in turn."""
    runtimes = {name: declarative_runtime(load_checked(name)) for name in folders}
    config = RunConfig(
        version=1, seed=seed, target=TargetConfig(tasks=1), domains=dict.fromkeys(folders, 1.0)
    )
    worker = Worker(config, runtimes, Limits())
    turns: list[tuple[str, TaskKind]] = [
        (name, kind) for name, runtime in runtimes.items() for kind in kinds_allowed(runtime)
    ]
    number = 0
    while True:
        for name, kind in turns:
            number += 1
            if kind == "long" and random.Random(number).random() > _LONG_SHARE:
                continue
            place = Place(number, name, kind, seed=derive_seed(seed, number), probe=False)
            prepared = await worker.prepare(place)
            if isinstance(prepared, NoTask):
                score.dropped[f"{name}: {kind}: no task"] += 1
                continue
            graded = await worker.play(prepared, *prepared.scenarios[0])
            if not graded.decision.kept:
                score.dropped[f"{name}: {kind}: {graded.decision.reason}"] += 1
                continue
            runtime = runtimes[name].speaking(prepared.composed.task.language)
            yield prepared, graded.trajectory, runtime


def bundled() -> list[str]:
    """Return the bundled domains that hold their own state, and the one with every kind."""
    own = [name for name in domain_names() if load_checked(name).domain.live is None]
    return [*own, str(_EVERY_KIND)]


def main() -> None:
    """Print the passing mutants and the figures; exit code 1 above the bar."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--domains", help="names or folders, separated by commas")
    parser.add_argument("--show", action="store_true", help="print the passing mutants in full")
    options = parser.parse_args()
    folders = options.domains.split(",") if options.domains else bundled()
    started = time.monotonic()
    score = asyncio.run(measure(options.count, options.seed, folders))
    for one in score.passing:
        if options.show or not one["equivalent"]:
            shown = one if options.show else {k: v for k, v in one.items() if k != "messages"}
            print(json.dumps(shown))
    for one in score.alarms:
        print(json.dumps(one))
    for name, sort in score.sorts.items():
        print(f"{name:20} {sort.made:6} made {sort.passed:5} passed {sort.false:5} falsely")
    for name, same in score.same.items():
        print(f"{name:20} {same.made:6} made {same.dropped:5} dropped falsely")
    result = {
        "benchmark": "mutants",
        "mutants": score.made,
        "conversations": score.conversations,
        "honest_dropped": dict(score.dropped),
        "passed": sum(sort.passed for sort in score.sorts.values()),
        "equivalent": sum(sort.equivalent for sort in score.sorts.values()),
        "false_passes": sum(sort.false for sort in score.sorts.values()),
        "false_pass_rate": round(score.rate, 5),
        "bar": BAR,
        "harmless": score.harmless,
        "false_alarms": len(score.alarms),
        "recall": round(score.recall, 5),
        "precision": round(score.precision, 5),
        "least": LEAST,
        "states_compared": score.compared,
        "states_agree": round(1 - score.disagreed.total() / max(1, score.compared), 5),
        "states_differ": dict(score.disagreed.most_common(20)),
        "by_sort": {n: [s.made, s.passed, s.equivalent] for n, s in score.sorts.items() if s.made},
        "recall_by_sort": {n: round(s.recall, 4) for n, s in score.sorts.items() if s.made},
        "harmless_by_sort": {n: [s.made, s.dropped] for n, s in score.same.items() if s.made},
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(result))
    good = score.rate <= BAR and min(score.recall, score.precision) >= LEAST
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
