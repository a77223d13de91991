"""The steps of a shadow's tools: what each operation does to the state, as YAML says it."""

from typing import Any

from agentsynth.core.names import tokens_of
from agentsynth.evolve.shadows.bank import noun_of
from agentsynth.evolve.shadows.forms import Forms
from agentsynth.evolve.shadows.model import Operation, ShadowEntity, ShadowField

__all__ = ["UNSUPPORTED", "initial_value", "not_found", "steps_of"]

UNSUPPORTED = "unsupported_parameter"
_TEXTS = ("string", "text", "enum")


def not_found(entity: str) -> str:
    """Return the error code of a record that is not there."""
    return f"{entity}_not_found"


def steps_of(forms: Forms, operation: Operation, entities: dict[str, ShadowEntity]) -> list[Any]:
    """Return the steps of one operation."""
    entity = entities[operation.entity]
    steps: list[Any] = [
        {
            "require": f"args.{name} == null",
            "code": UNSUPPORTED,
            "message": f"The parameter '{name}' is not supported.",
        }
        for name in operation.refused
        if "." not in name  # parts of a body are refused by the world, which knows the others
    ]
    match operation.deed:
        case "create":
            return steps + _create(forms, operation, entity, entities)
        case "get":
            shown = {"return": forms.single(entity, "found", operation.shape)}
            return [*steps, _one(forms, operation, entity), shown]
        case "list":
            return steps + _list(forms, operation, entity, entities)
        case "update":
            return steps + _update(forms, operation, entity, entities)
        case "delete":
            return steps + _delete(forms, operation, entity)


def _missing(entity: ShadowEntity, parameter: str) -> dict[str, str]:
    noun = noun_of(entity.name).capitalize()
    return {"code": not_found(entity.name), "message": f"{noun} {{args.{parameter}}} not found."}


def _one(forms: Forms, operation: Operation, entity: ShadowEntity) -> dict[str, Any]:
    assert operation.key is not None
    return {
        "find": entity.name,
        "where": forms.where_one(entity, operation),
        "as": "found",
        "missing": _missing(entity, operation.key),
    }


def _refers(
    forms: Forms,
    field: ShadowField,
    parameter: str,
    entities: dict[str, ShadowEntity],
    place: int,
    *,
    required: bool,
) -> list[dict[str, Any]]:
    """Return the step that looks a reference up, where it is given."""
    if field.ref is None or field.ref not in entities:
        return []
    target = entities[field.ref]
    step: dict[str, Any] = {
        "find": target.name,
        "where": {target.key: f"={forms.key_given(target, parameter)}"},
        "as": f"other_{place}",
        "missing": _missing(target, parameter),
    }
    if not required:
        step["if"] = f"args.{parameter} != null"
    return [step]


def _create(
    forms: Forms, operation: Operation, entity: ShadowEntity, entities: dict[str, ShadowEntity]
) -> list[Any]:
    steps: list[Any] = []
    values: dict[str, Any] = {field.name: initial_value(field) for field in entity.fields}
    for place, (parameter, name) in enumerate(operation.sets.items()):
        field = entity.field(name)
        assert field is not None
        steps += _refers(forms, field, parameter, entities, place, required=field.required)
        given = forms.given(field, parameter)
        fallback = values[name]
        if fallback is None or field.required:
            values[name] = f"={given}"
        else:
            values[name] = f"=args.{parameter} == null ? {_literal(fallback)} : {given}"
    if entity.named_by and operation.key is not None:
        values[entity.key] = f"=args.{operation.key}"
    create: dict[str, Any] = {"create": entity.name, "set": values, "as": "made"}
    if entity.named_by:
        noun = noun_of(entity.name)
        create["taken"] = {"code": "already_exists", "message": f"This {noun} already exists."}
    return [*steps, create, {"return": forms.single(entity, "made", operation.shape)}]


def initial_value(field: ShadowField) -> Any:
    """Return what a field holds where nobody gives it: what the specification says, or nothing."""
    if field.origin == "transition" and field.type == "boolean":
        return False
    if field.always and field.default is None:
        return _never_null(field)
    return field.default


