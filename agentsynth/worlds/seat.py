"""A started server on a scratch folder of its own, ready for a world to be played in it."""

import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.manifest import ServerManifest
from agentsynth.worlds.sqlite_state import create_database
from agentsynth.worlds.stdio import Connection, Launch, Limits, connect

__all__ = ["Seat", "sweep_scratch"]

_SHOWN_SCRATCH = "/scratch"
_PREFIX = "agentsynth-scratch-"
_SHOWN_PREFIX = "/server"


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
        scratch = _scratch(stack)
        database = scratch / manifest.state.file
        create_database(database, seed_sql, source=source)
        pristine = database.read_bytes()
        connection = await stack.enter_async_context(connect(_launch(manifest, prefix, scratch)))
        return cls(stack, connection, database, pristine)

    def put_back(self) -> None:
        """Give the scratch folder the content it had at the start."""
        for leftover in self.database.parent.iterdir():
            if leftover.is_dir():
                shutil.rmtree(leftover)
            else:
                leftover.unlink()
        self.database.write_bytes(self.pristine)


def _scratch(stack: AsyncExitStack) -> Path:
    prefix = f"{_PREFIX}{os.getpid()}-"
    folder = tempfile.TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True)
    return Path(stack.enter_context(folder)).resolve()


def _launch(manifest: ServerManifest, prefix: Path, scratch: Path) -> Launch:
    binaries = prefix / "bin"
    if manifest.command.startswith("-m "):
        program = [str(binaries / "python"), "-m", manifest.command.removeprefix("-m ").strip()]
    else:
        program = [str(binaries / manifest.command)]
    env = {
        "PATH": os.pathsep.join([str(binaries), "/usr/local/bin", "/usr/bin", "/bin"]),
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
        **{name: _filled(value, scratch) for name, value in manifest.env.items()},
    }
    return Launch(
        name=manifest.name,
        argv=(*program, *(_filled(argument, scratch) for argument in manifest.args)),
        cwd=scratch,
        env=env,
        limits=Limits(
            start_timeout_s=manifest.start_timeout_s,
            list_timeout_s=manifest.start_timeout_s,
            call_timeout_s=manifest.call_timeout_s,
        ),
        hide=((str(scratch), _SHOWN_SCRATCH), (str(prefix), _SHOWN_PREFIX)),
    )


def _filled(text: str, scratch: Path) -> str:
    return text.replace("{scratch}", str(scratch))


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
