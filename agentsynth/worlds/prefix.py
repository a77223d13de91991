"""What an installed server needs to see of the disk: its prefix, and the Python that it borrows.

A virtual environment holds links to an interpreter, which may lie anywhere, such as in a home; of
that place only the interpreter and its libraries are named.
"""

import os
from collections.abc import Iterator
from pathlib import Path

__all__ = ["prefix_paths"]

_SYSTEM = Path("/usr")


def prefix_paths(prefix: Path) -> tuple[Path, ...]:
    """Return what programs of `prefix` read beside /usr, absolute, the prefix first.

    A prefix without `bin/python`, such as one of npm's, needs only itself.
    """
    whole = Path(os.path.abspath(prefix))
    borrowed = [
        path
        for path in dict.fromkeys(_borrowed(whole / "bin" / "python"))
        if not path.is_relative_to(whole) and not path.is_relative_to(_SYSTEM)
    ]
    return (whole, *borrowed)


def _borrowed(python: Path) -> Iterator[Path]:
    """Give each step of the chain of links, and the libraries beside the last."""
    if not python.exists():
        return
    step = python
    while step.is_symlink():
        step = Path(os.path.abspath(step.parent / step.readlink()))
        yield step
    for name in ("lib", "lib64"):
        if (libraries := step.parent.parent / name).is_dir():
            yield libraries
