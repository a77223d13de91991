"""Who plays a scenario: scripted actors, or the run's models, each seeing its own view only."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from agentsynth.compose.composer import COMPOSER_PROMPTS
from agentsynth.compose.writer import WRITER_PROMPTS, TaskWriter
from agentsynth.core.caller import Caller
from agentsynth.core.ids import derive_seed
from agentsynth.core.protocols import Assistant, ToolSimulator, User
from agentsynth.core.scenario import Role, Scenario
from agentsynth.core.task import Task
from agentsynth.judge.shown import JUDGE_PROMPTS
from agentsynth.models.actions import ACTION_PROMPT
from agentsynth.models.deadline import Clocks
from agentsynth.models.settings import ModelSettings, sampling_of
from agentsynth.models.tally import Tallied, Tally
from agentsynth.pipeline.config import SeatName
from agentsynth.pipeline.seats import Seat, Seats
from agentsynth.pipeline.steering import would_steer
from agentsynth.plan.recipe import Slip
from agentsynth.simulate.assistant import ScriptedAssistant
from agentsynth.simulate.flaws import Flawed
from agentsynth.simulate.model_assistant import ModelAssistant
from agentsynth.simulate.model_user import USER_PROMPT, ModelUser
from agentsynth.simulate.rollout import told_in
from agentsynth.simulate.tool_simulator import TOOL_PROMPTS, ModelSimulator, NoSimulator
from agentsynth.simulate.user import ScriptedUser
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["SCRIPTED", "Cast", "prompts_of", "role_of"]

SCRIPTED = Role(driver="scripted")
_APART = 1000
"""More calls than one judgement takes: keeps the numbers of their calls apart."""


def role_of(seat: SeatName, settings: ModelSettings | None) -> Role:
    """Return who sits in a seat: part of what names a scenario."""
    if settings is None:
        return SCRIPTED
    model: dict[str, JsonValue] = {**sampling_of(settings), "prompts": prompts_of(seat, settings)}
    return Role(driver="model", model=model)


def prompts_of(seat: SeatName, settings: ModelSettings) -> list[JsonValue]:
    """Return the ids of the prompts that a model in a seat is given."""
    own: dict[SeatName, list[JsonValue]] = {
        "user": [USER_PROMPT],
        "judge": list(JUDGE_PROMPTS),
        "composer": list(COMPOSER_PROMPTS),
        "task_writer": list(WRITER_PROMPTS),
        "tools": list(TOOL_PROMPTS),
    }
    return own.get(seat, []) + ([ACTION_PROMPT] if settings.mode == "action" else [])


@dataclass(frozen=True)
class Cast:
    """The actors of one try at a scenario."""

    task: Task
    scenario: Scenario
    place: int
    """The ordinal of its place in the run."""
    slot: int
    """Which of the task's rollouts it is."""
    runtime: DomainRuntime
    seats: Seats
    attempt: int
    tally: Tally
    """Takes in what the models use."""
    clocks: Clocks

    def user(self) -> User:
        """Return who wants something."""
        task, scenario, seat = self.task, self.scenario, self.seats.get("user")
        if scenario.user.driver == "model" and seat is not None:
            return ModelUser(
                self._caller(seat, "user"),
                scenario.persona,
                task.language,
                as_json=seat.settings.mode == "action",
                opening=None if scenario.wording is None else scenario.wording.opening,
            )
        intents = self.runtime.playbook.intents
        return ScriptedUser(
            [(name, intents[name]) for name in task.intents],
            self.runtime.lexicon,
            load_voice(task.language),
            scenario.persona,
            random.Random(derive_seed(scenario.seed, "user")),
            self._opening(),
        )

    def writer(self) -> TaskWriter | None:
        """Return who words the task; None = nobody does."""
        seat = self.seats.get("task_writer")
        if seat is None:
            return None
        return TaskWriter(
            self._caller(seat, "task_writer"),
            as_json=seat.settings.mode == "action",
            by=role_of("task_writer", seat.settings).model or {},
            steers=would_steer,
        )

    def _opening(self) -> tuple[str, Sequence[str]] | None:
        """Return the first message that was written, and the facts it tells; None = none was."""
        if self.scenario.wording is None:
            return None
        text, runtime = self.scenario.wording.opening, self.runtime
        today = runtime.today(self.task.world_seed)
        return text, told_in(self.task, text, today=today, words=runtime.lexicon.words)

    def assistant(self) -> Assistant:
        """Return who calls tools."""
        task, scenario, seat = self.task, self.scenario, self.seats.get("assistant")
        if scenario.assistant.driver == "model" and seat is not None:
            return ModelAssistant(self._caller(seat, "assistant"))
        today = self.runtime.today(task.world_seed)
        return ScriptedAssistant(
            task.intents,
            self.runtime,
            load_voice(task.language),
            today,
            random.Random(derive_seed(scenario.seed, "assistant")),
            _flawed(scenario, today),
        )

    def simulator(self) -> ToolSimulator:
        """Return who answers for the agent's tools without semantics."""
        seat = self.seats.get("tools")
        if seat is None or self.scenario.tools is None:
            return NoSimulator()
        as_json = seat.settings.mode == "action"
        errors = self.runtime.domain.errors
        return ModelSimulator(self._caller(seat, "tools"), as_json=as_json, errors=errors)

    def judge(self, seat: Seat, number: int) -> Caller:
        """Return what asks a judge.

        Args:
            number: which of the rollout's judgements it is; 0 = the only one of most rollouts.
        """
        return self._caller(seat, "judge", number)

    def _caller(self, seat: Seat, role: SeatName, number: int = 0) -> Caller:
        parts = (role, self.attempt, number) if number else (role, self.attempt)
        drawn = derive_seed(self.scenario.seed, *parts) % 2**31
        return Caller(
            Tallied(seat.stack(self.clocks), self.tally),
            role,
            task=self.task.id,
            sample=self.slot,
            attempt=self.attempt,
            place=self.place,
            seed=drawn if seat.settings.send_seed else None,
            calls=number * _APART,
        )


def _flawed(scenario: Scenario, today: str) -> Flawed | None:
    role = scenario.assistant
    if role.flaw is None:
        return None
    return Flawed(
        kind=role.flaw,
        segment=role.flaw_at,
        slip=None if role.slip is None else Slip(*role.slip),
        rng=random.Random(derive_seed(scenario.seed, "flaw")),
        today=today,
    )
