"""Wrong ways of carrying a task out: what its checks must not let pass.

Made from the reference calls and the starting state alone; the checks have no part in it.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import zip_longest
from typing import Any

from agentsynth.core.task import Answer, ReferenceCall, Task
from agentsynth.plan.roles import Role, parameter_roles
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["dropped_writes", "other_entities", "other_values", "wrong_answers"]

_ISO_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(T.*)?")
_TIME = re.compile(r"\d{2}:\d{2}")
_LITERAL = re.compile(r"'((?:[^']|'')+)'")
_WRITES_TRIED = 4
_KEYS_TRIED = 6


def _writes(task: Task, runtime: DomainRuntime, rng: random.Random) -> list[int]:
    """Return places of the assistant's writes, a few of many."""
    places = [
        place
        for place, call in enumerate(task.reference_calls)
        if call.actor == "assistant" and runtime.is_write(call)
    ]
    return places if len(places) <= _WRITES_TRIED else sorted(rng.sample(places, _WRITES_TRIED))


def dropped_writes(
    task: Task, runtime: DomainRuntime, rng: random.Random
) -> Iterator[list[ReferenceCall]]:
    """Yield the reference calls without one of the writes."""
    for place in _writes(task, runtime, rng):
        calls = list(task.reference_calls)
        del calls[place]
        yield calls


def other_entities(
    task: Task, runtime: DomainRuntime, rng: random.Random
) -> Iterator[tuple[int, ReferenceCall]]:
    """Yield (place, call) with the key of another record of the same kind in a write."""
    if runtime.compiled is None:
        return
    roles = parameter_roles(runtime.domain)
    base = runtime.compiled.base(task.world_seed)
    found: list[list[tuple[int, ReferenceCall]]] = []
    for place in _writes(task, runtime, rng):
        call = task.reference_calls[place]
        for name, value in call.arguments.items():
            role = roles.get((call.name, name))
            if role is None or not role.is_key:
                continue
            others = _other_keys(base.tables[role.entity], value, rng)
            found.append([(place, _with(call, name, other)) for other in others])
    yield from _in_turn(found)


def _other_keys(table: Mapping[str, Any], value: Any, rng: random.Random) -> list[Any]:
    if isinstance(value, list):
        keys = [key for key in table if key not in value]
        return [[*value[:-1], key] for key in rng.sample(keys, min(_KEYS_TRIED, len(keys)))]
    keys = [key for key in table if key != str(value)]
    near = sorted(
        rng.sample(keys, min(_KEYS_TRIED * 2, len(keys))), key=lambda k: _unlike(table, k, value)
    )
    return near[:_KEYS_TRIED]


def _unlike(table: Mapping[str, Any], key: str, value: Any) -> int:
    """Return in how many fields two records differ: a similar one is more likely accepted."""
    record, other = table.get(str(value)), table[key]
    return 0 if record is None else sum(other.get(f) != v for f, v in record.items())


def other_values(
    task: Task, runtime: DomainRuntime, rng: random.Random
) -> Iterator[tuple[int, ReferenceCall]]:
    """Yield (place, call) with another value in an argument that is no key."""
    roles = parameter_roles(runtime.domain)
    found: list[list[tuple[int, ReferenceCall]]] = []
    for place in _writes(task, runtime, rng):
        call = task.reference_calls[place]
        properties: Any = runtime.spec_by_name[call.name].parameters.get("properties", {})
        for name, value in call.arguments.items():
            role = roles.get((call.name, name))
            if role is not None and role.is_key:
                continue
            others = _variants(value, properties.get(name, {}), role, rng)
            found.append([(place, _with(call, name, other)) for other in others])
    yield from _in_turn(found)


def _in_turn(found: list[list[tuple[int, ReferenceCall]]]) -> Iterator[tuple[int, ReferenceCall]]:
    """Yield the variants of every argument in turn: few are looked at, and not all of one."""
    for row in zip_longest(*found):
        yield from (variant for variant in row if variant is not None)


def _variants(
    value: Any, schema: Mapping[str, Any], role: Role | None, rng: random.Random
) -> list[Any]:
    """Return a few other values that the schema allows."""
    if isinstance(value, bool):
        return [not value]
    if "enum" in schema:
        return [option for option in schema["enum"] if option != value][:3]
    if isinstance(value, int):
        return [value + 1, value - 1, value + 5]
    if isinstance(value, float):
        return [value + 1, value - 1]
    if isinstance(value, str):
        return _other_texts(value, rng)
    if isinstance(value, list) and value:
        return [value[:-1]]
    return []


def _other_texts(value: str, rng: random.Random) -> list[Any]:
    match = _ISO_DATE.fullmatch(value)
    if match is not None:
        day = date.fromisoformat(match[1])
        steps = (1, -1, 2, 7)
        return [(day + timedelta(days=n)).isoformat() + (match[2] or "") for n in steps]
    if _TIME.fullmatch(value):
        return [f"{(int(value[:2]) + n) % 24:02}{value[2:]}" for n in (1, -1)]
    if "@" in value and " " not in value:
        return [f"x{value}"]
    literals = list(_LITERAL.finditer(value))
    if literals:  # a query: another value where the last literal stands
        last = literals[-1]
        return [value[: last.start(1)] + "something else" + value[last.end(1) :]]
    numbers = list(re.finditer(r"\d+", value))
    if numbers and " " in value:
        last = numbers[-1]
        return [value[: last.start()] + str(int(last[0]) + 1) + value[last.end() :]]
    return [f"{value} {rng.choice(('too', 'also', 'again'))}"]


def _with(call: ReferenceCall, name: str, value: Any) -> ReferenceCall:
    return call.model_copy(update={"arguments": {**call.arguments, name: value}})


def wrong_answers(answer: Answer, shown: Sequence[Any]) -> list[Answer]:
    """Return the answer with other values: near misses, and what results showed elsewhere.

    Args:
        shown: values that results showed under the same field.
    """
    value = answer.value
    others: list[Any] = [
        v for v in shown if v != value and v is not None and type(v) is type(value)
    ]
    if isinstance(value, bool):
        others.append(not value)
    elif isinstance(value, int | float):
        others += [value + 1, value * 10 + 3]
    elif isinstance(value, str):
        others += [text for text in _other_texts(value, random.Random(0)) if value not in text]
    unique = list(dict.fromkeys(str(other) for other in others))
    kept = [next(o for o in others if str(o) == text) for text in unique][:3]
    return [answer.model_copy(update={"value": other, "said_as": None}) for other in kept]
