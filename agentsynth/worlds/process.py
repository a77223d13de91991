"""A child process that is read line by line and always ended, with everything it started.

Not a protocol: what the lines mean is its caller's business.
"""

import asyncio
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

__all__ = ["Ended", "Overflow", "ServerProcess", "running"]

_STDOUT = 1
_STDERR = 2


class Ended(Exception):
    """The process closed its output; there is no further line."""


class Overflow(Exception):
    """The process wrote more than it may; the text says what."""


class ServerProcess(asyncio.SubprocessProtocol):
    """The pipes of one process. asyncio calls the methods that start with pipe_ and process_."""

    def __init__(self, *, line_bytes: int, stderr_bytes: int) -> None:
        self._line_bytes = line_bytes
        self._stderr_bytes = stderr_bytes
        self._lines: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._partial: list[bytes] = []
        self._partial_bytes = 0
        self._stderr = bytearray()
        self._overflow: str | None = None
        self._output_closed = False
        self._news = asyncio.Event()
        self.exited = asyncio.Event()
        self.released = asyncio.Event()
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """Cut stdout into lines; keep the end of stderr."""
        if fd == _STDERR:
            self._stderr += data
            del self._stderr[: -self._stderr_bytes]
        elif fd == _STDOUT and self._overflow is None:
            self._take(data)
            self._news.set()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """Note the end of stdout; the other pipes do not matter."""
        if fd == _STDOUT:
            self._output_closed = True
            self._news.set()

    def process_exited(self) -> None:
        """Note the exit."""
        self.exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that the process and all its pipes are gone."""
        self.released.set()

    async def line(self) -> bytes:
        """Return the next line of stdout, without its end.

        Raises:
            Ended: stdout is closed and all lines were read.
            Overflow: a line, or what waits to be read, is too long.
        """
        while True:
            if self._lines:
                line = self._lines.popleft()
                self._waiting_bytes -= len(line)
                return line
            if self._overflow is not None:
                raise Overflow(self._overflow)
            if self._output_closed:
                raise Ended
            self._news.clear()
            await self._news.wait()

    def write(self, data: bytes) -> None:
        """Send data; nothing happens when the process no longer reads (its output tells)."""
        pipe = self._pipe()
        if pipe is not None and not pipe.is_closing():
            pipe.write(data)

    async def exit_code(self) -> int | None:
        """Return the exit code, negative for a signal; None = it still runs a moment later."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                await self.exited.wait()
        return None if self._transport is None else self._transport.get_returncode()

    def stderr_tail(self) -> str:
        """Return the end of what it wrote to stderr."""
        return self._stderr.decode("utf-8", errors="replace").strip()

    def signal_group(self, number: signal.Signals) -> None:
        """Signal the process and everything in its group that is still there."""
        if self._transport is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._transport.get_pid(), number)

    async def leave(self, grace_s: float) -> None:
        """Ask the process to end: close its input, then SIGTERM, each with a moment to react."""
        pipe = self._pipe()
        if pipe is not None:
            pipe.close()
        if not await _within(self.exited, grace_s):
            self.signal_group(signal.SIGTERM)
            await _within(self.exited, grace_s)

    async def release(self) -> None:
        """Kill what is left of the group and free the pipes."""
        self.signal_group(signal.SIGKILL)
        if self._transport is None:
            return
        try:
            await _within(self.exited, 2.0)
        finally:
            self._transport.close()
        await _within(self.released, 2.0)

    def _pipe(self) -> asyncio.WriteTransport | None:
        if self._transport is None:
            return None
        return cast(asyncio.WriteTransport | None, self._transport.get_pipe_transport(0))

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
        if self._waiting_bytes > 2 * self._line_bytes:
            self._overflow = f"more than {2 * self._line_bytes} bytes that nobody asked for"
            self.signal_group(signal.SIGKILL)

    def _extend(self, part: bytes) -> None:
        self._partial.append(part)
        self._partial_bytes += len(part)
        if self._partial_bytes > self._line_bytes:
            self._overflow = f"a line of more than {self._line_bytes} bytes"
            self.signal_group(signal.SIGKILL)


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
    loop = asyncio.get_running_loop()
    _, process = await loop.subprocess_exec(
        lambda: ServerProcess(line_bytes=line_bytes, stderr_bytes=stderr_bytes),
        *argv,
        cwd=cwd,
        env=dict(env),
        start_new_session=True,
    )
    orderly = False
    try:
        yield process
        orderly = True
    finally:
        try:
            if orderly:
                await process.leave(exit_grace_s)
        finally:
            await process.release()
