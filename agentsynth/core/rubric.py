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
from agentsynth.core.ids import content_id
from agentsynth.core.task import TaskKind

__all__ = [
    "HARMLESS_SORTS",
    "NOT_APPLICABLE",
    "Check",
    "CheckName",
    "Criterion",
    "MutantSort",
    "Rubric",
    "Scope",
]

NOT_APPLICABLE = "not applicable"
"""What a judge answers where a question that says when it applies does not."""

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
    "no_appeals",
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


Scope: TypeAlias = Literal["trajectory", "turn", "call", "final_answer"]
"""What a question is put to: the conversation as a whole, every message of the assistant with words
for the user, every message of it with calls, or its last message with words."""


def _is_whole(value: object) -> bool:
    return value == "trajectory"


def _is_none(value: object) -> bool:
    return value is None


def _is_nothing(value: object) -> bool:
    return value == ()


MutantSort: TypeAlias = Literal[
    "dropped_confirmation",
    "swapped_argument",
    "fabricated_result",
    "wrong_final_number",
    "unbacked_claim",
    "dropped_report",
    "repeated_question",
    "padding",
    "opening_praise",
    "self_praise",
    "appeal_to_judge",
    "reordered_calls",
    "renamed_ids",
]
"""Ways of changing a conversation whose effect is known; the last two change nothing that counts.
`judge/mutants.py` makes them."""

HARMLESS_SORTS: frozenset[MutantSort] = frozenset(("reordered_calls", "renamed_ids"))
"""Those that change nothing that counts."""


class Criterion(Frozen):
    """One thing a good trajectory does. Exactly one of `check` and `question` is given."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    check: Check | None = None
    question: str | None = None
    choices: tuple[str, ...] = ()
    """For questions: answers from worst to best."""
    scope: Scope = Field(default="trajectory", exclude_if=_is_whole)
    """For questions. One put to several messages is answered for each; the worst answer counts."""
    applies: str | None = Field(default=None, exclude_if=_is_none)
    """For questions: when they apply, in words. A judge may then answer that this is not so.
    None = always."""
    weight: float = Field(default=1.0, gt=0)
    required: bool = False
    """True = the score is 0 when this is not met."""
    kinds: tuple[TaskKind, ...] = ()
    """Task kinds it applies to; empty = all."""
    broken_by: tuple[MutantSort, ...] = Field(default=(), exclude_if=_is_nothing)
    """Planted defects after which this is not met: what the criterion is measured with. A judge
    is not shown it."""

    @property
    def question_id(self) -> str:
        """Hash over all that a judge is shown of a question: another id, another question."""
        shown = [self.name, self.question, list(self.choices), self.scope, self.applies]
        return content_id(shown)

    @model_validator(mode="after")
    def _one_of_both(self) -> "Criterion":
        if (self.check is None) == (self.question is None):
            raise ValueError("give either 'check' or 'question', not both and not neither")
        if self.question is not None and len(self.choices) < 2:
            raise ValueError("a question needs at least two 'choices', worst first")
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a choice is given twice")
        if NOT_APPLICABLE in self.choices:
            raise ValueError(
                f"{NOT_APPLICABLE!r} is no choice: say under 'applies' when it applies"
            )
        if self.check is not None and (self.choices or self.applies or self.scope != "trajectory"):
            raise ValueError("'choices', 'applies' and 'scope' belong to questions")
        if self.question is not None and self.required:
            raise ValueError("a question cannot be required while no judge is calibrated")
        return self


class Rubric(Identified):
    """Criteria with unique names."""

    schema_version: Literal[1] = 1
    name: str
    include: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], ...] = Field(
        default=(), exclude_if=_is_nothing
    )
    """Names of shared rubrics whose criteria come before its own; a rubric that was loaded has
    them among its criteria, and this is empty."""
    criteria: tuple[Criterion, ...] = ()

    @model_validator(mode="after")
    def _unique_names(self) -> "Rubric":
        if not self.criteria and not self.include:
            raise ValueError("a rubric has 'criteria', or shared ones under 'include'")
        seen: set[str] = set()
        for criterion in self.criteria:
            if criterion.name in seen:
                raise ValueError(f"criterion {criterion.name!r} appears twice; names are unique")
            seen.add(criterion.name)
        return self
