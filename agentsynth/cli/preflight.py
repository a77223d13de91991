"""`preflight`: are the models of a config fit for their seats."""

import argparse
import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.pipeline.config import load_config

__all__ = ["preflight"]

_STYLES = {"fault": "bold red", "warning": "yellow", "note": "dim"}


def preflight(options: argparse.Namespace) -> int:
    """Run the command."""
    config = load_config(Path(options.config))
    if not config.models.seated():
        raise UserError(f"{options.config}: no seat has a model; there is nothing to ask")
    from agentsynth.pipeline.preflight import distinct_models  # noqa: PLC0415  (HTTP clients)

    reports: list[dict[str, Any]] = []
    for settings, seats in distinct_models(config.models):
        if not options.json:
            console.print(f"[dim]asking {escape(settings.model)} …[/dim]")
        report, path = asyncio.run(_ask(settings, seats))
        reports.append(report)
        if options.json:
            emit("preflight", {**report, "record": str(path)})
        else:
            _print(report, path)
    fit = all(report["fit"] for report in reports)
    if options.json:
        emit("summary", {"fit": fit, "models": [_short(report) for report in reports]})
    else:
        console.print("[bold]fit for their seats[/bold]" if fit else "[bold red]unfit[/bold red]")
    return 0 if fit else 1


async def _ask(settings: Any, seats: Any) -> tuple[dict[str, Any], Path]:
    from agentsynth.pipeline.preflight import look_at  # noqa: PLC0415  (HTTP clients are heavy)
    from agentsynth.pipeline.preflight_record import report_of, write_record  # noqa: PLC0415

    at = datetime.now(UTC)
    report = report_of(await look_at(settings, seats, at))
    return report, write_record(settings, report, at)


def _short(report: dict[str, Any]) -> dict[str, Any]:
    return {name: report[name] for name in ("model", "url", "seats", "fit", "advised_mode")}


def _print(report: dict[str, Any], path: Path) -> None:
    table = Table(title=f"{report['model']} ({', '.join(report['seats'])})", title_justify="left")
    table.add_column("what")
    table.add_column("seen")
    for what, seen in _lines(report):
        table.add_row(what, escape(seen))
    console.print(table)
    for finding in report["findings"]:
        style = _STYLES[finding["level"]]
        console.print(f"[{style}]{finding['level']}[/{style}]: {escape(finding['text'])}")
    console.print(f"[dim]record: {path}[/dim]")


def _lines(report: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the table."""
    if not report["reachable"]:
        return [("reachable", "no")]
    price = report["price"]
    lines = [
        ("reachable", "yes"),
        ("listed", {True: "yes", False: "no", None: "the endpoint lists none"}[report["listed"]]),
        ("context", f"{report['context']} tokens" if report["context"] else "not said"),
        ("structured output", "yes" if report["structured_output"] else "no"),
        ("reasoning", report["reasoning_field"] or "none seen"),
        ("tokens", "counted" if report["counts_tokens"] else "not counted"),
        ("price", _price(price) if price else "unknown"),
    ]
    for name in ("native", "action"):
        if report[name] is not None:
            lines += [(f"{name}: {what}", seen) for what, seen in _mode_lines(report[name])]
    lines.append(("mode to use", report["advised_mode"] or "none calls tools well enough"))
    return lines


def _price(price: dict[str, Any]) -> str:
    read, written = price["usd_per_million"]
    return f"${read:g} read, ${written:g} written a million tokens ({price['source']})"


def _mode_lines(mode: dict[str, Any]) -> list[tuple[str, str]]:
    scores = mode["scores"]
    tokens = "" if mode["tokens_s"] is None else f", {mode['tokens_s']} tokens/s"
    return [
        ("answered", f"{scores['answered']} of {scores['asked']}"),
        ("calls when needed (recall)", _percent(scores["recall"])),
        ("calls only when needed (precision)", _percent(scores["precision"])),
        ("calls that fit the schema", _percent(scores["schema_accuracy"])),
        ("the right tool", _percent(scores["right_tool"])),
        ("several calls at once", _percent(scores["parallel"])),
        ("after a result", _percent(scores["after_results"])),
        ("ids of calls", ", ".join(scores["ids"]) or "no calls"),
        ("rate", f"{mode['replies_s']} replies/s{tokens}, {mode['at_once']} at once"),
    ]


def _percent(share: float | None) -> str:
    return "nothing to count" if share is None else f"{share:.0%}"
