"""What people bring in a file: an API, a list of functions, or a configuration of servers."""

from collections.abc import Collection
from pathlib import Path
from typing import Literal

from agentsynth.core.errors import UserError
from agentsynth.evolve.drafts import Draft, Newest, draft_of
from agentsynth.evolve.launchable import Launchable
from agentsynth.evolve.openapi_tools import openapi_tools
from agentsynth.evolve.own_servers import configured_servers
from agentsynth.evolve.own_tools import OwnTools, function_tools
from agentsynth.evolve.snapshot import ListedServer

__all__ = ["Kind", "drafts_of", "drafts_of_config", "kind_of_document", "own_listing"]

Kind = Literal["openapi", "functions", "servers"]
_SERVERS = ("mcpServers", "servers", "mcp_servers", "context_servers", "mcp")


def kind_of_document(raw: object, file: str) -> Kind:
    """Return what a parsed file holds.

    Raises:
        UserError: naming the file; it holds none of what can be imported.
    """
    if isinstance(raw, list):
        return "functions"
    if isinstance(raw, dict):
        if "openapi" in raw or "swagger" in raw:
            return "openapi"
        if isinstance(raw.get("tools"), list) or isinstance(raw.get("functions"), list):
            return "functions"
        if any(isinstance(raw.get(key), dict) for key in _SERVERS):
            return "servers"
        entries = list(raw.values())
        if entries and all(
            isinstance(one, dict) and ("command" in one or "url" in one) for one in entries
        ):
            return "servers"
    raise UserError(
        f"{file}: expected an OpenAPI document ('openapi'), a list of functions (or an object with "
        "'tools'), or a configuration of servers ('mcpServers')"
    )


def own_listing(
    raw: object, kind: Literal["openapi", "functions"], *, file: Path, name: str, licence: str
) -> tuple[ListedServer, OwnTools]:
    """Return the tools of a file as if a server had listed them, and what was noted.

    Args:
        raw: the parsed file.
        kind: what it holds.
        file: only its name is kept.
        name: of the entry in the snapshot.
        licence: SPDX expression, or `unknown`.

    Raises:
        UserError: naming the file; nothing in it can be used.
    """
    read = openapi_tools if kind == "openapi" else function_tools
    found = read(raw, file.name)
    if not found.tools:
        reasons = "".join(f"\n  {line}" for line in found.skipped)
        raise UserError(f"{file}: no tool in it can be used{reasons}")
    listed = ListedServer(
        name=name,
        registry="file",
        package=file.name,
        version="",
        resolved={},
        licence=licence,
        category=kind,
        protocol="",
        instructions="",
        tools=found.tools,
        skipped=found.skipped,
        noise=0,
    )
    return listed, found


def drafts_of_config(
    raw: object, file: Path, taken: Collection[str], newest: Newest | None
) -> tuple[list[Draft], list[str]]:
    """Return drafts for the servers of a configuration, and a line for each that gets none.

    Raises:
        UserError: naming the file; there are no servers in it.
    """
    found = configured_servers(raw, file.name)
    drafts, reasons = drafts_of(found.servers, file.name, taken, newest)
    return drafts, [*(f"{one.name}: {one.reason}" for one in found.skipped), *reasons]


def drafts_of(
    servers: Collection[Launchable], source: str, taken: Collection[str], newest: Newest | None
) -> tuple[list[Draft], list[str]]:
    """Return drafts for servers, and a line for each that gets none."""
    names = set(taken)
    drafts: list[Draft] = []
    reasons: list[str] = []
    for server in servers:
        made = draft_of(server, source=source, taken=names, newest=newest)
        if isinstance(made, str):
            reasons.append(f"{server.name}: {made}")
        else:
            names.add(made.manifest.name)
            drafts.append(made)
    return drafts, reasons
