"""Fidelity of shadows: inferred without a model or overlay, held against the really running server.

    python -m benchmarks.fidelity [SERVER ...]

Without names: the servers of fidelity_servers.yaml, which were chosen before anything was measured
and whose tools the inference was not written for. They have to be collected. Unlike `agentsynth
tools shadow --replay`, the shadow takes over how the server lays its answers out. Prints a line for
each tool, and one JSON object last.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from agentsynth.cli.tools_known import SNAPSHOT, known_paths, read
from agentsynth.core.domain import Domain
from agentsynth.evolve.shadows.emit import Source, domain_of
from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.evolve.snapshot import load_server
from agentsynth.pipeline.domains import WORKSPACE
from agentsynth.pipeline.fidelity import Fidelity, ToolFidelity
from agentsynth.pipeline.replay import installed_server, running, twice
from agentsynth.pipeline.shadows import shadow_server, source_of
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import load_yaml


def _compiled(
    name: str, inferred: Inferred, source: Source, operations: Mapping[str, Operation]
) -> CompiledDomain:
    written = domain_of(name, inferred, source, [*operations.values()])
    return CompiledDomain(Domain.model_validate(written))


async def one(server: str, folder: Path) -> tuple[Fidelity, Fidelity, int]:
    """Return what a server's shadow scores, and what its admitted tools score on other calls.

    The third value is how many tools the server lists.
    """
    listed = load_server(SNAPSHOT, server)
    start = installed_server(listed, read(known_paths()[server]), WORKSPACE / "servers")
    if isinstance(start, str):
        raise SystemExit(f"{server}: {start}")
    shadows = await shadow_server(listed, folder, skip={}, log=lambda line: None)
    inferred = infer(server, listed.tools)
    first: dict[str, ToolFidelity] = {}
    again: dict[str, ToolFidelity] = {}
    for domain in shadows.domains:
        compile_with = partial(_compiled, domain.name, inferred, source_of(listed))
        found = await twice(partial(running, start), compile_with, inferred, domain.tools)
        first |= found[0].tools
        again |= found[1].tools
    return Fidelity(first), Fidelity(again), len(listed.tools)


async def main(servers: list[str]) -> None:
    """Measure and print."""
    held = load_yaml(Path(__file__).parent / "fidelity_servers.yaml").value["servers"]
    every: dict[str, float] = {}
    scores: dict[str, float] = {}
    tools: dict[str, tuple[int, int]] = {}
    for server in servers or [entry["name"] for entry in held]:
        with tempfile.TemporaryDirectory() as folder:
            first, again, listed = await one(server, Path(folder))
        print(
            f"{server}: {len(first.tools)} of {listed} tools compared, {len(again.tools)} admitted"
        )
        for name, tool in first.tools.items():
            later = again.tools[name].as_fields() if name in again.tools else None
            print("  " + json.dumps({**tool.as_fields(), "again": later and later["score"]}))
        tools[server] = (len(first.tools), len(again.tools))
        if first.tools:
            every[server] = round(first.score, 3)
        if again.tools:
            scores[server] = round(again.score, 3)
    summary = {"all_tools": every, "admitted": scores, "tools": tools}
    means = {"mean_all": _mean(every), "mean_admitted": _mean(scores)}
    print(json.dumps({**summary, **means}))


def _mean(scores: dict[str, float]) -> float | None:
    return round(sum(scores.values()) / len(scores), 3) if scores else None


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
