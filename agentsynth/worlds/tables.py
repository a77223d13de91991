"""The state of a live world as plain tables: what differs between two, and SQL over them.

Every kind of state is projected into the same value, so that hashes, targets and clauses are
written alike for a database, a folder or a repository.
"""

import sqlite3
from collections.abc import Mapping

from pydantic import JsonValue

from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change

__all__ = ["KEY", "Row", "Tables", "difference", "write_tables"]

KEY = "key"
"""The column of a table that holds the rows' keys, unless a field has this name."""

Row = Mapping[str, JsonValue]
Tables = Mapping[str, Mapping[str, Row]]
"""Entity to key to fields."""


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


def write_tables(tables: Tables, database: sqlite3.Connection) -> None:
    """Make the tables in an empty database: a column for each field, and one for the key.

    Lists and objects are stored as JSON, which SQLite's `json_each` takes apart.
    """
    for entity, rows in tables.items():
        names = list(dict.fromkeys(name for row in rows.values() for name in row))
        columns = [*names, *([KEY] if KEY not in names else [])]
        database.execute(f"CREATE TABLE {_quoted(entity)} ({', '.join(map(_quoted, columns))})")
        places = ", ".join("?" for _ in columns)
        database.executemany(
            f"INSERT INTO {_quoted(entity)} VALUES ({places})",
            [
                [_stored(row.get(name)) if name in names else key for name in columns]
                for key, row in rows.items()
            ],
        )
    database.commit()


def _stored(value: JsonValue) -> str | int | float | None:
    return canonical_json(value) if isinstance(value, list | dict) else value


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


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
