"""What a live world starts from: files, made once from the domain's folder and put into every seat.

SQL for a database, a folder of files, a stream of `git fast-import`, CSV for workbooks: data, and
no calls of the server.
"""

import csv
import hashlib
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.domain import LiveServer
from agentsynth.core.errors import UserError
from agentsynth.core.ids import digest
from agentsynth.core.live_notes import DuckdbState, GitState, SheetsState, SqliteState
from agentsynth.core.manifest import ServerManifest, live_notes
from agentsynth.worlds.duckdb_state import DuckdbHelper
from agentsynth.worlds.files import read_text
from agentsynth.worlds.git_state import import_history
from agentsynth.worlds.launching import prepare_scratch
from agentsynth.worlds.scratch_files import Tree, read_tree
from agentsynth.worlds.sheets_state import workbook_bytes
from agentsynth.worlds.sqlite_state import create_database

__all__ = ["Seed", "seed_digests", "seed_of", "starting_tree"]


@dataclass(frozen=True, slots=True)
class Seed:
    """The seed data of a live domain, as its folder has it."""

    source: str
    """What messages call it."""
    sql: str = ""
    """What makes the database, for states that are one."""
    history: bytes = b""
    """What makes the repository, for a state that is one."""
    files: Tree | None = None
    """Files of the scratch folder; None = none."""


def seed_of(folder: Path, live: LiveServer) -> Seed:
    """Return the seed data that a domain's folder holds.

    Raises:
        UserError: a file it names is missing, or is not UTF-8 text.
    """
    sql = read_text(folder / live.state_sql) if live.state_sql is not None else ""
    history = read_text(folder / live.state_git) if live.state_git is not None else ""
    files = None
    if live.state_files is not None:
        if not (folder / live.state_files).is_dir():
            raise UserError(f"{folder / live.state_files}: no such folder")
        files = read_tree(folder / live.state_files)
    return Seed(f"domain {folder.name!r}", sql, history.encode(), files)


def seed_digests(folder: Path, live: LiveServer) -> dict[str, str]:
    """Return the digest of every file that belongs to a live domain's starting state.

    Raises:
        UserError: a file that it names is missing, or is not UTF-8 text.
    """
    named = [name for name in (live.state_sql, live.state_git) if name is not None]
    found = {name: digest(read_text(folder / name)) for name in named}
    for path, data in (seed_of(folder, live).files or {}).items():
        if data is not None:
            found[f"{live.state_files}/{path}"] = hashlib.sha256(data).hexdigest()[:32]
    return found


def starting_tree(seed: Seed, manifest: ServerManifest, duckdb: DuckdbHelper) -> Tree:
    """Return all that lies in the scratch folder when a world starts.

    Raises:
        UserError: the seed data does not make a state of the manifest's kind.
    """
    state = live_notes(manifest).state
    with _folder() as scratch:
        prepare_scratch(manifest, scratch)
        match state:
            case SqliteState():
                create_database(scratch / state.file, seed.sql, source=seed.source)
            case DuckdbState():
                made = duckdb.made_from(seed.sql, source=seed.source)
                (scratch / state.file).write_bytes(made)
            case GitState():
                shutil.rmtree(scratch / state.folder, ignore_errors=True)  # made to list tools on
                import_history(scratch / state.folder, seed.history, source=seed.source)
            case _:
                pass
        found = dict(read_tree(scratch))
    for path, data in (seed.files or {}).items():
        if found.get(path, data) is None and data is not None:
            raise UserError(f"{seed.source}: {path!r} is a file here and a folder in the state")
        found[path] = data
    if isinstance(state, SheetsState):
        found = _with_workbooks(found, state.folder, seed.source)
    return dict(sorted(found.items()))


@contextmanager
def _folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
        yield Path(place).resolve()


def _with_workbooks(tree: Tree, folder: str, source: str) -> dict[str, bytes | None]:
    """Return the tree with each folder `NAME.xlsx` of CSV files as the workbook they make."""
    books = [p for p, data in tree.items() if data is None and p.endswith(".xlsx")]
    made = {p: d for p, d in tree.items() if not any(p.startswith(f"{book}/") for book in books)}
    for book in books:
        sheets = {
            path.rpartition("/")[2].removesuffix(".csv").partition(" ")[2]: (data or b"").decode()
            for path, data in tree.items()
            if path.startswith(f"{book}/") and path.endswith(".csv")
        }
        if not sheets or "" in sheets:
            raise UserError(
                f"{source}: {book!r} needs a CSV file for each sheet, named such as '1 Members.csv'"
            )
        try:
            made[book] = workbook_bytes(sheets)
        except csv.Error as exc:
            raise UserError(f"{source}: {book!r}: {exc}") from exc
    made.setdefault(folder, None)
    return made
