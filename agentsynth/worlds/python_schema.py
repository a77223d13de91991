"""Annotations of a Python domain to data: a record's fields, a tool's parameters."""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic.fields import FieldInfo

from agentsynth.core.domain import FieldSpec, FieldType
from agentsynth.worlds.python import Context, Kind, PythonTool, Ref
from agentsynth.worlds.python_tables import Record, from_stored

__all__ = ["Parameters", "field_spec", "tool_parameters"]

_KINDS: Mapping[Any, FieldType] = {str: "string", int: "integer", bool: "boolean"}
_FIELDS_HELP = (
    "a field is str, int, bool, Literal of texts, tuple[str, ...], Date, DateTime, TimeOfDay, "
    "Money or Text, with or without '| None'"
)
_PARAMETERS_HELP = (
    "a parameter is str, int, float, bool, Literal, Date, DateTime, TimeOfDay, list[...] of these "
    "or of a Record, with or without '| None'"
)
_BOUNDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_FORMS: Mapping[FieldType, dict[str, Any]] = {
    "date": {"type": "string", "format": "date"},
    "datetime": {
        "type": "string",
        "format": "datetime",
        "pattern": r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d$",
    },
    "time": {"type": "string", "format": "time", "pattern": r"^([01]\d|2[0-3]):[0-5]\d$"},
    "money": {"type": "integer"},
    "text": {"type": "string"},
}


@dataclass(frozen=True, slots=True)
class _Hint:
    """An annotation taken apart."""

    base: Any
    """The type without `Annotated` and `None`."""
    nullable: bool
    metadata: tuple[Any, ...]

    @property
    def kind(self) -> FieldType | None:
        """The field type that an alias such as `Date` says; None = a plain type."""
        return next((part.type for part in self.metadata if isinstance(part, Kind)), None)

    @property
    def description(self) -> str:
        """The text in the annotation; empty without."""
        for part in self.metadata:
            if isinstance(part, str):
                return part
            if isinstance(part, FieldInfo) and part.description:
                return part.description
        return ""


def _read(hint: Any, metadata: tuple[Any, ...] = ()) -> _Hint:
    """Take an annotation apart.

    Raises:
        ValueError: for a union of several types.
    """
    nullable = False
    while True:
        if get_origin(hint) is Annotated:
            hint, *more = get_args(hint)
            metadata = (*metadata, *more)
        elif get_origin(hint) in (Union, types.UnionType):
            rest = [part for part in get_args(hint) if part is not type(None)]
            if len(rest) != 1:
                raise ValueError("give one type, or one type and None")
            nullable, hint = True, rest[0]
        else:
            return _Hint(hint, nullable, metadata)


def field_spec(info: FieldInfo) -> FieldSpec:
    """Return the field that a record's annotation says.

    Raises:
        ValueError: naming what is possible.
    """
    hint = _read(info.annotation, tuple(info.metadata))
    ref = next((part.entity for part in hint.metadata if isinstance(part, Ref)), None)
    description = info.description or hint.description
    values: tuple[str, ...] = ()
    if hint.kind is not None:
        kind = hint.kind
    elif get_origin(hint.base) is Literal and all(isinstance(v, str) for v in get_args(hint.base)):
        kind, values = "enum", get_args(hint.base)
    elif hint.base in _KINDS:
        kind = _KINDS[hint.base]
    elif get_origin(hint.base) is tuple and get_args(hint.base) == (str, ...):
        kind = "strings"
    else:
        raise ValueError(f"{_shown(hint.base)} cannot be kept; {_FIELDS_HELP}")
    if ref is not None and kind != "string":
        raise ValueError(f"a Ref is a str, not {_shown(hint.base)}")
    return FieldSpec(
        type=kind, description=description, values=values, nullable=hint.nullable, ref=ref
    )


@dataclass(frozen=True)
class Parameters:
    """A tool's parameters: their schemas, and how JSON arguments become Python values."""

    schemas: dict[str, dict[str, Any]]
    """As in `ToolDef.parameters`."""
    returns_text: bool
    convert: Callable[[Mapping[str, Any]], dict[str, Any]]


