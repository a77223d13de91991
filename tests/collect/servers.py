"""Manifests and prefixes of servers that are little scripts."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.evolve.collect import Collecting
from agentsynth.evolve.snapshot import Failure, ListedServer
from agentsynth.worlds.stdio import Launch

SERVER = """
import json, os, sys
GREETING = {greeting!r}
TOOLS = {tools!r}
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    result = {{"tools": TOOLS}} if request["method"] == "tools/list" else GREETING
    print(json.dumps({{"jsonrpc": "2.0", "id": request["id"], "result": result}}), flush=True)
"""
GREETING = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "x"}}


def tool(name: str = "look_up", **changes: Any) -> dict[str, Any]:
    """Return a listed tool."""
    schema = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
    return {"name": name, "description": f"Does {name}.", "inputSchema": schema, **changes}


def manifest(name: str = "tiny", **changes: Any) -> ServerManifest:
    """Return a manifest whose command is `serve`."""
    raw: dict[str, Any] = {
        "name": name,
        "title": name,
        "registry": "pypi",
        "package": name,
        "version": "1.0",
        "command": "serve",
        "licence": "MIT",
        "licence_source": "written here",
        "start_timeout_s": 5,
    }
    return parse_manifest({**raw, **changes}, f"{name}.yaml")


def serve(root: Path, name: str, source: str) -> Path:
    """Write a prefix whose command runs a script; return the prefix."""
    prefix = root / name
    (prefix / "bin").mkdir(parents=True, exist_ok=True)
    python = prefix / "bin" / "python"
    if not python.exists():
        python.symlink_to(sys.executable)
    script = prefix / "bin" / "serve"
    script.write_text(f"#!{python} -S\n{source}", encoding="utf-8")
    script.chmod(0o755)
    return prefix


def listing(*tools: dict[str, Any], **greeting: Any) -> str:
    """Return the script of a server that lists these tools."""
    return SERVER.format(tools=list(tools), greeting={**GREETING, **greeting})


def free(manifest: ServerManifest, prefix: Path, launch: Launch) -> Launch:
    """Close nothing in."""
    return launch


def how(root: Path, **changes: Any) -> Collecting:
    """Return how to collect from prefixes in a folder."""
    return replace(Collecting(prefixes=root, confine=free), **changes)


def listed(outcome: ListedServer | Failure) -> ListedServer:
    """Return an outcome that is no failure."""
    assert isinstance(outcome, ListedServer), outcome.reason
    return outcome


def failed(outcome: ListedServer | Failure) -> Failure:
    """Return an outcome that is a failure."""
    assert isinstance(outcome, Failure), json.dumps(outcome.model_dump())
    return outcome
