import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agentsynth.worlds.footprint import descendants, tree_bytes
from agentsynth.worlds.sandbox import closed_in
from agentsynth.worlds.stdio import Connection, Launch, Limits, connect
from tests.collect.closed import cell_in, needs_sandbox

MIB = 1024**2
FAKE = Path(__file__).parents[1] / "servers" / "fake.py"
HOLDS = """
import os, sys, time
held = bytearray(b'x' * 40 * 1024**2)
if os.fork() == 0:
    own = bytearray(b'y' * 20 * 1024**2)
    print("ready", flush=True)
    time.sleep(60)
os.wait()
"""


def test_shared_memory_of_a_tree_is_counted_once_and_that_of_children_too() -> None:
    with subprocess.Popen(
        [sys.executable, "-S", "-c", HOLDS], stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        (child,) = descendants(process.pid)
        assert 60 * MIB < tree_bytes(process.pid) < 90 * MIB
        assert 40 * MIB <= tree_bytes(child) < 60 * MIB
        subprocess.run(["kill", "-9", str(child)], check=True)
    assert tree_bytes(process.pid) == 0


@needs_sandbox
@pytest.mark.anyio
async def test_what_a_server_in_a_sandbox_takes_up_is_counted(tmp_path: Path) -> None:
    cell = cell_in(tmp_path, FAKE)
    argv = closed_in((sys.executable, "-S", "-E", str(FAKE), "good"), cell, opted_out=False)
    async with connect(Launch("fake", argv, cell.scratch, {})) as connection:
        await connection.list_tools()
        keeper = connection.process._process.pid
        assert len(descendants(keeper)) >= 4  # two bubblewraps, process 1 and the server
        assert 3 * MIB < tree_bytes(keeper) < 40 * MIB


@needs_sandbox
@pytest.mark.slow
@pytest.mark.anyio
async def test_forty_servers_that_hang_take_up_less_than_300_mib(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:

        async def start(number: int) -> Connection:
            folder = tmp_path / str(number)
            folder.mkdir()
            cell = cell_in(folder, FAKE)
            command = (sys.executable, "-S", "-E", str(FAKE), "hangs_on")
            argv = closed_in(command, cell, opted_out=False)
            launch = Launch(str(number), argv, cell.scratch, {}, Limits(exit_grace_s=0.05))
            return await stack.enter_async_context(connect(launch))

        connections = [await start(number) for number in range(40)]
        async with asyncio.timeout(60):
            await asyncio.gather(*(each.list_tools() for each in connections))
        taken = [tree_bytes(each.process._process.pid) for each in connections]
    sys.stdout.write(f"40 servers: {sum(taken) / MIB:.0f} MiB\n")
    assert sum(taken) < 300 * MIB
