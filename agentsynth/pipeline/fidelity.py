"""How like its server a shadow is: the same calls on both, from the same state, compared.

The server is filled through its own tools, its state is read with its own read tools, and the
shadow starts from that state. Before anything is compared, a few calls of every tool show how the
server lays its answers out, and the shadow takes that over; none of them is scored. Then both are
given the same calls. Of every call of a tool:

- format: half for the same outcome (both answer, or both refuse); half for the layout, which is the
  share of the property names in the shadow's answer that the server's answer has too (0 where the
  server answers in prose);
- facts: the F1 score of the values that calls had written or named, in both answers; what the
  shadow says beyond the server's answer counts against it unless the server's state says it too;
- state: after a write, the share of records that both have, times the share of their fields, as far
  as the server shows them, that are equal.

A tool's fidelity is the mean of the parts over its calls; a server's, that over its tools.
"""

import json
import random
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.evolve.shadows.bank import bank_of, natural_bank, slugs_of
from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity, ShadowField
from agentsynth.evolve.shadows.observed import dicts_in, is_key_name, observed_shape
from agentsynth.evolve.shadows.seeds import entity_order
from agentsynth.evolve.shadows.words import snake
from agentsynth.worlds.base import Base
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld

__all__ = ["Compile", "Fidelity", "LiveCall", "ToolFidelity", "measure"]

Compile = Callable[[Mapping[str, Operation]], CompiledDomain]
LiveCall = Callable[[str, dict[str, Any]], Awaitable[tuple[str, bool]]]
"""Calls a tool of the running server: name and arguments to its text and whether it failed."""

_RECORDS = 4
"""Records of each entity that the server is filled with."""
_CALLS = 12
"""Calls of every tool that are compared."""
_OBSERVED = 3
"""Calls of every tool that show how it lays its answers out, before any that are compared."""
_UNKNOWN = 0.15
"""Share of calls that name a record that is not there."""


@dataclass
class ToolFidelity:
    """One tool's scores, each from 0 to 1."""

    tool: str
    format: list[float] = field(default_factory=list[float])
    facts: list[float] = field(default_factory=list[float])
    state: list[float] = field(default_factory=list[float])
    """Empty for tools that only read."""

    @property
    def score(self) -> float:
        """The mean of its parts."""
        parts = [_mean(part) for part in (self.format, self.facts, self.state) if part]
        return _mean(parts)

    def as_fields(self) -> dict[str, Any]:
        """Return the scores as flat JSON."""
        return {
            "tool": self.tool,
            "calls": len(self.format),
            "format": round(_mean(self.format), 3),
            "facts": round(_mean(self.facts), 3),
            "state": round(_mean(self.state), 3) if self.state else None,
            "score": round(self.score, 3),
        }


