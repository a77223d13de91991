"""A tool whose results contradict its own output schema has no shadow."""

import json
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.messages import Message, ToolMessage
from agentsynth.pipeline.shadows import ServerShadows, shadow_server
from agentsynth.plan.contracts import ContractReport
from agentsynth.worlds.result_schemas import ResultSchemas
from tests.shadows.tracker import STATUS, TEXT, domain_from, emitted, listed, tool

_NOTE = {"type": "object", "properties": {"id": TEXT, "title": TEXT}, "required": ["id", "title"]}
_TERSE = {
    "type": "object",
    "properties": {"id": TEXT, "title": {"type": "string", "maxLength": 3}},
    "required": ["id", "title"],
}


_LISTED = {
    "type": "object",
    "properties": {"notes": {"type": "array", "items": _TERSE}},
    "required": ["notes"],
}


def tools(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Return three tools, one of which has an output schema."""
    return [
        tool("create_note", "title", status=STATUS),
        tool("get_note", "note_id", output=output),
        tool("list_notes"),
    ]


async def made(folder: Path, output: dict[str, Any]) -> ServerShadows:
    """Make the shadow of the three tools."""
    return await shadow_server(listed(tools(output)), folder, skip={}, log=lambda line: None)


async def test_a_tool_whose_results_do_not_fit_its_output_schema_is_left_out_with_the_reason(
    tmp_path: Path,
) -> None:
    found = await made(tmp_path, _TERSE)
    assert found.shadowed == {"create_note", "list_notes"}
    assert found.left_out["get_note"].reason == "unlike_schema"
    assert "$.title" in found.left_out["get_note"].detail


async def test_a_conversation_shows_it_where_no_generated_call_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nothing_found(*_args: Any, **_options: Any) -> ContractReport:
        return ContractReport(())

    monkeypatch.setattr("agentsynth.pipeline.shadows.check_contracts", nothing_found)
    entry = listed([*tools(_NOTE)[:2], tool("list_notes", output=_LISTED)])
    found = await shadow_server(entry, tmp_path, skip={}, log=lambda line: None)
    assert found.shadowed == {"create_note", "get_note"}
    assert found.left_out["list_notes"].reason == "unlike_schema"


async def test_a_tool_whose_results_fit_stays(tmp_path: Path) -> None:
    found = await made(tmp_path, _NOTE)
    assert found.shadowed == {"create_note", "get_note", "list_notes"}
    assert not found.left_out


def test_only_results_of_tools_with_an_output_schema_are_held_against_one() -> None:
    schemas = ResultSchemas(domain_from(emitted(tools(_NOTE))["domain.yaml"]).domain)

    def said(name: str, value: Any, *, is_error: bool = False) -> dict[str, str]:
        text = value if isinstance(value, str) else json.dumps(value)
        messages: list[Message] = [
            ToolMessage(tool_call_id="c", name=name, content=text, is_error=is_error)
        ]
        return schemas.unlike(messages)

    assert said("get_note", {"id": "1", "title": "Ladder"}) == {}
    assert said("get_note", {"id": "1", "title": 7}) == {
        "get_note": "$.title: 7 is not of type 'string'"
    }
    assert said("get_note", "no JSON") == {"get_note": "$: 'no JSON' is not of type 'object'"}
    assert said("get_note", {"error": {}}, is_error=True) == {}
    assert said("create_note", {"id": 1}) == {}
