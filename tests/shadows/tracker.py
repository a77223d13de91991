"""A made-up issue tracker as it would list itself, and how to make its shadow."""

from pathlib import Path
from typing import Any

import yaml

from agentsynth.core.contract import Contracts
from agentsynth.core.domain import Domain
from agentsynth.core.messages import ToolCall
from agentsynth.evolve.shadows.emit import Source
from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.evolve.shadows.write import files_of, write_folder
from agentsynth.evolve.snapshot import ListedServer
from agentsynth.plan.contracts import ContractReport, check_contracts
from agentsynth.worlds.declarative import CompiledDomain
from agentsynth.worlds.files import Loaded, parse_yaml, validate
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import declarative_runtime

TEXT = {"type": "string"}
WHOLE = {"type": "integer"}
STATUS = {"type": "string", "enum": ["open", "done"]}


def tool(
    name: str, *required: str, says: str = "", output: Any = None, **properties: Any
) -> dict[str, Any]:
    """Return a tool as a server lists it; what is required and not spelled out is a text."""
    made = {one: properties.get(one, TEXT) for one in required} | properties
    schema = {"type": "object", "properties": made, "required": list(required)}
    raw = {"name": name, "description": says or f"Works: {name}.", "inputSchema": schema}
    return raw if output is None else {**raw, "outputSchema": output}


TRACKER = [
    tool("create_project", "name", motto=TEXT),
    tool("list_projects"),
    tool("get_project", "project_id"),
    tool("create_issue", "project_id", "title", notes=TEXT, status=STATUS),
    tool("get_issue", "issue_id"),
    tool("list_issues", "project_id", status=STATUS, query=TEXT, limit=WHOLE, offset=WHOLE),
    tool("update_issue", "issue_id", title=TEXT, notes=TEXT, status=STATUS),
    tool("archive_issue", "issue_id"),
    tool("delete_issue", "issue_id"),
    tool("list_comments", "issue_id"),
    tool("add_comment", "issue_id", "body"),
]
"""Projects hold issues, issues hold comments."""


def kept(inferred: Inferred, *names: str) -> list[Operation]:
    """Return the operations of a server, or those named."""
    return [one for name, one in inferred.operations.items() if not names or name in names]


def source(tools: list[dict[str, Any]]) -> Source:
    """Return where the tools come from."""
    return Source(
        server="toy", package="toy-server", version="1.0", licence="MIT", category="tests",
        hashes={str(one["name"]): "s1:" + "0" * 32 for one in tools},
        tools={str(one["name"]): one for one in tools},
    )  # fmt: skip


def emitted(
    tools: list[dict[str, Any]], *names: str, inferred: Inferred | None = None
) -> dict[str, Any]:
    """Return the files of one domain with these tools, or all."""
    made = infer("toy", tools) if inferred is None else inferred
    return files_of("shadow/toy/all", made, source(tools), kept(made, *names))


def compiled(folder: Path, files: dict[str, Any]) -> CompiledDomain:
    """Write a domain, load it, and return it ready to run."""
    write_folder(folder, files)
    runtime = declarative_runtime(load_folder(folder))
    assert runtime.compiled is not None
    return runtime.compiled


def held(files: dict[str, Any], **options: Any) -> ContractReport:
    """Hold a domain against its contracts as it is, also where its loader would refuse it."""
    contracts = validate(Contracts, _loaded(files["contracts.yaml"], "contracts.yaml"))
    return check_contracts(domain_from(files["domain.yaml"]), contracts, seed=1, **options)


def domain_from(value: dict[str, Any]) -> CompiledDomain:
    """Return a domain ready to run, from the value of its YAML and unchecked."""
    return CompiledDomain(validate(Domain, _loaded(value, "domain.yaml")))


def _loaded(value: dict[str, Any], name: str) -> Loaded:
    return parse_yaml(yaml.safe_dump(value, sort_keys=False), name)


def call(name: str, /, **arguments: Any) -> ToolCall:
    """Return a call."""
    return ToolCall(id="c", name=name, arguments=arguments)


def listed(tools: list[dict[str, Any]], name: str = "toy", licence: str = "MIT") -> ListedServer:
    """Return a collected server with these tools."""
    return ListedServer(
        name=name, registry="file", package="toy-server", version="1.0", resolved={},
        licence=licence, category="tests", protocol="2025-06-18", instructions="",
        tools=tuple(tools), skipped=(), noise=0,
    )  # fmt: skip
