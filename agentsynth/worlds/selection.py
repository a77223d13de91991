"""Which records a list or an aggregate is about: indexes first, then a condition over each."""

from collections.abc import Callable, Mapping
from typing import Any

from agentsynth.core.domain import Entity
from agentsynth.core.steps import AggregateStep, ListStep
from agentsynth.worlds.expressions import MISSING, compile_expression, step_into
from agentsynth.worlds.state import Record, State
from agentsynth.worlds.values import Scope, Value, compile_condition, compile_value

__all__ = ["Query", "Selection", "compile_query", "compile_selection", "kept", "live_only"]

Query = Callable[[Scope], tuple[dict[str, Any], dict[str, tuple[Any, Any]], dict[str, str]]]
"""Scope to what is asked for: equal values, bounds, and texts to contain."""
Selection = Callable[[State, Scope], list[Record]]
_Join = Callable[[State, dict[str, Any]], None]


def live_only(entity: Entity, *, deleted: bool) -> str | None:
    """Return the field that must be null in a record that is to be seen; None = all are."""
    return None if deleted else entity.soft_delete


def _values(parts: Mapping[str, Any]) -> list[tuple[str, Value]]:
    return [(field, compile_value(part)) for field, part in parts.items()]


def compile_query(step: ListStep | AggregateStep) -> Query:
    """Compile what a step asks for."""
    where, given = _values(step.where), _values(step.where_given)
    match, between = _values(step.match), _values(step.between)

    def ask(
        scope: Scope,
    ) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]], dict[str, str]]:
        wanted = {field: value(scope) for field, value in where}
        for field, value in given:
            if (asked := value(scope)) is not None:
                wanted[field] = asked
        bounds: dict[str, tuple[Any, Any]] = {}
        for field, value in between:
            low, high = value(scope)
            bounds[field] = (low, high)
        texts = {f: str(t).lower() for f, value in match if (t := value(scope)) is not None}
        return wanted, bounds, texts

    return ask


def compile_selection(
    name: str, step: ListStep | AggregateStep, entities: Mapping[str, Entity]
) -> Selection:
    """Compile a step's selection; joined records lie in each entry under their names."""
    ask = compile_query(step)
    live = live_only(entities[name], deleted=step.deleted)
    join = _compile_join(name, step.join, entities) if step.join else None
    keep = compile_condition(step.filter) if step.filter else None
    late = step.filter is not None and not step.join.keys().isdisjoint(_parts_of_it(step.filter))

    def select(state: State, scope: Scope) -> list[Record]:
        wanted, bounds, texts = ask(scope)
        found = [record for _, record in state.records(name, wanted, bounds)]
        if live is not None:
            found = [record for record in found if record[live] is None]
        for field, text in texts.items():
            found = [record for record in found if text in str(record[field]).lower()]
        if keep is not None and not late:
            found = kept(found, keep, scope)
        if join is not None:
            found = [_joined(state, record, join) for record in found]
        if keep is not None and late:
            found = kept(found, keep, scope)
        return found

    return select


def _parts_of_it(condition: str) -> set[str]:
    """Return the parts of `it` that a condition reads."""
    paths = [path.split(".") for path in compile_expression(condition).paths]
    return {parts[1] for parts in paths if parts[0] == "it" and len(parts) > 1}


def kept(found: list[Any], keep: Callable[[Scope], bool], scope: Scope) -> list[Any]:
    """Return the entries for which the condition holds, each in scope as `it`."""
    inner = dict(scope)
    chosen: list[Any] = []
    for entry in found:
        inner["it"] = entry
        if keep(inner):
            chosen.append(entry)
    return chosen


def _joined(state: State, record: Record, join: _Join) -> Record:
    entry = dict(record)
    join(state, entry)
    return entry


def _compile_join(name: str, join: Mapping[str, str], entities: Mapping[str, Entity]) -> _Join:
    targets: list[tuple[str, tuple[str, ...], str]] = []
    entity_of: dict[str, str] = {}
    for bound, path in join.items():
        via, _, field = path.rpartition(".")
        ref = entities[entity_of[via] if via else name].fields[field].ref
        if ref is None:
            raise ValueError(f"{path!r} does not refer to an entity")
        entity_of[bound] = ref
        targets.append((bound, tuple(path.split(".")), ref))

    def run(state: State, entry: dict[str, Any]) -> None:
        for bound, parts, ref in targets:
            key: Any = entry
            for part in parts:
                key = None if key is None else step_into(key, part)
            entry[bound] = None if key is None or key is MISSING else state.get(ref, str(key))

    return run
