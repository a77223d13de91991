"""What the tests of live worlds share: a server that keeps files, and worlds over it."""

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.pipeline.confine import confine_with
from agentsynth.worlds.live import LiveWorld, collect, open_live
from agentsynth.worlds.scratch_files import Tree
from agentsynth.worlds.seat import ServerHome
from agentsynth.worlds.stdio import Launch

MANIFEST = {
    "name": "shelf",
    "title": "A server for tests",
    "registry": "pypi",
    "package": "shelf",
    "version": "1.0",
    "requirements": ["shelf==1.0"],
    "command": "shelf",
    "args": ["{scratch}/shelf"],
    "licence": "MIT",
    "licence_source": "written here",
}
NOTES = {
    "tools": {"do": {"read_only": False}},
    "state": {"kind": "files", "folder": "shelf"},
    "results": "text",
    "error_prefixes": ["Sorry: "],
    "error_patterns": [r'"ok": ?false'],
}
START: Tree = {"shelf": None, "shelf/first.txt": b"first\n"}


def as_it_is(manifest: ServerManifest, prefix: Path, launch: Launch) -> Launch:
    """Start a server with all our rights."""
    del manifest, prefix
    return launch


def home(folder: Path, *, closed: bool = True, **changes: Any) -> ServerHome:
    """The server as an installation would leave it; `changes` are of its `live` part."""
    script = folder / "prefix" / "bin" / "shelf"
    if not script.exists():
        script.parent.mkdir(parents=True)
        source = Path(__file__).parents[1] / "servers" / "shelf.py"
        text = source.read_text(encoding="utf-8")
        script.write_text(f"#!{sys.executable} -S\n{text}", encoding="utf-8")
        script.chmod(0o755)
        (script.parent / "python").symlink_to(sys.executable)
    manifest = parse_manifest({**MANIFEST, "live": {**NOTES, **changes}}, "shelf.yaml")
    confine = confine_with(unconfined=False) if closed else as_it_is
    return ServerHome(manifest, script.parent.parent, confine)


@asynccontextmanager
async def shelf_world(
    folder: Path, start: Tree = START, **changes: Any
) -> AsyncGenerator[LiveWorld]:
    server = home(folder, **changes)
    specs, _ = await collect(server, start)
    async with open_live(server, start, specs=specs) as world:
        yield world


async def do(world: LiveWorld, what: str, given: object = "") -> ToolResult:
    return await world.call(
        ToolCall(id="call_1", name="do", arguments={"what": what, "given": str(given)})
    )
