"""Find a row of a finished run and everything that belongs to it; run its calls again."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentsynth.checks.evidence import Replay
from agentsynth.checks.replay import replay
from agentsynth.core.agent import Agent
from agentsynth.core.errors import UserError
from agentsynth.core.rubric import Rubric
from agentsynth.core.scenario import Scenario
from agentsynth.core.task import Certificate, Task
from agentsynth.core.trajectory import FactLedger, Trajectory
from agentsynth.core.verdict import Attribution, Decision, Verdict
from agentsynth.judge.panel import Opinion
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.finish import kept_items
from agentsynth.pipeline.settling import settled
from agentsynth.pipeline.simulation import simulated_in
from agentsynth.pipeline.store import Item, Store
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Row", "find_row", "open_run", "read_row", "replay_row", "run_config"]


@dataclass(frozen=True)
class Row:
    """A rollout with everything the store holds about it."""

    item: Item
    task: Task
    certificate: Certificate
    agent: Agent
    rubric: Rubric
    scenario: Scenario
    trajectory: Trajectory
    ledger: FactLedger
    verdict: Verdict
    attribution: Attribution
    decision: Decision
    opinions: tuple[Opinion, ...] = ()
    """What judges said; empty = nobody was asked."""


def open_run(folder: Path) -> Store:
    """Open the store of a run.

    Raises:
        UserError: if the folder holds none.
    """
    path = folder / "store.db"
    if not path.is_file():
        raise UserError(f"{folder}: no run here (no store.db); name its folder with --run DIR")
    return Store(path)


def run_config(folder: Path) -> RunConfig:
    """Return the config of the last finished export of a run.

    Raises:
        UserError: if nothing was exported yet.
    """
    path = folder / "export" / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: nothing is exported yet; finish the run first") from None
    except ValueError as error:
        raise UserError(f"{path}: not JSON ({error}); run the config again to rewrite it") from None
    return RunConfig.model_validate(manifest["config"])


def find_row(store: Store, folder: Path, name: str) -> Item:
    """Return the item a person means: a number in the export (from 1), or an id's beginning.

    Raises:
        UserError: if nothing, or more than one thing, is meant.
    """
    if name.isdigit() and len(name) < 8:
        wanted = int(name)
        kept = kept_items(store, run_config(folder))
        item = next(itertools.islice(kept, wanted - 1, wanted), None) if wanted > 0 else None
        if item is None:
            raise UserError(f"{folder}: the export has no row number {wanted}")
        return item
    found = store.find_items(name.partition("-")[0])
    ids = {item.trajectory_id for item in found}
    if not found:
        raise UserError(f"{folder}: no row's id begins with {name!r}")
    if len(ids) > 1:
        raise UserError(f"{folder}: several rows' ids begin with {name!r}; give more of it")
    return found[0]


def read_row(store: Store, item: Item) -> Row:
    """Return everything the store holds about an item."""
    bundle = store.payload(item.scenario_id)
    about = store.payload(item.task_id)
    verdict, decision = settled(store, item, bundle)
    scenario = Scenario.model_validate(bundle["scenario"])
    return Row(
        item=item,
        task=Task.model_validate(about["task"]),
        certificate=Certificate.model_validate(about["certificate"]),
        agent=Agent.model_validate(store.payload(scenario.agent_id)),
        rubric=Rubric.model_validate(store.payload(verdict.rubric_id)),
        scenario=scenario,
        trajectory=Trajectory.model_validate(bundle["trajectory"]),
        ledger=FactLedger.model_validate(bundle["ledger"]),
        verdict=verdict,
        attribution=Attribution.model_validate(bundle["attribution"]),
        decision=decision,
        opinions=tuple(Opinion.model_validate(one) for one in bundle.get("opinions", ())),
    )


async def replay_row(row: Row, runtimes: Mapping[str, DomainRuntime]) -> Replay:
    """Run a row's calls again in a fresh world.

    Raises:
        UserError: if the domain has changed since, so that the worlds no longer are the same.
    """
    runtime = runtimes[row.item.domain]
    if runtime.domain.id != row.task.domain_id:
        raise UserError(
            f"the domain {row.task.domain!r} has changed since this row was made "
            f"({runtime.domain.id} instead of {row.task.domain_id}); its worlds are not the same"
        )
    runtime = runtime.with_simulated(simulated_in(row.agent))
    return await replay(row.task, row.trajectory, runtime, row.agent.tool_names)


def summary_of(row: Row) -> dict[str, Any]:
    """Return the few facts that identify a row."""
    return {
        "trajectory_id": row.trajectory.id,
        "domain": row.task.domain,
        "kind": row.task.kind,
        "intents": list(row.task.intents),
        "kept": row.decision.kept,
        "reason": row.decision.reason,
    }
