"""How judges are asked, and how much of a run goes to measuring them: settings of a run."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from agentsynth.core.frozen import Frozen
from agentsynth.judge.panel import Order
from agentsynth.judge.trust import Floor
from agentsynth.models.settings import ModelSettings

__all__ = ["Asking", "JudgingConfig"]


class Asking(Frozen):
    """How judges are asked."""

    ask: Literal["together", "one_each"] = "together"
    """All questions in one prompt, or a prompt for each."""
    samples: int = Field(default=1, ge=1, le=32)
    """How often each judge is asked the same."""
    orders: Annotated[tuple[Order, ...], Field(min_length=1, max_length=2)] = ("given",)
    """`given` = questions and choices as the rubric has them; `reversed` = the other way round."""
    quorum: float = Field(default=0.5, ge=0, lt=1)
    """More than this share of the ballots on a question must be readable."""

    @model_validator(mode="after")
    def _each_order_once(self) -> "Asking":
        if len(set(self.orders)) < len(self.orders):
            raise ValueError("an order is given twice; 'samples' says how often each is asked")
        return self


class JudgingConfig(Frozen):
    """How a run judges, and how it measures who judges."""

    panel: tuple[ModelSettings, ...] = ()
    """Judges beside the one of `models`."""
    asking: Asking = Asking()
    mutants: float = Field(default=0.05, ge=0, le=1)
    """Share of the conversations that the checks keep of which mutants are made: changed in a way
    whose effect is known, and put to checks and judges. They are measured with, never exported."""
    calibration: str | None = None
    """File that `judge calibrate` made, relative to the config; None = nothing is known of the
    judges yet."""
    floor: Floor = Floor()
    """What a criterion has to reach to be used."""
    refit: int = Field(default=200, ge=10)
    """After every so many places the judges are calibrated anew on the mutants so far."""
