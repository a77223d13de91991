"""A golden: a conversation with labels that a judge had no part in, kept in git."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agentsynth.core.frozen import Frozen
from agentsynth.core.labels import LabelMaker, Truth
from agentsynth.core.rubric import MutantSort
from agentsynth.core.task import Task
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import Transcript, transcript_of

__all__ = ["Golden", "GoldenLabel", "Played"]


class GoldenLabel(Frozen):
    """What is true of one criterion."""

    truth: Truth
    by: LabelMaker = "person"
    who: str = ""
    note: str = ""
    """Why, in a sentence."""


class Played(Frozen):
    """A conversation of our own, with what checks need to run again."""

    task: Task
    tools: tuple[str, ...]
    """Names of the tools that the assistant was offered."""
    trajectory: Trajectory


class Golden(Frozen):
    """One conversation and what is true of it. Exactly one of `played` and `transcript`."""

    schema_version: Literal[1] = 1
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
    """Readable and unique among the goldens."""
    domain: str | None = None
    """Name of the domain, or its folder relative to the file; None = it is from elsewhere."""
    rubrics: tuple[str, ...] = Field(min_length=1)
    """What it is held against: names of rubrics, or files relative to this one."""
    played: Played | None = None
    transcript: Transcript | None = None
    """A conversation from elsewhere: questions only, no checks."""
    accept: bool
    """Whether it should be accepted."""
    labels: dict[str, GoldenLabel] = {}
    """By criterion. One without a label is asked and measured by nothing."""
    must_pass: bool = False
    """True = a wrong verdict here fails the gate whatever the averages say."""
    tags: tuple[str, ...] = ()
    mutant_of: str | None = None
    """Id of the golden it was made from; None = it is no mutant."""
    sort: MutantSort | None = None
    """How it was changed; for mutants."""
    flips: tuple[str, ...] = ()
    """For mutants: the criteria whose truth differs from that of what it was made from."""
    provenance: str = ""
    """Where it came from, in words."""

    @model_validator(mode="after")
    def _one_of_both(self) -> "Golden":
        if (self.played is None) == (self.transcript is None):
            raise ValueError("give either 'played' or 'transcript'")
        if self.played is not None and self.domain is None:
            raise ValueError("a conversation of our own needs its 'domain'")
        if (self.mutant_of is None) != (self.sort is None):
            raise ValueError("'mutant_of' and 'sort' belong together")
        return self

    @property
    def shown(self) -> Transcript:
        """What a judge is shown of it."""
        if self.played is not None:
            return transcript_of(self.played.trajectory)
        assert self.transcript is not None  # the validator looked
        return self.transcript
