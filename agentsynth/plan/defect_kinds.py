"""The kinds of defects: each a function from a tool's steps to the wrong ones it could have had.

Steps are looked at as they stand in a domain's file, so that a kind needs to know only the words it
changes, and steps that hold other steps are no special case.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from agentsynth.core.domain import Domain, ToolDef
from agentsynth.plan.defect_scope import ToolScope, scope_of, used_in
from agentsynth.plan.expression_edits import (
    changed_conditions,
    changed_expressions,
    changed_literals,
    leaves,
)

__all__ = ["KINDS", "Planted", "Soil"]

_Step = dict[str, Any]
_Steps = list[_Step]
Planted = tuple[str, _Steps]
"""A sentence that says what is wrong, and the steps with it."""

_WRITES = ("create", "update", "delete", "schedule", "unschedule")
_RETURNS = ("return",)


@dataclass(frozen=True)
class Soil:
    """A tool that defects are planted in."""

    domain: Domain
    tool: ToolDef
    steps: _Steps
    families: tuple[tuple[str, ...], ...]
    """The values of each enum of the domain."""
    codes: tuple[str, ...]
    """Every error code of the domain."""

    def scope(self, index: int) -> ToolScope:
        """Return what is in scope before a step."""
        return scope_of(self.domain, self.tool, self.steps[:index])

    def but(self, index: int, **changed: Any) -> _Steps:
        """Return the steps with parts of one changed; None drops the part."""
        steps = deepcopy(self.steps)
        for name, value in changed.items():
            part = name.rstrip("_")
            if value is None:
                steps[index].pop(part, None)
            else:
                steps[index][part] = value
        return steps

    def without(self, index: int) -> _Steps:
        """Return the steps without one."""
        return [deepcopy(step) for place, step in enumerate(self.steps) if place != index]


def _verb(step: Mapping[str, Any], *verbs: str) -> str | None:
    return next((verb for verb in verbs if verb in step), None)


def _dropped_guard(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        if "require" in step:
            text = f"the guard {step['require']!r} ({step['code']}) is dropped"
            yield text, soil.without(index)
        if "missing" in step:
            what = step.get("get") or step.get("find")
            text = f"a missing {what} is no longer refused with {step['missing']['code']}"
            yield text, soil.but(index, missing=None)


def _weakened_guard(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        for part in ("require", "if"):
            if "require" in step and part in step:
                for text in changed_conditions(step[part], soil.families):
                    said = f"the guard's {step[part]!r} ({step['code']}) has become {text!r}"
                    yield said, soil.but(index, **{part: text})


def _changed_branch(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        if "if" in step and "require" not in step:
            yield f"step {index} no longer depends on {step['if']!r}", soil.but(index, if_=None)
            for text in changed_conditions(step["if"], soil.families):
                yield (
                    f"step {index} depends on {text!r}, not on {step['if']!r}",
                    soil.but(index, if_=text),
                )


def _wrong_code(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        for part in ("missing", "taken"):
            for code in soil.codes if part in step else ():
                if code != step[part]["code"]:
                    text = f"{step[part]['code']} is reported as {code}"
                    yield text, soil.but(index, **{part: {**step[part], "code": code}})
        if "require" in step:
            for code in soil.codes:
                if code != step["code"]:
                    yield f"{step['code']} is reported as {code}", soil.but(index, code=code)


def _dropped_write(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        if (verb := _verb(step, *_WRITES)) is not None:
            yield f"the {verb} of {step[verb]} is dropped", soil.without(index)


def _dropped_field(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        verb = _verb(step, "create", "update")
        if verb is None or len(step["set"]) < 2:
            continue
        for column, value in step["set"].items():
            if verb == "create" and value is None:
                continue  # a field that is left out is null all the same
            kept = {name: part for name, part in step["set"].items() if name != column}
            yield f"the {verb} of {step[verb]} no longer sets {column}", soil.but(index, set=kept)


def _wrong_value(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        verb = _verb(step, "create", "update")
        if verb is None or step[verb] not in soil.domain.entities:
            continue
        scope, fields = soil.scope(index), soil.domain.entities[step[verb]].fields
        for column, value in step["set"].items():
            families: Sequence[Sequence[str]] = soil.families
            if column in fields and fields[column].values:
                families = [fields[column].values]
            for other in _other_values(value, scope, families):
                text = f"the {verb} of {step[verb]} sets {column} to {other!r}, not to {value!r}"
                yield text, soil.but(index, set={**step["set"], column: other})


def _other_values(value: Any, scope: ToolScope, families: Sequence[Sequence[str]]) -> Iterator[Any]:
    if not (isinstance(value, str) and value.startswith("=")):
        yield from changed_literals(value, families)
        return
    path = value[1:]
    yield from (f"={other}" for other in scope.others(path))
    kind = scope.types.get(path)
    if kind == "integer":
        yield f"={path} + 1"
    elif kind == "date":
        yield f"=add_days({path}, 1)"
    for text in changed_expressions(path, families):
        yield f"={text}"


def _wrong_record(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        scope = soil.scope(index)
        verb = _verb(step, "get", "find", "update", "delete")
        if verb is None:
            continue
        if "key" in step and isinstance(step["key"], str):
            for other in scope.others(step["key"].removeprefix("="), loosely=True):
                text = f"the {verb} of {step[verb]} takes the key {other}, not {step['key'][1:]}"
                yield text, soil.but(index, key=f"={other}")
        if verb == "find":
            yield from _first_found(soil, index, step)


def _first_found(soil: Soil, index: int, step: _Step) -> Iterator[Planted]:
    for column in step["where"]:
        rest = {name: value for name, value in step["where"].items() if name != column}
        text = f"the find of {step['find']} no longer looks at {column}: it takes the first"
        yield text, soil.but(index, where=rest)


def _wrong_order(soil: Soil) -> Iterator[Planted]:
    """Write before the same records are read; other orders are undone by the transaction."""
    for index, step in enumerate(soil.steps):
        if (verb := _verb(step, "list", "find", "get", "aggregate")) is None:
            continue
        for later in range(index + 1, len(soil.steps)):
            written = _verb(soil.steps[later], "create", "update", "delete")
            if written is not None and soil.steps[later][written] == step[verb]:
                moved = soil.without(later)
                moved.insert(index, deepcopy(soil.steps[later]))
                yield f"the {written} of {step[verb]} comes before it is read (step {index})", moved


def _guard_order(soil: Soil) -> Iterator[Planted]:
    """Swap two guards: another code where both refuse, which a contract may leave open."""
    for index, (first, second) in enumerate(zip(soil.steps, soil.steps[1:], strict=False)):
        if "require" in first and "require" in second:
            swapped = deepcopy(soil.steps)
            swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
            yield f"{second['code']} is looked at before {first['code']}", swapped


def _selecting(soil: Soil) -> Iterator[tuple[int, _Step]]:
    for index, step in enumerate(soil.steps):
        if _verb(step, "list", "aggregate") is not None:
            yield index, step


def _dropped_filter(soil: Soil) -> Iterator[Planted]:
    for index, step in _selecting(soil):
        verb = "list" if "list" in step else "aggregate"
        for part in ("where", "where_given", "match", "between"):
            for column in step.get(part, {}):
                rest = {name: value for name, value in step[part].items() if name != column}
                text = f"the {verb} of {step[verb]} no longer narrows by {column}"
                yield text, soil.but(index, **{part: rest})
        if "filter" in step:
            text = f"the {verb} of {step[verb]} no longer filters by {step['filter']!r}"
            yield text, soil.but(index, filter=None)


def _changed_filter(soil: Soil) -> Iterator[Planted]:
    for index, step in _selecting(soil):
        for text in changed_conditions(step["filter"], soil.families) if "filter" in step else ():
            said = f"the filter {step['filter']!r} has become {text!r}"
            yield said, soil.but(index, filter=text)
        for column, value in step.get("where", {}).items():
            for other in changed_literals(value, soil.families):
                if not (isinstance(value, str) and value.startswith("=")):
                    text = f"the list looks for {column} {other!r}, not {value!r}"
                    yield text, soil.but(index, where={**step["where"], column: other})


def _shown_lists(soil: Soil) -> Iterator[tuple[int, _Step]]:
    """Yield the lists whose rows somebody reads: of the others only the number matters."""
    for index, step in _selecting(soil):
        if "list" in step and used_in(step["as"], soil.steps[index + 1 :]):
            yield index, step


def _wrong_sort(soil: Soil) -> Iterator[Planted]:
    for index, step in _shown_lists(soil):
        for place, name in enumerate(step.get("sort", [])):
            turned = name[1:] if name.startswith("-") else f"-{name}"
            sort = [*step["sort"][:place], turned, *step["sort"][place + 1 :]]
            yield f"the list of {step['list']} is sorted by {turned}", soil.but(index, sort=sort)
        if step.get("sort"):
            yield f"the list of {step['list']} is not sorted", soil.but(index, sort=None)


def _wrong_limit(soil: Soil) -> Iterator[Planted]:
    for index, step in _shown_lists(soil):
        limits = [2] if "limit" not in step else [step["limit"] - 1, step["limit"] + 1, None]
        for limit in limits:
            if limit is None or limit > 0:
                text = f"the list of {step['list']} is cut at {limit}, not at {step.get('limit')}"
                yield text, soil.but(index, limit=limit)


def _wrong_return(soil: Soil) -> Iterator[Planted]:
    for index, step in enumerate(soil.steps):
        if "return" not in step:
            continue
        scope = soil.scope(index)
        for path, value in leaves(step["return"]):
            for other in _other_values(value, scope, soil.families):
                changed = _set_at(deepcopy(step["return"]), path, other)
                place = ".".join(map(str, path)) or "the result"
                text = f"{place} is returned as {other!r}, not as {value!r}"
                yield text, soil.but(index, return_=changed)
    for index, step in _shown_lists(soil):
        for name in step.get("fields", []) if len(step.get("fields", [])) > 1 else ():
            kept = [other for other in step["fields"] if other != name]
            text = f"the list of {step['list']} no longer shows {name}"
            yield text, soil.but(index, fields=kept)


def _set_at(value: Any, path: Sequence[str | int], new: Any) -> Any:
    if not path:
        return new
    inner = value
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = new
    return value


def _extra_write(soil: Soil) -> Iterator[Planted]:
    if soil.tool.kind != "write" or not _verb(soil.steps[-1], "return", "document"):
        return
    for name, entity in soil.scope(len(soil.steps) - 1).records.items():
        key = soil.domain.entities[entity].key
        for column, spec in soil.domain.entities[entity].fields.items():
            value: Any = {
                "boolean": f"=!{name}.{column}",
                "integer": f"={name}.{column} + 1",
                "money": f"={name}.{column} + 1",
                "date": f"=add_days({name}.{column}, 1)",
            }.get(spec.type)
            if value is None or spec.nullable or column == key:
                continue
            step = {"update": entity, "key": f"={name}.{key}", "set": {column: value}}
            text = f"the {entity} {name!r} gets another {column} beside"
            yield text, [*deepcopy(soil.steps[:-1]), step, deepcopy(soil.steps[-1])]


KINDS: dict[str, Callable[[Soil], Iterator[Planted]]] = {
    "dropped_guard": _dropped_guard,
    "weakened_guard": _weakened_guard,
    "changed_branch": _changed_branch,
    "wrong_code": _wrong_code,
    "dropped_write": _dropped_write,
    "dropped_field": _dropped_field,
    "wrong_value": _wrong_value,
    "wrong_record": _wrong_record,
    "wrong_order": _wrong_order,
    "guard_order": _guard_order,
    "dropped_filter": _dropped_filter,
    "changed_filter": _changed_filter,
    "wrong_sort": _wrong_sort,
    "wrong_limit": _wrong_limit,
    "wrong_return": _wrong_return,
    "extra_write": _extra_write,
}
"""Every kind by name."""
