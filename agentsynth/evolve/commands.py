"""Which package a command line starts: npx, bunx, pnpm dlx, uvx, uv tool run, pipx run."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from agentsynth.evolve.registry_launch import package_fault, version_fault

__all__ = ["Started", "package_of"]

_NODE: dict[str, tuple[str, ...]] = {
    "npx": (), "bunx": (), "pnpx": (), "pnpm": ("dlx",), "yarn": ("dlx",), "bun": ("x",),
    "npm": ("exec",),
}  # fmt: skip
_PYTHON: dict[str, tuple[str, ...]] = {"uvx": (), "uv": ("tool", "run"), "pipx": ("run",)}
_ALONE = ("-y", "--yes", "-q", "--quiet", "--silent", "--no-cache", "--isolated", "--refresh", "--")
"""Options that say nothing of which package it is."""
_PACKAGE = ("-p", "--package", "--from", "--spec")
"""Options that name the package, so that the first other word is a command in it."""
_WITH_VALUE = ("--python", "--prerelease")


@dataclass(frozen=True, slots=True)
class Started:
    """The package that a command line starts."""

    registry: Literal["npm", "pypi"]
    package: str
    version: str | None
    """None = the command does not pin one."""
    script: str | None
    """Command in the package; None = the one that bears its name."""
    args: tuple[str, ...]


def package_of(program: str, tokens: Sequence[str]) -> Started | None:
    """Return the package that a command line starts; None = it starts something else.

    None also where an option could change which package that is, such as another index.

    Args:
        program: bare name of the program, in lower case.
        tokens: its arguments.
    """
    registry: Literal["npm", "pypi"] = "npm" if program in _NODE else "pypi"
    words = _NODE.get(program, _PYTHON.get(program))
    if words is None or tuple(tokens[: len(words)]) != words:
        return None
    rest = list(tokens[len(words) :])
    named: str | None = None
    while rest and rest[0].startswith("-"):
        option, joint, value = rest.pop(0).partition("=")
        if option in _ALONE and not joint:
            continue
        if option not in (*_PACKAGE, *_WITH_VALUE) or (registry == "pypi" and option == "-p"):
            return None
        if not joint:
            if not rest:
                return None
            value = rest.pop(0)
        if option in _PACKAGE:
            if named is not None:
                return None
            named = value
    return _started(registry, named, rest)


def _started(
    registry: Literal["npm", "pypi"], named: str | None, rest: list[str]
) -> Started | None:
    if named is None and not rest:
        return None
    spec = named or rest[0]
    script = rest[0] if named and rest else None
    package, version = _split(registry, spec)
    if package_fault(registry, package) or (version and version_fault(version)):
        return None
    script = None if script == package else script
    return Started(registry, package, version, script, tuple(rest[1:]))


def _split(registry: str, spec: str) -> tuple[str, str | None]:
    """Return (package, version) of `name@1.0` or `name==1.0`; no version, or latest, is None."""
    joint = "==" if registry == "pypi" and "==" in spec else "@"
    match = re.fullmatch(rf"(@?[^@=]+?){joint}(.+)", spec)
    if match is None:
        return spec, None
    return match[1], None if match[2] == "latest" else match[2]
