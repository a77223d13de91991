"""The state of a SQLite file as plain values, read with our own SQLite and not through a server."""

import shutil
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import cast

from pydantic import JsonValue

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change

__all__ = ["SCHEMA", "Tables", "create_database", "difference", "read_tables", "shows_after"]

SCHEMA = "sqlite_schema"
"""The entity under which tables, indexes, views and triggers themselves are kept."""

_MOST_ROWS = 200_000
_MOST_STEPS = 20_000_000
_REACHES_OUT = (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH, sqlite3.SQLITE_PRAGMA)

Row = Mapping[str, JsonValue]
Tables = Mapping[str, Mapping[str, Row]]
"""Entity to key to fields. Fields leave out the key's own columns."""


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
    """Return every user table, and the schema itself under `SCHEMA`.

    Raises:
        ServerError: the file is no longer a readable database, or holds too much to compare.
    """
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            database.text_factory = _text
            return _read_all(database)
    except sqlite3.Error as exc:
        raise ServerError(f"the scratch database cannot be read any more: {exc}") from exc


def difference(before: Tables, after: Tables) -> tuple[Change, ...]:
    """Return what differs, sorted by entity and key."""
    changes: list[Change] = []
    for entity in sorted(before.keys() | after.keys()):
        old, new = before.get(entity, {}), after.get(entity, {})
        for key in sorted(old.keys() | new.keys()):
            change = _change(entity, key, old.get(key), new.get(key))
            if change is not None:
                changes.append(change)
    return tuple(changes)


def shows_after(path: Path, statement: str, select: str) -> bool:
    """Return whether a SELECT finds a row once a statement has run on a copy of the database.

    Args:
        path: the database as it is now; it stays untouched.
        statement: SQL that somebody else wrote. It cannot leave the copy, and where it does not
            run the copy stays as it is.
        select: over the tables afterwards, and the ones of now as `before.<table>`.

    Raises:
        UserError: the SELECT does not run.
    """
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as folder:
        before, after = Path(folder) / "before.db", Path(folder) / "after.db"
        shutil.copyfile(path, before)
        shutil.copyfile(path, after)
        with closing(sqlite3.connect(after)) as database:
            database.set_authorizer(_stays_inside)
            database.set_progress_handler(lambda: 1, _MOST_STEPS)
            with suppress(sqlite3.Error), database:
                database.execute(statement)
        with closing(sqlite3.connect(after)) as database:
            try:
                database.execute("ATTACH ? AS before", (str(before),))
                return database.execute(select).fetchone() is not None
            except sqlite3.Error as exc:
                raise UserError(f"the SELECT of a clause does not run: {exc}: {select}") from exc


def _stays_inside(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if action in _REACHES_OUT else sqlite3.SQLITE_OK


def _change(entity: str, key: str, old: Row | None, new: Row | None) -> Change | None:
    if new is None:
        return Change(op="delete", entity=entity, key=key, fields={})
    if old is None:
        return Change(op="create", entity=entity, key=key, fields=dict(new))
    fields = {name: value for name, value in new.items() if name not in old or old[name] != value}
    if not fields and old.keys() == new.keys():
        return None
    fields |= dict.fromkeys(old.keys() - new.keys())
    return Change(op="update", entity=entity, key=key, fields=fields)


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
