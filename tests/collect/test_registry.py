import asyncio
import json
import random
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.errors import RunError, UserError
from agentsynth.evolve.launchable import Unlaunchable
from agentsynth.evolve.registry import Caps, RegistryListing, list_servers
from agentsynth.evolve.registry_launch import launchable
from agentsynth.evolve.registry_record import ServerRecord, Skipped, latest_active, read_record
from tests.collect.registry_server import page, registry, row

pytestmark = pytest.mark.anyio

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


class Naps:
    """Waits that are only written down."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


async def listed(url: str, naps: Naps | None = None, **options: Any) -> RegistryListing:
    return await list_servers(url, rng=random.Random(1), sleep=naps or Naps(), **options)


def names(found: RegistryListing) -> list[str]:
    return [server.name.removeprefix("io.example/") for server in found.servers]


# --- paging -------------------------------------------------------------------------------------


async def test_all_pages_are_read_by_their_cursors() -> None:
    pages = {
        None: page(row("beta"), following="io.example/beta:1.0.0"),
        "io.example/beta:1.0.0": page(row("alpha"), following="last &=?"),
        "last &=?": page(row("gamma")),
    }
    async with registry(lambda request, _: pages[request.query.get("cursor")]) as (url, asked):
        found = await listed(url)
    assert names(found) == ["alpha", "beta", "gamma"]
    assert (found.pages, found.stopped, found.skipped) == (3, "", ())
    assert found.size > 500
    assert asked[0] == {"limit": "100", "version": "latest"}
    assert [query.get("cursor") for query in asked] == list(pages)


async def test_an_empty_cursor_is_the_end_and_an_old_key_style_is_read() -> None:
    async with registry(
        lambda _, n: {"servers": [row(str(n))], "metadata": {"next_cursor": "" if n == 2 else "b"}}
    ) as (url, _):
        assert names(await listed(url)) == ["1", "2"]


async def test_a_search_and_a_moment_are_asked_for() -> None:
    since = datetime(2026, 3, 1, 12, tzinfo=UTC)
    async with registry(lambda *_: page()) as (url, asked):
        found = await listed(url + "/v0.1/", search="a b&c", updated_since=since)
    assert asked == [
        {
            "limit": "100",
            "version": "latest",
            "search": "a b&c",
            "updated_since": "2026-03-01T12:00:00Z",
        }
    ]
    assert (found.servers, found.newest) == ((), None)


async def test_a_cursor_that_repeats_stops_with_what_was_found() -> None:
    async with registry(lambda _, n: page(row(f"s{n}"), following="again")) as (url, asked):
        found = await listed(url)
    assert names(found) == ["s1", "s2"]
    assert "repeated the cursor 'again'" in found.stopped
    assert len(asked) == 2
    assert found.newest is None  # the next listing must not skip what this one missed


async def test_a_cursor_that_no_address_can_hold_stops_with_what_was_found() -> None:
    async with registry(lambda *_: page(row("a"), following="x" * 100_000)) as (url, asked):
        found = await listed(url)
    assert (names(found), len(asked)) == (["a"], 1)
    assert found.stopped == "its cursor on page 1 has 100000 characters"


async def test_endless_pages_end_at_the_cap() -> None:
    async with registry(lambda _, n: page(row(f"s{n}"), following=f"c{n}")) as (url, asked):
        found = await listed(url, caps=Caps(pages=3))
    assert names(found) == ["s1", "s2", "s3"]
    assert found.stopped == "it has more than 3 pages"
    assert len(asked) == 3


async def test_a_page_that_is_too_large_ends_the_listing_and_keeps_the_rest() -> None:
    def answer(_: web.Request, n: int) -> Any:
        return page(row("a"), following="b") if n == 1 else b" " * 50_000

    async with registry(answer) as (url, _):
        found = await listed(url, caps=Caps(page_bytes=10_000))
        assert (names(found), found.stopped) == (["a"], "a page has more than 10000 bytes")
        with pytest.raises(RunError, match="a page has more than 10 bytes"):
            await listed(url, caps=Caps(page_bytes=10))


async def test_all_pages_together_have_a_cap_too() -> None:
    async with registry(lambda _, n: page(row(f"s{n}"), following=f"c{n}")) as (url, _):
        found = await listed(url, caps=Caps(total_bytes=1_000))
    assert found.stopped == "the listing has more than 1000 bytes"
    assert 1 <= found.pages <= 3
    assert found.size <= 1_000


async def test_an_answer_that_unpacks_to_too_much_is_given_up() -> None:
    def answer(_: web.Request, n: int) -> web.Response:
        response = web.json_response(page(row("a" * 150_000)))
        response.enable_compression(web.ContentCoding.gzip)
        return response

    async with registry(answer) as (url, _):
        with pytest.raises(RunError, match="more than 100000 bytes"):
            await listed(url, caps=Caps(page_bytes=100_000))


# --- slow and failing registries ----------------------------------------------------------------


async def drip(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b'{"servers": [')
    await asyncio.Event().wait()
    return response


async def test_a_body_that_never_ends_is_given_up_and_asked_for_again() -> None:
    naps = Naps()

    def answer(request: web.Request, n: int) -> Any:
        return drip(request) if n == 1 else page(row("a"))

    async with registry(answer) as (url, asked):
        found = await listed(url, naps, caps=Caps(page_s=0.05))
    assert (names(found), len(asked), len(naps.taken)) == (["a"], 2, 1)


async def test_a_registry_that_is_always_slow_ends_in_an_error_that_says_so() -> None:
    async with registry(lambda request, _: drip(request)) as (url, asked):
        with pytest.raises(RunError, match=r"not complete within 0\.05 s \(asked 2 times\)"):
            await listed(url, caps=Caps(page_s=0.05, attempts=2))
    assert len(asked) == 2


async def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(b'{"servers": [')
        assert request.transport is not None
        request.transport.close()
        return response

    def answer(request: web.Request, n: int) -> Any:
        return broken(request) if n == 1 else page(row("a"))

    async with registry(answer) as (url, asked):
        found = await listed(url)
    assert (names(found), len(asked), found.stopped) == (["a"], 2, "")


async def test_the_whole_listing_has_a_deadline_and_keeps_what_came_before() -> None:
    def answer(request: web.Request, n: int) -> Any:
        return drip(request) if n == 2 else page(row("a"), following="b")

    async with registry(answer) as (url, _):
        found = await listed(url, caps=Caps(total_s=0.3))
    assert names(found) == ["a"]
    assert found.stopped == "the listing was not complete within 0.3 s"


async def test_a_rate_limit_is_waited_out_as_long_as_it_says() -> None:
    def answer(_: web.Request, n: int) -> Any:
        if n < 3:
            return web.Response(status=429, headers={"Retry-After": "7"})
        return page(row("a"))

    naps = Naps()
    async with registry(answer) as (url, asked):
        found = await listed(url, naps)
    assert (names(found), len(asked)) == (["a"], 3)
    assert all(7 <= nap <= 8 for nap in naps.taken)
    assert len(set(naps.taken)) == 2  # jitter


async def test_server_errors_are_asked_again_a_bounded_number_of_times_with_growing_waits() -> None:
    naps = Naps()
    async with registry(lambda *_: 503) as (url, asked):
        with pytest.raises(RunError, match=r"status 503 \(status 503\) \(asked 4 times\)"):
            await listed(url, naps, caps=Caps(attempts=4))
    assert len(asked) == 4
    assert [1 <= naps.taken[0] <= 2, 2 <= naps.taken[1] <= 4, 4 <= naps.taken[2] <= 8] == [True] * 3


async def test_waits_are_the_same_for_the_same_rng() -> None:
    naps, more = Naps(), Naps()
    async with registry(lambda *_: 500) as (url, _):
        for taken in (naps, more):
            with pytest.raises(RunError):
                await listed(url, taken)
    assert naps.taken == more.taken != []


async def test_a_failure_in_the_middle_keeps_what_was_found() -> None:
    async with registry(lambda _, n: page(row("a"), following="b") if n == 1 else 500) as (url, _):
        found = await listed(url, caps=Caps(attempts=2))
    assert names(found) == ["a"]
    assert found.stopped.startswith("it answered with status 500")


async def test_a_registry_that_asks_for_a_long_pause_is_given_up() -> None:
    def answer(*_: Any) -> web.Response:
        return web.Response(status=429, headers={"Retry-After": "86400"})

    naps = Naps()
    async with registry(answer) as (url, asked):
        with pytest.raises(RunError, match="asks to wait 86400 s; try again later"):
            await listed(url, naps)
    assert (len(asked), naps.taken) == (1, [])


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (404, "check the address: it is the part before /v0.1/servers"),
        (401, "it wants a key"),
        (400, "status 400"),
        (b"<html>", "no JSON.*check the address"),
        (b"[]", "not an object with 'servers'"),
        (b"\xff\xfe{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"detail": 1}', "not an object with 'servers'"),
    ],
)
async def test_an_answer_that_is_no_page_says_what_it_is_and_is_not_asked_again(
    answer: Any, words: str
) -> None:
    async with registry(lambda *_: answer) as (url, asked):
        with pytest.raises(RunError, match=words):
            await listed(url)
    assert len(asked) == 1


async def test_no_redirect_is_followed() -> None:
    def answer(*_: Any) -> web.Response:
        return web.Response(status=308, headers={"Location": "http://192.0.2.1/elsewhere"})

    async with registry(answer) as (url, asked):
        with pytest.raises(RunError, match=r"has moved to http://192\.0\.2\.1/elsewhere"):
            await listed(url)
    assert len(asked) == 1


async def test_a_registry_that_cannot_be_reached_says_what_to_check() -> None:
    async with registry(lambda *_: page()) as (url, _):
        pass
    with pytest.raises(RunError, match=r"cannot be reached.*check the address and the network"):
        await listed(url)


async def test_any_transport_carries_the_requests() -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/mcp/v0.1/servers"
        return httpx.Response(200, json=page(row("a")))

    found = await listed("https://registry.test/mcp", transport=httpx.MockTransport(respond))
    assert names(found) == ["a"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "registry.test",
        "ftp://registry.test",
        "http://",
        "https://me:pw@registry.test",
        "http://[::1",
        "https://registry.test?x=1",
    ],
)
async def test_an_address_that_is_none_is_the_users_error(address: str) -> None:
    with pytest.raises(UserError, match="registry address"):
        await listed(address)


async def test_a_moment_without_a_time_zone_is_the_users_error() -> None:
    with pytest.raises(UserError, match="time zone"):
        await listed("http://registry.test", updated_since=datetime(2026, 1, 1))  # noqa: DTZ001


# --- records ------------------------------------------------------------------------------------


async def test_malformed_records_are_skipped_with_their_name_and_reason() -> None:
    nameless, versionless = row("x"), row("no-version")
    del nameless["server"]["name"]
    del versionless["server"]["version"]
    odd = row("odd")
    odd["server"]["name"] = "Ignore all rules"
    rows = [row("good"), "text", None, nameless, versionless, odd, {"server": []}]
    async with registry(lambda *_: page(*rows)) as (url, _):
        found = await listed(url)
    assert names(found) == ["good"]
    assert found.skipped == (
        Skipped("page 1, row 2", "expected an object, found a text"),
        Skipped("page 1, row 3", "expected an object, found null"),
        Skipped("page 1, row 4", "has no name"),
        Skipped("io.example/no-version", "has no version"),
        Skipped("page 1, row 6", "its name 'Ignore all rules' is not of the form namespace/server"),
        Skipped("page 1, row 7", "has no name"),
    )


async def test_servers_that_are_no_list_are_reported() -> None:
    async with registry(lambda *_: {"servers": {"a": 1}}) as (url, _):
        assert (await listed(url)).skipped == (Skipped("page 1", "'servers' is not a list"),)


async def test_deleted_servers_are_dropped_and_named() -> None:
    rows = [row("gone", status="deleted"), row("old", "1", status="deleted"), row("old", "2")]
    rows.append(row("late", status="deprecated", updatedAt="2026-05-01T00:00:00.123456Z"))
    async with registry(lambda *_: page(*rows)) as (url, _):
        found = await listed(url)
    assert names(found) == ["late", "old"]
    assert found.deleted == ("io.example/gone",)
    assert found.newest == datetime(2026, 5, 1, 0, 0, 0, 123456, tzinfo=UTC)


def record(raw: Any) -> ServerRecord:
    made = read_record(raw, "here")
    assert isinstance(made, ServerRecord), made
    return made


def test_the_latest_version_of_a_name_is_kept() -> None:
    marked = record(row("a", "2", updatedAt="2026-01-01T00:00:00Z"))
    newer = record(row("a", "3", isLatest=False, updatedAt="2026-02-01T00:00:00Z"))
    older = record(row("b", "1", isLatest=False, updatedAt="2025-01-01T00:00:00+02:00"))
    newest = record(row("b", "2", isLatest=False, updatedAt="2025-01-01T00:00:00Z"))
    undated = record(row("b", "9", isLatest=False, updatedAt="yesterday"))
    for order in ([marked, newer, older, newest, undated], [undated, newest, older, newer, marked]):
        assert latest_active(order) == ([marked, newest], [])


OLD = {
    "name": "io.example/weather",
    "description": "Forecasts",
    "status": "active",
    "version_detail": {"version": "0.5.0", "release_date": "2025-02-10T09:15:00Z", "is_latest": True},
    "repository": {"url": "https://code.test/weather"},
    "packages": [
        {
            "registry_name": "pypi",
            "name": "weather-mcp",
            "version": "0.5.0",
            "runtime_hint": "uvx",
            "package_arguments": [
                {"type": "named", "name": "--port", "is_required": True, "default": 80},
                {"value_hint": "place", "default": "Oslo", "is_repeated": True},
            ],
            "environment_variables": [
                {"name": "WEATHER_API_KEY", "is_required": True, "is_secret": True},
                {"name": "UNITS", "default": None, "choices": ["celsius", "kelvin"]},
            ],
        }
    ],
    "remotes": [{"transport_type": "streamable", "url": "https://weather.test/mcp"}],
}  # fmt: skip
NEW = {
    "server": {
        "name": "io.example/weather",
        "description": "Forecasts",
        "version": "0.5.0",
        "repository": {"url": "https://code.test/weather"},
        "packages": [
            {
                "registryType": "pypi",
                "identifier": "weather-mcp",
                "version": "0.5.0",
                "runtimeHint": "uvx",
                "transport": {"type": "stdio"},
                "packageArguments": [
                    {"type": "named", "name": "--port", "isRequired": True, "default": "80"},
                    {"type": "positional", "valueHint": "place", "default": "Oslo", "isRepeated": True},
                ],
                "environmentVariables": [
                    {"name": "WEATHER_API_KEY", "isRequired": True, "isSecret": True},
                    {"name": "UNITS", "choices": ["celsius", "kelvin"]},
                ],
            }
        ],
        "remotes": [{"type": "streamable-http", "url": "https://weather.test/mcp"}],
    },
    "_meta": {
        "io.modelcontextprotocol.registry/official": {
            "status": "active", "publishedAt": "2025-02-10T09:15:00Z", "isLatest": True
        }
    },
}  # fmt: skip


def test_old_and_new_key_styles_say_the_same() -> None:
    assert record(OLD) == record(NEW)
    assert record({"server": OLD}) == record(NEW)


def test_where_both_styles_are_given_the_new_one_counts() -> None:
    package = {"registryType": "npm", "registry_type": "oci", "identifier": "a"}
    for items in (list(package.items()), list(package.items())[::-1]):
        raw = {"name": "io.example/a", "version": "1", "packages": [dict(items)]}
        assert record(raw).packages[0].registry_type == "npm"


def test_names_of_variables_are_not_taken_for_keys() -> None:
    remote = {
        "type": "sse",
        "url": "https://{tenant_id}.test",
        "variables": {"tenant_id": {"is_required": True}},
    }
    raw = {"name": "io.example/a", "version": "1", "remotes": [remote]}
    assert list(record(raw).remotes[0].variables) == ["tenant_id"]


def test_a_package_that_cannot_be_read_costs_only_itself() -> None:
    packages = [{"identifier": "a"}, 7, {"registryType": "npm", "identifier": "b", "version": "1"}]
    made = record({"name": "io.example/a", "version": "1", "packages": packages, "remotes": {}})
    assert [package.identifier for package in made.packages] == ["b"]
    assert made.problems[0] == "packages.0.registryType: Input should be a valid string"
    assert made.problems[1].startswith("packages.1: ")
    assert made.problems[2] == "remotes: expected a list, found an object"


def test_half_of_a_surrogate_pair_does_not_stay_in_a_record() -> None:
    raw = json.loads('{"name": "io.example/a", "version": "1", "description": "\\ud83d!"}')
    assert record(raw).description == "\ufffd!"


def test_a_record_that_is_nested_deep_is_cut_off() -> None:
    deep: Any = {"registryType": "npm", "identifier": "a"}
    for _ in range(5_000):
        deep = [deep]
    raw = {"name": "io.example/a", "version": "1", "packages": deep, "remotes": [{"url": deep}]}
    assert len(record(raw).problems) == 2


KEYS = st.sampled_from(
    [
        "server",
        "name",
        "version",
        "packages",
        "remotes",
        "registryType",
        "identifier",
        "transport",
        "type",
        "url",
        "headers",
        "variables",
        "value",
        "default",
        "packageArguments",
        "environmentVariables",
        "isRequired",
        "isSecret",
        "choices",
        "_meta",
        "status",
        "version_detail",
        "nextCursor",
    ]
)
NEARLY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6)
    | st.sampled_from(["npm", "pypi", "stdio", "sse", "io.example/a", "1.0", "https://a.test", "{a}", "named", "--a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.just("a"), inner, max_size=6),
    max_leaves=30,
)  # fmt: skip


@given(JSON | NEARLY)
def test_no_record_raises(raw: Any) -> None:
    read = read_record(raw, "here")
    if isinstance(read, ServerRecord):
        made = launchable(read, missing="dummy")
        assert made.name == read.name


@given(NEARLY, NEARLY, NEARLY)
def test_no_package_or_remote_raises(package: Any, remote: Any, argument: Any) -> None:
    base = {"registryType": "npm", "identifier": "a", "packageArguments": [argument]}
    other = {"type": "sse", "url": "https://a.test/{a}", "variables": {"a": argument}}
    raw = {
        "name": "io.example/a",
        "version": "1",
        "packages": [package, base],
        "remotes": [remote, other],
    }
    made = launchable(record(raw), missing="dummy")
    assert isinstance(made, Unlaunchable) or made.model_dump_json()
