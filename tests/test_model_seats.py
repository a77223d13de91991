"""Models in the seats: what each is sent, and what becomes of what it says."""

import json
from dataclasses import replace
from typing import Any

import pytest

from agentsynth.checks.replay import replay
from agentsynth.compose.agents import agent_plans, make_agent
from agentsynth.compose.scenarios import personas
from agentsynth.compose.tasks import NoTask
from agentsynth.core.caller import Caller
from agentsynth.core.chat import ChatReply, ModelError, RawCall
from agentsynth.core.messages import AssistantMessage, ToolMessage, UserMessage
from agentsynth.core.protocols import ToolResult, UserView
from agentsynth.core.scenario import Persona
from agentsynth.core.task import Fact, Task, TaskKind
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.model_assistant import ModelAssistant, message_of
from agentsynth.simulate.model_user import ModelUser, user_prompt
from agentsynth.simulate.rollout import Limits, rollout
from agentsynth.testing.models import LinesModel
from tests.models.test_actions import tool

GARDEN = "community_garden"
PERSONA: Persona = personas()[0]


def user_of(model: LinesModel, *, as_json: bool = False) -> ModelUser:
    return ModelUser(Caller(model, "user", "t", 0), PERSONA, "en", as_json)


def assistant_of(model: LinesModel) -> ModelAssistant:
    return ModelAssistant(Caller(model, "assistant", "t", 0))


async def task_of(worker: Worker, kind: TaskKind, seed: int = 3) -> Task:
    for number in range(20):
        prepared = await worker.prepare(Place(0, GARDEN, kind, seed=seed + number, probe=False))
        if not isinstance(prepared, NoTask):
            return prepared.composed.task
    raise AssertionError


async def talk(worker: Worker, task: Task, user: LinesModel, assistant: LinesModel) -> Trajectory:
    runtime = worker.runtimes[GARDEN]
    agent = make_agent(runtime, agent_plans(runtime)[0], runtime.today(task.world_seed))
    return await rollout(
        task,
        agent,
        user_of(user),
        assistant_of(assistant),
        runtime.open_rollout,
        scenario_id="s",
        limits=Limits(user_turns=4, waves_per_turn=4),
        user_tools=runtime.user_specs,
    )


def call(name: str, arguments: dict[str, Any] | None, text: str = "", id_: str = "a") -> ChatReply:
    raw = RawCall(id_, name, text or json.dumps(arguments), arguments)
    return ChatReply("", calls=(raw,))


async def test_the_assistants_model_never_sees_goal_or_facts_that_were_not_told(
    worker: Worker,
) -> None:
    task = await task_of(worker, "write")
    user = LinesModel(["Good morning.", "That is all. [DONE]"])
    assistant = LinesModel(["How can I help?"])
    await talk(worker, task, user, assistant)
    sent = json.dumps([m.model_dump() for _, r in assistant.history for m in r.messages])
    assert len(assistant.history) == 2
    assert task.goal not in sent
    for fact in task.facts:
        assert str(fact.value) not in sent, fact.name


async def test_the_users_model_sees_its_facts_and_no_tool_result(worker: Worker) -> None:
    task = await task_of(worker, "info")
    runtime = worker.runtimes[GARDEN]
    look = next(s for s in runtime.specs if s.read_only and not s.parameters.get("required"))
    user = LinesModel(["What do I owe?", "I see. [DONE]"])
    assistant = LinesModel([call(look.name, {}), "Nothing at all."])
    trajectory = await talk(worker, task, user, assistant)
    result = next(m for m in trajectory.messages if isinstance(m, ToolMessage))
    sent = json.dumps([m.model_dump() for _, r in user.history for m in r.messages])
    assert all(str(fact.value) in sent for fact in task.facts)
    assert result.content not in sent
    assert look.name not in sent
    assert "Nothing at all." in sent


async def test_the_user_speaks_as_the_assistant_of_its_own_model(worker: Worker) -> None:
    task = await task_of(worker, "info")
    user = LinesModel(["What do I owe?", "Bye. [DONE]"])
    await talk(worker, task, user, LinesModel(["Who are you?"]))
    roles = [(m.role, m.content) for m in user.history[1][1].messages[1:]]
    assert roles == [
        ("user", "Hello! How can I help you?"),
        ("assistant", "What do I owe?"),
        ("user", "Who are you?"),
    ]


