"""Arguments towards a contract's conditions: which values each parameter is worth trying with."""

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.plan.argument_origins import Origins
from agentsynth.plan.contract_traces import Traces
from agentsynth.worlds.contract_eval import Situation
from agentsynth.worlds.contract_parts import Snapshot

__all__ = ["LEFT_OUT", "Pools"]

LEFT_OUT = object()
"""In place of an optional argument that is not given."""

_MOST_KEYS = 150
_MOST_VALUES = 24
_ROWS_TAKEN = 4


class Pools:
    """Values worth trying for each parameter, in one state."""

    def __init__(
        self,
        parameters: Mapping[str, Mapping[str, Any]],
        origins: Origins,
        domain: Domain,
        before: Snapshot,
        rng: random.Random,
        traces: Traces | None = None,
    ) -> None:
        self.parameters = parameters
        self.origins = origins
        self.domain = domain
        self.before = before
        self.rng = rng
        self.traces = traces if traces is not None else Traces()
        self._static = {name: self._values(name, schema) for name, schema in parameters.items()}

    def options(self, name: str, situation: Situation) -> list[Any]:
        """Return a parameter's values, those that fit the rest of this call first."""
        fitting: list[Any] = []
        for part in self.origins.beside.get(name, {}).values():
            try:
                value = situation.value(part)
            except DomainError:
                continue
            if value is not None:
                fitting += [value, *self._around(name, value)]
        for rows, column in self.origins.rows.get(name, ()):
            try:
                found = [row[column] for row in situation.rows(rows) if column in row]
            except DomainError:
                continue
            for value in self.rng.sample(found, min(len(found), _ROWS_TAKEN)):
                fitting += [value, *self._around(name, value)]
        fitting = [value for value in fitting if self._fits(name, value)]
        return _distinct([*fitting, *self._static[name]])

    def call(self) -> dict[str, Any]:
        """Return arguments drawn from the pools; those that name a record together may do so."""
        drawn: dict[str, Any] = {}
        for name, pool in self._static.items():
            optional = self.parameters[name].get("optional") and self.rng.random() < 0.4
            near = self._near(name)
            if near and self.rng.random() < 0.5:
                pool = near
            drawn[name] = LEFT_OUT if optional or not pool else self.rng.choice(pool)
        if self.origins.joint and self.rng.random() < 0.5:
            entity, columns = self.rng.choice(self.origins.joint)
            records = list(self.before.tables.get(entity, {}).values())
            if records:
                record = self.rng.choice(records)
                beside = {name: record[column] for column, name in columns.items()}
                drawn |= {name: value for name, value in beside.items() if value is not None}
        return {name: value for name, value in drawn.items() if value is not LEFT_OUT}

    # -- what a parameter may be -------------------------------------------------------------------

    def _values(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        found = _distinct([v for v in self._plain(name, schema) if self._fits(name, v)])
        self.rng.shuffle(found)
        near = self._near(name)
        found = [*near, *(value for value in found if value not in near)]
        if schema.get("optional"):
            found.insert(0, LEFT_OUT)
        return found

    def _near(self, name: str) -> list[str]:
        """Return the keys that the calls before make worth trying first."""
        if self.parameters[name].get("type") != "string" or "enum" in self.parameters[name]:
            return []
        entities = sorted(self.origins.keys.get(name, ()))
        return _distinct([key for entity in entities for key in self.traces.near(entity)])

    def _fits(self, name: str, value: Any) -> bool:
        """Whether a value is of the parameter's type; the schema has the last word on the rest."""
        schema = self.parameters[name]
        if schema.get("type") in ("integer", "number"):
            low, high = schema.get("minimum", value), schema.get("maximum", value)
            return type(value) is int and low <= value <= high
        if "enum" in schema:
            return value in schema["enum"]
        if schema.get("type") != "string":
            return True
        timed = self._timed(name, schema)
        return isinstance(value, str) and (_moment(value) == timed if timed is not None else True)

    def _plain(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        if "enum" in schema:
            return list(schema["enum"])
        kind = schema.get("type")
        if kind == "boolean":
            return [True, False]
        if kind in ("integer", "number"):
            return self._numbers(name, schema)
        if kind == "array":
            return self._lists(name, schema)
        if kind == "object":
            return [self._object(schema) for _ in range(6)]
        return self._texts(name, schema)

    def _numbers(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        marks = {0, 1, 2, 5, *self.origins.constants.get(name, ())}
        marks |= {schema[end] for end in ("minimum", "maximum", "default") if end in schema}
        marks |= {value for value in self._met(name) if isinstance(value, int)}
        near = {mark + step for mark in marks for step in (-1, 0, 1)}
        low, high = schema.get("minimum"), schema.get("maximum")
        kept = [
            n for n in sorted(near) if (low is None or n >= low) and (high is None or n <= high)
        ]
        return kept if len(kept) <= 2 * _MOST_VALUES else self.rng.sample(kept, 2 * _MOST_VALUES)

    def _texts(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        keys = [
            key for entity in sorted(self.origins.keys.get(name, ())) for key in self._keys(entity)
        ]
        values = [value for value in self._met(name) if isinstance(value, str)]
        if self._timed(name, schema) is not None:
            return [*keys, *values, *self._moments(name, schema)]
        if name in self.origins.partial:
            pieces = [piece for value in values[:8] for piece in _pieces(value)]
            return [*keys, *pieces, *_common(values), "zqzq"]
        fresh = ["x" + value for value in values[:4]]
        if not keys and not values:
            examples = schema.get("examples", [])
            fresh = [*examples, "A short text", "Another text, a little longer than the first"]
        return [*keys, *values, *fresh, *([schema["default"]] if "default" in schema else [])]

    def _keys(self, entity: str) -> list[Any]:
        """Return keys of an entity, one that nobody has, and one that is almost right."""
        keys = [str(key) for key in self.before.tables.get(entity, {})]
        if not keys:
            return [f"no-{entity}"]
        unknown = next(_unknown(keys, self.rng))
        kept = keys if len(keys) <= _MOST_KEYS else self.rng.sample(keys, _MOST_KEYS)
        wrong = keys[0].lower() if keys[0].lower() not in keys else f"{keys[0]} "
        return [*kept, unknown, wrong]

    def _met(self, name: str) -> list[Any]:
        """Return values of the fields that a parameter meets."""
        found: list[Any] = []
        for entity, column in sorted(self.origins.fields.get(name, ())):
            records = self.before.tables.get(entity, {}).values()
            values = _distinct([r[column] for r in records if r[column] is not None])
            found += (
                values if len(values) <= _MOST_VALUES else self.rng.sample(values, _MOST_VALUES)
            )
        return found

    def _timed(self, name: str, schema: Mapping[str, Any]) -> str | None:
        """Return `date`, `datetime` or `time` where a parameter is one."""
        stated = schema.get("format")
        if stated in ("date", "date-time", "time"):
            return str(stated).replace("-", "")
        kinds = {
            self.domain.entities[entity].fields[column].type
            for entity, column in self.origins.fields.get(name, ())
        }
        return next((kind for kind in ("date", "datetime", "time") if kind in kinds), None)

    def _moments(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        kind = self._timed(name, schema)
        if kind == "time":
            return ["08:00", "09:00", "12:30", "23:59"]
        start = self.before.today if kind == "date" else self.before.now
        found = [start, *self._around(name, start)]
        return [
            *found,
            *(_shifted(start, days if kind == "date" else days * 1440) for days in (3, 14)),
        ]

    def _around(self, name: str, value: Any) -> list[Any]:
        """Return a number's, a date's or a datetime's neighbours, by the constants it meets."""
        steps = {-1, 1}
        for number in self.origins.constants.get(name, ()):
            steps |= {number - 1, number, number + 1, -number}
        moved = [_shifted(value, step) for step in sorted(steps)]
        return [one for one in moved if one is not None]

    def _lists(self, name: str, schema: Mapping[str, Any]) -> list[Any]:
        items = schema.get("items")
        inner = items if isinstance(items, Mapping) else {"type": "string"}
        if inner.get("type") == "object":
            return [[self._object(inner) for _ in range(n)] for n in (1, 1, 2, 2, 3, 0)]
        pool = self._plain(name, inner)
        found: list[Any] = [[]]
        for size in (1, 1, 1, 2, 2, 2, 3, 3):
            found.append([self.rng.choice(pool) for _ in range(size)])
        found.append([pool[0], pool[0]])
        return found

    def _object(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        properties: Mapping[str, Any] = schema.get("properties", {})
        reader = {n: n.removesuffix("_id") for n in properties}
        for name, entity in reader.items():
            if entity in self.domain.entities and name.endswith("_id"):
                self.origins.keys.setdefault(name, {entity})
        needed = set(schema.get("required", properties))
        return {
            name: self.rng.choice(pool)
            for name, inner in properties.items()
            if (name in needed or self.rng.random() < 0.5) and (pool := self._plain(name, inner))
        }


def _distinct(values: Sequence[Any]) -> list[Any]:
    found: dict[str, Any] = {}
    for value in values:
        found.setdefault(repr(value), value)
    return list(found.values())


def _unknown(keys: Sequence[str], rng: random.Random) -> Iterator[str]:
    """Yield keys like these that nobody has."""
    known = set(keys)
    while True:
        drawn = "".join(str(rng.randrange(10)) if c.isdigit() else c for c in rng.choice(keys))
        candidate = drawn if any(c.isdigit() for c in drawn) else drawn + str(rng.randrange(10_000))
        if candidate not in known:
            yield candidate
        known.add(candidate)
        keys = [*keys, candidate + "0"]  # ends even where every key of this length is taken


def _pieces(text: str) -> list[str]:
    words = text.split()
    return [text, words[0] if words else text, words[-1].upper() if words else text, text[:3]]


def _common(texts: Sequence[str]) -> list[str]:
    """Return the pairs of letters that most texts have, so that much is found."""
    counted = Counter(
        pair
        for text in texts
        for pair in sorted({text[i : i + 2].lower() for i in range(len(text) - 1)})
    )
    return [pair for pair, _ in counted.most_common(6) if pair.strip() == pair]


def _moment(text: str) -> str | None:
    """Return `date`, `datetime` or `time` for a text that is one."""
    try:
        if len(text) == 5:
            time.fromisoformat(text)
            return "time"
        datetime.fromisoformat(text)
    except ValueError:
        return None
    return {10: "date", 16: "datetime"}.get(len(text))


def _shifted(value: Any, amount: int) -> Any:
    """Return a number, a date (by days), a datetime or a time (by minutes) moved; None for others.

    A time stays within its day.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return value + amount
    if isinstance(value, str):
        try:
            if len(value) == 10:
                return (date.fromisoformat(value) + timedelta(days=amount)).isoformat()
            if len(value) == 16:
                moved = datetime.fromisoformat(value) + timedelta(minutes=amount)
                return moved.isoformat(timespec="minutes")
            if len(value) == 5:
                start = datetime.fromisoformat(f"2000-01-01T{value}")
                moved = start + timedelta(minutes=amount)
                return moved.isoformat()[11:16] if moved.date() == start.date() else None
        except (ValueError, OverflowError):
            return None
    return None
