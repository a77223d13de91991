"""Whether and how a server's process is closed in."""

from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.manifest import ServerManifest
from agentsynth.evolve.collect import Confine
from agentsynth.worlds.stdio import Launch

__all__ = ["confine_with"]


def confine_with(*, unconfined: bool) -> Confine:
    """Return what closes servers in.

    Args:
        unconfined: whether the user lets servers run that nobody has reviewed.
    """

    def confine(manifest: ServerManifest, prefix: Path, launch: Launch) -> Launch:
        if manifest.reviewed or unconfined:
            return launch
        raise UserError(
            f"server {manifest.name!r} is not reviewed and there is no sandbox: give --unconfined "
            "to start it all the same, with your rights"
        )

    return confine
