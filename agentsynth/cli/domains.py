"""`domains`, `new-domain`, `check-domain`: what there is, a start, and whether a domain holds."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.core.errors import UserError
from agentsynth.testing.check_domain import DomainReport, check_domain
from agentsynth.testing.new_domain import new_domain
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.load import domain_names, find_domain, load_folder
from agentsynth.worlds.mix import packages_of
from agentsynth.worlds.plugins import Offer, offers

__all__ = ["check_domain_command", "domains", "new_domain_command"]


def domains(options: argparse.Namespace) -> int:
    """List the bundled domains, then those of installed packages; no code of these is run."""
    for name in domain_names():
        domain = load_folder(find_domain(name)).domain
        kind = "live server" if domain.live is not None else f"{len(domain.tools)} tools"
        if options.json:
            emit("domain", {"name": name, "title": domain.title, "live": domain.live is not None})
        else:
            console.print(
                f"{name:<22} {domain.title} ({kind}, {len(domain.policy)} policy clauses)"
            )
    installed = offers()
    for offer in installed:
        _list_installed(offer, as_json=options.json)
    if options.json:
        emit("summary", {"domains": len(domain_names()) + len(installed)})
    return 0


def _list_installed(offer: Offer, *, as_json: bool) -> None:
    """Print one line on a domain of a package; also where it cannot be read, which stops nobody."""
    title, problem = "", None
    try:
        head = load_yaml(find_domain(offer.name) / "domain.yaml").value
        title = str(head.get("title", "")) if isinstance(head, dict) else ""
    except UserError as error:
        problem = str(error)
    if as_json:
        origin = {"distribution": offer.distribution, "version": offer.version}
        emit("domain", {"name": offer.name, "title": title, **origin, "problem": problem})
    elif problem is None:
        console.print(f"{offer.name:<22} {escape(title)} (from {escape(str(offer))})")
    else:
        console.print(f"[red]{escape(f'{offer.name:<22} cannot be used: {problem}')}[/red]")


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
    for part, package in packages_of([options.domain]).items():
        console.print(escape(f"{part} is from {package['distribution']} {package['version']}"))
    wrong = {*report.problems, "does not hold"}
    for line in report.lines():
        console.print(f"[red]{escape(line)}[/red]" if line in wrong else escape(line))
    return 0 if report.holds else 1


def new_domain_command(options: argparse.Namespace) -> int:
    """Write a domain to start from, and say what to do next."""
    made = new_domain(
        options.name, Path(options.out), python=options.python, package=options.package
    )
    if options.json:
        emit("summary", {
            "domain": options.name,
            "folder": str(made.folder),
            "test": str(made.test),
            "package": None if made.package is None else str(made.package),
            "files": [str(path) for path in made.files],
        })  # fmt: skip
        return 0
    for path in made.files:
        console.print(escape(f"wrote {path}"))
    console.print("\nIt is whole: a lending shelf for board games. Try it, then change it:")
    console.print(escape(f"  agentsynth check-domain {made.folder}"))
    if made.package is None:
        console.print(escape(f"  pytest {made.test}"))
    else:
        console.print(escape(f"  pip install -e '{made.package}[test]'"))
        console.print(escape(f"  pytest {made.package}"))
    return 0


def _summary(report: DomainReport) -> dict[str, Any]:
    found = {"problems": list(report.problems), "notes": list(report.notes)}
    return {"domain": report.name, "holds": report.holds, **found}
