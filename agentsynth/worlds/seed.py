"""Seed records: the same base for the same domain and seed, in every process.

A generated field is a literal, an expression (`=...`), or one of

    {pick: [...], weights: [...]}     one of these
    {cycle: [...]}                    the n-th of these, around and around
    {int: [low, high], step: 5}       a multiple of step from low
    {days: [first, last]}             today plus so many days, as a date
    {chance: 0.3}                     true or false
    {ref: entity, where: {...}}       the key of some record of another entity
    {names: {first: [...], last: [...]}}   a full name, never twice
    {text: "{name|slug}@example.org"} a text of earlier fields
    {if: "condition", then: ..., else: ...}

evaluated in the order written; earlier fields, `n` (from 0), `today` and the parent are in scope.
"""

import random
import re
from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

from agentsynth.core.domain import Domain, GenerateSpec
from agentsynth.core.errors import DomainError, UserError
from agentsynth.core.ids import derive_seed
from agentsynth.worlds.expressions import compile_expression, fill
from agentsynth.worlds.state import Base, Record

__all__ = ["GENERATORS", "make_base", "world_today"]

GENERATORS = ("pick", "cycle", "int", "days", "chance", "ref", "names", "text", "if")
_Tables = dict[str, dict[str, Record]]

compiled = lru_cache(maxsize=4096)(compile_expression)


def world_today(domain: Domain, world_seed: int) -> str:
    """Return the world's date for this seed, as ISO text."""
    offset = derive_seed("today", world_seed) % domain.clock.spread_days
    return (date.fromisoformat(domain.clock.start) + timedelta(days=offset)).isoformat()


def make_base(domain: Domain, world_seed: int) -> Base:
    """Return the starting state of a declarative domain.

    Raises:
        UserError: naming the entity and field, if a generator cannot be carried out.
    """
    today = world_today(domain, world_seed)
    tables: _Tables = {name: {} for name in domain.entities}
    for name, entity in domain.entities.items():
        rng = random.Random(derive_seed("records", world_seed, name))
        rows: list[dict[str, Any]] = [dict(record) for record in entity.records]
        if entity.generate is not None:
            rows += _generated(name, entity.generate, tables, rng, today)
        for row in rows:
            record = {field: row.get(field) for field in entity.fields}
            tables[name][str(record[entity.key])] = record
    return Base(tables, seed=world_seed, today=today)


def _generated(
    name: str, spec: GenerateSpec, tables: _Tables, rng: random.Random, today: str
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    used_names: set[str] = set()
    for parent in _parents(spec, tables, today):
        for _ in range(spec.count):
            row: dict[str, Any] = {}
            scope: dict[str, Any] = {"today": today, "n": len(rows), **parent}
            for field, generator in spec.fields.items():
                try:
                    value = _value(generator, scope, tables, rng, used_names)
                except (KeyError, IndexError, TypeError, ValueError, DomainError) as error:
                    where = f"entity {name!r}, generate.fields.{field}"
                    raise UserError(f"{where}: {generator!r} cannot be made: {error}") from error
                row[field] = scope[field] = value
            rows.append(row)
    return rows


def _parents(spec: GenerateSpec, tables: _Tables, today: str) -> list[dict[str, Any]]:
    if spec.for_each is None:
        return [{}]
    parents = [{spec.for_each: record} for record in tables[spec.for_each].values()]
    if spec.where is None:
        return parents
    condition = compiled(spec.where)
    return [scope for scope in parents if condition.evaluate({"today": today, **scope})]


def _value(
    spec: Any, scope: Mapping[str, Any], tables: _Tables, rng: random.Random, used: set[str]
) -> Any:
    if isinstance(spec, str) and spec.startswith("="):
        return compiled(spec[1:]).evaluate(scope)
    if not isinstance(spec, dict):
        return spec
    if "if" in spec:
        holds = compiled(spec["if"]).evaluate(scope)
        return _value(spec["then"] if holds else spec["else"], scope, tables, rng, used)
    if "ref" in spec:
        return _reference(spec, scope, tables, rng)
    if "names" in spec:
        return _full_name(spec["names"], rng, used)
    if "text" in spec:
        return _text(spec["text"], scope)
    return _simple(spec, scope, rng)


def _simple(spec: Mapping[str, Any], scope: Mapping[str, Any], rng: random.Random) -> Any:
    """Make a value that needs nothing but chance and the place in the list."""
    if "pick" in spec:
        return rng.choices(spec["pick"], weights=spec.get("weights"))[0]
    if "cycle" in spec:
        return spec["cycle"][scope["n"] % len(spec["cycle"])]
    if "int" in spec:
        low, high = spec["int"]
        return rng.randrange(low, high + 1, spec.get("step", 1))
    if "days" in spec:
        offset = rng.randint(*spec["days"])
        return (date.fromisoformat(scope["today"]) + timedelta(days=offset)).isoformat()
    if "chance" in spec:
        return rng.random() < spec["chance"]
    raise ValueError(f"unknown generator; known are: {', '.join(GENERATORS)}")


def _reference(
    spec: Mapping[str, Any], scope: Mapping[str, Any], tables: _Tables, rng: random.Random
) -> str:
    where = {
        field: compiled(value[1:]).evaluate(scope)
        if isinstance(value, str) and value.startswith("=")
        else value
        for field, value in spec.get("where", {}).items()
    }
    keys = [
        key
        for key, record in tables[spec["ref"]].items()
        if all(record.get(field) == value for field, value in where.items())
    ]
    return keys[rng.randrange(len(keys))]


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
