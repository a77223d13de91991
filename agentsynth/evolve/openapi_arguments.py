"""What an OpenAPI operation takes, from five places, as the arguments of one tool."""

import re
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import JsonValue

from agentsynth.core.ids import digest
from agentsynth.evolve.openapi_schema import Document, Schema, flattened, schema_of

__all__ = ["Arguments", "arguments_of", "json_schema_of"]

_PLACES = ("path", "query", "header", "cookie")
_SENT_ANYWAY = ("accept", "content-type", "authorization")
"""Headers whose descriptions do not count. Source: OpenAPI 3.0.3, Parameter Object."""
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
"""Names of arguments that every provider of models takes."""


@dataclass(slots=True)
class Arguments:
    """The arguments of one operation."""

    properties: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    required: list[str] = field(default_factory=list[str])
    places: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Argument to (path, query, header, cookie or body, name there)."""
    body: Literal["whole", "parts"] | None = None
    """whole = one argument is the body; parts = arguments are its properties; None = no body."""

    def add(
        self, document: Document, where: str, name: str, schema: JsonValue, *, required: bool
    ) -> None:
        """Add an argument; a name that is taken, or that providers refuse, is changed and noted."""
        wanted = name if _NAME.fullmatch(name) else re.sub(r"[^a-zA-Z0-9_.-]+", "_", name)[:55]
        if not _NAME.fullmatch(wanted) or not wanted.strip("_"):
            wanted = f"{where}_{digest(name)[:8]}"
        unique, number = wanted, 2
        if unique in self.properties:
            unique = f"{wanted[:55]}_{where}"
        while unique in self.properties:
            unique = f"{wanted[:50]}_{where}_{number}"
            number += 1
        if unique != name:
            document.note(f"the {where} argument {name!r} becomes {unique!r}")
        self.properties[unique] = schema
        self.places[unique] = (where, name)
        if required:
            self.required.append(unique)

    def schema(self) -> Schema:
        """Return the schema of all arguments as one object."""
        made: Schema = {"type": "object", "properties": self.properties}
        if self.required:
            made["required"] = list[JsonValue](self.required)
        return made


def arguments_of(
    document: Document, holder: dict[str, Any], operation: dict[str, Any], path: str
) -> Arguments | str:
    """Return what an operation takes, or why that cannot be told.

    Args:
        document: takes the notes.
        holder: the path's item, whose parameters count for each of its operations.
        operation: the operation.
        path: its template; each of its names has to be a parameter, described or not.
    """
    listed = _parameters(document, holder, operation)
    if isinstance(listed, str):
        return listed
    made = Arguments()
    keys = _keys(document)
    for where in _PLACES:
        for (place, name), parameter in listed.items():
            if place != where or _is_sent_anyway(document, place, name, keys):
                continue
            schema = _parameter_schema(document, parameter)
            required = where == "path" or parameter.get("required") is True
            made.add(document, where, name, schema, required=required)
    described = {name for where, name in made.places.values() if where == "path"}
    for name in dict.fromkeys(re.findall(r"\{([^{}/]+)\}", path)):
        if name not in described:
            document.note(f"the path's {name!r} is not described; it is taken as text")
            made.add(document, "path", name, {"type": "string"}, required=True)
    return _with_body(document, operation, made)


def json_schema_of(holder: Any) -> Any:
    """Return the schema of a body's or answer's JSON content; None = it has no JSON content."""
    content = holder.get("content") if isinstance(holder, dict) else None
    if not isinstance(content, dict):
        return None
    for kind, media in content.items():
        base = str(kind).partition(";")[0].strip().lower()
        if base in ("application/json", "*/*", "application/*") or base.endswith("+json"):
            return media.get("schema", {}) if isinstance(media, dict) else {}
    return None


def _parameters(
    document: Document, holder: dict[str, Any], operation: dict[str, Any]
) -> dict[tuple[str, str], dict[str, Any]] | str:
    """Return the parameters by place and name; the operation's stand in for the path's."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for source in (holder, operation):
        listed = source.get("parameters") or []
        if not isinstance(listed, list):
            return "its parameters are not a list"
        for number, raw in enumerate(listed):
            parameter = document.resolved(raw)
            if not isinstance(parameter, dict):
                return f"parameter {number} is not an object, or its reference leads nowhere"
            place, name = parameter.get("in"), parameter.get("name")
            if place not in _PLACES or not isinstance(name, str) or not name:
                return f"parameter {number} needs a name and an 'in' of {', '.join(_PLACES)}"
            found[place, name] = parameter
    return found


def _keys(document: Document) -> set[tuple[str, str]]:
    """Return the places and names of the API's own keys, which no agent hands over."""
    components = document.root.get("components")
    schemes = components.get("securitySchemes") if isinstance(components, dict) else None
    made: set[tuple[str, str]] = set()
    for raw in schemes.values() if isinstance(schemes, dict) else ():
        scheme = document.resolved(raw)
        if isinstance(scheme, dict) and scheme.get("type") == "apiKey":
            made.add((str(scheme.get("in")), str(scheme.get("name")).lower()))
    return made


def _is_sent_anyway(document: Document, place: str, name: str, keys: set[tuple[str, str]]) -> bool:
    if place == "header" and name.lower() in _SENT_ANYWAY:
        return True
    if (place, name.lower()) in keys:
        document.note(f"the {place} argument {name!r} is the API's key; it is left out")
        return True
    return False


def _parameter_schema(document: Document, parameter: dict[str, Any]) -> JsonValue:
    raw = parameter.get("schema")
    if raw is None:
        raw = json_schema_of(parameter)
    schema = schema_of(document, {"type": "string"} if raw is None else raw, "request")
    if not isinstance(schema, dict):
        schema = {}
    if isinstance(parameter.get("description"), str):
        schema = {**schema, "description": parameter["description"]}
    if parameter.get("deprecated") is True:
        schema = {**schema, "deprecated": True}
    return schema


def _with_body(document: Document, operation: dict[str, Any], made: Arguments) -> Arguments | str:
    """Add the body: its properties where it is a plain object, else one argument `body`."""
    if operation.get("requestBody") is None:
        return made
    body = document.resolved(operation["requestBody"])
    if not isinstance(body, dict):
        return "its requestBody is not an object, or its reference leads nowhere"
    needed = body.get("required") is True
    raw = json_schema_of(body)
    if raw is None:
        content = body.get("content")
        kinds = ", ".join(map(str, content if isinstance(content, dict) else ())) or "nothing"
        if needed:
            return f"its body has no JSON form; it takes {kinds[:120]}"
        document.note(f"its body is left out: it has no JSON form, only {kinds[:120]}")
        return made
    schema = schema_of(document, raw, "request")
    parts = flattened(schema)
    if parts is None:
        made.body = "whole"
        described = isinstance(schema, dict) and isinstance(body.get("description"), str)
        if described and isinstance(schema, dict):
            schema = {"description": body["description"], **schema}
        made.add(document, "body", "body", schema, required=needed)
        return made
    made.body = "parts"
    properties, required = parts["properties"], parts["required"]
    if isinstance(properties, dict) and isinstance(required, list):
        for name, part in properties.items():
            made.add(document, "body", name, part, required=needed and name in required)
        if required and not needed:
            document.note("its body is optional, so none of the body's arguments is required")
    return made
