"""Calibrate judges from what they said and labels they had no part in; read what came of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from agentsynth.core.errors import UserError
from agentsynth.core.labels import OVERALL, CriterionLabel
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.judge.calibrate import Labelled, calibrate, labelled
from agentsynth.judge.panel import Opinion
from agentsynth.judge.trust import Calibration, Floor
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.grading import CHECKS, JUDGED, Judgement
from agentsynth.pipeline.panel import panel_name
from agentsynth.pipeline.rows import open_run, run_config
from agentsynth.pipeline.settling import read_cases, settling_of

__all__ = [
    "RUBRICS",
    "Evidenced",
    "calibrated",
    "evidence_in",
    "load_calibration",
    "read_judged",
    "run_calibration",
]

RUBRICS = "rubrics.json"
"""Beside judgements: the rubrics they are of, a list."""
_RUBRICS = TypeAdapter(list[Rubric])


@dataclass(frozen=True)
class Evidenced:
    """What judges said, with the truth where it is known."""

    judge: str
    cases: tuple[Labelled, ...]
    questions: tuple[Criterion, ...]
    unused: tuple[CriterionLabel, ...] = ()
    """Labels of conversations or criteria that nobody judged."""


def load_calibration(path: Path, judge: str) -> Calibration:
    """Return what is known of a judge.

    Args:
        judge: who is to judge, as `panel_name` names it.

    Raises:
        UserError: if the file is none, or is about somebody else.
    """
    try:
        found = Calibration.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{path}: {where}: {first['msg']}; `agentsynth judge calibrate` writes this file"
        ) from None
    if found.judge != judge:
        raise UserError(
            f"{path}: this is what is known of {found.judge}, and {judge} is to judge; another "
            "model, setting, prompt or panel has to be measured by itself"
        )
    return found


def run_calibration(config: RunConfig) -> Calibration | None:
    """Return what a run's config says is known of its judges; None = nothing.

    Raises:
        UserError: if the file is no calibration, or of another judge.
    """
    if config.judging.calibration is None:
        return None
    judge = panel_name(config.judges(), config.judging.asking)
    return load_calibration(Path(config.judging.calibration), judge)


def read_judged(folder: Path) -> tuple[list[Judgement], dict[str, Rubric]]:
    """Return the judgements in a folder that `judge` wrote, and their rubrics by id.

    Raises:
        UserError: with file and line, if it holds none.
    """
    path = folder / JUDGED
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
        rubrics = _RUBRICS.validate_json((folder / RUBRICS).read_text(encoding="utf-8"))
    except OSError:
        raise UserError(
            f"{folder}: neither a run nor judgements ({JUDGED} and {RUBRICS}); name a folder that "
            "`agentsynth run` or `agentsynth judge` wrote"
        ) from None
    except UnicodeDecodeError as error:
        raise UserError(f"{folder}: not what `judge` writes: {error}") from None
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        raise UserError(f"{folder / RUBRICS}: not what `judge` writes: {message}") from None
    judgements: list[Judgement] = []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                judgements.append(Judgement.model_validate_json(line))
            except ValidationError as error:
                message = error.errors()[0]["msg"]
                raise UserError(f"{path}:{number}: not what `judge` writes: {message}") from None
    return judgements, {rubric.id: rubric for rubric in rubrics}


def evidence_in(folders: Sequence[Path], labels: Sequence[CriterionLabel]) -> Evidenced:
    """Return what judges said in runs and judgements, beside all labels there are.

    Args:
        labels: further ones, of people for example.

    Raises:
        UserError: if a folder holds nothing of the kind, or different judges judged in them.
    """
    by_subject: dict[str, list[CriterionLabel]] = {}
    for label in labels:
        by_subject.setdefault(label.subject, []).append(label)
    used: set[int] = set()
    judges: dict[str, Path] = {}
    cases: list[Labelled] = []
    questions: dict[str, Criterion] = {}
    for folder in folders:
        reads = _of_run if (folder / "store.db").is_file() else _of_judged
        for judge, criteria, found in reads(folder, by_subject, used):
            judges.setdefault(judge, folder)
            for criterion in criteria:
                _same_question(questions, criterion, folder)
            cases += found
    if len(judges) != 1:
        told = "; ".join(f"{name} in {where}" for name, where in judges.items()) or "nobody"
        raise UserError(f"one judge is calibrated at a time, and here judged {told}")
    unused = tuple(label for label in labels if id(label) not in used)
    return Evidenced(next(iter(judges)), tuple(cases), tuple(questions.values()), unused)


def calibrated(evidenced: Evidenced, *, floor: Floor, seed: int) -> Calibration:
    """Return what is known of the judge at each question."""
    return calibrate(
        evidenced.cases, evidenced.questions, judge=evidenced.judge, floor=floor, seed=seed
    )


_Found = tuple[str, Sequence[Criterion], list[Labelled]]


def _of_run(
    folder: Path, labels: Mapping[str, Sequence[CriterionLabel]], used: set[int]
) -> Iterator[_Found]:
    """Yield what judges of a run said of mutants, and of rows that have a label.

    A row that mutants were made of is presumed to be sound; where it has a label, that counts.
    """
    with open_run(folder) as store:
        settling = settling_of(store, run_config(folder))
        asked = [one for one in settling.rubric.criteria if one.question is not None]
        if not settling.judge:
            raise UserError(f"{folder}: no judge sat in this run; there is nobody to calibrate")
        names = {one.name for one in asked}
        cases: list[Labelled] = []
        for item in store.items():
            own = labels.get(item.trajectory_id, ())
            beside: list[Labelled] = []
            if item.judged and own:
                bundle = store.payload(item.scenario_id)
                opinions = [Opinion.model_validate(one) for one in bundle["opinions"]]
                beside = _beside(opinions, own, item.trajectory_id, used)
            told = {case.criterion for case in beside}
            cases += beside
            cases += [
                case
                for case in read_cases(item)
                if case.criterion in names and not (case.by == "check" and case.criterion in told)
            ]
        yield settling.judge, asked, cases


def _of_judged(
    folder: Path, labels: Mapping[str, Sequence[CriterionLabel]], used: set[int]
) -> Iterator[_Found]:
    """Yield what the judges of `judge` said of conversations that have a label."""
    judgements, rubrics = read_judged(folder)
    for one in judgements:
        rubric = rubrics.get(one.rubric_id)
        if rubric is None:
            raise UserError(f"{folder / RUBRICS}: the rubric {one.rubric_id} is not in it")
        asked = [criterion for criterion in rubric.criteria if criterion.question is not None]
        own = (*one.labels, *labels.get(one.subject, ()))
        failed = [criterion.name for criterion in asked] if one.error is not None else []
        if one.judge == CHECKS:
            raise UserError(f"{folder}: no judge sat here; there is nobody to calibrate")
        yield one.judge, asked, _beside(one.opinions, own, one.group, used, failed)


def _beside(
    opinions: Iterable[Opinion],
    labels: Iterable[CriterionLabel],
    group: str,
    used: set[int],
    failed: Sequence[str] = (),
) -> list[Labelled]:
    """Return opinions beside labels; a person's takes precedence over any other on a criterion."""
    said = {one.criterion: one for one in opinions}
    chosen: dict[str, CriterionLabel] = {}
    for label in labels:
        if label.criterion == OVERALL or not (label.criterion in said or label.criterion in failed):
            continue
        used.add(id(label))
        before = chosen.get(label.criterion)
        if before is None or (label.by == "person" and before.by != "person"):
            chosen[label.criterion] = label
    return [
        labelled(
            name,
            said.get(name),
            defect=label.truth == "not_met",
            group=label.group or group,
            by=label.by,
            condition=label.condition,
            sort=label.who if label.by == "mutant" else "",
        )
        for name, label in sorted(chosen.items())
    ]


def _same_question(known: dict[str, Criterion], criterion: Criterion, folder: Path) -> None:
    """Take in a question.

    Raises:
        UserError: if another question has its name.
    """
    before = known.setdefault(criterion.name, criterion)
    if before.question_id != criterion.question_id:
        raise UserError(
            f"{folder}: the question {criterion.name!r} is worded differently than in the folders "
            "before it; what was said to the one says nothing of the other"
        )
