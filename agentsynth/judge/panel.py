"""A panel: several judges, several samples, both orders. Ballots are kept, disagreement is told.

A ballot that could not be read or never came is on record as failed and counts for nothing. Where
too few are left there is no opinion, and so no outcome.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from agentsynth.core.chat import ModelError
from agentsynth.core.frozen import Frozen
from agentsynth.core.rubric import Criterion
from agentsynth.core.transcript import Transcript
from agentsynth.judge.questions import ModelJudge
from agentsynth.judge.reading import Answered

__all__ = ["Ballot", "Member", "Opinion", "Order", "Panel", "ballot_of", "opinion_of"]

Order = Literal["given", "reversed"]
"""How questions and choices were listed: worst first, or the other way round."""


class Ballot(Frozen):
    """One answer of one judge to one question."""

    judge: str
    """The model's name and the id of its settings and prompts."""
    sample: int = 0
    order: Order = "given"
    choice: int | None = None
    """Index into the choices, 0 = the worst; None = the question does not apply, or `failed`."""
    reason: str = ""
    messages: tuple[int, ...] = ()
    each: tuple[tuple[int, int | None], ...] = Field(default=(), exclude_if=lambda e: e == ())
    """For a question put to several messages: message to choice."""
    failed: str | None = Field(default=None, exclude_if=lambda f: f is None)
    """Why there is no answer; None = there is one."""


class Opinion(Frozen):
    """What a panel says to one question."""

    criterion: str
    applies: bool
    score: float | None = Field(ge=0, le=1)
    """Mean place among the choices, 0 = the worst, 1 = the best; None = it does not apply."""
    best: float | None = Field(ge=0, le=1)
    """Share of the ballots for the best choice, of those that say it applies."""
    disagreement: float = Field(ge=0, lt=1)
    """Share of the ballots that say something else than most do."""
    flipped: bool = False
    """Whether a judge said one thing with the choices in their order and another in reverse."""
    ballots: tuple[Ballot, ...]

    @property
    def spoken(self) -> Ballot:
        """The ballot that stands for the others: the first of those that most agree with."""
        counted = [ballot for ballot in self.ballots if ballot.failed is None]
        most = Counter(ballot.choice for ballot in counted).most_common(1)[0][0]
        return next(ballot for ballot in counted if ballot.choice == most)


@dataclass(frozen=True)
class Member:
    """A judge of a panel."""

    name: str
    """As its ballots name it."""
    open: Callable[[int, Order], ModelJudge]
    """Gives the judge for a sample and an order; each has a seed of its own."""
    samples: int = 1
    orders: tuple[Order, ...] = ("given",)


@dataclass(frozen=True)
class Panel:
    """Judges who are asked the same. One judge, once, is a panel too."""

    members: Sequence[Member]
    one_each: bool = False
    """True = a prompt for every question; False = all of them in one."""
    quorum: float = 0.5
    """A question has an opinion where more than this share of the ballots could be read."""

    async def ask(
        self, transcript: Transcript, questions: Sequence[Criterion]
    ) -> dict[str, Opinion]:
        """Return the opinion on every question that has one, by the criterion's name.

        Raises:
            ModelError: what ends a run; or the first failure, if a question has no quorum.
        """
        ballots: dict[str, list[Ballot]] = {question.name: [] for question in questions}
        failures: list[ModelError] = []
        asked = [[question] for question in questions] if self.one_each else [list(questions)]
        for member in self.members:
            for sample in range(member.samples):
                for order in member.orders:
                    judge = member.open(sample, order)
                    for some in asked:
                        cast = await _cast(judge, member.name, sample, order, transcript, some)
                        failures += [cast] if isinstance(cast, ModelError) else []
                        _count(ballots, some, cast, member.name, sample, order)
        for question in questions:
            given = ballots[question.name]
            if sum(b.failed is None for b in given) <= self.quorum * len(given) and failures:
                raise failures[0]
        return {q.name: opinion_of(q, ballots[q.name]) for q in questions}


async def _cast(
    judge: ModelJudge,
    name: str,
    sample: int,
    order: Order,
    transcript: Transcript,
    questions: Sequence[Criterion],
) -> Mapping[str, Ballot] | ModelError:
    try:
        answers = await judge.answer(transcript, questions)
    except ModelError as error:
        if error.ends_run:
            raise
        return error
    return {
        question.name: ballot_of(answers[question.name], name, sample, order)
        for question in questions
    }


def ballot_of(answer: Answered, name: str, sample: int = 0, order: Order = "given") -> Ballot:
    """Return what a judge answered, as a ballot."""
    return Ballot(
        judge=name,
        sample=sample,
        order=order,
        choice=answer.choice,
        reason=answer.reason,
        messages=answer.messages,
        each=answer.each,
    )


def _count(
    ballots: dict[str, list[Ballot]],
    questions: Sequence[Criterion],
    cast: Mapping[str, Ballot] | ModelError,
    name: str,
    sample: int,
    order: Order,
) -> None:
    for question in questions:
        if isinstance(cast, ModelError):
            why = f"{cast.fault}: {cast}"
            ballot = Ballot(judge=name, sample=sample, order=order, failed=why)
        else:
            ballot = cast[question.name]
        ballots[question.name].append(ballot)


def opinion_of(question: Criterion, ballots: Sequence[Ballot]) -> Opinion:
    """Return what these ballots come to; at least one of them must have been read."""
    counted = [ballot for ballot in ballots if ballot.failed is None]
    choices = [ballot.choice for ballot in counted if ballot.choice is not None]
    applies = 2 * len(choices) >= len(counted)
    top = len(question.choices) - 1
    most = Counter(ballot.choice for ballot in counted).most_common(1)[0][1]
    return Opinion(
        criterion=question.name,
        applies=applies,
        score=round(sum(choices) / len(choices) / top, 6) if applies else None,
        best=round(sum(c == top for c in choices) / len(choices), 6) if applies else None,
        disagreement=round(1 - most / len(counted), 6),
        flipped=_flipped(counted),
        ballots=tuple(ballots),
    )


def _flipped(ballots: Sequence[Ballot]) -> bool:
    """Whether the same judge and sample said another thing when the order was reversed."""
    said: dict[tuple[str, int], set[int | None]] = {}
    for ballot in ballots:
        said.setdefault((ballot.judge, ballot.sample), set()).add(ballot.choice)
    return any(len(choices) > 1 for choices in said.values())
