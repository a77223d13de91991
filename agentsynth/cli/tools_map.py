"""`tools map`: real and synthetic tools in one plane, and how near they are in numbers."""

import argparse
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.cli.tools_known import SNAPSHOT
from agentsynth.core.errors import UserError
from agentsynth.pipeline.map_tools import real_tools, synthetic_tools
from agentsynth.report.map_html import draw_html
from agentsynth.report.map_measures import COPY, MapSummary, measure
from agentsynth.report.map_plane import places
from agentsynth.report.map_png import draw_png, headline
from agentsynth.report.map_vectors import vectors
from agentsynth.report.mapped import require_libraries

__all__ = ["draw_map"]

_FARTHEST = 8


def draw_map(options: argparse.Namespace) -> int:
    """Draw the map of the snapshot and the domains, and print its numbers."""
    require_libraries()
    out = Path(options.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{out}: no folder can be made there: {error.strerror}") from None
    snapshot = Path(options.real) if options.real is not None else SNAPSHOT
    real = real_tools(snapshot)
    synthetic, left_out = synthetic_tools(options.names)
    rows = vectors(real, synthetic)
    summary, *near = measure(real, synthetic, rows, left_out)
    where = places(*rows)
    draw_png(out / "map.png", summary, real, synthetic, where)
    draw_html(out / "map.html", summary, real, synthetic, where, (near[0], near[1]))
    text = summary.model_dump_json(indent=1) + "\n"
    (out / "map.json").write_text(text, encoding="utf-8", newline="\n")
    if options.json:
        emit("summary", summary.model_dump(mode="json"))
    else:
        _print(summary, out)
    return 0


def _print(summary: MapSummary, out: Path) -> None:
    for line in headline(summary):
        console.print(line)
    novelty, apart = summary.novelty, summary.apart
    console.print(
        f"novelty of a synthetic tool (1 - similarity to the nearest real one): median "
        f"{novelty.median}, quartiles {novelty.lower} and {novelty.upper}; "
        f"{summary.copies_of_real} copies (similarity {COPY} or more)"
    )
    if apart is not None:
        console.print(
            f"and to the nearest one of another domain: median {apart.median}, quartiles "
            f"{apart.lower} and {apart.upper}; {summary.near_copies} copies"
        )
    far = sorted(summary.real_categories.items(), key=lambda one: (one[1].covered, -one[1].tools))
    words = ", ".join(f"{name} {one.covered:.1%} of {one.tools}" for name, one in far[:_FARTHEST])
    console.print(f"least covered categories of real tools: {escape(words)}")
    for reason, count in summary.left_out.items():
        console.print(f"left out: {count} {reason}")
    console.print(escape(f"{out / 'map.png'}, map.html, map.json"))
