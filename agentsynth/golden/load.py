"""A folder of goldens, read and held together: goldens, rubrics, domains by name."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from agentsynth.compose.rubrics import load_rubric
from agentsynth.core.errors import UserError
from agentsynth.core.resources import bundled
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.golden.gates import GatesFile, load_gates
from agentsynth.golden.golden import Golden
from agentsynth.judge.trust import Calibration

__all__ = ["Goldens", "Held", "domain_at", "load_goldens", "rubric_named"]


@dataclass(frozen=True)
class Held:
    """A golden with the rubrics it is held against, cut to its kind of task."""

    golden: Golden
    file: Path
    line: int
    rubrics: tuple[tuple[str, Rubric], ...]
    """As the golden names them, each with what applies."""

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Every criterion once, in order."""
        found = {c.name: c for _, rubric in self.rubrics for c in rubric.criteria}
        return tuple(found.values())

    @property
    def asked(self) -> tuple[Criterion, ...]:
        """The questions that are put to a judge: those with a label."""
        labels = self.golden.labels
        return tuple(c for c in self.criteria if c.question is not None and c.name in labels)

    @property
    def domain(self) -> str | None:
        """How the domain is found: its name or its folder; None = it is from elsewhere."""
        return domain_at(self.golden.domain, self.file)


@dataclass(frozen=True)
class Goldens:
    """A folder of goldens."""

    folder: Path
    held: tuple[Held, ...]
    """By id."""
    config: GatesFile
    rubrics: dict[str, Rubric]
    """Each rubric in full, as the goldens name it."""
    calibration: Calibration | None


def load_goldens(folder: Path, *, domain: str | None = None) -> Goldens:
    """Return what a folder holds.

    Args:
        domain: only the goldens of this domain; None = all.

    Raises:
        UserError: every file, line and field that is wrong.
    """
    config = load_gates(folder)
    found, problems = _read(folder)
    rubrics: dict[str, Rubric] = {}
    held: list[Held] = []
    for golden, file, line in found:
        if (
            domain is not None
            and golden.domain not in (domain, None)
            and not _same(domain, domain_at(golden.domain, file))
        ):
            continue
        if domain is not None and golden.domain is None:
            continue
        try:
            held.append(_held(golden, file, line, rubrics))
        except UserError as error:
            told = f"{file}:{line}: rubrics: {error}"
            problems += [] if told in problems else [told]
    problems += _unknown_parents([g for g, _, _ in found])
    if problems:
        more = [f"and {len(problems) - 20} more"] if len(problems) > 20 else []
        raise UserError("\n".join([*problems[:20], *more]))
    if not held:
        which = "" if domain is None else f" of the domain {domain!r}"
        raise UserError(f"{folder}: no golden{which} here; `agentsynth golden add` makes them")
    held.sort(key=lambda one: one.golden.id)
    return Goldens(folder, tuple(held), config, rubrics, _calibration(folder, config))


def domain_at(name: str | None, file: Path) -> str | None:
    """Return how a golden's domain is found: a folder relative to its file, or the name itself."""
    if name is None:
        return None
    beside = file.parent / name
    return str(beside) if (beside / "domain.yaml").is_file() else name


def _same(wanted: str, found: str | None) -> bool:
    one, other = Path(wanted), Path(found or "")
    return (one.is_dir() and other.is_dir() and one.samefile(other)) or wanted == other.name


def _read(folder: Path) -> tuple[list[tuple[Golden, Path, int]], list[str]]:
    found: list[tuple[Golden, Path, int]] = []
    problems: list[str] = []
    first: dict[str, str] = {}
    for file in sorted(folder.glob("*.jsonl")):
        try:
            lines = file.read_text(encoding="utf-8").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{file}: cannot be read: {error}")
            continue
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                golden = Golden.model_validate_json(line)
            except ValidationError as error:
                problems += _told(f"{file}:{number}", error)
                continue
            if golden.id in first:
                told = f"the id {golden.id!r} is taken by {first[golden.id]}; ids are unique"
                problems.append(f"{file}:{number}: id: {told}")
                continue
            first[golden.id] = f"{file}:{number}"
            found.append((golden, file, number))
    return found, problems


def _told(where: str, error: ValidationError) -> list[str]:
    told: list[str] = []
    for one in error.errors(include_url=False)[:5]:
        place = ".".join(str(part) for part in one["loc"]) or "the line"
        told.append(f"{where}: {place}: {one['msg']}")
    return told


def _unknown_parents(goldens: Sequence[Golden]) -> list[str]:
    ids = {golden.id for golden in goldens}
    return [
        f"golden {g.id!r}: mutant_of: there is no golden {g.mutant_of!r}"
        for g in goldens
        if g.mutant_of is not None and g.mutant_of not in ids
    ]


def _held(golden: Golden, file: Path, line: int, rubrics: dict[str, Rubric]) -> Held:
    cut: list[tuple[str, Rubric]] = []
    seen: dict[str, Criterion] = {}
    for name in golden.rubrics:
        whole = rubrics.get(name) or rubric_named(name, file)
        rubrics[name] = whole
        fitting = tuple(c for c in whole.criteria if _fits(c, golden))
        for criterion in fitting:
            if seen.setdefault(criterion.name, criterion) != criterion:
                raise UserError(
                    f"criterion {criterion.name!r} is one thing in {name!r} and another in a "
                    "rubric before it; a label could mean either, so rename one"
                )
        cut.append((name, Rubric(name=whole.name, criteria=fitting)))
    strange = sorted(golden.labels.keys() - {c.name for r in rubrics.values() for c in r.criteria})
    if strange:
        raise UserError(f"labels: no rubric of this golden has a criterion {strange[0]!r}")
    return Held(golden, file, line, tuple(cut))


def _fits(criterion: Criterion, golden: Golden) -> bool:
    if golden.played is not None:
        return not criterion.kinds or golden.played.task.kind in criterion.kinds
    return criterion.question is not None


def rubric_named(name: str, file: Path) -> Rubric:
    """Return a rubric as a golden names it: a file relative to the golden's, or a bundled one.

    Raises:
        UserError: if there is none, or it is not sound.
    """
    beside = file.parent / name
    places = [beside] if beside.suffix == ".yaml" else [beside.with_name(f"{beside.name}.yaml")]
    places.append(bundled("rubrics") / f"{name}.yaml")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        known = ", ".join(sorted(one.stem for one in bundled("rubrics").glob("*.yaml")))
        raise UserError(f"there is no rubric {name!r} relative to the file or among {known}")
    return load_rubric(path)


def _calibration(folder: Path, config: GatesFile) -> Calibration | None:
    if config.calibration is None:
        return None
    path = folder / config.calibration
    try:
        return Calibration.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: no calibration can be read there: {error}") from None
