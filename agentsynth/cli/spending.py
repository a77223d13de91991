"""What `run` needs to know of its models: where they are recorded and what they may spend."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agentsynth.cli.output import console
from agentsynth.core.errors import UserError
from agentsynth.models.budget import LocalTill, SharedTill, Till
from agentsynth.models.prices import NANO
from agentsynth.models.tally import Tally
from agentsynth.pipeline.config import BudgetConfig, RunConfig
from agentsynth.pipeline.seats import Modelling

__all__ = [
    "modelling_of",
    "print_estimate",
    "print_models",
    "recordings_in",
    "spent_before",
    "warn_unproven",
]


def modelling_of(config: RunConfig, folder: Path, options: argparse.Namespace) -> Modelling:
    """Return how the models of a run are recorded, replayed and paid.

    Raises:
        UserError: if there is nothing to replay.
    """
    replay = None if options.replay is None else recordings_in(Path(options.replay))
    recordings = folder / "recordings"
    return Modelling(
        recordings=recordings,
        replay=replay,
        till=None if replay is not None else _till(config, recordings, options.workers),
        unit="tokens" if config.budget is not None and config.budget.usd is None else "usd",
        in_flight=options.concurrency,
        at=datetime.now(UTC) if config.models.seated() else None,
        seed=config.seed,
    )


def recordings_in(path: Path) -> Path:
    """Return the folder of recordings that a path means: itself, or a run's.

    Raises:
        UserError: if there are none.
    """
    for folder in (path / "recordings", path):
        if folder.is_dir() and any(folder.glob("*.jsonl")):
            return folder
    raise UserError(f"--replay {path}: no recordings there; name a run's folder or its recordings")


def _till(config: RunConfig, recordings: Path, workers: int) -> Till | None:
    if config.budget is None:
        return None
    spent = spent_before(config.budget, recordings)
    kind = SharedTill if workers > 1 else LocalTill
    return kind(config.budget.limit, spent)


def spent_before(budget: BudgetConfig, recordings: Path) -> int:
    """Return what earlier sessions with these recordings have spent, in the budget's unit."""
    from agentsynth.models.journal import recorded_tally  # noqa: PLC0415  (orjson)

    tally: Tally = recorded_tally(recordings)
    if budget.usd is None:
        return tally.tokens
    return sum(role.cost for role in tally.roles.values())


def warn_unproven(config: RunConfig, path: str, log: Callable[[str], None]) -> None:
    """Log a line for each seat whose model no preflight has found fit."""
    if not config.models.seated():
        return
    from agentsynth.pipeline.preflight_record import unproven  # noqa: PLC0415  (jsonschema, orjson)

    for text in unproven(config.models, f"agentsynth preflight {path}"):
        log(text)


def print_models(models: dict[str, Any]) -> None:
    """Print what models used, for people."""
    if not models:
        return
    usd = "unknown" if models["usd"] is None else f"${models['usd']:.4f}"
    console.print(f"models: {models['tokens']} tokens, cost {usd}")
    for role, sums in models["roles"].items():
        cost = "unknown" if sums.get("unpriced") else f"${sums.get('cost', 0) / NANO:.4f}"
        console.print(
            f"  {role:<10} {sums.get('calls', 0)} replies, {sums.get('failed', 0)} failed, "
            f"{sums.get('prompt', 0)} tokens read ({sums.get('cached', 0)} cached), "
            f"{sums.get('completion', 0)} written, cost {cost}"
        )


def print_estimate(models: dict[str, Any]) -> None:
    """Print what models would use, for people."""
    console.print(
        f"the models, in {models['conversations']} conversations like these (about 4 characters a "
        "token; what fails and is asked again is not in it, nor the rows a model loses):"
    )
    for role, use in models["roles"].items():
        console.print(
            f"  {role:<10} {use['model']}: {use['calls']} replies, about {use['read']} tokens read "
            f"({use['cached']} of them again), {use['written']} written, {_cost(use)}"
        )
    console.print(f"  in all     about {models['tokens']} tokens, {_cost(models)}")
    budget = models["budget"]
    if budget is not None and budget["enough"] is not True:
        console.print(f"[yellow]{_short(budget)}[/yellow]")


def _cost(use: dict[str, Any]) -> str:
    if use["usd"] is None:
        return "cost unknown"
    if use["usd"] == use["usd_cached"]:
        return f"cost ${use['usd']:.4f}"
    return f"cost ${use['usd']:.4f}, or ${use['usd_cached']:.4f} where the endpoint caches prefixes"


def _short(budget: dict[str, Any]) -> str:
    if budget["enough"] is None:
        return "whether the budget is enough is unknown: a model has no price"
    cap = f"{budget['tokens']} tokens" if "tokens" in budget else f"${budget['usd']:g}"
    also = ", unless the endpoint caches prefixes" if budget.get("enough_cached") else ""
    return f"the budget of {cap} is less than the estimate{also}: the run would stop early"
