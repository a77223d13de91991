"""Where bundled files lie, in a checkout and in an installed wheel alike."""

from pathlib import Path

from agentsynth.core.errors import RunError

__all__ = ["bundled"]

_PACKAGE = Path(__file__).resolve().parent.parent


def bundled(kind: str) -> Path:
    """Return the folder of bundled `domains`, `rubrics` or `tools_registry`.

    Raises:
        RunError: if the installation lacks it.
    """
    for folder in (_PACKAGE / "_bundled" / kind, _PACKAGE.parent / kind):
        if folder.is_dir():
            return folder
    raise RunError(f"this installation has no bundled {kind!r} folder; reinstall agentsynth-engine")
