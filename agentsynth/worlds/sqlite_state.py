"""The state of a SQLite file as plain values, read with our own SQLite and not through a server.

What is read is a copy, since the file is the server's to put anything in its place.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.ids import canonical_json
from agentsynth.worlds.scratch_files import read_file
from agentsynth.worlds.tables import Row, Tables, write_tables

__all__ = ["SCHEMA", "create_database", "read_sqlite", "read_tables", "shows_after"]

SCHEMA = "sqlite_schema"
"""The entity under which tables, indexes, views and triggers themselves are kept."""

_MOST_ROWS = 200_000
_MOST_STEPS = 20_000_000
_REACHES_OUT = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)
_BESIDE = ("", "-wal", "-journal")
"""What SQLite keeps a database in: the file, and what was written and not yet moved there."""


def create_database(path: Path, sql: str, *, source: str) -> None:
    """Make a database from SQL statements.

    Raises:
        UserError: the SQL of `source` does not run, or leaves references that lead nowhere.
    """
    try:
        with closing(sqlite3.connect(path)) as database:
            database.executescript(sql)
            database.commit()
            dangling = database.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error as exc:
        raise UserError(f"{source}: the SQL does not run: {exc}") from exc
    if dangling:
        table, row, parent, _ = dangling[0]
        raise UserError(f"{source}: row {row} of {table!r} refers to no row of {parent!r}")


def read_tables(path: Path) -> Tables:
    """Return every user table, and the schema itself under `SCHEMA`, without the keys' columns.

    Raises:
        ServerError: the file is no longer a readable database, or holds too much to compare.
    """
    return read_sqlite(path.parent, path.name)[0]


def read_sqlite(folder: Path, file: str) -> tuple[Tables, bytes]:
    """Return the tables of a database right inside a folder, and the database as one file.

    Raises:
        ServerError: there is no database in the file's place, or it holds too much to compare.
    """
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as copies:
        copy = Path(copies) / "copy.db"
        for end in _BESIDE:
            data = read_file(folder, file + end)
            if data is not None:
                Path(f"{copy}{end}").write_bytes(data)
        if not copy.exists():
            raise ServerError(f"the scratch database {file!r} is gone")
        try:
            with closing(sqlite3.connect(copy)) as database:
                database.text_factory = _text
                database.execute("PRAGMA trusted_schema = OFF")
                database.set_progress_handler(lambda: 1, _MOST_STEPS)
                tables = _read_all(database)
        except sqlite3.Error as exc:
            raise ServerError(f"the scratch database cannot be read any more: {exc}") from exc
        return tables, copy.read_bytes()


def shows_after(
    save: Callable[[Path], None], statements: Sequence[str], call: Row, select: str
) -> bool:
    """Return whether a SELECT finds a row once statements have run on a copy of the state.

    Args:
        save: writes the state as it is now into a SQLite file.
        statements: SQL that somebody else wrote. It cannot leave the copy, and where it does not
            run the copy stays as it is.
        call: the arguments of the call, which are the one row of the table `call`.
        select: over the tables afterwards, the ones of now as `before.<table>`, and `call`.

    Raises:
        UserError: the SELECT does not run.
    """
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as folder:
        before, after, given = (Path(folder) / f"{name}.db" for name in ("before", "after", "call"))
        save(before)
        save(after)
        with closing(sqlite3.connect(given)) as database:
            write_tables({"call": {"call": call}}, database)
        with closing(sqlite3.connect(after)) as database:
            database.set_authorizer(_stays_inside)
            database.set_progress_handler(lambda: 1, _MOST_STEPS)
            for statement in statements:
                with suppress(sqlite3.Error), database:
                    database.execute(statement)
        with closing(sqlite3.connect(after)) as database:
            try:
                database.execute("ATTACH ? AS before", (str(before),))
                database.execute("ATTACH ? AS given", (str(given),))
                return database.execute(select).fetchone() is not None
            except sqlite3.Error as exc:
                raise UserError(f"the SELECT of a clause does not run: {exc}: {select}") from exc


def _stays_inside(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action in _REACHES_OUT else sqlite3.SQLITE_OK


def _read_all(database: sqlite3.Connection) -> Tables:
    schema = database.execute(
        "SELECT name, type, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    ).fetchall()
    tables: dict[str, Mapping[str, Row]] = {
        SCHEMA: {name: {"type": kind, "sql": sql} for name, kind, sql in schema}
    }
    rows = 0
    for name, kind, _ in schema:
        if kind == "table":
            tables[name] = _read_table(database, name)
            rows += len(tables[name])
    if rows > _MOST_ROWS:
        raise ServerError(
            f"the scratch database grew beyond {_MOST_ROWS} rows: too much to compare"
        )
    return tables


def _read_table(database: sqlite3.Connection, table: str) -> Mapping[str, Row]:
    quoted = '"' + table.replace('"', '""') + '"'
    columns = database.execute(f"PRAGMA table_info({quoted})").fetchall()
    names = [str(column[1]) for column in columns]
    key_columns = [names.index(str(c[1])) for c in sorted(columns, key=_key_rank) if c[5]]
    found: dict[str, Row] = {}
    # A table without a primary key has a rowid in its place.
    extra = "" if key_columns else ", rowid"
    for row in database.execute(f"SELECT *{extra} FROM {quoted} LIMIT {_MOST_ROWS + 1}"):
        values = [_plain(value) for value in row]
        key = [values[index] for index in key_columns] or [values.pop()]
        fields = {
            name: value
            for index, (name, value) in enumerate(zip(names, values, strict=True))
            if index not in key_columns
        }
        found[str(key[0]) if len(key) == 1 else canonical_json(key)] = fields
    return found


def _key_rank(column: tuple[object, ...]) -> int:
    return cast(int, column[5])


def _plain(value: object) -> JsonValue:
    """Return a stored value in JSON's terms."""
    match value:
        case None | int() | str():
            return value
        case float():
            return value if value - value == 0 else str(value)
        case bytes():
            return f"x'{value.hex()}'"
        case _:
            raise TypeError(f"SQLite gave a {type(value).__name__}")


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")
