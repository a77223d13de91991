"""How much memory a process and all it started take up; Linux only.

Proportional: a page that several processes share is divided among them, so that the sums of many
servers can be added. Not a limit: `worlds.sandbox` sets those.
"""

from collections import defaultdict
from pathlib import Path

__all__ = ["descendants", "tree_bytes"]

_PROC = Path("/proc")
_KIB = 1024


def tree_bytes(pid: int) -> int:
    """Return the bytes of memory that a process and its descendants take up together.

    What ends meanwhile counts as 0. What a sandbox keeps in its /tmp is not counted.

    Raises:
        PermissionError: a process belongs to somebody else.

    Source: the line `Pss:` of /proc/<pid>/smaps_rollup, proc(5).
    """
    return sum(_proportional_bytes(process) for process in (pid, *descendants(pid)))


def descendants(pid: int) -> tuple[int, ...]:
    """Return the processes that a process started, and those that they started, sorted.

    Those inside a sandbox are found too, under the numbers they have outside. One whose parent
    ended first is missed, unless it is in a sandbox, where process 1 takes its parent's place.
    """
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in _PROC.iterdir():
        if folder.name.isdigit():
            children[_parent(folder)].append(int(folder.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        started = children[waiting.pop()]
        found += started
        waiting += started
    return tuple(sorted(found))


def _parent(folder: Path) -> int:
    """Return the number of a process's parent; 0 = it has none, or has ended."""
    try:
        status = (folder / "stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(status.rpartition(")")[2].split()[1])


def _proportional_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return sum(int(line.split()[1]) * _KIB for line in lines if line.startswith("Pss:"))
