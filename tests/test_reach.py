"""What a tool can change, read off its steps, against what calls really changed."""

from typing import Any

from agentsynth.core.task import Change
from agentsynth.plan.reach import Reach, tool_reach
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play


async def test_no_call_changes_what_is_out_of_its_tools_reach(
    played: Any, garden: DomainRuntime
) -> None:
    reach = tool_reach(garden.domain)
    seen = 0
    for _, graded in played:
        names = {
            call.id: call.name
            for message in graded.trajectory.messages
            for call in getattr(message, "tool_calls", ())
        }
        for record in graded.trajectory.calls:
            within = reach.get(names[record.call_id])
            for change in record.changes:
                seen += 1
                assert within is not None
                assert within.may_bring(change), (names[record.call_id], change)
    assert seen > 50


async def test_effects_that_come_due_are_within_every_reach(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    reach = tool_reach(kinds.domain)
    _, graded = await play_kind("scheduled", 1)
    assert graded.trajectory.net_changes
    waiting = [s for effect in kinds.domain.effects.values() for s in effect.steps]
    assert waiting
    assert all(one is None or "scheduled" in one.deletes for one in reach.values())


def test_a_reach_brings_its_own_records_and_fields_only() -> None:
    reach = Reach(frozenset({"loan"}), frozenset(), frozenset({("plot", "status")}))
    for change, brought in (
        (Change(op="create", entity="loan", key=None, fields={"id": "x"}), True),
        (Change(op="delete", entity="loan", key="x", fields={}), False),
        (Change(op="update", entity="plot", key="x", fields={"status": "free"}), True),
        (Change(op="update", entity="plot", key="x", fields={"fee": 1}), False),
    ):
        assert reach.may_bring(change) is brought
