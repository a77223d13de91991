"""The state of a DuckDB file, exported by a script of ours and kept as a SQLite database.

DuckDB is not a dependency of this project and its format is nobody else's, so the export runs in
the server's prefix, closed in like the server, on a copy. The server's own code takes no part.
"""

import json
import sqlite3
import subprocess
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.manifest import ServerManifest
from agentsynth.worlds.launching import Confine, launch_of
from agentsynth.worlds.scratch_files import read_file
from agentsynth.worlds.sqlite_state import read_sqlite
from agentsynth.worlds.stdio import Launch
from agentsynth.worlds.tables import Tables

__all__ = ["DuckdbHelper"]

_SCRIPT = Path(__file__).with_name("duckdb_export.py")
_TIMEOUT_S = 60.0
_AFFINITIES = (("INT", "INTEGER"), ("BOOL", "INTEGER"), ("DOUBLE", "REAL"), ("FLOAT", "REAL"))


@dataclass(frozen=True, slots=True)
class DuckdbHelper:
    """Runs our script in a server's prefix."""

    manifest: ServerManifest
    prefix: Path
    confine: Confine

    def made_from(self, sql: str, *, source: str) -> bytes:
        """Return the database file that SQL statements make.

        Raises:
            UserError: the SQL of `source` does not run.
        """
        with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
            folder = Path(place).resolve()
            done = self._run(folder, "make", sql)
            if done.returncode != 0:
                said = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
                raise UserError(f"{source}: the SQL does not run: {said[0]}")
            data = read_file(folder, "copy.duckdb")
            if data is None:
                raise UserError(f"{source}: DuckDB made no database")
            return data

    def exported(self, data: bytes, log: bytes | None) -> tuple[Tables, bytes]:
        """Return the tables of a database, and the same as a SQLite file.

        Args:
            data: the file.
            log: what DuckDB has written and not yet moved there; None = there is no such file.

        Raises:
            ServerError: it cannot be read any more.
        """
        with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
            folder = Path(place).resolve()
            (folder / "copy.duckdb").write_bytes(data)
            if log:
                (folder / "copy.duckdb.wal").write_bytes(log)
            done = self._run(folder, "print", "")
            if done.returncode != 0:
                raise ServerError(f"the scratch database cannot be read any more: {done.stderr}")
            document = json.loads(done.stdout)
        with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
            file = Path(place) / "copy.db"
            with closing(sqlite3.connect(file)) as database:
                for table in document["tables"]:
                    _write(table, database)
                for name, sql in document["views"]:
                    # A view is kept by its text; SQLite need not understand it.
                    database.execute("CREATE TABLE IF NOT EXISTS views (name PRIMARY KEY, sql)")
                    database.execute("INSERT INTO views VALUES (?, ?)", (name, sql))
                database.commit()
            return read_sqlite(file.parent, file.name)

    def _run(self, folder: Path, action: str, text: str) -> "subprocess.CompletedProcess[str]":
        script = folder / _SCRIPT.name
        script.write_bytes(_SCRIPT.read_bytes())
        plain = launch_of(self.manifest, self.prefix, folder)
        program = str(self.prefix / "bin" / "python")
        argv = (program, "-I", str(script), action, str(folder / "copy.duckdb"))
        launch = self.confine(
            self.manifest,
            self.prefix,
            Launch(name=self.manifest.name, argv=argv, cwd=folder, env=plain.env),
        )
        try:
            return subprocess.run(
                launch.argv,
                cwd=launch.cwd,
                env=dict(launch.env),
                input=text,
                capture_output=True,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_TIMEOUT_S,
                check=False,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired as exc:
            raise ServerError(f"DuckDB's export did not end within {_TIMEOUT_S:g} s") from exc


def _write(table: dict[str, Any], database: sqlite3.Connection) -> None:
    columns = [f"{_quoted(name)} {_affinity(kind)}" for name, kind, _ in table["columns"]]
    keys = [_quoted(name) for name, _, is_key in table["columns"] if is_key]
    if keys:
        columns.append(f"PRIMARY KEY ({', '.join(keys)})")
    database.execute(f"CREATE TABLE {_quoted(table['name'])} ({', '.join(columns)})")
    places = ", ".join("?" for _ in table["columns"])
    database.executemany(f"INSERT INTO {_quoted(table['name'])} VALUES ({places})", table["rows"])


def _affinity(kind: str) -> str:
    return next((ours for part, ours in _AFFINITIES if part in kind.upper()), "TEXT")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
