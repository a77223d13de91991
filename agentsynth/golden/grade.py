"""What comes of one golden: the checks of today over the world of today, and the answers."""

from collections.abc import Mapping, Sequence

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.core.errors import DomainError, ServerError, ToolError
from agentsynth.core.labels import Truth
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.verdict import CriterionOutcome, Decision, Verdict
from agentsynth.curate.decide import decide
from agentsynth.golden.golden import Golden, Played
from agentsynth.golden.load import Held
from agentsynth.golden.report import By, GoldenResult, Item
from agentsynth.judge.panel import Ballot, Opinion, opinion_of
from agentsynth.judge.trust import Calibration, outcome_of
from agentsynth.judge.verdict import judge, score
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["checked", "graded", "opinions_of"]

Broken = str
"""Why a golden cannot be played again."""


async def checked(held: Held, runtime: DomainRuntime) -> dict[str, Verdict] | Broken:
    """Return what the checks say of a golden of our own, by rubric; or why they cannot be run."""
    played = held.golden.played
    assert played is not None  # the caller looked
    reason = _unfit(played, runtime)
    if reason is not None:
        return reason
    task = played.task
    runtime = runtime.speaking(task.language)
    try:
        again = await replay(task, played.trajectory, runtime, frozenset(played.tools))
        evidence = Evidence(task, played.trajectory, runtime, load_voice(task.language), again)
        return {name: judge(evidence, rubric) for name, rubric in held.rubrics}
    except (DomainError, ServerError, ToolError) as error:
        return f"the world broke: {error}"


def _unfit(played: Played, runtime: DomainRuntime) -> str | None:
    """Return what today's domain lacks for the checks to be run at all."""
    gone = [name for name in played.task.intents if name not in runtime.playbook.intents]
    if gone:
        return f"the domain has no intent {gone[0]!r} any more"
    if played.task.language not in runtime.languages:
        return f"the domain does not speak {played.task.language!r} any more"
    return None


def opinions_of(
    questions: Sequence[Criterion], ballots: Mapping[str, Sequence[Ballot]], quorum: float
) -> dict[str, Opinion]:
    """Return what the answers come to; a question too few of whose answers can be read has none."""
    found: dict[str, Opinion] = {}
    for question in questions:
        given = ballots.get(question.name, ())
        read = sum(ballot.failed is None for ballot in given)
        if read > quorum * len(given):
            found[question.name] = opinion_of(question, given)
    return found


def graded(
    held: Held,
    verdicts: Mapping[str, Verdict] | Broken,
    ballots: Mapping[str, Sequence[Ballot]],
    *,
    quorum: float,
    calibration: Calibration | None,
    keep_score: float,
    group: str,
    unasked: str,
) -> GoldenResult:
    """Return what came of a golden.

    Args:
        verdicts: of the checks, by rubric; empty for a conversation from elsewhere.
        ballots: by criterion.
        quorum: more than this share of the ballots on a question must be readable.
        group: id of the golden it goes back to.
        unasked: why questions without an answer have none.
    """
    opinions = opinions_of(held.asked, ballots, quorum)
    trusted = {} if calibration is None else calibration.criteria
    answered = {
        question.name: outcome_of(question, opinions[question.name], trusted.get(question.name))
        for question in held.asked
        if question.name in opinions
    }
    broken = verdicts if isinstance(verdicts, str) else None
    decided: Mapping[str, Verdict] = {} if isinstance(verdicts, str) else verdicts
    outcomes: dict[str, CriterionOutcome] = {}
    for name, rubric in held.rubrics:
        for outcome in _outcomes(rubric, decided.get(name), answered, ballots, unasked):
            outcomes.setdefault(outcome.criterion, outcome)
    golden = held.golden
    accepted, by, reason = _accepted(held, decided, outcomes, keep_score)
    if broken is not None:
        accepted, by, reason = None, "nothing", broken
    return GoldenResult(
        golden=golden.id,
        domain=golden.domain,
        accept=golden.accept,
        accepted=accepted,
        by=by,
        reason=reason,
        must_pass=golden.must_pass,
        items=tuple(
            _item(golden, c, outcomes[c.name], opinions.get(c.name), ballots.get(c.name, ()))
            for c in held.criteria
        ),
        broken=broken,
        group=group,
        flips=golden.flips,
        tags=golden.tags,
    )


