"""What is known of a server that worlds run on: its state, its tools, how its results are read."""

import re
from typing import Annotated, Literal

from pydantic import Field, JsonValue, field_validator

from agentsynth.core.frozen import Frozen

__all__ = [
    "DuckdbState",
    "FilesState",
    "GitState",
    "JsonState",
    "JsonTable",
    "LiveNotes",
    "Mask",
    "ResultLines",
    "ServerState",
    "SheetsState",
    "SqliteState",
    "ToolNote",
]

Below = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
"""Name of a file or folder right inside the scratch folder."""


def _expression(value: str) -> str:
    try:
        re.compile(value)
    except re.error as exc:
        raise ValueError(f"not a regular expression: {exc}") from exc
    return value


class ToolNote(Frozen):
    """What a person found out about one tool. It overrides the server's own annotations."""

    read_only: bool
    """True = the tool never changes state."""
    consequential: bool = False
    """True = the policy asks for a confirmation before the call."""
    looks: dict[str, str] = {}
    """For a tool that can do both: a call only looks if each of these arguments has a place where
    its regular expression fits (an argument that is not given is an empty text)."""
    offered: bool = True
    """False = agents are never given it, such as when its effects cannot be compared."""

    @field_validator("looks")
    @classmethod
    def _compile(cls, value: dict[str, str]) -> dict[str, str]:
        return {name: _expression(pattern) for name, pattern in value.items()}


class SqliteState(Frozen):
    """State in one SQLite file, read by us with our own SQLite."""

    kind: Literal["sqlite"]
    file: Below


class DuckdbState(Frozen):
    """State in one DuckDB file, exported by a script of ours that runs in the server's prefix."""

    kind: Literal["duckdb"]
    file: Below


class FilesState(Frozen):
    """State in a folder: the table `files`, by path, with kind, folder, name, size and text."""

    kind: Literal["files"]
    folder: Below


class SheetsState(Frozen):
    """State in the workbooks (.xlsx) of a folder: tables `workbooks`, `sheets`, `rows`, `cells`."""

    kind: Literal["sheets"]
    folder: Below


class GitState(Frozen):
    """State in a git repository: tables `head`, `branches`, `tags`, `commits`, `tree`, `status`."""

    kind: Literal["git"]
    folder: Below


class JsonTable(Frozen):
    """Which objects of a JSON file are the rows of a table."""

    path: str = ""
    """Dotted path to a list of objects; `*` = every entry of a list on the way. Empty = the whole
    file is that list."""
    where: dict[str, JsonValue] = {}
    """Fields that must equal these values."""
    key: tuple[str, ...] = Field(min_length=1)
    """Fields that tell the rows apart."""
    assigned: bool = False
    """True = the server makes the keys up: they are left out of the rows, as `key` of the table."""
    inherit: tuple[str, ...] = ()
    """Fields of the objects on the way that every row gets as well."""
    leave_out: tuple[str, ...] = ()
    """Fields that are no part of the row, such as lists that are tables of their own."""


class JsonState(Frozen):
    """State in one file of JSON, or of one JSON object a line."""

    kind: Literal["json", "jsonl"]
    file: Below
    tables: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], JsonTable]
    empty_where_missing: bool = True
    """Whether the server makes the file only when there is something to keep."""


ServerState = Annotated[
    SqliteState | DuckdbState | FilesState | SheetsState | GitState | JsonState,
    Field(discriminator="kind"),
]


class Mask(Frozen):
    """A part of the results that varies between runs, and what stands for it."""

    pattern: str
    """Regular expression (Python's)."""
    replacement: str

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        return _expression(value)


class ResultLines(Frozen):
    """How a demonstrator reads a tool's text: one record for each place where a pattern fits."""

    pattern: str
    """Regular expression (Python's, `^` and `$` at every line); its named groups are the fields."""
    numbers: tuple[str, ...] = ()
    """Groups that are whole numbers."""

    @field_validator("pattern")
    @classmethod
    def _names_fields(cls, value: str) -> str:
        if not re.compile(_expression(value)).groupindex:
            raise ValueError("name the fields: a group such as (?P<name>.+)")
        return value


class LiveNotes(Frozen):
    """What has to be known of a server that worlds run on."""

    tools: dict[str, ToolNote]
    """By tool name. A listed tool that has no note is not offered."""
    state: ServerState
    reusable: bool = False
    """True = between calls it keeps nothing but `state`, so that one process may serve several
    worlds, one after the other, with the state put back in between."""
    results: Literal["json", "python_literal", "text"]
    """How the text of a result is read by a scripted demonstrator."""
    read: dict[str, ResultLines] = {}
    """Tools whose results are read another way."""
    sql_arguments: tuple[str, ...] = ()
    """Tool arguments that hold SQL, which is traced word by word."""
    path_arguments: tuple[str, ...] = ()
    """Tool arguments that hold a path, which is traced name by name."""
    text_arguments: tuple[str, ...] = ()
    """Tool arguments that an agent writes a text into, such as `edits.newText`: its figures and its
    names are traced, the other words are the agent's own."""
    place_arguments: tuple[str, ...] = ()
    """Tool arguments that are places in a document, such as `D7`: worked out by counting, and so
    not traced."""
    error_prefixes: tuple[str, ...] = ()
    """Beginnings of texts that are errors although the server does not mark them."""
    error_patterns: tuple[str, ...] = ()
    """Regular expressions that are found in no other text than such an error."""
    masks: tuple[Mask, ...] = ()
    """Applied to every result, in order."""
    call_timeout_s: float = Field(default=15.0, gt=0)
    """Seconds for one tool call."""

    @field_validator("error_patterns")
    @classmethod
    def _compile(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_expression(pattern) for pattern in value)
