"""Installing a server into a prefix of its own: never our environment, none of its code run.

A prefix cannot be moved, so it is built where it stays. It counts only once `done.json` beside it
names it; that file is replaced atomically, so a killed or a second concurrent installation does no
harm.
"""

import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentsynth.core.errors import RunError
from agentsynth.core.ids import digest
from agentsynth.core.manifest import ServerManifest
from agentsynth.evolve.prefix import StepFailed, build_prefix, is_usable

__all__ = ["install_server", "installed", "resolved_versions"]

_MARKER = "done.json"
_ABANDONED_AFTER_S = 6 * 3600
_SHOWN_LINES = 12
# Beginnings of a cause in pip's or the system's words, and what a person could do about it.
_ADVICE = (
    (r"No space left", "the disk is full: free some space and try again"),
    (r"Read-only file system|Permission denied", "the workspace folder cannot be written"),
    (r"ensurepip", "this Python lacks ensurepip: install its venv package (such as python3-venv)"),
    (
        r"NewConnectionError|Name or service not known|Temporary failure in name resolution"
        r"|Network is unreachable|ConnectTimeout|ProxyError|timed out",
        "the package index cannot be reached: connect once, or point pip at a mirror "
        "(PIP_INDEX_URL) or a folder of wheels (PIP_FIND_LINKS)",
    ),
    (
        r"no usable wheels|no wheels with a matching",
        "a dependency has no wheel for this Python, and building one would run its code: leave "
        "the server out",
    ),
    (r"npm.*not found|No such file.*npm", "node and npm are needed: install Node.js 20 or newer"),
    (r"E404|404 Not Found", "the registry does not have it, or one of its dependencies, any more"),
    (r"ETARGET", "the registry does not have this version any more"),
    (r"EAI_AGAIN|ENOTFOUND|ECONNREFUSED", "the registry cannot be reached: connect once"),
    (r"CERTIFICATE|SSLError", "the index's certificate is not trusted: set PIP_CERT"),
    (
        r"No matching distribution|Could not find a version",
        "the package index has no wheel of a pinned version for this Python and system, or it "
        "cannot be reached; try Python 3.11 to 3.13",
    ),
)


def installed(manifest: ServerManifest, prefix_root: Path) -> Path | None:
    """Return the finished prefix of this server with exactly these pins; None = not there.

    Args:
        manifest: the server.
        prefix_root: the workspace's folder of server prefixes.
    """
    home = _home(manifest, prefix_root)
    try:
        done = json.loads((home / _MARKER).read_text(encoding="utf-8"))
        prefix = home / str(done["prefix"])
        # A moved workspace or a removed Python leaves a prefix that no longer starts.
        usable = done["path"] == str(prefix) and is_usable(manifest, prefix)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return prefix if usable else None


def install_server(
    manifest: ServerManifest, prefix_root: Path, *, log: Callable[[str], None]
) -> Path:
    """Return the server's prefix, installing it first unless it is there.

    Wheels only, and no install scripts, so no package's own code runs. Where every package is
    pinned, a later installation gives the same; else `done.json` records what was resolved.

    Args:
        manifest: the server.
        prefix_root: the workspace's folder of server prefixes; made if it does not exist.
        log: takes one line per step.

    Raises:
        RunError: it could not be installed; the message says what to do.
    """
    found = installed(manifest, prefix_root)
    if found is not None:
        return found
    home = _home(manifest, prefix_root)
    try:
        home.mkdir(parents=True, exist_ok=True)
        _sweep(home)
        prefix = Path(tempfile.mkdtemp(prefix="venv-", dir=home))
        prefix.chmod(0o755)  # servers run as nobody and read it
    except OSError as exc:
        raise RunError(_message(manifest, f"{home}: {exc.strerror or exc}", "")) from exc
    log(f"installing {manifest.package} {manifest.version} into a prefix of its own")
    try:
        python, resolved = build_prefix(manifest, prefix)
        _mark(home, prefix, manifest, python, resolved)
    except StepFailed as exc:
        raise RunError(_message(manifest, exc.what, exc.output)) from exc
    except OSError as exc:
        raise RunError(_message(manifest, f"{prefix}: {exc.strerror or exc}", "")) from exc
    finally:
        if installed(manifest, prefix_root) != prefix:
            shutil.rmtree(prefix, ignore_errors=True)
    log(f"installed {manifest.package} {manifest.version} ({len(resolved)} packages)")
    return prefix


def resolved_versions(manifest: ServerManifest, prefix_root: Path) -> dict[str, str]:
    """Return the version of every package of an installed server; empty if it is not installed."""
    try:
        done = json.loads((_home(manifest, prefix_root) / _MARKER).read_text(encoding="utf-8"))
        return {str(name): str(version) for name, version in done["resolved"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _home(manifest: ServerManifest, prefix_root: Path) -> Path:
    resolved = [manifest.registry, manifest.package, *sorted(manifest.also)]
    wanted = sorted(manifest.requirements) or resolved
    pins = digest("\n".join(wanted))[:12]
    return prefix_root.resolve() / f"{manifest.name}-{manifest.version}-{pins}"


def _mark(
    home: Path, prefix: Path, manifest: ServerManifest, python: str, resolved: dict[str, str]
) -> None:
    done = {
        "prefix": prefix.name,
        "path": str(prefix),
        "manifest": manifest.id,
        "python": python,
        "resolved": resolved,
    }
    draft = prefix / _MARKER
    draft.write_text(json.dumps(done, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(draft, home / _MARKER)


def _sweep(home: Path) -> None:
    """Remove what installations that were killed long ago left behind."""
    oldest = time.time() - _ABANDONED_AFTER_S
    for leftover in home.glob("venv-*"):
        if leftover.stat().st_mtime < oldest:
            shutil.rmtree(leftover, ignore_errors=True)


def _message(manifest: ServerManifest, what: str, output: str) -> str:
    advice = next(
        (text for cause, text in _ADVICE if re.search(cause, f"{what}\n{output}")),
        "see its output",
    )
    lines = [line for line in output.splitlines() if line.strip()][-_SHOWN_LINES:]
    head = f"server {manifest.name!r} ({manifest.package} {manifest.version}) was not installed"
    return "\n".join([f"{head}: {what}; {advice}", *(f"  {line}" for line in lines)])
