"""A started server on a scratch folder of its own, ready for a world to be played in it."""

import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.manifest import ServerManifest, live_notes
from agentsynth.worlds.launching import launch_of
from agentsynth.worlds.sqlite_state import create_database
from agentsynth.worlds.stdio import Connection, connect

__all__ = ["Seat", "scratch_folder", "sweep_scratch"]

_PREFIX = "agentsynth-scratch-"


@dataclass(frozen=True, slots=True)
class Seat:
    """One started server with its scratch folder, which live as long as `stack` is open."""

    stack: AsyncExitStack
    """Closing it ends the server and removes the folder."""
    connection: Connection
    database: Path
    pristine: bytes
    """The database file as it is at the start of every world."""

    @classmethod
    async def taken(
        cls,
        stack: AsyncExitStack,
        manifest: ServerManifest,
        prefix: Path,
        seed_sql: str,
        source: str,
    ) -> "Seat":
        """Make the scratch folder and its database, and start the server on it.

        Args:
            stack: what the server and the folder are closed with.
            manifest: the server.
            prefix: where it is installed.
            seed_sql: the SQL that makes the starting state.
            source: what messages call that SQL.
        """
        scratch = scratch_folder(stack)
        notes = live_notes(manifest)
        database = scratch / notes.state.file
        create_database(database, seed_sql, source=source)
        pristine = database.read_bytes()
        launch = launch_of(manifest, prefix, scratch, call_timeout_s=notes.call_timeout_s)
        connection = await stack.enter_async_context(connect(launch))
        return cls(stack, connection, database, pristine)

    def put_back(self) -> None:
        """Give the scratch folder the content it had at the start."""
        for leftover in self.database.parent.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
        self.database.write_bytes(self.pristine)


def scratch_folder(stack: AsyncExitStack) -> Path:
    """Return a new folder that is removed with the stack."""
    prefix = f"{_PREFIX}{os.getpid()}-"
    folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    return Path(stack.enter_context(folder)).resolve()


def sweep_scratch() -> None:
    """Remove the scratch folders of processes that were killed before they could do it."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_running(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
