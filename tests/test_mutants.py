"""Wrong conversations do not pass, judged by judges of their own (`tests/independent`)."""

import random
from typing import Any

import pytest

import agentsynth.checks.run as checks_run
from agentsynth.checks.evidence import MET, Evidence, Finding, failed
from agentsynth.checks.target import compare_changes
from agentsynth.core.task import Answer, Change, Target
from agentsynth.core.trajectory import CallRecord
from agentsynth.worlds.runtime import DomainRuntime
from benchmarks.mutants import case_of, measure, tables_of
from tests.conftest import GARDEN, KINDS_FOLDER, Play
from tests.independent.comparator import compare, tables_after
from tests.independent.mutants import BREAKS, MISSTATING, Case, mutate, perform, script_of

pytestmark = pytest.mark.slow


async def test_wrong_conversations_are_dropped() -> None:
    score = await measure(200, 1, [GARDEN, KINDS_FOLDER])
    assert score.made == 200
    assert not score.dropped, "what is honest is kept"
    false = {name: sort.false for name, sort in score.sorts.items() if sort.false}
    assert set(false) <= set(MISSTATING), score.passing
    assert sum(false.values()) <= 4, score.passing
    assert score.harmless * 3 >= score.made, "a quarter of the whole is harmless"
    assert all(same.made for same in score.same.values())
    assert score.alarms == []
    assert (score.recall >= 0.98, score.precision) == (True, 1.0)


async def test_a_check_that_minds_what_does_not_count_gives_false_alarms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def strict(evidence: Evidence) -> Finding:
        spaced = any(message.content.endswith(" ") for message in evidence.messages)
        return failed("not_finished", "spaces") if spaced else MET

    monkeypatch.setitem(checks_run.CHECKS, "ended_well", strict)
    score = await measure(60, 1, [KINDS_FOLDER])
    assert score.same["other_spaces"].dropped > 0
    assert score.precision < 1


