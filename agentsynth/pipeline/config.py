"""One frozen tree of settings, read from YAML. No globals, no environment."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from agentsynth.core.errors import UserError
from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.lexicon import Language
from agentsynth.core.task import KINDS, TaskKind
from agentsynth.models.prices import NANO
from agentsynth.models.settings import ModelSettings, sampling_of
from agentsynth.pipeline.asking import JudgingConfig
from agentsynth.pipeline.mixing import draw_mixtures
from agentsynth.worlds.files import Loaded, load_yaml, validate
from agentsynth.worlds.load import domain_names, evolved_names, shadow_names
from agentsynth.worlds.mix import JOINT

__all__ = ["BudgetConfig", "RunConfig", "SeatName", "TargetConfig", "load_config", "with_seed"]

SeatName = Literal["assistant", "user", "judge", "composer", "task_writer", "tools"]
"""The seats of a run that a model may take. Those of the conversation come first: what models of
`composer` and `task_writer` write is there before it begins; `tools` answers in its course."""

_NOWHERE = "https://not-published.invalid/v1"
"""Stands in an export for the address of an endpoint."""

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


def _seat(value: Any) -> Any:
    if isinstance(value, str) and value not in ("scripted", "local"):
        raise ValueError("'scripted', 'local', or a mapping with 'url' and 'model' was expected")
    return {"model": "local"} if value == "local" else value


def _which(value: Any) -> str | None:
    return "scripted" if value == "scripted" else "model"


Seated = Annotated[
    Annotated[Literal["scripted"], Tag("scripted")] | Annotated[ModelSettings, Tag("model")],
    Discriminator(_which),
    BeforeValidator(_seat),
]
"""`scripted`, `local`, or a model's settings."""


def _is_scripted(value: object) -> bool:
    return value == "scripted"


class ModelsConfig(Frozen):
    """Who plays which role."""

    user: Seated = "scripted"
    assistant: Seated = "scripted"
    judge: Seated = "scripted"
    """`scripted` = the checks decide; questions for a judge stay unanswered and are counted."""
    composer: Seated = Field(default="scripted", exclude_if=_is_scripted)
    """Who writes the agents' system prompts and says what they serve."""
    task_writer: Seated = Field(default="scripted", exclude_if=_is_scripted)
    """Who words what the users want."""
    tools: Seated = Field(default="scripted", exclude_if=_is_scripted)
    """Who answers for tools that have no semantics; `scripted` = there are no such tools."""

    def seated(self) -> dict[SeatName, ModelSettings]:
        """Return the models by role; scripted roles are left out."""
        roles: tuple[SeatName, ...] = get_args(SeatName)
        given: dict[SeatName, object] = {role: getattr(self, role) for role in roles}
        return {role: one for role, one in given.items() if isinstance(one, ModelSettings)}


class BudgetConfig(Frozen):
    """What the models of a run may spend at most; exactly one of the two."""

    usd: float | None = Field(default=None, gt=0)
    """US dollars; every model then needs a price."""
    tokens: int | None = Field(default=None, ge=1)
    """Tokens read and written."""

    @model_validator(mode="after")
    def _one(self) -> "BudgetConfig":
        if (self.usd is None) == (self.tokens is None):
            raise ValueError("give either 'usd' or 'tokens'")
        return self

    @property
    def limit(self) -> int:
        """The cap in billionths of a dollar, or in tokens."""
        return round(self.usd * NANO) if self.usd is not None else self.tokens or 0


class MixedConfig(Frozen):
    """Agents with the tools of several of the run's domains."""

    share: float = Field(gt=0, lt=1)
    """Share of the tasks that are theirs."""
    agents: int = Field(default=8, ge=1, le=500)
    """How many different mixtures there are."""
    domains: int = Field(default=3, ge=2, le=6)
    """Domains of each."""


class SimulatedConfig(Frozen):
    """Tools without semantics beside those of an agent; none without a model in `tools`."""

    tools: int = Field(default=3, ge=0, le=16)
    """At most so many of a shadowed server's own tools for each agent. Those that a domain declares
    are all offered."""


