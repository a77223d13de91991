"""The states in which a tool is held against its contract: fresh, later, and after other calls."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any

from agentsynth.core.contract import Contracts
from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor
from agentsynth.core.task import Change
from agentsynth.plan.argument_origins import Origins, origins_of
from agentsynth.plan.arguments import Pools
from agentsynth.plan.contract_calls import explore
from agentsynth.plan.contract_goals import Goals
from agentsynth.plan.contract_traces import Traces, traces_of
from agentsynth.worlds.base import SCHEDULED, Base
from agentsynth.worlds.bodies import bodies_of
from agentsynth.worlds.contract_eval import CompiledContract, ContractMistake, Situation
from agentsynth.worlds.contract_outcome import Promise, compile_promise
from agentsynth.worlds.contract_parts import Snapshot, entity_shapes
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld

__all__ = ["Bench", "Seen", "StartState", "ToolContract"]

_GROWN_BY = 9
"""Calls made before, at most, in a state that has grown."""
_IN_A_ROW = 3
"""How often one tool is called in such a state before the next one, so that things pile up."""
_TRIES = 80


@dataclass(frozen=True)
class StartState:
    """Where a call is made: a world's seed, how many days later, and the calls made before."""

    world_seed: int
    days_later: int = 0
    calls: tuple[ToolCall, ...] = ()
    minutes_later: int = 0
    """How long it is since those calls; what came due meanwhile has been done."""


@dataclass(frozen=True)
class Seen:
    """A state as plain records, and the traces of the calls before it."""

    before: Snapshot
    traces: Traces


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
            compiled = CompiledContract(name, contract, shapes, defaults, bodies_of(tool))
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
        return self._entered(state)[0]

    def _entered(
        self, state: StartState
    ) -> tuple[DeclarativeWorld, list[tuple[str, tuple[Change, ...]]]]:
        """Return a world in this state, and what each call on the way there changed."""
        world = DeclarativeWorld(self.world, self._base(state.world_seed, state.days_later))
        changed = [
            (call.name, world.answer_now(call, self.actor(call.name)).changes)
            for call in state.calls
        ]
        if state.minutes_later:
            changed.append(("time", world.wait_now(state.minutes_later)))
        return world, changed

    def actor(self, tool: str) -> Actor:
        """Return whose tool it is."""
        return "assistant" if tool in self.domain.tools else "user"

    def seen(self, state: StartState) -> Seen:
        """Return a state as plain records, with the traces of the calls before."""
        world, changed = self._entered(state)
        names = [*self.domain.entities, SCHEDULED]
        tables = {name: dict(world.state.records(name, {})) for name in names}
        before = Snapshot(tables, world.state.today, now=world.state.now)
        return Seen(before, traces_of(changed, self.domain, tables))

    def pools(self, tool: str, seen: Seen, rng: random.Random) -> Pools:
        """Return the arguments worth trying with a tool in this state."""
        one = self.tools[tool]
        return Pools(one.parameters, one.origins, self.domain, seen.before, rng, seen.traces)

    def success(
        self, tool: str, seen: Seen, rng: random.Random, like: Mapping[str, Any] | None = None
    ) -> Situation | None:
        """Return a call that the contract promises to succeed; None = none was found.

        Args:
            like: arguments from which to vary; None = draw some.

        Raises:
            ContractMistake: the contract cannot be evaluated.
        """
        compiled = self.tools[tool].compiled
        calls = explore(compiled, self.pools(tool, seen, rng), rng, like=like)
        for situation in islice(calls, _TRIES):
            if not situation.codes and situation.covered and self.accepts(tool, situation):
                return situation
        return None

    def accepts(self, tool: str, situation: Situation) -> bool:
        """Whether the arguments fit the tool's schema."""
        return self.world.checkers[tool].error(situation.arguments) is None

    def states(self, worlds: int) -> tuple[StartState, ...]:
        """Return the states that every tool is tried in, three or four of each world.

        Fresh; after calls of some tools, of other tools in every world; long enough after those
        for something to come due, if anything is pending; and days later.
        """
        found: list[StartState] = []
        writes = [name for name, tool in self.tools.items() if tool.writes]
        random.Random(derive_seed("contract growth", self.seed)).shuffle(writes)
        for number in range(worlds):
            rng = random.Random(derive_seed("contract states", self.seed, number))
            fresh = StartState(world_seed=number)
            later = StartState(number, days_later=self._days_to_a_date(fresh, rng))
            grown = self._grown(fresh, writes, rng)
            found += [fresh, grown, *self._waited(grown), later]
        return tuple(found)

    def _grown(self, state: StartState, writes: list[str], rng: random.Random) -> StartState:
        """Return a state after some successful calls; the tools that come are taken off."""
        for _ in range(_GROWN_BY // _IN_A_ROW if writes else 0):
            tool = writes.pop(0)
            writes.append(tool)
            for _ in range(_IN_A_ROW):
                state = self._after_one_more(state, tool, rng)
        return state

    def _after_one_more(self, state: StartState, tool: str, rng: random.Random) -> StartState:
        """Return the state after a successful call of this tool, or the same if none is found."""
        try:
            last = state.calls[-1] if state.calls else None
            like = last.arguments if last is not None and last.name == tool else None
            found = self.success(tool, self.seen(state), rng, like)
            call = _call(tool, found, state.calls) if found is not None else None
            if call is not None and self._succeeds(state, call):
                return replace(state, calls=(*state.calls, call))
        except (ContractMistake, DomainError):
            pass  # the tool's own cases report it
        return state

    def _waited(self, state: StartState) -> Iterator[StartState]:
        """Yield the state at the time when about half of what is pending has come due."""
        world = self.open(state)
        due = sorted(record["due"] for _, record in world.state.records(SCHEDULED, {}))
        if due:
            minutes = _minutes(world.state.now, due[len(due) // 2])
            yield replace(state, minutes_later=max(minutes, 1))

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


def _minutes(start: str, end: str) -> int:
    apart = datetime.fromisoformat(end) - datetime.fromisoformat(start)
    return int(apart.total_seconds() // 60)
