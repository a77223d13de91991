"""Which command of an installed package is its server, where the manifest's guess is none."""

import json
from importlib.metadata import distributions
from pathlib import Path

from agentsynth.core.errors import RunError
from agentsynth.core.manifest import ServerManifest
from agentsynth.worlds.launching import binaries_of

__all__ = ["with_real_command"]


def with_real_command(manifest: ServerManifest, prefix: Path) -> ServerManifest:
    """Return the manifest with a command that the prefix has.

    A draft guesses that the command bears the package's name, as most do. Otherwise the only
    command counts, or the only one with `mcp` in its name.

    Raises:
        RunError: the package has no command, or several that could be meant.
    """
    command = manifest.command
    if command.startswith("-m ") or (binaries_of(manifest, prefix) / command).exists():
        return manifest
    found = _npm(manifest, prefix) if manifest.registry == "npm" else _pypi(manifest, prefix)
    likely = found if len(found) == 1 else [name for name in found if "mcp" in name.lower()]
    if len(likely) == 1:
        return manifest.model_copy(update={"command": likely[0]})
    has = f"has the commands {', '.join(found[:10])}" if found else "has no command"
    raise RunError(
        f"server {manifest.name!r}: its package has no command {command!r}; it {has}: give the "
        "right one as 'command' in its manifest, '-m module' for a Python module"
    )


def _npm(manifest: ServerManifest, prefix: Path) -> list[str]:
    path = prefix / "node_modules" / manifest.package / "package.json"
    try:
        named = json.loads(path.read_text(encoding="utf-8")).get("bin", {})
    except (OSError, ValueError, AttributeError):
        return []
    if isinstance(named, str):
        return [manifest.package.rpartition("/")[2]]
    return sorted(str(name) for name in named) if isinstance(named, dict) else []


def _pypi(manifest: ServerManifest, prefix: Path) -> list[str]:
    places = [str(path) for path in prefix.glob("lib/python*/site-packages")]
    found = distributions(name=manifest.package, path=places)
    scripts = {
        entry.name
        for distribution in found
        for entry in distribution.entry_points.select(group="console_scripts")
    }
    return sorted(scripts)
