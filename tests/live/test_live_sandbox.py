"""A live world's server in its sandbox: what it cannot reach, and that it is gone afterwards."""

import json
import os
import socket
import threading
from pathlib import Path

import pytest

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.messages import ToolCall
from agentsynth.pipeline import confine
from agentsynth.worlds.live import collect, live_worlds
from tests.collect.closed import all_gone, needs_sandbox, running_with
from tests.live.shelf import START, do, home, shelf_world

pytestmark = pytest.mark.anyio


@pytest.fixture
def listener() -> "socket.socket":
    """A port of this machine that somebody listens on."""
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=lambda: _accept(server), daemon=True).start()
    return server


def _accept(server: socket.socket) -> None:
    try:
        while True:
            server.accept()[0].close()
    except OSError:
        return


@needs_sandbox
async def test_a_server_reaches_no_address(tmp_path: Path, listener: socket.socket) -> None:
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    async with shelf_world(tmp_path, closed=False) as world:
        outside = await do(world, "connect", address)
    async with shelf_world(tmp_path) as world:
        inside = await do(world, "connect", address)
        beyond = await do(world, "connect", "192.0.2.1:80")
    listener.close()
    assert "connected" in outside.content
    assert inside.is_error
    assert "ConnectionRefusedError" in inside.content
    assert "Network is unreachable" in beyond.content


@needs_sandbox
async def test_a_server_reads_no_file_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret", encoding="utf-8")
    secret.chmod(0o644)
    async with shelf_world(tmp_path, closed=False) as world:
        outside = await do(world, "read", secret)
    async with shelf_world(tmp_path) as world:
        inside = await do(world, "read", secret)
    assert outside.content == "the secret"
    assert inside.is_error
    assert "FileNotFoundError" in inside.content


@needs_sandbox
async def test_a_server_sees_no_variable_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTSYNTH_SECRET", "hush")
    async with shelf_world(tmp_path) as world:
        seen = dict(json.loads((await do(world, "environment")).content))
    assert "AGENTSYNTH_SECRET" not in seen
    assert "hush" not in seen.values()
    assert os.environ["AGENTSYNTH_SECRET"] == "hush"


@needs_sandbox
async def test_what_a_server_starts_does_not_outlive_its_rollout(tmp_path: Path) -> None:
    token = f"outlives-{os.getpid()}"
    async with shelf_world(tmp_path) as world:
        await do(world, "outlive", token)
        assert running_with(token)
    assert all_gone(token)


@needs_sandbox
async def test_a_server_writes_again_after_its_state_was_put_back(tmp_path: Path) -> None:
    server = home(tmp_path, reusable=True)
    specs, _ = await collect(server, START)
    async with live_worlds(server, START, specs=specs, servers_at_once=1) as worlds:
        for _ in range(2):
            async with worlds(0) as world:
                call = ToolCall(
                    id="c", name="do", arguments={"what": "write", "given": "first.txt"}
                )
                result = await world.call(call)
                assert [(c.op, c.key) for c in result.changes] == [("update", "first.txt")]


async def test_an_unreviewed_server_without_a_sandbox_is_refused_unless_the_user_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = home(tmp_path)
    monkeypatch.setattr(confine, "why_unavailable", lambda: "no bubblewrap")
    with pytest.raises(UserError, match="not reviewed and there is no sandbox"):
        await collect(server, START)


# -- what a server leaves in the place of its state ------------------------------------------------


@pytest.mark.parametrize("closed", [pytest.param(True, marks=needs_sandbox), False])
@pytest.mark.parametrize("what", ["link", "link_shelf"])
async def test_a_link_in_the_place_of_state_is_refused_and_not_followed(
    tmp_path: Path, what: str, closed: bool
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("the secret", encoding="utf-8")
    target = outside / "secret.txt" if what == "link" else outside
    async with shelf_world(tmp_path, closed=closed) as world:
        with pytest.raises(ServerError, match="is a link, or was changed"):
            await do(world, what, target)
        assert "the secret" not in json.dumps(world.net_changes(), default=str)


async def test_a_fifo_in_the_place_of_state_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    async with shelf_world(tmp_path, closed=False) as world:
        with pytest.raises(ServerError, match="put a FIFO where its state should be: 'pipe'"):
            await do(world, "fifo")


async def test_a_state_that_is_too_large_is_refused(tmp_path: Path) -> None:
    async with shelf_world(tmp_path, closed=False) as world:
        with pytest.raises(ServerError, match=r"grew beyond \d+ bytes.*'big.bin'"):
            await do(world, "big", 65 * 1024**2)


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("notes.json", {"kind": "json", "file": "notes.json", "tables": {"n": {"key": ["id"]}}}),
        ("data.db", {"kind": "sqlite", "file": "data.db"}),
    ],
)
async def test_a_file_that_became_a_link_is_refused(
    tmp_path: Path, name: str, state: dict[str, object]
) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"[]" if name == "notes.json" else b"")
    start = {"shelf": None, name: outside.read_bytes()}
    async with shelf_world(tmp_path, start, closed=False, state=state) as world:
        with pytest.raises(ServerError, match=f"'{name}' is a link, or was changed"):
            await do(world, "swap", f"{name}>{outside}")


def world_scratch(world: object) -> Path:
    return vars(world)["_scratch"]


async def test_putting_back_does_not_write_through_a_link(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("ours", encoding="utf-8")
    server = home(tmp_path, closed=False, reusable=True)
    specs, _ = await collect(server, START)
    async with live_worlds(server, START, specs=specs, servers_at_once=1) as worlds:
        async with worlds(0) as world:
            scratch = world_scratch(world)
        (scratch / "shelf" / "first.txt").unlink()
        (scratch / "shelf" / "first.txt").symlink_to(outside)
        async with worlds(0) as world:
            assert world.net_changes() == ()
    assert outside.read_text(encoding="utf-8") == "ours"
