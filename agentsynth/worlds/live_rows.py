"""Draw from a live domain's seed database, with our own SQLite and no server."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

from agentsynth.core.errors import UserError

__all__ = ["seed_rows"]


def seed_rows(sql: str, *, source: str) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function from a SELECT to its rows on the seed database, remembered.

    Args:
        sql: what makes the starting state.
        source: what errors call the domain.
    """
    known: dict[str, list[dict[str, Any]]] = {}

    def rows(select: str) -> list[dict[str, Any]]:
        if select not in known:
            known[select] = _selected(sql, select, source)
        return known[select]

    return rows


def _selected(sql: str, select: str, source: str) -> list[dict[str, Any]]:
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.executescript(sql)
            cursor = database.execute(select)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor]
    except sqlite3.Error as error:
        raise UserError(f"domain {source!r}: the draw {select!r} does not run: {error}") from error
