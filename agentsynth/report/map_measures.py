"""How near real and synthetic tools are to each other, in numbers.

Similarity is the cosine of two tools' vectors (`map_vectors`), 0 = no word in common, 1 = the same
words. Every measure is a function of the similarity of tools to their nearest one, found exactly.
What "near" means is measured, too: `Yardstick`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen
from agentsynth.report.mapped import MappedTool

__all__ = ["COPY", "CategoryOfReal", "CategoryOfSynthetic", "MapSummary", "Near", "Quartiles",
           "Yardstick", "measure", "nearest"]  # fmt: skip

COPY = 0.95
"""From this similarity on, two tools count as copies of each other."""
_ROWS = 200
"""Rows compared at once: with 30,000 tools 50 MB of similarities."""
_DIGITS = 6
"""Similarities are rounded before they are compared, so that the last bit decides nothing."""
_NONE = -1.0


class Quartiles(Frozen):
    """The quartiles of a list of numbers, interpolated linearly, 4 digits."""

    lower: float
    median: float
    upper: float


class Yardstick(Quartiles):
    """How near real tools are to those of other servers: the quartiles of y(r).

    y(r) = the largest similarity of real tool r to a tool of another server, tools that are
    copies of r (similarity >= COPY) passed over. The median is the threshold t of the summary, so
    half of the real tools have a tool of another server within t.
    """


class CategoryOfReal(Frozen):
    """The real tools of one category."""

    tools: int
    owners: int
    covered: float
    """Share that has a synthetic tool within t."""
    similarity: float
    """Median similarity to the nearest synthetic tool."""


class CategoryOfSynthetic(Frozen):
    """The synthetic tools of one category."""

    tools: int
    owners: int
    covered: float
    """Share that has a real tool within t."""
    novelty: float
    """Median of 1 - similarity to the nearest real tool."""
    near_copies: float
    """Share with a copy in another domain."""


class MapSummary(Frozen):
    """What the map says in numbers. Shares are in [0, 1], 4 digits."""

    schema_version: int = 1
    real: int
    servers: int
    synthetic: int
    domains: int
    left_out: dict[str, int]
    """Tools or domains not on the map, by reason."""
    near: float
    """The threshold t: the yardstick's median."""
    yardstick: Yardstick
    real_covered: float
    """|{real r : s(r) >= t}| / |real|; s(r) = similarity to the nearest synthetic tool."""
    real_covered_loosely: float
    """The same with the yardstick's lower quartile for t."""
    real_covered_strictly: float
    """The same with its upper quartile."""
    synthetic_covered: float
    """|{synthetic s : n(s) >= t}| / |synthetic|; n(s) = similarity to the nearest real tool."""
    novelty: Quartiles
    """Of 1 - n(s) over the synthetic tools."""
    copies_of_real: int
    """Synthetic tools with n(s) >= COPY."""
    apart: Quartiles | None
    """Of 1 - d(s) over the synthetic tools; d(s) = similarity to the nearest synthetic tool of
    another domain. None = there is one domain only."""
    near_copies: int
    """Synthetic tools with d(s) >= COPY."""
    real_categories: dict[str, CategoryOfReal]
    synthetic_categories: dict[str, CategoryOfSynthetic]


@dataclass(frozen=True, slots=True)
class Near:
    """The nearest tool of each tool of a list."""

    which: Any
    """`[tools]`, index; -1 = there was none to choose from. Of equals the first."""
    similarity: Any
    """`[tools]`, in [0, 1]; -1 = there was none."""


def nearest(rows: Any, others: Any, barred: Callable[[Any, int, int], Any] | None = None) -> Near:
    """Return the nearest of `others` for each row.

    Args:
        rows: sparse, of length 1, `[tools, words]`.
        others: the same, `[others, words]`.
        barred: which pairs may not be chosen: gets similarities of rows start to stop,
            `[stop - start, others]`, start and stop; returns booleans of that shape.
    """
    import numpy as np

    count = rows.shape[0]
    which, similarity = np.full(count, -1), np.full(count, _NONE)
    if others.shape[0] == 0:
        return Near(which, similarity)
    turned = others.T.tocsr()
    for start, stop in _blocks(count):
        found = np.round((rows[start:stop] @ turned).toarray(), _DIGITS)
        if barred is not None:
            found[barred(found, start, stop)] = _NONE
        best = found.argmax(axis=1)
        similarity[start:stop] = found[np.arange(stop - start), best]
        which[start:stop] = best
    which[similarity == _NONE] = -1
    return Near(which, similarity)


