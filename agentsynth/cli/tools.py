"""`tools`: collect real MCP tools into the workspace, and look at them."""

import argparse
import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.core.secrets import canary
from agentsynth.evolve.collect import Collecting, collect_all
from agentsynth.evolve.safety import Audit, audit
from agentsynth.evolve.snapshot import (
    ListedServer,
    Snapshot,
    changes_between,
    load_lock,
    load_server,
    save_snapshot,
)
from agentsynth.pipeline.confine import confine_with
from agentsynth.pipeline.domains import WORKSPACE
from agentsynth.worlds.files import load_yaml

__all__ = ["tools"]

_SNAPSHOT = WORKSPACE / "tools"
_SHOWN_CHANGES = 40


def tools(options: argparse.Namespace) -> int:
    """Run the subcommand."""
    chosen = {"collect": _collect, "list": _list, "show": _show, "audit": _audit}
    return chosen[options.action](options)


def _collect(options: argparse.Namespace) -> int:
    manifests = _manifests(options.names, everything=options.all)
    if options.jobs < 1:
        raise UserError("--jobs is at least 1")
    how = Collecting(
        prefixes=(WORKSPACE / "servers").absolute(),
        confine=confine_with(unconfined=options.unconfined),
        jobs=options.jobs,
        install=not options.no_install,
        log=(lambda line: None) if options.json else (lambda line: console.print(escape(line))),
    )
    before = load_lock(_SNAPSHOT)
    listed, failures = asyncio.run(collect_all(manifests, how))
    now = save_snapshot(_SNAPSHOT, before, listed, failures)
    changes = changes_between(before, now)
    if options.json:
        for change in changes:
            emit("change", change.model_dump())
        for name, failure in failures.items():
            emit("failure", {"server": name, **failure.model_dump()})
        emit("summary", _summary(now, listed, len(failures), len(changes)))
    else:
        _print_outcome(now, listed, changes, failures)
    return 0 if listed and not failures else 1


def _print_outcome(
    now: Snapshot, listed: Sequence[ListedServer], changes: Sequence[Any], failures: Any
) -> None:
    for change in changes[:_SHOWN_CHANGES]:
        console.print(f"  {change.kind}: {change.server}/{change.tool}")
    if len(changes) > _SHOWN_CHANGES:
        console.print(f"  and {len(changes) - _SHOWN_CHANGES} more changes")
    for failure in failures.values():
        console.print(f"[red]{escape(failure.reason)}[/red]")
    count = sum(len(server.tools) for server in listed)
    console.print(
        f"{count} tools of {len(listed)} servers collected, {len(failures)} failed; "
        f"the snapshot has {now.tools} tools of {len(now.servers)} servers"
    )


def _summary(now: Snapshot, listed: Sequence[ListedServer], failed: int, changed: int) -> Any:
    return {
        "servers": len(listed),
        "tools": sum(len(server.tools) for server in listed),
        "failed": failed,
        "changed": changed,
        "snapshot_servers": len(now.servers),
        "snapshot_tools": now.tools,
    }


def _manifests(names: Sequence[str], *, everything: bool) -> list[ServerManifest]:
    known = {path.stem: path for path in sorted(bundled("tools_registry").glob("*.yaml"))}
    if not names and not everything:
        raise UserError("name the servers to collect, or give --all; `tools list --known` has them")
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise UserError(f"unknown server {unknown[0]!r}; known are {', '.join(known)}")
    chosen = known if everything else {name: known[name] for name in dict.fromkeys(names)}
    return [parse_manifest(load_yaml(path).value, str(path)) for path in chosen.values()]


def _list(options: argparse.Namespace) -> int:
    if options.known:
        for manifest in _manifests([], everything=True):
            console.print(f"{manifest.name:<36} {manifest.category:<16} {manifest.licence}")
        return 0
    lock = load_lock(_SNAPSHOT)
    found = {
        name: server
        for name, server in lock.servers.items()
        if (not options.server or name in options.server)
        and (not options.licence or server.licence in options.licence)
    }
    licences: Counter[str] = Counter()
    for name, server in found.items():
        licences[server.licence] += len(server.tools)
        if options.json:
            emit("server", {"name": name, **server.model_dump(mode="json")})
            continue
        console.print(
            f"{name} {server.version} ({len(server.tools)} tools, {server.licence})", style="bold"
        )
        for tool in server.tools if options.server else ():
            console.print(f"  {escape(tool)}")
    count = sum(licences.values())
    if options.json:
        emit("summary", {"servers": len(found), "tools": count, "licences": dict(licences)})
    else:
        by = ", ".join(f"{licence} {number}" for licence, number in licences.most_common())
        console.print(f"{count} tools of {len(found)} servers ({by or 'nothing collected yet'})")
    return 0


def _show(options: argparse.Namespace) -> int:
    server, _, name = options.tool.partition("/")
    if not name:
        raise UserError("a tool is named SERVER/TOOL, as `tools list --server SERVER` lists it")
    listed = load_server(Path(_SNAPSHOT), server)
    raw = next((one for one in listed.tools if one["name"] == name), None)
    if raw is None:
        raise UserError(f"server {server!r} lists no tool {name!r}")
    if options.json:
        emit("summary", {"server": server, "licence": listed.licence, "tool": raw})
        return 0
    head = f"{listed.package} {listed.version}, {listed.licence}, {listed.hashes[name]}"
    console.print(escape(head), style="bold")
    console.print(escape(json.dumps(raw, indent=2, ensure_ascii=False)))
    return 0


def _audit(options: argparse.Namespace) -> int:
    """Say which collected tools are quarantined, and why."""
    lock = load_lock(_SNAPSHOT)
    chosen = options.names or sorted(lock.servers)
    tools = quarantined = 0
    for name in chosen:
        server = load_server(_SNAPSHOT, name)
        for raw in server.tools:
            found = audit(raw, canaries=(canary(name),))
            tools += 1
            quarantined += found.quarantined
            if found.quarantined or (options.names and found.findings):
                _print_audit(f"{name}/{raw['name']}", found, as_json=options.json)
    if options.json:
        emit("summary", {"tools": tools, "quarantined": quarantined})
    else:
        console.print(f"{tools} tools looked at, {quarantined} quarantined")
    return 0


def _print_audit(name: str, found: Audit, *, as_json: bool) -> None:
    if as_json:
        findings = [
            {"marker": one.marker, "where": one.where, "why": one.why, "excerpt": one.excerpt}
            for one in found.findings
        ]
        fields = {"quarantined": found.quarantined, "score": found.score, "findings": findings}
        emit("tool", {"tool": name, **fields})
        return
    verdict = "[red]quarantined[/red]" if found.quarantined else f"score {found.score}"
    console.print(f"{escape(name)}: {verdict}")
    for one in found.findings:
        console.print(f"  {one.marker} at {escape(one.where)}: {one.why}: {escape(one.excerpt)}")