@pytest.mark.parametrize(
    ("last", "stop"),
    [
        ("Thank you! [DONE]", StopReason.USER_DONE),
        ("Forget it. [give up]", StopReason.USER_GAVE_UP),
    ],
)
async def test_a_mark_ends_the_conversation_after_the_assistants_reply_and_is_not_said(
    worker: Worker, last: str, stop: StopReason
) -> None:
    task = await task_of(worker, "info")
    trajectory = await talk(
        worker, task, LinesModel(["What do I owe?", last]), LinesModel(["Who are you?", "Goodbye."])
    )
    assert trajectory.stop_reason is stop
    said = [m.content for m in trajectory.messages if isinstance(m, UserMessage)]
    assert "[" not in said[-1]
    assert isinstance(trajectory.messages[-1], AssistantMessage)


async def test_a_user_under_a_schema_answers_with_an_object() -> None:
    model = LinesModel(['{"say": "Hello", "then": "go_on"}', '{"say": "Bye", "then": "give_up"}'])
    user = user_of(model, as_json=True)
    first = await user.act(UserView("a plot", {}, ()))
    assert (first.text, first.leaves) == ("Hello", False)
    last = await user.act(UserView("a plot", {}, (("user", "Hello"), ("assistant", "No."))))
    assert (last.text, last.leaves, last.satisfied) == ("Bye", True, False)
    assert json.loads(model.history[1][1].messages[2].content) == {"say": "Hello", "then": "go_on"}


@pytest.mark.parametrize("text", ["Hello", '{"say": "Hello"}', '{"say": 5, "then": "done"}'])
async def test_a_user_that_leaves_its_schema_is_an_error_and_not_a_text(text: str) -> None:
    with pytest.raises(ModelError) as error:
        await user_of(LinesModel([text]), as_json=True).act(UserView("a plot", {}, ()))
    assert error.value.fault == "bad_reply"


async def test_a_user_that_says_nothing_is_an_error() -> None:
    with pytest.raises(ModelError):
        await user_of(LinesModel([""])).act(UserView("a plot", {}, ()))


def test_a_fact_that_is_told_wrongly_first_is_told_with_both_values() -> None:
    fact = Fact(name="email", type="text", value="b@x.example", first="a@x.example",
                revised="next_turn")  # fmt: skip
    late = Fact(name="due_on", type="date", value="2027-01-02", told="when_asked")
    view = UserView("change it", {"email": fact, "due_on": late}, ())
    prompt = user_prompt(view, PERSONA, "en", as_json=False)
    assert '- email: b@x.example (at first you say "a@x.example"; in your very next' in prompt
    assert "- due on: 2027-01-02 (say this only when you are asked for it)" in prompt


def test_the_prompt_says_how_the_persona_behaves() -> None:
    view = UserView("change it", {}, ())
    pushy = replace_persona(pushes_back=True, opens_with="little", style="terse")
    prompt = user_prompt(view, pushy, "zh", as_json=True)
    assert "ask once whether an exception" in prompt
    assert "only say what you want" in prompt
    assert "In Chinese" in prompt
    assert '"then"' in prompt
    assert "[DONE]" not in prompt


def replace_persona(**update: Any) -> Persona:
    return PERSONA.model_copy(update=update)


async def test_malformed_arguments_are_kept_answered_with_an_error_and_fail_the_row(
    worker: Worker,
) -> None:
    task = await task_of(worker, "info")
    name = worker.runtimes[GARDEN].specs[0].name
    broken = ChatReply("", calls=(RawCall("a", name, '{"id": ', None, "no JSON"),))
    assistant = LinesModel([broken, "Sorry, once more."])
    trajectory = await talk(worker, task, LinesModel(["Hi", "Bye [DONE]"]), assistant)
    made = next(m for m in trajectory.messages if isinstance(m, AssistantMessage)).tool_calls[0]
    assert (made.arguments, made.text) == ({}, '{"id": ')
    answer = next(m for m in trajectory.messages if isinstance(m, ToolMessage))
    assert answer.is_error
    assert "malformed_arguments" in answer.content
    assert '{"id": ' in json.loads(answer.content)["error"]["message"]
    seen = assistant.history[1][1].messages
    assert answer in seen  # the model is shown its mistake