async def test_a_check_that_sees_nothing_lets_wrong_conversations_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def blind(evidence: Evidence) -> Finding:
        return MET

    for name, sorts in (
        ("target_state", {"swap_record", "extra_write_agreed"}),
        ("writes_confirmed", {"drop_confirmation", "say_no", "write_first"}),
        ("replay_agrees", {"forge_result"}),
        ("reported", {"drop_report", "goodbye_instead"}),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(checks_run.CHECKS, name, blind)  # type: ignore[arg-type]
            score = await measure(260, 2, [KINDS_FOLDER])
        assert {name for name, sort in score.sorts.items() if sort.false} & sorts, name


async def cases(play_kind: Play, kinds: DomainRuntime, *names: Any) -> list[Case]:
    made: list[Case] = []
    for kind in names:
        for seed in range(3):
            prepared, graded = await play_kind(kind, seed)
            made.append(await case_of(prepared, graded.trajectory, kinds))
    return made


async def test_a_script_carried_out_again_is_the_same_conversation(
    play_kind: Play, kinds: DomainRuntime
) -> None:
    for case in await cases(play_kind, kinds, "write", "several", "dual", "refuse", "writes"):
        again = await perform(case, script_of(case.trajectory), kinds.open)
        assert again is not None
        assert again.id == case.trajectory.id


async def test_every_sort_of_mutant_can_be_made_and_differs(
    play_kind: Play, kinds: DomainRuntime
) -> None:
    made: set[str] = set()
    for case in await cases(
        play_kind, kinds, "write", "writes", "several", "info", "compare", "ambiguous", "corrected",
        "refuse", "partly", "dual", "change_of_mind", "ask_back",
    ):  # fmt: skip
        for sort in BREAKS:
            mutant = await mutate(sort, case, random.Random(1), kinds.open)
            if mutant is not None:
                assert mutant.id != case.trajectory.id, sort
                made.add(sort)
    assert made == set(BREAKS) - {"other_time"}


def garden_findings(garden: DomainRuntime, prepared: Any, trajectory: Any) -> Any:
    consequential = frozenset(t.name for t in prepared.agent.tools if t.consequential)
    task = prepared.composed.task
    start = tables_of(garden, task.world_seed)
    return compare(task, trajectory, start, consequential, trajectory)


async def test_the_comparator_finds_nothing_wrong_with_what_is_kept(
    garden: DomainRuntime, played: Any
) -> None:
    kept = 0
    for prepared, graded in played:
        if graded.decision.kept:
            found = garden_findings(garden, prepared, graded.trajectory)
            assert found.right, (prepared.composed.task.intents, found)
            kept += 1
    assert kept > 100


async def test_the_comparator_and_the_state_check_agree_on_every_conversation(
    garden: DomainRuntime, played: Any
) -> None:
    verdicts: list[bool] = []
    for prepared, graded in played:
        task, trajectory = prepared.composed.task, graded.trajectory
        mine = garden_findings(garden, prepared, trajectory).state
        theirs = compare_changes(trajectory.net_changes, task.target.changes).outcome == "met"
        assert mine == theirs, task.intents
        verdicts.append(mine)
    assert 20 < verdicts.count(False) < len(verdicts) - 20


async def test_the_comparator_reads_the_records_and_not_the_net_changes(
    garden: DomainRuntime, played: Any
) -> None:
    prepared, graded = next(
        one for one in played if one[1].decision.kept and one[1].trajectory.net_changes
    )
    trajectory = graded.trajectory
    silent = tuple(record.model_copy(update={"changes": ()}) for record in trajectory.calls)
    forged = trajectory.model_copy(update={"calls": silent})
    assert not garden_findings(garden, prepared, forged).state


def played_over(play: Any, *changes: Change) -> dict[str, dict[str, dict[str, Any]]]:
    call_ids = [call.id for m in play.messages for call in getattr(m, "tool_calls", ())]
    record = CallRecord(call_id=call_ids[0], outcome="success", changes=changes)
    made = play.model_copy(update={"calls": (record,)})
    return tables_after({"a": {"A1": {"id": "A1", "n": 1}}}, made)


async def test_changes_are_played_over_plain_tables(played: Any) -> None:
    trajectory = played[0][1].trajectory
    fresh = Change(op="create", entity="a", key="A2", fields={"id": "A2", "n": 5})
    more = Change(op="update", entity="a", key="A2", fields={"n": 6})
    gone = Change(op="delete", entity="a", key="A1", fields={})
    assert played_over(trajectory, fresh, more, gone) == {"a": {"A2": {"id": "A2", "n": 6}}}
    back = Change(op="update", entity="a", key="A1", fields={"n": 1})
    assert played_over(trajectory, back) == {"a": {"A1": {"id": "A1", "n": 1}}}


@pytest.mark.parametrize(
    ("type_", "value", "text", "is_said"),
    [
        ("money", 1250, "It costs $12.50.", True),
        ("money", 1200, "It costs $12.", True),
        ("money", 1250, "It costs $12.", False),
        ("money", 1250, "It costs $112.50.", False),
        ("date", "2027-03-09", "It is due on 9 March.", True),
        ("date", "2027-03-09", "It is due on March 9, 2027.", True),
        ("date", "2027-03-09", "It is due on 19 March.", False),
        ("count", 3, "There are three.", True),
        ("count", 3, "There are 13.", False),
        ("text", "B-07", "Plot B-07 it is.", True),
        ("text", "Oak", "Oakwood it is.", False),
    ],
)
async def test_the_comparator_knows_the_ways_people_write_an_answer(
    garden: DomainRuntime, played: Any, type_: Any, value: Any, text: str, is_said: bool
) -> None:
    prepared, graded = next(p for p in played if p[0].composed.task.kind == "info")
    task = prepared.composed.task
    target = Target(answers=(Answer(name="x", type=type_, value=value),))
    messages = list(graded.trajectory.messages)
    place = len(messages) - 1
    messages[place] = messages[place].model_copy(update={"content": text})
    said = graded.trajectory.model_copy(update={"messages": (messages[0], messages[place])})
    asked = task.model_copy(update={"target": target})
    start = tables_of(garden, task.world_seed)
    assert compare(asked, said, start, frozenset(), said).answers == is_said
