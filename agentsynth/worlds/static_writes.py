"""Static checks of the steps that write: create, update, delete."""

from collections.abc import Mapping
from typing import Any

from agentsynth.core.steps import CreateStep, DeleteStep, Failure, UpdateStep
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.fields import field_error
from agentsynth.worlds.static_checker import Checker, FilePath
from agentsynth.worlds.static_infer import Scope
from agentsynth.worlds.static_reads import check_key
from agentsynth.worlds.static_types import ANY, misfit

__all__ = ["check_write"]


def check_write(
    checker: Checker, step: CreateStep | UpdateStep | DeleteStep, scope: Scope, path: FilePath
) -> None:
    """Check a step that writes a record."""
    match step:
        case CreateStep():
            _create(checker, step, scope, path)
        case UpdateStep():
            check_key(checker, step.key, scope, (*path, "key"))
            if _writable(checker, step.update, (*path, "update")):
                _set(checker, step.update, step.set, scope, (*path, "set"))
                _taken(checker, step.update, step.taken, scope, path)
        case DeleteStep():
            check_key(checker, step.key, scope, (*path, "key"))
            _writable(checker, step.delete, (*path, "delete"))


def _writable(checker: Checker, name: str, path: FilePath) -> bool:
    if checker.entity(name, path) is None:
        return False
    if name == SCHEDULED:
        checker.report(path, "pending effects are written by 'schedule' and 'unschedule' alone")
        return False
    return True


def _create(checker: Checker, step: CreateStep, scope: Scope, path: FilePath) -> None:
    if not _writable(checker, step.create, (*path, "create")):
        scope.names[step.as_] = ANY
        return
    entity = checker.entities[step.create]
    _set(checker, step.create, step.set, scope, (*path, "set"))
    _taken(checker, step.create, step.taken, scope, path)
    for name, spec in entity.fields.items():
        made = name == entity.key or name in entity.derived
        if name not in step.set and not made and not spec.nullable:
            checker.report((*path, "set"), f"field {name!r} of {step.create!r} is not set")
    scope.names[step.as_] = checker.records[step.create]


def _taken(
    checker: Checker, name: str, taken: Failure | None, scope: Scope, path: FilePath
) -> None:
    if taken is None:
        return
    checker.template(taken.message, scope, (*path, "taken", "message"))
    if not checker.entities[name].unique:
        checker.report((*path, "taken"), f"{name!r} has no 'unique' fields that could be taken")


def _set(
    checker: Checker, name: str, values: Mapping[str, Any], scope: Scope, path: FilePath
) -> None:
    entity = checker.entities[name]
    checker.fields(name, ((key, (*path, key)) for key in values))
    for key, value in values.items():
        found = checker.value(value, scope, (*path, key))
        if key == entity.key:
            checker.report((*path, key), "the key is given by the world and cannot be set")
        if key in entity.derived:
            checker.report((*path, key), "this field is derived and cannot be set")
        spec = entity.fields.get(key)
        if spec is None:
            continue
        wrong = field_error(spec, value) if not _has_expression(value) else misfit(spec, found)
        if wrong is not None:
            checker.report((*path, key), wrong)


def _has_expression(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_expression(item) for item in value)
    return isinstance(value, str) and value.startswith("=")