class RunConfig(Identified):
    """Everything that decides what rows come out."""

    version: Literal[1]
    seed: int = Field(default=0, ge=0)
    target: TargetConfig
    domains: dict[str, Weight] = Field(min_length=1)
    """Domain name, folder, or pattern (`shadow/*`: each name's share) to its share of tasks."""
    mixed: MixedConfig | None = Field(default=None, exclude_if=lambda mixed: mixed is None)
    """Mixtures of these domains to draw; on loading they become domains of their own, named by
    their parts (`one+other`). None = none but those that `domains` names."""
    kinds: dict[Literal["default"] | TaskKind, Weight] = {}
    """Task kind to its share; `default` stands for the kinds not named (1 if absent)."""
    languages: dict[Language, Weight] = {"en": 1.0}
    """Language to its share; domains without a lexicon for it speak the others."""
    samples: int = Field(default=1, ge=1, le=64)
    """Rollouts per task."""
    models: ModelsConfig = ModelsConfig()
    simulated: SimulatedConfig = Field(
        default=SimulatedConfig(), exclude_if=lambda one: one == SimulatedConfig()
    )
    """Which tools the model in `tools` answers for."""
    judging: JudgingConfig = Field(
        default=JudgingConfig(), exclude_if=lambda one: one == JudgingConfig()
    )
    """How judges are asked, and how checks and judges are measured as the run goes on."""
    budget: BudgetConfig | None = None
    """None = no cap."""
    rollout_tries: int = Field(default=2, ge=1, le=10)
    """How often a rollout in which a model gave no reply is played, each time in a fresh world."""
    least_score: float | None = Field(default=None, ge=0, le=1)
    """Least score of a kept row; None = 1, or 0.9 where a model judges."""
    probes: float = Field(default=0.2, ge=0, le=0.9)
    """Share of all rollouts that are flawed probes of the checks."""
    rubric: str | None = None
    """Path of a rubric file, relative to the config; None = the bundled one."""
    export: tuple[Literal["canonical"], ...] = ("canonical",)
    unconfined: bool = Field(default=False, exclude=True)
    """True = live servers that nobody has reviewed may start without a sandbox where there is none.
    It says what is allowed on this machine, and so is stored and published nowhere."""

    @model_validator(mode="after")
    def _some_weight(self) -> "RunConfig":
        if not any(self.domains.values()):
            raise ValueError("at least one domain needs a weight above 0")
        if not any(self.kind_weights().values()):
            raise ValueError("at least one task kind needs a weight above 0")
        if not any(self.languages.values()):
            raise ValueError("at least one language needs a weight above 0")
        if self.models.judge == "scripted" and (self.judging.panel or self.judging.calibration):
            raise ValueError("'judging' has a panel or a calibration: give 'models' a 'judge' too")
        return self

    def kind_weights(self) -> dict[TaskKind, float]:
        """Return the share of every kind."""
        default = self.kinds.get("default", 1.0)
        return {kind: self.kinds.get(kind, default) for kind in KINDS}

    def identity(self) -> dict[str, Any]:
        """Return all that decides the rows: a run with the same can be resumed and extended.

        Its size and its budget are left out, and of the models whatever says only how they are
        reached.
        """
        plain = self.model_dump(mode="json", exclude={"target", "budget", "rollout_tries"})
        plain["models"] = {
            role: one if one == "scripted" else sampling_of(getattr(self.models, role))
            for role, one in plain["models"].items()
        }
        if self.judging.panel:
            plain["judging"]["panel"] = [sampling_of(one) for one in self.judging.panel]
        if self.judging.calibration is not None:
            del plain["judging"]["calibration"]  # what is in it counts, not where it lies
        return plain

    def published(self) -> dict[str, Any]:
        """Return the config as the export names it: nothing of where the models are reached."""
        plain = self.model_dump(mode="json")
        for role, settings in self.models.seated().items():
            nowhere = {"url": _NOWHERE} if settings.via == "http" else {}
            plain["models"][role] = {**sampling_of(settings), **nowhere}
        if self.judging.panel:
            plain["judging"]["panel"] = [
                {**sampling_of(one), **({"url": _NOWHERE} if one.via == "http" else {})}
                for one in self.judging.panel
            ]
        return plain

    def judges(self) -> tuple[ModelSettings, ...]:
        """Return who answers the rubric's questions; empty = nobody."""
        first = self.models.judge
        return () if isinstance(first, str) else (first, *self.judging.panel)

    def keep_score(self) -> float:
        """Return the least score of a kept row."""
        if self.least_score is not None:
            return self.least_score
        return 1.0 if self.models.judge == "scripted" else 0.9


