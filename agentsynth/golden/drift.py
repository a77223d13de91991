"""Does the same judge, asked the same today, still say what it said when it was recorded?"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen
from agentsynth.golden.asks import Ask, asks_of, ballot_of
from agentsynth.golden.cassette import CASSETTES, Answer, Cassettes
from agentsynth.golden.check import Options
from agentsynth.golden.gates import DriftGates
from agentsynth.golden.load import load_goldens
from agentsynth.golden.record import ask_all
from agentsynth.golden.report import EXITS, Status
from agentsynth.judge.panel import Ballot

__all__ = ["DriftReport", "QuestionDrift", "drift", "mcnemar"]


class QuestionDrift(Frozen):
    """One question then and now."""

    criterion: str
    asked: int
    flipped: int
    """Answers that are another choice."""
    to_met: int
    """Answers that were not the best choice and are."""
    from_met: int
    goldens: tuple[str, ...] = ()
    """Those whose answer flipped."""


class DriftReport(Frozen):
    """What changed at a judge nobody changed."""

    status: Status
    rule: str
    judge: str
    asked: int
    """Answers that were compared: readable then and now."""
    flips: float
    """Share of another choice."""
    p: float
    """McNemar's exact test of met against not met."""
    score: float
    """Mean score now less mean score then."""
    length: float
    """Mean characters of a reply now over then."""
    unreadable_then: float
    unreadable_now: float
    """Share of the replies that no answer can be read from, refusals among them."""
    live_calls: int
    undone: int
    errors: tuple[str, ...] = ()
    questions: tuple[QuestionDrift, ...] = ()

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this."""
        return EXITS[self.status]

    def lines(self) -> list[str]:
        """Return the report for people."""
        found = [
            f"{one.criterion}: {one.flipped} of {one.asked} answers flipped "
            f"({one.to_met} to met, {one.from_met} from met): {', '.join(one.goldens)}"
            for one in self.questions
            if one.flipped
        ]
        found += [f"error: {line}" for line in self.errors]
        found.append(
            f"{self.judge}: {self.asked} answers compared; {self.flips:.1%} flipped, McNemar p = "
            f"{self.p:.3g}, score {self.score:+.3f}, length ×{self.length:.2f}, unreadable "
            f"{self.unreadable_then:.1%} then and {self.unreadable_now:.1%} now"
        )
        return [*found, f"{self.status.upper()}: {self.rule}"]


@dataclass(frozen=True)
class _Pair:
    ask: Ask
    then: Ballot
    now: Ballot
    lengths: tuple[int, int]


async def drift(folder: Path, options: Options) -> DriftReport:
    """Ask a folder's judge everything that is on record again, and compare. Nothing is kept.

    Raises:
        UserError: if there is no judge, or nothing of it is on record.
    """
    deadline = None
    if options.timeout is not None:
        deadline = asyncio.get_running_loop().time() + options.timeout
    goldens = load_goldens(folder, domain=options.domain)
    judge = goldens.config.judge
    if judge is None:
        raise UserError(f"{folder}: gates.yaml names no judge, so none can drift")
    own = Cassettes.read(folder / CASSETTES)
    asks = list({a.key: a for a in asks_of(goldens, judge)}.values())
    held = {a.key: answer for a in asks if (answer := own.get(a.header, a.key)) is not None}
    if not held:
        raise UserError(f"{folder}: nothing of this judge is on record; `agentsynth golden record`")
    caches = [] if options.cache is None else [Cassettes.read(options.cache)]
    asked = await ask_all(
        [ask for ask in asks if ask.key in held],
        options.open_model,
        today=options.today,
        keep=caches,
        most_calls=options.max_live_calls,
        deadline=deadline,
        secrets=options.secrets,
    )
    for cache in caches:
        cache.write()
    pairs = [
        await _pair(ask, held[ask.key], asked.answers[ask.key])
        for ask in asks
        if ask.key in asked.answers
    ]
    report = _measured(pairs, " + ".join(m.model for m in judge.models))
    status, rule = _status(report, goldens.config.drift, len(asked.errors), len(asked.undone))
    return report.model_copy(
        update={
            "status": status,
            "rule": rule,
            "live_calls": asked.calls,
            "undone": len(asked.undone),
            "errors": tuple(asked.errors),
        }
    )


async def _pair(ask: Ask, then: Answer, now: Answer) -> _Pair:
    was, is_ = await ballot_of(ask, then), await ballot_of(ask, now)
    assert was is not None  # there is an answer
    assert is_ is not None
    return _Pair(ask, was, is_, (len(then.texts[-1]), len(now.texts[-1])))


def _measured(pairs: Sequence[_Pair], judge: str) -> DriftReport:
    read = [p for p in pairs if p.then.failed is None and p.now.failed is None]
    flipped = [p for p in read if p.then.choice != p.now.choice]
    questions = [_question(name, read) for name in sorted({p.ask.criterion.name for p in read})]
    scored = [(_score(p.ask, p.then), _score(p.ask, p.now)) for p in read]
    both = [(was, is_) for was, is_ in scored if was is not None and is_ is not None]
    shift = sum(is_ - was for was, is_ in both) / len(both) if both else 0.0
    then, now = (sum(p.lengths[n] for p in pairs) for n in (0, 1))
    every = len(pairs) or 1
    return DriftReport(
        status="passed",
        rule="",
        judge=judge,
        asked=len(read),
        flips=round(len(flipped) / len(read), 6) if read else 0.0,
        p=mcnemar(sum(q.to_met for q in questions), sum(q.from_met for q in questions)),
        score=round(shift, 6),
        length=round(now / then, 6) if then else 1.0,
        unreadable_then=round(sum(p.then.failed is not None for p in pairs) / every, 6),
        unreadable_now=round(sum(p.now.failed is not None for p in pairs) / every, 6),
        live_calls=0,
        undone=0,
        questions=tuple(questions),
    )


def _question(name: str, read: Sequence[_Pair]) -> QuestionDrift:
    mine = [p for p in read if p.ask.criterion.name == name]
    flipped = [p for p in mine if p.then.choice != p.now.choice]
    met = [(_met(p.ask, p.then), _met(p.ask, p.now)) for p in flipped]
    return QuestionDrift(
        criterion=name,
        asked=len(mine),
        flipped=len(flipped),
        to_met=sum(not was and is_ for was, is_ in met),
        from_met=sum(was and not is_ for was, is_ in met),
        goldens=tuple(dict.fromkeys(p.ask.golden for p in flipped)),
    )


def _met(ask: Ask, ballot: Ballot) -> bool:
    return ballot.choice is None or ballot.choice == len(ask.criterion.choices) - 1


def _score(ask: Ask, ballot: Ballot) -> float | None:
    return None if ballot.choice is None else ballot.choice / (len(ask.criterion.choices) - 1)


def mcnemar(one: int, other: int) -> float:
    """Return the two-sided p of McNemar's exact test: are both ways of changing as likely?

    McNemar, Psychometrika 12 (1947); exact by the binomial distribution at one half.

    Args:
        one: pairs that changed one way.
        other: pairs that changed the other way.
    """
    count = one + other
    tail = sum(comb(count, n) for n in range(min(one, other) + 1))
    return round(min(1.0, 2 * tail / 2**count), 9)


def _status(found: DriftReport, bounds: DriftGates, errors: int, undone: int) -> tuple[Status, str]:
    if errors:
        return "backend_error", f"{errors} questions got no answer from the judge's back end"
    past: list[str] = []
    if found.flips > bounds.flips:
        past.append(f"{found.flips:.1%} flipped, at most {bounds.flips:.1%} may")
    if found.p < bounds.p:
        past.append(f"McNemar p {found.p:.3g} is under {bounds.p:g}")
    if bounds.score is not None and abs(found.score) > bounds.score:
        past.append(f"the score moved by {found.score:+.3f}, at most {bounds.score:g} may")
    rise = found.unreadable_now - found.unreadable_then
    if bounds.unreadable is not None and rise > bounds.unreadable:
        past.append(f"unreadable answers rose by {rise:.1%}, at most {bounds.unreadable:.1%} may")
    if past:
        return "failed", "; ".join(past)
    if undone or not found.asked:
        return "inconclusive", f"{undone} answers were not asked for; {found.asked} were compared"
    return "passed", "within the bounds of 'drift' in gates.yaml"
