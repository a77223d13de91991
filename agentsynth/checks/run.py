"""Run checks: by name, or with the parameters a rubric gives."""

from collections.abc import Callable

from agentsynth.checks.answers import answers_given
from agentsynth.checks.appeals import no_appeals
from agentsynth.checks.calls import calls_valid, replay_agrees, tools_offered
from agentsynth.checks.checkpoints import checkpoints_reached
from agentsynth.checks.conduct import (
    asked_first,
    claims_true,
    declined,
    ended_well,
    policy_kept,
    reported,
)
from agentsynth.checks.confirmation import writes_confirmed
from agentsynth.checks.deeds import deeds_backed
from agentsynth.checks.evidence import Evidence, Finding
from agentsynth.checks.grounded import arguments_grounded, statements_grounded
from agentsynth.checks.limits import within_limits
from agentsynth.checks.patterns import pattern_kept
from agentsynth.checks.sayings import not_said, said
from agentsynth.checks.target import target_state
from agentsynth.core.criteria import (
    CheckpointCheck,
    LimitCheck,
    NotSaidCheck,
    PatternCheck,
    SaidCheck,
)
from agentsynth.core.rubric import Check, CheckName

__all__ = ["CHECKS", "find"]

CHECKS: dict[CheckName, Callable[[Evidence], Finding]] = {
    "tools_offered": tools_offered,
    "calls_valid": calls_valid,
    "arguments_grounded": arguments_grounded,
    "target_state": target_state,
    "writes_confirmed": writes_confirmed,
    "policy_kept": policy_kept,
    "asked_first": asked_first,
    "claims_true": claims_true,
    "reported": reported,
    "deeds_backed": deeds_backed,
    "declined": declined,
    "answers_given": answers_given,
    "statements_grounded": statements_grounded,
    "no_appeals": no_appeals,
    "ended_well": ended_well,
    "replay_agrees": replay_agrees,
}
"""Every check without parameters, by the name rubrics use."""


def find(evidence: Evidence, check: Check) -> Finding:
    """Return what a check finds."""
    match check:
        case str():
            return CHECKS[check](evidence)
        case PatternCheck(pattern=pattern):
            return pattern_kept(evidence, pattern)
        case CheckpointCheck():
            return checkpoints_reached(evidence, check)
        case LimitCheck(limit=limit):
            return within_limits(evidence, limit)
        case SaidCheck(said=saying):
            return said(evidence, saying)
        case NotSaidCheck(not_said=saying):
            return not_said(evidence, saying)
