"""Reading the state of a live world from its scratch folder, whatever kind of state it is.

The server's word is never taken for its state: each kind is read by code of ours.
"""

import hashlib
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from agentsynth.core.errors import ServerError
from agentsynth.core.live_notes import (
    DuckdbState,
    FilesState,
    GitState,
    JsonState,
    ServerState,
    SheetsState,
    SqliteState,
)
from agentsynth.worlds.duckdb_state import DuckdbHelper
from agentsynth.worlds.files_state import file_tables
from agentsynth.worlds.git_state import git_tables
from agentsynth.worlds.json_state import json_tables
from agentsynth.worlds.scratch_files import Tree, read_file, read_tree
from agentsynth.worlds.sheets_state import sheet_tables
from agentsynth.worlds.sqlite_state import read_sqlite
from agentsynth.worlds.tables import Tables, write_tables

__all__ = ["Reading", "Readings", "StateReader"]

_REMEMBERED = 24


@dataclass(frozen=True, slots=True)
class Reading:
    """A state as it was at one moment."""

    tables: Tables
    database: bytes | None = None
    """The state as a SQLite file where it is a database; None = the tables say everything."""

    def save(self, path: Path) -> None:
        """Write the state as a SQLite database."""
        if self.database is not None:
            path.write_bytes(self.database)
            return
        with closing(sqlite3.connect(path)) as database:
            write_tables(self.tables, database)


class Readings:
    """States that were read lately, by their files; shared by the worlds over one server."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._known: OrderedDict[bytes, Reading] = OrderedDict()

    def of(self, tree: Tree, read: Callable[[], Reading]) -> Reading:
        """Return what these files were read as, reading them where that is not known."""
        whole = hashlib.sha256()
        for path, data in tree.items():
            whole.update(f"{path}\0{-1 if data is None else len(data)}\0".encode())
            whole.update(data or b"")
        key = whole.digest()
        if key not in self._known:
            self._known[key] = read()
        self._known.move_to_end(key)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return self._known[key]


class StateReader:
    """Reads one scratch folder."""

    def __init__(
        self,
        state: ServerState,
        scratch: Path,
        hide: tuple[tuple[str, str], ...],
        duckdb: DuckdbHelper,
        readings: Readings,
    ) -> None:
        """Read nothing yet.

        Args:
            state: where the state lies and what kind it is.
            scratch: the folder.
            hide: (local path, stand-in) pairs, replaced in what is read.
            duckdb: reads DuckDB files.
            readings: what was read lately, here or in other folders.
        """
        self._state = state
        self._scratch = scratch
        self._hide = hide
        self._duckdb = duckdb
        self._readings = readings

    def read(self) -> Reading:
        """Return the state as it is now.

        Raises:
            ServerError: the server left something in its place that is no such state, or too much.
        """
        state = self._state
        if isinstance(state, SqliteState):
            return Reading(*read_sqlite(self._scratch, state.file))
        tree = self._shown(self._tree())
        return self._readings.of(tree, lambda: self._reading(state, tree))

    def _tree(self) -> Tree:
        match self._state:
            case FilesState() | GitState() | SheetsState():
                return read_tree(self._scratch / self._state.folder)
            case JsonState():
                data = read_file(self._scratch, self._state.file)
                return {} if data is None else {self._state.file: data}
            case DuckdbState() | SqliteState():
                names = (self._state.file, f"{self._state.file}.wal")
                found = {name: read_file(self._scratch, name) for name in names}
                return {name: data for name, data in found.items() if data is not None}
            case _:
                assert_never(self._state)

    def _reading(self, state: ServerState, tree: Tree) -> Reading:
        match state:
            case FilesState():
                return Reading(file_tables(tree))
            case GitState():
                return Reading(git_tables(tree))
            case SheetsState():
                return Reading(sheet_tables(tree))
            case JsonState():
                return Reading(json_tables(tree.get(state.file), state))
            case DuckdbState() | SqliteState():
                data = tree.get(state.file)
                if data is None:
                    raise ServerError(f"the scratch database {state.file!r} is gone")
                return Reading(*self._duckdb.exported(data, tree.get(f"{state.file}.wal")))
            case _:
                assert_never(state)

    def _shown(self, tree: Tree) -> Tree:
        """Return the files with local paths replaced, which differ from rollout to rollout.

        What git and DuckDB pack holds no paths that could be found, and stays as it is.
        """
        if not isinstance(self._state, FilesState | JsonState):
            return tree
        shown = dict(tree)
        for path, stand_in in self._hide:
            old, new = path.encode(), stand_in.encode()
            shown = {n: d if d is None else d.replace(old, new) for n, d in shown.items()}
        return shown
