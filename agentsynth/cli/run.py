"""`run`: a config into a folder, with a display for people or NDJSON for programs."""

import argparse
import asyncio
import contextlib
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from agentsynth.cli.output import console, emit
from agentsynth.cli.spending import modelling_of, print_models, warn_unproven
from agentsynth.core.errors import Interrupted, RunError, UserError
from agentsynth.pipeline.composing import composed_agents
from agentsynth.pipeline.config import RunConfig, load_config, with_seed
from agentsynth.pipeline.events import Event, Listener
from agentsynth.pipeline.finish import export_rows, models_report, write_report
from agentsynth.pipeline.fold import Fold
from agentsynth.pipeline.opening import open_worker
from agentsynth.pipeline.run import check_resumable, execute, locked
from agentsynth.pipeline.store import Store
from agentsynth.pipeline.workers import Pool, settle_memory

__all__ = ["run", "run_config"]

_MOST_WORKERS = 64
_MOST_AT_ONCE = 10_000


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if not 1 <= options.workers <= _MOST_WORKERS:
        raise UserError(f"--workers is between 1 and {_MOST_WORKERS}")
    config = with_seed(load_config(Path(options.config)), options.seed)
    if options.concurrency is None:
        options.concurrency = 64 if config.models.seated() else 8
    if not 1 <= options.concurrency <= _MOST_AT_ONCE:
        raise UserError(f"--concurrency is between 1 and {_MOST_AT_ONCE}")
    folder = Path(options.out)
    display = _Json() if options.json else _People(config)
    with display:
        try:
            summary = asyncio.run(run_config(config, folder, options, display.listen))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise Interrupted(
                f"\nstopped; everything finished is saved. Go on with: agentsynth run "
                f"{options.config} --out {options.out}"
            ) from None
    if options.json:
        emit("summary", summary)
    else:
        _print_summary(summary, folder)
    if summary["over_budget"]:
        raise RunError(
            f"the budget is spent before the target is reached; {summary['rows']} rows are in "
            f"{folder}/export. Raise 'budget' and run the same command again to go on"
        )
    if not summary["rows"]:
        raise RunError(f"nothing was kept, so {folder}/export has no rows; the report says why")
    return 0


async def run_config(
    config: RunConfig, folder: Path, options: argparse.Namespace, listen: Listener
) -> dict[str, Any]:
    """Run everything; return the summary.

    Args:
        options: `config` (its path, for what is said of it), `concurrency`, `workers`, `replay`.
    """
    _stop_on_terminate()
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(folder))
        store = stack.enter_context(Store(folder / "store.db"))

        def log(text: str) -> None:
            listen(Event("log", {"text": text}))

        listen(Event("stage", {"stage": "domains"}))
        modelling = modelling_of(config, folder, options)
        if modelling.replay is None:
            warn_unproven(config, options.config, log)
        worker = await open_worker(config, stack, log=log, modelling=modelling)
        settle_memory()
        check_resumable(store, worker)
        if worker.seats.get("composer") is not None:
            listen(Event("stage", {"stage": "agents"}))
        composition = await composed_agents(config, worker.runtimes, worker.seats, store)
        worker = replace(worker, plans=composition.plans)
        pool = Pool(worker, options.workers, modelling) if options.workers > 1 else None
        resumed = len(store.finished_places())
        listen(Event("stage", {"stage": "rollouts", "resumed": resumed}))
        started = time.monotonic()
        async with pool or contextlib.nullcontext():
            fold = await execute(
                config,
                worker,
                store,
                concurrency=options.concurrency,
                listen=listen,
                pool=pool,
                begun=composition.tally,
            )
        seconds = time.monotonic() - started
        listen(Event("stage", {"stage": "export"}))
        manifest = export_rows(store, config, worker.runtimes, folder / "export")
        write_report(
            folder / "report.json",
            config=config,
            fold=fold,
            seconds=seconds,
            concurrency=options.concurrency,
            workers=options.workers,
            resumed=resumed,
            gates=worker.seats.counts(),
            instrument=manifest.get("instrument"),
        )
        return _summary(manifest, fold, seconds, folder)


def _stop_on_terminate() -> None:
    """Treat SIGTERM like ctrl-C: stop cleanly, keep everything finished."""
    task = asyncio.current_task()
    if task is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)


