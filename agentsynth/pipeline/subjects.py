"""What the command `judge` is given: rows of runs and imported conversations, with their labels."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.imported import Imported, ImportProblem, Label
from agentsynth.core.labels import OVERALL, CriterionLabel, Truth
from agentsynth.core.rubric import Rubric
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.core.transcript import Transcript, transcript_of, transcript_of_imported
from agentsynth.core.verdict import CriterionOutcome, Verdict
from agentsynth.pipeline.finish import kept_items
from agentsynth.pipeline.importing import IMPORTED, import_files, read_imported
from agentsynth.pipeline.rows import open_run, run_config

__all__ = ["Reading", "Subject", "subjects_in"]

_BROKEN = (StopReason.ERROR, StopReason.MODEL_ERROR)


@dataclass(frozen=True)
class Subject:
    """A conversation to be judged."""

    id: str
    """The trajectory's id, or the imported conversation's."""
    source: str
    """Where it was found, as it was named."""
    transcript: Transcript
    rubric: Rubric
    checks: Verdict | None
    """What the checks said; None = it is from elsewhere, and they cannot be run."""
    labels: tuple[CriterionLabel, ...] = ()
    """Never shown to a judge."""
    group: str = ""


@dataclass(frozen=True)
class Reading:
    """How sources are read."""

    rubric: Rubric | None
    """None = a run's own, and for conversations from elsewhere what the caller gives them."""
    shared: Rubric
    """For conversations from elsewhere."""
    every: bool = False
    """True = all rollouts of a run, False = the rows it kept."""
    overall: str = "reward"
    """Label of a source that says whether a conversation is to be accepted."""
    names: Mapping[str, str] | None = None
    """Label of a source to criterion; None = labels are called as the criteria are."""


def subjects_in(sources: Sequence[Path], reading: Reading) -> Iterator[Subject | ImportProblem]:
    """Yield the conversations of runs, of imports and of files that can be imported, in order.

    Raises:
        UserError: if a source is none of these.
    """
    for source in sources:
        if (source / "store.db").is_file():
            yield from _of_run(source, reading)
        elif (source / IMPORTED).is_file():
            for one in read_imported(source):
                yield _imported(one, str(source), reading)
        elif source.is_dir():
            raise UserError(
                f"{source}: neither a run (store.db) nor an import ({IMPORTED}); name a run's "
                "folder, an import's, or files"
            )
        else:
            yield from _of_file(source, reading)


def _of_file(path: Path, reading: Reading) -> Iterator[Subject | ImportProblem]:
    """Yield the conversations of a file in another format, and its records that are none."""
    with tempfile.TemporaryDirectory(prefix="agentsynth-judge-") as name:
        report = import_files([path], Path(name), None, lambda _: None)
        yield from report.problems
        for one in read_imported(Path(name)):
            yield _imported(one, str(path), reading)


def _of_run(folder: Path, reading: Reading) -> Iterator[Subject]:
    with open_run(folder) as store:
        if reading.every:
            items = (item for item in store.items() if item.status == "done" and not item.is_probe)
        else:
            items = kept_items(store, run_config(folder))
        for item in items:
            bundle = store.payload(item.scenario_id)
            trajectory = Trajectory.model_validate(bundle["trajectory"])
            if trajectory.stop_reason in _BROKEN:
                continue
            verdict = Verdict.model_validate(bundle["verdict"])
            own = Rubric.model_validate(store.payload(verdict.rubric_id))
            yield Subject(
                id=trajectory.id,
                source=str(folder),
                transcript=transcript_of(trajectory),
                rubric=own if reading.rubric is None else reading.rubric,
                checks=_checks(verdict, own) if reading.rubric is None else None,
                group=trajectory.id,
            )


def _checks(verdict: Verdict, rubric: Rubric) -> Verdict:
    """Return a verdict without what judges once said."""
    outcomes = tuple(
        outcome
        if criterion.check is not None
        else CriterionOutcome(criterion=criterion.name, outcome="unanswered")
        for criterion, outcome in zip(rubric.criteria, verdict.outcomes, strict=True)
    )
    return verdict.model_copy(update={"outcomes": outcomes, "judge": "checks"})


def _imported(one: Imported, source: str, reading: Reading) -> Subject:
    rubric = reading.rubric or reading.shared
    return Subject(
        id=one.id,
        source=source,
        transcript=transcript_of_imported(one),
        rubric=rubric,
        checks=None,
        labels=tuple(_labels(one, rubric, reading)),
        group=one.task.id or one.id,
    )


def _labels(one: Imported, rubric: Rubric, reading: Reading) -> Iterator[CriterionLabel]:
    """Yield a source's labels: of several for one criterion the worst counts."""
    names = {criterion.name for criterion in rubric.criteria}
    found: dict[str, tuple[Truth, Label]] = {}
    for label in one.labels:
        unmapped = OVERALL if label.name == reading.overall else label.name
        criterion = (reading.names or {}).get(label.name, unmapped)
        truth = _truth(label)
        if truth is None or (criterion != OVERALL and criterion not in names):
            continue
        if criterion not in found or truth == "not_met":
            found[criterion] = (truth, label)
    for criterion, (truth, label) in found.items():
        yield CriterionLabel(
            subject=one.id,
            criterion=criterion,
            truth=truth,
            by="import",
            who=label.name,
            note=label.justification or label.text,
            group=one.task.id or one.id,
        )


def _truth(label: Label) -> Truth | None:
    """Return what a label says: a number is met at the top of its scale, or at 1.

    None = it says nothing.
    """
    if label.value == "unknown":
        return None
    if isinstance(label.value, str):
        return label.value
    top = 1.0 if label.scale is None else label.scale.high
    return "met" if label.value >= top else "not_met"
