"""Real servers over stdio in a sandbox: they start, answer, and leave nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from agentsynth.core.errors import ServerError
from agentsynth.worlds.cell import Cell, ResourceLimits
from agentsynth.worlds.prefix import prefix_paths
from agentsynth.worlds.process import Ended, running
from agentsynth.worlds.sandbox import closed_in, hand_over, sandboxed
from agentsynth.worlds.stdio import Connection, Launch, Limits, connect
from tests.collect.closed import Where, all_gone, attempt, cell_in, needs_sandbox, run, running_with

pytestmark = [needs_sandbox, pytest.mark.anyio]

SERVERS = Path(__file__).parents[1] / "servers"


def server_in(folder: Path, name: str) -> tuple[Path, Cell]:
    """A copy of a server, whose path is the token its processes are found by, and its cell."""
    prefix = folder / "prefix"
    prefix.mkdir()
    script = prefix / f"{name}.py"
    script.write_bytes((SERVERS / f"{name}.py").read_bytes())
    return script, cell_in(folder, prefix)


@asynccontextmanager
async def closed_server(
    script: Path, cell: Cell, *arguments: str, **limits: float
) -> AsyncGenerator[Connection]:
    argv = (sys.executable, "-S", "-E", str(script), *arguments)
    launch = Launch(
        name=script.stem,
        argv=closed_in(argv, cell, opted_out=False),
        cwd=cell.scratch,
        env=cell.env,
        limits=Limits(exit_grace_s=0.2, **limits),  # pyright: ignore[reportArgumentType] - floats
    )
    async with connect(launch) as connection:
        yield connection


async def test_a_server_lists_and_calls_tools_and_is_gone_afterwards(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")
    async with closed_server(script, cell, "good") as connection:
        listing = await connection.list_tools()
        reply = await connection.call_tool("echo", {"text": "grüße"})
        assert running_with(str(script))
    assert [tool["name"] for tool in listing.tools] == ["echo"]
    assert reply.text == "grüße"
    assert all_gone(str(script))


async def test_a_server_keeps_its_database_in_the_scratch_folder(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "tiny_sql")
    database = cell.scratch / "data.db"
    database.touch()
    async with closed_server(script, cell, str(database)) as connection:
        for sql in ("CREATE TABLE t (a)", "INSERT INTO t VALUES (7)"):
            assert (await connection.call_tool("run", {"sql": sql})).text == "[]"
        before = await connection.call_tool("run", {"sql": "SELECT a FROM t"})
        # As a world does between two rollouts of a server that stays.
        database.unlink()
        database.touch()
        hand_over(cell.scratch)
        after = await connection.call_tool("run", {"sql": "CREATE TABLE other (b)"})
    assert (before.text, after.text) == ("[[7]]", "[]")
    assert database.stat().st_size > 0


async def test_a_server_that_ignores_its_end_is_gone_with_its_children(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")
    async with closed_server(script, cell, "hangs_on") as connection:
        await connection.call_tool("echo", {})
        assert running_with(str(script))
    assert all_gone(str(script))


async def test_a_server_that_is_cut_off_while_it_hangs_is_gone(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")
    with pytest.raises(ServerError, match="did not answer a call"):
        async with closed_server(script, cell, "hangs", call_timeout_s=0.3) as connection:
            await connection.call_tool("echo", {})
    assert all_gone(str(script))


TURNS_ON_ITS_KEEPERS = """
import os, signal, sys, time
for process in sorted(int(name) for name in os.listdir("/proc") if name.isdigit()):
    if process != os.getpid():
        try:
            os.kill(process, getattr(signal, sys.argv[1]))
        except OSError:
            pass
