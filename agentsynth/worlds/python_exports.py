"""What a Python domain's file exports, checked: its state, entities, tools and seed."""

import dataclasses
import inspect
import re
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin, get_type_hints

from agentsynth.core.domain import Entity
from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.worlds.python import EntityDef, PythonTool
from agentsynth.worlds.python_scan import Source
from agentsynth.worlds.python_schema import field_spec
from agentsynth.worlds.python_tables import Record, Table

__all__ = ["Exports", "read_exports"]

_TOOL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_ENTITY_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NEEDED = {
    "STATE": "STATE = Depot: a frozen dataclass whose fields are Table[...]",
    "ENTITIES": 'ENTITIES = {"job": entity(Job, id_pattern="JO-####"), ...}',
    "TOOLS": "TOOLS = (read(list_jobs), write(close_job), ...)",
    "seed": "def seed(rng: random.Random, today: str) -> Iterator[Record]",
}


@dataclass(frozen=True)
class Exports:
    """The names of a `tools.py` that count."""

    state: type
    tables: Mapping[str, str]
    """Field of `STATE` to entity."""
    models: Mapping[str, type[Record]]
    entities: Mapping[str, Entity]
    tools: tuple[PythonTool, ...]
    user_tools: tuple[PythonTool, ...]
    seed: types.FunctionType


def read_exports(module: types.ModuleType, source: Source) -> Exports:
    """Return what a file exports.

    Raises:
        UserError: every problem, with file and line.
    """
    names = vars(module)
    missing = [
        Problem(source.file, None, name, f"is missing; {how}")
        for name, how in _NEEDED.items()
        if name not in names
    ]
    if missing:
        raise UserError(render_problems(missing))
    problems: list[Problem] = []
    tools = _tools(names["TOOLS"], "TOOLS", source, problems)
    user_tools = _tools(names.get("USER_TOOLS", ()), "USER_TOOLS", source, problems)
    if not tools and not problems:
        problems.append(source.problem("TOOLS", "has no tool"))
    defs = _defs(names["ENTITIES"], source, problems)
    tables = _tables(names["STATE"], defs, names, source, problems)
    entities = {name: _entity(name, made, source, problems) for name, made in defs.items()}
    for name, one in entities.items():
        for field, spec in one.fields.items():
            if spec.ref is not None and spec.ref not in entities:
                known = ", ".join(entities)
                message = f"Ref({spec.ref!r}) is no entity; there are: {known}"
                problems.append(source.problem(defs[name].model.__name__, message, part=field))
    seed = names["seed"]
    if not inspect.isfunction(seed) or len(inspect.signature(seed).parameters) != 2:
        problems.append(source.problem("seed", f"expected {_NEEDED['seed']}"))
    if problems:
        raise UserError(render_problems(problems))
    models = {name: made.model for name, made in defs.items()}
    return Exports(names["STATE"], tables, models, entities, tools, user_tools, seed)


def _tools(
    value: Any, name: str, source: Source, problems: list[Problem]
) -> tuple[PythonTool, ...]:
    if not isinstance(value, tuple | list):
        problems.append(source.problem(name, f"is no tuple of tools; {_NEEDED['TOOLS']}"))
        return ()
    found: list[PythonTool] = []
    for item in value:
        if isinstance(item, PythonTool) and inspect.isfunction(item.run):
            found.append(item)
            if _TOOL_NAME.fullmatch(item.name) is None:
                message = f"cannot be called {item.name!r}: letters, digits, '_' and '-'"
                problems.append(source.problem(item.run.__name__, message))
        else:
            shown = getattr(item, "__name__", repr(item))
            message = f"{shown} is no tool; wrap the function: read({shown}) or write({shown})"
            problems.append(source.problem(name, message))
    return tuple(found)


