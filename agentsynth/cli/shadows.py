"""`tools shadow`: make stateful mocks of collected servers, and say what was left out and why."""

import argparse
import asyncio
import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.evolve.licences import ALLOWED, allowed, licence_of
from agentsynth.evolve.safety import audit
from agentsynth.evolve.shadows.overlay import Overlay, parse_overlay
from agentsynth.evolve.snapshot import ListedServer, load_lock, load_server
from agentsynth.pipeline.domains import SHADOWS, WORKSPACE
from agentsynth.pipeline.shadow_index import (
    ShadowedServer,
    indexed,
    licences,
    load_index,
    save_index,
    with_servers,
)
from agentsynth.pipeline.shadows import shadow_server
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.launching import canary_text

__all__ = ["shadow"]

_SNAPSHOT = WORKSPACE / "tools"


def shadow(options: argparse.Namespace) -> int:
    """Make the shadows of the servers named, or of all."""
    lock = load_lock(_SNAPSHOT)
    if not options.names and not options.all:
        raise UserError("name the servers to shadow, or give --all; `tools list` has them")
    unknown = sorted(set(options.names) - lock.servers.keys())
    if unknown:
        known = ", ".join(sorted(lock.servers)) or "nothing yet; run `agentsynth tools collect`"
        raise UserError(f"{unknown[0]!r} is not in the snapshot; it has {known}")
    names = list(dict.fromkeys(options.names)) or sorted(lock.servers)
    made: dict[str, ShadowedServer] = {}
    for name in names:
        listed = load_server(_SNAPSHOT, name)
        made[name] = _made(listed, options)
        save_index(SHADOWS, with_servers(load_index(SHADOWS), {name: made[name]}))
    _print_summary(made, options)
    return 0 if any(server.domains for server in made.values()) else 1


def _made(listed: ListedServer, options: argparse.Namespace) -> ShadowedServer:
    folder = SHADOWS / listed.name
    shutil.rmtree(folder, ignore_errors=True)

    def log(line: str) -> None:
        if not options.json:
            console.print(escape(line))

    if not allowed(licence_of(listed.licence), options.licence or ALLOWED):
        skip = {str(tool["name"]): f"licence {listed.licence}" for tool in listed.tools}
    else:
        skip = _quarantined(listed)
    overlay = None if options.inferred_only else _overlay(listed.name)
    result = asyncio.run(shadow_server(listed, folder, skip=skip, overlay=overlay, log=log))
    _sweep(folder, {domain.name.rpartition("/")[2] for domain in result.domains})
    server = indexed(result, listed.package, listed.version)
    if options.json:
        emit("server", {"name": listed.name, **server.model_dump(mode="json")})
    return server


def _overlay(server: str) -> Overlay | None:
    """Return the reviewed overlay of a server; None = there is none."""
    path = bundled("tools_registry") / "shadows" / f"{server}.yaml"
    return parse_overlay(load_yaml(path).value, str(path)) if path.is_file() else None


def _quarantined(listed: ListedServer) -> dict[str, str]:
    found: dict[str, str] = {}
    for tool in listed.tools:
        seen = audit(tool, canaries=(canary_text(listed.name),))
        if seen.quarantined:
            found[str(tool["name"])] = f"quarantined: {seen.findings[0].marker}"
    return found


def _sweep(folder: Path, kept: set[str]) -> None:
    """Remove the folders of domains that did not stand the test."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in kept:
            shutil.rmtree(path)


def _print_summary(made: Mapping[str, ShadowedServer], options: argparse.Namespace) -> None:
    tools = sum(len(server.tools) for server in made.values())
    reviewed = sum(tool.reviewed for server in made.values() for tool in server.tools.values())
    proven = sum(tool.proven for server in made.values() for tool in server.tools.values())
    whole = sum(not tool.refused for server in made.values() for tool in server.tools.values())
    with_any = sum(bool(server.domains) for server in made.values())
    reasons = Counter(one.reason for server in made.values() for one in server.left_out.values())
    if options.json:
        emit(
            "summary",
            {
                "servers": with_any,
                "domains": sum(len(server.domains) for server in made.values()),
                "tools": tools,
                "proven": proven,
                "reviewed": reviewed,
                "every_parameter": whole,
                "licences": licences(made.values()),
                "left_out": dict(reasons.most_common()),
            },
        )
        return
    if options.why:
        for name, server in made.items():
            for one in server.left_out.values():
                detail = f" ({one.detail})" if one.detail else ""
                console.print(escape(f"  {name}/{one.tool}: {one.reason}{detail}"))
    console.print(
        f"{tools} tools of {with_any} servers have a shadow, {proven} of them in a certified task; "
        f"{whole} with every parameter, {reviewed} by a reviewed overlay"
    )
    left = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(8))
    console.print(f"left out: {left or 'nothing'}")
