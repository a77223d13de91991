"""A real tool server as data: which package, how it is launched, what is known about its tools."""

import re
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.secrets import is_secret_name, is_secret_value

__all__ = [
    "VARIABLE",
    "LiveNotes",
    "Mask",
    "Prepared",
    "RemoteServer",
    "ServerManifest",
    "SqliteState",
    "ToolNote",
    "live_notes",
    "parse_manifest",
]

ServerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
VARIABLE = re.compile(r"\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
"""An environment variable in a header of a remote server."""
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[A-Za-z0-9][A-Za-z0-9.!+_-]*)$"
)


class ToolNote(Frozen):
    """What a person found out about one tool. It overrides the server's own annotations."""

    read_only: bool
    """True = the tool never changes state."""
    consequential: bool = False
    """True = the policy asks for a confirmation before the call."""
    offered: bool = True
    """False = agents are never given it, such as when its effects cannot be compared."""


class SqliteState(Frozen):
    """State in one SQLite file, read by us with our own SQLite."""

    kind: Literal["sqlite"]
    file: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the file inside the scratch folder."""


class Mask(Frozen):
    """A part of the results that varies between runs, and what stands for it."""

    pattern: str
    """Regular expression (Python's)."""
    replacement: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as exc:
            raise ValueError(f"not a regular expression: {exc}") from exc
        return value


class LiveNotes(Frozen):
    """What has to be known of a server that worlds run on."""

    tools: dict[str, ToolNote]
    """By tool name. A listed tool that has no note is not offered."""
    state: SqliteState
    reusable: bool = False
    """True = between calls it keeps nothing but `state`, so that one process may serve several
    worlds, one after the other, with the state put back in between."""
    results: Literal["json", "python_literal", "text"]
    """How the text of a result is read by a scripted demonstrator."""
    sql_arguments: tuple[str, ...] = ()
    """Tool arguments that hold SQL, which is traced word by word."""
    error_prefixes: tuple[str, ...] = ()
    """Beginnings of texts that are errors although the server does not mark them."""
    masks: tuple[Mask, ...] = ()
    """Applied to every result, in order."""
    call_timeout_s: float = Field(default=15.0, gt=0)
    """Seconds for one tool call."""


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


class RemoteServer(Frozen):
    """A server that is reached at an address."""

    url: str = Field(pattern=r"^https?://[^\s/]")
    transport: Literal["streamable_http", "sse"] = "streamable_http"
    headers: dict[str, str] = {}
    """`{env:NAME}` becomes that environment variable's value when the server is asked, and is
    stored nowhere; a secret is given in no other way."""

    @model_validator(mode="after")
    def _holds_no_secret(self) -> "RemoteServer":
        if is_secret_value(self.url):
            raise ValueError("url: holds a secret; give it in a header, as {env:NAME}")
        for name, value in self.headers.items():
            given = VARIABLE.sub("", value)
            if is_secret_value(given) or (is_secret_name(name) and given == value):
                raise ValueError(f"headers: {name} looks like a secret; write {{env:NAME}} there")
        return self


class ServerManifest(Identified):
    """One MCP server: installed into a prefix of its own and spoken to over stdio, or remote."""

    schema_version: Literal[1] = 1
    name: ServerName
    title: str
    registry: Literal["npm", "pypi", "remote"]
    remote: RemoteServer | None = None
    """Where it is reached; None = it is installed. With it there is no package and no command."""
    package: str = Field(
        default="", pattern=r"^(@[a-z0-9][a-z0-9._-]*/)?[A-Za-z0-9][A-Za-z0-9._-]*$"
    )
    version: str = Field(default="", pattern=r"^[A-Za-z0-9][A-Za-z0-9.!+_-]*$")
    """Exact version of `package`."""
    requirements: tuple[str, ...] = ()
    """Every package of the prefix as `name==version`, dependencies included, nothing else. Empty =
    dependencies are resolved when it is installed, and recorded: enough to list its tools, not
    to run worlds on."""
    also: tuple[str, ...] = ()
    """Further requirements where dependencies are resolved, such as `mcp<2`."""
    python: tuple[int, int] = (3, 11)
    """The least Python it runs on."""
    command: str = ""
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
    reviewed_markers: dict[str, tuple[str, ...]] = {}
    """By tool: markers of `tools audit` that a person has read there and found harmless."""
    start_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds from launch to the answered handshake; the listing gets as long again."""
    live: LiveNotes | None = None
    """None = its tools can be listed and no world runs on it."""

    @model_validator(mode="after")
    def _is_installed_or_remote(self) -> "ServerManifest":
        if (self.remote is not None) != (self.registry == "remote"):
            raise ValueError("remote: goes with 'registry: remote', and only with it")
        wanted = ("package", "version", "command")
        given = [name for name in wanted if getattr(self, name)]
        if self.remote is None and len(given) < len(wanted):
            missing = next(name for name in wanted if name not in given)
            raise ValueError(f"{missing}: this field is required, unless 'remote' is given")
        if self.remote is not None and (given or self.live is not None):
            raise ValueError("remote: has no package, version, command or 'live' part beside it")
        return self

    @model_validator(mode="after")
    def _pins_are_exact_and_name_the_package(self) -> "ServerManifest":
        if self.live is not None and not self.requirements:
            raise ValueError("requirements: a server that worlds run on pins every package")
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
