"""Filling a prefix: wheels from PyPI, or packages from npm without their install scripts.

No package's own code runs here. A Python prefix is a virtual environment, made by pip, or by uv
where it is there, which takes a tenth of the time; an npm prefix has its `node_modules`.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from agentsynth.core.manifest import ServerManifest
from agentsynth.core.resources import bundled

__all__ = ["StepFailed", "build_prefix", "is_usable"]

STEP_TIMEOUT_S = 900

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

_LAST_MINOR = 14
"""The newest Python that is looked for."""


@dataclass
class StepFailed(Exception):
    """A command of an installation did not do what it should."""

    what: str
    output: str = ""


def build_prefix(manifest: ServerManifest, prefix: Path) -> tuple[str, dict[str, str]]:
    """Fill an empty prefix; return the interpreter's version and every package's.

    Raises:
        StepFailed: saying which command failed, with what it printed.
        OSError: if the prefix cannot be written.
    """
    if manifest.registry == "npm":
        return _npm(manifest, prefix)
    if manifest.requirements:
        return _pinned(manifest, prefix)
    return _resolved(manifest, prefix)


def is_usable(manifest: ServerManifest, prefix: Path) -> bool:
    """Return whether a prefix is still there; a removed Python leaves one that starts nothing."""
    if manifest.registry == "npm":
        return (prefix / "node_modules").is_dir()
    return (prefix / "bin" / "python").exists()


def _pinned(manifest: ServerManifest, prefix: Path) -> tuple[str, dict[str, str]]:
    """Install exactly the pins: nothing is resolved, and `pip check` proves that they suffice."""
    _step([sys.executable, "-m", "venv", str(prefix)])
    wanted = prefix / "requirements.txt"
    wanted.write_text("\n".join(manifest.requirements) + "\n", encoding="utf-8")
    pip = _pip(prefix / "bin" / "python")
    only_pins = ["--no-deps", "--only-binary", ":all:", "--requirement", str(wanted)]
    _step([*pip, "install", "--quiet", *only_pins])
    _step([*pip, "check"])
    return _version_of(sys.executable), _listed(pip)


def _resolved(manifest: ServerManifest, prefix: Path) -> tuple[str, dict[str, str]]:
    """Install the package with what it declares, and what the manifest adds."""
    python = _python(manifest.python)
    wanted = [f"{manifest.package}=={manifest.version}", *manifest.also]
    uv = shutil.which("uv")
    if uv is not None:
        _step([uv, "venv", "--quiet", "--allow-existing", "--python", python, str(prefix)])
        target = ["--quiet", "--python", str(prefix / "bin" / "python")]
        _step([uv, "pip", "install", "--no-build", *target, *wanted])
        listed = _step([uv, "pip", "list", "--format", "json", *target])
        packages = {str(one["name"]): str(one["version"]) for one in json.loads(listed)}
        return _version_of(python), packages
    _step([python, "-m", "venv", str(prefix)])
    pip = _pip(prefix / "bin" / "python")
    _step([*pip, "install", "--quiet", "--only-binary", ":all:", *wanted])
    return _version_of(python), _listed(pip)


def _npm(manifest: ServerManifest, prefix: Path) -> tuple[str, dict[str, str]]:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise StepFailed("npm was not found")
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier", "--quiet"]
    if manifest.lock is not None:
        _write_lock(manifest, prefix)
        _step([npm, "ci", "--prefix", str(prefix), *quiet])
    else:
        wanted = [f"{manifest.package}@{manifest.version}", *manifest.also]
        _step([npm, "install", "--prefix", str(prefix), *quiet, *wanted])
    lock = json.loads((prefix / "package-lock.json").read_text(encoding="utf-8"))
    packages = {
        path.rpartition("node_modules/")[2]: str(entry.get("version", ""))
        for path, entry in sorted(lock.get("packages", {}).items())
        if path and not entry.get("link")
    }
    return _version_of("node"), packages


def _write_lock(manifest: ServerManifest, prefix: Path) -> None:
    """Put the lock that comes with the manifest where `npm ci` looks for it."""
    path = bundled("tools_registry") / "locks" / f"{manifest.name}.json"
    text = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(text).hexdigest() != manifest.lock:
        raise StepFailed(f"{path.name} among the locks is not the one that the manifest names")
    (prefix / "package-lock.json").write_bytes(text)
    top = json.loads(text)["packages"][""]
    (prefix / "package.json").write_text(json.dumps(top), encoding="utf-8")


def _python(least: tuple[int, int]) -> str:
    """Return the oldest Python there is that is new enough.

    Raises:
        StepFailed: if there is none.
    """
    if sys.version_info[:2] >= least:
        return sys.executable
    for minor in range(least[1], _LAST_MINOR + 1):
        for found in _pythons(minor):
            if _version_of(found).startswith(f"3.{minor}."):
                return found
    needed = ".".join(map(str, least))
    raise StepFailed(f"Python {needed} or newer was not found: install it, or leave the server out")


def _pythons(minor: int) -> list[str]:
    """Return where a Python may lie: on the path, or where pyenv keeps them."""
    on_path = shutil.which(f"python3.{minor}")
    kept = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    return [
        *([on_path] if on_path else []),
        *map(str, sorted(kept.glob(f"3.{minor}.*/bin/python3.{minor}"))),
    ]


@cache
def _version_of(program: str) -> str:
    try:
        said = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return said.strip().removeprefix("Python ").removeprefix("v")


def _pip(python: Path) -> list[str]:
    return [str(python), "-m", "pip", "--no-input", "--disable-pip-version-check"]


def _listed(pip: list[str]) -> dict[str, str]:
    listed = _step([*pip, "list", "--format", "json"])
    return {str(entry["name"]): str(entry["version"]) for entry in json.loads(listed)}


def _step(argv: list[str]) -> str:
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
            timeout=STEP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise StepFailed(f"no end after {STEP_TIMEOUT_S} s: timed out") from exc
    if done.returncode != 0:
        shown = " ".join([Path(argv[0]).name, *argv[1:4]])
        raise StepFailed(f"{shown} failed", done.stdout + done.stderr)
    return done.stdout
