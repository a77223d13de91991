"""Whether and how a server's process is closed in."""

from dataclasses import replace
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.manifest import ServerManifest
from agentsynth.worlds.cell import Cell
from agentsynth.worlds.launching import Confine
from agentsynth.worlds.prefix import prefix_paths
from agentsynth.worlds.sandbox import closed_in, why_unavailable
from agentsynth.worlds.stdio import Launch

__all__ = ["confine_with"]


def confine_with(*, unconfined: bool) -> Confine:
    """Return what closes servers in, wherever there is a sandbox.

    Args:
        unconfined: whether the user lets servers that nobody has reviewed run where there is none.
    """

    def confine(manifest: ServerManifest, prefix: Path, launch: Launch) -> Launch:
        trusted = manifest.reviewed or unconfined
        missing = why_unavailable()
        if missing is not None and not trusted:
            raise UserError(
                f"server {manifest.name!r} is not reviewed and there is no sandbox ({missing}): "
                "install bubblewrap; or, to start it with all your rights, give --unconfined to "
                "'tools collect', or write 'unconfined: true' into the run config"
            )
        cell = Cell(launch.cwd, read_only=prefix_paths(prefix), env=launch.env)
        return replace(launch, argv=closed_in(launch.argv, cell, opted_out=trusted))

    return confine
