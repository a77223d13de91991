"""Which manifests there are, and where the snapshot lies."""

from collections.abc import Sequence
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.pipeline.domains import WORKSPACE
from agentsynth.worlds.files import load_yaml

__all__ = ["DRAFTS", "SNAPSHOT", "allow_list", "bundled_paths", "known_paths", "read"]

SNAPSHOT = WORKSPACE / "tools"
DRAFTS = WORKSPACE / "manifests"


def bundled_paths() -> dict[str, Path]:
    """Return the manifests of tools_registry by name."""
    return {path.stem: path for path in sorted(bundled("tools_registry").glob("*.yaml"))}


def known_paths() -> dict[str, Path]:
    """Return the bundled manifests and the drafts of this workspace by name."""
    drafts = {path.stem: path for path in sorted(DRAFTS.glob("*.yaml"))}
    return {**drafts, **bundled_paths()}


def read(path: Path) -> ServerManifest:
    """Return a manifest.

    Raises:
        UserError: naming the file and what is wrong in it.
    """
    manifest = parse_manifest(load_yaml(path).value, str(path))
    if manifest.name != path.stem:
        raise UserError(f"{path}: name: expected {path.stem!r}, as the file is called")
    return manifest


def allow_list(given: Sequence[str]) -> list[str]:
    """Return the licences of `--licence A,B --licence C`; empty = all are allowed."""
    return [name.strip() for text in given for name in text.split(",") if name.strip()]
