"""Who judges: the panel that settings make."""

from collections.abc import Callable, Sequence
from itertools import count

from agentsynth.core.caller import Caller
from agentsynth.core.ids import content_id
from agentsynth.judge.panel import Member, Order, Panel
from agentsynth.judge.questions import ModelJudge
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.actors import Cast, role_of
from agentsynth.pipeline.asking import Asking
from agentsynth.pipeline.seats import Seat

__all__ = ["OpenCaller", "judge_name", "panel_name", "panel_of", "rollout_panel"]

OpenCaller = Callable[[int, Order], Caller]
"""Gives what asks a model, for a sample and an order."""


def judge_name(settings: ModelSettings) -> str:
    """Return how ballots name a judge: the model, and the id of its settings and prompts."""
    return f"{settings.model} {content_id(role_of('judge', settings).model)}"


def panel_name(models: Sequence[ModelSettings], asking: Asking) -> str:
    """Return who judges: each judge, and how they are asked unless it is the plain way."""
    names = " + ".join(judge_name(one) for one in models)
    how = asking.model_dump(mode="json", exclude_defaults=True)
    return f"{names} asked {content_id(how)}" if how else names


def panel_of(judges: Sequence[tuple[ModelSettings, OpenCaller]], asking: Asking) -> Panel:
    """Return the panel of these judges."""
    return Panel(
        members=[_member(settings, opened, asking) for settings, opened in judges],
        one_each=asking.ask == "one_each",
        quorum=asking.quorum,
    )


def rollout_panel(cast: Cast, asking: Asking) -> Panel | None:
    """Return the judges of a rollout; None = nobody judges.

    Judgements are numbered as they are opened, so that each call of a judge has a key of its own.
    """
    seats = cast.seats.judges()
    if not seats:
        return None
    numbers = count()

    def opened(seat: Seat) -> OpenCaller:
        return lambda _sample, _order: cast.judge(seat, next(numbers))

    return panel_of([(seat.settings, opened(seat)) for seat in seats], asking)


def _member(settings: ModelSettings, opened: OpenCaller, asking: Asking) -> Member:
    def judge(sample: int, order: Order) -> ModelJudge:
        as_json = settings.mode == "action"
        return ModelJudge(opened(sample, order), as_json=as_json, reverse=order == "reversed")

    return Member(judge_name(settings), judge, asking.samples, asking.orders)
