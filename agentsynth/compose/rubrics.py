"""Rubrics from YAML files: the shared ones, cut to the kind of task."""

from functools import lru_cache
from pathlib import Path

from agentsynth.core.resources import bundled
from agentsynth.core.rubric import Rubric
from agentsynth.core.task import TaskKind
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["load_rubric", "rubric_for", "whole_rubric"]


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
