"""Static checks of the steps that read: get, find, list, aggregate."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from agentsynth.core.steps import Aggregate, AggregateStep, Failure, FindStep, GetStep, ListStep
from agentsynth.worlds.static_checker import Checker, FilePath
from agentsynth.worlds.static_flow import Facts
from agentsynth.worlds.static_infer import Scope
from agentsynth.worlds.static_types import ANY, INT, TEXT, Type, clashes, list_of, mapping_of

__all__ = ["check_aggregate", "check_find", "check_get", "check_key", "check_list", "list_item"]


def check_key(checker: Checker, key: Any, scope: Scope, path: FilePath) -> None:
    """Check the value by which a record is looked up."""
    found = checker.value(key, scope, path)
    if found.kind in ("int", "bool", "list", "record"):
        checker.report(path, f"a key is a text, this is {found}")


def check_get(checker: Checker, step: GetStep, scope: Scope, path: FilePath) -> None:
    """Check a `get`."""
    check_key(checker, step.key, scope, (*path, "key"))
    _bind_record(checker, step.get, step.as_, step.missing, scope, (*path, "get"))


def check_find(checker: Checker, step: FindStep, scope: Scope, path: FilePath) -> None:
    """Check a `find`."""
    _where(checker, step.find, step.where, scope, (*path, "where"))
    _bind_record(checker, step.find, step.as_, step.missing, scope, (*path, "find"))


def _bind_record(
    checker: Checker,
    name: str,
    bound: str,
    missing: Failure | None,
    scope: Scope,
    path: FilePath,
) -> None:
    if missing is not None:
        checker.template(missing.message, scope, (*path[:-1], "missing", "message"))
    known = checker.entity(name, path) is not None
    record = checker.records[name] if known else ANY
    scope.names[bound] = replace(record, nullable=missing is None)


def _where(
    checker: Checker, name: str, where: Mapping[str, Any], scope: Scope, path: FilePath
) -> None:
    if name not in checker.entities:
        return
    checker.fields(name, ((key, (*path, key)) for key in where))
    fields = checker.records[name].fields or {}
    for key, value in where.items():
        found = checker.value(value, scope, (*path, key))
        wrong = clashes(fields.get(key, ANY), found)
        if wrong is not None:
            checker.report((*path, key), f"no {name} has this: {wrong}")


def _between(
    checker: Checker,
    name: str,
    between: Mapping[str, Sequence[Any]],
    scope: Scope,
    path: FilePath,
) -> None:
    checker.fields(name, ((key, (*path, key)) for key in between))
    fields = checker.records[name].fields or {}
    for key, bounds in between.items():
        field = fields.get(key, ANY)
        if field.kind in ("bool", "list", "record"):
            checker.report((*path, key), f"{field} has no order")
            continue
        for index, bound in enumerate(bounds):
            found = checker.value(bound, scope, (*path, key, index))
            wrong = clashes(field, found)
            if wrong is not None and {field.kind, found.kind} != {"date", "datetime"}:
                checker.report((*path, key), wrong)


def _joined(checker: Checker, name: str, join: Mapping[str, str], path: FilePath) -> Type:
    """Return the type of `it`, with the joined records under their names."""
    fields = dict(checker.records[name].fields or {})
    entity_of: dict[str, str] = {}
    for bound, reference in join.items():
        here = (*path, "join", bound)
        via, _, field = reference.rpartition(".")
        source = entity_of.get(via) if via else name
        if bound in checker.entities[name].fields:
            checker.report(here, f"{name!r} has a field {bound!r} already; take another name")
        if source is None:
            joined = ", ".join(entity_of) or "nothing"
            checker.report(here, f"nothing joined before is called {via!r}; there is: {joined}")
            continue
        spec = checker.entities[source].fields.get(field)
        if spec is None:
            checker.fields(source, [(field, here)])
        elif spec.ref is None or spec.ref not in checker.entities:
            checker.report(here, f"field {field!r} of {source!r} does not refer to an entity")
        else:
            entity_of[bound] = spec.ref
            fields[bound] = replace(checker.records[spec.ref], nullable=spec.nullable or bool(via))
    return mapping_of(fields)


def list_item(
    checker: Checker,
    name: str,
    step: ListStep | AggregateStep,
    scope: Scope,
    facts: Facts,
    path: FilePath,
) -> Type:
    """Check what a step selects by; return the type of one entry, `it`."""
    for part, where in (
        ("where", step.where),
        ("where_given", step.where_given),
        ("match", step.match),
    ):
        _where(checker, name, where, scope, (*path, part))
    _between(checker, name, step.between, scope, (*path, "between"))
    item = _joined(checker, name, step.join, path)
    if step.filter is not None:
        here = (*path, "filter")
        checker.condition(step.filter, scope.with_(it=item), here)
        settled = facts.within(step, step.filter)
        if settled is not None:
            checker.report(here, f"keeps nothing: {settled!r} is settled otherwise")
    return item


def check_list(
    checker: Checker, step: ListStep, scope: Scope, facts: Facts, path: FilePath
) -> None:
    """Check a `list`."""
    shown = ANY
    if checker.entity(step.list_, (*path, "list")) is not None:
        item = list_item(checker, step.list_, step, scope, facts, path)
        _sort(checker, step, item, path)
        checker.fields(step.list_, ((name, (*path, "fields")) for name in step.fields))
        if step.show and step.fields:
            checker.report((*path, "show"), "'show' says what is given, so 'fields' is not needed")
        if step.show:
            shown = checker.value(step.show, scope.with_(it=item), (*path, "show"))
        else:
            known = checker.records[step.list_].fields or {}
            wanted = step.fields or tuple(known)
            shown = mapping_of({name: known.get(name, ANY) for name in wanted})
    for part in ("skip", "take"):
        found = checker.value(getattr(step, part), scope, (*path, part))
        if found.kind not in ("int", "float", "null", "any"):
            checker.report((*path, part), f"needs a whole number, this is {found}")
    if step.page is not None:
        _page(checker, step, scope, path)
    scope.names[step.as_] = list_of(shown)
    if step.count is not None:
        scope.names[step.count] = INT


def _sort(checker: Checker, step: ListStep, item: Type, path: FilePath) -> None:
    for name in step.sort:
        field = name.removeprefix("-")
        head = field.partition(".")[0]
        if head in step.join:
            message = Scope({"it": item}).problem(f"it.{field}")
            if message is not None:
                checker.report((*path, "sort"), message)
        else:
            checker.fields(step.list_, [(field, (*path, "sort"))])


def _page(checker: Checker, step: ListStep, scope: Scope, path: FilePath) -> None:
    assert step.page is not None
    here = (*path, "page")
    if step.limit is not None:
        checker.report((*path, "limit"), "a list has pages or a limit, not both")
    size = checker.value(step.page.size, scope, (*here, "size"))
    if size.kind not in ("int", "any") or (size.values and min(size.values) < 1):
        checker.report((*here, "size"), "the size of a page is a whole number from 1")
    cursor = checker.value(step.page.cursor, scope, (*here, "cursor"))
    if cursor.kind not in ("text", "null", "any"):
        checker.report((*here, "cursor"), f"a cursor is a text, this is {cursor}")
    scope.names[step.page.next] = replace(TEXT, nullable=True)


def check_aggregate(
    checker: Checker, step: AggregateStep, scope: Scope, facts: Facts, path: FilePath
) -> None:
    """Check an `aggregate`."""
    item = _aggregated(checker, step, scope, facts, path)
    inner = scope.with_(it=item)
    made: dict[str, Type] = {}
    for name, figure in step.give.items():
        made[name] = _figure(checker, figure, item, inner, (*path, "give", name))
    if step.by is None:
        scope.names[step.as_] = mapping_of(made)
        return
    if "by" in made:
        checker.report((*path, "give", "by"), "'by' is the group's own value; take another name")
    by = _read(checker, step.by, item, inner, (*path, "by"))
    scope.names[step.as_] = list_of(mapping_of({"by": by, **made}))


def _aggregated(
    checker: Checker, step: AggregateStep, scope: Scope, facts: Facts, path: FilePath
) -> Type:
    if not step.aggregate.startswith("="):
        if checker.entity(step.aggregate, (*path, "aggregate")) is None:
            return ANY
        return list_item(checker, step.aggregate, step, scope, facts, path)
    found = checker.value(step.aggregate, scope, (*path, "aggregate"))
    if found.kind not in ("list", "any"):
        checker.report((*path, "aggregate"), f"needs a list, this is {found}")
    for part in ("where", "where_given", "between", "match", "join"):
        if getattr(step, part):
            checker.report((*path, part), "over a list in scope there is only 'filter'")
    item = found.item or ANY
    if step.filter is not None:
        checker.condition(step.filter, scope.with_(it=item), (*path, "filter"))
    return item


def _read(checker: Checker, text: str, item: Type, inner: Scope, path: FilePath) -> Type:
    """Return the type of a field or an `=expression` over `it`."""
    if text.startswith("="):
        return checker.value(text, inner, path)
    message = inner.problem(f"it.{text}")
    if message is not None:
        checker.report(path, message)
    return inner.type_of(f"it.{text}")


def _figure(checker: Checker, figure: Aggregate, item: Type, inner: Scope, path: FilePath) -> Type:
    given = [name for name in ("sum", "min", "max", "count") if getattr(figure, name) is not None]
    if len(given) != 1:
        checker.report(path, "a figure is exactly one of sum, min, max, count")
        return ANY
    if given == ["count"]:
        return INT
    found = _read(checker, getattr(figure, given[0]), item, inner, (*path, given[0]))
    if given == ["sum"]:
        if found.kind not in ("int", "any"):
            checker.report((*path, "sum"), f"a sum is over whole numbers, this is {found}")
        return INT
    if found.kind in ("list", "record", "bool"):
        checker.report((*path, given[0]), f"{found} has no order")
    return replace(found, nullable=True)
