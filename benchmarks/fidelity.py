"""Fidelity of shadows: inferred without a model or overlay, held against the really running server.

    python -m benchmarks.fidelity [SERVER ...]

Without names: the servers of fidelity_servers.yaml, which were chosen before anything was measured
and whose tools the inference was not written for. They have to be collected. Prints a line for each
tool, and one JSON object last.
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from agentsynth.cli.tools_known import SNAPSHOT, known_paths, read
from agentsynth.core.domain import Domain
from agentsynth.evolve.install import installed
from agentsynth.evolve.shadows.emit import Source, domain_of
from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.evolve.snapshot import load_server
from agentsynth.pipeline.confine import confine_with
from agentsynth.pipeline.domains import WORKSPACE
from agentsynth.pipeline.fidelity import Fidelity, LiveCall, ToolFidelity, measure
from agentsynth.pipeline.shadows import shadow_server, source_of
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.launching import launch_of, prepare_scratch
from agentsynth.worlds.seat import scratch_folder
from agentsynth.worlds.stdio import connect

SEED = 11
ADMITTED = 0.8
"""Score of a tool's first replay from which its shadow is said to be like it."""


@asynccontextmanager
async def running(server: str) -> AsyncGenerator[LiveCall]:
    """Start a collected server on an empty scratch folder, in the sandbox."""
    manifest = read(known_paths()[server])
    prefix = installed(manifest, (WORKSPACE / "servers").absolute())
    if prefix is None:
        raise SystemExit(f"{server} is not installed: agentsynth tools collect {server}")
    async with AsyncExitStack() as stack:
        scratch = scratch_folder(stack)
        prepare_scratch(manifest, scratch)
        launch = confine_with(unconfined=False)(
            manifest, prefix, launch_of(manifest, prefix, scratch)
        )
        connection = await stack.enter_async_context(connect(launch))

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            reply = await connection.call_tool(name, arguments)
            return reply.text, reply.is_error or _says_error(reply.text)

        yield call


def _says_error(text: str) -> bool:
    """Whether a text is an error that the server does not mark as one."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.lower().startswith(("error", "failed", "not found"))
    if not isinstance(value, dict):
        return False
    return value.get("success") is False or value.get("ok") is False or bool(value.get("error"))


def _compiled(
    name: str, inferred: Inferred, source: Source, operations: Mapping[str, Operation]
) -> CompiledDomain:
    written = domain_of(name, inferred, source, [*operations.values()])
    return CompiledDomain(Domain.model_validate(written))


async def one(server: str, folder: Path) -> tuple[Fidelity, Fidelity, int]:
    """Return what a server's shadow scores, and what its admitted tools score on other calls.

    A tool is admitted to level L3 when its first replay scores `ADMITTED`. The third value is how
    many tools the server lists.
    """
    listed = load_server(SNAPSHOT, server)
    shadows = await shadow_server(listed, folder, skip={}, log=lambda line: None)
    inferred = infer(server, listed.tools)
    first: dict[str, ToolFidelity] = {}
    again: dict[str, ToolFidelity] = {}
    for domain in shadows.domains:
        compile_with = partial(_compiled, domain.name, inferred, source_of(listed))
        async with running(server) as live:
            found = await measure(live, compile_with, inferred, domain.tools, seed=SEED)
        first |= {name: tool for name, tool in found.tools.items() if tool.format}
        admitted = [n for n, tool in found.tools.items() if tool.format and tool.score >= ADMITTED]
        async with running(server) as live:
            found = await measure(
                live, compile_with, inferred, domain.tools, seed=SEED + 1, only=admitted
            )
        again |= {name: tool for name, tool in found.tools.items() if tool.format}
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
