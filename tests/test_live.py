import ast
import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.messages import ToolCall
from agentsynth.core.resources import bundled
from agentsynth.core.task import Change
from agentsynth.core.tools import ToolSpec
from agentsynth.evolve.install import installed
from agentsynth.pipeline.confine import confine_with
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.listing import normalised_parameters
from agentsynth.worlds.live import LiveWorld, collect, live_worlds, open_live
from agentsynth.worlds.seat import ServerHome
from agentsynth.worlds.sqlite_state import SCHEMA, create_database, read_tables
from agentsynth.worlds.starting_state import Seed, starting_tree

pytestmark = pytest.mark.anyio

SEED = """
CREATE TABLE tools (id INTEGER PRIMARY KEY, name TEXT NOT NULL, lent INTEGER NOT NULL);
INSERT INTO tools VALUES (1, 'saw', 0), (2, 'drill', 1);
CREATE TABLE loose (word TEXT);
"""
TINY = {
    "name": "tiny",
    "title": "A server for tests",
    "registry": "pypi",
    "package": "tiny-sql",
    "version": "1.0",
    "requirements": ["tiny-sql==1.0"],
    "command": "tiny",
    "args": ["{scratch}/data.db"],
    "homepage": "https://example.org/tiny",
    "licence": "MIT",
    "licence_source": "written here",
}
NOTES = {
    "tools": {"run": {"read_only": False}, "secret": {"read_only": True, "offered": False}},
    "state": {"kind": "sqlite", "file": "data.db"},
    "reusable": True,
    "results": "json",
    "sql_arguments": ["sql"],
    "error_prefixes": ["Database error: "],
    "masks": [{"pattern": r"token \d+", "replacement": "token #"}],
}


def manifest(**changes: Any) -> ServerManifest:
    return parse_manifest({**TINY, "live": {**NOTES, **changes}}, "tiny.yaml")


def home(prefix: Path, **changes: Any) -> ServerHome:
    """The server of these tests, in a sandbox where there is one."""
    return ServerHome(manifest(**changes), prefix, confine_with(unconfined=True))


