"""Write what a run made: rows, manifest and card (same run, same bytes), and a report."""

import hashlib
import json
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentsynth import __version__
from agentsynth.core.agent import Agent
from agentsynth.core.errors import RunError
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Task
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.verdict import Verdict
from agentsynth.export.canonical import canonical_row
from agentsynth.export.card import render_card
from agentsynth.models.prices import NANO
from agentsynth.pipeline.composing import stored_composition
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.fold import Fold
from agentsynth.pipeline.for_people import FOR_PEOPLE, lines_for_people, with_answers
from agentsynth.pipeline.instrument import instrument as instrument_of
from agentsynth.pipeline.real_tools import RealTools, called_specs, real_metadata
from agentsynth.pipeline.settling import (
    Settling,
    remember_refits,
    settled_verdict,
    settling_of,
)
from agentsynth.pipeline.simulation import SimulatedCalls, simulated_calls
from agentsynth.pipeline.store import Item, Store
from agentsynth.worlds.mix import packages_of
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["export_rows", "kept_items", "probe_table", "write_report"]


@dataclass
class _Counts:
    rows: int = 0
    kept_by: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    drivers: set[str] = field(default_factory=lambda: set[str]())
    levels: Counter[str] = field(default_factory=Counter[str])
    licences: set[str] = field(default_factory=lambda: set[str]())
    real: RealTools = field(default_factory=RealTools)
    simulated: SimulatedCalls = field(default_factory=SimulatedCalls)
    rubrics: set[str] = field(default_factory=lambda: set[str]())
    unanswered: int = 0
    to_people: int = 0
    """Rows with a question that a person has to answer."""
    replayable: int = 0
    replay_criteria: dict[str, frozenset[str]] = field(default_factory=lambda: {})
    """Rubric id to its criteria that hold a replay."""
    probes: dict[str, Counter[str]] = field(default_factory=lambda: {})
    writing: Counter[str] = field(default_factory=Counter[str])
    """What came of asking for words: asked, written, answers."""
    unworded: Counter[str] = field(default_factory=Counter[str])
    """Why words were not taken."""
    digest: Any = field(default_factory=hashlib.sha256)


def _counted(store: Store, fold: Fold) -> Iterator[tuple[Item, str]]:
    """Yield the items that count, in the order of the run, with their final reason."""
    current: list[Item] = []
    for item in store.items():
        if current and item.ordinal != current[0].ordinal:
            for counted, reason in fold.add(current[0].ordinal, current):
                yield counted, reason
            current = []
            if fold.progress.reached:
                return
        current.append(item)
    if current:
        for counted, reason in fold.add(current[0].ordinal, current):
            yield counted, reason


def kept_items(store: Store, config: RunConfig) -> Iterator[Item]:
    """Yield the items whose rows are exported, in their order."""
    left = config.target.kept
    fold = Fold(config, settling_of(store, config), stored_composition(store).tally)
    for item, reason in _counted(store, fold):
        if reason != "kept":
            continue
        if left is not None:
            if left == 0:
                return
            left -= 1
        yield item


def export_rows(
    store: Store, config: RunConfig, runtimes: Mapping[str, DomainRuntime], folder: Path
) -> dict[str, Any]:
    """Write `rows.jsonl`, `manifest.json` and `README.md`; return the manifest.

    Everything is written beside and then moved into place, so a failure leaves the old export.

    Raises:
        RunError: if the folder cannot be written.
    """
    counts = _Counts()
    agents: dict[str, Agent] = {}
    composition = stored_composition(store)
    fold = Fold(config, settling_of(store, config), composition.tally)
    part = folder / "rows.jsonl.part"
    open_: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as out:
            for item, reason in _counted(store, fold):
                if item.is_probe:
                    counts.probes.setdefault(item.flaw, Counter())[item.reason] += 1
                elif config.models.task_writer != "scripted" and item.scenario_id:
                    _count_writing(store.payload(item.scenario_id).get("writing"), counts)
                if reason == "kept" and counts.rows < (config.target.kept or 2**62):
                    line = _row_line(store, item, agents, counts, fold.settling)
                    open_ += lines_for_people(item, fold.settling)
                    counts.digest.update(line)
                    out.write(line)
        remember_refits(store, fold.settling)
        manifest = _manifest(config, runtimes, counts, fold)
        manifest |= {"composed_agents": made} if (made := composition.summary) else {}
        _replace(
            folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n"
        )
        _replace(folder / "README.md", render_card(manifest))
        part.replace(folder / "rows.jsonl")
        if open_:
            path = folder.parent / FOR_PEOPLE
            _replace(path, "".join(with_answers(path, open_)))
    except OSError as error:
        raise RunError(
            f"{folder}: the export cannot be written: {error.strerror}; the rollouts are safe in "
            f"{store.path.name}, run the same command again when it can"
        ) from error
    return manifest