def tool_parameters(
    tool: PythonTool, state: type, namespace: dict[str, Any]
) -> tuple[Parameters | None, list[tuple[str | None, str]]]:
    """Return a tool's parameters, and what is wrong: (parameter or None, message).

    Args:
        state: the type of the tool's first argument.
        namespace: what the names in its annotations mean.
    """
    try:
        hints = get_type_hints(tool.run, globalns=namespace, include_extras=True)
    except (NameError, TypeError, SyntaxError) as error:
        return None, [(None, f"its annotations cannot be read: {error}")]
    parameters = list(inspect.signature(tool.run).parameters.values())
    wrong = _signature_problems(parameters, hints, state)
    schemas: dict[str, dict[str, Any]] = {}
    converters: dict[str, Callable[[Any], Any]] = {}
    for parameter in parameters[2:]:
        if parameter.name not in hints:
            wrong.append((parameter.name, 'has no annotation; Annotated[str, "What it is."]'))
            continue
        try:
            schema, converter = _parameter(parameter, hints[parameter.name])
        except ValueError as error:
            wrong.append((parameter.name, str(error)))
            continue
        except RecursionError:
            wrong.append((parameter.name, "is a Record that holds itself; give a flat one"))
            continue
        schemas[parameter.name] = schema
        converters[parameter.name] = converter
    if wrong:
        return None, wrong

    def convert(arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {name: converters[name](value) for name, value in arguments.items()}

    return Parameters(schemas, hints["return"] is str, convert), []


def _signature_problems(
    parameters: list[inspect.Parameter], hints: Mapping[str, Any], state: type
) -> list[tuple[str | None, str]]:
    wrong: list[tuple[str | None, str]] = []
    first = [hints.get(parameter.name) for parameter in parameters[:2]]
    if first != [state, Context]:
        wrong.append((None, f"it starts with (state: {state.__name__}, ctx: Context, ...)"))
    for parameter in parameters:
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            wrong.append((parameter.name, "is not a plain parameter (no *, ** or /)"))
    if "return" not in hints:
        wrong.append((None, "it has no return annotation; -> dict[str, Any], or -> str for text"))
    elif hints["return"] is type(None):
        wrong.append((None, "it returns nothing; the agent needs a result to see"))
    return wrong


def _parameter(
    parameter: inspect.Parameter, annotation: Any
) -> tuple[dict[str, Any], Callable[[Any], Any]]:
    hint = _read(annotation)
    schema = _schema(hint)
    if not hint.description:
        raise ValueError('has no description; Annotated[str, "What it is."]: the model reads it')
    schema["description"] = hint.description
    has_default = parameter.default is not inspect.Parameter.empty
    if hint.nullable and (not has_default or parameter.default is not None):
        raise ValueError("may be None, so its default is None: '= None'")
    if has_default:
        if parameter.default is not None:
            schema["default"] = _json_default(parameter.default)
        elif not hint.nullable:
            raise ValueError("has the default None, so its type needs '| None'")
        schema["optional"] = True
    return schema, _converter(hint)


def _json_default(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_json_default(item) for item in value]
    if isinstance(value, str | int | float):
        return value
    raise ValueError(f"has the default {value!r}, which is not JSON")


def _schema(hint: _Hint) -> dict[str, Any]:
    """Return the JSON Schema of a parameter, without its description."""
    schema = _plain_schema(hint)
    for part in hint.metadata:
        for bound in part.metadata if isinstance(part, FieldInfo) else (part,):
            schema |= _bounds(bound, is_list=schema["type"] == "array")
    return schema


def _plain_schema(hint: _Hint) -> dict[str, Any]:
    if hint.kind is not None:
        return dict(_FORMS[hint.kind])
    origin, args = get_origin(hint.base), get_args(hint.base)
    if origin is Literal:
        kinds = {type(value) for value in args}
        if kinds == {str}:
            return {"type": "string", "enum": list(args)}
        if kinds == {int}:
            return {"type": "integer", "enum": list(args)}
        raise ValueError("a Literal is of texts or of whole numbers")
    if hint.base in _KINDS:
        return {"type": _KINDS[hint.base]}
    if hint.base is float:
        return {"type": "number"}
    if (origin is list and len(args) == 1) or (origin is tuple and args[1:] == (...,)):
        return {"type": "array", "items": _schema(_read(args[0]))}
    if isinstance(hint.base, type) and issubclass(hint.base, Record):
        return _object_schema(hint.base)
    raise ValueError(f"{_shown(hint.base)} cannot be asked for; {_PARAMETERS_HELP}")


def _object_schema(model: type[Record]) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        hint = _read(info.annotation, tuple(info.metadata))
        properties[name] = _schema(hint)
        if info.description or hint.description:
            properties[name]["description"] = info.description or hint.description
    required = [name for name, info in model.model_fields.items() if info.is_required()]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _bounds(bound: Any, *, is_list: bool) -> dict[str, Any]:
    if isinstance(bound, str | Kind | Ref):
        return {}
    found = {
        key: value
        for name, key in _BOUNDS.items()
        if (value := getattr(bound, name, None)) is not None
    }
    for name, key in (("min_length", "minItems"), ("max_length", "maxItems")):
        value = getattr(bound, name, None)
        if value is not None:
            found[key if is_list else key.replace("Items", "Length")] = value
    return found


def _converter(hint: _Hint) -> Callable[[Any], Any]:
    """Return what makes the Python value of a JSON argument; never the same mutable object."""
    origin, args = get_origin(hint.base), get_args(hint.base)
    if origin in (list, tuple):
        item = _converter(_read(args[0]))
        return lambda value: None if value is None else origin(item(one) for one in value)
    if isinstance(hint.base, type) and issubclass(hint.base, Record):
        return _record_converter(hint.base)
    if hint.base is int:  # to JSON Schema, 2.0 is an integer too
        return lambda value: None if value is None else int(value)
    return lambda value: value


def _record_converter(model: type[Record]) -> Callable[[Any], Any]:
    parts = {
        name: _converter(_read(info.annotation, tuple(info.metadata)))
        for name, info in model.model_fields.items()
    }
    defaults = {
        name: info.default for name, info in model.model_fields.items() if not info.is_required()
    }

    def convert(value: Any) -> Any:
        if value is None:
            return None
        given = {name: parts[name](part) for name, part in value.items()}
        return from_stored(model, {**defaults, **given})

    return convert


def _shown(annotation: Any) -> str:
    return annotation.__name__ if isinstance(annotation, type) else str(annotation)
