"""The record of a rollout: what was said and done. Never a grade."""

from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.ids import content_id
from agentsynth.core.messages import Message, ToolCall
from agentsynth.core.task import Change

__all__ = [
    "CallRecord",
    "FactLedger",
    "FactTurn",
    "Failure",
    "StopReason",
    "Trajectory",
    "UserCall",
]

Failure = Literal["protocol", "marked", "text"]
"""How a live server said that a call failed: by an error of the protocol, by a result marked as an
error, or by its text alone."""


def _is_none(value: object) -> bool:
    return value is None


class StopReason(StrEnum):
    """Why a rollout ended."""

    USER_DONE = "user_done"
    """The user had what they came for, or accepted a refusal."""
    USER_GAVE_UP = "user_gave_up"
    """The user left without it."""
    ASSISTANT_LEFT = "assistant_left"
    """The assistant ended the conversation by itself."""
    TURN_LIMIT = "turn_limit"
    ERROR = "error"
    """Something of ours or of a server broke; `error` says what."""
    MODEL_ERROR = "model_error"
    """A language model in a seat gave no usable reply, after all retries; `error` says why."""


class CallRecord(Frozen):
    """What one tool call did."""

    call_id: str
    outcome: Literal["success", "error"]
    """`error` = the agent saw an error. Our own bugs end the rollout and have no record here."""
    changes: tuple[Change, ...] = ()
    """What this call changed in the state."""
    failure: Failure | None = Field(default=None, exclude_if=_is_none)
    """How a live server said that the call failed; None = it succeeded, or the error is ours."""


class UserCall(Frozen):
    """A call the user made with a tool of their own. No row shows it."""

    after: int
    """How many messages there were before it."""
    call: ToolCall
    content: str
    is_error: bool = False
    changes: tuple[Change, ...] = ()


class FactTurn(Frozen):
    """One user turn against the task's facts."""

    message: int
    """Index of the user's message."""
    told: tuple[str, ...]
    """Facts that this turn mentions."""
    withheld: tuple[str, ...]
    """Facts not yet told after this turn."""


class FactLedger(Identified):
    """Which facts the user told, turn by turn."""

    schema_version: Literal[1] = 1
    trajectory_id: str
    turns: tuple[FactTurn, ...]


class Trajectory(Identified):
    """A finished rollout, good or bad."""

    schema_version: Literal[1] = 1
    task_id: str
    scenario_id: str
    messages: tuple[Message, ...]
    calls: tuple[CallRecord, ...]
    """One per answered tool call of the assistant, in order."""
    user_calls: tuple[UserCall, ...] = ()
    """What the user did with tools of their own, in order."""
    start_state: str
    final_state: str
    """Hashes of the world's state."""
    net_changes: tuple[Change, ...]
    """What differs between start and end."""
    stop_reason: StopReason
    error: str | None = Field(default=None)
    """What broke; None unless `stop_reason` is one of the errors."""

    @cached_property
    def id(self) -> str:
        """Hash over what was said and done; which scenario led to it does not matter."""
        return content_id({k: v for k, v in self.plain.items() if k != "scenario_id"})
