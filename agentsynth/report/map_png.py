"""The map as a picture, 1600 by 1200."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentsynth.report.map_measures import MapSummary
from agentsynth.report.mapped import MappedTool

__all__ = ["draw_png", "headline"]

_REAL, _SYNTHETIC = "#3b6ea8", "#e07a1f"
_LABELS = 16
_LABEL_LENGTH = 24
_APART = 0.055
"""Labels nearer to each other than this share of the plane are not both written."""


def headline(summary: MapSummary) -> tuple[str, str]:
    """Return the numbers that stand above a map, in two lines."""
    first = (
        f"{summary.real:,} real tools of {summary.servers:,} servers, "
        f"{summary.synthetic:,} synthetic tools of {summary.domains:,} domains"
    )
    second = (
        f"{summary.real_covered:.1%} of the real have a synthetic tool within "
        f"t = {summary.near:.2f}, {summary.synthetic_covered:.1%} of the synthetic a real one · "
        f"median novelty {summary.novelty.median:.2f}"
    )
    return first, second


def draw_png(
    path: Path,
    summary: MapSummary,
    real: Sequence[MappedTool],
    synthetic: Sequence[MappedTool],
    places: Any,
) -> None:
    """Draw real and synthetic tools in two colours, with the numbers and the largest categories.

    Args:
        path: the file to write, PNG.
        places: `[real + synthetic, 2]`, in [0, 1].
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(16, 12), dpi=100, facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.88))
    of_real, of_synthetic = places[: len(real)], places[len(real) :]
    sides = [(of_real, _REAL, "real"), (of_synthetic, _SYNTHETIC, "synthetic")]
    # The smaller side on top, so that neither hides the other.
    for at, colour, side in sorted(sides, key=lambda one: -len(one[0])):
        size = min(60.0, max(6.0, 60_000 / len(at)))
        axes.scatter(
            at[:, 0], at[:, 1], s=size, c=colour, alpha=0.65, linewidths=0,
            label=f"{side}: {len(at):,}",
        )  # fmt: skip
    for text, where in _labels(real, of_real):
        axes.text(
            where[0], where[1], text, fontsize=12, ha="center", va="center", parse_math=False,
            bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
        )  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="upper right", fontsize=14, markerscale=2.5, framealpha=0.9)
    first, second = headline(summary)
    figure.text(0.02, 0.955, first, fontsize=20, weight="bold")
    figure.text(0.02, 0.92, f"{second} · labels: categories of the real tools", fontsize=13.5)
    figure.savefig(path, format="png", metadata={"Software": None})


def _labels(real: Sequence[MappedTool], places: Any) -> list[tuple[str, tuple[float, float]]]:
    """Return the largest categories, each at the tool that is nearest to the median of its own.

    Only what is ASCII is written: names are other people's, and fonts lack signs.
    """
    import numpy as np

    members: dict[str, list[int]] = defaultdict(list)
    for index, tool in enumerate(real):
        members[tool.group].append(index)
    made: list[tuple[str, tuple[float, float]]] = []
    for name in sorted(members, key=lambda name: (-len(members[name]), name)):
        at = places[members[name]]
        middle = at[np.abs(at - np.median(at, axis=0)).sum(axis=1).argmin()]
        spot = (float(middle[0]), float(middle[1]))
        text = "".join(char for char in name if char.isascii() and char.isprintable())
        if text and all(_apart(spot, other) for _, other in made):
            made.append((text[:_LABEL_LENGTH], spot))
        if len(made) == _LABELS:
            break
    return made


def _apart(one: tuple[float, float], other: tuple[float, float]) -> bool:
    return abs(one[0] - other[0]) > 2 * _APART or abs(one[1] - other[1]) > _APART / 2
