"""Rubrics from YAML files: shared ones, cut to the kind of task, or with criteria of its own."""

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from agentsynth.core.criteria import ChangeCheckpoint, CheckpointCheck, PatternCheck, called_in
from agentsynth.core.resources import bundled
from agentsynth.core.rubric import Criterion, Rubric
from agentsynth.core.task import TaskKind
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["load_rubric", "rubric_for", "unknown_names", "whole_rubric", "with_own_criteria"]


def load_rubric(path: Path) -> Rubric:
    """Return the rubric in a file.

    Raises:
        UserError: with file, line and field, for anything that is not a rubric.
    """
    return validate(Rubric, load_yaml(path))


@lru_cache(maxsize=16)
def whole_rubric(path: str | None = None) -> Rubric:
    """Return the rubric of a run; None = the bundled `tool_use.yaml`."""
    return load_rubric(Path(path) if path is not None else bundled("rubrics") / "tool_use.yaml")


@lru_cache(maxsize=64)
def rubric_for(kind: TaskKind, path: str | None = None) -> Rubric:
    """Return the criteria that apply to a kind of task.

    Args:
        path: a rubric file; None = the bundled `tool_use.yaml`.
    """
    whole = whole_rubric(path)
    fitting = tuple(c for c in whole.criteria if not c.kinds or kind in c.kinds)
    return Rubric(name=f"{whole.name}/{kind}", criteria=fitting)


def with_own_criteria(rubric: Rubric, name: str, criteria: Sequence[Criterion]) -> Rubric:
    """Return a rubric with more criteria behind its own, under another name: that of one task.

    Raises:
        ValidationError: two criteria of one name.
    """
    return Rubric(name=name, criteria=(*rubric.criteria, *criteria))


def unknown_names(
    rubric: Rubric, tools: Collection[str], entities: Collection[str]
) -> Iterator[str]:
    """Yield a line for every tool and entity a rubric speaks of that is not there.

    In a shared rubric such a criterion does not apply, and that may be meant; in one written for a
    domain it is a slip.

    Args:
        entities: empty = a live domain, whose entities nobody declares.
    """
    for criterion in rubric.criteria:
        check = criterion.check
        if not isinstance(check, PatternCheck | CheckpointCheck):
            continue
        for called in called_in(check):
            if called.tool not in tools:
                yield f"criterion {criterion.name!r}: there is no tool {called.tool!r}"
        if isinstance(check, CheckpointCheck) and entities:
            for point in check.checkpoints:
                if isinstance(point, ChangeCheckpoint) and point.change.entity not in entities:
                    yield f"criterion {criterion.name!r}: no entity {point.change.entity!r}"
