"""`golden`: what is kept - goldens that are added, answers that are recorded, taken in, dropped."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.golden_common import options_of, secrets_of
from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.core.labels import read_labels
from agentsynth.golden.adding import append_goldens, from_labels, from_rows, mutants_of_goldens
from agentsynth.golden.asks import asks_of
from agentsynth.golden.batch import batch_lines, take
from agentsynth.golden.cassette import CASSETTES, Cassettes
from agentsynth.golden.check import check
from agentsynth.golden.load import Goldens, load_goldens
from agentsynth.golden.prune import stale

__all__ = ["add", "answers", "prompts", "prune", "record"]


def record(options: argparse.Namespace) -> int:
    """Ask for what is not on record; the exit code says whether all of it is now."""
    mode = "rerecord" if options.again else "record-missing"
    report = asyncio.run(check(Path(options.folder), options_of(options, mode))).report
    counts = {
        "live_calls": report.counts["live_calls"],
        "questions": report.counts["questions"],
        "undone": len(report.undone),
        "errors": list(report.errors),
    }
    if options.json:
        emit("summary", counts)
    else:
        for line in (*report.errors, *report.undone):
            console.print(escape(line))
        console.print(
            f"{counts['live_calls']} requests made, {counts['questions']} answers wanted; "
            "`agentsynth golden check` says what they come to"
        )
    return 5 if report.errors else 4 if report.undone else 0


def prune(options: argparse.Namespace) -> int:
    """Drop what nothing asks for."""
    goldens = load_goldens(Path(options.folder))
    cassettes = Cassettes.read(goldens.folder / CASSETTES)
    dropped = 0
    for header, keys in stale(goldens, cassettes):
        dropped += len(keys)
        if options.json:
            emit("pruned", {"file": header.file, "answers": len(keys)})
        else:
            console.print(f"{escape(header.file)}: {len(keys)} answers dropped")
        cassettes.drop(header, keys)
    cassettes.write()
    kept = sum(len(held) for held in cassettes.answers.values())
    if options.json:
        emit("summary", {"dropped": dropped, "kept": kept})
    else:
        console.print(f"{dropped} answers dropped, {kept} kept")
    return 0


def add(options: argparse.Namespace) -> int:
    """Append goldens."""
    file = Path(options.folder) / options.file
    if file.suffix != ".jsonl" or file.parent != Path(options.folder):
        raise UserError(f"--file {options.file}: a name in the folder that ends in .jsonl")
    if bool(options.rows) == bool(options.labels):
        raise UserError("give either rows of the run or --labels FILE")
    run = Path(options.run)
    kept = {"must_pass": options.must_pass, "who": options.who}
    problems: list[str] = []
    if options.labels:
        labels = read_labels(Path(options.labels))
        made, problems = from_labels(run, labels, options.rubric, file, **kept)
    else:
        made = from_rows(run, options.rows, options.rubric, file, **kept)
    if options.mutants:
        made += mutants_of_goldens(made, file, seed=0)
    there = append_goldens(file, made)
    for line in (*problems, *(f"{name}: is there already; left as it is" for name in there)):
        print(line, file=sys.stderr)
    added = len(made) - len(there)
    if options.json:
        emit("summary", {"added": added, "there": there, "problems": problems, "file": str(file)})
    else:
        console.print(f"{added} goldens added to {escape(str(file))}; read them before you commit")
    return 1 if problems else 0


def _asked(options: argparse.Namespace) -> tuple[Goldens, Cassettes]:
    goldens = load_goldens(Path(options.folder), domain=getattr(options, "domain", None))
    if goldens.config.judge is None:
        raise UserError(f"{options.folder}: gates.yaml names no judge, so there is nothing to ask")
    return goldens, Cassettes.read(goldens.folder / CASSETTES)


def prompts(options: argparse.Namespace) -> int:
    """Write batch requests."""
    goldens, cassettes = _asked(options)
    lines = batch_lines(asks_of(goldens, goldens.config.judge), cassettes)
    text = "".join(f"{line}\n" for line in lines)
    _write(Path(options.out), text)
    if options.json:
        emit("summary", {"requests": len(lines), "out": options.out})
    else:
        console.print(f"{len(lines)} requests in {escape(options.out)}")
    return 0


def answers(options: argparse.Namespace) -> int:
    """Take batch results in; what could not be taken is told and kept."""
    goldens, cassettes = _asked(options)
    path = Path(options.file)
    taken = take(
        path,
        asks_of(goldens, goldens.config.judge),
        cassettes,
        today=datetime.now(UTC).date().isoformat(),
        secrets=secrets_of(goldens.folder),
    )
    cassettes.write()
    left = path.with_name(path.name + ".left")
    if taken.left:
        _write(left, "".join(f"{line}\n" for line in taken.left))
    for problem in taken.problems:
        print(problem, file=sys.stderr)
    counts = {"taken": taken.taken, "repaired": taken.repaired, "known": taken.known,
              "left": len(taken.left)}  # fmt: skip
    if options.json:
        emit("summary", {**counts, "problems": taken.problems})
    else:
        console.print(", ".join(f"{name} {count}" for name, count in counts.items()))
        if taken.left:
            console.print(f"what could not be taken lies in {escape(str(left))}")
    return 5 if taken.left else 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None
