"""`rubric`: what is wrong with rubrics."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.compose.rubrics import load_rubric
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.judge.rubric_lint import lint

__all__ = ["rubric", "rubric_path"]


def rubric(options: argparse.Namespace) -> int:
    """Look every rubric over; one that cannot be read does not keep the others from it."""
    found = asked = 0
    broken: list[str] = []
    for path in _paths(options.files):
        try:
            loaded = load_rubric(path)
        except UserError as error:
            broken.append(str(error))
            continue
        asked += sum(one.question is not None for one in loaded.criteria)
        for slip in lint(loaded):
            found += 1
            if options.json:
                emit("slip", {"rubric": str(path), **slip.model_dump()})
            else:
                console.print(
                    f"{escape(str(path))}: {slip.criterion}: {slip.kind}: {escape(slip.told)}"
                )
    if broken:
        raise UserError("\n".join(broken))
    if options.json:
        emit("summary", {"questions": asked, "slips": found})
    else:
        console.print(f"{asked} questions, {found or 'no'} slips")
    return 1 if found else 0


def _paths(names: Sequence[str]) -> Iterator[Path]:
    if not names:
        yield from sorted(bundled("rubrics").glob("*.yaml"))
    for name in names:
        yield rubric_path(name)


def rubric_path(name: str) -> Path:
    """Return the file of a rubric: a path, or the name of a bundled one."""
    own = bundled("rubrics") / f"{name}.yaml"
    return own if own.is_file() and not Path(name).is_file() else Path(name)
