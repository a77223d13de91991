"""What the reviewed servers cannot do where there is no sandbox: they start with all our rights."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agentsynth.core.manifest import parse_manifest
from agentsynth.core.messages import ToolCall
from agentsynth.core.resources import bundled
from agentsynth.evolve.install import installed
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.live import LiveWorld, collect, open_live
from agentsynth.worlds.seat import ServerHome
from agentsynth.worlds.sheets_state import workbook_bytes
from agentsynth.worlds.starting_state import Seed, starting_tree
from tests.live.shelf import as_it_is

WORKSPACE = Path(__file__).parents[2] / ".agentsynth"

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@asynccontextmanager
async def unconfined(name: str, seed: Seed) -> AsyncGenerator[LiveWorld]:
    path = bundled("tools_registry") / f"{name}.yaml"
    manifest = parse_manifest(load_yaml(path).value, str(path))
    assert manifest.reviewed
    prefix = installed(manifest, WORKSPACE / "servers")
    if prefix is None:
        pytest.skip(f"the server {name!r} is not installed in .agentsynth/servers")
    home = ServerHome(manifest, prefix, as_it_is)
    start = starting_tree(seed, manifest, home.duckdb)
    specs, _ = await collect(home, start)
    async with open_live(home, start, specs=specs) as world:
        yield world


async def told(world: LiveWorld, name: str, **arguments: str) -> str:
    result = await world.call(ToolCall(id="c", name=name, arguments={**arguments}))
    return result.content


async def test_duckdb_reaches_its_own_file_and_nothing_else(tmp_path: Path) -> None:
    secret, written = tmp_path / "secret.csv", tmp_path / "written.csv"
    secret.write_text("the secret\n", encoding="utf-8")
    seed = Seed("seed.sql", "CREATE TABLE t (id INTEGER); INSERT INTO t VALUES (4);")
    refused = "disabled by configuration"
    async with unconfined("mcp-server-duckdb", seed) as world:
        assert await told(world, "query", query="SELECT id FROM t") == "[(4,)]"
        for outside in (
            f"SELECT * FROM '{secret}'",
            f"SELECT content FROM read_text('{secret}')",
            f"COPY t TO '{written}'",
            f"ATTACH '{tmp_path / 'other.duckdb'}' AS other",
            "INSTALL httpfs",
        ):
            assert refused in await told(world, "query", query=outside)
        unlock = "SET enable_external_access = true"
        assert "Database error" in await told(world, "query", query=unlock)
        both = f"{unlock}; COPY t TO '{written}'"
        assert "Database error" in await told(world, "query", query=both)
    assert list(tmp_path.iterdir()) == [secret]  # noqa: ASYNC240


async def test_the_spreadsheet_server_opens_nothing_outside_its_folder(tmp_path: Path) -> None:
    outside = tmp_path / "outside.xlsx"
    before = workbook_bytes({"Members": "Name\nAda\n"})
    outside.write_bytes(before)
    seed = Seed("seed", files={"books/club.xlsx": before})
    async with unconfined("excel-mcp-server", seed) as world:
        inside = "/scratch/books/club.xlsx"
        assert "Ada" in await told(world, "read_range", path=inside, sheet="Members")
        for path in (str(outside), "/scratch/books/../../outside.xlsx", "~/outside.xlsx"):
            said = await told(world, "read_range", path=path, sheet="Members")
            assert "outside the allowed directories" in said
            said = await told(world, "create_sheet", path=path, new_name="More")
            assert "outside the allowed directories" in said
    assert outside.read_bytes() == before
