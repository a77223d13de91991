"""A task: what a user wants, what the user knows, and what must hold at the end."""

from typing import Literal, get_args

from pydantic import Field, JsonValue

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.intent import AnswerType
from agentsynth.core.lexicon import Language

__all__ = [
    "KINDS",
    "Answer",
    "Certificate",
    "Change",
    "Fact",
    "Probe",
    "ProbeName",
    "ReferenceCall",
    "Request",
    "Target",
    "Task",
    "TaskKind",
]

TaskKind = Literal[
    "write",
    "writes",
    "several",
    "info",
    "compare",
    "aggregate",
    "ask_back",
    "ambiguous",
    "corrected",
    "conditional",
    "change_of_mind",
    "refuse",
    "impossible",
    "partly",
    "no_tool",
    "scheduled",
    "dual",
    "long",
]
"""
write, writes       one write; several writes within one request
several             two or three requests, one after the other
info                a look-up; `compare` over many records; `aggregate`: a figure worked out
ask_back            something needed is told only when asked for
ambiguous           the first words fit more than one record
corrected           a fact is first told wrongly and then put right
change_of_mind      the wish changes when the deed is read back
conditional         to be done only if something holds
refuse              the policy forbids it
impossible          the state does not allow it
partly              one of two requests can be done
no_tool             nothing on offer does it
scheduled           set to happen later
dual                the user has to lend a hand with tools of their own
long                15 to 300 calls and more
"""


KINDS: tuple[TaskKind, ...] = get_args(TaskKind)
"""Every kind, in the order of their description."""


class Fact(Frozen):
    """One thing the user knows and the assistant does not."""

    name: str
    """A slot of the lexicon; `name@2` where a second request has another value for it."""
    type: AnswerType
    value: JsonValue
    """What is true, and what counts in the end."""
    unit: str | None = None
    """For a `quantity`: the unit of the stored number."""
    first: JsonValue = None
    """What the user says at first: a mistake or an earlier wish. None = the value itself."""
    revised: Literal["never", "next_turn", "at_read_back"] = "never"
    """When the user puts `first` right."""
    told: Literal["freely", "when_asked"] = "freely"


class Request(Frozen):
    """One thing the user wants in this conversation, and how it has to end."""

    intent: str
    outcome: Literal["done", "declined", "impossible", "no_tool"] = "done"
    reason: str | None = None
    """The clause or obstacle to give as the reason; None for what is to be done."""


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
    unit: str | None = None
    """The unit of a `quantity`; None for other types."""


class Target(Frozen):
    """What must hold at the end, as data."""

    changes: tuple[Change, ...] = ()
    """The only changes there may be; empty = nothing may change."""
    answers: tuple[Answer, ...] = ()
    declined: tuple[str, ...] = ()
    """The clauses and obstacles to give as reasons, one per request that cannot be granted."""


class ReferenceCall(Frozen):
    """One call of a known solution (not a required path)."""

    name: str
    arguments: dict[str, JsonValue]
    wave: int = Field(ge=0)
    """Calls of one wave do not depend on each other."""
    actor: Literal["assistant", "user"] = "assistant"


class Task(Identified):
    """A task. Rubric, certificate and difficulty stand beside it, outside its id."""

    schema_version: Literal[1] = 1
    domain: str
    domain_id: str
    language: Language = "en"
    """What user and assistant speak; tools and policy stay as they are."""
    kind: TaskKind
    requests: tuple[Request, ...] = Field(min_length=1)
    goal: str
    facts: tuple[Fact, ...]
    world_seed: int
    """Seed of the starting state."""
    reference_calls: tuple[ReferenceCall, ...]
    target: Target

    @property
    def intents(self) -> tuple[str, ...]:
        """The intents of the requests, in order."""
        return tuple(request.intent for request in self.requests)

    def fact(self, name: str) -> Fact | None:
        """Return the fact of this name; None = the user does not know it."""
        return next((fact for fact in self.facts if fact.name == name), None)


ProbeName = Literal[
    "reference_passes",
    "goal_not_met",
    "silence_fails",
    "yielding_fails",
    "refusal_is_due",
    "refusing_the_permitted_fails",
    "dropped_write_fails",
    "wrong_entity_fails",
    "wrong_value_fails",
    "extra_write_fails",
    "first_version_fails",
    "said_not_done_fails",
    "done_not_said_fails",
    "wrong_answer_fails",
    "no_idle_write",
    "facts_suffice",
    "alternatives_pass",
    "same_elsewhere",
]
"""
reference_passes              the reference calls with fitting words pass the checks
goal_not_met                  the target does not hold at the start
silence_fails                 doing and saying nothing fails
yielding_fails                saying that it cannot be done (or, where it may not be done, that it
                              is done) fails
refusal_is_due                carrying a forbidden request out breaks what forbids it
refusing_the_permitted_fails  the words of the refusal fail where the same request is permitted
dropped_write_fails           each write left out in turn fails
wrong_entity_fails            a write to another record of the same kind fails
wrong_value_fails             a write with another value fails
extra_write_fails             a further write that nobody asked for fails
first_version_fails           acting on what the user took back fails
said_not_done_fails           the right words without the deed fail
done_not_said_fails           the deed without the words fails
wrong_answer_fails            another value than the right one fails
no_idle_write                 every write of the reference changes something
facts_suffice                 a search that knows only the facts and what tools return gets there
alternatives_pass             every other way that the search found passes
same_elsewhere                another process gets the same results and state
"""


class Probe(Frozen):
    """One attempt to show that the task could be wrong."""

    name: ProbeName
    passed: bool
    tried: int = 1
    """How many variants were tried."""
    detail: str = ""


class Certificate(Identified):
    """The probes a task survived before anyone played it."""

    schema_version: Literal[1] = 1
    task_id: str
    probes: tuple[Probe, ...]

    @property
    def holds(self) -> bool:
        """Whether every probe passed."""
        return all(probe.passed for probe in self.probes)
