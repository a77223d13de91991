"""`judge` and `judge calibrate`: what judges say, and how far they are to be trusted."""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.cli.rubrics import rubric_path
from agentsynth.cli.spending import print_models, recordings_in, spent_before
from agentsynth.compose.rubrics import load_rubric
from agentsynth.core.errors import UserError
from agentsynth.core.imported import ImportProblem
from agentsynth.core.labels import OVERALL, CriterionLabel, read_labels, write_labels
from agentsynth.core.rubric import Rubric
from agentsynth.judge.trust import Calibration, Floor
from agentsynth.models.budget import LocalTill
from agentsynth.models.prices import NANO
from agentsynth.models.tally import Tally
from agentsynth.pipeline.calibrating import (
    RUBRICS,
    calibrated,
    evidence_in,
    load_calibration,
)
from agentsynth.pipeline.grading import (
    JUDGED,
    Grader,
    JudgeFile,
    Judgement,
    agreement,
    graded,
    open_grader,
)
from agentsynth.pipeline.panel import panel_name
from agentsynth.pipeline.seats import Modelling
from agentsynth.pipeline.subject_mutants import with_mutants
from agentsynth.pipeline.subjects import Reading, Subject, subjects_in
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["calibrate_command", "judge_command"]


def judge_command(options: argparse.Namespace) -> int:
    """Judge; the exit code is 1 if a conversation could not be read or judged."""
    _check(options)
    file = None if options.judge is None else _judge_file(Path(options.judge))
    subjects, problems = _subjects(options, file)
    out = Path(options.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--out {out}: cannot be made ({error.strerror}); name a folder") from None
    started = time.monotonic()
    judging = asyncio.run(_judged(subjects, file, out, options))
    report = _report(judging, problems, file, time.monotonic() - started)
    _write(out, judging, subjects, report)
    if options.json:
        emit("summary", {**report, "out": str(out)})
    else:
        _print_report(report, out)
    return 1 if problems or report["errors"] else 0


def _check(options: argparse.Namespace) -> None:
    """Raise a `UserError` for a number that is out of its range."""
    if not 0 <= options.mutants <= 1:
        raise UserError(f"--mutants {options.mutants:g}: a share, from 0 to 1, was expected")
    if options.limit is not None and options.limit < 1:
        raise UserError("--limit is at least 1")
    if options.concurrency < 1:
        raise UserError("--concurrency is at least 1")


def _judge_file(path: Path) -> JudgeFile:
    file = validate(JudgeFile, load_yaml(path))
    if file.calibration is None:
        return file
    return file.model_copy(update={"calibration": str(path.parent / file.calibration)})


def _subjects(
    options: argparse.Namespace, file: JudgeFile | None
) -> tuple[list[Subject], list[ImportProblem]]:
    chosen = None if options.rubric is None else load_rubric(rubric_path(options.rubric))
    shared = load_rubric(rubric_path("whole"))
    reading = Reading(
        rubric=chosen,
        shared=shared,
        every=options.all,
        overall=options.overall,
        names=_names(options.map, chosen or shared),
    )
    found = list(subjects_in([Path(name) for name in options.sources], reading))
    problems = [one for one in found if isinstance(one, ImportProblem)]
    subjects = [one for one in found if isinstance(one, Subject)][: options.limit]
    for problem in problems:
        where = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        told = f"{where}: expected {problem.expected}; found {problem.found}"
        if options.json:
            emit("problem", problem.model_dump(mode="json"))
        else:
            console.print(f"[red]not read[/red] {escape(told)}")
    if not subjects:
        raise UserError(f"{', '.join(options.sources)}: there is no conversation to judge")
    seed = 0 if file is None else file.seed
    return with_mutants(subjects, share=options.mutants, seed=seed), problems


def _names(given: Sequence[str], rubric: Rubric) -> dict[str, str]:
    """Return labels of a source and what they are called here."""
    known = [OVERALL, *(criterion.name for criterion in rubric.criteria)]
    names: dict[str, str] = {}
    for one in given:
        label, sign, criterion = one.partition("=")
        if not (label and sign and criterion):
            raise UserError(f"--map {one!r}: LABEL=CRITERION was expected")
        if criterion not in known:
            raise UserError(
                f"--map {one!r}: the rubric {rubric.name!r} has no criterion {criterion!r}, only "
                f"{', '.join(known)}"
            )
        names[label] = criterion
    return names


@dataclass
class _Judging:
    grader: Grader
    judgements: list[Judgement] = field(default_factory=lambda: [])


async def _judged(
    subjects: Sequence[Subject], file: JudgeFile | None, out: Path, options: argparse.Namespace
) -> _Judging:
    modelling = _modelling(file, out, options)
    async with AsyncExitStack() as stack:
        grader = await open_grader(file, modelling, stack, _known(file))
        judging = _Judging(grader)
        async for one in graded(subjects, grader, at_once=options.concurrency):
            judging.judgements.append(one)
            if options.json:
                emit("judged", _line(one))
            elif one.error is not None:
                console.print(f"[red]no opinion[/red] {one.subject}: {escape(one.error)}")
        return judging


def _modelling(file: JudgeFile | None, out: Path, options: argparse.Namespace) -> Modelling:
    if file is None:
        return Modelling()
    budget, recordings = file.budget, out / "recordings"
    till = None
    if budget is not None and options.replay is None:
        till = LocalTill(budget.limit, spent_before(budget, recordings))
    return Modelling(
        recordings=recordings,
        replay=None if options.replay is None else recordings_in(Path(options.replay)),
        till=till,
        unit="tokens" if budget is not None and budget.usd is None else "usd",
        in_flight=options.concurrency,
        at=datetime.now(UTC),
        seed=file.seed,
    )


def _known(file: JudgeFile | None) -> Calibration | None:
    if file is None or file.calibration is None:
        return None
    return load_calibration(Path(file.calibration), panel_name(file.models, file.asking))


def _line(one: Judgement) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "source": one.source,
        "accepted": one.accepted,
        "score": one.score,
        "outcomes": {o.criterion: o.outcome for o in one.outcomes},
        "disagreement": {o.criterion: o.disagreement for o in one.opinions if o.disagreement},
        "appeals": list(one.appeals),
        "error": one.error,
    }


