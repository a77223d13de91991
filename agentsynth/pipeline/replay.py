"""Level L3: the shadows that were written, held tool by tool against the really running server.

What is replayed is the domain as its files have it. A tool is at L3 where its first replay admits
it and a second one, with other calls on a server started anew, scores as much; the second score is
its fidelity. It is a fact about this shadow and this version of the server.
"""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from agentsynth.core.errors import DomainError, ServerError, UserError
from agentsynth.core.manifest import ServerManifest
from agentsynth.evolve.install import installed
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.evolve.shadows.write import write_folder
from agentsynth.evolve.snapshot import ListedServer
from agentsynth.pipeline.confine import confine_with
from agentsynth.pipeline.fidelity import Compile, Fidelity, LiveCall, measure
from agentsynth.pipeline.shadows import ServerShadows, ShadowDomain
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.launching import Confine, launch_of, prepare_scratch
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime
from agentsynth.worlds.seat import scratch_folder
from agentsynth.worlds.stdio import connect

__all__ = ["Installed", "Start", "installed_server", "replay_shadows", "running", "twice"]

SEED = 11
"""Draws the calls of the first replay; the second has the next one."""
_DOMAIN_S = 300.0
"""Seconds for both replays of one domain."""
_TREE_BYTES = 3_000_000_000
_FOLDER_BYTES = 1_000_000_000

Start = Callable[[], AbstractAsyncContextManager[LiveCall]]
"""Starts the server without any records; leaving ends it and all it started."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A server that can be started here."""

    manifest: ServerManifest
    prefix: Path
    confine: Confine


def installed_server(
    listed: ListedServer,
    manifest: ServerManifest | None,
    prefixes: Path,
    *,
    confine: Confine | None = None,
) -> Installed | str:
    """Return the server of a collected entry, or why it cannot be replayed here.

    Args:
        listed: the entry of the snapshot.
        manifest: its manifest; None = there is none.
        prefixes: the workspace's folder of installed servers.
        confine: closes it in; None = as everywhere: in the sandbox, if there is one.
    """
    if listed.registry == "remote":
        return "it is reached at an address: nothing of it runs here"
    if manifest is None:
        return "there is no server: its tools come from a file, or its manifest is gone"
    if (manifest.package, manifest.version) != (listed.package, listed.version):
        now = f"{manifest.package} {manifest.version}"
        return f"its manifest says {now} by now: agentsynth tools collect {listed.name}"
    if any("{secret}" in text for text in (*manifest.args, *manifest.env.values())):
        return "it wants credentials"
    prefix = installed(manifest, prefixes.absolute())
    if prefix is None:
        return f"it is not installed: agentsynth tools collect {listed.name}"
    return Installed(manifest, prefix, confine or confine_with(unconfined=False))


@asynccontextmanager
async def running(server: Installed) -> AsyncGenerator[LiveCall]:
    """Start a server on an empty scratch folder, closed in; end it on the way out.

    Raises:
        UserError: it may not be started here.
        ServerError: it does not start, or breaks off later.
        OSError, subprocess.SubprocessError: what it wants to find could not be prepared.
    """
    async with AsyncExitStack() as stack:
        scratch = scratch_folder(stack)
        prepare_scratch(server.manifest, scratch)
        launch = launch_of(server.manifest, server.prefix, scratch)
        limits = replace(launch.limits, tree_bytes=_TREE_BYTES, folder_bytes=_FOLDER_BYTES)
        launch = server.confine(server.manifest, server.prefix, replace(launch, limits=limits))
        connection = await stack.enter_async_context(connect(launch))

        async def call(name: str, arguments: dict[str, Any]) -> tuple[str, bool]:
            reply = await connection.call_tool(name, arguments)
            return reply.text, reply.is_error or _says_error(reply.text)

        yield call


def _says_error(text: str) -> bool:
    """Whether a text is an error that the server does not mark as one."""
    try:
        value = json.loads(text)
    except ValueError:
        return text.lower().startswith(("error", "failed", "not found"))
    if not isinstance(value, dict):
        return False
    return value.get("success") is False or value.get("ok") is False or bool(value.get("error"))


