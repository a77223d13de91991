"""A request of a shadow: what the user says, what is drawn for it, the plan that serves it."""

from dataclasses import dataclass, field, replace
from typing import Any

from agentsynth.evolve.shadows.bank import label_of
from agentsynth.evolve.shadows.forms import plural
from agentsynth.evolve.shadows.model import Operation
from agentsynth.evolve.shadows.words import snake

__all__ = ["Request", "Slot", "Stuck", "identifier"]


class Stuck(Exception):
    """No plan reaches the record from what a person would say."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing the user says."""

    name: str
    label: str
    """How it is spoken of: `due date`, `project`."""
    kind: str
    """`text`, `enum`, `count`, `date`, `key`."""
    values: tuple[str, ...] = ()
    """Of an enumeration."""
    naming: bool = False
    """True = it names a record that is there already."""
    fresh: bool = False
    """True = it names a record that is to be made."""


@dataclass(slots=True)
class Request:
    """One intent, and what its phrases need."""

    name: str
    deed: str
    """`create`, `delete`, `update`, `flag`, `ask`, `count`."""
    noun: str
    operation: Operation
    slots: list[Slot] = field(default_factory=list[Slot])
    draw: dict[str, Any] = field(default_factory=dict[str, Any])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    steps: list[Any] = field(default_factory=list[Any])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    subject: str | None = None
    """Slot that names what the request is about; None = nothing is named."""
    asked: str = ""
    """Label of the field that is asked for, or that changes."""
    key: str = "id"
    """Name of the record's key in results."""
    named: set[str] = field(default_factory=set[str])
    """Lists that a step has called already."""

    @property
    def key_label(self) -> str:
        """How people say the key."""
        return label_of(self.key) or "id"

    def intent(self) -> dict[str, Any]:
        """Return the intent as its YAML's value."""
        kind = {"ask": "info", "count": "aggregate"}.get(self.deed, "write")
        made: dict[str, Any] = {"kind": kind, "title": self.title(), "draw": self.draw}
        made |= {"facts": self.facts, "steps": [_nested(step) for step in self.steps]}
        if self.answers:
            made["answers"] = self.answers
        return made

    def title(self) -> str:
        """Return what the user wants, in a few words."""
        match self.deed:
            case "ask":
                return f"learn the {self.asked} of a {self.noun}"
            case "count":
                many = plural(self.noun.replace(" ", "_")).replace("_", " ")
                return f"learn how many {many} there are"
            case "update":
                return f"change the {self.asked} of a {self.noun}"
            case "flag":
                return f"{self.asked} a {self.noun}"
            case _:
                return f"{self.deed} a {self.noun}"

    def tell(self, slot: Slot, value: str) -> None:
        """Let the user say a slot of this value; one that is told already stays as it is."""
        if slot.name not in self.facts:
            self.facts[slot.name] = value
            self.slots.append(slot)

    def call(self, args: dict[str, Any], name: str) -> None:
        """Call the request's own operation; `name` is how later steps speak of the result."""
        self.steps.append({"call": self.operation.tool, "args": args, "as": name})

    def narrow(self, condition: str) -> None:
        """Draw only a subject of which this holds; nothing happens where no subject is drawn."""
        if "subject" in self.draw:
            self.draw["subject"] = {**self.draw["subject"], "filter": condition}

    def trial(self) -> "Request":
        """Return a copy to try a plan on."""
        return replace(
            self, steps=list(self.steps), draw=dict(self.draw), facts=dict(self.facts),
            slots=list(self.slots), named=set(self.named),
        )  # fmt: skip

    def take(self, trial: "Request") -> None:
        """Take over the plan of a trial that went well."""
        self.steps, self.draw, self.facts = trial.steps, trial.draw, trial.facts
        self.slots, self.named, self.subject = trial.slots, trial.named, trial.subject


def identifier(text: str) -> str:
    """Return a name in snake case that begins with a letter."""
    made = snake(text)
    return made if made[:1].isalpha() else f"x_{made}"


def _nested(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step with the arguments of a body inside it: `body.title` under `body`."""
    if "call" not in step:
        return step
    args: dict[str, Any] = {}
    for name, source in step["args"].items():
        *above, last = name.split(".")
        place = args
        for part in above:
            place = place.setdefault(part, {})
        place[last] = source
    return {**step, "args": args}
