"""What an evolution covers, in numbers, and its tools held against their contracts once more."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from agentsynth.core.ids import derive_seed
from agentsynth.evolve.synthetic.masks import Masked, similarity
from agentsynth.pipeline.evolve import Evolution, masked_domain
from agentsynth.plan.contracts import check_contracts
from agentsynth.worlds.contract_file import load_contracts
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime

__all__ = ["Coverage", "Recheck", "coverage", "recheck"]

PACKED_AT = 0.7
"""Similarity of masked features from which two domains count as one when they are packed."""


@dataclass(frozen=True)
class Coverage:
    """How much ground the domains cover; see `evolve.synthetic.masks` for what is masked."""

    workflow_tools: int
    """Distinct signatures of tools that are more than CRUD."""
    crud_tools: int
    """Tools that only write one record, whatever they are like."""
    graphs: int
    """Entity graphs up to isomorphism."""
    packed: int
    """Domains of which no two are as alike as `PACKED_AT`."""
    growth: tuple[Mapping[str, int], ...]
    """The same after every tenth of the domains, in the order they were made."""
    categories: Mapping[str, int]
    cells: int
    """Cells of the archive with a domain in them."""

    def summary(self) -> dict[str, Any]:
        """Return the figures as flat JSON."""
        return {
            "distinct_workflow_tools": self.workflow_tools,
            "crud_tools": self.crud_tools,
            "entity_graphs": self.graphs,
            f"packed_at_{PACKED_AT}": self.packed,
            "categories": len(self.categories),
            "cells": self.cells,
            "growth": list(self.growth),
        }


def coverage(state: Evolution, folder: Path) -> Coverage:
    """Measure the domains of an evolution."""
    forms = [masked_domain(folder, one.entry.name) for one in state.domains]
    signatures: set[str] = set()
    graphs: set[str] = set()
    kept: list[Masked] = []
    growth: list[dict[str, int]] = []
    every = max(1, len(forms) // 10)
    for number, form in enumerate(forms, 1):
        signatures.update(form.tools.values())
        graphs.add(form.graph)
        if all(similarity(form, other) < PACKED_AT for other in kept):
            kept.append(form)
        if number % every == 0 or number == len(forms):
            growth.append(
                {
                    "domains": number,
                    "workflow_tools": len(signatures),
                    "entity_graphs": len(graphs),
                    "packed": len(kept),
                }
            )
    return Coverage(
        workflow_tools=len(signatures),
        crud_tools=sum(len(form.crud) for form in forms),
        graphs=len(graphs),
        packed=len(kept),
        growth=tuple(growth),
        categories=Counter(one.entry.cell.category for one in state.domains),
        cells=len({one.entry.cell.model_dump_json() for one in state.domains}),
    )


@dataclass
class Recheck:
    """Tools held against their contracts once more, with seeds that they were not made with."""

    tools: int = 0
    calls: int = 0
    failures: list[str] = field(default_factory=list[str])

    def summary(self) -> dict[str, Any]:
        """Return the figures as flat JSON."""
        return {"tools": self.tools, "calls": self.calls, "failures": self.failures}


def recheck(folder: Path, names: Sequence[str], *, tools: int, seed: int) -> Recheck:
    """Draw tools at random over all domains and test them anew.

    Args:
        names: the domains.
        tools: how many to draw.
        seed: draws them, and chooses worlds and calls.
    """
    rng = random.Random(derive_seed("recheck", seed))
    listed = [(name, tool) for name in names for tool in _tools_of(folder, name)]
    chosen: dict[str, list[str]] = {}
    for name, tool in rng.sample(listed, min(tools, len(listed))):
        chosen.setdefault(name, []).append(tool)
    found = Recheck()
    for name, own in sorted(chosen.items()):
        loaded = load_folder(folder / name.rpartition("/")[2])
        runtime = declarative_runtime(loaded)
        contracts = load_contracts(loaded.folder, runtime.domain)
        assert contracts is not None  # every evolved domain has them
        assert runtime.compiled is not None
        fresh = derive_seed("recheck", seed, name) % 1_000_000
        for report in check_contracts(runtime.compiled, contracts, seed=fresh, only=own).tools:
            found.tools += 1
            found.calls += report.cases
            said = [f"expected {f.expected}, got {f.got}" for f in report.failures]
            found.failures += [f"{name} {report.tool}: {one}" for one in (*said, *report.mistakes)]
    return found


def _tools_of(folder: Path, name: str) -> list[str]:
    path = folder / name.rpartition("/")[2] / "domain.yaml"
    loaded: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return list(loaded["tools"])
