"""The licence that an installed package names in its own metadata."""

import json
from importlib.metadata import PackageMetadata, distributions
from pathlib import Path

from agentsynth.core.manifest import ServerManifest
from agentsynth.evolve.licences import Licence, licence_of

__all__ = ["package_licence"]

_NONE = Licence(None, "")


def package_licence(manifest: ServerManifest, prefix: Path) -> Licence:
    """Return what a package says of its licence; no expression where it is not understood."""
    if manifest.registry == "npm":
        path = prefix / "node_modules" / manifest.package / "package.json"
        try:
            said = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return _NONE
        if not isinstance(said, dict):
            return _NONE
        return licence_of(said.get("license", said.get("licenses")))
    places = [str(path) for path in prefix.glob("lib/python*/site-packages")]
    found = next(iter(distributions(name=manifest.package, path=places)), None)
    return _NONE if found is None else _of_wheel(found.metadata)


def _of_wheel(metadata: PackageMetadata) -> Licence:
    # License-Expression is the newer field, and the only one whose form is checked.
    written = [*metadata.get_all("License-Expression", []), *metadata.get_all("License", [])]
    return licence_of(written[0] if written else None, metadata.get_all("Classifier", []))
