"""The newest version of a package, asked from its registry through the registry's own client."""

import re
import shutil
import subprocess
import sys
from typing import Literal

from agentsynth.evolve.registry_launch import package_fault, version_fault

__all__ = ["newest_version"]

_TIMEOUT_S = 60
_FIRST_LINE = re.compile(r"^\S+ \(([^()\s]+)\)")


def newest_version(registry: Literal["npm", "pypi"], package: str) -> str | None:
    """Return the newest version that is no preview; None = there is none, or nobody answers.

    No code of the package runs.
    """
    if package_fault(registry, package) is not None:
        return None
    said = _said(_npm(package) if registry == "npm" else _pip(package))
    match = re.fullmatch(r'"?([^"\s]+)"?', said.strip()) if registry == "npm" else None
    match = match or _FIRST_LINE.match(said)
    version = match[1] if match else None
    return version if version is not None and version_fault(version) is None else None


def _npm(package: str) -> list[str]:
    return [shutil.which("npm") or "npm", "view", "--json", "--", package, "version"]


def _pip(package: str) -> list[str]:
    quiet = ["--no-input", "--disable-pip-version-check"]
    return [sys.executable, "-m", "pip", *quiet, "index", "versions", "--", package]


def _said(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
