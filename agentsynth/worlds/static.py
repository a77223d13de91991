"""What can be known about a declarative domain before it runs: every name in every expression."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jsonschema import Draft202012Validator, SchemaError

from agentsynth.core.domain import (
    Clause,
    CreateStep,
    DeleteStep,
    Domain,
    Entity,
    Failure,
    FieldSpec,
    FindStep,
    GetStep,
    LetStep,
    ListStep,
    RequireStep,
    ReturnStep,
    Step,
    ToolDef,
    UpdateStep,
)
from agentsynth.core.errors import Problem
from agentsynth.worlds.expressions import compile_expression, slots_of
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.semantics import field_error

__all__ = ["domain_problems"]

Path = tuple[str | int, ...]
_WRITES = (CreateStep, UpdateStep, DeleteStep)


@dataclass
class _Scope:
    """Names in scope: a record's fields, or None for a value without known parts."""

    names: dict[str, frozenset[str] | None] = field(default_factory=dict)

    def problem(self, path: str) -> str | None:
        head, _, rest = path.partition(".")
        if head not in self.names:
            known = ", ".join(sorted(self.names)) or "nothing"
            return f"unknown name {head!r}; in scope here: {known}"
        fields = self.names[head]
        part = rest.partition(".")[0]
        if part and fields is not None and part not in fields:
            return f"{head!r} has no field {part!r}; it has: {', '.join(sorted(fields)) or 'none'}"
        return None


