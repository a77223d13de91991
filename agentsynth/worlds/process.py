"""A child process that is read line by line and always ended, with everything it started.

Not a protocol: what the lines mean is its caller's business. Not asyncio's own subprocess either,
which waits for ever when it is cancelled while a process starts (Ctrl-C of a run).
"""

import asyncio
import os
import signal
import subprocess
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

__all__ = ["Ended", "Overflow", "ServerProcess", "running"]

_REAP_S = 2.0
"""Seconds a killed process has to disappear; it takes milliseconds."""


class Ended(Exception):
    """The process closed its output; there is no further line."""


class Overflow(Exception):
    """The process used up more than it may; the text says what it did."""


class _Lines(asyncio.Protocol):
    """Stdout, cut into lines."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._partial: list[bytes] = []
        self._partial_bytes = 0
        self._overflow: str | None = None
        self._news = asyncio.Event()
        self.closed = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Take in what was written; after an overflow nothing more."""
        if self._overflow is None:
            self._take(data)
            self._news.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end."""
        self.closed.set()
        self._news.set()

    async def next(self) -> bytes:
        while True:
            if self._lines:
                line = self._lines.popleft()
                self._waiting_bytes -= len(line)
                return line
            if self._overflow is not None:
                raise Overflow(self._overflow)
            if self.closed.is_set():
                raise Ended
            self._news.clear()
            await self._news.wait()

    def give_up(self, why: str) -> None:
        """Make this the end of what can be read."""
        self._overflow = self._overflow or why
        self._news.set()

    def _take(self, data: bytes) -> None:
        first, *rest = data.split(b"\n")
        self._extend(first)
        for part in rest:
            line = b"".join(self._partial)
            self._lines.append(line)
            self._waiting_bytes += len(line)
            self._partial.clear()
            self._partial_bytes = 0
            self._extend(part)
        if self._waiting_bytes > 2 * self._most_bytes:
            self._overflow = f"wrote more than {2 * self._most_bytes} bytes that nobody asked for"

    def _extend(self, part: bytes) -> None:
        self._partial.append(part)
        self._partial_bytes += len(part)
        if self._partial_bytes > self._most_bytes:
            self._overflow = f"wrote a line of more than {self._most_bytes} bytes"


class _Tail(asyncio.Protocol):
    """Stderr: read so that it never blocks the process, and only its end kept."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self.data = bytearray()

    def data_received(self, data: bytes) -> None:
        """Keep the end."""
        self.data += data
        del self.data[: -self._most_bytes]


class ServerProcess:
    """A running process in a session, and so a group, of its own."""

    def __init__(
        self, process: subprocess.Popen[bytes], *, line_bytes: int, stderr_bytes: int
    ) -> None:
        self._process = process
        self._lines = _Lines(line_bytes)
        self._tail = _Tail(stderr_bytes)
        self._input: asyncio.WriteTransport | None = None
        self._outputs: list[asyncio.ReadTransport] = []

    async def attach(self) -> None:
        """Connect the pipes to the event loop."""
        loop = asyncio.get_running_loop()
        stdin, stdout, stderr = self._pipes()
        self._outputs.append((await loop.connect_read_pipe(lambda: self._lines, stdout))[0])
        self._outputs.append((await loop.connect_read_pipe(lambda: self._tail, stderr))[0])
        self._input, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, stdin)

    @property
    def runs(self) -> bool:
        """Whether it still runs and can be read."""
        return self._process.poll() is None and not self._lines.closed.is_set()

    async def line(self) -> bytes:
        """Return the next line of stdout, without its end.

        Raises:
            Ended: stdout is closed and all lines were read.
            Overflow: a line, or what waits to be read, is too long, or it was given up.
        """
        return await self._lines.next()

    def write(self, data: bytes) -> None:
        """Send data; nothing happens when the process no longer reads (its output tells)."""
        if self._input is not None and not self._input.is_closing():
            self._input.write(data)

    async def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None = it still runs a moment later."""
        for _ in range(50):
            if self._process.poll() is not None:
                break
            await asyncio.sleep(0.01)
        return self._process.returncode

    def stderr_tail(self) -> str:
        """Return the end of what it wrote to stderr."""
        return self._tail.data.decode("utf-8", errors="replace").strip()

    @property
    def pid(self) -> int:
        """Its number, which is its group's too."""
        return self._process.pid

    def give_up(self, why: str) -> None:
        """Kill its group now; whoever waits for a line gets an `Overflow` with this text."""
        self._lines.give_up(why)
        self._signal_group(signal.SIGKILL)

    async def leave(self, grace_s: float) -> None:
        """Ask the process to end: close its input, then SIGTERM, each with a moment to react."""
        if self._input is not None:
            self._input.close()
        if not await _within(self._lines.closed, grace_s):
            self._signal_group(signal.SIGTERM)
            await _within(self._lines.closed, grace_s)

    def kill(self) -> None:
        """Kill what is left of the group, reap the process and free the pipes. Never waits long."""
        self._signal_group(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_REAP_S)
        if self._input is not None and not self._input.is_closing():
            self._input.abort()
        for output in self._outputs:
            output.close()
        taken = len(self._outputs) + (self._input is not None)
        stdin, stdout, stderr = self._pipes()
        for pipe in (stdout, stderr, stdin)[taken:]:
            pipe.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
        stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if stdin is None or stdout is None or stderr is None:
            raise ValueError("the process must be started with three pipes")
        return stdin, stdout, stderr

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


@asynccontextmanager
async def running(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    line_bytes: int,
    stderr_bytes: int,
    exit_grace_s: float,
) -> AsyncGenerator[ServerProcess]:
    """Start a process in a session of its own, and end its whole group on the way out.

    After an error or a cancellation the group is killed at once.

    Raises:
        OSError: it cannot be started.
    """
    started = subprocess.Popen(  # noqa: ASYNC220 - starting takes a millisecond
        argv,
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )
    process = ServerProcess(started, line_bytes=line_bytes, stderr_bytes=stderr_bytes)
    try:
        await process.attach()
        yield process
        await process.leave(exit_grace_s)
    finally:
        process.kill()