@dataclass
class Fidelity:
    """One server's scores."""

    tools: dict[str, ToolFidelity]

    @property
    def score(self) -> float:
        """The mean over its tools."""
        return _mean([tool.score for tool in self.tools.values() if tool.format])


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
        compile_with: gives the shadow's domain with these operations.
        inferred: for its entities.
        operations: the shadow's tools.
        seed: draws the calls; the same seed makes the same calls.
        only: the tools that are compared; None = all.
    """
    duel = _Duel(live, inferred, operations, random.Random(seed))
    await duel.fill()
    await duel.observe()
    await duel.take_over(compile_with(duel.operations))
    return Fidelity(await duel.played(duel.operations if only is None else only))


class _Duel:
    """The two sides, and what is known of their records."""

    def __init__(
        self,
        live: LiveCall,
        inferred: Inferred,
        operations: Mapping[str, Operation],
        rng: random.Random,
    ) -> None:
        self.live, self.rng = live, rng
        self.operations = dict(operations)
        self.answers: dict[str, list[Any]] = {name: [] for name in operations}
        """What tools answered before anything is compared: how they lay results out."""
        used = {one.entity for one in operations.values()}
        self.entities = {n: e for n, e in inferred.entities.items() if n in used}
        self.keys: dict[str, list[str]] = {name: [] for name in inferred.entities}
        """Keys that the server gave, by entity."""
        self.twin: dict[str, str] = {}
        """The server's key of a record to the shadow's."""
        self.known: set[str] = set()
        """Values that calls have written or named."""
        self.owners: dict[str, dict[str, Any]] = {}
        """Key of a record to the arguments it was made with."""
        self.made = 0
        self.world: DeclarativeWorld | None = None

    # filling the server, and taking its state over

    async def fill(self) -> None:
        """Make records on the server, owners first."""
        makers = [one for one in self.operations.values() if one.deed == "create"]
        for name in entity_order(self.entities):
            for one in [maker for maker in makers if maker.entity == name][:1]:
                for _ in range(_RECORDS):
                    arguments = self._arguments(one)
                    text, error = await self.live(one.tool, arguments)
                    if not error:
                        self._note_key(one, arguments, text)
                        self.answers[one.tool].append(_json(text))

    async def observe(self) -> None:
        """See how the tools lay out what they answer; none of these calls is scored."""
        for deed in ("list", "get", "update", "delete"):
            for one in list(self.operations.values()):
                for _ in range(_OBSERVED if one.deed == deed else 0):
                    await self._observed(one)
        for name, one in self.operations.items():
            shape = observed_shape(self.answers[name], one.deed, self.entities[one.entity])
            if shape is not None:
                self.operations[name] = one.model_copy(update={"shape": shape})

    async def _observed(self, one: Operation) -> None:
        arguments = self._call(one, unknown=0.0)
        if arguments is None:
            return
        text, error = await self.live(one.tool, arguments)
        if error:
            return
        self.answers[one.tool].append(_json(text))
        if one.deed == "delete" and one.key is not None:
            gone = str(_at(arguments, one.key))
            self.keys[one.entity] = [key for key in self.keys[one.entity] if key != gone]
            maker = next(
                (
                    o
                    for o in self.operations.values()
                    if (o.deed, o.entity) == ("create", one.entity)
                ),
                None,
            )
            if maker is not None:
                made = self._arguments(maker)
                text, error = await self.live(maker.tool, made)
                if not error:
                    self._note_key(maker, made, text)

    def _note_key(self, one: Operation, arguments: dict[str, Any], text: str) -> str | None:
        entity = self.entities[one.entity]
        key = str(arguments[one.key]) if one.key is not None else _key_in(_json(text), entity)
        if key is not None and key not in self.keys[entity.name]:
            self.keys[entity.name].append(key)
            self.owners[key] = {
                one.sets[p]: value for p, value in arguments.items() if p in one.sets
            }
        return key

    async def take_over(self, compiled: CompiledDomain) -> None:
        """Start the shadow from the state that the server shows."""
        self.compiled = compiled
        tables: dict[str, dict[str, dict[str, Any]]] = {
            n: {} for n in self.compiled.domain.entities
        }
        for name in self.entities:
            spec = self.compiled.domain.entities[name]
            for number, (key, shown) in enumerate((await self._shown(name)).items()):
                record: dict[str, Any] = dict.fromkeys(spec.fields)
                for f, one in spec.fields.items():
                    if one.type == "boolean" and not one.nullable:
                        record[f] = False
                record |= {f: v for f, v in self.owners.get(key, {}).items() if f in record}
                record |= {f: v for f, v in shown.items() if f in record}
                entity = self.entities[name]
                record[entity.key] = key
                inner = key if spec.key == entity.key else f"R-{10_001 + number}"
                record[spec.key] = inner
                tables[name][inner] = record
                self.twin[key] = key
                if key not in self.keys[name]:
                    self.keys[name].append(key)
        for name, spec in self.compiled.domain.entities.items():
            if name not in self.entities:  # owners that no tool shows
                for number, key in enumerate(self.keys.get(name, [])):
                    tables[name][key] = {spec.key: key, **dict.fromkeys(spec.fields, key)}
                    del number
        base = Base(tables, seed=7, today=self.compiled.domain.clock.start)
        self.world = DeclarativeWorld(self.compiled, base)

    async def _shown(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the server's records of an entity, as its read tools show them."""
        entity = self.entities[name]
        found: dict[str, dict[str, Any]] = {}
        for one in self.operations.values():
            if one.entity == name and one.deed == "list" and not one.query:
                for arguments in self._scopes(one):
                    text, error = await self.live(one.tool, arguments)
                    if not error:
                        found |= _records_in(_json(text), entity)
                if found:
                    return found
        for one in self.operations.values():
            if one.entity == name and one.deed == "get":
                for key in self.keys[name]:
                    text, error = await self.live(one.tool, self._keyed(one, key))
                    if not error:
                        found |= _records_in(_json(text), entity, key)
                return found
        return found

    def _scopes(self, one: Operation) -> list[dict[str, Any]]:
        entity = self.entities[one.entity]
        made: list[dict[str, Any]] = [{}]
        for parameter, name in one.scope.items():
            field_ = entity.field(name)
            keys = self.keys.get(field_.ref or "", []) if field_ is not None else []
            made = [
                {**so_far, parameter: self._typed(field_, key)} for so_far in made for key in keys
            ]
        return made

    # calls

    def _arguments(self, one: Operation) -> dict[str, Any]:
        """Return arguments for a call that makes or changes a record."""
        entity = self.entities[one.entity]
        arguments: dict[str, Any] = {}
        if one.deed == "create" and one.key is not None:
            self.made += 1
            bank = slugs_of(entity, entity.key)
            every = (*bank.seeds, *bank.fresh)
            _put(arguments, one.key, f"{every[self.made % len(every)]}-{self.made}")
        for parameter, name in one.sets.items():
            field_ = entity.field(name)
            assert field_ is not None
            needed = parameter in one.needs or name == entity.natural
            if needed or self.rng.random() < 0.5:
                value = self._value(entity, field_)
                if value is not None:
                    _put(arguments, parameter, value)
        self.known |= set(_leaves(arguments))
        return arguments

    def _value(self, entity: ShadowEntity, one: ShadowField) -> Any:
        if one.ref is not None and (one.ref in self.keys):
            keys = self.keys[one.ref]
            return self._typed(one, self.rng.choice(keys)) if keys else None
        match one.type:
            case "enum":
                return self.rng.choice(one.values)
            case "boolean":
                return self.rng.random() < 0.5
            case "integer":
                return self.rng.randint(1, 9)
            case "strings":
                return self.rng.sample(["alpha", "beta", "gamma", "delta"], 2)
            case _:
                return self._text(entity, one)

    def _text(self, entity: ShadowEntity, one: ShadowField) -> str | None:
        bank = natural_bank(entity) if one.name == entity.natural else bank_of(entity, one)
        if bank.date or one.type == "date":
            return f"2027-0{self.rng.randint(4, 9)}-1{self.rng.randint(0, 9)}"
        self.made += 1
        if one.name == entity.natural:
            every = (*bank.seeds, *bank.fresh)
            return f"{every[self.made % len(every)]} {self.made}"
        return self.rng.choice([*bank.seeds, *bank.fresh]) if bank.seeds else f"value {self.made}"

    def _typed(self, one: ShadowField | None, key: str) -> Any:
        ref = self.entities.get(one.ref or "") if one is not None else None
        return int(key) if ref is not None and ref.key_number and key.isdigit() else key

    def _keyed(self, one: Operation, key: str) -> dict[str, Any]:
        entity = self.entities[one.entity]
        arguments: dict[str, Any] = {}
        assert one.key is not None
        _put(arguments, one.key, int(key) if entity.key_number and key.isdigit() else key)
        for parameter, name in one.scope.items():
            _put(arguments, parameter, self.owners.get(key, {}).get(name))
        return arguments

    def _call(self, one: Operation, unknown: float = _UNKNOWN) -> dict[str, Any] | None:
        """Return the arguments of one call to be compared; None = nothing can be called."""
        if one.deed == "create":
            return self._arguments(one)
        if one.deed == "list":
            scopes = self._scopes(one)
            if not scopes:
                return None
            arguments = dict(self.rng.choice(scopes))
            if one.query is not None and self.known:
                words = sorted(word for word in self.known if word.isascii() and len(word) > 3)
                _put(arguments, one.query, self.rng.choice(words).split()[0])
            return arguments
        keys = self.keys[one.entity]
        if not keys:
            return None
        key = self.rng.choice(keys)
        if self.rng.random() < unknown:
            key = "999999" if self.entities[one.entity].key_number else f"{key[:-1]}zz"
        arguments = self._keyed(one, key)
        if any(value is None for value in _leaves_or_none(arguments)):
            return None
        return {**(self._arguments(one) if one.sets else {}), **arguments}

    # comparing

    async def played(self, only: Collection[str]) -> dict[str, ToolFidelity]:
        """Give both sides the same calls; return each tool's scores."""
        chosen = [name for name in self.operations if name in only]
        found = {name: ToolFidelity(name) for name in chosen}
        turns = [name for name in chosen for _ in range(_CALLS)]
        self.rng.shuffle(turns)
        turns.sort(key=lambda name: self.operations[name].deed == "delete")  # last, or none is left
        for name in turns:
            one = self.operations[name]
            arguments = self._call(one)
            if arguments is not None:
                await self._compared(one, arguments, found[name])
        return found

    async def _compared(
        self, one: Operation, arguments: dict[str, Any], score: ToolFidelity
    ) -> None:
        assert self.world is not None
        text, error = await self.live(one.tool, arguments)
        call = ToolCall(id="c", name=one.tool, arguments=self._translated(arguments))
        try:
            answer = self.world.call_now(call)
        except DomainError:
            score.format.append(0.0)  # the server's state does not fit the shadow's fields
            score.facts.append(0.0)
            return
        if one.deed == "create" and not error and not answer.is_error:
            key = self._note_key(one, arguments, text)
            own = _key_in(_json(answer.content), self.entities[one.entity])
            if key is not None and own is not None:
                self.twin[key] = own
        theirs, ours = _json(text), _json(answer.content)
        same = error == answer.is_error
        if error or answer.is_error:
            score.format.append(1.0 if same else 0.0)
            score.facts.append(1.0 if same else 0.0)
        else:
            score.format.append((1 + _layout(ours, theirs)) / 2)
            true = set(_leaves(list((await self._shown(one.entity)).values())))
            score.facts.append(self._facts(ours, theirs, text, true))
        if one.deed not in ("get", "list"):
            score.state.append(await self._state(one.entity))

    def _translated(self, arguments: Any) -> Any:
        if isinstance(arguments, dict):
            return {n: self._translated(v) for n, v in cast(dict[str, Any], arguments).items()}
        own = self.twin.get(str(arguments))
        if own is None or isinstance(arguments, bool):
            return arguments
        return int(own) if isinstance(arguments, int) and own.isdigit() else own

    def _facts(self, ours: Any, theirs: Any, text: str, true: set[str]) -> float:
        """Return the F1 score of known values; what is true and left unsaid there is no fault."""
        back = {own: key for key, own in self.twin.items()}
        known = self.known | set(self.twin)
        mine = {back.get(value, value) for value in _leaves(ours)} & known
        mine -= true - set(_leaves(theirs)) - {value for value in true if value in text}
        if isinstance(theirs, dict | list):
            yours = set(_leaves(theirs)) & known
        else:
            yours = {value for value in known if value in text}
        if not mine and not yours:
            return 1.0
        return 2 * len(mine & yours) / (len(mine) + len(yours))

    async def _state(self, name: str) -> float:
        """Return how far both sides agree on the records of an entity."""
        assert self.world is not None
        entity = self.entities[name]
        theirs = await self._shown(name)
        ours = {str(record[entity.key]): record for _, record in self.world.state.records(name, {})}
        paired = {key: ours.get(self.twin.get(key, key)) for key in theirs}
        both = [key for key, record in paired.items() if record is not None]
        either = len(theirs) + len(ours) - len(both)
        if not either:
            return 1.0
        shares = [self._alike(theirs[key], paired[key] or {}, entity) for key in both]
        return len(both) / either * (_mean(shares) if shares else 1.0)

    def _alike(
        self, theirs: Mapping[str, Any], ours: Mapping[str, Any], entity: ShadowEntity
    ) -> float:
        names = [
            f.name
            for f in entity.fields
            if f.name in theirs and (theirs[f.name] is not None or ours.get(f.name) is not None)
        ]
        if not names:
            return 1.0
        equal = sum(str(self._translated(theirs[name])) == str(ours.get(name)) for name in names)
        return equal / len(names)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _put(arguments: dict[str, Any], name: str, value: Any) -> None:
    """Set an argument, inside a body where its name is a path."""
    *above, last = name.split(".")
    for part in above:
        arguments = arguments.setdefault(part, {})
    arguments[last] = value


