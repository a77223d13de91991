"""Installing a server into a prefix of its own: pinned wheels only, never our environment.

A prefix is a virtual environment and cannot be moved, so it is built where it stays. It counts only
once `done.json` beside it names it; that file is replaced atomically, so a killed or a second
concurrent installation does no harm.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from agentsynth.core.errors import RunError
from agentsynth.core.ids import digest
from agentsynth.core.manifest import ServerManifest

__all__ = ["install_server", "installed"]

_MARKER = "done.json"
_STEP_TIMEOUT_S = 900
_ABANDONED_AFTER_S = 6 * 3600
_SHOWN_LINES = 12
# What would make pip write elsewhere than into the prefix, or Python read from elsewhere.
_NOT_INHERITED = (
    "PIP_PREFIX",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
    "__PYVENV_LAUNCHER__",
)
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
        usable = done["path"] == str(prefix) and (prefix / "bin" / "python").exists()
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return prefix if usable else None


def install_server(
    manifest: ServerManifest, prefix_root: Path, *, log: Callable[[str], None]
) -> Path:
    """Return the server's prefix, installing it first unless it is there.

    Wheels only, so no package's own code runs; only the pinned versions, so a later installation
    gives the same. `done.json` records what was installed.

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
    except OSError as exc:
        raise RunError(_message(manifest, f"{home}: {exc.strerror or exc}", "")) from exc
    try:
        resolved = _build(manifest, prefix, log)
        _mark(home, prefix, manifest, resolved)
    except OSError as exc:
        raise RunError(_message(manifest, f"{prefix}: {exc.strerror or exc}", "")) from exc
    finally:
        if installed(manifest, prefix_root) != prefix:
            shutil.rmtree(prefix, ignore_errors=True)
    log(f"installed {manifest.package} {manifest.version} ({len(resolved)} packages)")
    return prefix


def _home(manifest: ServerManifest, prefix_root: Path) -> Path:
    pins = digest("\n".join(sorted(manifest.requirements)))[:12]
    return prefix_root.absolute() / f"{manifest.name}-{manifest.version}-{pins}"


def _build(manifest: ServerManifest, prefix: Path, log: Callable[[str], None]) -> dict[str, str]:
    """Fill the prefix and return what it holds, version by package."""
    log(f"installing {manifest.package} {manifest.version} into a prefix of its own")
    _step(manifest, [sys.executable, "-m", "venv", str(prefix)])
    wanted = prefix / "requirements.txt"
    wanted.write_text("\n".join(manifest.requirements) + "\n", encoding="utf-8")
    pip = [str(prefix / "bin" / "python"), "-m", "pip", "--no-input", "--disable-pip-version-check"]
    # No dependency is resolved: the pins are the whole list, and `pip check` proves it.
    only_pins = ["--no-deps", "--only-binary", ":all:", "--requirement", str(wanted)]
    _step(manifest, [*pip, "install", "--quiet", *only_pins])
    _step(manifest, [*pip, "check"])
    listed = _step(manifest, [*pip, "list", "--format", "json"])
    return {str(entry["name"]): str(entry["version"]) for entry in json.loads(listed)}


def _mark(home: Path, prefix: Path, manifest: ServerManifest, resolved: dict[str, str]) -> None:
    done = {
        "prefix": prefix.name,
        "path": str(prefix),
        "manifest": manifest.id,
        "python": ".".join(str(part) for part in sys.version_info[:3]),
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


def _step(manifest: ServerManifest, argv: list[str]) -> str:
    """Run one command and return its stdout."""
    env = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
    try:
        done = subprocess.run(
            argv,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_STEP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise RunError(
            _message(manifest, f"no end after {_STEP_TIMEOUT_S} s: timed out", "")
        ) from exc
    if done.returncode != 0:
        what = f"{' '.join(Path(argv[0]).name if a == argv[0] else a for a in argv[:4])} failed"
        raise RunError(_message(manifest, what, done.stdout + done.stderr))
    return done.stdout


def _message(manifest: ServerManifest, what: str, output: str) -> str:
    advice = next(
        (text for cause, text in _ADVICE if re.search(cause, f"{what}\n{output}")),
        "see its output",
    )
    lines = [line for line in output.splitlines() if line.strip()][-_SHOWN_LINES:]
    head = f"server {manifest.name!r} ({manifest.package} {manifest.version}) was not installed"
    return "\n".join([f"{head}: {what}; {advice}", *(f"  {line}" for line in lines)])
