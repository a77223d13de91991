"""The steps that write records: create, update, delete. Each holds a record against its entity."""

from collections.abc import Callable, Mapping
from typing import Any

from agentsynth.core.domain import Entity
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.steps import CreateStep, DeleteStep, Failure, UpdateStep
from agentsynth.worlds.fields import compile_derived, field_error
from agentsynth.worlds.state import Record, State
from agentsynth.worlds.values import CONTINUE, CompiledStep, Scope, compile_value, refusal

__all__ = ["clash", "compile_create", "compile_delete", "compile_update"]

Entities = Mapping[str, Entity]
_Write = Callable[[State, Scope, str, dict[str, Any]], None]


def compile_create(step: CreateStep, entities: Entities) -> CompiledStep:
    """Compile a `create`."""
    entity = entities[step.create]
    values = {field: compile_value(value) for field, value in step.set.items()}
    write = _compile_write(step.create, entity, step.taken)

    def run(state: State, scope: Scope) -> Any:
        record: dict[str, Any] = {
            field: values[field](scope) if field in values else None for field in entity.fields
        }
        key = state.new_key(step.create, entity.id_pattern)
        record[entity.key] = key
        write(state, scope, key, record)
        scope[step.as_] = record
        return CONTINUE

    return run


def compile_update(step: UpdateStep, entities: Entities) -> CompiledStep:
    """Compile an `update`."""
    key = compile_value(step.key)
    values = {field: compile_value(value) for field, value in step.set.items()}
    write = _compile_write(step.update, entities[step.update], step.taken)

    def run(state: State, scope: Scope) -> Any:
        wanted = str(key(scope))
        before = state.get(step.update, wanted)
        if before is None:
            raise DomainError(f"update of {step.update} {wanted!r}, which does not exist")
        after = {**before, **{field: value(scope) for field, value in values.items()}}
        write(state, scope, wanted, after)
        return CONTINUE

    return run


def compile_delete(step: DeleteStep, entities: Entities) -> CompiledStep:
    """Compile a `delete`: a removal, or a mark where the entity soft-deletes."""
    key = compile_value(step.key)
    entity = entities[step.delete]
    mark = entity.soft_delete
    dated = mark is not None and entity.fields[mark].type == "date"
    write = _compile_write(step.delete, entity, None)

    def run(state: State, scope: Scope) -> Any:
        wanted = str(key(scope))
        before = state.get(step.delete, wanted)
        if before is None or (mark is not None and before[mark] is not None):
            raise DomainError(f"delete of {step.delete} {wanted!r}, which does not exist")
        if mark is None:
            state.put(step.delete, wanted, None)
        else:
            time = scope["today"] if dated else scope["now"]
            write(state, scope, wanted, {**before, mark: time})
        return CONTINUE

    return run


def _compile_write(name: str, entity: Entity, taken: Failure | None) -> _Write:
    derive = compile_derived(entity) if entity.derived else None
    specs = list(entity.fields.items())

    def write(state: State, scope: Scope, key: str, record: dict[str, Any]) -> None:
        if derive is not None:
            derive(record)
        for field, spec in specs:
            value = record[field]
            error = field_error(spec, value)
            if error is not None:
                raise DomainError(f"{name} {key!r}, field {field!r}: {error}")
            if spec.ref is not None and value is not None and state.get(spec.ref, value) is None:
                raise DomainError(f"{name} {key!r}, field {field!r}: no {spec.ref} {value!r}")
        shared = clash(state, name, entity, key, record) if entity.unique else None
        if shared is not None:
            raise _taken(taken, scope, name, key, shared)
        state.put(name, key, record)

    return write


def _taken(
    taken: Failure | None, scope: Scope, name: str, key: str, shared: tuple[str, ...]
) -> ToolError | DomainError:
    if taken is not None:
        return refusal(taken, scope)
    fields = ", ".join(shared)
    return DomainError(
        f"{name} {key!r} has the same {fields} as another; say 'taken' or look first"
    )


def clash(
    state: State, name: str, entity: Entity, key: str, record: Record
) -> tuple[str, ...] | None:
    """Return the unique fields that the record would share with another live one; None = none."""
    mark = entity.soft_delete
    if mark is not None and record[mark] is not None:
        return None
    for fields in entity.unique:
        values = tuple(record[field] for field in fields)
        if None in values:
            continue
        for other in state.holders(name, fields, values):
            held = state.get(name, other) if other != key else None
            if held is not None and (mark is None or held[mark] is None):
                return fields
    return None
