"""How like its server a shadow is: the same calls on both, from the same state, compared.

The server is filled through its own tools, its state is read with its own read tools, and the
shadow starts from that state. Before anything is compared, a few calls of every tool show how the
server lays its answers out; none of them is scored, and only a benchmark lets the shadow take that
over. Then both are given the same calls. Of every call of a tool:

- format: half for the same outcome (both answer, or both refuse); half for the layout, which is the
  share of the property names in the shadow's answer that the server's answer has too (0 where the
  server answers in prose);
- facts: the F1 score of the values that calls had written or named, in both answers; what the
  shadow says beyond the server's answer counts against it unless the server's state says it too;
- state: after a write, the share of records that both have, times the share of their fields, as far
  as the server shows them, that are equal.

A tool's fidelity is the mean of the parts over its calls; a server's, that over its tools. A tool
is admitted where it is high enough, for a tool that writes the state part by itself too, and where
some of the calls were answered over records that the server keeps: refusing alike, or showing
nothing alike, is no likeness, and neither is saying the right thing and writing another.
"""

import random
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.evolve.shadows.model import Inferred, Operation
from agentsynth.pipeline.comparing import (
    json_of,
    key_in,
    leaves,
    like_facts,
    like_layout,
    like_records,
    mean,
    translated,
)
from agentsynth.pipeline.duel import Duel, LiveCall
from agentsynth.worlds.declarative import CompiledDomain

__all__ = ["ADMITTED", "Compile", "Fidelity", "LiveCall", "ToolFidelity", "measure"]

Compile = Callable[[Mapping[str, Operation]], CompiledDomain]
"""Gives the shadow's domain with these operations."""

ADMITTED = 0.8
"""Score, and state of a tool that writes, from which a tool's shadow is said to be like it."""
_CALLS = 12
"""Calls of every tool that are compared."""
_ANSWERED = 4
"""Of them, those that both sides have to answer before anything is said of the tool."""


@dataclass
class ToolFidelity:
    """One tool's scores, each from 0 to 1."""

    tool: str
    format: list[float] = field(default_factory=list[float])
    facts: list[float] = field(default_factory=list[float])
    state: list[float] = field(default_factory=list[float])
    """Empty for tools that only read."""
    answered: int = 0
    """Calls that both sides answered while the server kept a record of the kind."""

    @property
    def admitted(self) -> bool:
        """Whether the shadow is like the tool, and was seen to be so on enough calls."""
        same_state = not self.state or mean(self.state) >= ADMITTED
        return self.answered >= _ANSWERED and self.score >= ADMITTED and same_state

    @property
    def score(self) -> float:
        """The mean of its parts."""
        parts = [mean(part) for part in (self.format, self.facts, self.state) if part]
        return mean(parts)

    def as_fields(self) -> dict[str, Any]:
        """Return the scores as flat JSON."""
        return {
            "tool": self.tool,
            "calls": len(self.format),
            "format": round(mean(self.format), 3),
            "facts": round(mean(self.facts), 3),
            "state": round(mean(self.state), 3) if self.state else None,
            "score": round(self.score, 3),
        }


@dataclass
class Fidelity:
    """One server's scores."""

    tools: dict[str, ToolFidelity]

    @property
    def score(self) -> float:
        """The mean over its tools."""
        return mean([tool.score for tool in self.tools.values() if tool.format])


async def measure(
    live: LiveCall,
    compile_with: Compile,
    inferred: Inferred,
    operations: Mapping[str, Operation],
    *,
    seed: int,
    only: Collection[str] | None = None,
) -> Fidelity:
    """Compare a shadow with its running server, which has no records yet.

    Args:
        live: calls the server.
        compile_with: gives the shadow's domain with these operations, which lay their results out
            as the server does; one that was written already is given as it is.
        inferred: for its entities.
        operations: the shadow's tools.
        seed: draws the calls; the same seed makes the same calls.
        only: the tools that are compared; None = all.
    """
    duel = Duel(live, inferred, operations, random.Random(seed))
    await duel.fill()
    await duel.observe()
    await duel.take_over(compile_with(duel.operations))
    return Fidelity(await _played(duel, duel.operations if only is None else only))


async def _played(duel: Duel, only: Collection[str]) -> dict[str, ToolFidelity]:
    """Give both sides the same calls; return each tool's scores."""
    chosen = [name for name in duel.operations if name in only]
    found = {name: ToolFidelity(name) for name in chosen}
    turns = [name for name in chosen for _ in range(_CALLS)]
    duel.rng.shuffle(turns)
    turns.sort(key=lambda name: duel.operations[name].deed == "delete")  # last, or none is left
    for name in turns:
        one = duel.operations[name]
        arguments = duel.call(one)
        if arguments is not None:
            await _compared(duel, one, arguments, found[name])
    return found


async def _compared(
    duel: Duel, one: Operation, arguments: dict[str, Any], score: ToolFidelity
) -> None:
    """Make one call on both sides and note how alike they are then."""
    assert duel.world is not None
    text, error = await duel.live(one.tool, arguments)
    call = ToolCall(id="c", name=one.tool, arguments=translated(arguments, duel.twin))
    try:
        answer = duel.world.call_now(call)
    except DomainError:
        score.format.append(0.0)  # the server's state does not fit the shadow's fields
        score.facts.append(0.0)
        return
    ours = json_of(answer.content)
    if one.deed == "create" and not error and not answer.is_error:
        key = duel.note_key(one, arguments, text)
        own = key_in(ours, duel.entities[one.entity])
        if key is not None and own is not None:
            duel.twin[key] = own
    if error or answer.is_error:
        same = error == answer.is_error
        score.format.append(1.0 if same else 0.0)
        score.facts.append(1.0 if same else 0.0)
    else:
        score.format.append((1 + like_layout(ours, json_of(text))) / 2)
        true = set(leaves(list((await duel.shown(one.entity)).values())))
        score.facts.append(like_facts(ours, text, known=duel.known, twin=duel.twin, true=true))
        score.answered += bool(duel.keys[one.entity])
    if one.deed not in ("get", "list"):
        theirs, own_records = await duel.shown(one.entity), duel.own(one.entity)
        entity = duel.entities[one.entity]
        score.state.append(like_records(theirs, own_records, duel.twin, entity))