def test_ids_are_made_unique_in_the_conversation_and_sound_ones_are_kept() -> None:
    reply = ChatReply(
        "",
        calls=(
            RawCall("functions.find:0", "find", "{}", {}),
            RawCall("functions.find:0", "find", "{}", {}),
            RawCall("", "find", "{}", {}),
            RawCall("with space", "find", "{}", {}),
        ),
    )
    ids = [c.id for c in message_of(reply, []).tool_calls]
    assert ids[0] == "functions.find:0"
    assert len(set(ids)) == 4
    before = [message_of(reply, [])]
    later = [c.id for c in message_of(reply, before).tool_calls]
    assert not set(ids) & set(later)


async def test_reasoning_is_kept_with_the_message(worker: Worker) -> None:
    task = await task_of(worker, "info")
    reply = ChatReply("Who are you?", reasoning="I need a name.")
    trajectory = await talk(worker, task, LinesModel(["Hi", "Bye [DONE]"]), LinesModel([reply]))
    said = next(m for m in trajectory.messages if isinstance(m, AssistantMessage))
    assert said.reasoning == "I need a name."
    assert Trajectory.model_validate(trajectory.plain).id == trajectory.id


async def test_a_model_that_gives_no_reply_ends_the_rollout_with_its_reason(worker: Worker) -> None:
    task = await task_of(worker, "info")
    broken = LinesModel([ModelError("timeout", "no reply within 3 s")])
    trajectory = await talk(worker, task, LinesModel(["Hi"]), broken)
    assert trajectory.stop_reason is StopReason.MODEL_ERROR
    assert trajectory.error == "timeout: no reply within 3 s"


async def test_what_ends_the_run_is_raised_out_of_the_rollout(worker: Worker) -> None:
    task = await task_of(worker, "info")
    broken = LinesModel([ModelError("denied", "HTTP 401")])
    with pytest.raises(ModelError):
        await talk(worker, task, LinesModel(["Hi"]), broken)


async def test_a_user_with_tools_of_its_own_sees_what_they_gave_where_it_used_them() -> None:
    made = call("look", {"at": "lamp"})
    model = LinesModel([made, "It is red.", "Bye. [DONE]"])
    user = user_of(model)
    view = UserView("have it reset", {}, (("user", "Hi"), ("assistant", "Look at it.")))
    view = replace(view, tools=(tool("look"),))
    act = await user.act(view)
    assert act.text is None
    assert [c.name for c in act.calls] == ["look"]
    done = replace(view, results=((act.calls[0], ToolResult("red")),))
    assert (await user.act(done)).text == "It is red."
    roles = [m.role for m in model.history[1][1].messages]
    assert roles == ["system", "user", "assistant", "user", "assistant", "tool"]
    later = replace(done, messages=(*done.messages, ("user", "It is red."), ("assistant", "OK.")))
    await user.act(later)
    roles = [m.role for m in model.history[2][1].messages]
    assert roles == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]


@pytest.mark.parametrize("seat", ["user", "assistant"])
async def test_a_reply_that_a_limit_cut_off_is_never_taken_for_what_was_said(
    worker: Worker, seat: str
) -> None:
    task = await task_of(worker, "info")
    cut = LinesModel([ChatReply("I would like to know what I", finish="length")])
    whole = LinesModel(["Hello."])
    user, assistant = (cut, whole) if seat == "user" else (whole, cut)
    trajectory = await talk(worker, task, user, assistant)
    assert trajectory.stop_reason is StopReason.MODEL_ERROR
    assert "cut off" in (trajectory.error or "")
    assert not any("what I" in m.content for m in trajectory.messages)


async def test_a_malformed_call_of_the_users_own_tools_reaches_no_tool(worker: Worker) -> None:
    task = await task_of(worker, "info")
    name = worker.runtimes[GARDEN].specs[0].name
    broken = ChatReply("", calls=(RawCall("a", name, '{"id": ', None, "no JSON"),))
    runtime = worker.runtimes[GARDEN]
    agent = make_agent(runtime, agent_plans(runtime)[0], runtime.today(task.world_seed))
    trajectory = await rollout(
        task,
        agent,
        user_of(LinesModel([broken, "Bye. [DONE]"])),
        assistant_of(LinesModel(["Goodbye."])),
        runtime.open_rollout,
        scenario_id="s",
        limits=Limits(user_turns=4, waves_per_turn=4),
        user_tools=(tool(name),),
    )
    made = trajectory.user_calls[0]
    assert made.is_error
    assert "malformed_arguments" in made.content
    assert not (await replay(task, trajectory, runtime)).differences
