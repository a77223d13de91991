"""A real tool server as data: which package, how it is launched, what is known about its tools."""

import re
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator

from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.core.frozen import Frozen, Identified

__all__ = ["Mask", "ServerManifest", "SqliteState", "ToolNote", "parse_manifest"]

ServerName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")]
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


class ServerManifest(Identified):
    """One MCP server that is installed into a prefix of its own and spoken to over stdio."""

    schema_version: Literal[1] = 1
    name: ServerName
    title: str
    registry: Literal["pypi"]
    package: str
    version: str
    """Exact version of `package`."""
    requirements: tuple[str, ...] = Field(min_length=1)
    """Every package of the prefix as `name==version`, dependencies included, nothing else."""
    command: str
    """Script in the prefix's `bin`, or `-m module`."""
    args: tuple[str, ...] = ()
    """`{scratch}` becomes the rollout's own folder."""
    env: dict[str, str] = {}
    """Added to a nearly empty environment; `{scratch}` works here too."""
    homepage: str
    licence: str
    """SPDX identifier."""
    licence_source: str
    """Where the licence was read."""
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
    start_timeout_s: float = Field(default=30.0, gt=0)
    """Seconds from launch to the answered handshake; the listing gets as long again."""
    call_timeout_s: float = Field(default=15.0, gt=0)
    """Seconds for one tool call."""

    @model_validator(mode="after")
    def _pins_are_exact_and_name_the_package(self) -> "ServerManifest":
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