def _at(arguments: Mapping[str, Any], name: str) -> Any:
    value: Any = arguments
    for part in name.split("."):
        value = value[part]
    return value


def _leaves(value: Any) -> list[str]:
    """Return the texts and numbers in a value, as texts; no flags and no single digits."""
    if isinstance(value, dict):
        return [leaf for part in cast(dict[str, Any], value).values() for leaf in _leaves(part)]
    if isinstance(value, list):
        return [leaf for part in cast(list[Any], value) for leaf in _leaves(part)]
    if isinstance(value, bool) or value is None or len(str(value)) < 2:
        return []
    return [str(value)]


def _leaves_or_none(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for part in cast(dict[str, Any], value).values() for x in _leaves_or_none(part)]
    return [value]


def _names(value: Any) -> set[str]:
    """Return the property names in a value, in snake case."""
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value)
        return {snake(n) for n in inner} | {n for part in inner.values() for n in _names(part)}
    if isinstance(value, list):
        return {name for part in cast(list[Any], value) for name in _names(part)}
    return set()


def _layout(ours: Any, theirs: Any) -> float:
    names = _names(ours)
    if not isinstance(theirs, dict | list):
        return 0.0
    return len(names & _names(theirs)) / len(names) if names else 1.0


def _key_in(value: Any, entity: ShadowEntity) -> str | None:
    for record in dicts_in(value):
        for name, one in record.items():
            if is_key_name(name, entity) and isinstance(one, str | int):
                return str(one)
    return None


def _records_in(
    value: Any, entity: ShadowEntity, key: str | None = None
) -> dict[str, dict[str, Any]]:
    """Return the records that a result shows, by key, with the entity's own names of fields."""
    own = {snake(one.name): one.name for one in entity.fields}
    found: dict[str, dict[str, Any]] = {}
    for record in dicts_in(value):
        keys = [
            str(v) for n, v in record.items() if is_key_name(n, entity) and isinstance(v, str | int)
        ]
        place = keys[0] if keys else None
        if place is None or (key is not None and place != key):
            continue
        shown = {own[snake(n)]: v for n, v in record.items() if snake(n) in own}
        found.setdefault(place, {}).update(shown)
    return found
