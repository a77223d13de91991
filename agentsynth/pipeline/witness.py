"""The witness: a process of its own that carries tasks' reference calls out again.

It is started with another hash seed, time zone and locale, loads the domains from their folders,
and has seen nothing of the search that found the task. Live domains go without it: their server is
a process of its own already.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Sequence

from agentsynth.core.errors import RunError
from agentsynth.core.task import Task
from agentsynth.plan.witness import Witness

__all__ = ["open_witness"]

_LIMIT = 64 * 1024 * 1024
"""Longest line; a task of 300 calls has about 60 kB."""


_ELSEWHERE = {"TZ": "Pacific/Chatham", "LC_ALL": "C.UTF-8"}


class _Witness:
    """The witness as seen from here; its process starts when it is first asked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, task: Task) -> str:
        """Return the digest of results and final state over there."""
        line = json.dumps({"task": task.plain}) + "\n"
        async with self._turn:
            process = self._process or await self._start()
            assert process.stdin is not None  # both are piped
            assert process.stdout is not None
            try:
                process.stdin.write(line.encode())
                await process.stdin.drain()
                answer = await process.stdout.readline()
            except (BrokenPipeError, ConnectionResetError):
                answer = b""
        if not answer:
            raise RunError(
                "the process that confirms certificates ended; run again on the same folder to "
                "go on, and report it if it happens twice"
            )
        return str(json.loads(answer)["digest"])

    async def _start(self) -> asyncio.subprocess.Process:
        hash_seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "agentsynth.cli.witness",
            *self._names,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LIMIT,
            env={**os.environ, **_ELSEWHERE, "PYTHONHASHSEED": hash_seed},
            start_new_session=True,  # ctrl-C is for the run; the witness ends with its pipe
        )
        return self._process

    async def close(self) -> None:
        """End the process, if it ever began."""
        process = self._process
        if process is None:
            return
        if process.stdin is not None:
            process.stdin.close()
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


@contextlib.asynccontextmanager
async def open_witness(names: Sequence[str]) -> AsyncGenerator[Witness]:
    """Have a witness for these domains (names or folders); it ends with the context."""
    witness = _Witness(names)
    try:
        yield witness
    finally:
        await witness.close()
