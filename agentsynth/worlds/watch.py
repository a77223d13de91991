"""Watching what a server takes up while it runs: its memory with its children's, and its folder.

The kernel's limits hold for each process alone; these hold for all of a server's together. They
are looked at a few times a second, so a server can take more for a moment before it is killed.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agentsynth.worlds.footprint import tree_bytes as bytes_of_tree
from agentsynth.worlds.process import ServerProcess

__all__ = ["folder_use", "watched"]

_EVERY_S = 0.2
_MB = 1_000_000
_BLOCK = 512
"""Bytes of a block as stat(2) counts them."""
_FILE_BYTES = 4096
"""What a name takes up at least, so that a million empty files count too."""


@asynccontextmanager
async def watched(
    process: ServerProcess, folder: Path, *, tree_bytes: int | None, folder_bytes: int | None
) -> AsyncGenerator[None]:
    """Kill a server that takes up too much, for as long as the context is open.

    Args:
        process: the server.
        folder: what it writes into.
        tree_bytes: memory of it and its children together; None = not watched.
        folder_bytes: disk that its folder may take up; None = not watched.
    """
    if tree_bytes is None and folder_bytes is None:
        yield
        return
    task = asyncio.create_task(_watch(process, folder, tree_bytes, folder_bytes))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _watch(
    process: ServerProcess, folder: Path, tree_bytes: int | None, folder_bytes: int | None
) -> None:
    while True:
        await asyncio.sleep(_EVERY_S)
        excess = await asyncio.to_thread(_excess, process.pid, folder, tree_bytes, folder_bytes)
        if excess is not None:
            process.give_up(excess)
            return


def _excess(pid: int, folder: Path, tree_bytes: int | None, folder_bytes: int | None) -> str | None:
    if tree_bytes is not None and _memory(pid) > tree_bytes:
        return f"took more than {tree_bytes // _MB} MB of memory with all that it started"
    if folder_bytes is not None and folder_use(folder, enough=folder_bytes) > folder_bytes:
        return f"filled its folder with more than {folder_bytes // _MB} MB"
    return None


def _memory(pid: int) -> int:
    try:
        return bytes_of_tree(pid)
    except (PermissionError, FileNotFoundError):
        return 0  # not ours to read, or no /proc here: then only the kernel's limits hold


def folder_use(folder: Path, *, enough: int) -> int:
    """Return the bytes that a folder's content takes up on the disk; links are not followed.

    Args:
        folder: what cannot be read in it counts as nothing.
        enough: counting stops once there is more.
    """
    total = 0
    waiting = [str(folder)]
    while waiting and total <= enough:
        for entry in _entries(waiting.pop()):
            with suppress(OSError):
                total += entry.stat(follow_symlinks=False).st_blocks * _BLOCK + _FILE_BYTES
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
            if total > enough:
                break
    return total


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except OSError:
        return
