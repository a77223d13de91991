"""The states in which a tool is held against its contract: fresh, later, and after other calls."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

from agentsynth.core.contract import Contracts
from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor
from agentsynth.plan.argument_origins import Origins, origins_of
from agentsynth.plan.arguments import Pools, explore
from agentsynth.plan.contract_goals import Goals
from agentsynth.worlds.base import SCHEDULED, Base
from agentsynth.worlds.contract_eval import CompiledContract, ContractMistake, Situation
from agentsynth.worlds.contract_outcome import Promise, compile_promise
from agentsynth.worlds.contract_parts import Snapshot, entity_shapes
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld

__all__ = ["Bench", "StartState", "ToolContract"]

_GROWN_BY = 6
"""Calls made before, at most, in a state that has grown."""
_TRIES = 80


@dataclass(frozen=True)
class StartState:
    """Where a call is made: a world's seed, how many days later, and the calls made before."""

    world_seed: int
    days_later: int = 0
    calls: tuple[ToolCall, ...] = ()


@dataclass(frozen=True)
class ToolContract:
    """A tool with its contract, compiled."""

    compiled: CompiledContract
    promise: Promise
    goals: Goals
    origins: Origins
    parameters: dict[str, dict[str, Any]]
    writes: bool


@dataclass
class Bench:
    """A domain and its contracts, and the states to try them in."""

    world: CompiledDomain
    contracts: Contracts
    seed: int = 0
    tools: dict[str, ToolContract] = field(init=False)
    _bases: dict[tuple[int, int], Base] = field(init=False, default_factory=lambda: {})

    def __post_init__(self) -> None:
        shapes = entity_shapes(self.domain.entities)
        self.tools = {}
        for name, contract in self.contracts.tools.items():
            tool = self.domain.tools.get(name) or self.domain.user_tools[name]
            parameters = dict(tool.parameters)
            defaults = {key: schema.get("default") for key, schema in parameters.items()}
            compiled = CompiledContract(name, contract, shapes, defaults)
            self.tools[name] = ToolContract(
                compiled=compiled,
                promise=compile_promise(compiled),
                goals=Goals(compiled, parameters),
                origins=origins_of(contract, self.domain, list(parameters)),
                parameters=parameters,
                writes=tool.kind == "write",
            )

    @property
    def domain(self) -> Domain:
        """The domain on the bench."""
        return self.world.domain

    def open(self, state: StartState) -> DeclarativeWorld:
        """Return a world of its own in this state."""
        world = DeclarativeWorld(self.world, self._base(state.world_seed, state.days_later))
        for call in state.calls:
            world.answer_now(call, self.actor(call.name))
        return world

    def actor(self, tool: str) -> Actor:
        """Return whose tool it is."""
        return "assistant" if tool in self.domain.tools else "user"

    def snapshot(self, state: StartState) -> Snapshot:
        """Return a state as plain records."""
        world = self.open(state)
        names = [*self.domain.entities, SCHEDULED]
        tables = {name: dict(world.state.records(name, {})) for name in names}
        return Snapshot(tables, world.state.today, now=world.state.now)

    def pools(self, tool: str, before: Snapshot, rng: random.Random) -> Pools:
        """Return the arguments worth trying with a tool in this state."""
        one = self.tools[tool]
        return Pools(one.parameters, one.origins, self.domain, before, rng)

    def success(self, tool: str, before: Snapshot, rng: random.Random) -> Situation | None:
        """Return a call that the contract promises to succeed; None = none was found.

        Raises:
            ContractMistake: the contract cannot be evaluated.
        """
        compiled = self.tools[tool].compiled
        for situation in islice(explore(compiled, self.pools(tool, before, rng), rng), _TRIES):
            if not situation.codes and situation.covered and self.accepts(tool, situation):
                return situation
        return None

    def accepts(self, tool: str, situation: Situation) -> bool:
        """Whether the arguments fit the tool's schema."""
        return self.world.checkers[tool].error(situation.arguments) is None

    def states(self, worlds: int) -> tuple[StartState, ...]:
        """Return the states that every tool is tried in: three of each world."""
        found: list[StartState] = []
        for number in range(worlds):
            rng = random.Random(derive_seed("contract states", self.seed, number))
            fresh = StartState(world_seed=number)
            later = StartState(number, days_later=self._days_to_a_date(fresh, rng))
            found += [fresh, self._grown(fresh, rng), later]
        return tuple(found)

    def _grown(self, state: StartState, rng: random.Random) -> StartState:
        """Return a state after some random successful calls."""
        writes = [name for name, tool in self.tools.items() if tool.writes]
        for _ in range(_GROWN_BY if writes else 0):
            tool = rng.choice(writes)
            try:
                found = self.success(tool, self.snapshot(state), rng)
                call = _call(tool, found, state.calls) if found is not None else None
                if call is not None and self._succeeds(state, call):
                    state = StartState(state.world_seed, state.days_later, (*state.calls, call))
            except (ContractMistake, DomainError):
                continue  # the tool's own cases report it
        return state

    def _succeeds(self, state: StartState, call: ToolCall) -> bool:
        return not self.open(state).answer_now(call, self.actor(call.name)).is_error

    def _days_to_a_date(self, state: StartState, rng: random.Random) -> int:
        """Return how far ahead a date of some record is, so that it is today there."""
        tables, today = (
            self._base(state.world_seed, 0).tables,
            self._base(state.world_seed, 0).today,
        )
        ahead = [
            days
            for name, entity in self.domain.entities.items()
            for column, spec in entity.fields.items()
            if spec.type == "date"
            for record in tables[name].values()
            if record[column] is not None and 0 < (days := _days(today, record[column])) < 400
        ]
        return rng.choice(ahead) if ahead else 1

    def _base(self, world_seed: int, days_later: int) -> Base:
        if not days_later:
            return self.world.base(world_seed)
        if (world_seed, days_later) not in self._bases:
            base = self.world.base(world_seed)
            today = (date.fromisoformat(base.today) + timedelta(days=days_later)).isoformat()
            later = Base(base.tables, seed=base.seed, today=today, opens_at=base.now[11:])
            self._bases[world_seed, days_later] = later
        return self._bases[world_seed, days_later]


def _call(tool: str, situation: Situation, before: Sequence[ToolCall]) -> ToolCall:
    return ToolCall(id=f"call_{len(before)}", name=tool, arguments=dict(situation.arguments))


def _days(start: str, end: str) -> int:
    return (date.fromisoformat(end) - date.fromisoformat(start)).days
