"""Where a workspace keeps what is collected and made: beside where the command runs."""

from pathlib import Path

__all__ = ["EVOLVED", "SHADOWS", "WORKSPACE"]

WORKSPACE = Path(".agentsynth")
"""Folder of installed servers, the snapshot of tools, shadows and recordings."""
SHADOWS = WORKSPACE / "shadows"
"""Domains made from collected specifications, a folder a server."""
EVOLVED = WORKSPACE / "evolved"
"""Domains that the evolver made, a folder each."""
