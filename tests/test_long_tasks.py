"""Long tasks: about 20, 50, 100 and 300 calls, made and graded like any other."""

import random

import pytest

from agentsynth.compose.kinds import HORIZONS, wish_for
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.task import Task
from agentsynth.pipeline.work import Graded, Prepared
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play


def size(task: Task) -> int:
    return len(task.reference_calls)


async def one_of(play_kind: Play, calls: int) -> tuple[Prepared, Graded]:
    for seed in range(40):
        wished = seed  # the horizon is drawn from the seed, so seeds are tried until it is this one
        prepared, graded = await play_kind("long", wished)
        if abs(size(prepared.composed.task) - calls) <= calls * 0.4:
            return prepared, graded
    raise AssertionError(f"no task of about {calls} calls")


@pytest.mark.parametrize("calls", [20, 50, 100])
async def test_a_task_of_so_many_calls_is_found_certified_and_played_to_its_end(
    play_kind: Play, calls: int
) -> None:
    prepared, graded = await one_of(play_kind, calls)
    task, trajectory = prepared.composed.task, graded.trajectory
    assert prepared.composed.certificate.holds
    assert graded.decision.kept, graded.decision
    assert len(trajectory.calls) == size(task)
    assert all(record.outcome == "success" for record in trajectory.calls)


async def test_three_hundred_calls_are_made_in_one_conversation(play_kind: Play) -> None:
    prepared, graded = await one_of(play_kind, 300)
    assert 290 <= len(graded.trajectory.calls) <= 310
    assert len(prepared.composed.task.target.changes) >= 140
    assert graded.decision.kept, graded.decision
    waves = [
        len(message.tool_calls)
        for message in graded.trajectory.messages
        if isinstance(message, AssistantMessage) and message.tool_calls
    ]
    assert max(waves) <= 20, "calls are made a few at a time, as models do"


async def test_leaving_one_of_many_out_is_noticed(play_kind: Play, kinds: DomainRuntime) -> None:
    prepared, _ = await one_of(play_kind, 50)
    probes = {probe.name for probe in prepared.composed.certificate.probes}
    assert {"dropped_write_fails", "no_idle_write", "facts_suffice"} <= probes


def test_all_lengths_are_looked_for(kinds: DomainRuntime) -> None:
    wishes = [wish_for("long", kinds, random.Random(seed)) for seed in range(40)]
    assert {wish.calls for wish in wishes if wish is not None} == set(HORIZONS)


async def test_a_task_of_fewer_calls_is_not_called_long(kinds: DomainRuntime, voice: Voice) -> None:
    found = await make_task("long", kinds, voice, world_seed=1, rng=random.Random(2))
    assert isinstance(found, Composed)
    assert size(found.task) >= 15
