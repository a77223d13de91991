"""A task: what a user wants, what the user knows, and what must hold at the end."""

from typing import Literal

from pydantic import Field, JsonValue

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.intent import AnswerType

__all__ = [
    "Answer",
    "Certificate",
    "Change",
    "Fact",
    "Probe",
    "ReferenceCall",
    "Target",
    "Task",
    "TaskKind",
]

TaskKind = Literal["write", "writes", "info", "refuse"]


class Fact(Frozen):
    """One thing the user knows and the assistant does not."""

    name: str
    type: Literal["text", "date", "money", "count"]
    value: JsonValue


class Change(Frozen):
    """One record's net change between two states."""

    op: Literal["create", "update", "delete"]
    entity: str
    key: str | None
    """None in a target's creations: new keys are the world's business."""
    fields: dict[str, JsonValue]
    """All fields of a creation, changed ones of an update, none of a deletion."""


class Answer(Frozen):
    """A value the final answer must say."""

    name: str
    type: AnswerType
    value: JsonValue
    said_as: str | None = None
    """Another way to say it; None = only the value itself."""
    field: str | None = None
    """The result field it comes from, to recognise another record's value; None = computed."""


class Target(Frozen):
    """What must hold at the end, as data."""

    changes: tuple[Change, ...] = ()
    """The only changes there may be; empty = nothing may change."""
    answers: tuple[Answer, ...] = ()
    declined_by: str | None = None
    """The policy clause that forbids the request; None = nothing is to be declined."""


class ReferenceCall(Frozen):
    """One call of a known solution (not a required path)."""

    name: str
    arguments: dict[str, JsonValue]
    wave: int = Field(ge=0)
    """Calls of one wave do not depend on each other."""


class Task(Identified):
    """A task. Rubric, certificate and difficulty stand beside it, outside its id."""

    schema_version: Literal[1] = 1
    domain: str
    domain_id: str
    kind: TaskKind
    intents: tuple[str, ...] = Field(min_length=1)
    goal: str
    facts: tuple[Fact, ...]
    world_seed: int
    """Seed of the starting state."""
    reference_calls: tuple[ReferenceCall, ...]
    target: Target

    def fact(self, name: str) -> Fact | None:
        """Return the fact of this name; None = the user does not know it."""
        return next((fact for fact in self.facts if fact.name == name), None)


class Probe(Frozen):
    """One attempt to show that the task could be wrong."""

    name: Literal["reference_passes", "nothing_fails", "goal_not_met", "refusal_is_due"]
    passed: bool
    detail: str


class Certificate(Identified):
    """The probes a task survived before anyone played it."""

    schema_version: Literal[1] = 1
    task_id: str
    probes: tuple[Probe, ...]

    @property
    def holds(self) -> bool:
        """Whether every probe passed."""
        return all(probe.passed for probe in self.probes)