def _outcomes(
    rubric: Rubric,
    verdict: Verdict | None,
    answered: Mapping[str, CriterionOutcome],
    ballots: Mapping[str, Sequence[Ballot]],
    unasked: str,
) -> list[CriterionOutcome]:
    decided = {} if verdict is None else {o.criterion: o for o in verdict.outcomes}
    found: list[CriterionOutcome] = []
    for criterion in rubric.criteria:
        name = criterion.name
        if criterion.question is None:
            none = CriterionOutcome(criterion=name, outcome="unanswered", evidence="not played")
            found.append(decided.get(name, none))
            continue
        failed = next((b.failed for b in ballots.get(name, ()) if b.failed), None)
        why = unasked if failed is None else failed
        none = CriterionOutcome(criterion=name, outcome="unanswered", evidence=why)
        found.append(answered.get(name, none))
    return found


def _accepted(
    held: Held,
    decided: Mapping[str, Verdict],
    outcomes: Mapping[str, CriterionOutcome],
    keep_score: float,
) -> tuple[bool | None, By, str]:
    """Return whether every rubric keeps it, who decided, and the first reason against it.

    Checks decide first and must keep all of it, as in a run; answers may only take away.
    """
    played = held.golden.played
    used = False
    reasons: list[str] = []
    for name, rubric in held.rubrics:
        mine = [outcomes[c.name] for c in rubric.criteria]
        questions = [
            o for c, o in zip(rubric.criteria, mine, strict=True)
            if c.question is not None and o.outcome != "unanswered"
        ]  # fmt: skip
        used = used or bool(questions)
        verdict = decided.get(name)
        if played is not None and verdict is not None and _has_checks(rubric):
            decision = decide(played.trajectory, verdict)
            if not decision.kept:
                reasons.append(_told(decision))
                continue
        if not questions:
            continue
        total = score(rubric.criteria, mine)
        applies = any(o.outcome not in ("not_applicable", "unanswered") for o in mine)
        if applies and total < keep_score:
            low = next((o for o in questions if o.outcome == "not_met"), None)
            why = "" if low is None else f"; {low.criterion}: {low.evidence}"
            reasons.append(f"low_score: {total} is under {keep_score}{why}")
    checks = played is not None and any(_has_checks(rubric) for _, rubric in held.rubrics)
    if not checks and not used:
        return None, "nothing", "no check applies and no question was answered"
    by: By = "checks and questions" if checks and used else "checks" if checks else "questions"
    return not reasons, by, reasons[0] if reasons else ""


def _has_checks(rubric: Rubric) -> bool:
    return any(criterion.check is not None for criterion in rubric.criteria)


def _told(decision: Decision) -> str:
    return f"{decision.reason}: {decision.detail}" if decision.detail else decision.reason


def _item(
    golden: Golden,
    criterion: Criterion,
    outcome: CriterionOutcome,
    opinion: Opinion | None,
    ballots: Sequence[Ballot],
) -> Item:
    label = golden.labels.get(criterion.name)
    truth = None if label is None else label.truth
    read = [ballot for ballot in ballots if ballot.failed is None]
    graded_ = _score(outcome) if opinion is None else opinion.score
    top = len(criterion.choices) - 1
    said = [b.choice is not None and b.choice < top for b in read]
    return Item(
        criterion=criterion.name,
        kind="check" if criterion.question is None else "question",
        outcome=outcome.outcome,
        code=outcome.code,
        evidence=" ".join(outcome.evidence.split())[:400],
        truth=truth,
        agrees=_agrees(truth, outcome),
        score=None if outcome.outcome in ("unanswered", "undecided") else graded_,
        ballots=len(read),
        agreeing=0 if truth is None else sum(defect == (truth == "not_met") for defect in said),
        unreadable=len(ballots) - len(read),
        note="" if label is None else label.note,
    )


def _agrees(truth: Truth | None, outcome: CriterionOutcome) -> bool | None:
    if truth is None or outcome.outcome in ("unanswered", "undecided"):
        return None
    return (truth == "not_met") == (outcome.outcome == "not_met")


def _score(outcome: CriterionOutcome) -> float | None:
    if outcome.outcome == "met":
        return 1.0
    return (outcome.credit or 0.0) if outcome.outcome == "not_met" else None
