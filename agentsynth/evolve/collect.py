"""Collecting: install each server, start it once, and keep what it lists.

One server never takes the others down: whatever goes wrong with it becomes a `Failure` that says
what a person could do. Installing reaches the network and runs no code of the package; starting
runs its code, with nothing of ours in reach.
"""

import asyncio
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from agentsynth.core.errors import RunError, ServerError, UserError
from agentsynth.core.manifest import ServerManifest
from agentsynth.core.secrets import canary
from agentsynth.evolve.collect_remote import collect_remote
from agentsynth.evolve.install import install_server, installed, resolved_versions
from agentsynth.evolve.package_licence import package_licence
from agentsynth.evolve.scripts import with_real_command
from agentsynth.evolve.snapshot import Failure, ListedServer
from agentsynth.worlds.launching import launch_of, prepare_scratch
from agentsynth.worlds.listing import raw_hashes
from agentsynth.worlds.seat import scratch_folder
from agentsynth.worlds.stdio import Connection, Launch, connect
from agentsynth.worlds.wire import Listing

__all__ = ["Collecting", "Confine", "collect_all", "collect_one"]

Confine = Callable[[ServerManifest, Path, Launch], Launch]
"""Closes a launch in: manifest, prefix, and the launch whose folder is its scratch folder.

Raises UserError where the server may not be started as things are.
"""

LEAST_FREE_BYTES = 2_000_000_000
"""Free disk space below which nothing more is installed."""

_SHOWN_SKIPPED = 5
_OLDER_SDK = "mcp<2"
_WANTS_OLDER_SDK = re.compile(
    r"mcp\.server\.fastmcp|McpError|'Server' object has no attribute 'list_"
)
"""What servers say that declare any version of the SDK and break on its second."""


@dataclass(frozen=True)
class Collecting:
    """How servers are collected."""

    prefixes: Path
    """The workspace's folder of server prefixes; absolute."""
    confine: Confine
    jobs: int = 2
    """Servers at once."""
    tree_bytes: int = 3_000_000_000
    """Memory that one server and all it started may take up together."""
    folder_bytes: int = 1_000_000_000
    """Disk that one server may fill."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Where the secrets of remote servers are found; only what a manifest names is read."""
    install: bool = True
    """False = only those that are installed are listed."""
    log: Callable[[str], None] = lambda line: None
    """Takes one line per server."""


async def collect_all(
    manifests: Sequence[ServerManifest], how: Collecting
) -> tuple[list[ListedServer], dict[str, Failure]]:
    """Return what each server listed, and why others did not; both in the order of the names."""
    turns = asyncio.Semaphore(how.jobs)

    async def one(manifest: ServerManifest) -> ListedServer | Failure:
        async with turns:
            outcome = await collect_one(manifest, how)
        how.log(_line(manifest, outcome))
        return outcome

    ordered = sorted(manifests, key=lambda manifest: manifest.name)
    outcomes = await asyncio.gather(*(one(manifest) for manifest in ordered))
    listed = [outcome for outcome in outcomes if isinstance(outcome, ListedServer)]
    failures = {
        manifest.name: outcome
        for manifest, outcome in zip(ordered, outcomes, strict=True)
        if isinstance(outcome, Failure)
    }
    return listed, failures


async def collect_one(manifest: ServerManifest, how: Collecting) -> ListedServer | Failure:
    """Return what a server lists: installed where it is not and started, or asked where it is."""
    if manifest.remote is not None:
        return await collect_remote(manifest, manifest.remote, how.environ)
    outcome = await _collected(manifest, how, ())
    wants_older = (
        isinstance(outcome, Failure)
        and manifest.registry == "pypi"
        and not manifest.requirements
        and _OLDER_SDK not in manifest.also
        and _WANTS_OLDER_SDK.search(outcome.reason) is not None
    )
    if not wants_older:
        return outcome
    older = manifest.model_copy(update={"also": (*manifest.also, _OLDER_SDK)})
    return await _collected(older, how, (f"listed with {_OLDER_SDK}",))


