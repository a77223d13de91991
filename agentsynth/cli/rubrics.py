"""`rubric`: what is wrong with rubrics."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from agentsynth.cli.output import console, emit
from agentsynth.compose.rubrics import load_rubric
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.core.rubric import Rubric
from agentsynth.judge.rubric_lint import Slip, lint
from agentsynth.pipeline.rubric_probes import Probed, probes_bundled, probes_of_run
from agentsynth.pipeline.rubric_test import RubricCount, count_probes

__all__ = ["rubric", "rubric_path"]


def rubric(options: argparse.Namespace) -> int:
    """Look every rubric over; one that cannot be read does not keep the others from it."""
    read, broken = _read(options.files)
    found = _test(options, read) if options.action == "test" else _lint(options, read)
    if broken:
        raise UserError("\n".join(broken))
    asked = sum(c.question is not None for one in read.values() for c in one.criteria)
    if options.json:
        emit("summary", {"questions": asked, "slips": found})
    else:
        console.print(f"{asked} questions, {found or 'no'} slips")
    return 1 if found else 0


def _lint(options: argparse.Namespace, read: dict[str, Rubric]) -> int:
    """Tell what is wrong with the wording, and with `--probes` what a probe set shows."""
    counts = dict(zip(read, _counted(options, read), strict=True)) if options.probes else {}
    found = 0
    for path, one in read.items():
        found += _tell(options, path, lint(one))
        found += _tell(options, path, counts[path].slips) if counts else 0
    return found


def _test(options: argparse.Namespace, read: dict[str, Rubric]) -> int:
    """Tell how every criterion comes out over a probe set, and what is wrong there."""
    found = 0
    for path, count in zip(read, _counted(options, read), strict=True):
        if options.json:
            for one in count.criteria:
                told = {"sound": one.sound, "broken": one.broken, **one.outcomes}
                emit("criterion", {"rubric": path, "criterion": one.criterion.name, **told})
        else:
            console.print(f"{escape(path)}: {count.probes} conversations")
            console.print(_table(count))
        found += _tell(options, path, count.slips)
    return found


def _table(count: RubricCount) -> Table:
    table = Table("criterion", "met", "not met", "does not apply", "undecided", box=None)
    for one in count.criteria:
        if one.criterion.question is not None:
            cells = (f"{one.sound} known good", f"{one.broken} known bad", "", "")
        else:
            names = ("met", "not_met", "not_applicable", "undecided")
            cells = tuple(str(one.outcomes[name]) for name in names)
        table.add_row(one.criterion.name, *cells)
    return table


def _tell(options: argparse.Namespace, path: str, slips: Sequence[Slip]) -> int:
    for slip in slips:
        if options.json:
            emit("slip", {"rubric": path, **slip.model_dump()})
        else:
            console.print(f"{escape(path)}: {slip.criterion}: {slip.kind}: {escape(slip.told)}")
    return len(slips)


def _counted(options: argparse.Namespace, read: dict[str, Rubric]) -> list[RubricCount]:
    return asyncio.run(count_probes(list(read.values()), _probes(options)))


def _probes(options: argparse.Namespace) -> AsyncIterator[Probed]:
    if options.run is None:
        return probes_bundled(seed=options.seed, rounds=options.rounds)
    return probes_of_run(options.run, seed=options.seed, most=options.most, log=console.print)


def _read(names: Sequence[str]) -> tuple[dict[str, Rubric], list[str]]:
    """Return the rubrics by their file, and what is wrong with those that cannot be read."""
    read: dict[str, Rubric] = {}
    broken: list[str] = []
    for path in _paths(names):
        try:
            read[str(path)] = load_rubric(path)
        except UserError as error:
            broken.append(str(error))
    return read, broken


def _paths(names: Sequence[str]) -> Iterator[Path]:
    if not names:
        yield from sorted(bundled("rubrics").glob("*.yaml"))
    for name in names:
        yield rubric_path(name)


def rubric_path(name: str) -> Path:
    """Return the file of a rubric: a path, or the name of a bundled one."""
    own = bundled("rubrics") / f"{name}.yaml"
    return own if own.is_file() and not Path(name).is_file() else Path(name)
