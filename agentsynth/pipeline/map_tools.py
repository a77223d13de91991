"""The tools of the map: the real ones of a snapshot, the synthetic ones of domains."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydantic import JsonValue

from agentsynth.core.domain import Domain, ToolDef
from agentsynth.core.errors import UserError
from agentsynth.evolve.snapshot import load_lock, load_server
from agentsynth.report.mapped import MappedTool
from agentsynth.worlds.files import load_yaml, validate
from agentsynth.worlds.load import domain_names, find_domain, load_folder

__all__ = ["real_tools", "synthetic_tools"]


def real_tools(snapshot: Path) -> list[MappedTool]:
    """Return the tools of a snapshot, by server and name.

    Raises:
        UserError: if there are none, or a file is damaged.
    """
    found: list[MappedTool] = []
    for server in sorted(load_lock(snapshot).servers):
        listed = load_server(snapshot, server)
        found += [
            MappedTool(
                side="real",
                owner=server,
                name=str(raw["name"]),
                description=_text(raw.get("description")),
                parameters=_properties(raw.get("inputSchema")),
                category=(listed.category,) if listed.category else (),
            )
            for raw in listed.tools
        ]
    if not found:
        raise UserError(
            f"{snapshot}: no tools are collected there; `agentsynth tools collect --all` does it"
        )
    return sorted(found, key=lambda tool: (tool.owner, tool.name))


def synthetic_tools(names: Sequence[str]) -> tuple[list[MappedTool], dict[str, int]]:
    """Return the tools that domains offer to an agent, by domain and name, and what is left out.

    Left out are copies of real specifications (tools of shadows) and domains without tools of
    their own (those of a live server), counted by reason; and, not counted, the tools of users.

    Args:
        names: of domains, or folders of domains, however deep they lie; none = the bundled ones.

    Raises:
        UserError: for what is no domain, is wrong, or has the name of another one.
    """
    folders = _folders(names)
    left_out: Counter[str] = Counter()
    owners: dict[str, Path] = {}
    found: list[MappedTool] = []
    for folder in folders:
        domain = _domain(folder)
        if domain.name in owners:
            raise UserError(f"{owners[domain.name]} and {folder}: both are called {domain.name!r}")
        owners[domain.name] = folder
        own = {name: tool for name, tool in domain.tools.items() if tool.mirrors is None}
        left_out["tools that are copies of real ones (shadows)"] += len(domain.tools) - len(own)
        left_out["domains without tools of their own (live servers)"] += not domain.tools
        found += [_mapped(domain, name, tool) for name, tool in own.items()]
    if not found:
        raise UserError("these domains have no tools of their own to draw")
    kept = {reason: count for reason, count in left_out.items() if count}
    return sorted(found, key=lambda tool: (tool.owner, tool.name)), kept


def _folders(names: Sequence[str]) -> list[Path]:
    found: dict[Path, Path] = {}
    for name in names or domain_names():
        for folder in _folders_of(name):
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _folders_of(name: str) -> list[Path]:
    root = Path(name)
    if name in domain_names() or not root.is_dir() or (root / "domain.yaml").is_file():
        return [find_domain(name)]
    inner = [path.parent for path in sorted(root.rglob("domain.yaml"))]
    kept = [
        folder
        for folder in inner
        if not any(part.startswith(("_", ".")) for part in folder.relative_to(root).parts)
    ]
    if not kept:
        raise UserError(f"{root}: this folder holds no domain, nor is it one")
    return kept


def _domain(folder: Path) -> Domain:
    """Return a domain as its file says it; one in Python is loaded, for its tools are code."""
    domain = validate(Domain, load_yaml(folder / "domain.yaml"))
    return domain if domain.python is None else load_folder(folder).domain


def _mapped(domain: Domain, name: str, tool: ToolDef) -> MappedTool:
    return MappedTool(
        side="synthetic",
        owner=domain.name,
        name=name,
        description=tool.description,
        parameters=tuple(sorted(tool.parameters)),
        category=domain.category,
    )


def _properties(schema: JsonValue) -> tuple[str, ...]:
    found = schema.get("properties") if isinstance(schema, dict) else None
    return tuple(sorted(found)) if isinstance(found, dict) else ()


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else ""
