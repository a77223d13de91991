"""Rubrics: success criteria as data. A criterion is a check or a question for a judge."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from agentsynth.core.criteria import (
    CheckpointCheck,
    LimitCheck,
    NotSaidCheck,
    PatternCheck,
    SaidCheck,
)
from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.task import TaskKind

__all__ = ["Check", "CheckName", "Criterion", "Rubric"]

CheckName = Literal[
    "tools_offered",
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
    "deeds_backed",
    "declined",
    "ended_well",
    "replay_agrees",
]


_VERBS: dict[str, type[Frozen]] = {
    "pattern": PatternCheck,
    "checkpoints": CheckpointCheck,
    "limit": LimitCheck,
    "said": SaidCheck,
    "not_said": NotSaidCheck,
}


def _verb(value: object) -> str | None:
    if isinstance(value, str):
        return "named"
    if isinstance(value, dict):
        found = [verb for verb in _VERBS if verb in value]
        return found[0] if len(found) == 1 else None
    return next((verb for verb, kind in _VERBS.items() if type(value) is kind), None)


Check: TypeAlias = Annotated[
    Annotated[CheckName, Tag("named")]
    | Annotated[PatternCheck, Tag("pattern")]
    | Annotated[CheckpointCheck, Tag("checkpoints")]
    | Annotated[LimitCheck, Tag("limit")]
    | Annotated[SaidCheck, Tag("said")]
    | Annotated[NotSaidCheck, Tag("not_said")],
    Discriminator(
        _verb,
        custom_error_type="check_verb",
        custom_error_message=(
            "a check is a name, or a mapping with exactly one of: " + ", ".join(_VERBS)
        ),
    ),
]
"""A check by name, or one with parameters."""


class Criterion(Frozen):
    """One thing a good trajectory does. Exactly one of `check` and `question` is given."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    check: Check | None = None
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
