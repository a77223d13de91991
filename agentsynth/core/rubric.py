"""Rubrics: success criteria as data. A criterion is a check or a question for a judge."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.task import TaskKind

__all__ = ["CheckName", "Criterion", "Rubric"]

CheckName = Literal[
    "calls_valid",
    "arguments_grounded",
    "target_state",
    "writes_confirmed",
    "policy_kept",
    "answers_given",
    "statements_grounded",
    "asked_first",
    "claims_true",
    "reported",
    "declined",
    "ended_well",
    "replay_agrees",
]


class Criterion(Frozen):
    """One thing a good trajectory does. Exactly one of `check` and `question` is given."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    check: CheckName | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()
    """For questions: answers from worst to best."""
    weight: float = Field(default=1.0, gt=0)
    required: bool = False
    """True = the score is 0 when this is not met."""
    kinds: tuple[TaskKind, ...] = ()
    """Task kinds it applies to; empty = all."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Criterion":
        if (self.check is None) == (self.question is None):
            raise ValueError("give either 'check' or 'question', not both and not neither")
        if self.question is not None and len(self.choices) < 2:
            raise ValueError("a question needs at least two 'choices', worst first")
        if self.question is not None and self.required:
            raise ValueError("a question cannot be required while no judge is calibrated")
        return self


class Rubric(Identified):
    """Criteria with unique names."""

    schema_version: Literal[1] = 1
    name: str
    criteria: tuple[Criterion, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique_names(self) -> "Rubric":
        seen: set[str] = set()
        for criterion in self.criteria:
            if criterion.name in seen:
                raise ValueError(f"criterion {criterion.name!r} appears twice; names are unique")
            seen.add(criterion.name)
        return self
