"""A started server on a scratch folder of its own, ready for a world to be played in it."""

import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from agentsynth.core.manifest import ServerManifest, live_notes
from agentsynth.worlds.duckdb_state import DuckdbHelper
from agentsynth.worlds.launching import Confine, launch_of
from agentsynth.worlds.sandbox import hand_over
from agentsynth.worlds.scratch_files import Tree, clear, write_tree
from agentsynth.worlds.state_reader import Reading, Readings, StateReader
from agentsynth.worlds.stdio import Connection, connect

__all__ = ["Seat", "ServerHome", "scratch_folder", "sweep_scratch"]

_PREFIX = "agentsynth-scratch-"


@dataclass(frozen=True, slots=True)
class ServerHome:
    """An installed server that worlds run on, and how it is started."""

    manifest: ServerManifest
    prefix: Path
    """Where it is installed."""
    confine: Confine
    """Closes its process in, and refuses where it may not be started as things are."""
    readings: Readings = field(default_factory=Readings)

    @property
    def duckdb(self) -> DuckdbHelper:
        """What reads its state where that is a DuckDB file."""
        return DuckdbHelper(self.manifest, self.prefix, self.confine)

    def read_start(self, start: Tree) -> Reading:
        """Return the starting state itself, as it will be read in a world."""
        with tempfile.TemporaryDirectory(prefix="agentsynth-") as place:
            folder = Path(place).resolve()
            write_tree(folder, start)
            return StateReader(
                live_notes(self.manifest).state, folder, (), self.duckdb, self.readings
            ).read()


@dataclass(frozen=True, slots=True)
class Seat:
    """One started server with its scratch folder, which live as long as `stack` is open."""

    stack: AsyncExitStack
    """Closing it ends the server and removes the folder."""
    connection: Connection
    reader: StateReader
    scratch: Path
    start: Tree
    """What lies in the scratch folder at the start of every world."""
    closed_in: bool
    """Whether the server runs in a sandbox, and so as another user where we are root."""

    @classmethod
    async def taken(cls, stack: AsyncExitStack, home: ServerHome, start: Tree) -> "Seat":
        """Make the scratch folder with its starting state, and start the server on it.

        Args:
            stack: what the server and the folder are closed with.
            home: the server.
            start: what lies in the folder when a world starts.

        Raises:
            UserError: it may not be started here.
            ServerError: it does not start.
        """
        scratch = scratch_folder(stack)
        notes = live_notes(home.manifest)
        write_tree(scratch, start)
        plain = launch_of(home.manifest, home.prefix, scratch, call_timeout_s=notes.call_timeout_s)
        launch = home.confine(home.manifest, home.prefix, plain)
        connection = await stack.enter_async_context(connect(launch))
        reader = StateReader(notes.state, scratch, launch.hide, home.duckdb, home.readings)
        return cls(stack, connection, reader, scratch, start, launch.argv != plain.argv)

    def put_back(self) -> None:
        """Give the scratch folder the content it had at the start.

        Raises:
            ServerError: the server put something in the way meanwhile.
        """
        clear(self.scratch)
        write_tree(self.scratch, self.start)
        if self.closed_in:
            hand_over(self.scratch)


def scratch_folder(stack: AsyncExitStack) -> Path:
    """Return a new folder that is removed with the stack; its path is of the same length always."""
    prefix = f"{_PREFIX}{os.getpid():07}-"
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
