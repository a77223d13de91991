"""Questions put to turns, calls and the last answer, and questions that do not always apply."""

import json
from typing import Any

import pytest

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.transcript import Transcript
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.judge.panel import ballot_of, opinion_of
from agentsynth.judge.put import put_to
from agentsynth.judge.questions import ModelJudge
from agentsynth.judge.shown import judge_prompt
from agentsynth.judge.verdict import with_opinions
from agentsynth.testing.models import LinesModel

CALL = ToolCall(id="c1", name="find", arguments={"id": "b1"})
TALK: tuple[Message, ...] = (
    SystemMessage(content="Be kind."),
    UserMessage(content="Find b1."),
    AssistantMessage(content="One moment.", tool_calls=(CALL,)),
    ToolMessage(tool_call_id="c1", name="find", content='{"shelf": 4}'),
    AssistantMessage(content="Shelf 4."),
    UserMessage(content="Thanks."),
    AssistantMessage(content="Goodbye."),
)
CHOICES = ("no", "in part", "yes")


def question(scope: str, applies: str | None = None) -> Criterion:
    return Criterion.model_validate(
        {
            "name": scope,
            "question": "Is it?",
            "choices": CHOICES,
            "scope": scope,
            "applies": applies,
        }
    )


TURN, CALLED, LAST = question("turn"), question("call"), question("final_answer")
WHERE = Criterion(
    name="where", question="Is it?", choices=CHOICES, applies="the user asks for an exception"
)


async def answered(questions: list[Criterion], *replies: Any, talk: Any = TALK) -> Any:
    model = LinesModel([json.dumps(reply) for reply in replies])
    judge = ModelJudge(Caller(model, "judge", "t", 0), as_json=True)
    return await judge.answer(Transcript(messages=talk), questions), model


def one(choice: str, reason: str = "Seen.") -> dict[str, Any]:
    return {"reason": reason, "choice": choice}


@pytest.mark.parametrize(
    ("criterion", "places"), [(TURN, (2, 4, 6)), (CALLED, (2,)), (LAST, (6,)), (WHERE, None)]
)
def test_each_scope_means_its_messages(criterion: Criterion, places: Any) -> None:
    assert put_to(criterion, TALK).places == places


async def test_the_worst_of_several_answers_counts_and_is_the_evidence() -> None:
    reply = {"turn": {"2": one("yes"), "4": one("no", "Made up."), "6": one("in part")}}
    answers, model = await answered([TURN], reply)
    assert answers["turn"].choice == 0
    assert answers["turn"].reason == "Made up."
    assert answers["turn"].messages == (4,)
    assert answers["turn"].each == ((2, 2), (4, 0), (6, 1))
    assert "each of these messages by itself: 2, 4, 6." in model.history[0][1].messages[0].content


@pytest.mark.parametrize(
    "reply",
    [
        {"turn": {"2": one("yes"), "4": one("yes")}},  # one message is left out
        {"turn": {"2": one("yes"), "4": one("yes"), "6": one("yes"), "1": one("yes")}},
        {"turn": {"2": one("yes"), "4": one("maybe"), "6": one("yes")}},
        {"turn": {"2": one("yes"), "4": one("yes", ""), "6": one("yes")}},
        {"turn": {"2": one("not applicable"), "4": one("yes"), "6": one("yes")}},
        {"turn": one("yes")},
    ],
)
async def test_an_answer_that_leaves_a_message_open_is_no_answer(reply: Any) -> None:
    with pytest.raises(ModelError) as error:
        await answered([TURN], reply, reply)
    assert error.value.fault == "bad_reply"


async def test_a_question_without_its_messages_does_not_apply_and_nobody_is_asked() -> None:
    quiet = TALK[:2]
    answers, model = await answered([CALLED, LAST], talk=quiet)
    assert [answers[n].choice for n in ("call", "final_answer")] == [None, None]
    assert model.history == []


async def test_only_a_question_that_says_when_it_applies_may_not_apply() -> None:
    reply = {"where": {**one("not applicable", "Nobody asked."), "messages": [1]}}
    answers, _ = await answered([WHERE], reply)
    assert answers["where"].choice is None
    always = WHERE.model_copy(update={"applies": None})
    with pytest.raises(ModelError):
        await answered([always], reply, reply)


async def test_what_does_not_apply_is_outside_the_score() -> None:
    rubric = Rubric(name="r", criteria=(WHERE, LAST))
    empty = Verdict(
        trajectory_id="t", rubric_id=rubric.id, judge="checks", score=0,
        outcomes=tuple(CriterionOutcome(criterion=c.name, outcome="unanswered")
                       for c in rubric.criteria),
    )  # fmt: skip
    reply = {
        "where": {**one("not applicable", "Nobody asked."), "messages": [1]},
        "final_answer": {"6": one("yes")},
    }
    answers, _ = await answered([WHERE, LAST], reply)
    opinions = {c.name: opinion_of(c, [ballot_of(answers[c.name], "x")]) for c in (WHERE, LAST)}
    verdict = with_opinions(empty, rubric, opinions, "someone")
    assert [o.outcome for o in verdict.outcomes] == ["not_applicable", "met"]
    assert verdict.outcomes[0].evidence == "Nobody asked."
    assert verdict.score == 1.0


def test_a_question_that_is_not_put_to_anything_is_not_in_the_prompt() -> None:
    prompt = judge_prompt(Transcript(messages=TALK[:2]), [CALLED, WHERE])
    assert "- call:" not in prompt
    assert (
        'Only where the user asks for an exception; otherwise the choice is "not applicable".'
        in prompt
    )
