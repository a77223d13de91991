"""What the user leaves out, gets wrong or wants otherwise in the end, as it shows in the words."""

import random
import re
from typing import Any

import pytest

from agentsynth.checks.expressions import matches_any
from agentsynth.checks.mentions import says
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import AssistantMessage, UserMessage
from agentsynth.core.phrasing import parse_template, render
from agentsynth.core.task import Fact, Task
from agentsynth.core.trajectory import Trajectory
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play

SEEDS = range(12)


def mentions(trajectory: Trajectory, kind: type, value: Any, fact: Fact, today: str) -> list[int]:
    """Where somebody says a value."""
    return [
        index
        for index, message in enumerate(trajectory.messages)
        if isinstance(message, kind)
        and says(message.content, value, fact.type, today=today, unit=fact.unit)
    ]


def writes(trajectory: Trajectory, runtime: DomainRuntime) -> list[int]:
    return [
        index
        for index, message in enumerate(trajectory.messages)
        if isinstance(message, AssistantMessage)
        and any(call.name in runtime.writes for call in message.tool_calls)
    ]


def revised(task: Task) -> Fact:
    (fact,) = [fact for fact in task.facts if fact.first is not None]
    return fact


async def test_who_corrects_themselves_says_the_wrong_value_first_and_then_the_right_one(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for seed in SEEDS:
        prepared, graded = await play_kind("corrected", seed)
        task, trajectory = prepared.composed.task, graded.trajectory
        fact, today = revised(task), kinds.today(task.world_seed)
        assert fact.revised == "next_turn"
        wrong = mentions(trajectory, UserMessage, fact.first, fact, today)
        right = mentions(trajectory, UserMessage, fact.value, fact, today)
        assert wrong
        assert right
        assert wrong[0] == 1, "the mistake is in the first words"
        assert wrong[0] < right[0]
        assert not any(place < right[0] for place in writes(trajectory, kinds))
        assert graded.decision.kept


async def test_who_changes_their_mind_does_so_when_the_deed_is_read_back(
    kinds: DomainRuntime, play_kind: Play, voice: Voice
) -> None:
    for seed in SEEDS:
        prepared, graded = await play_kind("change_of_mind", seed)
        task, trajectory = prepared.composed.task, graded.trajectory
        fact, today = revised(task), kinds.today(task.world_seed)
        assert fact.revised == "at_read_back"
        right = mentions(trajectory, UserMessage, fact.value, fact, today)
        first = mentions(trajectory, UserMessage, fact.first, fact, today)
        assert first[0] < right[0]
        question = trajectory.messages[right[0] - 1]
        assert isinstance(question, AssistantMessage)
        assert matches_any(voice.confirm_cues, question.content)
        assert not any(place < right[0] for place in writes(trajectory, kinds))
        asked = [
            message
            for message in trajectory.messages[right[0] :]
            if isinstance(message, AssistantMessage)
            and matches_any(voice.confirm_cues, message.content)
        ]
        assert asked, "what is wanted now is read back as well"
        assert graded.decision.kept


async def test_what_is_kept_back_is_told_only_when_asked_for(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for seed in SEEDS:
        prepared, graded = await play_kind("ask_back", seed)
        task, trajectory = prepared.composed.task, graded.trajectory
        (fact,) = [fact for fact in task.facts if fact.told == "when_asked"]
        today = kinds.today(task.world_seed)
        told = mentions(trajectory, UserMessage, fact.value, fact, today)
        assert told[0] > 1
        question = trajectory.messages[told[0] - 1]
        assert isinstance(question, AssistantMessage)
        asked_by = kinds.lexicon.slots[fact.name].asked_by
        assert matches_any(asked_by, question.content)


async def test_where_the_first_words_fit_several_records_the_assistant_asks_which(
    kinds: DomainRuntime, play_kind: Play
) -> None:
    for seed in SEEDS:
        prepared, graded = await play_kind("ambiguous", seed)
        task, trajectory = prepared.composed.task, graded.trajectory
        (fact,) = [fact for fact in task.facts if fact.told == "when_asked"]
        assert fact.name == "day"
        today = kinds.today(task.world_seed)
        told = mentions(trajectory, UserMessage, fact.value, fact, today)
        question = trajectory.messages[told[0] - 1]
        assert isinstance(question, AssistantMessage)
        assert re.search(
            r"I see 2 of those, on .+ and .+\. Which of them is it\?", question.content
        )
        assert str(fact.value) != today
        assert says(question.content, fact.value, "date", today=today)
        (deed,) = writes(trajectory, kinds)
        assert told[0] < deed


@pytest.mark.parametrize("bank", ["correct", "correct.terse", "correct.chatty", "correct.formal"])
def test_every_way_of_putting_something_right_is_heard_as_such(voice: Voice, bank: str) -> None:
    for phrase in voice.phrases[bank]:
        template = parse_template(phrase)
        for seed in range(4):
            text = render(template, random.Random(seed), str)
            assert matches_any(voice.corrections, text), text
