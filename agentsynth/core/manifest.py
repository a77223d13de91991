"""A real tool server as data: which package, how it is launched, what is known about its tools."""

import re
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.live_notes import LiveNotes

__all__ = ["Prepared", "ServerManifest", "live_notes", "parse_manifest"]

ServerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)$"
)


class Prepared(Frozen):
    """A file or folder a server wants to find in its scratch folder."""

    path: str = Field(pattern=r"^[A-Za-z0-9._][A-Za-z0-9._/-]*$")
    """Below the scratch folder."""
    text: str | None = None
    """What the file holds; None = it is a folder."""
    git: bool = False
    """True = the folder is a git repository with one commit."""

    @field_validator("path")
    @classmethod
    def _stays_below(cls, value: str) -> str:
        if ".." in value.split("/"):
            raise ValueError("must stay below the scratch folder")
        return value


class ServerManifest(Identified):
    """One MCP server that is installed into a prefix of its own and spoken to over stdio."""

    schema_version: Literal[1] = 1
    name: ServerName
    title: str
    registry: Literal["npm", "pypi"]
    package: str = Field(pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$")
    version: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")
    """Exact version of `package`."""
    requirements: tuple[str, ...] = ()
    """Every package of the prefix as `name==version`, dependencies included, nothing else. Empty =
    dependencies are resolved when it is installed, and recorded: enough to list its tools, not
    to run worlds on."""
    lock: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of `locks/NAME.json` beside the manifests: what `npm ci` installs, every package with
    its version and the hash of its content. None = as for empty requirements."""
    also: tuple[str, ...] = ()
    """Further requirements where dependencies are resolved, such as `mcp<2`."""
    python: tuple[int, int] = (3, 11)
    """The least Python it runs on."""
    command: str
    """Script in the prefix, or `-m module`."""
    args: tuple[str, ...] = ()
    """`{scratch}` becomes the server's own folder, `{secret}` a dummy that shows if it leaks."""
    env: dict[str, str] = {}
    """Added to a nearly empty environment; the placeholders of `args` work here too."""
    prepare: tuple[Prepared, ...] = ()
    """What lies in the scratch folder when it starts."""
    category: str = ""
    """What it is about, in a word."""
    homepage: str = ""
    licence: str
    """SPDX identifier, or `unknown`."""
    licence_source: str
    """Where the licence was read."""
    reviewed: bool = False
    """True = a person of this project has read what it does: it may start without a sandbox."""
    start_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds from launch to the answered handshake; the listing gets as long again."""
    live: LiveNotes | None = None
    """None = its tools can be listed and no world runs on it."""

    @model_validator(mode="after")
    def _pins_are_exact_and_name_the_package(self) -> "ServerManifest":
        if self.lock is not None and self.registry != "npm":
            raise ValueError("lock: only packages of npm have a lock file")
        if self.live is not None and not self.requirements and self.lock is None:
            raise ValueError(
                "requirements: a server that worlds run on pins every package "
                "(of PyPI by requirements, of npm by a lock)"
            )
        if self.requirements and self.registry != "pypi":
            raise ValueError("requirements: only packages of PyPI are pinned one by one")
        if not self.requirements:
            return self
        pins: dict[str, str] = {}
        for line in self.requirements:
            match = _PIN.fullmatch(line)
            if match is None:
                raise ValueError(f"requirements: {line!r} is not of the form name==version")
            name = _normalised(match["name"])
            if name in pins:
                raise ValueError(f"requirements: {match['name']!r} is pinned twice")
            pins[name] = match["version"]
        if pins.get(_normalised(self.package)) != self.version:
            raise ValueError(f"requirements: expected the line {self.package}=={self.version}")
        return self


def live_notes(manifest: ServerManifest) -> LiveNotes:
    """Return what worlds need to know of a server.

    Raises:
        UserError: if its manifest has no `live` part.
    """
    if manifest.live is None:
        raise UserError(
            f"server {manifest.name!r} has no 'live' part in its manifest: its tools can be "
            "listed, and no world runs on it"
        )
    return manifest.live


def parse_manifest(raw: object, file: str) -> ServerManifest:
    """Return the manifest that a YAML file holds.

    Args:
        raw: the parsed YAML.
        file: what the messages call the file.

    Raises:
        UserError: naming the file, each wrong field and what was expected.
    """
    if not isinstance(raw, dict):
        raise UserError(f"{file}: expected a mapping with name, package, version and so on")
    try:
        return ServerManifest.model_validate(raw)
    except ValidationError as exc:
        problems = [
            Problem(file, None, ".".join(str(part) for part in error["loc"]), _said(error["msg"]))
            for error in exc.errors(include_url=False)
        ]
        raise UserError(render_problems(problems)) from exc


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")


def _normalised(package: str) -> str:
    return re.sub(r"[-_.]+", "-", package).lower()