def _defs(value: Any, source: Source, problems: list[Problem]) -> dict[str, EntityDef]:
    if not isinstance(value, dict) or not value:
        problems.append(source.problem("ENTITIES", f"is no mapping; {_NEEDED['ENTITIES']}"))
        return {}
    found: dict[str, EntityDef] = {}
    for name, item in value.items():
        if not isinstance(name, str) or _ENTITY_NAME.fullmatch(name) is None:
            message = f"{name!r} is no name of an entity: small letters, digits and '_'"
            problems.append(source.problem("ENTITIES", message))
        elif not isinstance(item, EntityDef):
            message = f"{name!r}: expected entity(...), got {item!r}"
            problems.append(source.problem("ENTITIES", message))
        elif not _is_record(item.model):
            message = f"{name!r}: {item.model!r} is no subclass of Record"
            problems.append(source.problem("ENTITIES", message))
        elif any(item.model is other.model for other in found.values()):
            message = f"{name!r}: {item.model.__name__} already belongs to another entity"
            problems.append(source.problem("ENTITIES", message))
        else:
            found[name] = item
    return found


def _is_record(model: object) -> bool:
    return isinstance(model, type) and issubclass(model, Record)


def _tables(
    state: Any,
    defs: Mapping[str, EntityDef],
    names: dict[str, Any],
    source: Source,
    problems: list[Problem],
) -> dict[str, str]:
    """Return field of `STATE` to entity."""
    if not (isinstance(state, type) and dataclasses.is_dataclass(state)):
        problems.append(source.problem("STATE", f"is no dataclass; {_NEEDED['STATE']}"))
        return {}
    by_model = {made.model: name for name, made in defs.items()}
    found: dict[str, str] = {}
    hints = get_type_hints(state, globalns=names, include_extras=True)
    for field in dataclasses.fields(state):
        hint = hints[field.name]
        model = get_args(hint)[0] if get_origin(hint) is Table else None
        if model is None:
            message = f"is {hint!r}; every field of the state is a Table[...]"
            problems.append(source.problem(state.__name__, message, part=field.name))
        elif model not in by_model:
            message = f"{model.__name__} is not among ENTITIES"
            problems.append(source.problem(state.__name__, message, part=field.name))
        else:
            found[field.name] = by_model[model]
    for name in defs.keys() - set(found.values()) if not problems else ():
        message = f"no field of {state.__name__} is a table of {name!r}"
        problems.append(source.problem("ENTITIES", message))
    return found


def _entity(name: str, made: EntityDef, source: Source, problems: list[Problem]) -> Entity:
    model = made.model
    fields: dict[str, Any] = {}
    for field, info in model.model_fields.items():
        try:
            fields[field] = field_spec(info)
        except ValueError as error:
            problems.append(source.problem(model.__name__, str(error), part=field))
            fields[field] = None
    named = {"key": (made.key,), "natural_key": made.natural_key}
    named |= {"unique": tuple(field for fields in made.unique for field in fields)}
    named |= {"soft_delete": (made.soft_delete,) if made.soft_delete is not None else ()}
    for part, given in named.items():
        for field in given:
            if field not in fields:
                message = f"{name!r}: {part} names {field!r}, which {model.__name__} does not have"
                problems.append(source.problem("ENTITIES", message))
    if "#" not in made.id_pattern:
        message = f"{name!r}: id_pattern needs at least one '#' (a digit), such as 'JO-####'"
        problems.append(source.problem("ENTITIES", message))
    soft = fields.get(made.soft_delete) if made.soft_delete is not None else None
    if soft is not None and not (soft.nullable and soft.type in ("date", "datetime")):
        message = "is set by remove(...), so it is 'Date | None' or 'DateTime | None'"
        problems.append(source.problem(model.__name__, message, part=made.soft_delete))
    return Entity(
        key=made.key,
        id_pattern=made.id_pattern,
        natural_key=made.natural_key,
        unique=made.unique,
        soft_delete=made.soft_delete,
        fields={field: spec for field, spec in fields.items() if spec is not None},
    )
