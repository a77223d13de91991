"""Run checks by name."""

from collections.abc import Callable

from agentsynth.checks.answers import answers_given
from agentsynth.checks.calls import calls_valid, replay_agrees
from agentsynth.checks.conduct import (
    asked_first,
    claims_true,
    declined,
    ended_well,
    policy_kept,
    reported,
)
from agentsynth.checks.confirmation import writes_confirmed
from agentsynth.checks.evidence import Evidence, Finding
from agentsynth.checks.grounded import arguments_grounded, statements_grounded
from agentsynth.checks.target import target_state
from agentsynth.core.rubric import CheckName

__all__ = ["CHECKS"]

CHECKS: dict[CheckName, Callable[[Evidence], Finding]] = {
    "calls_valid": calls_valid,
    "arguments_grounded": arguments_grounded,
    "target_state": target_state,
    "writes_confirmed": writes_confirmed,
    "policy_kept": policy_kept,
    "asked_first": asked_first,
    "claims_true": claims_true,
    "reported": reported,
    "declined": declined,
    "answers_given": answers_given,
    "statements_grounded": statements_grounded,
    "ended_well": ended_well,
    "replay_agrees": replay_agrees,
}
"""Every check, by the name rubrics use."""
