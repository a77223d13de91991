"""Tools people bring themselves, without a server: lists of functions in the shapes in use.

The result is as `tools/list` of a server would give it, so everything after it is the same.
`openapi_tools` reads descriptions of HTTP APIs, `own_servers` configurations of servers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError
from pydantic import JsonValue

from agentsynth.core.errors import UserError
from agentsynth.models.codec import BadJson, from_bytes
from agentsynth.worlds.files import parse_yaml, read_text

__all__ = [
    "OwnTools",
    "RawTool",
    "function_tools",
    "parse_document",
    "read_document",
    "schema_fault",
]

RawTool = dict[str, JsonValue]
"""name, description, inputSchema; outputSchema, annotations and _meta when known."""

_LONGEST_NAME = 128
_DEEPEST = 60
"""Levels of a document; what lies deeper belongs to no description of tools."""
_MOST_VALUES = 2_000_000
"""Values of a YAML document once its aliases are written out."""
_LISTS = ("tools", "functions")
_INPUT = ("parameters", "input_schema", "inputSchema")
_OUTPUT = ("outputSchema", "output_schema", "returns")


@dataclass(frozen=True, slots=True)
class OwnTools:
    """What a file of tools gave."""

    title: str
    """What the file calls itself; "" = nothing."""
    tools: tuple[RawTool, ...]
    """In the file's order; names are unique."""
    skipped: tuple[str, ...]
    """One line for each that cannot be used: which one, and why."""
    notes: tuple[str, ...]
    """One line for each that was changed, or that a person should know of."""


def read_document(path: Path) -> Any:
    """Return the JSON value in a JSON or YAML file.

    Raises:
        UserError: naming the file, if it cannot be read.
    """
    return parse_document(read_text(path), str(path))


def parse_document(text: str, file: str) -> Any:
    """Return the JSON value in a text that is JSON or YAML.

    Args:
        text: the document. What begins with a bracket is JSON.
        file: what messages call it.

    Raises:
        UserError: naming the file; it is neither, or nested too deep.
    """
    if text.lstrip("\ufeff \t\r\n").startswith(("{", "[")):
        try:
            value = from_bytes(text.encode("utf-8", "replace"))
        except BadJson as error:
            raise UserError(f"{file}: {error}; expected JSON or YAML") from None
    else:
        _check_aliases(text, file)
        value = parse_yaml(text, file).value
    return _shallow(value, file, _DEEPEST)


def function_tools(raw: object, file: str) -> OwnTools:
    """Return the tools in a list of functions; one that cannot be used costs only itself.

    Read are `{"type": "function", "function": {…}}`, bare `{"name", "description", "parameters"}`,
    `input_schema` instead of `parameters`, and `inputSchema` as MCP has it; a list of them, or an
    object that holds the list as `tools` or `functions`.

    Args:
        raw: the parsed file.
        file: what messages call it.

    Raises:
        UserError: naming the file; there is no list in it.
    """
    listed = raw
    if isinstance(raw, Mapping):
        listed = next((raw[name] for name in _LISTS if isinstance(raw.get(name), list)), None)
    if not isinstance(listed, list):
        raise UserError(f"{file}: expected a list of functions, or an object with 'tools'")
    tools: list[RawTool] = []
    skipped: list[str] = []
    notes: list[str] = []
    names: set[str] = set()
    for place, item in enumerate(listed):
        made = _function(item)
        label = f"{file}: {place}"
        if isinstance(made, str):
            skipped.append(f"{label}: {_shown_name(item)}{made}")
        elif made["name"] in names:
            skipped.append(f"{label}: {made['name']!r}: a second function of this name")
        else:
            names.add(str(made["name"]))
            tools.append(made)
            if not made["description"]:
                notes.append(f"{label}: {made['name']!r} has no description")
    return OwnTools("", tuple(tools), tuple(skipped), tuple(notes))


def schema_fault(schema: object, *, of_arguments: bool) -> str | None:
    """Return why this cannot be a tool's schema; None = it can.

    Args:
        schema: a JSON Schema of draft 2020-12.
        of_arguments: it has to describe an object, whose properties are arguments.
    """
    if not isinstance(schema, dict):
        return "is not an object"
    if of_arguments and schema.get("type", "object") != "object":
        return f"is of type {str(schema['type'])[:40]!r}, expected 'object'"
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        where = ".".join(str(part) for part in error.path)
        return f"is no JSON Schema{f' at {where!r}' if where else ''}: {error.message[:200]}"
    except RecursionError:
        return "is nested too deep"
    return None


def _function(item: object) -> RawTool | str:
    """Return a function as a tool, or why it cannot be one."""
    inner = item.get("function") if isinstance(item, dict) else None
    body = inner if isinstance(inner, dict) else item
    if not isinstance(body, dict):
        return "is not an object"
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        return "has no name"
    if len(name) > _LONGEST_NAME or not name.isprintable():
        return f"its name has more than {_LONGEST_NAME} characters or some that cannot be printed"
    description = body.get("description")
    if description is not None and not isinstance(description, str):
        return "its description is not text"
    no_arguments: RawTool = {"type": "object", "properties": {}}
    schema = next((body[key] for key in _INPUT if body.get(key) is not None), no_arguments)
    fault = schema_fault(schema, of_arguments=True)
    if fault:
        return f"its schema {fault}"
    tool: RawTool = {"name": name, "description": description or "", "inputSchema": schema}
    output = next((body[key] for key in _OUTPUT if isinstance(body.get(key), dict)), None)
    if output is not None and schema_fault(output, of_arguments=False) is None:
        tool["outputSchema"] = output
    if isinstance(body.get("annotations"), dict):
        tool["annotations"] = body["annotations"]
    return tool


def _shown_name(item: object) -> str:
    inner = item.get("function") if isinstance(item, dict) else None
    body = inner if isinstance(inner, dict) else item
    name = body.get("name") if isinstance(body, dict) else None
    return f"{name[:60]!r}: " if isinstance(name, str) and name else ""


def _check_aliases(text: str, file: str) -> None:
    """Refuse a YAML document whose aliases multiply: a few lines can stand for billions."""
    if "*" not in text:
        return
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    try:
        for event in yaml.parse(text, yaml.CSafeLoader):
            before = total
            if isinstance(event, yaml.AliasEvent):
                total += sizes.get(str(event.anchor), 0)
            elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
                total += 1
            if total > _MOST_VALUES:
                raise UserError(f"{file}: its aliases stand for more than {_MOST_VALUES} values")
            if isinstance(event, yaml.CollectionStartEvent):
                open_nodes.append((event.anchor, before))
            elif isinstance(event, yaml.CollectionEndEvent):
                anchor, start = open_nodes.pop()
                if anchor is not None:
                    sizes[anchor] = total - start
    except yaml.YAMLError:
        return  # `parse_yaml` says what is wrong and where


def _shallow(value: Any, file: str, levels: int) -> Any:
    """Return the value with clean text, if it is not nested deeper than `levels`."""
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if not isinstance(value, list | dict):
        return value
    if levels == 0:
        raise UserError(f"{file}: nested more than {_DEEPEST} levels deep")
    if isinstance(value, list):
        return [_shallow(item, file, levels - 1) for item in value]
    return {
        cast(str, _shallow(key, file, 1)): _shallow(item, file, levels - 1)
        for key, item in value.items()
    }
