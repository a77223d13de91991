"""Every kind of task, in one small domain that allows them all: found, certified, played, kept."""

import random

import pytest

from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import NoTask, make_task
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.task import KINDS, Task, TaskKind
from agentsynth.core.trajectory import Trajectory
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play

SEEDS = range(10)
SHORT: tuple[TaskKind, ...] = tuple(kind for kind in KINDS if kind != "long")


def calls_of(trajectory: Trajectory) -> list[str]:
    return [
        call.name
        for message in trajectory.messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
    ]


def said_by(trajectory: Trajectory, kind: type) -> list[str]:
    return [m.content for m in trajectory.messages if isinstance(m, kind) and m.content]


def test_a_domain_can_have_tasks_of_every_kind(kinds: DomainRuntime, small: DomainRuntime) -> None:
    assert kinds_allowed(kinds) == KINDS
    assert set(kinds_allowed(small)) < set(KINDS)


@pytest.mark.parametrize("kind", SHORT)
async def test_tasks_of_every_kind_are_certified_and_an_honest_play_is_kept(
    kind: TaskKind, play_kind: Play
) -> None:
    for seed in SEEDS:
        prepared, graded = await play_kind(kind, seed)
        task = prepared.composed.task
        assert prepared.composed.certificate.holds
        assert (task.kind, prepared.composed.certificate.task_id) == (kind, task.id)
        assert graded.decision.kept, (task.intents, graded.decision)
        assert graded.verdict.score == 1.0


async def tasks(kind: TaskKind, play_kind: Play) -> list[tuple[Task, Trajectory]]:
    played = [await play_kind(kind, seed) for seed in SEEDS]
    return [(prepared.composed.task, graded.trajectory) for prepared, graded in played]


async def test_one_write_several_writes_and_several_requests_are_told_apart(
    play_kind: Play,
) -> None:
    for task, _ in await tasks("write", play_kind):
        assert (len(task.requests), len(task.target.changes)) == (1, 1)
    for task, _ in await tasks("writes", play_kind):
        assert len(task.requests) == 1
        assert len(task.target.changes) >= 2
    for task, _ in await tasks("several", play_kind):
        assert len(task.requests) in (2, 3)
        assert task.target.changes
        assert all(request.outcome == "done" for request in task.requests)


async def test_questions_change_nothing_and_are_answered(play_kind: Play) -> None:
    for kind in ("info", "compare", "aggregate"):
        for task, trajectory in await tasks(kind, play_kind):
            assert task.target.answers
            assert task.target.changes == trajectory.net_changes == ()


