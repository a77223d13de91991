"""What is in scope at each step of a tool, so that a wrong value can be a believable one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.domain import Domain, ToolDef

__all__ = ["ToolScope", "scope_of", "used_in"]

_TYPES = {"string": "string", "integer": "integer", "boolean": "boolean", "number": "integer"}
_RECORD_VERBS = ("get", "find", "create")


@dataclass
class ToolScope:
    """Names bound by the steps up to some place."""

    types: dict[str, str] = field(default_factory=lambda: {})
    """Path to the type of its value; `key of E` for keys and references."""
    records: dict[str, str] = field(default_factory=lambda: {})
    """Name of a bound record to its entity."""
    same_as: dict[str, str] = field(default_factory=lambda: {})
    """Path to another that always has the same value."""

    def origin(self, path: str) -> str:
        """Return the path that a path's value first came from."""
        while path in self.same_as:
            path = self.same_as[path]
        return path

    def others(self, path: str, *, loosely: bool = False) -> list[str]:
        """Return paths of the same type whose value may differ.

        Args:
            loosely: texts and keys may stand in for each other.
        """
        kind = self.types.get(path)
        if kind is None:
            return []
        texts = loosely and (kind == "string" or kind.startswith("key of"))
        return [
            other
            for other, found in self.types.items()
            if (found == kind or (texts and (found == "string" or found.startswith("key of"))))
            and self.origin(other) != self.origin(path)
        ]


def scope_of(domain: Domain, tool: ToolDef, steps: Sequence[Mapping[str, Any]]) -> ToolScope:
    """Return what is in scope after these steps."""
    scope = ToolScope()
    scope.types["today"] = "date"
    for name, schema in tool.parameters.items():
        kind = "date" if schema.get("format") == "date" else _TYPES.get(str(schema.get("type")))
        entity = name.removesuffix("_id")
        if entity != name and entity in domain.entities:
            kind = f"key of {entity}"
        if kind is not None:
            scope.types[f"args.{name}"] = kind
    for step in steps:
        _bind(domain, scope, step)
    return scope


def _bind(domain: Domain, scope: ToolScope, step: Mapping[str, Any]) -> None:
    verb = next((verb for verb in _RECORD_VERBS if verb in step), None)
    if verb is not None and step[verb] in domain.entities and "as" in step:
        name, entity = step["as"], domain.entities[step[verb]]
        scope.records[name] = step[verb]
        for column, spec in entity.fields.items():
            kind = f"key of {step[verb]}" if column == entity.key else spec.type
            kind = f"key of {spec.ref}" if spec.ref is not None else kind
            scope.types[f"{name}.{column}"] = {"money": "integer", "text": "string"}.get(kind, kind)
        pairs: dict[str, Any] = {**step.get("where", {}), **step.get("set", {})}
        if "key" in step:
            pairs[entity.key] = step["key"]
        for column, value in pairs.items():
            if isinstance(value, str) and value.startswith("="):
                scope.same_as[f"{name}.{column}"] = value[1:]
    if "count" in step and isinstance(step["count"], str):
        scope.types[step["count"]] = "integer"


def used_in(name: str, steps: Any) -> bool:
    """Whether a name is read anywhere in these steps."""
    if isinstance(steps, Mapping):
        return any(used_in(name, part) for key, part in steps.items() if key not in ("as", "count"))
    if isinstance(steps, list | tuple):
        return any(used_in(name, part) for part in steps)
    return isinstance(steps, str) and re.search(rf"(?<![\w.]){name}\b", steps) is not None