def _report(
    judging: _Judging, problems: Sequence[ImportProblem], file: JudgeFile | None, seconds: float
) -> dict[str, Any]:
    judgements = judging.judgements
    own = [one for one in judgements if not any(label.by == "mutant" for label in one.labels)]
    opinions = [opinion for one in judgements for opinion in one.opinions]
    least = judging.grader.least_score
    seed = 0 if file is None else file.seed
    split = [one for one in opinions if one.disagreement]
    return {
        "schema_version": 1,
        "judge": judging.grader.name,
        "judged": len(own),
        "mutants": len(judgements) - len(own),
        "not_read": len(problems),
        "accepted": sum(one.accepted is True for one in own),
        "not_accepted": sum(one.accepted is False for one in own),
        "undecided": sum(one.accepted is None for one in own),
        "errors": sum(one.error is not None for one in judgements),
        "opinions": len(opinions),
        "with_disagreement": len(split),
        "flipped_by_order": sum(one.flipped for one in opinions),
        "with_appeals": sum(bool(one.appeals) for one in own),
        "agreement": agreement(judgements, least_score=least, seed=seed),
        "models": _used(judging.grader.tally),
        "seconds": round(seconds, 2),
    }


def _used(tally: Tally) -> dict[str, Any]:
    """Return what judges used; nothing where none was asked."""
    if not tally.roles:
        return {}
    cost = tally.cost
    usd = None if cost is None else cost / NANO
    return {"roles": tally.plain, "tokens": tally.tokens, "usd": usd}


