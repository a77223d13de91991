"""`show`, `explain` and `replay`: look at one row, from the conversation to its proof."""

import argparse
import asyncio
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from rich.markup import escape

from agentsynth.cli.imports import show_imported
from agentsynth.cli.output import console, emit
from agentsynth.cli.transcript import print_messages
from agentsynth.core.errors import UserError
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.finish import kept_items
from agentsynth.pipeline.importing import IMPORTED
from agentsynth.pipeline.rows import (
    Row,
    find_row,
    open_run,
    read_row,
    replay_row,
    run_config,
    summary_of,
)
from agentsynth.pipeline.simulation import simulated_calls, simulated_in

__all__ = ["explain", "replay", "show"]


def _row(options: argparse.Namespace) -> Row:
    folder = Path(options.run)
    with open_run(folder) as store:
        return read_row(store, find_row(store, folder, options.row))


def show(options: argparse.Namespace) -> int:
    """Print the conversation of a row, or of an import's."""
    folder = Path(options.run)
    if (folder / IMPORTED).is_file() and not (folder / "store.db").is_file():
        return show_imported(folder, options.row, as_json=options.json)
    row = _row(options)
    if options.json:
        for message in row.trajectory.messages:
            emit("message", message.model_dump(mode="json"))
        emit("summary", summary_of(row))
        return 0
    console.print(f"[dim]{row.trajectory.id}  {row.task.domain}  {row.task.kind}[/dim]")
    print_messages(row.trajectory.messages)
    return 0


def explain(options: argparse.Namespace) -> int:
    """Print where a row came from and every check."""
    row = _row(options)
    if options.json:
        for name in (
            "task",
            "certificate",
            "scenario",
            "ledger",
            "verdict",
            "attribution",
            "decision",
        ):
            emit(name, getattr(row, name).model_dump(mode="json"))
        for opinion in row.opinions:
            emit("opinion", opinion.model_dump(mode="json"))
        if row.scenario.tools is not None:
            calls = simulated_calls(row.agent, row.trajectory.messages)
            emit("simulated_calls", {"calls": [c.model_dump(mode="json") for c in calls]})
        emit("summary", summary_of(row))
        return 0
    _explain_task(row)
    console.print("\n[bold]Actors[/bold]")
    scenario = row.scenario
    console.print(
        f"  user {scenario.user.driver}, persona {scenario.persona.name} "
        f"({scenario.persona.style}); "
        f"assistant {scenario.assistant.driver}, planted flaw: {scenario.assistant.flaw or 'none'}"
    )
    if row.scenario.tools is not None:
        _explain_simulated(row)
    console.print("\n[bold]Facts told[/bold]")
    for turn in row.ledger.turns:
        told = ", ".join(turn.told) or "nothing new"
        left = ", ".join(turn.withheld) or "none"
        console.print(f"  message {turn.message}: {told}; still withheld: {left}")
    _explain_verdict(row)
    return 0


def _explain_task(row: Row) -> None:
    task = row.task
    console.print(f"[bold]Row[/bold] {row.trajectory.id}")
    console.print(f"  domain {task.domain} ({task.domain_id}), kind {task.kind}, seed of the world "
                  f"{task.world_seed}")  # fmt: skip
    console.print(f"[bold]Task[/bold] {task.id}\n  {escape(task.goal)}")
    if row.scenario.wording is not None:
        console.print(f"  in a model's words: {escape(row.scenario.wording.goal)}")
    for call in task.reference_calls:
        console.print(
            f"  reference, wave {call.wave}: {call.name} {escape(json.dumps(call.arguments))}"
        )
    for change in task.target.changes:
        what = f"{change.op} {change.entity} {change.key or '(new)'} {json.dumps(change.fields)}"
        console.print(f"  must change: {escape(what)}")
    for answer in task.target.answers:
        console.print(f"  must be said: {answer.name} = {escape(str(answer.value))}")
    if task.target.declined:
        console.print(f"  must be declined because of: {', '.join(task.target.declined)}")
    console.print("[bold]Certificate[/bold]")
    for probe in row.certificate.probes:
        console.print(f"  {_mark(probe.passed)} {probe.name}: {escape(probe.detail)}")


def _explain_simulated(row: Row) -> None:
    """Print which calls no tool has answered but a simulator."""
    model = row.scenario.tools.model if row.scenario.tools is not None else None
    who = "nobody" if model is None else f"the model {model.get('model')}"
    names = ", ".join(spec.name for spec in simulated_in(row.agent))
    console.print(f"[bold]Simulated tools[/bold] {escape(names)}; {escape(who)} answers for them")
    for call in simulated_calls(row.agent, row.trajectory.messages):
        console.print(f"  {call.id}: {call.name} {escape(json.dumps(call.arguments))}")


def _explain_verdict(row: Row) -> None:
    console.print(f"\n[bold]Checks[/bold] ({row.rubric.name}, score {row.verdict.score})")
    marks = {"met": "[green]met[/green]", "not_met": "[red]not met[/red]"}
    for outcome in row.verdict.outcomes:
        where = f" (messages {', '.join(map(str, outcome.messages))})" if outcome.messages else ""
        detail = f": {escape(outcome.evidence)}" if outcome.evidence else ""
        mark = marks.get(outcome.outcome, outcome.outcome.replace("_", " "))
        console.print(f"  {outcome.criterion}: {mark}{detail}{where}")
    for opinion in row.opinions:
        if opinion.disagreement or opinion.flipped or len(opinion.ballots) > 1:
            turned = "; the order of the answers turned it" if opinion.flipped else ""
            console.print(
                f"  {opinion.criterion}: {len(opinion.ballots)} ballots, "
                f"{opinion.disagreement:.0%} of them say something else{turned}"
            )
    decision = row.decision
    word = "kept" if decision.kept else f"dropped: {decision.reason}"
    console.print(f"[bold]Decision[/bold] {word} {escape(decision.detail)}")
    if not decision.kept:
        console.print(f"[bold]Whose failure[/bold] {row.attribution.party}")


def _mark(passed: bool) -> str:
    return "[green]passed[/green]" if passed else "[red]failed[/red]"


def replay(options: argparse.Namespace) -> int:
    """Run the calls of a row, or of every kept row, again."""
    if bool(options.row) == bool(options.all):
        raise UserError("give a ROW, or --all for every kept row")
    return asyncio.run(_replay(options))


async def _replay(options: argparse.Namespace) -> int:
    folder = Path(options.run)
    config = run_config(folder)
    tried = different = 0
    async with AsyncExitStack() as stack:
        store = stack.enter_context(open_run(folder))
        items = kept_items(store, config) if options.all else [find_row(store, folder, options.row)]
        names = [name for name, weight in config.domains.items() if weight]
        runtimes = await open_runtimes(names, stack, log=console.print)
        for item in items:
            row = read_row(store, item)
            again = await replay_row(row, runtimes)
            tried += 1
            different += bool(again.differences)
            _tell(row, again.final_state, again.differences, options)
    summary: dict[str, Any] = {"replayed": tried, "different": different}
    if options.json:
        emit("summary", summary)
    else:
        console.print(f"{tried} replayed, {different} differ")
    return 1 if different else 0


def _tell(row: Row, state: str, differences: tuple[str, ...], options: argparse.Namespace) -> None:
    if options.json:
        fields = {
            "trajectory_id": row.trajectory.id,
            "final_state": state,
            "differences": differences,
        }
        emit("replay", fields)
    elif differences or not options.all:
        word = "; ".join(differences) or f"same results, same final state {state}"
        console.print(f"{row.trajectory.id}: {escape(word)}")
