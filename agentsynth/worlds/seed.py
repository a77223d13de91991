"""Seed records: the same base for the same domain and seed, in every process.

A generated field is a literal, an expression (`=...`), or one of

    {pick: [...], weights: [...]}     one of these
    {cycle: [...]}                    the n-th of these, around and around
    {int: [low, high], step: 5}       a multiple of step from low
    {days: [first, last]}             today plus so many days, as a date
    {time: {hours: [9, 17], step: 15}}     a time from 09:00 to 17:00, every 15 minutes
    {datetime: {days: [0, 5], hours: [9, 17], step: 15}}   such a time on such a day
    {chance: 0.3}                     true or false
    {sample: [...], count: [1, 3]}    so many different ones of these, in their order
    {ref: entity, where: {...}, unique: true}   the key of some record of another entity;
                                      with unique, no key twice in this field
    {names: {first: [...], last: [...]}}   a full name, never twice
    {text: "{name|slug}@example.org"} a text of earlier fields
    {if: "condition", then: ..., else: ...}

evaluated in the order written; earlier fields, `n` (from 0), `today`, `now` and the parent are in
scope. An entity's derived fields are filled in last.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as made_by
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from agentsynth.core.domain import Domain, GenerateSpec
from agentsynth.core.errors import DomainError, UserError
from agentsynth.core.ids import derive_seed
from agentsynth.worlds.expressions import compile_expression, fill
from agentsynth.worlds.fields import compile_derived
from agentsynth.worlds.state import Base, Record

__all__ = ["GENERATORS", "make_base", "world_today"]

GENERATORS = (
    *("pick", "cycle", "int", "days", "time", "datetime", "chance", "sample"),
    *("ref", "names", "text", "if"),
)
_Tables = dict[str, dict[str, Record]]

compiled = lru_cache(maxsize=4096)(compile_expression)


def world_today(domain: Domain, world_seed: int) -> str:
    """Return the world's date for this seed, as ISO text."""
    offset = derive_seed("today", world_seed) % domain.clock.spread_days
    return (date.fromisoformat(domain.clock.start) + timedelta(days=offset)).isoformat()


@dataclass
class _Making:
    """What the generators of one entity share."""

    tables: _Tables
    rng: random.Random
    names: set[str] = made_by(default_factory=set)
    """Names given so far."""
    keys: dict[str, set[str]] = made_by(default_factory=dict)
    """Field to the keys given so far, for references that are unique."""
    field: str = ""
    """The field that is being made."""
    fitting: dict[tuple[str, str], list[str]] = made_by(default_factory=dict)
    """Entity and wanted values to the keys that fit: other tables are whole by now."""


def make_base(domain: Domain, world_seed: int) -> Base:
    """Return the starting state of a declarative domain.

    Raises:
        UserError: naming the entity and field, if a generator cannot be carried out.
    """
    today = world_today(domain, world_seed)
    base_scope = {"today": today, "now": f"{today}T{domain.clock.opens_at}"}
    tables: _Tables = {name: {} for name in domain.entities}
    for name, entity in domain.entities.items():
        rng = random.Random(derive_seed("records", world_seed, name))
        rows: list[dict[str, Any]] = [dict(record) for record in entity.records]
        if entity.generate is not None:
            rows += _generated(name, entity.generate, _Making(tables, rng), base_scope)
        derive = compile_derived(entity)
        for row in rows:
            record = {field: row.get(field) for field in entity.fields}
            try:
                derive(record)
            except DomainError as error:
                raise UserError(f"entity {name!r}, derived: {error}") from error
            key = str(record[entity.key])
            if key in tables[name]:
                raise UserError(f"entity {name!r}: two seed records have the key {key!r}")
            tables[name][key] = record
    return Base(tables, seed=world_seed, today=today, opens_at=domain.clock.opens_at)