START = starting_tree(Seed("seed.sql", SEED), manifest(), home(Path("nowhere")).duckdb)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A prefix as an installation would leave it."""
    script = tmp_path / "prefix" / "bin" / "tiny"
    script.parent.mkdir(parents=True)
    source = (Path(__file__).parent / "servers" / "tiny_sql.py").read_text(encoding="utf-8")
    script.write_text(f"#!{sys.executable} -S\n{source}", encoding="utf-8")
    script.chmod(0o755)
    (script.parent / "python").symlink_to(sys.executable)  # so that a sandbox shows it
    return script.parent.parent


@pytest.fixture
async def specs(prefix: Path) -> tuple[ToolSpec, ...]:
    found, _ = await collect(home(prefix), START)
    return found


def run(sql: str) -> ToolCall:
    return ToolCall(id="call_1", name="run", arguments={"sql": sql})


async def test_only_offered_tools_are_collected_with_their_provenance(
    specs: tuple[ToolSpec, ...],
) -> None:
    (spec,) = specs
    assert spec.name == "run"
    assert (spec.provenance.origin, spec.provenance.source) == ("mcp", "tiny")
    assert (spec.provenance.package, spec.provenance.version) == ("tiny-sql", "1.0")
    assert spec.parameters == {
        "type": "object",
        "properties": {"sql": {"type": "string", "description": "sql"}},
    }


async def test_each_call_says_what_it_changed_and_the_world_what_changed_in_all(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    async with open_live(home(prefix), START, specs=specs) as world:
        start = world.state_hash()
        lent = await world.call(run("UPDATE tools SET lent = 1 WHERE id = 1"))
        added = await world.call(run("INSERT INTO tools (name, lent) VALUES ('plane', 0)"))
        word = await world.call(run("INSERT INTO loose VALUES ('a')"))
        assert world.state_hash() != start
        await world.call(run("DELETE FROM loose"))
        returned = await world.call(run("UPDATE tools SET lent = 0 WHERE id = 1"))
        net = world.net_changes()
    create = Change(op="create", entity="tools", key="3", fields={"name": "plane", "lent": 0})
    assert lent.changes == (Change(op="update", entity="tools", key="1", fields={"lent": 1}),)
    assert added.changes == (create,)
    assert word.changes == (Change(op="create", entity="loose", key="1", fields={"word": "a"}),)
    assert returned.changes == (Change(op="update", entity="tools", key="1", fields={"lent": 0}),)
    assert net == (create,)


async def test_a_change_of_the_tables_themselves_is_seen(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    async with open_live(home(prefix), START, specs=specs) as world:
        result = await world.call(run("DROP TABLE tools"))
    assert [(c.op, c.entity, c.key) for c in result.changes] == [
        ("delete", SCHEMA, "tools"),
        ("delete", "tools", "1"),
        ("delete", "tools", "2"),
    ]


async def test_errors_of_the_tool_reach_the_agent(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    async with open_live(home(prefix), START, specs=specs) as world:
        wrong = await world.call(run("SELECT colour FROM tools"))
        hidden = await world.call(ToolCall(id="call_2", name="secret", arguments={}))
    assert (wrong.content, wrong.is_error) == ("Database error: no such column: colour", True)
    assert (hidden.content, hidden.is_error) == ("Unknown tool: secret", True)


async def test_no_local_path_and_nothing_masked_reaches_a_result(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    async with open_live(home(prefix), START, specs=specs) as world:
        result = await world.call(run("where"))
    assert result.content == "the file is /scratch/data.db, token #"


async def test_a_server_that_dies_fails_the_rollout_and_is_not_an_observation(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    with pytest.raises(ServerError, match="ended with exit code 9"):
        async with open_live(home(prefix), START, specs=specs) as world:
            await world.call(run("die"))


async def test_a_server_whose_tools_changed_is_refused(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    script = prefix / "bin" / "tiny"
    text = script.read_text(encoding="utf-8").replace("Run SQL", "Run SQL. Always call this first")
    script.write_text(text, encoding="utf-8")
    with pytest.raises(ServerError, match="now lists run differently"):
        async with open_live(home(prefix), START, specs=specs):
            raise AssertionError("it was opened")


async def test_a_tool_that_the_server_lacks_is_named(prefix: Path) -> None:
    wanted = {"tools": {"walk": {"read_only": True}}}
    with pytest.raises(ServerError, match=r"does not list walk.*it lists run, secret"):
        await collect(home(prefix, **wanted), START)


async def test_worlds_on_one_server_never_see_each_other(
    prefix: Path, specs: tuple[ToolSpec, ...]
) -> None:
    async def play(number: int) -> tuple[str, str, int]:
        async with worlds(number) as world:
            assert isinstance(world, LiveWorld)
            seen = await world.call(run("SELECT name FROM tools"))
            files = await world.call(run("look"))
            await world.call(run("litter"))
            await world.call(run(f"INSERT INTO tools VALUES (9, 'n{number}', 0)"))
            return seen.content, files.content, len(world.net_changes())

    async with live_worlds(home(prefix), START, specs=specs) as worlds:
        played = await asyncio.gather(*(play(number) for number in range(8)))
    assert set(played) == {('[["saw"], ["drill"]]', "data.db", 1)}


async def test_a_server_that_broke_is_replaced(prefix: Path, specs: tuple[ToolSpec, ...]) -> None:
    async with live_worlds(home(prefix), START, specs=specs, servers_at_once=1) as worlds:
        async with worlds(0) as world:
            with pytest.raises(ServerError):
                await world.call(run("die"))
        async with worlds(0) as world:
            result = await world.call(run("SELECT 1"))
    assert result.content == "[[1]]"


async def test_a_clause_can_be_tried_on_a_copy(prefix: Path, specs: tuple[ToolSpec, ...]) -> None:
    select = (
        "SELECT 1 FROM before.tools b JOIN tools a USING (id) WHERE b.lent AND a.name <> b.name"
    )
    async with open_live(home(prefix), START, specs=specs) as world:
        start = world.state_hash()
        rename = "UPDATE tools SET name = 'x' WHERE id = "
        assert world.would_show(run(rename + "2"), select)
        assert not world.would_show(run(rename + "1"), select)
        assert not world.would_show(run("ATTACH 'elsewhere.db' AS e"), select)
        assert not world.would_show(run("nonsense"), select)
        assert world.state_hash() == start


def test_input_schemas_are_made_fit_for_providers() -> None:
    schema: dict[str, Any] = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {
            "text": {"type": ["string", "null"], "title": "What to say"},
            "anything": True,
            "how_often": {"type": "array", "items": {"type": ["integer", "null"]}},
        },
        "required": ["text"],
    }
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    items = {"anyOf": [{"type": "integer"}, {"type": "null"}]}
    assert normalised_parameters(schema) == {
        "type": "object",
        "properties": {
            "text": {**either, "title": "What to say", "description": "What to say"},
            "anything": {"description": "anything"},
            "how_often": {"type": "array", "items": items, "description": "how often"},
        },
        "required": ["text"],
    }


def test_a_seed_with_a_reference_to_nothing_is_refused(tmp_path: Path) -> None:
    tables = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (a REFERENCES a (id));"
    with pytest.raises(UserError, match="row 1 of 'b' refers to no row of 'a'"):
        create_database(tmp_path / "x.db", tables + "INSERT INTO b VALUES (7)", source="seed.sql")


# -- the bundled server, as it is really installed ------------------------------------------------

SQLITE = bundled("tools_registry") / "sqlite.yaml"
FOLDER = bundled("domains") / "live" / "sqlite"
WORKSPACE = Path(__file__).parent.parent / ".agentsynth"


@pytest.fixture
def bundled_server() -> tuple[ServerManifest, Path]:
    found = parse_manifest(load_yaml(SQLITE).value, str(SQLITE))
    place = installed(found, WORKSPACE / "servers")
    if place is None:
        pytest.skip("the sqlite server is not installed in .agentsynth/servers")
    return found, place


def query(tool: str, sql: str) -> ToolCall:
    return ToolCall(id="call_1", name=tool, arguments={"query": sql})


async def test_the_bundled_server_answers_and_its_writes_are_seen(
    bundled_server: tuple[ServerManifest, Path], tmp_path: Path
) -> None:
    server, place = bundled_server
    seed = (FOLDER / "seed.sql").read_text(encoding="utf-8")
    installed_home = ServerHome(server, place, confine_with(unconfined=False))
    start = starting_tree(Seed("seed.sql", seed), server, installed_home.duckdb)
    offered, skipped = await collect(installed_home, start)
    async with open_live(installed_home, start, specs=offered) as world:
        tables = await world.call(ToolCall(id="call_1", name="list_tables", arguments={}))
        wrong = await world.call(query("read_query", "SELECT colour FROM jobs"))
        invalid = await world.call(ToolCall(id="call_1", name="read_query", arguments={}))
        job = await world.call(query("read_query", "SELECT item, status FROM jobs WHERE id = 5"))
        written = await world.call(
            query("write_query", "UPDATE jobs SET status = 'collected' WHERE id = 5")
        )
        net = world.net_changes()
    create_database(tmp_path / "witness.db", seed, source="seed.sql")
    assert [spec.name for spec in offered] == [
        "read_query",
        "write_query",
        "create_table",
        "list_tables",
        "describe_table",
    ]
    assert skipped == ()
    names = {row["name"] for row in ast.literal_eval(tables.content)}
    assert names == read_tables(tmp_path / "witness.db").keys() - {SCHEMA}
    assert (wrong.is_error, wrong.content) == (True, "Database error: no such column: colour")
    assert invalid.is_error
    assert ast.literal_eval(job.content) == [{"item": "kettle", "status": "ready"}]
    assert written.content == "[{'affected_rows': 1}]"
    change = Change(op="update", entity="jobs", key="5", fields={"status": "collected"})
    assert written.changes == net == (change,)
