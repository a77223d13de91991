"""A panel's ballots: none that failed counts, too few are no opinion, disagreement is told."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.rubric import Criterion
from agentsynth.core.transcript import Transcript
from agentsynth.judge.panel import Ballot, Member, Order, Panel, opinion_of
from agentsynth.judge.questions import ModelJudge
from agentsynth.pipeline.asking import Asking
from agentsynth.testing.models import LinesModel

TONE = Criterion(name="tone", question="Is it kind?", choices=("no", "mostly", "yes"))
CLEAR = Criterion(name="clear", question="Is it clear?", choices=("no", "yes"))
TALK = Transcript(messages=(UserMessage(content="Hello."), AssistantMessage(content="Hello!")))


def said(**choices: str) -> str:
    return json.dumps(
        {n: {"reason": "So.", "messages": [1], "choice": c} for n, c in choices.items()}
    )


def member(name: str, replies: Sequence[Any], models: list[LinesModel], **more: Any) -> Member:
    """A judge that answers one line after the other, whatever the sample and order."""
    model = LinesModel(replies)
    models.append(model)

    def opened(_sample: int, order: Order) -> ModelJudge:
        caller = Caller(model, "judge", "t", 0)
        return ModelJudge(caller, as_json=True, reverse=order == "reversed")

    return Member(name, opened, **more)


def ballots(*choices: int | None) -> list[Ballot]:
    return [Ballot(judge="m", sample=n, choice=one) for n, one in enumerate(choices)]


FAILED = Ballot(judge="m", sample=99, failed="timeout: no reply")


async def test_every_ballot_is_on_record_by_judge_sample_and_order() -> None:
    models: list[LinesModel] = []
    replies = [said(tone="yes")] * 4
    panel = Panel(
        [
            member("a", replies, models, samples=2, orders=("given", "reversed")),
            member("b", replies, models, samples=2, orders=("given", "reversed")),
        ]
    )
    opinion = (await panel.ask(TALK, [TONE]))["tone"]
    assert [(b.judge, b.sample, b.order) for b in opinion.ballots] == [
        (name, sample, order) for name in "ab" for sample in (0, 1) for order in ("given", "reversed")
    ]  # fmt: skip
    assert (opinion.score, opinion.best, opinion.disagreement) == (1.0, 1.0, 0.0)
    assert not opinion.flipped


async def test_the_reversed_order_lists_the_best_first_and_changes_no_choice() -> None:
    models: list[LinesModel] = []
    panel = Panel([member("a", [said(tone="no")] * 2, models, orders=("given", "reversed"))])
    opinion = (await panel.ask(TALK, [TONE]))["tone"]
    prompts = [request.messages[0].content for _, request in models[0].history]
    assert "(no | mostly | yes)" in prompts[0]
    assert "(yes | mostly | no)" in prompts[1]
    assert [ballot.choice for ballot in opinion.ballots] == [0, 0]


async def test_a_judge_that_follows_the_order_is_told_apart_from_two_that_disagree() -> None:
    models: list[LinesModel] = []
    turned = member("a", [said(tone="yes"), said(tone="no")], models, orders=("given", "reversed"))
    assert (await Panel([turned]).ask(TALK, [TONE]))["tone"].flipped
    one, other = member("a", [said(tone="yes")], models), member("b", [said(tone="no")], models)
    opinion = (await Panel([one, other]).ask(TALK, [TONE]))["tone"]
    assert not opinion.flipped
    assert opinion.disagreement == 0.5


async def test_a_ballot_that_failed_is_kept_and_counts_for_nothing() -> None:
    models: list[LinesModel] = []
    panel = Panel(
        [
            member("a", [said(tone="no")], models),
            member("b", [ModelError("timeout", "no reply")], models),
            member("c", [said(tone="no")], models),
        ]
    )
    opinion = (await panel.ask(TALK, [TONE]))["tone"]
    assert [ballot.failed for ballot in opinion.ballots] == [None, "timeout: no reply", None]
    assert (opinion.score, opinion.best, opinion.disagreement) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("quorum", "readable", "stands"),
    [(0.5, 2, True), (0.5, 1, False), (0.0, 1, True), (0.0, 0, False), (0.7, 2, False)],
)
async def test_too_few_ballots_are_no_opinion(quorum: float, readable: int, stands: bool) -> None:
    models: list[LinesModel] = []
    replies = [said(tone="yes")] * readable + ["prose", "prose"] * (3 - readable)
    panel = Panel([member("a", replies, models, samples=3)], quorum=quorum)
    if stands:
        assert (await panel.ask(TALK, [TONE]))["tone"].score == 1.0
        return
    with pytest.raises(ModelError) as error:
        await panel.ask(TALK, [TONE])
    assert error.value.fault == "bad_reply"


async def test_each_question_may_have_a_prompt_of_its_own() -> None:
    models: list[LinesModel] = []
    replies = [said(tone="yes"), said(clear="no")]
    panel = Panel([member("a", replies, models)], one_each=True)
    opinions = await panel.ask(TALK, [TONE, CLEAR])
    assert (opinions["tone"].score, opinions["clear"].score) == (1.0, 0.0)
    prompts = [request.messages[0].content for _, request in models[0].history]
    assert ["- tone:" in one for one in prompts] == [True, False]
    assert ["- clear:" in one for one in prompts] == [False, True]


async def test_what_ends_a_run_ends_the_asking() -> None:
    models: list[LinesModel] = []
    panel = Panel(
        [
            member("a", [ModelError("denied", "the key is refused")], models),
            member("b", [said(tone="yes")], models),
        ],
        quorum=0.0,
    )
    with pytest.raises(ModelError, match="refused"):
        await panel.ask(TALK, [TONE])
    assert not models[1].history


def test_a_question_that_most_say_does_not_apply_has_no_score() -> None:
    opinion = opinion_of(TONE, ballots(None, None, 0))
    assert (opinion.applies, opinion.score, opinion.best) == (False, None, None)
    half = opinion_of(TONE, ballots(None, 2))
    assert (half.applies, half.score, half.best) == (True, 1.0, 1.0)


def test_the_ballot_that_speaks_is_of_those_that_most_agree_with_and_never_a_failed_one() -> None:
    opinion = opinion_of(TONE, [FAILED, *ballots(0, 2, 2)])
    assert opinion.spoken.choice == 2
    assert opinion.spoken.failed is None


@given(st.lists(st.sampled_from([None, 0, 1, 2]), min_size=1, max_size=9), st.integers(0, 9))
def test_failed_ballots_change_no_figure_and_order_of_ballots_none_either(
    choices: list[int | None], failed: int
) -> None:
    plain = opinion_of(TONE, ballots(*choices))
    more = opinion_of(TONE, [FAILED] * failed + ballots(*reversed(choices)))
    for name in ("applies", "score", "best", "disagreement"):
        assert getattr(plain, name) == getattr(more, name)
    assert 0 <= plain.disagreement < 1


def test_an_order_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="an order is given twice"):
        Asking(orders=("given", "given"))
