"""Say who failed, so that a broken tool or a bad user is not held against the agent."""

from typing import Literal

from agentsynth.core.messages import AssistantMessage, SystemMessage, UserMessage
from agentsynth.core.trajectory import FactLedger, StopReason, Trajectory
from agentsynth.core.verdict import Attribution, Decision, Verdict

__all__ = ["attribute"]

_TOOLS_FAULT = ("rollout_error", "replay_mismatch")
_ENDPOINTS_FAULT = ("model_error", "judge_error")


def attribute(
    trajectory: Trajectory, verdict: Verdict, ledger: FactLedger, decision: Decision
) -> Attribution:
    """Return whose failure a drop is.

    The tool's, when the rollout died or did not replay; the endpoint's, when a model gave no
    reply; the user's, when the user left a question about something it knew without an answer;
    nobody's, where no check could decide; the agent's otherwise. Words to a grader are the failure
    of whoever said them.
    """
    if decision.kept:
        return Attribution(trajectory_id=trajectory.id, party="nobody", evidence="it is kept")
    if decision.reason == "undecided":
        return Attribution(trajectory_id=trajectory.id, party="nobody", evidence=decision.detail)
    if decision.reason in _ENDPOINTS_FAULT:
        return Attribution(trajectory_id=trajectory.id, party="endpoint", evidence=decision.detail)
    if decision.reason in _TOOLS_FAULT:
        return Attribution(trajectory_id=trajectory.id, party="tool", evidence=decision.detail)
    question = _unanswered_question(trajectory, ledger)
    if question is not None:
        return Attribution(
            trajectory_id=trajectory.id,
            party="user",
            evidence="the user left while asked for something it knew",
            messages=(question,),
        )
    shown = next((o.messages for o in verdict.outcomes if o.code == decision.reason), ())
    said = decision.reason == "appeals_to_judge"
    party = _speaker(trajectory, shown) if said else "agent"
    return Attribution(
        trajectory_id=trajectory.id, party=party, evidence=decision.detail, messages=shown
    )


def _speaker(trajectory: Trajectory, messages: tuple[int, ...]) -> Literal["agent", "user", "tool"]:
    """Return who said one of these: the agent, where it did, for it may repeat the others."""
    said = [trajectory.messages[index] for index in messages]
    if not said or any(isinstance(m, AssistantMessage | SystemMessage) for m in said):
        return "agent"
    return "user" if any(isinstance(m, UserMessage) for m in said) else "tool"


def _unanswered_question(trajectory: Trajectory, ledger: FactLedger) -> int | None:
    """Return the index of a last question left open by a user who still withheld facts."""
    left = trajectory.stop_reason in (StopReason.USER_DONE, StopReason.USER_GAVE_UP)
    last = len(trajectory.messages) - 1
    message = trajectory.messages[last]
    withheld = ledger.turns[-1].withheld if ledger.turns else ()
    if left and withheld and isinstance(message, AssistantMessage) and "?" in message.content:
        return last
    return None
