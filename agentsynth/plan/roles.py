"""What a tool's parameters stand for: the key of a record, or the value of a field.

Read off a declarative tool's steps; for other tools by the parameter's name (`loan_id`, `loanId`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.domain import (
    CreateStep,
    DeleteStep,
    Domain,
    FindStep,
    GetStep,
    ListStep,
    ToolDef,
    UpdateStep,
)

__all__ = ["Role", "all_steps", "parameter_roles"]

_NAME = r"args\.([A-Za-z_][A-Za-z0-9_.]*)"
_ARGUMENT = re.compile(
    rf"=\s*(?:{_NAME}|string\({_NAME}\)|{_NAME} == null \? [^:]* : (?:string\()?{_NAME}\)?)\s*"
)
"""An argument as it is, as a text, or in place of what was there."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a parameter is compared with."""

    entity: str
    field: str
    is_key: bool


_known: dict[str, Mapping[tuple[str, str], Role]] = {}


def parameter_roles(domain: Domain) -> Mapping[tuple[str, str], Role]:
    """Return the roles of (tool, parameter) pairs; those without one are left out."""
    if domain.id not in _known:
        _known[domain.id] = _roles(domain)
    return _known[domain.id]


def _roles(domain: Domain) -> Mapping[tuple[str, str], Role]:
    found: dict[tuple[str, str], Role] = {}
    for name, tool in {**domain.tools, **domain.user_tools}.items():
        for parameter in _flat(tool.parameters):
            role = _by_steps(domain, tool, parameter) or _by_name(domain, parameter)
            if role is not None:
                found[name, parameter] = role
    return found


def _flat(parameters: Mapping[str, Mapping[str, Any]], above: str = "") -> list[str]:
    """Return parameters and the parts of those that are objects, such as `body.title`."""
    found: list[str] = []
    for name, schema in parameters.items():
        found.append(f"{above}{name}")
        properties: Mapping[str, Mapping[str, Any]] = schema.get("properties", {})
        found += _flat(properties, f"{above}{name}.")
    return found


def _by_steps(domain: Domain, tool: ToolDef, parameter: str) -> Role | None:
    pairs = [pair for step in all_steps(tool.steps) for pair in _compared(domain, step)]
    roles = [role for value, role in pairs if _is_argument(value, parameter)]
    keys = [role for role in roles if role.is_key]
    return (keys or roles or [None])[0]


def all_steps(steps: Any) -> list[Any]:
    """Return the steps with those inside them."""
    found: list[Any] = []
    for step in steps:
        found.append(step)
        found += all_steps(getattr(step, "do", ()))
    return found


def _is_argument(value: Any, parameter: str) -> bool:
    match = _ARGUMENT.fullmatch(value) if isinstance(value, str) else None
    return match is not None and parameter in (match[1], match[2], match[4])


def _compared(domain: Domain, step: Any) -> list[tuple[Any, Role]]:
    """Return (value, what it is compared with or stored in) for one step."""
    match step:
        case GetStep():
            return [(step.key, _key(domain, step.get))]
        case FindStep():
            return _fields(domain, step.find, step.where)
        case ListStep():
            pairs = {**step.where, **step.where_given, **step.match}
            return _fields(domain, step.list_, pairs)
        case CreateStep():
            return _fields(domain, step.create, step.set)
        case UpdateStep():
            key = (step.key, _key(domain, step.update))
            return [key, *_fields(domain, step.update, step.set)]
        case DeleteStep():
            return [(step.key, _key(domain, step.delete))]
        case _:
            return []


def _key(domain: Domain, entity: str) -> Role:
    return Role(entity, domain.entities[entity].key, is_key=True)


def _fields(domain: Domain, entity: str, values: Mapping[str, Any]) -> list[tuple[Any, Role]]:
    spec = domain.entities[entity]
    made: list[tuple[Any, Role]] = []
    for name, value in values.items():
        ref = spec.fields[name].ref if name in spec.fields else None
        if ref is not None:
            made.append((value, _key(domain, ref)))
        else:
            made.append((value, Role(entity, name, is_key=name == spec.key)))
    return made


def _by_name(domain: Domain, parameter: str) -> Role | None:
    last = parameter.rpartition(".")[2]
    plain = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", last).lower()
    name = re.sub(r"_?(?:id|key|no|number|code)s?$", "", plain)
    return _key(domain, name) if name != plain and name in domain.entities else None
