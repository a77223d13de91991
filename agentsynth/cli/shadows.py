"""`tools shadow`: make stateful mocks of collected servers, and say what was left out and why."""

import argparse
import asyncio
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.cli.tools_known import SNAPSHOT, allow_list, known_paths, read
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.evolve.licences import ALLOWED
from agentsynth.evolve.review import licence_allowed, reviewed_tools
from agentsynth.evolve.shadows.overlay import Overlay, parse_overlay
from agentsynth.evolve.snapshot import ListedServer, load_lock, load_server
from agentsynth.pipeline.domains import SHADOWS, WORKSPACE
from agentsynth.pipeline.replay import installed_server, replay_shadows
from agentsynth.pipeline.shadow_index import (
    ShadowedServer,
    indexed,
    levels,
    licences,
    load_index,
    save_index,
    with_servers,
)
from agentsynth.pipeline.shadows import shadow_server
from agentsynth.worlds.files import load_yaml

__all__ = ["shadow"]


def shadow(options: argparse.Namespace) -> int:
    """Make the shadows of the servers named, or of all."""
    lock = load_lock(SNAPSHOT)
    if not options.names and not options.all:
        raise UserError("name the servers to shadow, or give --all; `tools list` has them")
    unknown = sorted(set(options.names) - lock.servers.keys())
    if unknown:
        known = ", ".join(sorted(lock.servers)) or "nothing yet; run `agentsynth tools collect`"
        raise UserError(f"{unknown[0]!r} is not in the snapshot; it has {known}")
    names = list(dict.fromkeys(options.names)) or sorted(lock.servers)
    if options.jobs < 1:
        raise UserError("--jobs is at least 1")
    made: dict[str, ShadowedServer] = {}
    for name, server in _each(names, options):
        made[name] = server
        save_index(SHADOWS, with_servers(load_index(SHADOWS), {name: server}))
        if options.json:
            emit("server", {"name": name, **server.model_dump(mode="json")})
    _print_summary(dict(sorted(made.items())), options)
    return 0 if any(server.domains for server in made.values()) else 1


def _each(
    names: Sequence[str], options: argparse.Namespace
) -> Iterator[tuple[str, ShadowedServer]]:
    """Yield what came of each server; several at once are made in processes of their own."""
    make = partial(
        _made,
        licences_allowed=tuple(allow_list(options.licence or ())),
        inferred_only=options.inferred_only,
        replay=options.replay,
        quiet=options.json,
    )
    if options.jobs == 1:
        yield from ((name, make(name)) for name in names)
        return
    listed = load_lock(SNAPSHOT).servers
    largest_first = sorted(names, key=lambda name: -len(listed[name].tools))
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = {pool.submit(make, name): name for name in largest_first}
        for done in as_completed(waiting):
            yield waiting[done], done.result()


def _made(
    name: str,
    *,
    licences_allowed: Sequence[str],
    inferred_only: bool,
    replay: bool,
    quiet: bool,
) -> ShadowedServer:
    listed = load_server(SNAPSHOT, name)
    folder = SHADOWS / listed.name
    shutil.rmtree(folder, ignore_errors=True)

    def log(line: str) -> None:
        if not quiet:
            console.print(escape(line))

    if not licence_allowed(listed.licence, licences_allowed or ALLOWED):
        skip = {str(tool["name"]): f"licence {listed.licence}" for tool in listed.tools}
    else:
        skip = _quarantined(listed)
    overlay = None if inferred_only else _overlay(listed.name)
    result = asyncio.run(shadow_server(listed, folder, skip=skip, overlay=overlay, log=log))
    _sweep(folder, {domain.name.rpartition("/")[2] for domain in result.domains})
    if replay and result.domains:
        path = known_paths().get(name)
        manifest = read(path) if path is not None else None
        server = installed_server(listed, manifest, WORKSPACE / "servers")
        asyncio.run(replay_shadows(result, folder, server, log=log))
    return indexed(result, listed.package, listed.version)


def _overlay(server: str) -> Overlay | None:
    """Return the reviewed overlay of a server; None = there is none."""
    path = bundled("tools_registry") / "shadows" / f"{server}.yaml"
    return parse_overlay(load_yaml(path).value, str(path)) if path.is_file() else None


def _quarantined(listed: ListedServer) -> dict[str, str]:
    path = known_paths().get(listed.name)
    manifest = read(path) if path is not None else None
    return {
        one.name: f"quarantined: {one.found.findings[0].marker}"
        for one in reviewed_tools(listed, manifest)
        if one.found.quarantined
    }


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
                "levels": levels(made.values()),
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
    by = ", ".join(f"{level} {number}" for level, number in levels(made.values()).items())
    console.print(f"levels: {by or 'none'}")
    left = ", ".join(f"{reason} {number}" for reason, number in reasons.most_common(8))
    console.print(f"left out: {left or 'nothing'}")
