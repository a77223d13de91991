"""Load a domain's contracts.yaml, and check every name in it against the domain."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from agentsynth.core.contract import (
    Contract,
    ContractEffect,
    Contracts,
    CreateEffect,
    DeleteEffect,
    Lookup,
    ScheduleEffect,
    UnscheduleEffect,
    UpdateEffect,
)
from agentsynth.core.domain import Domain, Entity, ToolDef
from agentsynth.core.errors import Problem, UserError, render_problems
from agentsynth.worlds.contract_parts import SCHEDULED_FIELDS
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.files import Loaded, load_yaml, validate
from agentsynth.worlds.semantics import field_error

__all__ = ["CONTRACT_FILE", "contract_problems", "load_contracts"]

CONTRACT_FILE = "contracts.yaml"
_BUILT_IN_CODES = frozenset({"bad_cursor", "idempotency_conflict"})
_Path = tuple[str | int, ...]
_Scope = dict[str, frozenset[str] | None]
"""Names in scope: a record's fields, or None for a value without known parts."""


def load_contracts(folder: Path, domain: Domain) -> Contracts | None:
    """Load and check the contracts beside a domain; None = the folder has none.

    Raises:
        UserError: every problem found, each with file, line and path.
    """
    path = folder / CONTRACT_FILE
    if not path.is_file():
        return None
    loaded = load_yaml(path)
    contracts = validate(Contracts, loaded)
    if problems := contract_problems(contracts, domain, loaded):
        raise UserError(render_problems(problems))
    return contracts


def contract_problems(contracts: Contracts, domain: Domain, loaded: Loaded) -> list[Problem]:
    """Return what is wrong with contracts: unknown names everywhere, and what they leave out."""
    checker = _Checker(domain, loaded)
    tools = {**domain.tools, **domain.user_tools}
    for name, contract in contracts.tools.items():
        if name not in tools:
            checker.unknown("tool", name, tools, ("tools", name))
            continue
        checker.contract(name, tools[name], contract)
    for name in tools:
        if name not in contracts.tools:
            checker.report(
                ("tools",),
                f"the tool {name!r} has no contract; write what it promises under its name",
            )
    return checker.problems