print("done", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("signal_name", ["SIGSTOP", "SIGKILL", "SIGTERM"])
async def test_a_server_that_turns_on_its_keepers_is_gone_too(
    signal_name: str, tmp_path: Path
) -> None:
    cell = cell_in(tmp_path)
    token = f"turns-on-its-keepers-{os.getpid()}"
    program = (sys.executable, "-c", TURNS_ON_ITS_KEEPERS, signal_name, token)
    argv = closed_in(program, cell, opted_out=False)
    process = running(
        argv, cwd=cell.scratch, env={}, line_bytes=99, stderr_bytes=99, exit_grace_s=0.1
    )
    async with process as server:
        with suppress(Ended):  # it may have ended itself
            await server.line()
    assert all_gone(token)


async def test_a_run_stopped_at_any_moment_of_a_start_leaves_no_server(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")

    async def play() -> None:
        async with closed_server(script, cell, "hangs_on") as connection:
            await connection.call_tool("echo", {})
            await asyncio.Event().wait()

    for number in range(25):
        task = asyncio.create_task(play())
        await asyncio.sleep(number * 0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert all_gone(str(script))


CARELESS = """
import asyncio, sys
from pathlib import Path
from agentsynth.worlds.cell import Cell
from agentsynth.worlds.process import Ended, running
from agentsynth.worlds.sandbox import closed_in
from agentsynth.worlds.stdio import Launch, connect

async def play(where, scratch, read_only, argv):
    if where == "inside":
        argv = closed_in(argv, Cell(scratch, read_only), opted_out=False)
    async with connect(Launch("careless", tuple(argv), scratch, {})) as connection:
        print((await connection.call_tool("echo", {})).text, flush=True)
        await asyncio.Event().wait()

where, scratch, read_only, *argv = sys.argv[1:]
asyncio.run(play(where, Path(scratch), tuple(map(Path, read_only.split(":"))), argv))
"""


@pytest.mark.parametrize("where", ["inside", "outside"])
def test_a_server_is_gone_when_we_are_killed(where: Where, tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")
    shown = ":".join(map(str, cell.read_only))
    server = (sys.executable, "-S", str(script), "hangs_on")
    command = [sys.executable, "-c", CARELESS, where, str(cell.scratch), shown, *server]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGKILL)
    if where == "inside":
        assert all_gone(str(script))
        return
    try:
        assert not all_gone(str(script), within_s=0.3)
    finally:
        for pid in (cell.scratch / "pids").read_text(encoding="utf-8").split():
            os.kill(int(pid), signal.SIGKILL)


STARTER = """
import subprocess, sys, time
from pathlib import Path
from agentsynth.worlds.cell import Cell
from agentsynth.worlds.process import Ended, running
from agentsynth.worlds.sandbox import sandboxed

argv = sandboxed(sys.argv[2:], Cell(Path(sys.argv[1])))
print("now", flush=True)
subprocess.Popen(argv, stdin=subprocess.PIPE, start_new_session=True)
time.sleep(60)
"""


def test_when_we_are_killed_at_any_moment_of_a_start_no_sandbox_stays(tmp_path: Path) -> None:
    cell = cell_in(tmp_path)
    hand_over(cell.scratch)
    token = f"60.{os.getpid()}"
    command = [sys.executable, "-c", STARTER, str(cell.scratch), "/usr/bin/sleep", token]
    for number in range(12):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "now\n"
            time.sleep(number * 0.002)
            process.kill()
    assert all_gone(token)


@pytest.mark.parametrize("own_session", [True, False])
def test_a_sandbox_that_could_not_be_ended_is_not_started(
    own_session: bool, tmp_path: Path
) -> None:
    cell = cell_in(tmp_path)
    hand_over(cell.scratch)
    command = sandboxed(("/usr/bin/true",), cell)
    if own_session:  # but of another process than the one that asked
        command = (
            sys.executable,
            "-c",
            "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], start_new_session=True).returncode)",
            *command,
        )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 125
    assert "started by who asked for it, in a session of its own" in done.stderr


async def test_a_server_past_its_limits_is_a_server_error(tmp_path: Path) -> None:
    script, cell = server_in(tmp_path, "fake")
    starved = Cell(cell.scratch, cell.read_only, limits=ResourceLimits(address_bytes=4 * 1024**2))
    with pytest.raises(ServerError, match="ended with exit code"):
        async with closed_server(script, starved, "good"):
            raise AssertionError("the handshake was accepted")


def test_a_python_that_lies_in_a_closed_home_behind_links_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "bin").mkdir(parents=True)
    real = Path(sys.executable).resolve()
    (home / "pythons").symlink_to(real.parents[1])
    (home / "bin" / "python3").symlink_to(home / "pythons" / "bin" / real.name)
    (home / "secret").write_text("x", encoding="utf-8")
    prefix = home / "prefix"
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin" / "python").symlink_to(home / "bin" / "python3")
    (prefix / "pyvenv.cfg").write_text(f"home = {home / 'pythons' / 'bin'}\n", encoding="utf-8")
    home.chmod(0o700)
    cell = Cell(cell_in(tmp_path).scratch, prefix_paths(prefix))
    program = "import sys, json, sqlite3, os; print(sys.prefix, os.listdir(sys.argv[1]))"
    done = run("inside", cell, str(prefix / "bin" / "python"), "-c", program, str(home))
    assert done.stdout.startswith(f"{prefix} "), done.stderr
    assert "secret" not in done.stdout


def test_a_sandbox_leaves_room_for_honest_work(tmp_path: Path) -> None:
    body = """
Path("mine").write_text("x")
Path.home().joinpath("home").write_text("x")
Path("/tmp/mine").write_text("x")
Path("/dev/shm/mine").write_text("x")
require(os.getcwd() == os.environ["HOME"])
with socket.create_server(("127.0.0.1", 0)) as listener:
    with socket.create_connection(listener.getsockname(), 5) as client:
        listener.accept()[0].sendall(b"hello")
        require(client.recv(5) == b"hello")
subprocess.run(["true"], check=True)
import getpass, sqlite3, ssl, threading
require(getpass.getuser() == 'nobody')
threading.Thread(target=print, args=("",)).start()
sqlite3.connect("data.db").execute("CREATE TABLE t (a)")
"""
    cell = cell_in(tmp_path)
    assert attempt("inside", cell, body) == "yes"
    assert (cell.scratch / "mine").read_text(encoding="utf-8") == "x"
    assert (cell.scratch / "home").exists()


def test_what_a_start_costs_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cell = cell_in(tmp_path)
    taken: dict[str, list[float]] = {"inside": [], "outside": []}
    for _ in range(10):
        for where in ("inside", "outside"):
            start = time.perf_counter()
            assert run(where, cell, "/usr/bin/true").returncode == 0
            taken[where].append(1000 * (time.perf_counter() - start))
    inside, outside = (sorted(taken[where])[5] for where in ("inside", "outside"))
    with capsys.disabled():
        sys.stdout.write(f"\nstart in a sandbox: {inside:.1f} ms, without: {outside:.1f} ms\n")
