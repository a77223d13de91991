"""What the tests of the sandbox share: small programs, run inside one or beside it."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

from agentsynth.worlds.cell import Cell, ResourceLimits
from agentsynth.worlds.prefix import prefix_paths
from agentsynth.worlds.sandbox import closed_in, why_unavailable

Where = Literal["inside", "outside"]

PYTHON = prefix_paths(Path(sys.prefix))

needs_sandbox = pytest.mark.skipif(
    why_unavailable() is not None, reason=f"no sandbox here: {why_unavailable()}"
)

_ATTEMPT = """
import ctypes, errno, os, resource, signal, socket, subprocess, sys, time
from pathlib import Path
GIVEN = {given!r}
libc = ctypes.CDLL(None, use_errno=True)
def require(holds):
    if not holds:
        raise LookupError("not so")
def system_call(answer):
    if answer < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
try:
{body}
except (OSError, LookupError, MemoryError, ValueError) as error:
    print("no:", type(error).__name__, error)
else:
    print("yes")
"""


def cell_in(folder: Path, *read_only: Path, limits: ResourceLimits | None = None) -> Cell:
    """A cell with its scratch folder in `folder`, in which the tests' own Python runs."""
    scratch = folder / "scratch"
    scratch.mkdir(exist_ok=True)
    return Cell(scratch.resolve(), (*PYTHON, *read_only), limits=limits or ResourceLimits())


def attempt(where: Where, cell: Cell, body: str, **given: object) -> str:
    """What a program prints: yes, or `no:` and why. It finds `given` in GIVEN.

    It starts with our own environment both times, as if a caller had forgotten to clear it.
    """
    indented = "\n".join(f"    {line}" for line in body.strip().splitlines())
    program = _ATTEMPT.format(given=json.loads(json.dumps(given)), body=indented)
    done = run(where, cell, sys.executable, "-c", program)
    assert done.stdout, (done.returncode, done.stderr)
    return done.stdout.strip()


def inside(cell: Cell, *argv: str) -> tuple[str, ...]:
    return closed_in(argv, cell, opted_out=False)


def run(where: Where, cell: Cell, *argv: str) -> subprocess.CompletedProcess[str]:
    command = inside(cell, *argv) if where == "inside" else argv
    return subprocess.run(
        command,
        cwd=cell.scratch,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        start_new_session=True,
    )


def running_with(token: str) -> list[int]:
    """The processes whose command line holds a text, those that wait to be reaped left out."""
    found: list[int] = []
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and token.encode() in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
    return found


def all_gone(token: str, within_s: float = 5.0) -> bool:
    """Whether every process with this text ends in time; a kill takes effect a moment later."""
    last = time.monotonic() + within_s
    while running_with(token) and time.monotonic() < last:
        time.sleep(0.01)
    return not running_with(token)
