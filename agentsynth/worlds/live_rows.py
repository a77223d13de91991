"""Draw from a live domain's starting state, with our own SQLite and no server."""

import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from agentsynth.core.errors import UserError
from agentsynth.worlds.state_reader import Reading

__all__ = ["seed_rows"]


def seed_rows(start: Reading, *, source: str) -> Callable[[str], list[dict[str, Any]]]:
    """Return a function from a SELECT to its rows on the starting state, remembered.

    Args:
        start: the state that every world starts from.
        source: what errors call the domain.
    """
    known: dict[str, list[dict[str, Any]]] = {}

    def rows(select: str) -> list[dict[str, Any]]:
        if select not in known:
            known[select] = _selected(start, select, source)
        return known[select]

    return rows


def _selected(start: Reading, select: str, source: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as folder:
        file = Path(folder) / "start.db"
        start.save(file)
        try:
            with closing(sqlite3.connect(file)) as database:
                cursor = database.execute(select)
                names = [column[0] for column in cursor.description or ()]
                return [dict(zip(names, row, strict=True)) for row in cursor]
        except sqlite3.Error as error:
            message = f"domain {source!r}: the draw {select!r} does not run: {error}"
            raise UserError(message) from error
