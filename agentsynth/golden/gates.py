"""`gates.yaml` beside the goldens: who judges, and what a check has to reach."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.asking import Asking
from agentsynth.worlds.files import load_yaml, validate

__all__ = [
    "GATES",
    "CriterionGates",
    "DriftGates",
    "Gates",
    "GatesFile",
    "JudgeConfig",
    "load_gates",
]

GATES = "gates.yaml"
"""Name of the file in a folder of goldens."""

Share = Annotated[float, Field(ge=0, le=1)]


class JudgeConfig(Frozen):
    """Who answers the questions."""

    models: tuple[ModelSettings, ...] = Field(min_length=1)
    """The judges of the panel."""
    asking: Asking = Asking()
    """How they are asked. Here every question has a prompt of its own, whatever `ask` says."""


class CriterionGates(Frozen):
    """What one criterion has to reach. What is not given is as for all; null = no gate."""

    agreement: Share | None = None
    kappa: Annotated[float, Field(ge=-1, le=1)] | None = None
    auroc: Share | None = None
    false_accept: Share | None = None
    least_cases: Annotated[int, Field(ge=1)] | None = None


class Gates(Frozen):
    """What has to hold. A gate that is null is not looked at."""

    agreement: Share | None = None
    """Least lower end of the interval of the share of cases in which outcome and label agree, for
    each question with labels. It and the next three hold for a check only where `criteria` says so:
    checks are not drawn by chance."""
    kappa: Annotated[float, Field(ge=-1, le=1)] | None = None
    """The same for Cohen's kappa."""
    auroc: Share | None = None
    """The same for the area under the curve of the graded answers."""
    false_accept: Share | None = None
    """Greatest upper end of the share of defects that a criterion lets pass."""
    checks: int | None = Field(default=0, ge=0)
    """Most outcomes of checks that may differ from their labels."""
    overall_false_accept: Share | None = None
    """Greatest upper end of the share of the goldens that are accepted and should not be."""
    overall_agreement: Share | None = None
    """Least lower end of the share of the goldens whose verdict is right."""
    must_pass: bool | Literal["verdict"] = True
    """Every golden with `must_pass` gets the right verdict and agrees with all its labels;
    `verdict` = the right verdict is enough."""
    flips: int | None = Field(default=0, ge=0)
    """Most outcomes that may differ from `golden.lock`; what is right now and was wrong does not
    count."""
    samples: int | None = Field(default=None, ge=1)
    """Of the answers to one question about one golden (models by samples by orders), so many agree
    with the label; null = only what they come to counts."""
    parse_failures: int | None = Field(default=0, ge=0)
    """Most answers that cannot be read, after one repair."""
    mutants_killed: Share | None = None
    """Least share of the mutants with flips of which every flip is seen."""
    least_cases: int = Field(default=10, ge=1)
    """Fewer labelled cases (for false accepts and mutants: fewer defects or mutants) leave a gate
    inconclusive where it would have passed."""
    criteria: dict[str, CriterionGates] = {}
    """By criterion: other bounds than those above."""


class DriftGates(Frozen):
    """How far today's answers of the same judge may be from those on record."""

    flips: Share = 0.1
    """Greatest share of the answers that are another choice."""
    p: Share = 0.01
    """A p-value of McNemar's exact test below it is drift."""
    score: Share | None = 0.1
    """Greatest change of the mean score, either way."""
    unreadable: Share | None = 0.02
    """Greatest rise of the share of answers that cannot be read or are refused."""


class GatesFile(Frozen):
    """A `gates.yaml`."""

    version: Literal[1]
    judge: JudgeConfig | None = None
    """None = only checks run; questions stay unanswered."""
    calibration: str | None = None
    """A file with a calibration of this judge, relative to this one; None = it was never measured,
    and more than half of the answers decide."""
    keep_score: Share = 0.9
    """Least score of an accepted conversation whose questions were answered, as in a run."""
    seed: int = Field(default=0, ge=0)
    """Draws the resamples of the intervals."""
    gates: Gates = Gates()
    drift: DriftGates = DriftGates()


def load_gates(folder: Path) -> GatesFile:
    """Return what a folder of goldens is held to; without the file, the gates that need no number.

    Raises:
        UserError: with file, line and field.
    """
    path = folder / GATES
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; a folder of goldens holds *.jsonl and {GATES}")
    if not path.is_file():
        return GatesFile(version=1)
    return validate(GatesFile, load_yaml(path))
