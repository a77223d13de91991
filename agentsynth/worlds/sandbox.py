"""How the process of a tool server is closed in: bubblewrap around it, prlimit inside.

The server sees the system's programs, what it was installed into and one scratch folder, all at the
paths they have outside; only the scratch folder and a small /tmp can be written. It has no network
but a loopback of its own, an environment of its own, and an unprivileged user whoever starts it.

Not a virtual machine: the kernel is shared and no system calls are filtered. Not a quota either:
every limit but the number of processes holds for each process alone, and what the server's many
files take up on the disk is not bounded.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.worlds.cell import (
    INSIDE_USER,
    Cell,
    environment_options,
    limit_options,
    mount_options,
    require_usable,
)

__all__ = ["closed_in", "hand_over", "sandboxed", "why_unavailable"]

_TOOL_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
_PROBE_S = 20.0
"""Seconds the first `true` in a sandbox has; it takes a few hundredths."""

_CLOSED = ("--die-with-parent", "--clearenv", "--cap-drop", "ALL")
_NAMESPACES = (
    "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
    "--hostname", "sandbox",
)  # fmt: skip
_NOBODY = ("--unshare-user", "--uid", str(INSIDE_USER), "--gid", str(INSIDE_USER))
_SEALED = ("--disable-userns", "--new-session", "--dev-bind", "/", "/")
_KEEPER = """\
read -r _ _ _ parent group _ < /proc/self/stat
if [ "$parent" != "$1" ] || [ "$group" != $$ ]; then
    echo "a sandbox must be started by who asked for it, in a session of its own" >&2
    exit 125
fi
shift
trap 'kill -KILL 0' TERM
exec 3<&0
"$@" <&3 3<&- &
exec <&- >&- 2>&- 3<&-
wait $!
"""
"""Shell: runs the rest, and kills its whole group when its parent dies (it is then sent SIGTERM).
For a few milliseconds of a start, `--die-with-parent` alone misses that: bubblewrap asks for the
signal only after it has forked, and again only after it has mounted."""
_SETUID = ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")


def closed_in(argv: Sequence[str], cell: Cell, *, opted_out: bool) -> tuple[str, ...]:
    """Return the command that runs `argv` in a sandbox; as root also hand over the scratch folder.

    Args:
        argv: the server's command; its program is an absolute path.
        cell: what it may see and use.
        opted_out: True = a person has reviewed this server, or said that it may run with all the
            rights of this user. Then `argv` itself is returned where there is no sandbox.

    Raises:
        UserError: there is no sandbox here and nobody opted out, or the cell cannot work.
    """
    reason = why_unavailable()
    if reason is None:
        hand_over(cell.scratch)
        return sandboxed(argv, cell)
    if opted_out:
        return tuple(argv)
    raise UserError(
        f"{argv[0]!r} is not started, because there is no sandbox for it: {reason}. Install "
        "bubblewrap 0.8 or newer and util-linux (Debian, Ubuntu: apt install bubblewrap "
        "util-linux) and allow user namespaces; or, if you trust this server with all that you "
        "can read and write, say explicitly that it was reviewed"
    )


@cache
def why_unavailable() -> str | None:
    """Return why no sandbox can be used here; None = one can. Tried once, by starting `true`."""
    if sys.platform != "linux":
        return f"bubblewrap needs Linux, and this is {sys.platform}"
    with tempfile.TemporaryDirectory(prefix="agentsynth-probe-") as folder:
        cell = Cell(Path(folder).resolve())
        try:
            hand_over(cell.scratch)
            done = subprocess.run(
                sandboxed((_tool("true"),), cell),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_S,
                check=False,
                start_new_session=True,
            )
        except UserError as exc:
            return str(exc)
        except (OSError, subprocess.TimeoutExpired) as exc:
            return f"a sandbox did not start: {exc}"
    if done.returncode == 0:
        return None
    said = done.stderr.decode("utf-8", errors="replace").strip() or f"exit code {done.returncode}"
    return f"a sandbox did not start: {said}"


def sandboxed(argv: Sequence[str], cell: Cell) -> tuple[str, ...]:
    """Return the command that runs `argv` in a sandbox.

    It must be started by this process, from a thread that lives as long as the server may, and in
    a session of its own (`worlds.process.running` does so); otherwise it exits with 125.

    Two bubblewraps, one in the other. The outer one mounts, and lives on as process 1. The inner
    one makes a second user namespace, so that the server cannot trace process 1 and so escape its
    end, and so that the kernel counts the server's processes apart from all others of this user.
    As root the user is changed in between: root alone may read every prefix, and the kernel limits
    the number of no process that is root outside (fork(2), EAGAIN). The limits come last: set
    earlier they would count what else this user runs.

    Raises:
        UserError: a program that is needed is missing, or a path of the cell cannot be used.
    """
    require_usable(cell)
    bwrap = _tool("bwrap")
    if os.geteuid() == 0:
        identity = _SETUID
        change_user = (
            *(_tool("setpriv"), f"--reuid={INSIDE_USER}", f"--regid={INSIDE_USER}"),
            *("--clear-groups", "--no-new-privs", "--"),
        )
    else:
        identity, change_user = _NOBODY, ()
    return (
        # Without `env -i` process 1 would keep our environment, if only unseen.
        *(_tool("env"), "-i", _tool("setpriv"), "--pdeathsig", "TERM", "--"),
        *(_tool("sh"), "-c", _KEEPER, "keeper", str(os.getpid())),
        *(bwrap, *_CLOSED, *identity, *_NAMESPACES, *mount_options(cell)),
        *("--", *change_user, bwrap, *_CLOSED, *_NOBODY, *_SEALED),
        *("--chdir", str(cell.scratch), *environment_options(cell)),
        *("--", _tool("prlimit"), *limit_options(cell.limits), "--", *argv),
    )


def hand_over(scratch: Path) -> None:
    """As root, give a folder and all in it to the user inside; as a plain user do nothing.

    Needed again whenever we have put files there. Links are not followed.
    """
    if os.geteuid() != 0:
        return
    for _, folders, files, handle in os.fwalk(scratch):
        os.chown(handle, INSIDE_USER, INSIDE_USER)
        for name in (*folders, *files):
            os.chown(name, INSIDE_USER, INSIDE_USER, dir_fd=handle, follow_symlinks=False)


def _tool(name: str) -> str:
    found = shutil.which(name, path=_TOOL_PATH)
    if found is None:
        raise UserError(f"the program {name!r} was not found in {_TOOL_PATH}")
    return found
