"""Mutants of conversations: what each sort changes, and what is known of it afterwards."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.compose.rubrics import load_rubric, rubric_for, whole_rubric
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.resources import bundled
from agentsynth.core.rubric import MutantSort, Rubric
from agentsynth.core.task import Change
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory
from agentsynth.core.transcript import transcript_of
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.judge.mutants import (
    HARMLESS,
    SORTS,
    Mutant,
    labels_of,
    labels_of_original,
    mutants_of,
    mutate,
    mutate_transcript,
)
from agentsynth.judge.verdict import judge
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play

CREATED = Change(op="create", entity="booking", key="BK-7001", fields={"day": "2026-05-04"})


def call(number: int, name: str, **arguments: Any) -> ToolCall:
    return ToolCall(id=f"call_{number}", name=name, arguments=arguments)


def result(number: int, name: str, value: Any) -> ToolMessage:
    return ToolMessage(tool_call_id=f"call_{number}", name=name, content=json.dumps(value))


def talk(*messages: Message) -> Trajectory:
    """A conversation in which `book` is the one call that changes something."""
    answers = [m for m in messages if isinstance(m, ToolMessage)]
    done = (CREATED,)
    records = tuple(
        CallRecord(
            call_id=m.tool_call_id, outcome="success", changes=done if m.name == "book" else ()
        )
        for m in answers
    )
    booked = any(record.changes for record in records)
    return Trajectory(
        task_id="t",
        scenario_id="s",
        messages=(SystemMessage(content="You take bookings."), *messages),
        calls=records,
        start_state="a",
        final_state="b" if booked else "a",
        net_changes=done if booked else (),
        stop_reason=StopReason.USER_DONE,
    )


BOOKED = talk(
    UserMessage(content="Please book me a visit for Rex on 4 May."),
    AssistantMessage(
        content="", tool_calls=(call(1, "find_pet", pet="Rex"), call(2, "find_fee", kind="visit"))
    ),
    result(1, "find_pet", {"pet": "PT-3311"}),
    result(2, "find_fee", {"fee_cents": 4200}),
    AssistantMessage(content="A visit for Rex on 4 May at $42.00. Shall I book it?"),
    UserMessage(content="Yes, please."),
    AssistantMessage(content="", tool_calls=(call(3, "book", pet="PT-3311", day="2026-05-04"),)),
    result(3, "book", {"booking": "BK-7001"}),
    AssistantMessage(content="Booked for 4 May, it is $42.00."),
    UserMessage(content="Thanks!"),
    AssistantMessage(content="Goodbye."),
)

CHINESE = talk(
    UserMessage(content="请帮我预约5月4日。"),
    AssistantMessage(content="5月4日，费用42.00元，可以预约吗？"),
    UserMessage(content="可以，请办理。"),
    AssistantMessage(content="", tool_calls=(call(1, "book", pet="PT-3311"),)),
    result(1, "book", {"booking": "BK-7001", "fee_cents": 4200}),
    AssistantMessage(content="已预约5月4日，费用42.00元。"),
)


def made(sort: MutantSort, of: Trajectory = BOOKED, seed: int = 1, **more: Any) -> Mutant:
    mutant = mutate(of, sort, seed=seed, writes=["book"], **more)
    assert mutant is not None, sort
    return mutant


def words(trajectory: Trajectory) -> list[str]:
    return [m.content for m in trajectory.messages if m.content]


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_can_be_made_and_the_same_seed_makes_the_same(sort: MutantSort) -> None:
    mutant = made(sort)
    assert mutant.trajectory.id != BOOKED.id == mutant.original
    assert mutant == made(sort)
    assert 0 < mutant.message < len(mutant.trajectory.messages)


@pytest.mark.parametrize("sort", sorted(set(SORTS) - {"reordered_calls"}))
def test_chinese_conversations_get_chinese_words(sort: MutantSort) -> None:
    mutant = made(sort, CHINESE, language="zh")
    added = set("".join(words(mutant.trajectory))) - set("".join(words(CHINESE)))
    assert not {c for c in added if c.isascii() and c.islower()}, added


@pytest.mark.parametrize("sort", SORTS)
def test_a_transcript_and_its_trajectory_give_the_same_mutant(sort: MutantSort) -> None:
    of_transcript = mutate_transcript(transcript_of(BOOKED), sort, seed=4, writes=["book"])
    of_trajectory = made(sort, seed=4)
    assert of_transcript is not None
    assert of_transcript.transcript == transcript_of(of_trajectory.trajectory)
    assert of_transcript.message == of_trajectory.message


def test_without_the_confirmation_the_write_follows_the_request() -> None:
    mutant = made("dropped_confirmation")
    assert [m.role for m in mutant.trajectory.messages[1:7]] == [
        "user", "assistant", "tool", "tool", "assistant", "tool",
    ]  # fmt: skip
    assert "Yes, please." not in words(mutant.trajectory)


def test_no_confirmation_is_dropped_where_no_yes_is_needed_or_none_was_said() -> None:
    assert mutate(BOOKED, "dropped_confirmation", seed=1) is None
    refused = list(BOOKED.messages[1:])
    refused[5] = UserMessage(content="Rex is the brown one.")
    assert mutate(talk(*refused), "dropped_confirmation", seed=1, writes=["book"]) is None


@given(st.integers(min_value=0, max_value=10_000))
def test_a_swapped_argument_was_shown_nowhere_and_nothing_else_is_changed(seed: int) -> None:
    mutant = made("swapped_argument", seed=seed)
    before, after = BOOKED.messages[mutant.message], mutant.trajectory.messages[mutant.message]
    assert isinstance(before, AssistantMessage)
    assert isinstance(after, AssistantMessage)
    changed = [
        (old, new)
        for one, other in zip(before.tool_calls, after.tool_calls, strict=True)
        for old, new in zip(one.arguments.values(), other.arguments.values(), strict=True)
        if old != new
    ]
    [(_, new)] = changed
    assert not any(str(new) in text for text in words(BOOKED))
    rest = [m for n, m in enumerate(mutant.trajectory.messages) if n != mutant.message]
    assert rest == [m for n, m in enumerate(BOOKED.messages) if n != mutant.message]


@given(st.integers(min_value=0, max_value=10_000))
def test_a_wrong_figure_is_of_the_same_form_and_follows_from_nothing_shown(seed: int) -> None:
    text = made("wrong_final_number", seed=seed).trajectory.messages[9].content
    assert text != BOOKED.messages[9].content
    if " 4 May" in text:
        assert text.startswith("Booked for 4 May, it is $")
        cents = round(float(text.partition("$")[2].rstrip(".")) * 100)
        assert cents % 4200, "no multiple of an amount that was shown"
    else:
        assert text.endswith("it is $42.00.")


def test_without_the_call_nothing_is_on_record_of_it_and_the_claim_stays() -> None:
    after = made("unbacked_claim").trajectory
    assert [record.call_id for record in after.calls] == ["call_1", "call_2"]
    assert (after.net_changes, after.final_state) == ((), BOOKED.start_state)
    assert words(after) == [t for t in words(BOOKED) if "BK-7001" not in t]


def test_a_call_whose_record_another_call_changed_too_is_left_alone() -> None:
    again = BOOKED.model_copy(
        update={"calls": tuple(r.model_copy(update={"changes": (CREATED,)}) for r in BOOKED.calls)}
    )
    assert mutate(again, "unbacked_claim", seed=1) is None


@given(st.integers(min_value=0, max_value=10_000))
def test_calls_that_are_turned_round_twice_are_as_before(seed: int) -> None:
    once = made("reordered_calls", seed=seed).trajectory
    assert [m.tool_call_id for m in once.messages if isinstance(m, ToolMessage)] == [
        "call_2", "call_1", "call_3",
    ]  # fmt: skip
    assert [record.call_id for record in once.calls] == ["call_2", "call_1", "call_3"]
    assert made("reordered_calls", once, seed=seed).trajectory == BOOKED


def test_calls_that_change_something_or_show_the_time_are_not_turned_round() -> None:
    messages = list(BOOKED.messages[1:])
    messages[3] = result(2, "find_fee", {"as_of": "2026-05-01T08:22"})
    assert mutate(talk(*messages), "reordered_calls", seed=1) is None
    assert mutate(BOOKED, "reordered_calls", seed=1, writes=["find_fee"]) is None


@given(st.integers(min_value=0, max_value=10_000))
def test_other_ids_keep_everything_else(seed: int) -> None:
    after = made("renamed_ids", seed=seed).trajectory
    names = [record.call_id for record in after.calls]
    assert len(set(names)) == 3
    assert not set(names) & {"call_1", "call_2", "call_3"}
    text = after.model_dump_json()
    for number, name in enumerate(names, start=1):
        text = text.replace(name, f"call_{number}")
    assert Trajectory.model_validate_json(text) == BOOKED


# -- what the rubrics say of them ------------------------------------------------------------------


def every_criterion() -> Rubric:
    whole = load_rubric(bundled("rubrics") / "whole.yaml")
    names = {c.name for c in whole.criteria}
    own = [c for c in whole_rubric().criteria if c.name not in names]
    return Rubric(name="all", criteria=(*own, *whole.criteria))


def test_every_sort_but_the_harmless_breaks_a_check_or_a_question_of_the_bundled_rubrics() -> None:
    named = [sort for c in every_criterion().criteria for sort in c.broken_by]
    assert set(named) == set(SORTS) - set(HARMLESS)
    asked = [s for c in every_criterion().criteria if c.question for s in c.broken_by]
    assert set(asked) == set(SORTS) - set(HARMLESS), "a judge can be measured on every sort"


def test_labels_say_what_is_broken_by_what_and_of_which_conversation() -> None:
    rubric = every_criterion()
    mutant = made("dropped_confirmation")
    labels = labels_of(mutant, rubric)
    assert {label.criterion for label in labels} == {"confirmed_writes", "agreed_before_change"}
    for label in labels:
        assert (label.truth, label.by, label.who) == ("not_met", "mutant", "dropped_confirmation")
        assert (label.subject, label.group) == (mutant.trajectory.id, BOOKED.id)


def test_only_what_the_original_met_is_labelled_and_harmless_changes_keep_it() -> None:
    rubric = every_criterion()
    assert labels_of(made("dropped_confirmation"), rubric, met=["policy"]) == ()
    [label] = labels_of(made("renamed_ids"), rubric, met=["policy"])
    assert (label.criterion, label.truth) == ("policy", "met")
    assert labels_of(made("renamed_ids"), rubric) == ()


def verdict(**outcomes: Any) -> Verdict:
    return Verdict(
        trajectory_id="s1:x",
        rubric_id="r",
        judge="checks",
        outcomes=tuple(CriterionOutcome(criterion=n, outcome=o) for n, o in outcomes.items()),
        score=1.0,
    )


def test_a_question_counts_as_met_only_where_checks_watch_every_sort_that_breaks_it() -> None:
    rubric = every_criterion()
    some = labels_of_original(verdict(grounded_statements="met"), rubric)
    assert {label.criterion for label in some} == {"grounded_statements", "values_shown"}
    more = labels_of_original(verdict(grounded_statements="met", end_state="met"), rubric)
    assert "claims_backed" in {label.criterion for label in more}
    assert "no_padding" not in {label.criterion for label in more}
    none = labels_of_original(verdict(grounded_statements="undecided"), rubric)
    assert none == ()


def test_mutants_of_a_rubric_are_those_that_break_it_and_the_harmless() -> None:
    rubric = load_rubric(bundled("rubrics") / "clarity.yaml")
    sorts = [m.sort for m in mutants_of(BOOKED, rubric, seed=1, writes=["book"])]
    assert sorts == ["dropped_report", "padding", "reordered_calls", "renamed_ids"]


@pytest.mark.slow
async def test_checks_find_what_the_labels_of_mutants_say(
    play_kind: Play, kinds: DomainRuntime
) -> None:
    seen: set[str] = set()
    for kind in ("write", "writes", "several", "info", "ambiguous", "corrected", "ask_back"):
        prepared, graded = await play_kind(kind, 0)
        task, rubric = prepared.composed.task, rubric_for(kind)
        met = [o.criterion for o in graded.verdict.outcomes if o.outcome == "met"]
        writes = [tool.name for tool in prepared.agent.tools if tool.consequential]
        for mutant in mutants_of(graded.trajectory, rubric, seed=3, writes=writes):
            again = await replay(task, mutant.trajectory, kinds, prepared.agent.tool_names)
            evidence = Evidence(task, mutant.trajectory, kinds, load_voice(), again)
            outcomes = {o.criterion: o.outcome for o in judge(evidence, rubric).outcomes}
            for label in labels_of(mutant, rubric, met=met):
                assert outcomes[label.criterion] == label.truth, (mutant.sort, label, kind)
                seen.add(mutant.sort)
    assert {"dropped_confirmation", "swapped_argument", "unbacked_claim", "renamed_ids"} <= seen
