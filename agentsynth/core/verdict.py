"""Grades beside a trajectory: outcomes with evidence, and the decision to keep or drop."""

from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified

__all__ = ["Attribution", "CriterionOutcome", "Decision", "OutcomeValue", "ReasonCode", "Verdict"]

OutcomeValue = Literal["met", "not_met", "not_applicable", "undecided", "unanswered"]
"""`undecided` = a check could not tell; `unanswered` = no judge is configured."""

ReasonCode = Literal[
    "kept",
    "rollout_error",
    "model_error",
    "judge_error",
    "invented_tool",
    "invalid_call",
    "ungrounded_argument",
    "wrong_record",
    "unconfirmed_write",
    "policy_violation",
    "claimed_not_done",
    "unexpected_change",
    "goal_not_reached",
    "checkpoint_missed",
    "pattern_broken",
    "not_declined",
    "did_not_ask",
    "not_reported",
    "wrong_answer",
    "answer_missing",
    "ungrounded_statement",
    "appeals_to_judge",
    "said_forbidden",
    "wasteful_calls",
    "too_long",
    "not_finished",
    "replay_mismatch",
    "undecided",
    "judged_low",
    "low_score",
    "duplicate_task",
    "duplicate_conversation",
]


class CriterionOutcome(Frozen):
    """How one criterion came out."""

    criterion: str
    outcome: OutcomeValue
    code: ReasonCode | None = None
    """For `not_met` and `undecided`: the reason code a drop would carry."""
    credit: float | None = Field(default=None, ge=0, le=1)
    """For `not_met`: the share that is met all the same (checkpoints reached); None = none."""
    evidence: str = ""
    messages: tuple[int, ...] = ()
    """Indices of the messages that show it."""


class Verdict(Identified):
    """A trajectory against its rubric."""

    schema_version: Literal[1] = 1
    trajectory_id: str
    rubric_id: str
    judge: str
    """Who answered the questions: `checks` = nobody, they stay `unanswered`; else the judging
    model's name and the id of its settings and prompts."""
    outcomes: tuple[CriterionOutcome, ...]
    score: float
    """Weighted share of applicable criteria met, in [0, 1]; 0 if a required one is not."""


class Attribution(Identified):
    """Who failed. Only the agent's failures count against the agent."""

    schema_version: Literal[1] = 1
    trajectory_id: str
    party: Literal["nobody", "user", "agent", "tool", "endpoint"]
    """`tool` = the world or its server broke, or did not repeat itself; `endpoint` = a language
    model in one of the seats gave no usable reply."""
    evidence: str
    messages: tuple[int, ...] = ()
    """Indices of the messages that show it."""


class Decision(Identified):
    """Kept or dropped, with the reason."""

    schema_version: Literal[1] = 1
    trajectory_id: str
    kept: bool
    reason: ReasonCode
    detail: str = ""
