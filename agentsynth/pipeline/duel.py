"""A shadow and its running server side by side: filled, brought to one state, given calls.

Records are made through the server's own tools; its read tools show its state, and how it lays its
answers out. Calls are drawn from what is known of its records.
"""

import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from agentsynth.evolve.shadows.bank import bank_of, natural_bank, slugs_of
from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity, ShadowField
from agentsynth.evolve.shadows.observed import observed_shape
from agentsynth.evolve.shadows.seeds import entity_order
from agentsynth.pipeline.comparing import Records, json_of, key_in, leaves, records_in
from agentsynth.worlds.base import Base
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld

__all__ = ["Duel", "LiveCall"]

LiveCall = Callable[[str, dict[str, Any]], Awaitable[tuple[str, bool]]]
"""Calls a tool of the running server: name and arguments to its text and whether it failed."""

_RECORDS = 4
"""Records of each entity that the server is filled with."""
_OBSERVED = 3
"""Calls of every tool that show how it lays its answers out, before any that are compared."""
_UNKNOWN = 0.15
"""Share of calls that name a record that is not there."""


class Duel:
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
                    text = await self._make(one)
                    if text is not None:
                        self.answers[one.tool].append(json_of(text))

    async def _make(self, one: Operation) -> str | None:
        """Make a record on the server; return what it says, None = it refuses."""
        arguments = self._arguments(one)
        text, error = await self.live(one.tool, arguments)
        if error:
            return None
        self.note_key(one, arguments, text)
        return text

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
        arguments = self.call(one, unknown=0.0)
        if arguments is None:
            return
        text, error = await self.live(one.tool, arguments)
        if error:
            return
        self.answers[one.tool].append(json_of(text))
        if one.deed == "delete" and one.key is not None:
            gone = str(_at(arguments, one.key))
            self.keys[one.entity] = [key for key in self.keys[one.entity] if key != gone]
            makers = [o for o in self.operations.values() if o.deed == "create"]
            for maker in [o for o in makers if o.entity == one.entity][:1]:
                await self._make(maker)

    def note_key(self, one: Operation, arguments: dict[str, Any], text: str) -> str | None:
        """Take note of a record that a call made; return the server's key, None = it shows none."""
        entity = self.entities[one.entity]
        key = str(arguments[one.key]) if one.key is not None else key_in(json_of(text), entity)
        if key is not None and key not in self.keys[entity.name]:
            self.keys[entity.name].append(key)
            self.owners[key] = {
                one.sets[p]: value for p, value in arguments.items() if p in one.sets
            }
        return key

    async def take_over(self, compiled: CompiledDomain) -> None:
        """Start the shadow from the state that the server shows."""
        specs = compiled.domain.entities
        tables: dict[str, Records] = {name: {} for name in specs}
        for name in self.entities:
            spec = specs[name]
            for number, (key, shown) in enumerate((await self.shown(name)).items()):
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
        for name, spec in specs.items():
            if name not in self.entities:  # owners that no tool shows
                for key in self.keys.get(name, []):
                    tables[name][key] = {spec.key: key, **dict.fromkeys(spec.fields, key)}
        base = Base(tables, seed=7, today=compiled.domain.clock.start)
        self.world = DeclarativeWorld(compiled, base)

    async def shown(self, name: str) -> Records:
        """Return the server's records of an entity, as its read tools show them."""
        entity = self.entities[name]
        found: Records = {}
        for one in self.operations.values():
            if one.entity == name and one.deed == "list" and not one.query:
                for arguments in self._scopes(one):
                    text, error = await self.live(one.tool, arguments)
                    if not error:
                        found |= records_in(json_of(text), entity)
                if found:
                    return found
        for one in self.operations.values():
            if one.entity == name and one.deed == "get":
                for key in self.keys[name]:
                    text, error = await self.live(one.tool, self._keyed(one, key))
                    if not error:
                        found |= records_in(json_of(text), entity, key)
                return found
        return found

    def own(self, name: str) -> dict[str, Mapping[str, Any]]:
        """Return the shadow's records of an entity, by the key that its tools show."""
        assert self.world is not None
        key = self.entities[name].key
        return {str(record[key]): record for _, record in self.world.state.records(name, {})}

    # calls

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
        self.known |= set(leaves(arguments))
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

    def call(self, one: Operation, unknown: float = _UNKNOWN) -> dict[str, Any] | None:
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


def _leaves_or_none(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [x for part in cast(dict[str, Any], value).values() for x in _leaves_or_none(part)]
    return [value]
