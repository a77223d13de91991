"""What a sandbox lets through, as a value, and as the options of bubblewrap and prlimit.

Paths inside are the paths outside, so that commands, scripts and links work unchanged.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from agentsynth.core.errors import UserError

__all__ = [
    "INSIDE_USER",
    "Cell",
    "ResourceLimits",
    "environment_options",
    "limit_options",
    "mount_options",
    "require_usable",
]

INSIDE_USER = 65534
"""The user and the group inside, `nobody` by custom."""
_PATH = "/usr/local/bin:/usr/bin:/bin"
_SYSTEM_FOLDERS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives")
_ETC = Path(__file__).with_name("etc")
"""What stands in /etc instead of our own files: the one user, and what `localhost` is."""
_SOURCES = Path("/usr/src")
"""Shown empty: it is where images keep a project itself."""


@dataclass(frozen=True, slots=True)
class ResourceLimits:
    """What the kernel lets a server use up. Source of each meaning: setrlimit(2)."""

    memory_bytes: int = 2 * 1024**3
    """Memory of its own that each process can write (RLIMIT_DATA); what is only reserved is free.
    """
    address_bytes: int = 64 * 1024**3
    """Address space of each process, which also bounds the memory that processes share. Node
    reserves 32 GiB as soon as it uses WebAssembly, as its `fetch` does; 4 GiB are ample for Python.
    """
    cpu_s: int = 600
    """Seconds of processor time of each process."""
    file_bytes: int = 256 * 1024**2
    """Largest file that can be written."""
    open_files: int = 1024
    """File descriptors of each process."""
    processes: int = 128
    """Processes and threads, all of one sandbox counted together."""
    tmp_bytes: int = 64 * 1024**2
    """Size of /tmp and, apart from it, of /dev/shm; both are memory."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one sandbox lets through."""

    scratch: Path
    """The only folder whose files stay, writable; also the home and the working directory."""
    read_only: tuple[Path, ...] = ()
    """Files and folders that can be read, beside the system's own under /usr, absolute. What an
    installed server needs is told by `prefix_paths`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """The whole environment; HOME and PATH are added where they are missing, and PWD always. Other
    users of this machine can see it in the list of processes, so no secrets."""
    limits: ResourceLimits = ResourceLimits()


def mount_options(cell: Cell) -> Iterator[str]:
    """Give the options that build what the server sees, outer folders before inner ones."""
    yield from _system_mounts()
    yield from ("--proc", "/proc", "--dev", "/dev")
    for folder in ("/dev/shm", "/tmp"):
        size = str(cell.limits.tmp_bytes)
        yield from ("--perms", "1777", "--size", size, "--tmpfs", folder)
    shown, links = _shown(cell)
    # Left to itself, bubblewrap 0.8 makes the folders above a mount unreadable to others.
    above = {parent for path in (*shown, *links, cell.scratch) for parent in path.parents}
    for folder in sorted(above - {Path("/")}):
        yield from ("--dir", str(folder))
    for path in shown:
        yield from ("--ro-bind", str(path), str(path))
    for path in links:
        yield from ("--symlink", str(path.resolve()), str(path))
    yield from ("--bind", str(cell.scratch), str(cell.scratch))
    for folder in (*_empty_folders(), "/dev", "/"):
        yield from ("--remount-ro", folder)


def environment_options(cell: Cell) -> Iterator[str]:
    """Give the options that set the environment."""
    for name, value in {"HOME": str(cell.scratch), "PATH": _PATH, **cell.env}.items():
        yield from ("--setenv", name, value)


def limit_options(limits: ResourceLimits) -> tuple[str, ...]:
    """Return the options of prlimit; each sets the soft and the hard limit."""
    return (
        f"--data={limits.memory_bytes}",
        f"--as={limits.address_bytes}",
        f"--cpu={limits.cpu_s}",
        f"--fsize={limits.file_bytes}",
        f"--nofile={limits.open_files}",
        f"--nproc={limits.processes}",
        "--core=0",
    )


def require_usable(cell: Cell) -> None:
    """Refuse a cell that cannot work, or would let more through than it seems.

    Raises:
        UserError: naming the path, and what to do.
    """
    if cell.scratch.resolve() != cell.scratch or not cell.scratch.is_dir():
        raise UserError(f"the scratch folder {str(cell.scratch)!r} must be a folder, free of links")
    for path in cell.read_only:
        real = path.resolve()
        if not path.is_absolute() or real == Path("/"):
            raise UserError(f"a sandbox cannot show {str(path)!r}: give an absolute path, not all")
        if real.is_relative_to(cell.scratch):
            raise UserError(
                f"a sandbox cannot show {str(path)!r} read-only: it lies in the scratch folder "
                f"{str(cell.scratch)!r}, which can be written"
            )
        _require_readable(real)


def _require_readable(path: Path) -> None:
    try:
        status = path.stat()
    except OSError as exc:
        raise UserError(f"a sandbox cannot show {str(path)!r}: {exc.strerror or exc}") from exc
    wanted = 0o5 if path.is_dir() else 0o4
    if os.geteuid() == 0:
        readable = status.st_uid == INSIDE_USER or status.st_mode & wanted == wanted
    else:
        readable = os.access(path, wanted)
    if not readable:
        raise UserError(
            f"a sandbox cannot show {str(path)!r}: the user inside may not read it; run "
            f"chmod -R o+rX on it as its owner, or install the server elsewhere"
        )


def _system_mounts() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for path in _empty_folders():
        yield from ("--tmpfs", path)
    for name in _SYSTEM_FOLDERS:
        folder = Path("/", name)
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        elif folder.is_dir():
            yield from ("--ro-bind", str(folder), str(folder))
    yield from ("--dir", "/etc")
    for file in _SYSTEM_FILES:
        yield from ("--ro-bind-try", file, file)
    for name in ("passwd", "group", "hosts"):
        yield from ("--ro-bind", str(_ETC / name), f"/etc/{name}")


def _empty_folders() -> tuple[str, ...]:
    return (str(_SOURCES),) if _SOURCES.is_dir() else ()


def _shown(cell: Cell) -> tuple[list[Path], list[Path]]:
    """Return what to mount read-only, outer folders first, and the links to files to make."""
    links = {path for path in cell.read_only if path.is_symlink() and path.is_file()}
    shown = {path.resolve() for path in cell.read_only} | (set(cell.read_only) - links)
    made = [path for path in links if not any(path.is_relative_to(folder) for folder in shown)]
    return sorted(shown), sorted(made)