class _Checker:
    def __init__(self, domain: Domain, loaded: Loaded) -> None:
        self.domain = domain
        self.loaded = loaded
        self.problems: list[Problem] = []

    def report(self, path: _Path, message: str) -> None:
        self.problems.append(self.loaded.problem(path, message))

    def unknown(self, what: str, name: str, known: Mapping[str, Any], path: _Path) -> None:
        self.report(path, f"unknown {what} {name!r}; the domain has: {', '.join(known) or 'none'}")

    def contract(self, name: str, tool: ToolDef, contract: Contract) -> None:
        path: _Path = ("tools", name)
        scope: _Scope = {"args": frozenset(tool.parameters), "today": None, "now": None}
        for given, lookup in contract.given.items():
            scope[given] = self.lookup(lookup, scope, (*path, "given", given))
        if contract.assumes is not None:
            self.expression(contract.assumes, scope, (*path, "assumes"))
        for code, text in contract.errors.items():
            self.expression(text, scope, (*path, "errors", code))
        self.codes(tool, contract, path)
        if tool.kind == "read" and contract.effects:
            self.report((*path, "effects"), "a read tool changes nothing; drop the effects")
        for index, effect in enumerate(contract.effects):
            self.effect(effect, scope, (*path, "effects", index))
        for place, value in contract.returns.items():
            self.returned(value, scope, (*path, "returns", place))
        for index, value in enumerate(contract.says):
            self.value(value, scope, (*path, "says", index))
        if contract.pages is not None:
            if contract.pages.cursor not in tool.parameters:
                where = (*path, "pages", "cursor")
                self.unknown("parameter", contract.pages.cursor, tool.parameters, where)
            self.value(contract.pages.size, scope, (*path, "pages", "size"))

    def codes(self, tool: ToolDef, contract: Contract, path: _Path) -> None:
        """Compare the codes with those that the steps give, if the tool has steps."""
        if not tool.steps:
            return
        given = set(_codes([step.model_dump(by_alias=True) for step in tool.steps]))
        for code in contract.errors:
            if code not in given | _BUILT_IN_CODES:
                self.report(
                    (*path, "errors", code),
                    f"no step fails with {code!r}; the steps give: "
                    f"{', '.join(sorted(given)) or 'none'}",
                )
        for code in sorted(given - contract.errors.keys()):
            message = f"the tool can fail with {code!r}, which the contract does not name"
            self.report((*path, "errors"), message)

    # -- lookups and effects ---------------------------------------------------------------------

    def returned(self, value: Any, scope: _Scope, path: _Path) -> None:
        if isinstance(value, Lookup):
            self.lookup(value, scope, path)
        else:
            self.value(value, scope, path)

    def lookup(self, lookup: Lookup, scope: _Scope, path: _Path) -> frozenset[str] | None:
        """Check a lookup; return the fields of the record it gives, None for anything else."""
        if lookup.entity is None:
            self.value(lookup.value, scope, (*path, "value"))
            return None
        fields = self.entity(lookup.entity, (*path, lookup.verb))
        if fields is None:
            return None
        self.value(lookup.key, scope, (*path, "key"))
        self.fields(lookup.entity, fields, lookup.where, (*path, "where"))
        for name, value in lookup.where.items():
            self.value(value, scope, (*path, "where", name))
        named = [(name.removeprefix("-"), (*path, "order")) for name in lookup.order]
        named += [(lookup.of, (*path, "of"))] if lookup.of is not None else []
        for name, where in named:
            self.fields(lookup.entity, fields, [name], where)
        self.fields(lookup.entity, fields, list(lookup.join.values()), (*path, "join"))
        inner = {**scope, "it": frozenset((*fields, *lookup.join))}
        if lookup.if_ is not None:
            self.expression(lookup.if_, inner, (*path, "if"))
        for name, value in lookup.show.items():
            self.value(value, inner, (*path, "show", name))
        return frozenset(fields) if lookup.verb in ("record", "first") else None

    def effect(self, effect: ContractEffect, scope: _Scope, path: _Path) -> None:
        inner = scope
        if effect.each is not None:
            self.expression(effect.each.removeprefix("="), scope, (*path, "each"))
            inner = {**scope, "it": None}
        if effect.if_ is not None:
            self.expression(effect.if_, inner, (*path, "if"))
        match effect:
            case CreateEffect():
                self.set(effect.create, effect.set, inner, path, "create")
                if effect.as_ is not None:
                    known = self.domain.entities.get(effect.create)
                    scope[effect.as_] = frozenset(known.fields) if known is not None else None
            case UpdateEffect():
                self.value(effect.key, inner, (*path, "key"))
                self.set(effect.update, effect.set, inner, path, "update")
            case DeleteEffect():
                self.value(effect.key, inner, (*path, "key"))
                self.entity(effect.delete, (*path, "delete"))
            case ScheduleEffect():
                self.value(effect.at, inner, (*path, "at"))
                self.value(effect.with_, inner, (*path, "with"))
                if effect.as_ is not None:
                    scope[effect.as_] = frozenset(SCHEDULED_FIELDS)
            case UnscheduleEffect():
                self.value(effect.where, inner, (*path, "where"))

    def set(
        self, name: str, values: Mapping[str, Any], scope: _Scope, path: _Path, verb: str
    ) -> None:
        fields = self.entity(name, (*path, verb))
        if fields is None:
            return
        entity = self.domain.entities[name]
        self.fields(name, fields, values, (*path, "set"))
        for field, value in values.items():
            where = (*path, "set", field)
            self.value(value, scope, where)
            if field == entity.key:
                self.report(where, "the key is given by the world and cannot be set")
            literal = not (isinstance(value, str) and value.startswith("="))
            spec = entity.fields.get(field)
            if spec is not None and literal and (wrong := field_error(spec, value)) is not None:
                self.report(where, wrong)
        if verb == "create":
            for field in _unset(entity, values):
                self.report((*path, "set"), f"field {field!r} of {name!r} is not set")

    # -- names -----------------------------------------------------------------------------------

    def entity(self, name: str, path: _Path) -> Sequence[str] | None:
        """Return an entity's fields; None (and a problem) when there is no such entity."""
        if name == "scheduled":
            return SCHEDULED_FIELDS
        entity = self.domain.entities.get(name)
        if entity is None:
            self.unknown("entity", name, self.domain.entities, path)
            return None
        return tuple(entity.fields)

    def fields(
        self, entity: str, known: Sequence[str], names: Sequence[str] | Mapping[str, Any], at: _Path
    ) -> None:
        for name in names:
            if name not in known:
                where = (*at, name) if isinstance(names, Mapping) else at
                self.report(where, f"{entity!r} has no field {name!r}; it has: {', '.join(known)}")

    def value(self, value: Any, scope: _Scope, path: _Path) -> None:
        if isinstance(value, str) and value.startswith("="):
            self.expression(value[1:], scope, path)
        elif isinstance(value, Mapping):
            for name, part in value.items():
                self.value(part, scope, (*path, str(name)))
        elif isinstance(value, Sequence) and not isinstance(value, str):
            for index, part in enumerate(value):
                self.value(part, scope, (*path, index))

    def expression(self, text: str, scope: _Scope, path: _Path) -> None:
        try:
            expression = compile_expression(text)
        except ValueError as error:
            reason = str(error).split("ERROR:")[-1].split("\n")[0].strip()
            self.report(path, f"{text!r} is not a well-formed expression: {reason}")
            return
        for name in expression.paths:
            if (message := _name_problem(name, scope)) is not None:
                self.report(path, message)


def _name_problem(path: str, scope: _Scope) -> str | None:
    head, _, rest = path.partition(".")
    if head not in scope:
        return f"unknown name {head!r}; in scope here: {', '.join(sorted(scope))}"
    fields, part = scope[head], rest.partition(".")[0]
    if part and fields is not None and part not in fields:
        return f"{head!r} has no field {part!r}; it has: {', '.join(sorted(fields)) or 'none'}"
    return None


def _unset(entity: Entity, values: Mapping[str, Any]) -> Iterator[str]:
    """Yield the fields that a creation leaves out although they may not be null."""
    derived = entity.derived
    for name, spec in entity.fields.items():
        if name not in values and name not in {entity.key, *derived} and not spec.nullable:
            yield name


def _codes(value: Any) -> Iterator[str]:
    """Yield every error code in dumped steps, however deep: what has a code and a message.

    Codes inside a `for_each` that goes on past refusals never come out of the tool.
    """
    if isinstance(value, Mapping):
        if "for_each" in value and value.get("failed") is not None:
            return
        if isinstance(value.get("code"), str) and "message" in value:
            yield value["code"]
        for part in value.values():
            yield from _codes(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _codes(part)