async def _collected(
    manifest: ServerManifest, how: Collecting, notes: tuple[str, ...]
) -> ListedServer | Failure:
    try:
        prefix = await _prefix(manifest, how)
        manifest, notes = _completed(with_real_command(manifest, prefix), prefix, notes)
    except RunError as error:
        return Failure(stage="install", reason=str(error))
    async with AsyncExitStack() as stack:
        scratch = scratch_folder(stack)
        try:
            await asyncio.to_thread(prepare_scratch, manifest, scratch)
            launch = how.confine(
                manifest, prefix, _watched(launch_of(manifest, prefix, scratch), how)
            )
            connection = await stack.enter_async_context(connect(launch))
        except (ServerError, UserError, OSError, subprocess.SubprocessError) as error:
            return Failure(stage="start", reason=str(error))
        try:
            return await _listed(manifest, connection, how, notes)
        except ServerError as error:
            return Failure(stage="list", reason=str(error))


def _completed(
    manifest: ServerManifest, prefix: Path, notes: tuple[str, ...]
) -> tuple[ServerManifest, tuple[str, ...]]:
    """Return the manifest with the licence that its package names, if nobody has read one."""
    if manifest.licence != "unknown":
        return manifest, notes
    said = package_licence(manifest, prefix)
    if said.expression is None:
        return manifest, notes
    found = manifest.model_copy(update={"licence": said.expression})
    return found, (*notes, f"its licence is what its package says: {said.expression}")


def _watched(launch: Launch, how: Collecting) -> Launch:
    limits = replace(launch.limits, tree_bytes=how.tree_bytes, folder_bytes=how.folder_bytes)
    return replace(launch, limits=limits)


async def _prefix(manifest: ServerManifest, how: Collecting) -> Path:
    found = installed(manifest, how.prefixes)
    if found is not None:
        return found
    if not how.install:
        raise RunError(
            f"server {manifest.name!r} is not installed; collect it without --no-install"
        )
    free = shutil.disk_usage(how.prefixes.parent if how.prefixes.parent.exists() else "/").free
    if free < LEAST_FREE_BYTES:
        raise RunError(
            f"server {manifest.name!r} was not installed: {free // 1_000_000} MB of disk are free, "
            f"and {LEAST_FREE_BYTES // 1_000_000} are kept; free some and collect again"
        )
    return await asyncio.to_thread(install_server, manifest, how.prefixes, log=lambda line: None)


async def _listed(
    manifest: ServerManifest, connection: Connection, how: Collecting, notes: tuple[str, ...]
) -> ListedServer | Failure:
    listing = await connection.list_tools()
    if not listing.tools:
        skipped = "".join(f"; {line}" for line in listing.skipped[:_SHOWN_SKIPPED])
        return Failure(
            stage="list",
            reason=f"server {manifest.name!r} lists no tools{skipped}: it may want credentials or "
            "settings before it shows any; see its 'env' and 'args'",
        )
    notes = (*notes, *await _unsteady(connection, listing))
    greeting = connection.greeting
    instructions, protocol = greeting.get("instructions"), greeting.get("protocolVersion")
    said = json.dumps([instructions, listing.tools], ensure_ascii=False)
    for path, stand_in in connection.launch.hide:
        said = said.replace(path, stand_in)
    instructions, tools = json.loads(said)
    if canary(manifest.name) in said:
        notes = (*notes, "shows a secret that it was given")
    return ListedServer(
        name=manifest.name,
        registry=manifest.registry,
        package=manifest.package,
        version=manifest.version,
        resolved=resolved_versions(manifest, how.prefixes),
        licence=manifest.licence,
        category=manifest.category,
        protocol=protocol if isinstance(protocol, str) else "",
        instructions=instructions if isinstance(instructions, str) else "",
        tools=tuple(tools),
        skipped=listing.skipped,
        noise=connection.noise,
        notes=notes,
    )


async def _unsteady(connection: Connection, first: Listing) -> tuple[str, ...]:
    """Ask for the tools once more; return what there is to note."""
    try:
        again = await connection.list_tools()
    except ServerError:
        return ("could not be listed a second time",)
    if raw_hashes(again) == raw_hashes(first):
        return ()
    return ("lists other tools when it is asked again: its specifications cannot be relied on",)


def _line(manifest: ServerManifest, outcome: ListedServer | Failure) -> str:
    if isinstance(outcome, Failure):
        return f"{manifest.name}: {outcome.stage} failed: {outcome.reason.splitlines()[0]}"
    extra = f", {len(outcome.skipped)} skipped" if outcome.skipped else ""
    said = "".join(f"; {note}" for note in outcome.notes)
    return f"{manifest.name}: {len(outcome.tools)} tools{extra}{said}"
