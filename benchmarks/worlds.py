"""What the steps of a declarative world cost, over an entity of 10,000 records.

Every figure is a whole call (schema check, step, JSON of the result, commit) in microseconds of
processor time, best of several rounds. `linearity` plays sequences of writing and reading calls of
growing length: the time and the memory of one call must not grow with their number. The reference
beside it (JSON of 20 records) tells a slow machine from slow code.

    python -m benchmarks.worlds [--rounds 7]
"""

import argparse
import json
import time
import tracemalloc
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import JsonValue

from agentsynth.core.domain import Domain
from agentsynth.core.messages import ToolCall
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.state import Base

_RECORDS = 10_000
_GROUPS = 500
_CALLS = 40
"""Calls of one kind in a round."""
_LENGTHS = (20, 50, 100, 300)
_START = "2027-03-01"

_FIELDS = {
    "id": {"type": "string"},
    "group_id": {"type": "string", "ref": "group"},
    "name": {"type": "string"},
    "amount_cents": {"type": "money"},
    "due": {"type": "date"},
    "status": {"type": "enum", "values": ["open", "done"]},
}
_ONE = {"group_id": "=args.group_id"}
_DONE = {"return": "=found"}
_READS: dict[str, list[dict[str, Any]]] = {
    "return": [{"return": "=args.item_id"}],
    "get": [{"get": "item", "key": "=args.item_id", "as": "found"}, _DONE],
    "find": [{"find": "item", "where": _ONE, "as": "found"}, _DONE],
    "require": [{"require": "args.n >= 0", "code": "no", "message": "No."}, {"return": "=args.n"}],
    "let": [{"let": {"a": "=args.n + 1", "b": "=a * 2"}}, {"return": "=b"}],
    "list_where": [{"list": "item", "where": _ONE, "as": "found"}, _DONE],
    "list_filter": [
        {"list": "item", "where": _ONE, "filter": "it.amount_cents > args.n", "as": "found"},
        _DONE,
    ],
    "list_between": [
        {"list": "item", "between": {"amount_cents": ["=args.n", "=args.n + 19"]}, "as": "found"},
        _DONE,
    ],
    "list_join_show": [
        {
            "list": "item",
            "where": _ONE,
            "join": {"group": "group_id"},
            "show": {"id": "=it.id", "group": "=it.group.name"},
            "as": "found",
        },
        _DONE,
    ],
    "list_page": [
        {
            "list": "item",
            "where": _ONE,
            "sort": ["-amount_cents"],
            "page": {"size": 5, "cursor": None, "next": "next"},
            "as": "found",
        },
        {"return": {"found": "=found", "next": "=next"}},
    ],
    "aggregate": [
        {
            "aggregate": "item",
            "where": _ONE,
            "by": "status",
            "give": {"n": {"count": True}, "total": {"sum": "amount_cents"}},
            "as": "found",
        },
        _DONE,
    ],
    "list_all_sorted": [
        {"list": "item", "sort": ["-amount_cents"], "limit": 5, "as": "found"},
        _DONE,
    ],
}
_WRITES: dict[str, list[dict[str, Any]]] = {
    "create": [
        {
            "create": "item",
            "set": {
                "group_id": "=args.group_id",
                "name": "=args.item_id",
                "amount_cents": "=args.n",
                "due": "=today",
                "status": "open",
            },
            "as": "made",
        },
        {"return": "=made.id"},
    ],
    "update": [
        {"update": "item", "key": "=args.item_id", "set": {"amount_cents": "=args.n + 1"}},
        {"return": "ok"},
    ],
    "delete": [{"delete": "item", "key": "=args.item_id"}, {"return": "ok"}],
    "for_each": [
        {"list": "item", "where": _ONE, "fields": ["id"], "as": "found"},
        {
            "for_each": "=found",
            "as": "one",
            "do": [{"update": "item", "key": "=one.id", "set": {"status": "done"}}],
            "failed": "failed",
        },
        {"return": "=failed"},
    ],
    "schedule": [
        {"schedule": "close", "at": "=add_days(today, 9)", "with": {"item_id": "=args.item_id"}},
        {"return": "ok"},
    ],
    "schedule_and_run": [
        {"schedule": "close", "at": "=now", "with": {"item_id": "=args.item_id"}},
        {"return": "ok"},
    ],
    "once": [{"once": "=args.item_id"}, {"return": "ok"}],
}