class _Checker:
    def __init__(self, domain: Domain, loaded: Loaded) -> None:
        self.domain = domain
        self.loaded = loaded
        self.problems: list[Problem] = []

    def report(self, path: Path, message: str) -> None:
        self.problems.append(self.loaded.problem(path, message))

    def expression(self, text: str, scope: _Scope, path: Path) -> None:
        try:
            expression = compile_expression(text)
        except ValueError as error:
            reason = str(error).split("ERROR:")[-1].split("\n")[0].strip()
            self.report(path, f"{text!r} is not a well-formed expression: {reason}")
            return
        for name in expression.paths:
            if (message := scope.problem(name)) is not None:
                self.report(path, message)

    def value(self, value: Any, scope: _Scope, path: Path) -> None:
        if isinstance(value, str) and value.startswith("="):
            self.expression(value[1:], scope, path)
        elif isinstance(value, Mapping):
            for name, part in value.items():
                self.value(part, scope, (*path, str(name)))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for index, part in enumerate(value):
                self.value(part, scope, (*path, index))

    def template(self, text: str, scope: _Scope, path: Path) -> None:
        for slot in slots_of(text):
            if (message := scope.problem(slot)) is not None:
                self.report(path, message)

    def entity(self, name: str, path: Path) -> Entity | None:
        entity = self.domain.entities.get(name)
        if entity is None:
            known = ", ".join(self.domain.entities)
            self.report(path, f"unknown entity {name!r}; the domain has: {known}")
        return entity

    def fields(self, entity: str, names: Iterator[tuple[str, Path]]) -> None:
        known = self.domain.entities[entity].fields
        for name, path in names:
            if name not in known:
                listed = ", ".join(known)
                self.report(path, f"{entity!r} has no field {name!r}; it has: {listed}")

    # -- steps ---------------------------------------------------------------------------------

    def steps(
        self, steps: Sequence[Step], scope: _Scope, path: Path, *, tool: ToolDef | None
    ) -> None:
        for index, step in enumerate(steps):
            here = (*path, index)
            if isinstance(step, _WRITES) and (tool is None or tool.kind == "read"):
                what = "a policy clause" if tool is None else "a read tool"
                self.report(here, f"{what} may not write; make it 'kind: write' or drop the step")
            if isinstance(step, ReturnStep) and index < len(steps) - 1:
                self.report(here, "nothing after 'return' is ever reached")
            self._step(step, scope, here)

    def _step(self, step: Step, scope: _Scope, path: Path) -> None:
        if isinstance(step, _WRITES):
            self._write(step, scope, path)
            return
        match step:
            case GetStep():
                self.value(step.key, scope, (*path, "key"))
                self._bind_record(step.get, step.as_, step.missing, scope, (*path, "get"))
            case FindStep():
                self._where(step.find, step.where, scope, (*path, "where"))
                self._bind_record(step.find, step.as_, step.missing, scope, (*path, "find"))
            case ListStep():
                self._list(step, scope, path)
            case RequireStep():
                self.expression(step.require, scope, (*path, "require"))
                self._condition(step.if_, scope, path)
                self.template(step.message, scope, (*path, "message"))
            case LetStep():
                for name, value in step.let.items():
                    self.value(value, scope, (*path, "let", name))
                    scope.names[name] = None
            case ReturnStep():
                self.value(step.return_, scope, (*path, "return"))

    def _write(self, step: CreateStep | UpdateStep | DeleteStep, scope: _Scope, path: Path) -> None:
        self._condition(step.if_, scope, path)
        match step:
            case CreateStep():
                self._create(step, scope, path)
            case UpdateStep():
                self.value(step.key, scope, (*path, "key"))
                if self.entity(step.update, (*path, "update")) is not None:
                    self._set(step.update, step.set, scope, (*path, "set"))
            case DeleteStep():
                self.value(step.key, scope, (*path, "key"))
                self.entity(step.delete, (*path, "delete"))

    def _condition(self, text: str | None, scope: _Scope, path: Path) -> None:
        if text is not None:
            self.expression(text, scope, (*path, "if"))

    def _bind_record(
        self, name: str, bound: str, missing: Failure | None, scope: _Scope, path: Path
    ) -> None:
        if missing is not None:
            self.template(missing.message, scope, (*path[:-1], "missing", "message"))
        entity = self.entity(name, path)
        scope.names[bound] = frozenset(entity.fields) if entity is not None else None

    def _where(self, name: str, where: Mapping[str, Any], scope: _Scope, path: Path) -> None:
        if name not in self.domain.entities:
            return
        self.fields(name, ((key, (*path, key)) for key in where))
        for key, value in where.items():
            self.value(value, scope, (*path, key))

    def _list(self, step: ListStep, scope: _Scope, path: Path) -> None:
        entity = self.entity(step.list_, (*path, "list"))
        if entity is not None:
            for part, where in (
                ("where", step.where),
                ("where_given", step.where_given),
                ("match", step.match),
            ):
                self._where(step.list_, where, scope, (*path, part))
            sort = [(name.removeprefix("-"), (*path, "sort")) for name in step.sort]
            kept = [(name, (*path, "fields")) for name in step.fields]
            self.fields(step.list_, iter(sort + kept))
            if step.filter is not None:
                inner = _Scope({**scope.names, "it": frozenset(entity.fields)})
                self.expression(step.filter, inner, (*path, "filter"))
        scope.names[step.as_] = None
        if step.count is not None:
            scope.names[step.count] = None

    def _create(self, step: CreateStep, scope: _Scope, path: Path) -> None:
        entity = self.entity(step.create, (*path, "create"))
        if entity is None:
            return
        self._set(step.create, step.set, scope, (*path, "set"))
        for name, spec in entity.fields.items():
            if name not in step.set and name != entity.key and not spec.nullable:
                self.report((*path, "set"), f"field {name!r} of {step.create!r} is not set")
        scope.names[step.as_] = frozenset(entity.fields)

    def _set(self, name: str, values: Mapping[str, Any], scope: _Scope, path: Path) -> None:
        entity = self.domain.entities[name]
        self.fields(name, ((key, (*path, key)) for key in values))
        for key, value in values.items():
            self.value(value, scope, (*path, key))
            if key == entity.key:
                self.report((*path, key), "the key is given by the world and cannot be set")
            spec = entity.fields.get(key)
            literal = not (isinstance(value, str) and value.startswith("="))
            if spec is not None and literal and (wrong := field_error(spec, value)) is not None:
                self.report((*path, key), wrong)


def domain_problems(domain: Domain, loaded: Loaded) -> list[Problem]:
    """Return everything that is wrong with a declarative domain, with file, line and path."""
    checker = _Checker(domain, loaded)
    for name, entity in domain.entities.items():
        _check_entity(checker, name, entity)
    for name, tool in domain.tools.items():
        _check_tool(checker, name, tool)
    for index, rule in enumerate(domain.invariants):
        path: Path = ("invariants", index)
        entity = checker.entity(rule.entity, (*path, "entity"))
        if entity is not None:
            names = {"it": frozenset(entity.fields), "today": None}
            checker.expression(rule.require, _Scope(names), (*path, "require"))
    _check_policy(checker, domain)
    return checker.problems