async def test_a_compared_answer_is_the_best_of_those_that_can_be_had(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for task, _ in await tasks("compare", play_kind):
        floor = task.fact("floor")
        assert floor is not None
        rooms = [
            room
            for room in kinds.domain.entities["room"].records
            if room["floor"] == floor.value and not room["repair"]
        ]
        best = min(rooms, key=lambda room: int(str(room["price_cents"])))
        values = {answer.name: answer.value for answer in task.target.answers}
        assert values == {"name": best["name"], "price": best["price_cents"]}


async def test_an_aggregated_answer_is_shown_by_no_result(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for task, trajectory in await tasks("aggregate", play_kind):
        (total,) = task.target.answers
        assert total.field is None
        assert kinds.compiled is not None
        bookings = kinds.compiled.base(task.world_seed).tables["booking"].values()
        member = task.reference_calls[-1].arguments["member_id"]
        mine = [b["price_cents"] for b in bookings if b["member_id"] == member]
        assert total.value == sum(mine)
        shown = [m.content for m in trajectory.messages if m.role == "tool"]
        assert not any(f'"price_cents": {total.value}' in text for text in shown)


async def test_on_a_condition_both_branches_are_found_and_played(play_kind: Play) -> None:
    branches: set[bool] = set()
    for seed in range(16):
        prepared, graded = await play_kind("conditional", seed)
        task = prepared.composed.task
        limit, done = task.fact("limit"), bool(task.target.changes)
        assert limit is not None
        assert done == ("book_room" in calls_of(graded.trajectory))
        assert bool(task.target.answers) == (not done)
        if not done:
            assert int(str(task.target.answers[0].value)) > int(str(limit.value))
        branches.add(done)
    assert branches == {True, False}


async def test_what_the_policy_forbids_and_what_the_state_does_not_allow_are_told_apart(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for task, _ in await tasks("refuse", play_kind):
        (request,) = task.requests
        assert request.outcome == "declined"
        assert request.reason in kinds.domain.policy
    for task, _ in await tasks("impossible", play_kind):
        (request,) = task.requests
        assert request.outcome == "impossible"
        assert request.reason in kinds.lexicon.obstacles
        assert request.reason not in kinds.domain.policy
    for kind in ("refuse", "impossible"):
        for task, trajectory in await tasks(kind, play_kind):
            assert task.target.declined == (task.requests[0].reason,)
            assert task.target.changes == trajectory.net_changes == ()


async def test_of_two_requests_the_one_that_can_be_done_is_done_and_the_other_is_declined(
    play_kind: Play,
) -> None:
    orders: set[tuple[bool, ...]] = set()
    for task, trajectory in await tasks("partly", play_kind):
        done = tuple(request.outcome == "done" for request in task.requests)
        assert sorted(done) == [False, True]
        assert trajectory.net_changes
        assert len(task.target.declined) == 1
        orders.add(done)
    assert len(orders) == 2, "either may come first"


async def test_after_a_refusal_nobody_is_thanked_for_what_was_not_done(
    play_kind: Play, voice: Voice
) -> None:
    kept_going = 0
    for task, trajectory in await tasks("partly", play_kind):
        said = said_by(trajectory, UserMessage)
        for bank in ("also", "also_after_no"):
            ways = {
                way
                for name, kind in voice.phrases.items()
                for way in kind
                if name.partition(".")[0] == bank
            }
            goes_on = any(text.startswith(way) for way in ways for text in said[1:])
            kept_going += goes_on
            assert goes_on == ((task.requests[0].outcome == "done") == (bank == "also"))
    assert kept_going


@pytest.mark.parametrize("kind", ["refuse", "impossible"])
async def test_only_a_rule_has_exceptions(play_kind: Play, voice: Voice, kind: TaskKind) -> None:
    insists, answers = {
        "refuse": ("push_back", "hold_firm"), "impossible": ("push_back_fact", "hold_fact"),
    }[kind]  # fmt: skip
    held = 0
    for _, trajectory in await tasks(kind, play_kind):
        banks = {
            name.partition(".")[0]
            for name, ways in voice.phrases.items()
            if set(ways)
            & {
                text
                for role in (UserMessage, AssistantMessage)
                for text in said_by(trajectory, role)
            }
        }
        assert not banks & {"hold_firm", "hold_fact"} - {answers}
        held += answers in banks
        assert answers not in banks or insists in banks
    assert held


async def test_what_no_tool_does_is_declined_without_a_call(play_kind: Play) -> None:
    for task, trajectory in await tasks("no_tool", play_kind):
        assert task.requests[0].outcome == "no_tool"
        assert task.reference_calls == ()
        assert calls_of(trajectory) == []


async def test_what_is_set_to_happen_later_is_pending_at_the_end(play_kind: Play) -> None:
    for task, _ in await tasks("scheduled", play_kind):
        (change,) = task.target.changes
        day = task.fact("day")
        assert day is not None
        assert (change.op, change.entity) == ("create", "scheduled")
        assert str(change.fields["due"]).startswith(str(day.value))


async def test_the_same_seed_finds_the_same_task_of_every_kind(
    kinds: DomainRuntime, voice: Voice
) -> None:
    for kind in SHORT:
        one, again, other = [
            await make_task(kind, kinds, voice, world_seed=2, rng=random.Random(seed))
            for seed in (4, 4, 5)
        ]
        assert not isinstance(one, NoTask)
        assert not isinstance(again, NoTask)
        assert not isinstance(other, NoTask)
        assert (one.task.id, one.certificate.id) == (again.task.id, again.certificate.id)


async def test_an_agent_is_only_sent_what_it_serves(play_kind: Play) -> None:
    small_desks = 0
    for kind in ("refuse", "ambiguous", "partly"):
        for seed in SEEDS:
            prepared, graded = await play_kind(kind, seed)
            offered = {tool.name for tool in prepared.agent.tools}
            assert set(calls_of(graded.trajectory)) <= offered
            small_desks += prepared.agent.name.startswith("small")
    assert small_desks


def test_nothing_in_these_tests_is_left_unsaid(kinds: DomainRuntime) -> None:
    """The user's words are there for every intent, and every obstacle has its own."""
    assert set(kinds.lexicon.intents) == set(kinds.playbook.intents)
    assert set(kinds.lexicon.obstacles) == {"room_taken", "no_parking"}


async def test_every_user_turn_is_answered(play_kind: Play) -> None:
    for kind in SHORT:
        _, graded = await play_kind(kind, 1)
        assert len(said_by(graded.trajectory, AssistantMessage)) >= 1
        assert len(said_by(graded.trajectory, UserMessage)) >= 1