def _write(
    out: Path, judging: _Judging, subjects: Sequence[Subject], report: Mapping[str, Any]
) -> None:
    """Write everything; what an earlier judging wrote there is replaced."""
    rubrics = {subject.rubric.id: subject.rubric.plain for subject in subjects}
    part = out / f"{JUDGED}.part"
    with part.open("w", encoding="utf-8", newline="\n") as lines:
        for one in judging.judgements:
            lines.write(json.dumps(one.model_dump(mode="json"), ensure_ascii=False) + "\n")
    labels = [label for one in judging.judgements for label in one.labels]
    write_labels(out / "labels.jsonl", labels)
    text = json.dumps([rubric for _, rubric in sorted(rubrics.items())], ensure_ascii=False)
    (out / RUBRICS).write_text(text + "\n", encoding="utf-8")
    (out / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    part.replace(out / JUDGED)


def _print_report(report: Mapping[str, Any], out: Path) -> None:
    console.print(
        f"[bold]{report['judged']} judged[/bold] by {escape(report['judge'])}: "
        f"{report['accepted']} accepted, {report['not_accepted']} not, "
        f"{report['undecided']} undecided; {report['errors']} without an opinion"
    )
    if report["with_disagreement"] or report["flipped_by_order"]:
        console.print(
            f"disagreement on {report['with_disagreement']} of {report['opinions']} opinions, "
            f"{report['flipped_by_order']} turned by the order of the answers"
        )
    for name, figures in report["agreement"].items():
        told = ", ".join(
            f"{key} {value['value']:.2f} ({value['low']:.2f} to {value['high']:.2f})"
            for key, value in figures["figures"].items()
        )
        console.print(
            f"  {escape(name)}: {figures['cases']} labels, {figures['defects']} of them not met, "
            f"{figures['unanswered']} unanswered; {told or 'no figure is defined'}"
        )
    print_models(report["models"])
    console.print(f"written to {escape(str(out))}: {JUDGED}, report.json, labels.jsonl")


def calibrate_command(options: argparse.Namespace) -> int:
    """Calibrate; the exit code is 1 if a criterion is under the floor."""
    labels = [label for name in options.labels for label in read_labels(Path(name))]
    evidenced = evidence_in([Path(name) for name in options.folders], labels)
    found = calibrated(evidenced, floor=_floor(options), seed=options.seed)
    out = Path(options.out)
    try:
        out.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"--out {out}: cannot be written ({error.strerror})") from None
    for name, one in found.criteria.items():
        if options.json:
            emit("criterion", {"criterion": name, **one.model_dump(mode="json")})
        else:
            shown = {"used": "green", "off": "red"}.get(one.trust, "yellow")
            word = one.trust.replace("_", " ")
            console.print(f"  [{shown}]{word:<9}[/{shown}] {name}: {escape(one.why)}")
    under = [name for name, one in found.criteria.items() if one.trust != "used"]
    _tell_unused(evidenced.unused, as_json=options.json)
    summary = {
        "judge": found.judge,
        "used": len(found.criteria) - len(under),
        "off": [n for n in under if found.criteria[n].trust == "off"],
        "to_people": [n for n in under if found.criteria[n].trust == "to_people"],
        "cases": len(evidenced.cases),
        "unused_labels": len(evidenced.unused),
        "out": str(out),
    }
    if options.json:
        emit("summary", summary)
    else:
        told = f"{summary['used']} of {len(found.criteria)} criteria are used"
        console.print(f"{escape(found.judge)}: {told}; written to {escape(str(out))}")
    return 1 if under else 0


def _floor(options: argparse.Namespace) -> Floor:
    given = {"kappa": options.kappa, "false_accept": options.false_accept}
    try:
        return Floor.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        raise UserError(f"--{'-'.join(map(str, first['loc']))}: {first['msg']}") from None


def _tell_unused(labels: Sequence[CriterionLabel], *, as_json: bool) -> None:
    for label in labels[:20]:
        told = f"nobody judged {label.criterion} of {label.subject}; its label is not used"
        if as_json:
            emit("unused_label", label.model_dump(mode="json"))
        else:
            console.print(f"[yellow]{escape(told)}[/yellow]")
    if len(labels) > 20 and not as_json:
        console.print(f"[yellow]… and {len(labels) - 20} more[/yellow]")
