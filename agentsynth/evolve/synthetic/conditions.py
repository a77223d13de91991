"""Guards as conditions: how they hold, for steps and plans; how they break, for contracts.

The two are written apart and differently, so that a slip in one does not hide in the other.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentsynth.evolve.synthetic.blueprint import Blueprint, Guard

__all__ = [
    "breaks",
    "count_name",
    "counted",
    "counted_in_contract",
    "holds",
    "mentions",
    "open_filter",
]

Path = Callable[[str, str], str]
"""(binding, field) to an expression."""


def _plain(binding: str, field: str) -> str:
    return f"{binding}.{field}"


def mentions(guard: Guard) -> tuple[str, ...]:
    """Return the bindings that a guard speaks of."""
    names = [guard.on, guard.with_.partition(".")[0]]
    return tuple(dict.fromkeys(name for name in names if name))


def count_name(guard: Guard, blueprint: Blueprint) -> str:
    """Return what the number (or sum) that a guard compares is called; empty = it needs none."""
    if guard.kind in ("open_limit", "none_open"):
        name = f"open_{blueprint.entity(guard.entity).noun.plural}"
        return (
            f"{name}_by_{guard.ref.removesuffix('_id')}" if _by_several(guard, blueprint) else name
        )
    if guard.kind == "sum_cap":
        return f"{blueprint.entity(guard.entity).noun.name}_{guard.field}_sum"
    if guard.kind == "no_clash":
        return f"{blueprint.entity(guard.entity).noun.name}_clashes"
    return ""


def _by_several(guard: Guard, blueprint: Blueprint) -> bool:
    """Whether open records of a kind are counted for more than one thing that they refer to."""
    guards = (g for action in blueprint.actions for g in action.guards)
    kinds = ("open_limit", "none_open")
    return len({g.ref for g in guards if g.kind in kinds and g.entity == guard.entity}) > 1


def holds(  # noqa: C901
    guard: Guard, blueprint: Blueprint, path: Path = _plain, count: str | None = None,
    arg: Callable[[str], str] = lambda name: f"args.{name}", today: str = "today",
) -> str:  # fmt: skip
    """Return the condition under which an action is allowed.

    Args:
        path: how a binding's field is reached.
        count: what the number is called; None = by its own name.
        arg: how an argument is reached.
        today: what the day is called.
    """
    on = path(guard.on, guard.field) if guard.on and guard.field else ""
    number = count or count_name(guard, blueprint)
    match guard.kind:
        case "among":
            return " || ".join(f"{on} == '{value}'" for value in guard.values)
        case "flag":
            return on if guard.wanted else f"!{on}"
        case "most":
            return f"{on} <= {guard.limit}"
        case "least":
            return f"{on} >= {guard.limit}"
        case "open_limit":
            return f"{number} < {guard.limit}"
        case "none_open" | "no_clash":
            return f"{number} == 0"
        case "ahead":
            gap = f"days_between({today}, {arg(guard.arg)})"
            return f"{gap} >= {guard.low} && {gap} <= {guard.limit}"
        case "notice":
            return f"days_between({today}, {on}) >= {guard.limit}"
        case "elapsed":
            return f"days_between({on}, {today}) >= {guard.limit}"
        case "enough":
            return f"{on} >= {arg(guard.arg)}"
        case "same":
            return f"{on} == {_other(guard, path)}"
        case "other":
            return f"{on} != {_other(guard, path)}"
        case "own":
            return f"{on} == {path(guard.with_, 'id')}"
        case "if_then":
            apart = " && ".join(f"{on} != '{value}'" for value in guard.values)
            return f"({apart}) || {_other(guard, path)}"
        case "sum_cap":
            return f"{number} + {arg(guard.arg)} <= {_other(guard, path)}"


def _other(guard: Guard, path: Path) -> str:
    binding, _, field = guard.with_.partition(".")
    return path(binding, field or "id")


def breaks(guard: Guard, blueprint: Blueprint) -> str:  # noqa: C901
    """Return the condition under which a call is refused, for its contract."""
    on, number = f"{guard.on}.{guard.field}", count_name(guard, blueprint)
    there = " && ".join(f"{name} != null" for name in mentions(guard))
    match guard.kind:
        case "among":
            said = f"!({on} in [{', '.join(repr(value) for value in guard.values)}])"
        case "flag":
            said = f"{on} == {'false' if guard.wanted else 'true'}"
        case "most":
            said = f"{on} > {guard.limit}"
        case "least":
            said = f"{on} < {guard.limit}"
        case "open_limit":
            said = f"{number} >= {guard.limit}"
        case "none_open" | "no_clash":
            said = f"{number} > 0"
        case "ahead":
            first, last = f"add_days(today, {guard.low})", f"add_days(today, {guard.limit})"
            said = f"(args.{guard.arg} < {first} || args.{guard.arg} > {last})"
        case "notice":
            said = f"{on} < add_days(today, {guard.limit})"
        case "elapsed":
            said = f"{on} > add_days(today, -{guard.limit})"
        case "enough":
            said = f"args.{guard.arg} > {on}"
        case "same":
            said = f"{on} != {_other(guard, _plain)}"
        case "other":
            said = f"{on} == {_other(guard, _plain)}"
        case "own":
            said = f"{on} != {guard.with_}.id"
        case "if_then":
            listed = ", ".join(repr(value) for value in guard.values)
            said = f"({on} in [{listed}]) && !{_other(guard, _plain)}"
        case "sum_cap":
            said = f"{number} > {_other(guard, _plain)} - args.{guard.arg}"
    return f"{there} && {said}" if there else said


def open_filter(states: Sequence[str]) -> str:
    """Return the condition that a record is in one of these states."""
    return " || ".join(f"it.status == '{state}'" for state in states)


def _where(guard: Guard) -> dict[str, Any]:
    where: dict[str, Any] = {guard.ref: f"={guard.on}.id"}
    if guard.kind == "no_clash":
        where[guard.field] = f"=args.{guard.arg}"
    return where


def counted(guard: Guard, blueprint: Blueprint) -> list[dict[str, Any]]:
    """Return the steps that bind the number a guard compares; empty where it needs none."""
    name = count_name(guard, blueprint)
    if not name:
        return []
    entity = blueprint.entity(guard.entity)
    step: dict[str, Any] = {"where": _where(guard)}
    if entity.open_states:
        step["filter"] = open_filter(entity.open_states)
    if guard.kind == "sum_cap":
        gives = {"give": {"whole": {"sum": guard.field}}, "as": f"{name}_over"}
        found = {"aggregate": entity.noun.name, **step, **gives}
        return [found, {"let": {name: f"={name}_over.whole"}}]
    return [{"list": entity.noun.name, **step, "count": name, "as": f"{name}_found"}]


def counted_in_contract(guard: Guard, blueprint: Blueprint) -> Mapping[str, Any]:
    """Return the lookups of a contract for that number."""
    name = count_name(guard, blueprint)
    if not name:
        return {}
    entity = blueprint.entity(guard.entity)
    verb = "sum" if guard.kind == "sum_cap" else "count"
    found: dict[str, Any] = {verb: entity.noun.name, "where": _where(guard)}
    if guard.kind == "sum_cap":
        found["of"] = guard.field
    if entity.open_states:
        found["if"] = f"it.status in [{', '.join(repr(state) for state in entity.open_states)}]"
    return {name: found}
