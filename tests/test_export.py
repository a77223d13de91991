"""Rows as trainers take them. The golden row is rewritten with

AGENTSYNTH_WRITE_GOLDEN=1 python -m pytest tests/test_export.py -k golden
"""

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from agentsynth.compose.agents import agent_plans, make_agent
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.core.ids import canonical_json
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.export.canonical import ROW_SCHEMA, canonical_row, row_id
from agentsynth.export.card import render_card
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.finish import export_rows
from agentsynth.pipeline.run import execute
from agentsynth.pipeline.store import Store
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.worlds.runtime import DomainRuntime

GOLDEN = Path(__file__).parent / "golden" / "row.json"
VALIDATOR = Draft202012Validator(ROW_SCHEMA)
KEYS = {
    "task_id", "trajectory_id", "domain", "kind", "seed", "rubric", "score", "driver",
    "tool_levels",
}  # fmt: skip


@pytest.fixture(scope="session")
async def exported(worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The export of a small run with some of every kind."""
    folder = tmp_path_factory.mktemp("run")
    config = RunConfig(
        version=1, seed=11, target=TargetConfig(kept=24), domains={"community_garden": 1.0}
    )
    runtimes = {"community_garden": worker.runtimes["community_garden"]}
    with Store(folder / "store.db") as store:
        mine = Worker(config, runtimes, Limits())
        await execute(config, mine, store, concurrency=2, listen=lambda event: None)
        export_rows(store, config, runtimes, folder / "export")
    return folder / "export"


@pytest.fixture(scope="session")
async def rows(exported: Path) -> list[dict[str, Any]]:
    lines = (exported / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def nulls(value: Any, path: str = "") -> list[str]:
    if value is None:
        return [path]
    if isinstance(value, dict):
        return [p for key, part in value.items() for p in nulls(part, f"{path}.{key}")]
    if isinstance(value, list):
        return [p for n, part in enumerate(value) for p in nulls(part, f"{path}.{n}")]
    return []


async def test_every_row_of_a_run_fits_the_schema(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == 24
    for row in rows:
        VALIDATOR.validate(row)
        assert nulls(row) == []
    assert len({row["id"] for row in rows}) == 24


async def test_every_row_is_a_conversation_a_chat_template_can_render(
    rows: list[dict[str, Any]],
) -> None:
    for row in rows:
        messages = row["messages"]
        offered = {tool["function"]["name"] for tool in row["tools"]}
        assert [m["role"] for m in messages][:2] == ["system", "user"]
        assert [m["role"] for m in messages].count("system") == 1
        assert messages[-1]["role"] == "assistant"
        assert "tool_calls" not in messages[-1]
        assert messages[-1]["content"]
        assert all(isinstance(m["content"], str) for m in messages)
        ids: list[str] = []
        open_calls: list[tuple[str, str]] = []
        for message in messages:
            if message["role"] == "tool":
                assert (message["tool_call_id"], message["name"]) == open_calls.pop(0)
                continue
            assert open_calls == []
            for call in message.get("tool_calls", ()):
                assert isinstance(call["function"]["arguments"], dict)
                assert call["function"]["name"] in offered
                open_calls.append((call["id"], call["function"]["name"]))
                ids.append(call["id"])
        assert open_calls == []
        assert len(set(ids)) == len(ids)


async def test_the_metadata_is_one_json_text_with_what_explains_the_row(
    rows: list[dict[str, Any]], garden: DomainRuntime
) -> None:
    kinds: set[str] = set()
    for row in rows:
        assert isinstance(row["metadata"], str)
        metadata = json.loads(row["metadata"])
        assert metadata.keys() >= KEYS
        assert row["metadata"] == canonical_json(metadata)
        assert row["id"] == row_id(metadata["trajectory_id"])
        assert (metadata["driver"], metadata["score"]) == ("scripted", 1.0)
        assert metadata["domain"] == "community_garden"
        assert metadata["tool_levels"] == ["executed"]
        kinds.add(metadata["kind"])
    assert kinds == set(kinds_allowed(garden))


async def test_no_row_shows_the_task_or_how_it_was_made(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        shown = json.dumps({"messages": row["messages"], "tools": row["tools"]})
        for word in ("flaw", "reference_calls", "world_seed", "persona", "scripted", "s1:"):
            assert word not in shown


async def test_the_manifest_counts_the_rows_and_the_card_tells_them(
    exported: Path, rows: list[dict[str, Any]]
) -> None:
    manifest = json.loads((exported / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["rows"] == manifest["funnel"]["kept"] == len(rows)
    assert sum(count for _, _, count in manifest["kept_by"]) == len(rows)
    assert manifest["smoke_data"] is True
    card = (exported / "README.md").read_text(encoding="utf-8")
    assert card == render_card(manifest)
    assert "24 conversations of several turns" in card
    assert "This is smoke data" in card


Break = Callable[[dict[str, Any]], object]
BREAKS: list[Break] = [
    lambda row: row.update(extra=1),
    lambda row: row.pop("metadata"),
    lambda row: row.update(metadata={}),
    lambda row: row.update(id="7"),
    lambda row: row["messages"][1].update(content=None),
    lambda row: row["messages"][2].pop("content"),
    lambda row: row["messages"][2].pop("train"),
    lambda row: row["messages"][2].update(tool_calls=[]),
    lambda row: row["messages"][2]["tool_calls"][0]["function"].update(arguments="{}"),
    lambda row: row["messages"][2]["tool_calls"][0].pop("type"),
    lambda row: row["messages"][3].pop("name"),
    lambda row: row["messages"][3].pop("tool_call_id"),
    lambda row: row["messages"][3].update(is_error=True),
    lambda row: row["messages"][1].update(role="human"),
    lambda row: row["tools"][0]["function"].pop("parameters"),
    lambda row: row["tools"][0]["function"]["parameters"].pop("properties"),
    lambda row: row.update(tools=[]),
]


@pytest.mark.parametrize("number", range(len(BREAKS)))
def test_the_schema_refuses_what_a_trainer_would_trip_over(
    small: DomainRuntime, number: int
) -> None:
    row = golden_row(small)
    assert VALIDATOR.is_valid(row)
    broken = copy.deepcopy(row)
    BREAKS[number](broken)
    assert not VALIDATOR.is_valid(broken)


def golden_row(small: DomainRuntime) -> dict[str, Any]:
    """The row of a conversation written by hand, with everything a row can have."""
    look = ToolCall(id="call_1", name="find_books", arguments={"title": "Fern", "kind": "novel"})
    shelves = ToolCall(id="call_2", name="list_shelves", arguments={})
    move = ToolCall(
        id="call_3", name="move_book", arguments={"book_id": "BK-101", "shelf_id": "SH-03"}
    )
    agent = make_agent(small, agent_plans(small)[0], "2027-03-05")
    messages: list[Message] = [
        SystemMessage(content=agent.system_prompt),
        UserMessage(content="Könnte — sorry, could you move “Red Fern”\nto the East Corner? ☂"),
        AssistantMessage(content="Let me see.", tool_calls=(look, shelves)),
        ToolMessage(tool_call_id="call_1", name="find_books", content='{"total": 1}'),
        ToolMessage(tool_call_id="call_2", name="list_shelves", content="[]"),
        AssistantMessage(content="So Red Fern goes to the East Corner. Shall I?"),
        UserMessage(content="Yes."),
        AssistantMessage(content="", tool_calls=(move,)),
        ToolMessage(
            tool_call_id="call_3",
            name="move_book",
            content='{"error": {"code": "shelf_full", "message": "The East Corner is full."}}',
            is_error=True,
        ),
        AssistantMessage(content="I can't do that, the East Corner is full."),
    ]
    metadata = {"task_id": "s1:0", "score": 1.0, "kind": "refuse", "seed": 7, "domain": "small"}
    return canonical_row("s1:" + "0123456789abcdef" * 2, messages, agent, metadata)


def test_a_row_looks_as_the_golden_one(small: DomainRuntime) -> None:
    text = json.dumps(golden_row(small), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("AGENTSYNTH_WRITE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert text == GOLDEN.read_text(encoding="utf-8")


def test_reasoning_is_in_the_row_where_there_was_any(garden: DomainRuntime) -> None:
    agent = make_agent(garden, agent_plans(garden)[0], "2027-04-05")
    messages = [
        SystemMessage(content="Be kind."),
        UserMessage(content="Hello"),
        AssistantMessage(content="Who are you?", reasoning="I need a name."),
        UserMessage(content="Nobody."),
        AssistantMessage(content="Goodbye."),
    ]
    row = canonical_row("s1:" + "0" * 32, messages, agent, {"kind": "info"})
    VALIDATOR.validate(row)
    assert row["messages"][2]["reasoning_content"] == "I need a name."
    assert "reasoning_content" not in row["messages"][4]
