"""The map as one HTML file that needs nothing else.

Texts of tools are other people's. They stand in a JSON block in which nothing can end it, become
text nodes and never markup, and the page's policy lets no script run but the page's own.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agentsynth.report.map_measures import MapSummary, Near
from agentsynth.report.map_png import headline
from agentsynth.report.mapped import MappedTool

__all__ = ["draw_html"]

_GRID = 9_999
"""Places are written as whole numbers from 0 to this."""
_TEXTS = 2_600_000
"""Characters of descriptions in all, which keeps the page below 6 MB."""
_LONGEST, _SHORTEST = 300, 40
_NAME = 80


def draw_html(
    path: Path,
    summary: MapSummary,
    real: Sequence[MappedTool],
    synthetic: Sequence[MappedTool],
    places: Any,
    near: tuple[Near, Near],
) -> None:
    """Write a page with all tools to look at: zoom, filters, what a tool is, its nearest one.

    Args:
        path: the file to write.
        places: `[real + synthetic, 2]`, in [0, 1].
        near: each real tool's nearest synthetic one, and the other way round.
    """
    page = _part("map.html")
    data = _data(summary, [*real, *synthetic], len(real), places, near)
    parts = {
        "STYLE": _part("map.css"),
        "SCRIPT": _part("map.js"),
        "STYLE_HASH": _hash(_part("map.css")),
        "SCRIPT_HASH": _hash(_part("map.js")),
        "DATA": _embedded(data),
    }
    # Cut at the marks before anything is filled in, so that no text of a tool can be one.
    pieces = page.split("%%")
    filled = [parts[piece] if number % 2 else piece for number, piece in enumerate(pieces)]
    path.write_text("".join(filled), encoding="utf-8", newline="\n")


def _data(
    summary: MapSummary,
    tools: Sequence[MappedTool],
    real: int,
    places: Any,
    near: tuple[Near, Near],
) -> dict[str, Any]:
    import numpy as np

    owners = sorted({tool.owner for tool in tools})
    categories = sorted({_category(tool) for tool in tools})
    owner_at = {name: number for number, name in enumerate(owners)}
    category_at = {name: number for number, name in enumerate(categories)}
    whole = np.round(places * _GRID).astype(int)
    limit = max(_SHORTEST, min(_LONGEST, _TEXTS // len(tools)))
    to_synthetic, to_real = near
    similarity = np.concatenate([to_synthetic.similarity, to_real.similarity])
    nearest = np.concatenate([to_synthetic.which + real, to_real.which])
    nearest[similarity <= 0] = -1  # nothing in common with any
    return {
        "headline": headline(summary),
        "summary": summary.model_dump(mode="json"),
        "real": real,
        "owners": [_shown(name, _NAME) for name in owners],
        "categories": [_shown(name, _NAME) for name in categories],
        "x": whole[:, 0].tolist(),
        "y": whole[:, 1].tolist(),
        "owner": [owner_at[tool.owner] for tool in tools],
        "category": [category_at[_category(tool)] for tool in tools],
        "name": [_shown(tool.name, _NAME) for tool in tools],
        "text": [_shown(tool.description, limit) for tool in tools],
        "nearest": nearest.tolist(),
        "similarity": np.round(similarity, 3).tolist(),
    }


def _category(tool: MappedTool) -> str:
    return " / ".join(tool.category) or tool.group


def _shown(text: str, limit: int) -> str:
    r"""Return a text as it is shown: one line, cut, `\u200b` for what cannot be seen."""
    cut = " ".join(text[: 4 * limit].split())
    cut = cut if len(cut) <= limit else cut[: limit - 1] + "…"
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in cut
    )


def _embedded(data: dict[str, Any]) -> str:
    """Return JSON in ASCII that has no sign by which HTML could end or open anything."""
    text = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _part(name: str) -> str:
    return (Path(__file__).with_name("map_page") / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
