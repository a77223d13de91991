"""How a live server says that a call failed, and that the record keeps it."""

from pathlib import Path

import pytest

from agentsynth.core.messages import ToolCall
from agentsynth.core.observe import observe
from agentsynth.core.trajectory import CallRecord
from tests.live.shelf import do, shelf_world

pytestmark = pytest.mark.anyio


async def test_each_way_of_failing_is_told_apart_and_shown_to_the_agent(tmp_path: Path) -> None:
    async with shelf_world(tmp_path, closed=False) as world:
        refused = await do(world, "refuse")
        marked = await do(world, "fly")
        begins = await do(world, "say", "Sorry: no such thing")
        told = await do(world, "say", '{"ok": false, "why": "no"}')
        fine = await do(world, "say", "it is not so bad: Sorry: is only a word here")
    assert [one.failure for one in (refused, marked, begins, told, fine)] == [
        "protocol",
        "marked",
        "text",
        "text",
        None,
    ]
    assert [one.is_error for one in (refused, marked, begins, told, fine)] == [True] * 4 + [False]
    assert refused.content == "Invalid params: what is odd"
    assert marked.content == "LookupError: cannot fly"


async def test_the_record_of_a_call_keeps_it_and_a_success_leaves_no_trace(tmp_path: Path) -> None:
    call = ToolCall(id="call_1", name="do", arguments={})
    async with shelf_world(tmp_path, closed=False) as world:
        _, failed = observe(call, await do(world, "fly"))
        _, worked = observe(call, await do(world, "say", "hello"))
    assert failed == CallRecord(call_id="call_1", outcome="error", failure="marked")
    assert worked.model_dump() == {"call_id": "call_1", "outcome": "success", "changes": ()}


async def test_a_result_that_breaks_no_rule_may_still_change_nothing(tmp_path: Path) -> None:
    async with shelf_world(tmp_path, closed=False) as world:
        result = await do(world, "write", "first.txt")
        again = await do(world, "write", "first.txt")
    assert [change.key for change in result.changes] == ["first.txt"]
    assert again.changes == ()
