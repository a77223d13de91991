import itertools
from typing import get_args

import pytest

from agentsynth.core.ids import content_id, digest
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.core.verdict import CriterionOutcome, ReasonCode, Verdict
from agentsynth.curate.decide import REASON_ORDER, Deduplicator, conversation_key, decide


def trajectory(
    *messages: Message, stop: StopReason = StopReason.USER_DONE, error: str | None = None
) -> Trajectory:
    return Trajectory(
        task_id="t",
        scenario_id="s",
        messages=messages,
        calls=(),
        start_state="a",
        final_state="a",
        net_changes=(),
        stop_reason=stop,
        error=error,
    )


def verdict(*codes: ReasonCode | None, score: float = 0.0, undecided: str = "") -> Verdict:
    outcomes = [
        CriterionOutcome(criterion=f"c{n}", outcome="not_met", code=code, evidence=f"since {code}")
        for n, code in enumerate(codes)
    ]
    if undecided:
        outcomes.append(CriterionOutcome(criterion=undecided, outcome="undecided"))
    return Verdict(
        trajectory_id="x", rubric_id="r", judge="checks", outcomes=tuple(outcomes), score=score
    )


def test_a_conversation_without_a_fault_is_kept() -> None:
    good = trajectory(UserMessage(content="Hi"))
    made = decide(good, verdict(score=1.0))
    assert (made.kept, made.reason, made.trajectory_id) == (True, "kept", good.id)


def test_every_reason_a_check_can_give_has_its_place_in_the_order() -> None:
    not_from_checks = {
        "kept", "rollout_error", "model_error", "judge_error", "judged_low", "low_score",
        "duplicate_task", "duplicate_conversation",
    }  # fmt: skip
    assert set(REASON_ORDER) == set(get_args(ReasonCode)) - not_from_checks
    assert len(set(REASON_ORDER)) == len(REASON_ORDER)


def test_of_several_reasons_the_cause_is_named_whatever_the_order_of_criteria() -> None:
    for cause, effect in itertools.combinations(REASON_ORDER, 2):
        orders: list[tuple[ReasonCode, ReasonCode]] = [(cause, effect), (effect, cause)]
        for codes in orders:
            made = decide(trajectory(), verdict(*codes))
            assert (made.kept, made.reason, made.detail) == (False, cause, f"since {cause}")


@pytest.mark.parametrize(
    ("cause", "effect"),
    [
        ("invalid_call", "ungrounded_argument"),
        ("ungrounded_argument", "wrong_record"),
        ("unconfirmed_write", "unexpected_change"),
        ("claimed_not_done", "goal_not_reached"),
        ("wrong_answer", "answer_missing"),
        ("policy_violation", "not_declined"),
        ("goal_not_reached", "not_finished"),
    ],
)
def test_a_cause_comes_before_its_effect(cause: ReasonCode, effect: ReasonCode) -> None:
    assert REASON_ORDER.index(cause) < REASON_ORDER.index(effect)


def test_a_rollout_that_died_is_dropped_as_that_and_nothing_else() -> None:
    died = trajectory(stop=StopReason.ERROR, error="ServerError: gone")
    made = decide(died, verdict("invalid_call", score=1.0))
    assert (made.kept, made.reason, made.detail) == (False, "rollout_error", "ServerError: gone")


def test_a_low_score_drops_and_names_what_was_undecided() -> None:
    made = decide(trajectory(), verdict(score=0.9, undecided="tone"))
    assert (made.kept, made.reason) == (False, "low_score")
    assert made.detail == "score 0.9 is under 1.0; undecided: tone"
    assert decide(trajectory(), verdict(score=0.9), least_score=0.9).kept


def named(task: str, words: str) -> tuple[str, str]:
    """Ids as tasks and conversations have them."""
    return content_id(task), digest(words)


def test_the_first_of_equal_rows_is_kept_in_order() -> None:
    seen = Deduplicator()
    assert seen.reason(0, *named("task a", "words 1")) is None
    assert seen.reason(0, *named("task a", "words 2")) is None  # another sample of the same place
    assert seen.reason(0, *named("task a", "words 1")) == "duplicate_conversation"
    assert seen.reason(1, *named("task a", "words 3")) == "duplicate_task"
    assert seen.reason(2, *named("task b", "words 2")) == "duplicate_conversation"
    assert seen.reason(3, *named("task b", "words 4")) is None  # 2 was dropped
    assert seen.reason(4, *named("task b", "words 5")) == "duplicate_task"
    assert seen.reason(4, *named("task c", "words 3")) is None


def test_what_was_dropped_as_a_duplicate_blocks_nobody() -> None:
    seen = Deduplicator()
    assert seen.reason(0, *named("task a", "words")) is None
    assert seen.reason(1, *named("task a", "new words")) == "duplicate_task"
    assert seen.reason(2, *named("task b", "new words")) is None


def test_the_key_of_a_conversation_is_what_was_said_and_by_whom_in_which_order() -> None:
    def key(*messages: Message) -> str:
        return conversation_key(trajectory(*messages))

    hi, hello = UserMessage(content="Hi"), AssistantMessage(content="Hello")
    call = ToolCall(id="1", name="look", arguments={})
    look = AssistantMessage(content="", tool_calls=(call,))
    answer = ToolMessage(tool_call_id="1", name="look", content="[]")
    assert key(hi, hello) == key(SystemMessage(content="other prompt"), hi, hello)
    other = answer.model_copy(update={"content": "{}"})
    assert key(hi, look, answer, hello) == key(hi, look, other, hello)
    assert key(hi, hello) != key(hello, hi)
    assert key(UserMessage(content="ab"), hello) != key(UserMessage(content="a"), hello)
    joined = UserMessage(content="Hi Hello")
    assert key(joined) != key(hi, hello)