def _never_null(field: ShadowField) -> Any:
    """Return what a field that is never null holds in a new record."""
    words = tokens_of(field.name)
    match field.type:
        case "boolean":
            return False
        case "integer":
            return 0
        case "strings":
            return []
        case "enum":
            return field.values[0]
        case _:
            return "=now" if words and words[-1] in ("at", "date", "time", "on") else ""


def _literal(value: Any) -> str:
    if isinstance(value, str) and value.startswith("="):
        return value[1:]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _list(
    forms: Forms, operation: Operation, entity: ShadowEntity, entities: dict[str, ShadowEntity]
) -> list[Any]:
    steps: list[Any] = []
    where: dict[str, str] = {}
    given: dict[str, str] = {}
    every = [(p, n, True) for p, n in operation.scope.items()]
    every += [(p, n, False) for p, n in operation.filters.items()]
    for place, (parameter, name, required) in enumerate(every):
        field = entity.field(name)
        assert field is not None
        steps += _refers(forms, field, parameter, entities, place, required=required)
        (where if required else given)[name] = f"={forms.given(field, parameter)}"
    shape = operation.shape
    total = forms.total_name(shape)
    shown = forms.view(entity, shape=shape)
    step: dict[str, Any] = {"list": entity.name, "show": shown, "as": "found"}
    if where:
        step["where"] = where
    if given:
        step["where_given"] = given
    if operation.query is not None:
        step["filter"] = _contains(entity, operation.query)
    if total is not None:
        step["count"] = "matches"
    step |= _window(operation)
    result: dict[str, Any] = {forms.list_name(entity, shape): "=found"}
    if total is not None:
        result[total] = "=matches"
    if shape is not None and shape.bare:
        return [*steps, step, {"return": "=found"}]
    if shape is not None:
        result |= shape.said
    return [*steps, step, {"return": result}]


def _contains(entity: ShadowEntity, parameter: str) -> str:
    fields = [one.name for one in entity.fields if one.type in _TEXTS and one.ref is None]
    if entity.named_by and entity.key not in fields:
        fields.insert(0, entity.key)
    tests = " || ".join(
        f"(it.{name} != null && lower(it.{name}).contains(lower(args.{parameter})))"
        for name in fields
    )
    return f"args.{parameter} == null || {tests}"


def _window(operation: Operation) -> dict[str, Any]:
    paging = operation.paging
    size = f"args.{paging.limit}" if paging.limit is not None else None
    fallback = paging.default if paging.default is not None else 25
    window: dict[str, Any] = {}
    if size is not None:
        window["take"] = f"={size}"
        if paging.default is not None:
            window["take"] = f"={size} == null ? {paging.default} : {size}"
    if paging.offset is not None:
        window["skip"] = f"=args.{paging.offset}"
    if paging.page is not None:
        page = f"args.{paging.page}"
        each = str(fallback) if size is None else f"({size} == null ? {fallback} : {size})"
        window["take"] = f"={each}" if size is None else window["take"]
        window["skip"] = f"={page} == null ? 0 : (int({page}) - 1) * int({each})"
        if size is not None and paging.default is None:
            window["take"] = f"={page} == null ? {size} : {each}"
    return window


def _update(
    forms: Forms, operation: Operation, entity: ShadowEntity, entities: dict[str, ShadowEntity]
) -> list[Any]:
    steps: list[Any] = [_one(forms, operation, entity)]
    values: dict[str, Any] = dict(operation.fixed)
    for place, (parameter, name) in enumerate(operation.sets.items()):
        field = entity.field(name)
        assert field is not None
        steps += _refers(forms, field, parameter, entities, place, required=False)
        values[name] = f"=args.{parameter} == null ? found.{name} : {forms.given(field, parameter)}"
    key = forms.key(entity)
    return [
        *steps,
        {"update": entity.name, "key": f"=found.{key}", "set": values},
        {"get": entity.name, "key": f"=found.{key}", "as": "changed"},
        {"return": forms.single(entity, "changed", operation.shape)},
    ]


def _delete(forms: Forms, operation: Operation, entity: ShadowEntity) -> list[Any]:
    key = forms.key(entity)
    shape = operation.shape
    shown, laid = forms.shown_key(entity, "found"), forms.single(entity, "found", shape)
    return [
        _one(forms, operation, entity),
        {"delete": entity.name, "key": f"=found.{key}"},
        {"return": {entity.key: shown, "deleted": True} if shape is None else laid},
    ]
