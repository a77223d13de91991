"""`domains` and `check-domain`: what there is, and whether a domain holds what it promises."""

import argparse
import asyncio
from typing import Any

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.testing.check_domain import DomainReport, check_domain
from agentsynth.worlds.load import domain_names, find_domain, load_folder

__all__ = ["check_domain_command", "domains"]


def domains(options: argparse.Namespace) -> int:
    """List the bundled domains."""
    for name in domain_names():
        domain = load_folder(find_domain(name)).domain
        kind = "live server" if domain.live is not None else f"{len(domain.tools)} tools"
        if options.json:
            emit("domain", {"name": name, "title": domain.title, "live": domain.live is not None})
        else:
            console.print(
                f"{name:<22} {domain.title} ({kind}, {len(domain.policy)} policy clauses)"
            )
    if options.json:
        emit("summary", {"domains": len(domain_names())})
    return 0


def check_domain_command(options: argparse.Namespace) -> int:
    """Verify a domain."""
    if options.tasks < 1:
        raise UserError("--tasks is at least 1")
    report = asyncio.run(check_domain(options.domain, tasks=options.tasks))
    if options.json:
        for kind in report.kinds:
            emit("kind", kind.as_fields())
        emit("summary", _summary(report))
        return 0 if report.holds else 1
    console.print(f"{report.name}: {report.tools} tools, {report.clauses} clauses, files are sound")
    if report.contract_calls:
        console.print(f"  {report.contract_calls} calls held against contracts")
    for kind in report.kinds:
        console.print(
            f"  {kind.kind:<7} {kind.certified}/{kind.sought} tasks certified, "
            f"{kind.distinct} distinct, {kind.kept}/{kind.certified} conversations kept"
        )
        for reason, count in kind.reasons.items():
            console.print(f"    {count} × {escape(reason)}")
    for problem in report.problems:
        console.print(f"[red]{escape(problem)}[/red]")
    console.print("holds" if report.holds else "[red]does not hold[/red]")
    return 0 if report.holds else 1


def _summary(report: DomainReport) -> dict[str, Any]:
    return {"domain": report.name, "holds": report.holds, "problems": list(report.problems)}