def _tool(steps: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return {
        "description": "A tool of the benchmark.",
        "kind": kind,
        "parameters": {
            "item_id": {"type": "string"},
            "group_id": {"type": "string"},
            "n": {"type": "integer"},
        },
        "steps": steps,
    }


def _domain() -> Domain:
    tools = {name: _tool(steps, "read") for name, steps in _READS.items()}
    tools |= {name: _tool(steps, "write") for name, steps in _WRITES.items()}
    close = {"update": "item", "key": "=args.item_id", "set": {"status": "done"}}
    return Domain.model_validate(
        {
            "name": "bench",
            "title": "Benchmark",
            "category": ["benchmarks"],
            "persona": "You are measured.",
            "clock": {"start": _START},
            "policy": {},
            "entities": {
                "group": {
                    "id_pattern": "G####",
                    "fields": {"id": {"type": "string"}, "name": {"type": "string"}},
                },
                "item": {
                    "id_pattern": "N######",
                    "unique": [["group_id", "name"]],
                    "fields": _FIELDS,
                },
            },
            "effects": {"close": {"parameters": ["item_id"], "steps": [close]}},
            "tools": tools,
        }
    )


def _base(seed: int) -> Base:
    groups = {f"G{n:04}": {"id": f"G{n:04}", "name": f"Group {n}"} for n in range(_GROUPS)}
    items = {
        f"I{n:05}": {
            "id": f"I{n:05}",
            "group_id": f"G{n % _GROUPS:04}",
            "name": f"Item {n}",
            "amount_cents": n * 7919 % _RECORDS,
            "due": "2027-03-05",
            "status": "open" if n % 3 else "done",
        }
        for n in range(_RECORDS)
    }
    return Base({"group": groups, "item": items}, seed=seed, today=_START)


def _call(name: str, n: int) -> ToolCall:
    arguments: dict[str, JsonValue] = {
        "item_id": f"I{n * 37 % _RECORDS:05}",
        "group_id": f"G{n % _GROUPS:04}",
        "n": n,
    }
    return ToolCall(id="c", name=name, arguments=arguments)


def _microseconds(compiled: CompiledDomain, name: str, rounds: int) -> float:
    calls = [_call(name, n) for n in range(_CALLS)]
    best = float("inf")
    for _ in range(rounds):
        world = DeclarativeWorld(compiled, compiled.base(1))
        started = time.process_time()
        for call in calls:
            world.call_now(call)
        best = min(best, time.process_time() - started)
    return round(best / _CALLS * 1e6, 1)


_SEQUENCE = (
    *("create", "list_where", "update", "list_between", "delete"),
    *("for_each", "schedule", "find", "aggregate", "list_page"),
)
"""As long as every length is a multiple of: each length is then the same mixture."""


def _sequence(compiled: CompiledDomain, length: int) -> None:
    world = DeclarativeWorld(compiled, compiled.base(1))
    for n in range(length):
        result = world.call_now(_call(_SEQUENCE[n % len(_SEQUENCE)], n))
        if result.is_error:
            raise RuntimeError(f"the benchmark's own call failed: {result.content}")


def _linearity(compiled: CompiledDomain, rounds: int) -> dict[str, Any]:
    """Return time and peak memory of one call, by the length of the sequence it is part of."""
    times: dict[int, float] = {}
    memory: dict[int, float] = {}
    _sequence(compiled, max(_LENGTHS))  # indexes of the shared base are made once
    for _ in range(rounds):
        for length in _LENGTHS:
            started = time.process_time()
            _sequence(compiled, length)
            cost = round((time.process_time() - started) / length * 1e6, 1)
            times[length] = min(cost, times.get(length, cost))
    for length in _LENGTHS:
        tracemalloc.start()
        _sequence(compiled, length)
        memory[length] = round(tracemalloc.get_traced_memory()[1] / length / 1024, 2)
        tracemalloc.stop()
    return {
        "microseconds_per_call": times,
        "peak_kb_per_call": memory,
        "time_growth": round(times[max(_LENGTHS)] / times[min(_LENGTHS)], 2),
        "memory_growth": round(memory[max(_LENGTHS)] / memory[min(_LENGTHS)], 2),
    }


def _best(act: Callable[[], object], repeat: int, rounds: int) -> float:
    """Return the microseconds of one act."""
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for _ in range(repeat):
            act()
        best = min(best, time.process_time() - started)
    return best / repeat * 1e6


def _reference(table: Mapping[str, Any], rounds: int) -> dict[str, float]:
    """Return what plain Python costs here: JSON of 20 records, and a scan of every record."""
    some = list(table.values())[:20]
    dumped = _best(lambda: json.dumps(some, ensure_ascii=False), 200, rounds)
    scanned = _best(lambda: [r for r in table.values() if r["group_id"] == "G0007"], 5, rounds)
    return {"json_of_20_records": round(dumped, 1), "scan_of_all_records": round(scanned, 1)}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    compiled = CompiledDomain(_domain(), base=_base)
    costs = {name: _microseconds(compiled, name, options.rounds) for name in (*_READS, *_WRITES)}
    reference = _reference(compiled.base(1).tables["item"], options.rounds)
    unit = reference["json_of_20_records"]
    made = {
        "benchmark": "worlds",
        "records": _RECORDS,
        "records_per_group": _RECORDS // _GROUPS,
        "microseconds_per_call": costs,
        "calls_per_second": round(1e6 / costs["get"]),
        "linearity": _linearity(compiled, options.rounds),
        "reference_microseconds": reference,
        "ratio_to_json": {name: round(cost / unit, 2) for name, cost in costs.items()},
        "list_where_to_scan": round(costs["list_where"] / reference["scan_of_all_records"], 3),
    }
    print(json.dumps(made))


if __name__ == "__main__":
    main()
