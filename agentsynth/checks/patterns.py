"""Patterns of tool use: order, counts, alternatives, what must never be called."""

from collections.abc import Callable, Sequence

from agentsynth.checks.calling import meant, not_offered
from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed, undecided
from agentsynth.core.criteria import (
    AllOf,
    AnyOf,
    Before,
    Called,
    Count,
    Never,
    Order,
    Pattern,
    PatternCheck,
    called_in,
)
from agentsynth.core.messages import ToolCall

__all__ = ["pattern_kept"]

_Calls = Sequence[tuple[int, ToolCall]]


def pattern_kept(evidence: Evidence, pattern: Pattern) -> Finding:
    """Return whether the calls keep the pattern.

    It is not applicable where it speaks of a tool that is not offered or of a fact the task does
    not have, and undecided where it hangs on a call whose outcome is not on record.
    """
    if isinstance(pattern, AnyOf):
        return _any_of([pattern_kept(evidence, one) for one in pattern.any_of])
    if isinstance(pattern, AllOf):
        return _all_of([pattern_kept(evidence, one) for one in pattern.all_of])
    if any(not_offered(evidence, called) for called in called_in(PatternCheck(pattern=pattern))):
        return NOT_APPLICABLE
    calls = [(index, call) for index, call, _ in evidence.calls]
    match pattern:
        case Before():
            return _before(evidence, pattern, calls)
        case Order():
            return _order(evidence, pattern, calls)
        case Count():
            return _count(evidence, pattern, calls)
        case Never():
            return _never(evidence, pattern, calls)


def _reached(
    evidence: Evidence,
    steps: Sequence[Called],
    calls: _Calls,
    accept: Callable[[bool | None], bool],
) -> int:
    """Return how many of the steps were made in order, each in a later message than the last."""
    reached, last = 0, -1
    for index, call in calls:
        if reached == len(steps):
            break
        if index > last and accept(meant(evidence, steps[reached], call, wanted=True)):
            reached, last = reached + 1, index
    return reached


def _surely(value: bool | None) -> bool:
    return value is True


def _perhaps(value: bool | None) -> bool:
    return value is not False


def _before(evidence: Evidence, pattern: Before, calls: _Calls) -> Finding:
    *earlier, last = pattern.before
    unsure: Finding | None = None
    applies = False
    for index, call in calls:
        is_last = meant(evidence, last, call, wanted=False)
        if is_last is False:
            continue
        applies = True
        so_far = [(place, other) for place, other in calls if place < index]
        reached = _reached(evidence, earlier, so_far, _surely)
        if reached == len(earlier):
            continue
        missing = f"{call.name} was called before a successful {earlier[reached].tool}"
        if is_last is None or _reached(evidence, earlier, so_far, _perhaps) == len(earlier):
            unsure = unsure or undecided(f"{missing}, or nobody knows", index)
            continue
        return failed("pattern_broken", missing, index)
    if unsure is not None:
        return unsure
    return MET if applies else NOT_APPLICABLE


def _order(evidence: Evidence, pattern: Order, calls: _Calls) -> Finding:
    steps = pattern.order
    reached = _reached(evidence, steps, calls, _surely)
    if reached == len(steps):
        return MET
    done = ", ".join(step.tool for step in steps[:reached]) or "the start"
    missing = f"after {done} no {steps[reached].tool} followed"
    if _reached(evidence, steps, calls, _perhaps) == len(steps):
        return undecided(f"{missing} that is known to have succeeded")
    return failed("pattern_broken", missing)


def _until(evidence: Evidence, first: Called | None, calls: _Calls) -> _Calls | None:
    """Return the calls in messages before the first of these; None = there is none of these."""
    if first is None:
        return calls
    for index, call in calls:
        if meant(evidence, first, call, wanted=False):
            return [(place, other) for place, other in calls if place < index]
    return None


def _count(evidence: Evidence, pattern: Count, calls: _Calls) -> Finding:
    scope = _until(evidence, pattern.before_first, calls)
    if scope is None:
        return NOT_APPLICABLE
    least = pattern.at_least if pattern.exactly is None else pattern.exactly
    most = pattern.at_most if pattern.exactly is None else pattern.exactly
    findings: list[Finding] = []
    if least is not None:
        findings.append(_bounded(evidence, pattern.count, scope, least, None, wanted=True))
    if most is not None:
        wanted = bool(pattern.exactly)
        findings.append(_bounded(evidence, pattern.count, scope, 0, most, wanted=wanted))
    return _all_of(findings)


def _bounded(
    evidence: Evidence, called: Called, calls: _Calls, least: int, most: int | None, *, wanted: bool
) -> Finding:
    found = [(index, meant(evidence, called, call, wanted=wanted)) for index, call in calls]
    sure = [index for index, is_one in found if is_one is True]
    possible = [index for index, is_one in found if is_one is not False]
    counted = f"{called.tool} was called {len(sure)} times"
    if most is not None and len(sure) > most:
        return failed("pattern_broken", f"{counted}, at most {most} are allowed", sure[most])
    if len(possible) < least:
        return failed("pattern_broken", f"{counted}, at least {least} are needed", *sure)
    if len(sure) < least or (most is not None and len(possible) > most):
        return undecided(f"{counted}, and {len(possible) - len(sure)} more perhaps", *possible)
    return MET


def _never(evidence: Evidence, pattern: Never, calls: _Calls) -> Finding:
    scope = _until(evidence, pattern.before_first, calls)
    if scope is None:
        return NOT_APPLICABLE
    return _bounded(evidence, pattern.never, scope, 0, 0, wanted=False)


def _any_of(findings: Sequence[Finding]) -> Finding:
    applying = [found for found in findings if found.outcome != "not_applicable"]
    if not applying:
        return NOT_APPLICABLE
    for outcome in ("met", "undecided"):
        for found in applying:
            if found.outcome == outcome:
                return found
    shown = "; ".join(found.evidence for found in applying)
    places = sorted({index for found in applying for index in found.messages})
    return failed("pattern_broken", f"no alternative holds: {shown}", *places)


def _all_of(findings: Sequence[Finding]) -> Finding:
    for outcome in ("not_met", "undecided", "met"):
        for found in findings:
            if found.outcome == outcome:
                return found
    return NOT_APPLICABLE
