"""The operational semantics: a tool's steps, compiled once into closures.

Steps read and write a `State` inside one transaction and never await, so nothing interleaves.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, assert_never

from agentsynth.core.domain import (
    CreateStep,
    DeleteStep,
    Entity,
    Failure,
    FieldSpec,
    FindStep,
    GetStep,
    LetStep,
    ListStep,
    RequireStep,
    ReturnStep,
    Step,
    UpdateStep,
)
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.worlds.expressions import compile_expression, fill
from agentsynth.worlds.state import Record, State

__all__ = ["CONTINUE", "Value", "compile_steps", "compile_value", "field_error"]

Scope = dict[str, Any]
Value = Callable[[Mapping[str, Any]], Any]
CompiledStep = Callable[[State, Scope], Any]

CONTINUE = object()
"""What a step gives when the tool goes on."""


def compile_value(value: Any) -> Value:
    """Compile a literal, an `=expression`, or a list or mapping of both.

    Raises:
        ValueError: if an expression is not well-formed.
    """
    if isinstance(value, str) and value.startswith("="):
        return compile_expression(value[1:]).evaluate
    if isinstance(value, Mapping):
        parts = {str(name): compile_value(part) for name, part in value.items()}
        return lambda scope: {name: part(scope) for name, part in parts.items()}
    if isinstance(value, list | tuple):
        items = [compile_value(item) for item in value]
        return lambda scope: [item(scope) for item in items]
    return lambda scope: value


def compile_steps(
    steps: Sequence[Step], entities: Mapping[str, Entity]
) -> Callable[[State, Scope], Any]:
    """Compile steps into one function: state and scope to the returned value (None without).

    The function raises ToolError where the tool refuses, and DomainError where the steps break
    the domain's own rules.
    """
    compiled = [_compile(step, entities) for step in steps]

    def run(state: State, scope: Scope) -> Any:
        for step in compiled:
            result = step(state, scope)
            if result is not CONTINUE:
                return result
        return None

    return run


def _compile(step: Step, entities: Mapping[str, Entity]) -> CompiledStep:
    match step:
        case GetStep():
            return _get(step)
        case FindStep():
            return _find(step)
        case ListStep():
            return _list(step, entities)
        case RequireStep():
            return _require(step)
        case LetStep():
            return _let(step)
        case CreateStep():
            return _create(step, entities)
        case UpdateStep():
            return _update(step, entities)
        case DeleteStep():
            return _delete(step)
        case ReturnStep():
            value = compile_value(step.return_)
            return lambda _state, scope: value(scope)
        case _:
            assert_never(step)


def _fail(failure: Failure, scope: Scope) -> ToolError:
    return ToolError(failure.code, fill(failure.message, scope))


def _get(step: GetStep) -> CompiledStep:
    key = compile_value(step.key)

    def run(state: State, scope: Scope) -> Any:
        wanted = key(scope)
        record = None if wanted is None else state.get(step.get, str(wanted))
        if record is None and step.missing is not None:
            raise _fail(step.missing, scope)
        scope[step.as_] = record
        return CONTINUE

    return run


def _find(step: FindStep) -> CompiledStep:
    where = {field: compile_value(value) for field, value in step.where.items()}

    def run(state: State, scope: Scope) -> Any:
        wanted = {field: value(scope) for field, value in where.items()}
        record = next((record for _, record in state.records(step.find, wanted)), None)
        if record is None and step.missing is not None:
            raise _fail(step.missing, scope)
        scope[step.as_] = record
        return CONTINUE

    return run


def _list(step: ListStep, entities: Mapping[str, Entity]) -> CompiledStep:
    where = {field: compile_value(value) for field, value in step.where.items()}
    given = {field: compile_value(value) for field, value in step.where_given.items()}
    match = {field: compile_value(value) for field, value in step.match.items()}
    keep = compile_expression(step.filter).evaluate if step.filter else None
    kept_fields = step.fields or tuple(entities[step.list_].fields)

    def run(state: State, scope: Scope) -> Any:
        wanted = {field: value(scope) for field, value in where.items()}
        for field, value in given.items():
            if (asked := value(scope)) is not None:
                wanted[field] = asked
        texts = {f: str(v).lower() for f, part in match.items() if (v := part(scope)) is not None}
        found = [record for _, record in state.records(step.list_, wanted)]
        for field, text in texts.items():
            found = [record for record in found if text in str(record[field]).lower()]
        if keep is not None:
            inner = dict(scope)
            kept_records: list[Record] = []
            for record in found:
                inner["it"] = record
                if keep(inner):
                    kept_records.append(record)
            found = kept_records
        for name in reversed(step.sort):
            field = name.removeprefix("-")
            found.sort(key=lambda r: _order(r[field]), reverse=name.startswith("-"))
        if step.count is not None:
            scope[step.count] = len(found)
        kept = found[: step.limit]
        scope[step.as_] = [{field: record[field] for field in kept_fields} for record in kept]
        return CONTINUE

    return run


def _order(value: Any) -> tuple[bool, Any]:
    """Order null before everything else."""
    return (value is not None, value)


def _require(step: RequireStep) -> CompiledStep:
    condition = compile_expression(step.require).evaluate
    applies = compile_expression(step.if_).evaluate if step.if_ else None
    failure = Failure(code=step.code, message=step.message)

    def run(state: State, scope: Scope) -> Any:
        if applies is not None and not _truth(applies(scope), step.if_ or ""):
            return CONTINUE
        if not _truth(condition(scope), step.require):
            raise _fail(failure, scope)
        return CONTINUE

    return run


def _truth(value: Any, text: str) -> bool:
    if not isinstance(value, bool):
        raise DomainError(f"the condition {text!r} gave {value!r}; it must give true or false")
    return value


def _let(step: LetStep) -> CompiledStep:
    values = {name: compile_value(value) for name, value in step.let.items()}

    def run(state: State, scope: Scope) -> Any:
        for name, value in values.items():
            scope[name] = value(scope)
        return CONTINUE

    return run


def _guarded(condition: str | None, run: CompiledStep) -> CompiledStep:
    if condition is None:
        return run
    applies = compile_expression(condition).evaluate

    def guarded(state: State, scope: Scope) -> Any:
        return run(state, scope) if _truth(applies(scope), condition) else CONTINUE

    return guarded


def _create(step: CreateStep, entities: Mapping[str, Entity]) -> CompiledStep:
    entity = entities[step.create]
    values = {field: compile_value(value) for field, value in step.set.items()}

    def run(state: State, scope: Scope) -> Any:
        record: dict[str, Any] = {
            field: values[field](scope) if field in values else None for field in entity.fields
        }
        key = state.new_key(step.create, entity.id_pattern)
        record[entity.key] = key
        _write(state, step.create, entity, key, record)
        scope[step.as_] = record
        return CONTINUE

    return _guarded(step.if_, run)


def _update(step: UpdateStep, entities: Mapping[str, Entity]) -> CompiledStep:
    entity = entities[step.update]
    key = compile_value(step.key)
    values = {field: compile_value(value) for field, value in step.set.items()}

    def run(state: State, scope: Scope) -> Any:
        wanted = str(key(scope))
        before = state.get(step.update, wanted)
        if before is None:
            raise DomainError(f"update of {step.update} {wanted!r}, which does not exist")
        after = {**before, **{field: value(scope) for field, value in values.items()}}
        _write(state, step.update, entity, wanted, after)
        return CONTINUE

    return _guarded(step.if_, run)


def _delete(step: DeleteStep) -> CompiledStep:
    key = compile_value(step.key)

    def run(state: State, scope: Scope) -> Any:
        wanted = str(key(scope))
        if state.get(step.delete, wanted) is None:
            raise DomainError(f"delete of {step.delete} {wanted!r}, which does not exist")
        state.put(step.delete, wanted, None)
        return CONTINUE

    return _guarded(step.if_, run)


def _write(state: State, name: str, entity: Entity, key: str, record: Record) -> None:
    for field, spec in entity.fields.items():
        error = field_error(spec, record[field])
        if error is not None:
            raise DomainError(f"{name} {key!r}, field {field!r}: {error}")
        if spec.ref is not None and record[field] is not None:
            target = str(record[field])
            if state.get(spec.ref, target) is None:
                raise DomainError(f"{name} {key!r}, field {field!r}: no {spec.ref} {target!r}")
    state.put(name, key, record)


_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)  # what `fromisoformat` takes is more
_PYTHON: dict[str, type] = {
    "string": str,
    "text": str,
    "integer": int,
    "money": int,
    "boolean": bool,
    "date": str,
    "datetime": str,
    "time": str,
    "enum": str,
    "strings": list,
}


def field_error(spec: FieldSpec, value: Any) -> str | None:
    """Return what is wrong with a value of this field; None = nothing."""
    if value is None:
        return None if spec.nullable else "may not be null"
    expected = _PYTHON[spec.type]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        return f"expected {spec.type}, got {value!r}"
    if spec.type == "enum" and value not in spec.values:
        return f"expected one of {', '.join(spec.values)}, got {value!r}"
    if spec.type == "date":
        try:
            date.fromisoformat(value if _ISO_DATE.fullmatch(value) else "")
        except ValueError:
            return f"expected an ISO date, got {value!r}"
    return None