async def twice(
    start: Start,
    compile_with: Compile,
    inferred: Inferred,
    operations: Mapping[str, Operation],
) -> tuple[Fidelity, Fidelity]:
    """Replay all tools, and those that this admits once more with other calls.

    Both times the server is started anew. Tools that could not be called are in neither.
    """
    async with start() as live:
        first = _called(await measure(live, compile_with, inferred, operations, seed=SEED))
    admitted = [name for name, tool in first.tools.items() if tool.admitted]
    if not admitted:
        return first, Fidelity({})
    async with start() as live:
        again = await measure(
            live, compile_with, inferred, operations, seed=SEED + 1, only=admitted
        )
    return first, _called(again)


def _called(found: Fidelity) -> Fidelity:
    return Fidelity({name: tool for name, tool in found.tools.items() if tool.format})


async def replay_shadows(
    made: ServerShadows,
    folder: Path,
    server: Installed | str,
    *,
    log: Callable[[str], None],
) -> None:
    """Replay a server's domains, and write level and fidelity of the tools at L3 into their files.

    What goes wrong is noted in the domain, whose tools keep their levels; the others go on.

    Args:
        made: what was written; takes the outcome.
        folder: where, one folder for each domain.
        server: what is started, or why nothing can be.
        log: takes a line for each domain.
    """
    reason = server if isinstance(server, str) else await _why_not_started(server)
    for domain in made.domains:
        place = folder / domain.name.rpartition("/")[2]
        if isinstance(server, Installed) and reason is None:
            domain.not_replayed = await _replayed(domain, made, place, server)
        else:
            domain.not_replayed = reason
        log(_line(domain))


async def _why_not_started(server: Installed) -> str | None:
    """Start it once and end it; return what was in the way, None = nothing."""
    try:
        async with running(server):
            return None
    except (ServerError, UserError, OSError, subprocess.SubprocessError) as error:
        return str(error)


async def _replayed(
    domain: ShadowDomain, made: ServerShadows, place: Path, server: Installed
) -> str | None:
    """Replay one domain; return why it could not be done, None = it was."""
    assert made.inferred is not None  # just made
    compiled = _written(place)
    try:
        async with asyncio.timeout(_DOMAIN_S):
            first, again = await twice(
                lambda: running(server), lambda _: compiled, made.inferred, domain.tools
            )
    except TimeoutError:
        return f"its replay took more than {_DOMAIN_S:g} s"
    except (ServerError, UserError, DomainError, OSError, subprocess.SubprocessError) as error:
        return str(error)
    domain.replayed = {
        name: round((again.tools if name in again.tools else first.tools)[name].score, 3)
        for name in first.tools
    }
    like = {name for name, tool in again.tools.items() if tool.admitted}
    domain.fidelity = {name: score for name, score in domain.replayed.items() if name in like}
    if domain.fidelity:
        _promote(place, domain.fidelity)
    if not any(tool.answered for tool in first.tools.values()):
        return "calls make no records on it that its tools show"
    return None


def _written(place: Path) -> CompiledDomain:
    """Return the domain as its files have it."""
    compiled = declarative_runtime(load_folder(place)).compiled
    assert compiled is not None  # shadows have no code
    return compiled


def _promote(place: Path, fidelity: Mapping[str, float]) -> None:
    """Write level L3 and the fidelity of these tools into a domain's file."""
    value = load_yaml(place / "domain.yaml").value
    for name, score in fidelity.items():
        value["tools"][name]["mirrors"] |= {"level": "L3", "fidelity": score}
    write_folder(place, {"domain.yaml": value})
    load_folder(place)  # it is still sound


def _line(domain: ShadowDomain) -> str:
    if domain.not_replayed is not None:
        why = " ".join(domain.not_replayed.split())[:300]
        return f"{domain.name}: not replayed: {why}"
    like = ", ".join(f"{name} {score:g}" for name, score in domain.fidelity.items())
    head = f"{domain.name}: {len(domain.fidelity)} of {len(domain.tools)} tools at L3"
    return f"{head}: {like}" if like else head
