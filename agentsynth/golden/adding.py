"""New goldens: rows of a run with what its checks found, or conversations with labels."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from agentsynth.core.errors import UserError
from agentsynth.core.labels import OVERALL, CriterionLabel, LabelMaker
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.rubric import HARMLESS_SORTS, MutantSort, Rubric
from agentsynth.core.trajectory import Trajectory
from agentsynth.core.transcript import transcript_of_imported
from agentsynth.golden.golden import Golden, GoldenLabel, Played
from agentsynth.golden.load import rubric_named
from agentsynth.judge.mutants import mutate
from agentsynth.pipeline.importing import IMPORTED, read_imported
from agentsynth.pipeline.rows import Row, find_row, open_run, read_row
from agentsynth.pipeline.simulation import simulated_in

__all__ = ["append_goldens", "from_labels", "from_rows", "golden_line", "mutants_of_goldens"]

_ROW_FIELDS = ("met", "not_met", "not_applicable")


def from_rows(
    run: Path,
    names: Sequence[str],
    rubrics: Sequence[str],
    file: Path,
    *,
    must_pass: bool,
    who: str,
) -> list[Golden]:
    """Return goldens of a run's rows, labelled with what the checks of the run found.

    What a check could not tell, and questions, are left without a label.

    Args:
        file: the file they are to stand in; rubrics and domains are relative to it.

    Raises:
        UserError: if a row is not there, or cannot be played again from what a golden holds.
    """
    known = _criteria(rubrics, file)
    made: list[Golden] = []
    with open_run(run) as store:
        for name in names:
            row = read_row(store, find_row(store, run, name))
            labels: dict[str, GoldenLabel] = {}
            for outcome in row.verdict.outcomes:
                checked = known.get(outcome.criterion) == "check"
                if checked and outcome.outcome in _ROW_FIELDS:
                    note = outcome.evidence
                    labels[outcome.criterion] = GoldenLabel(
                        truth=outcome.outcome, by="check", who=who, note=note
                    )
            accept = row.decision.kept or row.decision.reason.startswith("duplicate")
            made.append(_played(row, rubrics, file, labels, accept, must_pass=must_pass))
    return made


def from_labels(
    run: Path,
    labels: Sequence[CriterionLabel],
    rubrics: Sequence[str],
    file: Path,
    *,
    must_pass: bool,
    who: str,
) -> tuple[list[Golden], list[str]]:
    """Return goldens of the conversations that labels speak of, and what could not be made.

    Args:
        run: folder of a run, whose trajectories the labels name, or of an import.
    """
    by_subject: dict[str, list[CriterionLabel]] = {}
    for label in labels:
        by_subject.setdefault(label.subject, []).append(label)
    imported = {}
    if (run / IMPORTED).is_file():
        imported = {one.id: one for one in read_imported(run)}
    known = _criteria(rubrics, file)
    made: list[Golden] = []
    problems: list[str] = []
    for subject, mine in by_subject.items():
        try:
            truths, accept = _truths(mine, known, who)
            if subject in imported:
                one = imported[subject]
                made.append(
                    Golden(
                        id=_id(one.task.domain or "imported", subject),
                        rubrics=tuple(rubrics),
                        transcript=transcript_of_imported(one),
                        accept=accept,
                        labels=truths,
                        must_pass=must_pass,
                        provenance=f"imported from {one.source.file} ({one.source.format})",
                    )
                )
                continue
            with open_run(run) as store:
                row = read_row(store, find_row(store, run, subject))
            made.append(_played(row, rubrics, file, truths, accept, must_pass=must_pass))
        except UserError as error:
            problems.append(f"{subject}: {error}")
    return made, problems


def mutants_of_goldens(goldens: Sequence[Golden], file: Path, *, seed: int) -> list[Golden]:
    """Return mutants of goldens, one of each sort that breaks something they have a label for.

    What a sort breaks is not met in the mutant; every other label is that of the original. It is
    to be accepted no more where a required check is broken.

    Args:
        file: the file they stand in; rubrics are relative to it.
    """
    made: list[Golden] = []
    for golden in goldens:
        rubrics = [rubric_named(name, file) for name in golden.rubrics]
        criteria = {c.name: c for rubric in rubrics for c in rubric.criteria}
        known = [c for name, c in criteria.items() if name in golden.labels]
        sorts: set[MutantSort] = {sort for c in known for sort in c.broken_by}
        if golden.played is None:
            continue
        ordered: list[MutantSort] = [*(sorts | HARMLESS_SORTS)]
        for sort in sorted(ordered):
            mutant = mutate(
                golden.played.trajectory,
                sort,
                seed=seed,
                writes=_changing(golden.played.trajectory),
                language=golden.played.task.language,
            )
            if mutant is None:
                continue
            broken = [c for c in known if sort in c.broken_by]
            spoilt = any(
                c.required and c.check is not None and sort in c.broken_by
                for c in criteria.values()
            )
            flips = tuple(c.name for c in broken if golden.labels[c.name].truth == "met")
            planted = {c.name: GoldenLabel(truth="not_met", by="mutant", who=sort) for c in broken}
            made.append(
                golden.model_copy(
                    update={
                        "id": f"{golden.id}-{sort.replace('_', '-')}",
                        "played": golden.played.model_copy(
                            update={"trajectory": mutant.trajectory}
                        ),
                        "accept": golden.accept and not spoilt,
                        "labels": {**golden.labels, **planted},
                        "must_pass": False,
                        "tags": (*golden.tags, "mutant"),
                        "mutant_of": golden.id,
                        "sort": sort,
                        "flips": flips,
                        "provenance": f"{sort.replace('_', ' ')} planted in {golden.id}",
                    }
                )
            )
    return made


def _changing(trajectory: Trajectory) -> frozenset[str]:
    """Return the tools that changed something in a conversation."""
    changing = {record.call_id for record in trajectory.calls if record.changes}
    return frozenset(
        call.name
        for message in trajectory.messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls
        if call.id in changing
    )


def _truths(
    labels: Sequence[CriterionLabel], known: Mapping[str, str], who: str
) -> tuple[dict[str, GoldenLabel], bool]:
    found: dict[str, GoldenLabel] = {}
    overall: bool | None = None
    for label in labels:
        if label.criterion == OVERALL:
            overall = label.truth == "met"
            continue
        if label.criterion not in known:
            raise UserError(f"none of the rubrics has a criterion {label.criterion!r}")
        made = GoldenLabel(truth=label.truth, by=label.by, who=label.who or who, note=label.note)
        before = found.setdefault(label.criterion, made)
        if before.truth != made.truth:
            raise UserError(
                f"two labels of {label.criterion!r} contradict each other; settle it and keep one"
            )
    if overall is None:
        overall = all(label.truth != "not_met" for label in found.values())
    return found, overall


def _criteria(rubrics: Sequence[str], file: Path) -> dict[str, str]:
    loaded: list[Rubric] = [rubric_named(name, file) for name in rubrics]
    return {
        c.name: "check" if c.question is None else "question" for r in loaded for c in r.criteria
    }


def _played(
    row: Row,
    rubrics: Sequence[str],
    file: Path,
    labels: Mapping[str, GoldenLabel],
    accept: bool,
    *,
    must_pass: bool,
) -> Golden:
    if simulated_in(row.agent):
        raise UserError(
            f"row {row.trajectory.id}: it has tools without semantics; no golden can play it again"
        )
    makers: set[LabelMaker] = {label.by for label in labels.values()}
    return Golden(
        id=_id(row.task.domain, row.trajectory.id),
        domain=_domain(row, file),
        rubrics=tuple(rubrics),
        played=Played(
            task=row.task, tools=tuple(sorted(row.agent.tool_names)), trajectory=row.trajectory
        ),
        accept=accept,
        labels=dict(labels),
        must_pass=must_pass,
        tags=(row.task.kind,),
        provenance=f"a run's row, labelled by {', '.join(sorted(makers)) or 'nobody'}",
    )


def _domain(row: Row, file: Path) -> str:
    """Return how the golden names its domain: a folder is made relative to the file."""
    name = row.item.domain
    folder = Path(name)
    if not (folder / "domain.yaml").is_file() or name == row.task.domain:
        return name
    return Path(os.path.relpath(folder.resolve(), file.parent.resolve())).as_posix()


def _id(domain: str, subject: str) -> str:
    slug = re.sub(r"[^a-z0-9]+", "_", domain.lower()).strip("_") or "golden"
    return f"{slug}-{subject.rpartition(':')[2][:10].lower()}"


def golden_line(golden: Golden) -> str:
    """Return a golden as a line of its file, without the fields that say nothing."""
    said = golden.model_fields_set | {"schema_version"}
    plain = golden.model_dump(mode="json", include=said)
    return json.dumps(
        {k: v for k, v in plain.items() if v not in (None, [], {}, "", False) or k == "accept"},
        ensure_ascii=False,
    )


def append_goldens(file: Path, goldens: Sequence[Golden]) -> list[str]:
    """Append goldens to a file; return the ids that any file of its folder has already.

    Those are left as they are.
    """
    taken: set[str] = set()
    for other in sorted(file.parent.glob("*.jsonl")):
        for line in other.read_text(encoding="utf-8").split("\n"):
            if line.strip():
                taken.add(str(json.loads(line).get("id")))
    fresh = {golden.id: golden for golden in goldens if golden.id not in taken}
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(golden_line(g) + "\n" for g in fresh.values())
    with file.open("a", encoding="utf-8", newline="\n") as opened:
        opened.write(text)
    return [golden.id for golden in goldens if golden.id in taken]
