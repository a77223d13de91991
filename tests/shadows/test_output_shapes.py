"""Results of a shadow against the output schema of the tool that it stands for."""

import json
from typing import Any

from jsonschema import Draft202012Validator

from agentsynth.core.domain import Domain
from agentsynth.core.messages import ToolCall
from agentsynth.evolve.shadows.emit import Source, domain_of
from agentsynth.evolve.shadows.infer import infer
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld

_RECORD = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "title": {"type": "string"},
        "url": {"type": "string"},
        "labels": {"type": "array", "items": {"type": "string"}},
        "description": {"type": ["string", "null"]},
    },
}
_TOOLS: list[dict[str, Any]] = [
    {
        "name": "create_card",
        "inputSchema": {
            "type": "object",
            "properties": {n: {"type": "string"} for n in ("title", "url", "description")},
            "required": ["title"],
        },
        "outputSchema": _RECORD,
    },
    {
        "name": "list_cards",
        "inputSchema": {"type": "object", "properties": {}},
        "outputSchema": {
            "type": "object",
            "properties": {"cards": {"type": "array", "items": _RECORD}},
            "required": ["cards"],
        },
    },
]


def test_no_result_has_a_null_where_the_output_schema_allows_none() -> None:
    inferred = infer("board", _TOOLS)
    names = [str(tool["name"]) for tool in _TOOLS]
    source = Source(
        server="board",
        package="board",
        version="1",
        licence="MIT",
        category="work",
        hashes=dict.fromkeys(names, "0"),
        tools={str(tool["name"]): tool for tool in _TOOLS},
    )
    operations = [*inferred.operations.values()]
    assert [one.tool for one in operations] == names
    domain = Domain.model_validate(domain_of("shadow/board/card", inferred, source, operations))
    compiled = CompiledDomain(domain)
    world = DeclarativeWorld(compiled, compiled.base(1))
    calls: dict[str, dict[str, Any]] = {"create_card": {"title": "Tidy up"}, "list_cards": {}}
    for name, arguments in calls.items():
        answer = world.call_now(ToolCall(id="a", name=name, arguments=arguments))
        schema = next(tool["outputSchema"] for tool in _TOOLS if tool["name"] == name)
        assert not answer.is_error
        Draft202012Validator(schema).validate(json.loads(answer.content))
