"""Open what turns the places of a run into rows: domains, a witness, the models in the seats."""

from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack

from agentsynth.pipeline.calibrating import run_calibration
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.pipeline.seats import UNMODELLED, Modelling, open_seats
from agentsynth.pipeline.simulation import NOTHING_SIMULATED
from agentsynth.pipeline.witness import open_witness
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits

__all__ = ["open_worker", "playable_elsewhere"]


async def open_worker(
    config: RunConfig,
    stack: AsyncExitStack,
    *,
    log: Callable[[str], None],
    names: Iterable[str] | None = None,
    modelling: Modelling = UNMODELLED,
) -> Worker:
    """Return what turns the places of a run into rows.

    Args:
        stack: keeps what live domains hold open.
        log: takes one line per slow step.
        names: the domains to open; None = all that have a weight.
        modelling: how models in the seats are recorded, replayed and paid.
    """
    weighted = [n for n, weight in config.domains.items() if weight]
    chosen = weighted if names is None else list(names)
    runtimes = await open_runtimes(chosen, stack, log=log, unconfined=config.unconfined)
    own_state = [name for name in chosen if runtimes[name].domain.live is None]
    witness = None
    if own_state:
        witness = await stack.enter_async_context(open_witness(own_state))
    seats = await open_seats(config.models, modelling, stack, config.judging.panel)
    simulation = NOTHING_SIMULATED
    if "tools" in config.models.seated():
        from agentsynth.pipeline.refused import simulation_of  # noqa: PLC0415  (makes shadows)

        simulation = simulation_of(config, runtimes)
    return Worker(
        config,
        runtimes,
        Limits(),
        witness,
        seats,
        calibration=run_calibration(config),
        simulation=simulation,
    )


def playable_elsewhere(worker: Worker) -> frozenset[str]:
    """Return the domains that worker processes can play: all but the live ones."""
    return frozenset(n for n, runtime in worker.runtimes.items() if runtime.domain.live is None)