def measure(
    real: Sequence[MappedTool],
    synthetic: Sequence[MappedTool],
    rows: tuple[Any, Any],
    left_out: dict[str, int],
) -> tuple[MapSummary, Near, Near]:
    """Return the numbers, each real tool's nearest synthetic one, and the other way round.

    Args:
        rows: vectors of the real and of the synthetic tools, in their order.
        left_out: told on in the summary.

    Raises:
        UserError: if one side has no tools, or no real one has another server's beside it.
    """
    import numpy as np

    if not real or not synthetic:
        side = "real" if not real else "synthetic"
        raise UserError(f"there are no {side} tools to draw")
    yardstick = _yardstick(real, rows[0])
    near = yardstick.median
    to_synthetic, to_real = nearest(rows[0], rows[1]), nearest(rows[1], rows[0])
    domains = np.array([tool.owner for tool in synthetic])
    several = len(set(domains.tolist())) > 1
    others = nearest(rows[1], rows[1], _same_owner(domains)) if several else None
    copied = np.zeros(len(synthetic), bool) if others is None else others.similarity >= COPY
    return (
        MapSummary(
            real=len(real),
            servers=len({tool.owner for tool in real}),
            synthetic=len(synthetic),
            domains=len({tool.owner for tool in synthetic}),
            left_out=dict(sorted(left_out.items())),
            near=near,
            yardstick=yardstick,
            real_covered=_share(to_synthetic.similarity >= near),
            real_covered_loosely=_share(to_synthetic.similarity >= yardstick.lower),
            real_covered_strictly=_share(to_synthetic.similarity >= yardstick.upper),
            synthetic_covered=_share(to_real.similarity >= near),
            novelty=Quartiles(**_quartiles(1 - to_real.similarity)),
            copies_of_real=int((to_real.similarity >= COPY).sum()),
            apart=None if others is None else Quartiles(**_quartiles(1 - others.similarity)),
            near_copies=int(copied.sum()),
            real_categories={
                name: CategoryOfReal(
                    tools=len(at),
                    owners=len({real[i].owner for i in at}),
                    covered=_share(to_synthetic.similarity[at] >= near),
                    similarity=_rounded(np.median(to_synthetic.similarity[at])),
                )
                for name, at in _by_group(real)
            },
            synthetic_categories={
                name: CategoryOfSynthetic(
                    tools=len(at),
                    owners=len({synthetic[i].owner for i in at}),
                    covered=_share(to_real.similarity[at] >= near),
                    novelty=_rounded(np.median(1 - to_real.similarity[at])),
                    near_copies=_share(copied[at]),
                )
                for name, at in _by_group(synthetic)
            },
        ),
        to_synthetic,
        to_real,
    )


def _yardstick(real: Sequence[MappedTool], rows: Any) -> Yardstick:
    import numpy as np

    owners = np.array([tool.owner for tool in real])
    own = _same_owner(owners)

    def barred(found: Any, start: int, stop: int) -> Any:
        return own(found, start, stop) | (found >= COPY)

    found = nearest(rows, rows, barred).similarity
    found = found[found != _NONE]
    if not len(found):
        raise UserError(
            "the real tools are of one server, or of servers that are copies of each other, so how "
            "near two servers are cannot be measured; `agentsynth tools collect` collects more"
        )
    return Yardstick(**_quartiles(found))


def _same_owner(owners: Any) -> Callable[[Any, int, int], Any]:
    return lambda found, start, stop: owners[start:stop, None] == owners[None, :]


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _ROWS):
        yield start, min(count, start + _ROWS)


def _by_group(tools: Sequence[MappedTool]) -> list[tuple[str, list[int]]]:
    groups: dict[str, list[int]] = {}
    for index, tool in enumerate(tools):
        groups.setdefault(tool.group, []).append(index)
    return sorted(groups.items())


def _quartiles(values: Any) -> dict[str, float]:
    import numpy as np

    lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75])
    return {"lower": _rounded(lower), "median": _rounded(median), "upper": _rounded(upper)}


def _share(held: Any) -> float:
    return _rounded(held.mean())


def _rounded(value: Any) -> float:
    return round(float(value), 4)