def _generated(
    name: str, spec: GenerateSpec, making: _Making, base_scope: Mapping[str, Any]
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for parent in _parents(spec, making.tables, base_scope):
        for _ in range(spec.count):
            row: dict[str, Any] = {}
            scope: dict[str, Any] = {**base_scope, "n": len(rows), **parent}
            for field_name, generator in spec.fields.items():
                making.field = field_name
                try:
                    value = _value(generator, scope, making)
                except (KeyError, IndexError, TypeError, ValueError, DomainError) as error:
                    where = f"entity {name!r}, generate.fields.{field_name}"
                    raise UserError(f"{where}: {generator!r} cannot be made: {error}") from error
                row[field_name] = scope[field_name] = value
            rows.append(row)
    return rows


def _parents(
    spec: GenerateSpec, tables: _Tables, base_scope: Mapping[str, Any]
) -> list[dict[str, Any]]:
    if spec.for_each is None:
        return [{}]
    parents = [{spec.for_each: record} for record in tables[spec.for_each].values()]
    if spec.where is None:
        return parents
    condition = compiled(spec.where)
    return [scope for scope in parents if condition.evaluate({**base_scope, **scope})]


def _value(spec: Any, scope: Mapping[str, Any], making: _Making) -> Any:
    if isinstance(spec, str) and spec.startswith("="):
        return compiled(spec[1:]).evaluate(scope)
    if not isinstance(spec, dict):
        return spec
    if "if" in spec:
        holds = compiled(spec["if"]).evaluate(scope)
        return _value(spec["then"] if holds else spec["else"], scope, making)
    if "ref" in spec:
        return _reference(spec, scope, making)
    if "names" in spec:
        return _full_name(spec["names"], making.rng, making.names)
    if "text" in spec:
        return _text(spec["text"], scope)
    return _simple(spec, scope, making.rng)


def _simple(spec: Mapping[str, Any], scope: Mapping[str, Any], rng: random.Random) -> Any:
    """Make a value that needs nothing but chance and the place in the list."""
    if "pick" in spec:
        return rng.choices(spec["pick"], weights=spec.get("weights"))[0]
    if "cycle" in spec:
        return spec["cycle"][scope["n"] % len(spec["cycle"])]
    if "int" in spec:
        low, high = spec["int"]
        return rng.randrange(low, high + 1, spec.get("step", 1))
    if "chance" in spec:
        return rng.random() < spec["chance"]
    if "sample" in spec:
        return _sample(spec, rng)
    if "days" in spec:
        return _day(spec, scope["today"], rng)
    if "time" in spec:
        return _time(spec["time"], rng)
    if "datetime" in spec:
        day = _day(spec["datetime"], scope["today"], rng)
        return f"{day}T{_time(spec['datetime'], rng)}"
    raise ValueError(f"unknown generator; known are: {', '.join(GENERATORS)}")


def _day(spec: Mapping[str, Any], today: str, rng: random.Random) -> str:
    offset = rng.randint(*spec["days"])
    return (date.fromisoformat(today) + timedelta(days=offset)).isoformat()


def _time(spec: Mapping[str, Any], rng: random.Random) -> str:
    first, last = spec.get("hours", (9, 17))
    minutes = rng.randrange(first * 60, last * 60 + 1, spec.get("step", 15))
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _sample(spec: Mapping[str, Any], rng: random.Random) -> list[Any]:
    items, count = spec["sample"], spec.get("count", 1)
    size = count if isinstance(count, int) else rng.randint(*count)
    return [items[place] for place in sorted(rng.sample(range(len(items)), size))]


def _reference(spec: Mapping[str, Any], scope: Mapping[str, Any], making: _Making) -> str:
    where = {
        field: compiled(value[1:]).evaluate(scope)
        if isinstance(value, str) and value.startswith("=")
        else value
        for field, value in spec.get("where", {}).items()
    }
    asked = (spec["ref"], repr(where))
    if asked not in making.fitting:
        making.fitting[asked] = [
            key
            for key, record in making.tables[spec["ref"]].items()
            if all(record.get(field) == value for field, value in where.items())
        ]
    keys = making.fitting[asked]
    given = making.keys.setdefault(making.field, set()) if spec.get("unique") else set[str]()
    keys = [key for key in keys if key not in given]
    if not keys:
        raise ValueError("no record is left to refer to")
    key = keys[making.rng.randrange(len(keys))]
    given.add(key)
    return key


def _full_name(spec: Mapping[str, Any], rng: random.Random, used: set[str]) -> str:
    for _ in range(1000):
        name = f"{rng.choice(spec['first'])} {rng.choice(spec['last'])}"
        if name not in used:
            used.add(name)
            return name
    raise ValueError("the lists give too few different names")


def _text(template: str, scope: Mapping[str, Any]) -> str:
    def slug(match: re.Match[str]) -> str:
        value = str(compiled(match[1]).evaluate(scope)).lower()
        return re.sub(r"[^a-z0-9]+", ".", value)

    def padded(match: re.Match[str]) -> str:
        value: Any = compiled(match[1]).evaluate(scope)
        return str(value).rjust(int(match[2]), "0")

    text = re.sub(r"\{([a-z_.]+)\|slug\}", slug, template)
    text = re.sub(r"\{([a-z_.]+)\|(\d+)\}", padded, text)
    return fill(text, scope)
