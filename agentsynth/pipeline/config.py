"""One frozen tree of settings, read from YAML. No globals, no environment."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.lexicon import Language
from agentsynth.core.task import KINDS, TaskKind
from agentsynth.worlds.files import Loaded, load_yaml, validate

__all__ = ["RunConfig", "TargetConfig", "load_config", "with_seed"]

Weight = Annotated[float, Field(ge=0)]


class TargetConfig(Frozen):
    """How much to make; exactly one of the two."""

    kept: int | None = Field(default=None, ge=1)
    """Rows that survive; as many tasks are played as it takes."""
    tasks: int | None = Field(default=None, ge=1)
    """Tasks to play, whatever survives."""

    @model_validator(mode="after")
    def _one(self) -> "TargetConfig":
        if (self.kept is None) == (self.tasks is None):
            raise ValueError("give either 'kept' or 'tasks'")
        return self


class ModelsConfig(Frozen):
    """Who plays which role."""

    user: Literal["scripted"] = "scripted"
    assistant: Literal["scripted"] = "scripted"
    judge: Literal["scripted"] = "scripted"
    """`scripted` = the checks decide; questions for a judge stay unanswered and are counted."""


class RunConfig(Identified):
    """Everything that decides what rows come out."""

    version: Literal[1]
    seed: int = Field(default=0, ge=0)
    target: TargetConfig
    domains: dict[str, Weight] = Field(min_length=1)
    """Domain name or folder to its share of tasks."""
    kinds: dict[Literal["default"] | TaskKind, Weight] = {}
    """Task kind to its share; `default` stands for the kinds not named (1 if absent)."""
    languages: dict[Language, Weight] = {"en": 1.0}
    """Language to its share; domains without a lexicon for it speak the others."""
    samples: int = Field(default=1, ge=1, le=64)
    """Rollouts per task."""
    models: ModelsConfig = ModelsConfig()
    probes: float = Field(default=0.2, ge=0, le=0.9)
    """Share of all rollouts that are flawed probes of the checks."""
    rubric: str | None = None
    """Path of a rubric file, relative to the config; None = the bundled one."""
    export: tuple[Literal["canonical"], ...] = ("canonical",)

    @model_validator(mode="after")
    def _some_weight(self) -> "RunConfig":
        if not any(self.domains.values()):
            raise ValueError("at least one domain needs a weight above 0")
        if not any(self.kind_weights().values()):
            raise ValueError("at least one task kind needs a weight above 0")
        if not any(self.languages.values()):
            raise ValueError("at least one language needs a weight above 0")
        return self

    def kind_weights(self) -> dict[TaskKind, float]:
        """Return the share of every kind."""
        default = self.kinds.get("default", 1.0)
        return {kind: self.kinds.get(kind, default) for kind in KINDS}

    def identity(self) -> dict[str, Any]:
        """Return all settings but the size: a run with the same can be resumed and extended."""
        return self.model_dump(mode="json", exclude={"target"})


def load_config(path: Path) -> RunConfig:
    """Return the run config in a YAML file.

    Raises:
        UserError: with file, line and field, for every mistake.
    """
    loaded = load_yaml(path)
    if not isinstance(loaded.value, dict):
        raise UserError(f"{path}: a run config is a mapping; see examples/quickstart.yaml")
    config = validate(RunConfig, loaded)
    return _with_paths(config, path, loaded)


def _with_paths(config: RunConfig, path: Path, loaded: Loaded) -> RunConfig:
    """Return the config with file names made relative to where it lies."""
    if config.rubric is None:
        return config
    rubric = path.parent / config.rubric
    if not rubric.is_file():
        raise UserError(str(loaded.problem(("rubric",), f"no such file: {rubric}")))
    return config.model_copy(update={"rubric": str(rubric)})


def with_seed(config: RunConfig, seed: int | None) -> RunConfig:
    """Return the config with another seed; None = unchanged."""
    return config if seed is None else config.model_copy(update={"seed": seed})
