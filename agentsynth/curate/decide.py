"""Keep or drop one trajectory, and find duplicates in the order of the run."""

from agentsynth.core.ids import digest
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.core.verdict import Decision, ReasonCode, Verdict

__all__ = ["Deduplicator", "conversation_key", "decide"]

REASON_ORDER: tuple[ReasonCode, ...] = (
    "invented_tool",
    "invalid_call",
    "ungrounded_argument",
    "wrong_record",
    "unconfirmed_write",
    "claimed_not_done",
    "did_not_ask",
    "wrong_answer",
    "policy_violation",
    "unexpected_change",
    "appeals_to_judge",
    "said_forbidden",
    "pattern_broken",
    "goal_not_reached",
    "checkpoint_missed",
    "answer_missing",
    "not_declined",
    "not_reported",
    "ungrounded_statement",
    "replay_mismatch",
    "not_finished",
    "wasteful_calls",
    "too_long",
    "undecided",
)
"""Where several criteria fail, the first of these is the cause and the rest are its effects: a
made-up argument also misses the target, a write on the wrong record was not read back either."""


def decide(trajectory: Trajectory, verdict: Verdict, *, least_score: float = 1.0) -> Decision:
    """Return whether the trajectory is kept on its own merits, duplicates aside."""
    if trajectory.stop_reason is StopReason.MODEL_ERROR:
        return _dropped(trajectory, "model_error", trajectory.error or "")
    if trajectory.stop_reason is StopReason.ERROR:
        return _dropped(trajectory, "rollout_error", trajectory.error or "")
    codes = {o.code: o.evidence for o in verdict.outcomes if o.outcome == "not_met" and o.code}
    for code in REASON_ORDER:
        if code in codes:
            return _dropped(trajectory, code, codes[code])
    undecided = [o.criterion for o in verdict.outcomes if o.outcome == "undecided"]
    if undecided and verdict.score == 0:  # a required criterion is among them
        return _dropped(trajectory, "undecided", _open_questions(verdict))
    if verdict.score < least_score:
        detail = f"score {verdict.score} is under {least_score}; undecided: {', '.join(undecided)}"
        return _dropped(trajectory, "low_score", detail)
    return Decision(trajectory_id=trajectory.id, kept=True, reason="kept")


def _open_questions(verdict: Verdict) -> str:
    shown = [(o.criterion, o.evidence) for o in verdict.outcomes if o.outcome == "undecided"]
    return "; ".join(f"{name}: {why}" for name, why in shown)


def _dropped(trajectory: Trajectory, reason: ReasonCode, detail: str) -> Decision:
    return Decision(trajectory_id=trajectory.id, kept=False, reason=reason, detail=detail)


def conversation_key(trajectory: Trajectory) -> str:
    """Return a key that is equal for conversations in which the same was said."""
    said = [
        message.content
        for message in trajectory.messages
        if isinstance(message, UserMessage | AssistantMessage)
    ]
    return digest("\x1e".join(said))


class Deduplicator:
    """Drops what came before, in the order it is asked: always that of the ordinals.

    Several samples of one task are wanted; the same task found twice, or the same words, are not.
    """

    def __init__(self) -> None:
        self._tasks: dict[int, int] = {}
        self._conversations: set[int] = set()

    def reason(self, ordinal: int, task_id: str, conversation: str) -> ReasonCode | None:
        """Return why this row is a duplicate; None = it is the first, and is remembered."""
        task, said = _short(task_id), _short(conversation)
        if self._tasks.get(task, ordinal) != ordinal:
            return "duplicate_task"
        if said in self._conversations:
            return "duplicate_conversation"
        self._tasks[task] = ordinal
        self._conversations.add(said)
        return None


def _short(digest_: str) -> int:
    """Return 64 bits of a hex digest: a set of numbers takes a third of the memory of texts."""
    return int(digest_.rpartition(":")[2][:16], 16)
