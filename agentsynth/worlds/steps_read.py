"""The steps that read records: get, find, list, aggregate."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from agentsynth.core.domain import Entity
from agentsynth.core.errors import DomainError
from agentsynth.core.steps import Aggregate, AggregateStep, FindStep, GetStep, ListStep, Page
from agentsynth.worlds.expressions import MISSING, compile_expression, step_into
from agentsynth.worlds.index import index_value
from agentsynth.worlds.paging import cut, query_digest
from agentsynth.worlds.selection import compile_query, compile_selection, kept, live_only
from agentsynth.worlds.state import Record, State
from agentsynth.worlds.values import (
    CONTINUE,
    CompiledStep,
    Scope,
    compile_condition,
    compile_value,
    in_order,
    refusal,
)

__all__ = ["compile_aggregate", "compile_find", "compile_get", "compile_list"]

Entities = Mapping[str, Entity]


def compile_get(step: GetStep, entities: Entities) -> CompiledStep:
    """Compile a `get`."""
    key = compile_value(step.key)
    live = live_only(entities[step.get], deleted=step.deleted)
    entity, bound, missing = step.get, step.as_, step.missing

    def run(state: State, scope: Scope) -> Any:
        wanted = key(scope)
        record = None if wanted is None else state.get(entity, str(wanted))
        if live is not None and record is not None and record[live] is not None:
            record = None
        if record is None and missing is not None:
            raise refusal(missing, scope)
        scope[bound] = record
        return CONTINUE

    return run


def compile_find(step: FindStep, entities: Entities) -> CompiledStep:
    """Compile a `find`."""
    where = {field: compile_value(value) for field, value in step.where.items()}
    live = live_only(entities[step.find], deleted=step.deleted)

    def run(state: State, scope: Scope) -> Any:
        wanted = {field: value(scope) for field, value in where.items()}
        found = (record for _, record in state.records(step.find, wanted))
        if live is not None:
            found = (record for record in found if record[live] is None)
        record = next(found, None)
        if record is None and step.missing is not None:
            raise refusal(step.missing, scope)
        scope[step.as_] = record
        return CONTINUE

    return run


def compile_list(step: ListStep, entities: Entities, tool: str) -> CompiledStep:
    """Compile a `list`; `tool` is what its cursors are bound to."""
    select = compile_selection(step.list_, step, entities)
    entity = entities[step.list_]
    fields = step.fields or tuple(entity.fields)
    show = compile_value(step.show) if step.show else None
    page = _compile_page(step, step.page, entity.key, tool) if step.page is not None else None
    window = _compile_window(step) if (step.skip, step.take) != (None, None) else None

    def run(state: State, scope: Scope) -> Any:
        found = select(state, scope)
        if page is not None and not step.sort:
            found.sort(key=lambda record: record[entity.key])
        _sort(found, step.sort)
        if step.count is not None:
            scope[step.count] = len(found)
        if page is not None:
            found = page(found, scope)
        elif step.limit is not None:
            found = found[: step.limit]
        if window is not None:
            found = window(found, scope)
        if show is None:
            scope[step.as_] = [{field: record[field] for field in fields} for record in found]
        else:
            scope[step.as_] = _shown(found, show, scope)
        return CONTINUE

    return run


def _compile_window(step: ListStep) -> Callable[[list[Record], Scope], list[Record]]:
    skip, take = compile_value(step.skip), compile_value(step.take)

    def whole(value: Any) -> int:
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if type(value) is not int:
            raise DomainError(f"list {step.list_}: {value!r} is not a number of entries")
        return value

    def run(found: list[Record], scope: Scope) -> list[Record]:
        passed, given = skip(scope), take(scope)
        first = 0 if passed is None else max(0, whole(passed))
        last = len(found) if given is None else first + max(0, whole(given))
        return found[first:last]

    return run


def _shown(
    found: Sequence[Record], show: Callable[[Scope], Any], scope: Scope
) -> list[dict[str, Any]]:
    inner = dict(scope)
    entries: list[dict[str, Any]] = []
    for record in found:
        inner["it"] = record
        entries.append(show(inner))
    return entries


def _sort(found: list[Record], sort: Sequence[str]) -> None:
    """Sort by fields, also of joined records (`garden.name`), the first one counting most."""
    for name in reversed(sort):
        field, down = name.removeprefix("-"), name.startswith("-")
        if "." in field:
            parts = field.split(".")
            found.sort(key=lambda record: in_order(_at(record, parts)), reverse=down)
        else:
            found.sort(key=lambda record: in_order(record[field]), reverse=down)


def _at(record: Record, parts: Sequence[str]) -> Any:
    value: Any = record
    for part in parts:
        value = None if value is None else step_into(value, part)
    return None if value is MISSING else value


def _compile_page(
    step: ListStep, page: Page, key: str, tool: str
) -> Callable[[list[Record], Scope], list[Record]]:
    size, cursor = compile_value(page.size), compile_value(page.cursor)
    ask = compile_query(step)
    paths = compile_expression(step.filter).paths if step.filter else ()
    asked = [compile_value(f"={path}") for path in paths if path.split(".")[0] != "it"]

    def run(found: list[Record], scope: Scope) -> list[Record]:
        entries = size(scope)
        if type(entries) is not int or entries < 1:
            raise DomainError(f"list {step.list_}: {entries!r} is not a size of a page")
        query = query_digest(
            tool, step.list_, step.as_, *ask(scope), [value(scope) for value in asked]
        )
        keys = [str(record[key]) for record in found]
        start, end, scope[page.next] = cut(keys, entries, cursor(scope), query)
        return found[start:end]

    return run


def compile_aggregate(step: AggregateStep, entities: Entities) -> CompiledStep:
    """Compile an `aggregate` over an entity or over a list in scope."""
    entries_of = _entries(step, entities)
    figures = {name: _figure(one) for name, one in step.give.items()}
    group = _reader(step.by) if step.by is not None else None

    def run(state: State, scope: Scope) -> Any:
        entries = entries_of(state, scope)
        if group is None:
            scope[step.as_] = {name: one(entries, scope) for name, one in figures.items()}
            return CONTINUE
        groups: dict[Any, tuple[Any, list[Any]]] = {}
        for entry, value in zip(entries, group(entries, scope), strict=True):
            groups.setdefault(index_value(value), (value, []))[1].append(entry)
        scope[step.as_] = [
            {"by": value, **{name: one(members, scope) for name, one in figures.items()}}
            for value, members in _ordered([*groups.values()], step.by or "")
        ]
        return CONTINUE

    return run


def _ordered(groups: list[tuple[Any, list[Any]]], text: str) -> list[tuple[Any, list[Any]]]:
    try:
        return sorted(groups, key=lambda pair: in_order(pair[0]))
    except TypeError as error:
        raise DomainError(f"aggregate: the groups by {text!r} have no order: {error}") from error


def _entries(step: AggregateStep, entities: Entities) -> Callable[[State, Scope], list[Any]]:
    if not step.aggregate.startswith("="):
        return compile_selection(step.aggregate, step, entities)
    source = compile_value(step.aggregate)
    keep = compile_condition(step.filter) if step.filter else None

    def given(_state: State, scope: Scope) -> list[Any]:
        entries = source(scope)
        if not isinstance(entries, list):
            raise DomainError(f"aggregate: {step.aggregate!r} gave {entries!r}, not a list")
        return kept(entries, keep, scope) if keep is not None else entries

    return given


def _reader(text: str) -> Callable[[list[Any], Scope], list[Any]]:
    """Return what reads a field or an `=expression` over `it` of each entry."""
    value = compile_value(text if text.startswith("=") else f"=it.{text}")

    def read(entries: list[Any], scope: Scope) -> list[Any]:
        inner = dict(scope)
        values: list[Any] = []
        for entry in entries:
            inner["it"] = entry
            values.append(value(inner))
        return values

    return read


def _figure(one: Aggregate) -> Callable[[list[Any], Scope], Any]:
    if one.count:
        return lambda entries, _scope: len(entries)
    text = one.sum or one.min or one.max or ""
    read = _reader(text)

    def values(entries: list[Any], scope: Scope) -> list[Any]:
        return [value for value in read(entries, scope) if value is not None]

    if one.sum is not None:
        return lambda entries, scope: _total(values(entries, scope), text)
    best = min if one.min is not None else max
    return lambda entries, scope: _best(best, values(entries, scope), text)


def _best(best: Callable[..., Any], values: list[Any], text: str) -> Any:
    try:
        return best(values, default=None)
    except TypeError as error:
        raise DomainError(f"aggregate: the values of {text!r} have no order: {error}") from error


def _total(values: list[Any], text: str) -> int:
    for value in values:
        if type(value) is not int:
            raise DomainError(f"aggregate: the sum of {text!r} meets {value!r}, no whole number")
    return sum(values)
