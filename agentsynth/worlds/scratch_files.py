"""Files of a scratch folder that a server may write at any time: read, put back and cleared.

Whatever the server puts in the place of its state is looked at without following a link and
without waiting: a link, a FIFO, a device or too much data ends the rollout as the server's fault.
Every step down goes through the folder that was opened before, so that a folder cannot be swapped
for a link in between.
"""

import os
import shutil
import stat
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from agentsynth.core.errors import ServerError

__all__ = ["MOST_BYTES", "Tree", "clear", "read_file", "read_tree", "write_tree"]

MOST_BYTES = 64 * 1024**2
"""Bytes of state, all files together."""
MOST_FILES = 20_000
DEEPEST = 40

Tree = Mapping[str, bytes | None]
"""Path below a folder, with `/`, to a file's content; None = a folder. Folders come first."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read_file(folder: Path, name: str, *, most_bytes: int = MOST_BYTES) -> bytes | None:
    """Return the content of a file right inside a folder; None = there is nothing of that name.

    Raises:
        ServerError: it is no plain file, cannot be read, or is larger than `most_bytes`.
    """
    try:
        with _opened(folder) as inside:
            return _content(inside, name, name, most_bytes)
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _refused(name, exc) from exc


def read_tree(folder: Path, *, most_bytes: int = MOST_BYTES) -> Tree:
    """Return all that is below a folder, sorted; nothing where there is no folder.

    Raises:
        ServerError: something is neither a folder nor a plain file, or it is too much.
    """
    found: dict[str, bytes | None] = {}
    left = most_bytes
    try:
        with _opened(folder) as inside:
            for path, data in _walked(inside, "", 0, left):
                left -= len(data or b"")
                if left < 0:
                    raise _too_much(path, most_bytes)
                found[path] = data
                if len(found) > MOST_FILES:
                    raise ServerError(f"the server's state grew beyond {MOST_FILES} files")
    except FileNotFoundError:
        return {}
    except OSError as exc:
        raise _refused(folder.name, exc) from exc
    return found


def write_tree(folder: Path, tree: Tree) -> None:
    """Make files and folders below an empty folder; nothing that is there is written to.

    Raises:
        ServerError: something stands in the way, such as what a server put there meanwhile.
    """
    for path, data in tree.items():
        above, _, name = path.rpartition("/")
        try:
            with _opened(folder, above) as inside:
                if data is None:
                    os.mkdir(name, dir_fd=inside)
                    continue
                with open(os.open(name, _NEW, 0o644, dir_fd=inside), "wb") as file:
                    file.write(data)
        except OSError as exc:
            raise _refused(path, exc) from exc


def clear(folder: Path) -> None:
    """Remove all that is below a folder, links themselves and not what they lead to.

    Raises:
        ServerError: something there cannot be removed.
    """
    try:
        with os.scandir(folder) as entries:
            leftovers = [(Path(entry), entry.is_dir(follow_symlinks=False)) for entry in entries]
        for path, is_folder in leftovers:
            if is_folder:
                shutil.rmtree(path)
            else:
                path.unlink()
    except OSError as exc:
        raise ServerError(f"the scratch folder cannot be cleared: {exc.strerror or exc}") from exc


@contextmanager
def _opened(folder: Path, below: str = "") -> Generator[int]:
    """Open a folder, or one below it, one step at a time."""
    opened = os.open(folder, _FOLDER)
    try:
        for name in filter(None, below.split("/")):
            deeper = os.open(name, _FOLDER, dir_fd=opened)
            os.close(opened)
            opened = deeper
        yield opened
    finally:
        os.close(opened)


def _walked(
    inside: int, above: str, depth: int, most_bytes: int
) -> Iterator[tuple[str, bytes | None]]:
    if depth > DEEPEST:
        raise ServerError(f"the server's state has folders more than {DEEPEST} deep: {above}")
    with os.scandir(inside) as entries:
        names = sorted(entry.name for entry in entries)
    for name in names:
        if not name.isprintable():  # such as bytes that are no UTF-8
            raise ServerError(f"the server's state has a file whose name is no text: {name!a}")
        path = f"{above}{name}"
        if not stat.S_ISDIR(os.stat(name, dir_fd=inside, follow_symlinks=False).st_mode):
            yield path, _content(inside, name, path, most_bytes)
            continue
        yield path, None
        deeper = os.open(name, _FOLDER, dir_fd=inside)
        try:
            yield from _walked(deeper, f"{path}/", depth + 1, most_bytes)
        finally:
            os.close(deeper)


def _content(inside: int, name: str, path: str, most_bytes: int) -> bytes:
    handle = os.open(name, _READ, dir_fd=inside)
    with open(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ServerError(
                f"the server put {_kind(status.st_mode)} where its state should be: {path!r}"
            )
        data = file.read(most_bytes + 1)
    if len(data) > most_bytes:
        raise _too_much(path, most_bytes)
    return data


def _too_much(path: str, most_bytes: int) -> ServerError:
    return ServerError(
        f"the server's state grew beyond {most_bytes} bytes, too much to compare: {path!r}"
    )


def _refused(path: str, exc: OSError) -> ServerError:
    return ServerError(
        f"the server's state cannot be read: {path!r} is a link, or was changed by the server so "
        f"that it cannot be opened ({exc.strerror or exc})"
    )


def _kind(mode: int) -> str:
    names = {
        stat.S_IFIFO: "a FIFO",
        stat.S_IFSOCK: "a socket",
        stat.S_IFDIR: "a folder",
        stat.S_IFCHR: "a device",
        stat.S_IFBLK: "a device",
    }
    return names.get(stat.S_IFMT(mode), "something odd")
