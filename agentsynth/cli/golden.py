"""`golden`: check goldens, accept what changed, look for drift."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.golden_common import options_of
from agentsynth.cli.golden_keep import add, answers, prompts, prune, record
from agentsynth.cli.output import console, emit
from agentsynth.core.errors import RunError, StoreError, UserError
from agentsynth.golden.check import check
from agentsynth.golden.drift import drift
from agentsynth.golden.lock import LOCK, write_lock
from agentsynth.golden.render import change_lines, junit, lines, markdown
from agentsynth.golden.report import GoldenReport

__all__ = ["golden"]


def golden(options: argparse.Namespace) -> int:
    """Do one of the actions; an endpoint or a server that fails ends it with 5."""
    actions: Mapping[str, Callable[[argparse.Namespace], int]] = {
        "check": _check,
        "update": _update,
        "drift": _drift,
        "record": record,
        "prune": prune,
        "add": add,
        "prompts": prompts,
        "answers": answers,
    }
    try:
        return actions[options.action](options)
    except StoreError:
        raise
    except RunError as error:
        print(f"error: {error}", file=sys.stderr)
        return 5


def _check(options: argparse.Namespace) -> int:
    """Check; write what is asked for; print the verdict with its rule."""
    report = asyncio.run(check(Path(options.folder), options_of(options, options.mode))).report
    for name, text in (
        (options.junit, junit),
        (options.out_json, lambda one: one.model_dump_json(indent=1) + "\n"),
        (options.markdown, markdown),
    ):
        if name is not None:
            _write(Path(name), text(report))
    _print(report, as_json=options.json)
    return report.exit_code


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def _print(report: GoldenReport, *, as_json: bool) -> None:
    if not as_json:
        for line in lines(report):
            console.print(escape(line))
        return
    for name, values in (
        ("missing", report.missing),
        ("gate", report.gates),
        ("change", report.changes),
    ):
        for value in values:
            emit(name, value.model_dump(mode="json"))
    emit(
        "summary",
        {
            "status": report.status,
            "exit_code": report.exit_code,
            "rule": report.rule,
            "judge": report.judge,
            **report.counts,
            "causes": list(report.causes),
            "undone": list(report.undone),
            "errors": list(report.errors),
            "notes": list(report.notes),
        },
    )


def _update(options: argparse.Namespace) -> int:
    """Print what differs, then write the lock. Gates are `check`'s business."""
    folder = Path(options.folder)
    checked = asyncio.run(check(folder, options_of(options, "replay")))
    report = checked.report
    if report.missing:
        _print(report, as_json=options.json)
        print("error: nothing is written while answers are missing", file=sys.stderr)
        return report.exit_code
    write_lock(folder / LOCK, checked.lock)
    if options.json:
        for change in report.changes:
            emit("change", change.model_dump(mode="json"))
        counts = {"changes": len(report.changes), "goldens": len(report.results)}
        emit("summary", {**counts, "causes": list(report.causes), "lock": str(folder / LOCK)})
        return 0
    for line in change_lines(report.changes, report.causes):
        console.print(escape(line))
    console.print(
        f"{len(report.changes)} changes; wrote {escape(str(folder / LOCK))}: read it, commit it"
    )
    return 0


def _drift(options: argparse.Namespace) -> int:
    """Ask again and compare; the exit code is 1 past a bound, 4 where too little was asked."""
    found = asyncio.run(drift(Path(options.folder), options_of(options, "live")))
    if options.json:
        for line in found.questions:
            emit("question", line.model_dump(mode="json"))
        emit("summary", found.model_dump(mode="json", exclude={"questions"}))
    else:
        for line in found.lines():
            console.print(escape(line))
    return found.exit_code
