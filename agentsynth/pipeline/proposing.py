"""The model driver: a model proposes a domain, what fails goes back with the errors.

At most three times; then it is dropped and counted. What stands has been tested as every evolved
domain is. A proposal is data from first to last: nothing of it is executed but through the worlds.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.frozen import Frozen
from agentsynth.core.messages import AssistantMessage, Message, UserMessage
from agentsynth.core.prompts import prompt_id, render_prompt
from agentsynth.evolve.synthetic.blueprint import Blueprint
from agentsynth.evolve.synthetic.deepen import with_rules
from agentsynth.evolve.synthetic.grow import sow
from agentsynth.evolve.synthetic.operators import restyled
from agentsynth.evolve.synthetic.proposal import example, read_proposal, schema
from agentsynth.pipeline.growing import Grown, certify_blueprint

__all__ = ["EVOLVER_PROMPTS", "Gap", "Proposed", "propose"]

_PACKAGE = "agentsynth.evolve"
EVOLVER_PROMPTS = (prompt_id(_PACKAGE, "domain"), prompt_id(_PACKAGE, "domain_again"))
"""Ids of the prompts; part of where a proposed domain came from."""
MENDED = 3
"""Times that a proposal goes back with its errors."""
_SHOWN = 20_000
"""Characters of its own answer that a model sees again."""


class Gap(Frozen):
    """What the archive lacks."""

    category: str
    known: tuple[str, ...] = ()
    """Ways of running things that are there already."""


@dataclass(frozen=True)
class Proposed:
    """What came of asking for one domain."""

    grown: Grown | None
    """None = nothing that stands."""
    answers: int
    """Answers that the model gave."""
    problems: tuple[tuple[str, ...], ...]
    """What was wrong with each answer that did not stand."""

    @property
    def reason(self) -> str:
        """Why it was dropped; "" = it stands."""
        return "" if self.grown is not None else self.problems[-1][0] if self.problems else ""


async def propose(
    caller: Caller, gap: Gap, folder: Path, *, name: str, seed: int, as_json: bool
) -> Proposed:
    """Ask for one domain, test it, and send back what is wrong with it.

    Args:
        folder: where its files are written; they are left there whatever comes of it.
        name: what it is called.
        seed: draws its interface and its worlds.
        as_json: whether the model answers under a schema; False = it is only asked to.
    """
    described = schema()
    asked: list[Message] = [
        UserMessage(
            content=render_prompt(
                _PACKAGE, "domain", category=gap.category, known=gap.known, example=example(),
                schema=described,
            )
        )
    ]  # fmt: skip
    wrong: list[tuple[str, ...]] = []
    for answers in range(1, MENDED + 2):
        try:
            reply = await caller.ask(asked, schema=described if as_json else None)
        except ModelError as error:
            if error.ends_run:
                raise
            return Proposed(None, answers - 1, (*wrong, (f"model error: {error.fault}",)))
        stands, problems = await _tested(reply.text, folder, name, seed, gap)
        if stands is not None:
            return Proposed(stands, answers, tuple(wrong))
        wrong.append(tuple(problems))
        asked += [
            AssistantMessage(content=reply.text[:_SHOWN]),
            UserMessage(content=render_prompt(_PACKAGE, "domain_again", problems=problems)),
        ]
    return Proposed(None, MENDED + 1, tuple(wrong))


async def _tested(
    text: str, folder: Path, name: str, seed: int, gap: Gap
) -> tuple[Grown | None, Sequence[str]]:
    """Return the domain if it stands, or what is wrong with it."""
    try:
        blueprint = _blueprint(text, name, seed, gap)
    except ValueError as error:
        return None, str(error).splitlines()
    grown = await certify_blueprint(blueprint, folder)
    if grown.stands:
        return grown, ()
    return None, [grown.reason, *(f"taken out: {one}" for one in grown.repaired)]


def _blueprint(text: str, name: str, seed: int, gap: Gap) -> Blueprint:
    """Return the blueprint of a proposal.

    Raises:
        ValueError: saying what is wrong.
    """
    proposal = read_proposal(text)
    if proposal.vocabulary.category != gap.category:
        raise ValueError(f"vocabulary.category: {gap.category!r} was asked for")
    rng = random.Random(seed)
    made = sow(proposal.archetype, proposal.vocabulary, rng, name=name, spoken=proposal.spoken())
    made = with_rules(restyled(made, rng), rng)
    return made.model_copy(
        update={"seed": seed % 1_000_000, "operators": ("proposed", *EVOLVER_PROMPTS)}
    )
