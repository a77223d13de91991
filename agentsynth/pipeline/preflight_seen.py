"""What a preflight sees of a model: values only."""

from dataclasses import dataclass

from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.config import SeatName
from agentsynth.pipeline.preflight_suite import Scores

__all__ = ["Mode", "Seen"]


@dataclass(frozen=True)
class Mode:
    """How a model does in one mode."""

    scores: Scores
    replies_s: float
    """Replies a second, with `at_once` questions open."""
    tokens_s: float | None
    """Tokens written a second, all replies together; None = the endpoint counts none."""
    at_once: int
    faults: dict[str, int]
    """Fault to the number of questions it left without an answer."""
    detail: str
    """The first of them in the endpoint's words."""


@dataclass(frozen=True)
class Seen:
    """What was seen of one model."""

    settings: ModelSettings
    seats: tuple[SeatName, ...]
    unreachable: str = ""
    """Why it cannot be used at all; "" = it answers."""
    near: tuple[str, ...] = ()
    """Names at the endpoint that may have been meant."""
    listed: bool | None = None
    """Whether the endpoint lists the model; None = it lists none."""
    context: int | None = None
    structured: bool = False
    """Whether `response_format` is kept to."""
    native: Mode | None = None
    """None = not tried."""
    action: Mode | None = None
    reasoning: str = ""
    """Field in which reasoning came; "" = none came."""
    usage: bool = False
    """Whether tokens are counted."""
    cached: bool = False
    """Whether tokens read from the endpoint's cache are counted."""
    price: str = ""
    """Where the price comes from; "" = unknown."""
    per_million: tuple[float, float] | None = None
    """US dollars for a million tokens read and written."""

    def mode(self) -> Mode | None:
        """Return how it does in the mode it is configured for."""
        return self.native if self.settings.mode == "native" else self.action