def _check_entity(checker: _Checker, name: str, entity: Entity) -> None:
    path: Path = ("entities", name)
    for part in (entity.key, *entity.natural_key):
        if part not in entity.fields:
            checker.report(path, f"key field {part!r} is not among the fields")
    if "#" not in entity.id_pattern:
        checker.report((*path, "id_pattern"), "needs at least one '#' (a digit), such as 'PL-####'")
    for field_name, spec in entity.fields.items():
        _check_field(checker, spec, (*path, "fields", field_name))
    for index, record in enumerate(entity.records):
        _check_fields(checker, entity, record, (*path, "records", index))
    if entity.generate is not None:
        made = (*path, "generate", "fields")
        _check_fields(checker, entity, entity.generate.fields, made)
        if entity.key not in entity.generate.fields:
            checker.report(made, f"the key {entity.key!r} is not made")
        if entity.generate.for_each is not None:
            checker.entity(entity.generate.for_each, (*path, "generate", "for_each"))


def _check_field(checker: _Checker, spec: FieldSpec, path: Path) -> None:
    if spec.ref is not None:
        checker.entity(spec.ref, path)
    if (spec.type == "enum") != bool(spec.values):
        checker.report(path, "'values' belongs to enums, and an enum needs it")


def _check_fields(checker: _Checker, entity: Entity, fields: Mapping[str, Any], path: Path) -> None:
    for name in fields:
        if name not in entity.fields:
            checker.report((*path, name), "no such field")


def _check_tool(checker: _Checker, name: str, tool: ToolDef) -> None:
    path: Path = ("tools", name)
    for key, schema in tool.parameters.items():
        where = (*path, "parameters", key)
        if "description" not in schema:
            checker.report(where, "needs a 'description': the model reads it")
        if not isinstance(schema.get("type"), str):
            checker.report(where, "needs one 'type', such as string, integer or boolean")
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            checker.report(where, f"is not a JSON Schema: {error.message}")
    if checker.domain.python is not None:
        return  # its code is checked where it is loaded
    scope = _Scope({"args": frozenset(tool.parameters), "today": None})
    checker.steps(tool.steps, scope, (*path, "steps"), tool=tool)
    if not any(isinstance(step, ReturnStep) for step in tool.steps):
        checker.report(
            (*path, "steps"), "a tool ends with 'return', so that the agent sees a result"
        )
    if tool.kind == "write" and not any(isinstance(step, _WRITES) for step in tool.steps):
        checker.report((*path, "kind"), "a write tool needs a create, update or delete step")


def _check_policy(checker: _Checker, domain: Domain) -> None:
    codes = {code for tool in domain.tools.values() for step in tool.steps for code in _codes(step)}
    codes |= {code for tool in domain.tools.values() for code in tool.codes}
    for name, clause in domain.policy.items():
        _check_clause(checker, domain, clause, ("policy", name), codes)
    free = sum(clause.enforced_by == "agent" for clause in domain.policy.values())
    if domain.policy and free * 2 < len(domain.policy):
        message = "at least half of the clauses must be 'enforced_by: agent'"
        checker.report(("policy",), f"{message}, or disobeying is impossible to catch")


def _check_clause(
    checker: _Checker, domain: Domain, clause: Clause, path: Path, codes: set[str]
) -> None:
    if domain.tools:
        for tool in sorted(set(clause.tools) - domain.tools.keys()):
            checker.report((*path, "tools"), f"unknown tool {tool!r}")
        for code in sorted(set(clause.codes) - codes):
            checker.report((*path, "codes"), f"no tool fails with the code {code!r}")
    known = [domain.tools[tool] for tool in clause.tools if tool in domain.tools]
    parameters = {name for tool in known for name in tool.parameters}
    scope = _Scope({"args": frozenset(parameters), "today": None})
    checker.steps(clause.steps, scope, (*path, "steps"), tool=None)
    conditions = [("when", clause.when), ("require", clause.require)]
    conditions += [("told", text.removeprefix("=")) for text in clause.told]
    for part, text in conditions:
        if text is not None:
            checker.expression(text, scope, (*path, part))
    if (clause.require is not None or clause.told) and not clause.tools:
        checker.report(path, "a clause with 'require' or 'told' names the 'tools' it governs")
    for argument, pattern in clause.forbid.items():
        try:
            re.compile(pattern)
        except re.error as error:
            checker.report((*path, "forbid", argument), f"not a regular expression: {error}")


def _codes(step: Step) -> list[str]:
    if isinstance(step, RequireStep):
        return [step.code]
    if isinstance(step, GetStep | FindStep) and step.missing is not None:
        return [step.missing.code]
    return []