def _row_line(
    store: Store, item: Item, agents: dict[str, Agent], counts: _Counts, settling: Settling
) -> bytes:
    bundle = store.payload(item.scenario_id)
    scenario = bundle["scenario"]
    if scenario["agent_id"] not in agents:
        agents.clear()  # neighbouring rows share few agents; keep memory flat
        agents[scenario["agent_id"]] = Agent.model_validate(store.payload(scenario["agent_id"]))
    agent = agents[scenario["agent_id"]]
    stored = store.payload(item.task_id)
    task = Task.model_validate(stored["task"])
    trajectory = Trajectory.model_validate(bundle["trajectory"])
    verdict = settled_verdict(bundle, settling.rubric, settling.calibration)
    for_people = settling.for_people(item)
    counts.to_people += bool(for_people)
    replayable = _replayed(store, verdict, counts)
    counts.replayable += replayable
    _count(item, agent, scenario, verdict, counts)
    real = called_specs(agent, trajectory.messages)
    counts.real.add(real)
    simulated = simulated_calls(agent, trajectory.messages)
    counts.simulated.add(agent, simulated)
    levels = sorted({spec.level for spec in agent.tools})
    metadata: dict[str, Any] = {
        "task_id": task.id,
        "trajectory_id": trajectory.id,
        "scenario_id": item.scenario_id,
        "domain": task.domain,
        "domain_id": task.domain_id,
        "kind": task.kind,
        "agent": agent.name,
        "intents": list(task.intents),
        "seed": bundle["seed"],
        "world_seed": task.world_seed,
        "rubric": verdict.rubric_id,
        "score": verdict.score,
        **({"to_people": for_people} if for_people else {}),
        "driver": scenario["assistant"]["driver"],
        **_models_of(scenario, agent, simulated=bool(simulated)),
        "difficulty": stored["difficulty"],
        "persona": scenario["persona"]["name"],
        "tool_levels": levels,
        "tool_origins": sorted({spec.provenance.origin for spec in agent.tools}),
        **real_metadata(real),
        **({"simulated_calls": [call.id for call in simulated]} if simulated else {}),
        "final_state": trajectory.final_state,
        "replayable": replayable,
        "generator": f"agentsynth-engine {__version__}",
    }
    row = canonical_row(trajectory.id, trajectory.messages, agent, metadata)
    return (json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n").encode("utf-8")


def _models_of(scenario: Mapping[str, Any], agent: Agent, *, simulated: bool) -> dict[str, Any]:
    """Return the names of the models that had a part in a row, by role; nothing for a script's.

    Args:
        simulated: whether a call reached a simulated tool.
    """
    roles = ("assistant", "user", "tools") if simulated else ("assistant", "user")
    played = {
        role: scenario[role]["model"]["model"]
        for role in roles
        if scenario[role]["driver"] == "model"
    }
    if agent.composer is not None:
        played["composer"] = agent.composer["model"]
    if scenario.get("wording") is not None:
        played["task_writer"] = scenario["wording"]["by"]["model"]
    return {"models": played} if played else {}


def _replayed(store: Store, verdict: Verdict, counts: _Counts) -> bool:
    """Return whether the row's calls were run again and agreed, as its verdict says."""
    known = counts.replay_criteria
    if verdict.rubric_id not in known:
        criteria = store.payload(verdict.rubric_id)["criteria"]
        known[verdict.rubric_id] = frozenset(
            criterion["name"] for criterion in criteria if criterion["check"] == "replay_agrees"
        )
    return any(
        outcome.outcome == "met" and outcome.criterion in known[verdict.rubric_id]
        for outcome in verdict.outcomes
    )


def _count(
    item: Item, agent: Agent, scenario: Mapping[str, Any], verdict: Verdict, counts: _Counts
) -> None:
    counts.rows += 1
    counts.kept_by[item.domain, item.kind] += 1
    counts.drivers.add(scenario["assistant"]["driver"])
    counts.rubrics.add(verdict.rubric_id)
    counts.unanswered += sum(outcome.outcome == "unanswered" for outcome in verdict.outcomes)
    counts.levels.update({spec.level for spec in agent.tools})
    counts.licences |= {spec.provenance.licence for spec in agent.tools}


def _count_writing(writing: Mapping[str, Any] | None, counts: _Counts) -> None:
    if writing is not None:
        counts.writing.update(asked=1, written=int(writing["stands"]), answers=writing["answers"])
        counts.unworded.update(writing["reasons"])


def _wordings(counts: _Counts) -> dict[str, Any]:
    """Return how many conversations have words of a model's; nothing where none was asked."""
    if not counts.writing:
        return {}
    asked, written = counts.writing["asked"], counts.writing["written"]
    told = {
        "conversations": asked,
        "written": written,
        "scripted": asked - written,
        "answers": counts.writing["answers"],
        "reasons": dict(sorted(counts.unworded.items())),
    }
    return {"written_tasks": told}


def _manifest(
    config: RunConfig, runtimes: Mapping[str, DomainRuntime], counts: _Counts, fold: Fold
) -> dict[str, Any]:
    progress = fold.progress
    return {
        "schema_version": 1,
        "generator": f"agentsynth-engine {__version__}",
        "config": _portable(config),
        "rows": counts.rows,
        "rows_sha256": counts.digest.hexdigest(),
        "dialect": "canonical",
        "domains": {name: runtime.domain.id for name, runtime in sorted(runtimes.items())},
        "rubrics": sorted(counts.rubrics),
        "drivers": sorted(counts.drivers),
        "smoke_data": counts.drivers == {"scripted"},
        "kept_by": [[d, k, n] for (d, k), n in sorted(counts.kept_by.items())],
        "funnel": {
            "places": progress.places,
            "unfilled": progress.unfilled,
            "rollouts": progress.rollouts - progress.probes,
            "kept": progress.kept,
            "reasons": dict(sorted(progress.reasons.items())),
            "certificates_failed": dict(sorted(progress.rejected.items())),
        },
        "difficulty": {str(level): n for level, n in sorted(progress.levels.items())},
        "probes": probe_table(counts.probes),
        "unanswered_questions": counts.unanswered,
        "replayable_rows": counts.replayable,
        "tool_levels": dict(sorted(counts.levels.items())),
        "tool_licences": sorted(counts.licences),
        **instrument_of(fold.settling, counts.to_people),
        **_wordings(counts),
        **({"real_tools": counts.real.summary()} if counts.real.rows else {}),
        **({"simulated": counts.simulated.summary()} if counts.simulated.rows else {}),
        **({"domain_packages": packages} if (packages := packages_of(runtimes)) else {}),
    }


def _portable(config: RunConfig) -> dict[str, Any]:
    """Return the config without this machine's paths: they belong into the report."""
    plain = config.published()
    if config.rubric is not None:
        plain["rubric"] = Path(config.rubric).name
    return plain


def probe_table(probes: Mapping[str, Counter[str]]) -> list[list[Any]]:
    """Return planted flaw, how often it was played, and the reasons it was dropped for."""
    table: list[list[Any]] = []
    for flaw, reasons in sorted(probes.items()):
        dropped = ", ".join(f"{reason} {n}" for reason, n in sorted(reasons.items()))
        table.append([flaw, sum(reasons.values()), dropped])
    return table


def write_report(
    path: Path,
    *,
    config: RunConfig,
    fold: Fold,
    seconds: float,
    concurrency: int,
    workers: int,
    resumed: int,
    gates: Mapping[str, Any] | None = None,
    instrument: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write what belongs to this machine and moment, not to the rows; return it."""
    progress = fold.progress
    played = max(progress.rollouts, 0)
    report: dict[str, Any] = {
        "schema_version": 1,
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "folder": str(path.parent.resolve()),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "concurrency": concurrency,
        "workers": workers,
        "seconds": round(seconds, 3),
        "resumed_places": resumed,
        "rollouts": played,
        "rollouts_per_second": round(played / seconds, 1) if seconds > 0 and not resumed else None,
        "messages": progress.messages,
        "kept": progress.kept,
        "unfilled": progress.unfilled,
        "unfilled_reasons": progress.unfilled_reasons,
        "certificates_failed": dict(sorted(progress.rejected.items())),
        "difficulty": {str(level): n for level, n in sorted(progress.levels.items())},
        "reasons": dict(sorted(progress.reasons.items())),
        "probes": progress.probes,
        "probes_dropped": progress.probes_caught,
        "models": models_report(fold, gates or {}),
        **({} if instrument is None else {"instrument": instrument}),
        "config": json.loads(canonical_json(config.model_dump(mode="json"))),
    }
    try:
        _replace(path, json.dumps(report, indent=1) + "\n")
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror}") from error
    return report


def models_report(fold: Fold, gates: Mapping[str, Any]) -> dict[str, Any]:
    """Return what models used: by role, in all, and for each kept row.

    Args:
        gates: what the gates counted, by role.
    """
    tally = fold.progress.tally
    if not tally.roles:
        return {}
    cost = tally.cost
    kept = fold.progress.kept
    return {
        "roles": tally.plain,
        "tokens": tally.tokens,
        "usd": None if cost is None else cost / NANO,
        "usd_per_kept_row": None if cost is None or not kept else round(cost / NANO / kept, 6),
        "tokens_per_kept_row": round(tally.tokens / kept) if kept else None,
        "over_budget": fold.over_budget,
        "gates": dict(gates),
    }


def _replace(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
