import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentsynth.core.errors import ServerError
from agentsynth.worlds.stdio import Connection, Launch, Limits, connect
from agentsynth.worlds.wire import CallReply

pytestmark = pytest.mark.anyio

FAKE = Path(__file__).parent / "servers" / "fake.py"


@asynccontextmanager
async def fake(
    mode: str,
    folder: Path,
    *,
    start_timeout_s: float = 10,
    call_timeout_s: float = 10,
) -> AsyncGenerator[Connection]:
    limits = Limits(
        start_timeout_s=start_timeout_s,
        call_timeout_s=call_timeout_s,
        pages=5,
        line_bytes=1_000_000,
        stray_lines=500,
        exit_grace_s=0.2,
    )
    launch = Launch(
        name=mode,
        argv=(sys.executable, "-S", "-E", str(FAKE), mode),
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONUTF8": "1"},
        limits=limits,
        hide=((str(folder), "/scratch"),),
    )
    async with connect(launch) as connection:
        yield connection


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def gone(pids: list[int]) -> bool:
    """Whether all these processes end within a second; a kill takes effect a moment later."""
    last = time.monotonic() + 1
    while any(alive(pid) for pid in pids) and time.monotonic() < last:
        time.sleep(0.005)
    return not any(alive(pid) for pid in pids)


def started(folder: Path) -> list[int]:
    """The processes of the server and of its child, as they wrote them down."""
    return [int(pid) for pid in (folder / "pids").read_text(encoding="utf-8").split()]


async def test_a_call_gives_the_text_the_server_answered(tmp_path: Path) -> None:
    async with fake("good", tmp_path) as connection:
        reply = await connection.call_tool("echo", {"text": "grüße"})
    assert reply == CallReply("grüße", is_error=False)


@pytest.mark.parametrize("mode", ["noisy", "byte_order_mark", "string_ids", "floods_stderr"])
async def test_noise_and_odd_encodings_do_no_harm(mode: str, tmp_path: Path) -> None:
    async with fake(mode, tmp_path) as connection:
        listing = await connection.list_tools()
        reply = await connection.call_tool("echo", {"text": "hello"})
        noise = connection.noise
    assert [tool["name"] for tool in listing.tools] == ["echo"]
    assert (reply.text, reply.is_error) == ("hello", False)
    assert noise == (5 if mode == "noisy" else 0)


async def test_a_listing_is_read_page_by_page(tmp_path: Path) -> None:
    async with fake("pages", tmp_path) as connection:
        listing = await connection.list_tools()
    assert [tool["name"] for tool in listing.tools] == ["echo", "other"]


async def test_malformed_tools_are_skipped_and_reported_and_the_others_kept(tmp_path: Path) -> None:
    async with fake("malformed_tool", tmp_path) as connection:
        listing = await connection.list_tools()
    assert [tool["name"] for tool in listing.tools] == ["echo", "other"]
    assert listing.skipped == (
        "tool 'no_schema': has no input schema",
        "tool None: not an object",
        "tool 7: has no name",
        "tool 'odd': its input schema is of type 'string'",
    )


@pytest.mark.parametrize(
    ("mode", "says"),
    [("repeats_cursor", "repeated the cursor 'again'"), ("endless_pages", "more than 5 pages")],
)
async def test_an_endless_listing_is_given_up(mode: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ServerError, match=says):
        async with fake(mode, tmp_path) as connection:
            await connection.list_tools()


async def test_what_a_server_asks_is_answered(tmp_path: Path) -> None:
    async with fake("asks", tmp_path) as connection:
        reply = await connection.call_tool("echo", {})
    assert json.loads(reply.text) == [
        ["s0", {}, None],
        ["s1", {"roots": []}, None],
        ["s2", None, -32601],
    ]


async def test_errors_of_a_call_are_answers_and_not_failures(tmp_path: Path) -> None:
    async with fake("is_error", tmp_path) as connection:
        marked = await connection.call_tool("echo", {"text": "no"})
    async with fake("refuses", tmp_path) as connection:
        refused = await connection.call_tool("nope", {})
    assert marked == CallReply("no", is_error=True)
    assert refused == CallReply("Unknown tool", is_error=True, protocol_error=True)