def _summary(manifest: dict[str, Any], fold: Fold, seconds: float, folder: Path) -> dict[str, Any]:
    return {
        "rows": manifest["rows"],
        "rows_sha256": manifest["rows_sha256"],
        "funnel": manifest["funnel"],
        "kept_by": manifest["kept_by"],
        "probes": manifest["probes"],
        "seconds": round(seconds, 2),
        "rollouts": fold.progress.rollouts,
        "unfilled_reasons": fold.progress.unfilled_reasons,
        "folder": str(folder),
        "over_budget": fold.over_budget,
        **{n: manifest[n] for n in ("composed_agents", "written_tasks") if n in manifest},
        **({"models": models_report(fold, {})} if fold.progress.tally.roles else {}),
    }


def _print_summary(summary: dict[str, Any], folder: Path) -> None:
    funnel = summary["funnel"]
    console.print(
        f"[bold]{summary['rows']} rows[/bold] in {folder}/export/rows.jsonl "
        f"({summary['rollouts']} rollouts in {summary['seconds']} s)"
    )
    for domain, kind, rows in summary["kept_by"]:
        console.print(f"  {domain:<22} {kind:<8} {rows}")
    dropped = {r: n for r, n in funnel["reasons"].items() if r != "kept"}
    lost = ", ".join(f"{reason} {n}" for reason, n in dropped.items()) or "nothing"
    console.print(f"dropped: {lost}; places without a task: {funnel['unfilled']}")
    for reason, count in summary["unfilled_reasons"].items():
        console.print(f"  no task, {count} ×: {escape(reason)}")
    for flaw, played, reasons in summary["probes"]:
        console.print(f"  probe {flaw:<22} {played:>4}  {reasons}")
    for name in ("composed_agents", "written_tasks"):
        if name in summary:
            counts = ", ".join(f"{key} {n}" for key, n in summary[name].items() if key != "reasons")
            reasons = ", ".join(f"{why} {n}" for why, n in summary[name]["reasons"].items())
            console.print(
                f"{name.replace('_', ' ')}: {counts}; back to script for: {reasons or '-'}"
            )
    print_models(summary.get("models", {}))
    console.print(f"look at one: agentsynth show 1 --run {folder}")


class _Json:
    """NDJSON for programs."""

    def __enter__(self) -> "_Json":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def listen(self, event: Event) -> None:
        """Print the event."""
        emit(event.event, event.fields)


class _People:
    """A bar with rate, funnel and time left."""

    def __init__(self, config: RunConfig) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[funnel]}"),
            TimeRemainingColumn(compact=True),
            console=console,
            transient=True,
        )
        total = config.target.kept or config.target.tasks
        self._task = self._progress.add_task("starting", total=total, funnel="")
        self._played = 0
        self._fresh = 0
        self._started = time.monotonic()
        self._reasons: dict[str, int] = {}
        self._drawn = 0.0

    def __enter__(self) -> "_People":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def listen(self, event: Event) -> None:
        """Take the event into the display."""
        if event.event == "log":
            self._progress.console.print(event.fields["text"])
        elif event.event == "stage":
            self._progress.update(self._task, description=str(event.fields["stage"]))
            if event.fields["stage"] == "rollouts":
                self._started = time.monotonic()
                if event.fields.get("resumed"):
                    text = f"going on: {event.fields['resumed']} places are done already"
                    self._progress.console.print(text)
        elif event.event == "rollout":
            self._count(event)

    def _count(self, event: Event) -> None:
        self._played += 1
        self._fresh += not event.fields["resumed"]
        if not event.fields["probe"]:
            reason = str(event.fields["reason"])
            self._reasons[reason] = self._reasons.get(reason, 0) + 1
        now = time.monotonic()
        done = event.fields["done"]
        if now - self._drawn < 0.1 and done < event.fields["target"]:
            return
        self._drawn = now
        rate = self._fresh / max(now - self._started, 0.001)
        kept = self._reasons.get("kept", 0)
        lost = sum(self._reasons.values()) - kept
        funnel = f"{self._played} played, {kept} kept, {lost} dropped, {rate:.0f}/s"
        self._progress.update(self._task, completed=done, funnel=funnel)