def load_config(path: Path, *, domains: Sequence[str] | None = None) -> RunConfig:
    """Return the run config in a YAML file.

    Args:
        domains: what is played, in the file's place, which then may not say it; empty = it is told
            later. None = the file says it.

    Raises:
        UserError: with file, line and field, for every mistake.
    """
    loaded = load_yaml(path)
    if not isinstance(loaded.value, dict):
        raise UserError(f"{path}: a run config is a mapping; see examples/quickstart.yaml")
    if domains is not None:
        for told in ("domains", "mixed"):
            if told in loaded.value:
                message = f"leave {told!r} out: what is played is not for this config to say"
                raise UserError(str(loaded.problem((told,), message)))
        given = {**loaded.value, "domains": dict.fromkeys(domains or ["-"], 1.0)}
        return _with_paths(validate(RunConfig, replace(loaded, value=given)), path, loaded)
    config = validate(RunConfig, loaded)
    played = _expanded(config, loaded)
    if config.mixed is not None:
        played = _with_mixtures(played, config.mixed, loaded)
    update = {"domains": played, "mixed": None}
    return _with_paths(config.model_copy(update=update), path, loaded)


def _with_mixtures(
    domains: dict[str, float], mixed: MixedConfig, loaded: Loaded
) -> dict[str, float]:
    """Return the domains with mixtures of those that have a weight, each with the same share."""
    names = [name for name, weight in domains.items() if weight and JOINT not in name]
    drawn = draw_mixtures(names, agents=mixed.agents, parts=mixed.domains)
    if not drawn:
        message = f"no {mixed.domains} of these domains can be mixed; name more of them"
        raise UserError(str(loaded.problem(("mixed",), message)))
    weight = sum(domains.values()) * mixed.share / (1 - mixed.share) / len(drawn)
    return {**dict.fromkeys(drawn, weight), **domains}


def _expanded(config: RunConfig, loaded: Loaded) -> dict[str, float]:
    """Return the domains with patterns such as `shadow/*` replaced by the names that fit.

    A name that is given itself keeps its own weight; a pattern's weight is that of each name.
    """
    known = [*domain_names(), *shadow_names(), *evolved_names()]
    found = {name: weight for name, weight in config.domains.items() if "*" not in name}
    for pattern, weight in config.domains.items():
        if "*" not in pattern:
            continue
        fitting = [name for name in known if fnmatchcase(name, pattern)]
        if not fitting:
            hint = "; make shadows with `agentsynth tools shadow`" if "shadow" in pattern else ""
            hint = "; make some with `agentsynth evolve`" if "evolved" in pattern else hint
            message = f"no domain is named like {pattern!r}{hint}"
            raise UserError(str(loaded.problem(("domains", pattern), message)))
        found = {**dict.fromkeys(fitting, weight), **found}
    return dict(sorted(found.items())) if len(found) > len(config.domains) else found


def _with_paths(config: RunConfig, path: Path, loaded: Loaded) -> RunConfig:
    """Return the config with file names made relative to where it lies."""
    if config.rubric is not None:
        rubric = path.parent / config.rubric
        if not rubric.is_file():
            raise UserError(str(loaded.problem(("rubric",), f"no such file: {rubric}")))
        config = config.model_copy(update={"rubric": str(rubric)})
    if config.judging.calibration is not None:
        fitted = path.parent / config.judging.calibration
        if not fitted.is_file():
            place = ("judging", "calibration")
            message = f"no such file: {fitted}; `agentsynth judge calibrate` makes one"
            raise UserError(str(loaded.problem(place, message)))
        judging = config.judging.model_copy(update={"calibration": str(fitted)})
        config = config.model_copy(update={"judging": judging})
    return config


def with_seed(config: RunConfig, seed: int | None) -> RunConfig:
    """Return the config with another seed; None = unchanged."""
    return config if seed is None else config.model_copy(update={"seed": seed})