async def test_parts_that_are_no_text_leave_a_note(tmp_path: Path) -> None:
    async with fake("many_parts", tmp_path) as connection:
        reply = await connection.call_tool("echo", {"text": "a"})
    assert reply.text == "a\n[image content left out]\ninside"


async def test_a_lone_surrogate_does_not_reach_the_text(tmp_path: Path) -> None:
    async with fake("lone_surrogate", tmp_path) as connection:
        reply = await connection.call_tool("echo", {})
    assert reply.text == "a\ufffdb"


async def test_a_server_sees_only_the_environment_it_is_given(tmp_path: Path) -> None:
    async with fake("environment", tmp_path) as connection:
        names, folder = json.loads((await connection.call_tool("echo", {})).text)
    assert set(names) - {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"} == {"PATH", "PYTHONUTF8"}
    assert Path(folder).name == tmp_path.name


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("dies", r"(?s)ended with exit code 3 .*answer a call of 'echo'.*about to fall over"),
        ("killed", r"was ended by signal 9 .*install the server again. It wrote nothing to stderr"),
        ("hangs", r"did not answer a call of 'echo' within 0.5 s"),
        ("floods", r"wrote 501 lines and none was the answer"),
        ("long_line", r"wrote a line of more than 1000000 bytes"),
        ("no_content", r"without a content list"),
    ],
)
async def test_a_server_that_breaks_in_a_call_gives_one_clear_error(
    mode: str, says: str, tmp_path: Path
) -> None:
    limit = 0.5 if mode == "hangs" else 10
    with pytest.raises(ServerError, match=says) as caught:
        async with fake(mode, tmp_path, call_timeout_s=limit) as connection:
            await connection.call_tool("echo", {"text": "a"})
    assert f"server {mode!r}" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("exits", r"(?s)ended with exit code 1 .*handshake.*ImportError: no such thing"),
        ("mute", r"did not answer the handshake within 0.5 s"),
        ("unknown_protocol", r"speaks protocol '1999-01-01'"),
    ],
)
async def test_a_server_that_does_not_start_gives_one_clear_error(
    mode: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ServerError, match=says):
        async with fake(mode, tmp_path, start_timeout_s=0.5 if mode == "mute" else 10):
            raise AssertionError("the handshake was accepted")


async def test_a_missing_program_is_a_server_error_that_says_what_to_do(tmp_path: Path) -> None:
    launch = Launch(name="gone", argv=(str(tmp_path / "nothing"),), cwd=tmp_path, env={})
    with pytest.raises(ServerError, match=r"could not be started .*install the server again"):
        async with connect(launch):
            raise AssertionError("it was started")


async def test_a_server_that_ignores_its_end_is_killed_with_its_children(tmp_path: Path) -> None:
    async with fake("hangs_on", tmp_path) as connection:
        await connection.call_tool("echo", {})
    pids = started(tmp_path)
    assert len(pids) == 2
    assert gone(pids)


async def test_a_cancelled_call_leaves_no_process_behind(tmp_path: Path) -> None:
    ready = asyncio.Event()

    async def play() -> None:
        async with fake("hangs_on", tmp_path) as connection:
            await connection.call_tool("echo", {})
            ready.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(play())
    await ready.wait()
    pids = started(tmp_path)
    assert len(pids) == 2
    assert all(alive(pid) for pid in pids)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert gone(pids)


async def test_a_run_stopped_while_servers_start_ends_at_once(tmp_path: Path) -> None:
    async def play() -> None:
        async with fake("good", tmp_path):
            await asyncio.Event().wait()

    for turns in range(12):
        before = asyncio.all_tasks()
        asyncio.create_task(play())  # noqa: RUF006 - ended below, like by asyncio.run
        for _ in range(turns):
            await asyncio.sleep(0)
        stopped = asyncio.all_tasks() - before
        for task in stopped:
            task.cancel()
        async with asyncio.timeout(5):
            await asyncio.gather(*stopped, return_exceptions=True)
