"""Tools of the map, written by hand."""

from typing import Any

from agentsynth.report.map_measures import Near, measure
from agentsynth.report.map_plane import places
from agentsynth.report.map_vectors import vectors
from agentsynth.report.mapped import MappedTool


def real(name: str, owner: str = "one", **said: Any) -> MappedTool:
    given: dict[str, Any] = {"description": "", "parameters": (), "category": ("notes",), **said}
    return MappedTool(side="real", owner=owner, name=name, **given)


def synthetic(name: str, owner: str = "x", **said: Any) -> MappedTool:
    return real(name, owner, **said).model_copy(update={"side": "synthetic"})


def drawn(ours: list[MappedTool], theirs: list[MappedTool]) -> tuple[Any, Any, tuple[Near, Near]]:
    """Return summary, places, and nearest tools of both sides."""
    rows = vectors(theirs, ours)
    summary, to_synthetic, to_real = measure(theirs, ours, rows, {})
    return summary, places(*rows), (to_synthetic, to_real)
