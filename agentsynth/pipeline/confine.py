"""Whether and how a server's process is closed in."""

from dataclasses import replace
from pathlib import Path

from agentsynth.core.manifest import ServerManifest
from agentsynth.evolve.collect import Confine
from agentsynth.worlds.cell import Cell, ResourceLimits
from agentsynth.worlds.prefix import prefix_paths
from agentsynth.worlds.sandbox import closed_in
from agentsynth.worlds.stdio import Launch

__all__ = ["confine_with"]

_NODE = ResourceLimits(memory_bytes=128 * 1024**3)
"""Node reserves 10 GB of addresses for each WebAssembly memory and uses next to nothing of them;
what it may really use is told by `--max-old-space-size`."""


def confine_with(*, unconfined: bool) -> Confine:
    """Return what closes servers in, wherever there is a sandbox.

    Args:
        unconfined: whether the user lets servers that nobody has reviewed run where there is none.
    """

    def confine(manifest: ServerManifest, prefix: Path, launch: Launch) -> Launch:
        limits = _NODE if manifest.registry == "npm" else ResourceLimits()
        cell = Cell(launch.cwd, read_only=prefix_paths(prefix), env=launch.env, limits=limits)
        return replace(
            launch, argv=closed_in(launch.argv, cell, opted_out=manifest.reviewed or unconfined)
        )

    return confine
