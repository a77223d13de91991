"""The operations of an OpenAPI 3.0 or 3.1 document as tools: one tool each, nothing is called.

Where an argument goes (path, query, header, cookie, body) and what it is called there stands in
the tool's `_meta`, so that a request could be made of a call.
Source: OpenAPI Specification 3.0.3 and 3.1.0, sections Operation, Parameter and Request Body.
"""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from agentsynth.core.errors import UserError
from agentsynth.core.ids import digest
from agentsynth.evolve.openapi_arguments import Arguments, arguments_of, json_schema_of
from agentsynth.evolve.openapi_schema import Document, schema_of
from agentsynth.evolve.own_tools import OwnTools, RawTool, schema_fault

__all__ = ["META", "openapi_tools"]

META = "agentsynth/openapi"
"""Key in a tool's `_meta`: method, path, deprecated, body ("whole", "parts" or null) and, by
argument, where it goes (`in`) and what it is called there (`name`)."""

_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_READING = ("get", "head", "options", "trace")
"""Methods that are safe. Source: RFC 9110, section 9.2.1."""
_LONGEST_NAME = 64


def openapi_tools(raw: object, file: str) -> OwnTools:
    """Return the operations of an OpenAPI document as tools; a broken one costs only itself.

    Args:
        raw: the parsed document.
        file: what messages call it.

    Raises:
        UserError: naming the file; it is no OpenAPI 3 document or has no paths.
    """
    root = _checked(raw, file)
    document = Document(root)
    tools: list[RawTool] = []
    skipped: list[str] = []
    notes: list[str] = []
    names: set[str] = set()
    for path, item in root["paths"].items():
        if not str(path).startswith("/"):
            continue  # an extension, such as x-…
        holder = document.resolved(item)
        if not isinstance(holder, dict):
            skipped.append(f"{file}: {path}: is not an object")
            continue
        for method in _METHODS:
            if method not in holder:
                continue
            label = f"{file}: {method.upper()} {path}"
            document.notes.clear()
            made = _tool(document, holder, method, path, names)
            if isinstance(made, str):
                skipped.append(f"{label}: {made}")
                continue
            tools.append(made)
            names.add(str(made["name"]))
            notes += [f"{label}: {note}" for note in document.notes]
    info = root.get("info")
    title = info.get("title") if isinstance(info, dict) else None
    return OwnTools(
        title if isinstance(title, str) else "", tuple(tools), tuple(skipped), tuple(notes)
    )


def _checked(raw: object, file: str) -> Mapping[str, Any]:
    if not isinstance(raw, dict):
        raise UserError(f"{file}: expected an OpenAPI document with openapi, info and paths")
    version = raw.get("openapi")
    if "swagger" in raw and version is None:
        raise UserError(
            f"{file}: swagger {str(raw['swagger'])[:20]!r} is not read; convert it to OpenAPI 3"
        )
    if not re.match(r"3\.[01](?:\.|$)", str(version)):
        raise UserError(
            f"{file}: openapi: expected a version 3.0 or 3.1, found {str(version)[:40]!r}"
        )
    if not isinstance(raw.get("paths"), dict) or not raw["paths"]:
        raise UserError(f"{file}: paths: expected an object with at least one path")
    return raw


def _tool(
    document: Document, holder: dict[str, Any], method: str, path: str, names: set[str]
) -> RawTool | str:
    """Return an operation as a tool, or why it cannot be one."""
    operation = holder[method]
    if not isinstance(operation, dict):
        return "is not an object"
    arguments = arguments_of(document, holder, operation, path)
    if isinstance(arguments, str):
        return arguments
    schema = arguments.schema()
    fault = schema_fault(schema, of_arguments=True)
    if fault:
        return f"its arguments' schema {fault}"
    deprecated = operation.get("deprecated") is True
    if deprecated:
        document.note("is deprecated")
    description = _description(operation, holder)
    if not description:
        document.note("has no description")
    tool: RawTool = {
        "name": _name(document, operation.get("operationId"), method, path, names),
        "description": description,
        "inputSchema": schema,
        "annotations": {"readOnlyHint": method in _READING},
        "_meta": {META: _meta(arguments, method, path, deprecated)},
    }
    returned = _returned(document, operation)
    if returned is not None:
        tool["outputSchema"] = returned
    return tool


def _meta(arguments: Arguments, method: str, path: str, deprecated: bool) -> JsonValue:
    places: dict[str, JsonValue] = {
        name: {"in": where, "name": original}
        for name, (where, original) in arguments.places.items()
    }
    return {
        "method": method.upper(),
        "path": path,
        "deprecated": deprecated,
        "body": arguments.body,
        "arguments": places,
    }


def _description(operation: dict[str, Any], holder: dict[str, Any]) -> str:
    """Return summary and description, once where one begins with the other."""
    parts: list[str] = []
    for key in ("summary", "description"):
        text = operation.get(key)
        if not isinstance(text, str):
            text = holder.get(key)
        if isinstance(text, str) and text.strip():
            parts.append(text.strip())
    if len(parts) == 2 and parts[1].startswith(parts[0].rstrip(".")):
        return parts[1]
    return "\n\n".join(parts)


def _name(document: Document, given: Any, method: str, path: str, names: set[str]) -> str:
    """Return a name in snake_case of at most 64 characters that no other tool has."""
    name = _snake(given) if isinstance(given, str) else ""
    if not name:
        name = _snake(f"{method} {path}") if path.isascii() else ""
    if not name:
        name = f"{method}_{digest(path)[:8]}"
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME - 9].rstrip('_')}_{digest(name)[:8]}"
    unique, number = name, 2
    while unique in names:
        end = f"_{number}"
        unique = name[: _LONGEST_NAME - len(end)] + end
        number += 1
    if unique != name:
        document.note(f"another operation is called {name!r}; this one becomes {unique!r}")
    return unique


def _snake(text: str) -> str:
    text = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", text)
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def _returned(document: Document, operation: dict[str, Any]) -> JsonValue:
    """Return the schema of the first JSON answer of a 2xx status; None = there is none."""
    answers = operation.get("responses")
    if not isinstance(answers, dict):
        return None
    for status in sorted(answers, key=str):
        if re.fullmatch(r"2(?:\d\d|XX)", str(status)) is None:
            continue
        schema = json_schema_of(document.resolved(answers[status]))
        if isinstance(schema, dict) and schema:
            made = schema_of(document, schema, "response")
            fault = schema_fault(made, of_arguments=False)
            if fault is None:
                return made
            document.note(f"the schema of its answer {status} {fault}; it is left out")
            return None
    return None
