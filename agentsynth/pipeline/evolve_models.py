"""Evolution driven by a model: one proposal after the other, into the same archive."""

import random
import shutil
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from agentsynth.core.caller import Caller
from agentsynth.core.errors import UserError
from agentsynth.core.ids import derive_seed
from agentsynth.evolve.synthetic.archive import Entry, cell_of
from agentsynth.evolve.synthetic.masks import similarity
from agentsynth.evolve.synthetic.vocabulary import vocabularies
from agentsynth.models.deadline import Clocks
from agentsynth.models.settings import ModelSettings
from agentsynth.pipeline.evolve import (
    NEAR,
    Archived,
    Evolution,
    load_archive,
    masked_domain,
    save_archive,
)
from agentsynth.pipeline.proposing import Gap, Proposed, propose
from agentsynth.pipeline.seats import Modelling

__all__ = ["evolve_by_model"]

_KNOWN = 12
"""Ways of running things that a model is told of: the most frequent ones."""

Log = Callable[[str], None]


async def evolve_by_model(
    folder: Path, settings: ModelSettings, *, asks: int, seed: int, log: Log
) -> Evolution:
    """Ask a model for so many domains; those that stand join the archive, the others are counted.

    Args:
        folder: is there, and holds the archive; it is begun where there is none.
        settings: the model. Its exchanges are kept in `FOLDER/exchanges`.

    Raises:
        UserError: if the folder was begun with another seed, or the model cannot be reached at all.
        ModelError: if no further call can succeed.
    """
    from agentsynth.pipeline.endpoints import Endpoints  # noqa: PLC0415  (HTTP clients are heavy)

    state = load_archive(folder) or Evolution(seed)
    if state.seed != seed:
        raise UserError(f"{folder}: this was begun with --seed {state.seed}; go on with that one")
    async with AsyncExitStack() as stack:
        modelling = Modelling(recordings=folder / "exchanges", at=datetime.now(UTC), seed=seed)
        seat = await Endpoints(modelling, stack, random.Random(seed)).seat(settings)
        for _ in range(asks):
            name = f"evolved/proposed-{state.next}"
            place = folder / f"proposed-{state.next}"
            timeouts = settings.timeouts
            model = seat.stack(Clocks(rollout_s=timeouts.rollout))
            caller = Caller(model, "evolver", name, 0, place=state.next, seed=seed)
            made = await propose(
                caller, _gap(state), place, name=name,
                seed=derive_seed("proposed", seed, state.next) % 1_000_000,
                as_json=settings.mode == "action",
            )  # fmt: skip
            state.next += 1
            log(f"{name}: {_take_in(state, folder, place, name, made)}")
            save_archive(state, folder)
    return state


def _gap(state: Evolution) -> Gap:
    """Return the category that there is least of, and what is there already."""
    there = Counter(one.entry.cell.category for one in state.domains)
    categories = sorted({words.category for words in vocabularies().values()})
    known = Counter(name for one in state.domains for name in one.entry.archetypes)
    return Gap(
        category=min(categories, key=lambda one: there[one]),
        known=tuple(name for name, _ in known.most_common(_KNOWN)),
    )


def _take_in(state: Evolution, folder: Path, place: Path, name: str, made: Proposed) -> str:
    """Keep a domain that stands and differs; return what became of it."""
    reason = made.reason
    if made.grown is not None:
        form = masked_domain(folder, name)
        others = (masked_domain(folder, one.entry.name) for one in state.domains)
        if not any(similarity(form, other) >= NEAR for other in others):
            blueprint = made.grown.blueprint
            entry = Entry(
                name=name, vocabulary=blueprint.category[1], archetypes=blueprint.archetypes,
                operators=blueprint.operators, parent=(), generation=0,
                cell=cell_of(blueprint, made.grown.tools), form=form.form,
            )  # fmt: skip
            state.domains.append(
                Archived(
                    entry=entry,
                    blueprint=blueprint,
                    tools=made.grown.tools,
                    calls=made.grown.calls,
                    requests=made.grown.requests,
                    repaired=made.grown.repaired,
                )
            )
            return f"stands, {made.grown.tools} tools, after {made.answers} answers"
        reason = "near copy"
    shutil.rmtree(place, ignore_errors=True)
    state.dropped[f"proposed: {reason.split(':')[0]}"] += 1
    return f"dropped after {made.answers} answers: {reason}"
