"""Servers at an address: real ones of the official SDK, and some that misbehave, on this machine."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from agentsynth.core.errors import UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.evolve.collect import collect_all, collect_one
from agentsynth.evolve.snapshot import Snapshot, load_server, save_snapshot
from tests.collect.servers import failed, how, listed

pytestmark = [pytest.mark.anyio]

SERVER = Path(__file__).parents[1] / "servers" / "remote.py"
Transport = Literal["streamable_http", "sse"]


@contextmanager
def serving(mode: str, transport: Transport = "streamable_http") -> Generator[str]:
    """A server as a process of its own; gives its address."""
    process = subprocess.Popen(
        [sys.executable, str(SERVER), mode, transport],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"http://127.0.0.1:{port}/{'sse' if transport == 'sse' else 'mcp'}"
        process.kill()


def manifest(
    url: str, *, name: str = "far", timeout_s: float = 10, **remote: Any
) -> ServerManifest:
    raw: dict[str, Any] = {
        "name": name,
        "title": "Far away",
        "registry": "remote",
        "remote": {"url": url, **remote},
        "licence": "unknown",
        "licence_source": "nothing says",
        "start_timeout_s": timeout_s,
    }
    return parse_manifest(raw, f"{name}.yaml")


@pytest.mark.slow
@pytest.mark.parametrize("transport", ["streamable_http", "sse"])
async def test_a_server_of_the_sdk_is_listed_and_kept(transport: Transport, tmp_path: Path) -> None:
    with serving("sdk", transport) as url:
        wanted = manifest(url, transport=transport)
        found, failures = await collect_all([wanted], how(tmp_path))
    assert failures == {}
    save_snapshot(tmp_path / "tools", Snapshot(), found, failures)
    server = load_server(tmp_path / "tools", "far")
    assert [tool["name"] for tool in server.tools] == ["water", "weed"]
    assert (server.registry, server.package, server.version) == ("remote", url, "4.2")
    assert server.instructions == "Water in the morning."
    assert server.notes == server.skipped == ()


async def test_one_bad_tool_costs_only_itself_and_unknown_fields_stay(tmp_path: Path) -> None:
    with serving("malformed") as url:
        server = listed(await collect_one(manifest(url), how(tmp_path)))
    assert [tool["name"] for tool in server.tools] == ["odd", "fine"]
    assert server.tools[1]["shelf"] == "kept"
    assert server.skipped == (
        "tool 'no_schema': has no input schema",
        "tool 7: has no name",
    )


async def test_all_pages_are_asked_for(tmp_path: Path) -> None:
    with serving("pages") as url:
        server = listed(await collect_one(manifest(url), how(tmp_path)))
    assert [tool["name"] for tool in server.tools] == ["tNone", "t1"]


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("repeats", "repeated the cursor 'again'"),
        ("endless", "has more than 50 pages"),
        ("huge", "gave an answer of more than 16777216 bytes"),
        ("moved", "has moved to http://127.0.0.2:9/mcp: no redirect to another place is followed"),
        ("broken", "(status 500); check the address in its manifest"),
        ("no_json", "could not be listed: "),
        ("empty", "lists no tools: it may want a header"),
    ],
)
async def test_a_server_that_misbehaves_gives_one_clear_failure(
    mode: str, says: str, tmp_path: Path
) -> None:
    with serving(mode) as url:
        failure = failed(await collect_one(manifest(url), how(tmp_path)))
    assert failure.stage == "list"
    assert says in failure.reason
    assert failure.reason.startswith("server 'far' ")


async def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    with serving("hangs") as url:
        failure = failed(await collect_one(manifest(url, timeout_s=0.5), how(tmp_path)))
    assert "did not list its tools within 1 s" in failure.reason


async def test_an_address_where_nobody_answers_is_named(tmp_path: Path) -> None:
    failure = failed(await collect_one(manifest("http://127.0.0.1:9/mcp"), how(tmp_path)))
    assert failure.stage == "list"
    assert "check the address in its manifest" in failure.reason


async def test_a_server_that_wants_to_know_who_asks_says_what_to_do(tmp_path: Path) -> None:
    with serving("locked") as url:
        failure = failed(await collect_one(manifest(url), how(tmp_path)))
    assert failure.stage == "needs_auth"
    assert "'Authorization: Bearer {env:NAME}'" in failure.reason


BEARER = {"Authorization": "Bearer {env:FAR_TOKEN}"}


async def test_a_secret_comes_from_the_environment_and_is_not_stored(tmp_path: Path) -> None:
    asked = how(tmp_path, environ={"FAR_TOKEN": "opensesame", "OTHER": "x"})
    with serving("locked") as url:
        inside = failed(await collect_one(manifest(url, headers=BEARER), asked))
    assert "lists no tools" in inside.reason  # it was let in
    with serving("echoes") as url:
        server = listed(await collect_one(manifest(url, headers=BEARER), asked))
    assert server.tools[0]["description"] == "You are Bearer [secret]."
    assert server.notes == ("shows a secret that it was given",)
    assert "opensesame" not in server.model_dump_json()


async def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    wanted = manifest("http://127.0.0.1:9/mcp", headers=BEARER)
    failure = failed(await collect_one(wanted, how(tmp_path)))
    assert failure.stage == "needs_auth"
    assert "export FAR_TOKEN and collect again" in failure.reason


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"remote": None}, "far.yaml: remote: goes with 'registry: remote'"),
        ({"remote": {"url": "ftp://x"}}, "remote.url: String should match"),
        ({"remote": {"url": "https://me:pass@x.org/"}}, "remote: url: holds a secret"),
        (
            {"remote": {"url": "https://x.org/", "headers": {"X-Api-Key": "123"}}},
            "headers: X-Api-Key looks like a secret; write {env:NAME} there",
        ),
        ({"package": "far"}, "remote: has no package, version, command"),
        ({"registry": "npm", "remote": None}, "package: this field is required"),
    ],
)
def test_a_wrong_manifest_of_a_remote_server_says_what_is_wrong(
    changes: dict[str, Any], says: str
) -> None:
    raw = manifest("https://example.org/mcp").model_dump(mode="json", exclude_unset=True)
    with pytest.raises(UserError) as caught:
        parse_manifest({**raw, **changes}, "far.yaml")
    assert says in str(caught.value)


async def test_without_the_sdk_it_is_said_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    failure = failed(await collect_one(manifest("http://127.0.0.1:9/mcp"), how(tmp_path)))
    assert "pip install 'agentsynth-engine[remote]'" in failure.reason
