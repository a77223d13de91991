# pyright: basic, reportMissingImports=false
"""Runs in the Python of a DuckDB server: makes a database from SQL, or prints one as JSON.

Not imported by us. It shares nothing with the server but the DuckDB library.
"""

import json
import sys

import duckdb


def _tables(connection):
    listed = connection.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'main' "
        "AND table_type = 'BASE TABLE' ORDER BY table_name"
    ).fetchall()
    for (name,) in listed:
        quoted = '"' + name.replace('"', '""') + '"'
        about = connection.execute(f"PRAGMA table_info({quoted})").fetchall()
        rows = connection.execute(f"SELECT * FROM {quoted} LIMIT 200001").fetchall()
        yield {
            "name": name,
            "columns": [[column[1], column[2], bool(column[5])] for column in about],
            "rows": [[_plain(value) for value in row] for row in rows],
        }


def _plain(value):
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if isinstance(value, (list, tuple)):
        return json.dumps([_plain(part) for part in value])
    return str(value)


def _views(connection):
    return connection.execute(
        "SELECT view_name, sql FROM duckdb_views() WHERE NOT internal ORDER BY view_name"
    ).fetchall()


action, path = sys.argv[1:3]
if action == "make":
    with duckdb.connect(path) as made:
        made.execute(sys.stdin.read())
        made.execute("CHECKPOINT")
else:
    with duckdb.connect(path, read_only=True) as read:
        json.dump({"tables": list(_tables(read)), "views": _views(read)}, sys.stdout)
