"""The locked snapshot: what every collected server listed, as files in the workspace.

`servers/<name>.json` holds one server's tools exactly as it listed them; `lock.json` names their
versions and the hash of every tool, so that a change of a single description shows. A run reads
the snapshot and never asks a server anew. The same listings give the same bytes.
"""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from pydantic import JsonValue, ValidationError

from agentsynth.core.errors import RunError, UserError
from agentsynth.core.frozen import Frozen
from agentsynth.worlds.listing import raw_hash

__all__ = [
    "Failure",
    "ListedServer",
    "ServerLock",
    "Snapshot",
    "ToolChange",
    "changes_between",
    "load_lock",
    "load_server",
    "lock_of",
    "save_snapshot",
]

_LOCK = "lock.json"


class ListedServer(Frozen):
    """One server as it listed itself."""

    schema_version: Literal[1] = 1
    name: str
    registry: Literal["npm", "pypi", "remote", "file"]
    """`file` = tools of the user's own, which no server lists."""
    package: str
    """Of a remote server its address, of tools of the user's own their file's name."""
    version: str
    """Of a remote server what it says of itself, "" = nothing."""
    resolved: dict[str, str]
    """Version of every package of its prefix."""
    licence: str
    category: str
    protocol: str
    """The protocol version it answered with."""
    instructions: str
    """What it tells every client; "" = nothing."""
    tools: tuple[dict[str, JsonValue], ...]
    """Raw, in the server's order."""
    skipped: tuple[str, ...]
    """One line for each malformed tool."""
    noise: int
    """Lines on stdout that were no JSON-RPC."""
    notes: tuple[str, ...] = ()
    """What had to be done to list it, such as an older version of a dependency."""

    @property
    def hashes(self) -> dict[str, str]:
        """Tool name to the hash of its whole specification."""
        return {str(raw["name"]): raw_hash(raw) for raw in self.tools}


class ServerLock(Frozen):
    """One server in the lock."""

    package: str
    version: str
    licence: str
    category: str
    tools: dict[str, str]
    """Tool name to the hash of its specification."""


class Failure(Frozen):
    """A server that could not be collected."""

    stage: Literal["install", "start", "list", "needs_auth"]
    reason: str
    """What happened and what a person could do."""


class Snapshot(Frozen):
    """The lock: what was collected last."""

    schema_version: Literal[1] = 1
    servers: dict[str, ServerLock] = {}
    failures: dict[str, Failure] = {}

    @property
    def tools(self) -> int:
        """The number of tools of all servers."""
        return sum(len(server.tools) for server in self.servers.values())


class ToolChange(Frozen):
    """A tool that is not what it was when it was collected before."""

    server: str
    tool: str
    kind: Literal["added", "removed", "changed"]


def lock_of(server: ListedServer) -> ServerLock:
    """Return what the lock keeps of a server."""
    return ServerLock(
        package=server.package,
        version=server.version,
        licence=server.licence,
        category=server.category,
        tools=dict(sorted(server.hashes.items())),
    )


def changes_between(before: Snapshot, now: Snapshot) -> list[ToolChange]:
    """Return every tool that differs between two snapshots, of servers that are in both."""
    changes: list[ToolChange] = []
    for name in sorted(before.servers.keys() & now.servers.keys()):
        old, new = before.servers[name].tools, now.servers[name].tools
        for tool in sorted(old.keys() | new.keys()):
            if tool not in old:
                changes.append(ToolChange(server=name, tool=tool, kind="added"))
            elif tool not in new:
                changes.append(ToolChange(server=name, tool=tool, kind="removed"))
            elif old[tool] != new[tool]:
                changes.append(ToolChange(server=name, tool=tool, kind="changed"))
    return changes


def save_snapshot(
    folder: Path,
    before: Snapshot,
    listed: Iterable[ListedServer],
    failures: Mapping[str, Failure],
) -> Snapshot:
    """Write what was collected now into the snapshot; servers not asked stay as they are.

    A server that was collected before and fails now keeps its tools: what was made is not lost.

    Raises:
        RunError: if the folder cannot be written.
    """
    servers = dict(before.servers)
    failed = {**before.failures, **failures}
    try:
        (folder / "servers").mkdir(parents=True, exist_ok=True)
        for server in listed:
            servers[server.name] = lock_of(server)
            failed.pop(server.name, None)
            _replace(folder / "servers" / f"{server.name}.json", server.model_dump(mode="json"))
        now = Snapshot(servers=dict(sorted(servers.items())), failures=dict(sorted(failed.items())))
        _replace(folder / _LOCK, now.model_dump(mode="json"))
    except OSError as error:
        raise RunError(
            f"{folder}: the snapshot of tools cannot be written: {error.strerror}"
        ) from error
    return now


def load_lock(folder: Path) -> Snapshot:
    """Return the snapshot of a workspace; one that was never collected is empty.

    Raises:
        UserError: if the file is not what this version writes.
    """
    path = folder / _LOCK
    try:
        return Snapshot.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Snapshot()
    except (OSError, ValidationError) as error:
        raise _damaged(path, error) from error


def load_server(folder: Path, name: str) -> ListedServer:
    """Return what a server listed.

    Raises:
        UserError: if it was not collected, or the file is not what the lock says.
    """
    locked = load_lock(folder).servers.get(name)
    path = folder / "servers" / f"{name}.json"
    if locked is None:
        raise UserError(f"server {name!r} is not collected: `agentsynth tools collect {name}`")
    try:
        server = ListedServer.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise _damaged(path, error) from error
    if lock_of(server) != locked:
        raise UserError(f"{path} is not what {_LOCK} says: collect {name!r} again")
    return server


def _damaged(path: Path, error: Exception) -> UserError:
    first = str(error).splitlines()[0]
    return UserError(f"{path}: cannot be read ({first}); remove it and collect again")


def _replace(path: Path, value: object) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    text = json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True)
    part.write_text(text + "\n", encoding="utf-8")
    part.replace(path)
