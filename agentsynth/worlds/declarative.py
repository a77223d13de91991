"""The declarative world: a domain's tools run over its state."""

import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import best_match

from agentsynth.core.domain import Clause, Domain, ToolDef
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.core.task import Change
from agentsynth.core.tools import Provenance, ToolSpec, spec_hash
from agentsynth.core.words import has_words, normal
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.seed import make_base
from agentsynth.worlds.semantics import compile_steps
from agentsynth.worlds.state import Base, State

__all__ = [
    "ArgumentChecker",
    "CompiledDomain",
    "DeclarativeWorld",
    "ToolFunction",
    "argument_validator",
    "tool_spec",
]


ToolFunction = Callable[[State, dict[str, Any]], Any]
"""Carries out a tool: state (inside a transaction) and scope (`args`, `today`) to its result.

Raises ToolError where it refuses; its writes are undone then.
"""

_REMEMBERED = 256
"""Answers kept per tool."""


def tool_spec(domain: Domain, name: str, tool: ToolDef) -> ToolSpec:
    """Return the specification a model is offered for this tool."""
    properties = {
        key: {part: value for part, value in schema.items() if part != "optional"}
        for key, schema in tool.parameters.items()
    }
    required = [key for key, schema in tool.parameters.items() if not schema.get("optional")]
    parameters: dict[str, Any] = {"type": "object", "properties": properties}
    if required:
        parameters["required"] = required
    parameters["additionalProperties"] = False
    annotations = {"readOnlyHint": tool.kind == "read"}
    return ToolSpec(
        name=name,
        description=tool.description,
        parameters=parameters,
        read_only=tool.kind == "read",
        consequential=tool.kind == "write" and tool.consequential,
        provenance=Provenance(
            origin="synthetic" if domain.python is None else "python",
            source=domain.name,
            licence="Apache-2.0",
            spec_hash=spec_hash(name, tool.description, parameters, None, annotations),
        ),
    )


def argument_validator(parameters: Mapping[str, Any]) -> Draft202012Validator:
    """Return the validator of a tool's arguments; `format: date` is a real ISO date."""
    return Draft202012Validator(parameters, format_checker=FormatChecker(["date"]))


class ArgumentChecker:
    """Holds calls against a tool's schema, and remembers the last answers.

    One call is checked when it is made, when it is replayed and when it is graded.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._validator = argument_validator(parameters)
        self._known: dict[str, str | None] = {}

    def error(self, arguments: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a call's arguments; None = nothing."""
        key = repr(arguments)
        if key not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[key] = self._found(arguments)
        return self._known[key]

    def _found(self, arguments: Mapping[str, Any]) -> str | None:
        if self._validator.is_valid(arguments):
            return None
        error = best_match(self._validator.iter_errors(arguments))
        place = ".".join(str(part) for part in error.absolute_path)
        return f"{place}: {error.message}" if place else str(error.message)


class CompiledDomain:
    """A domain with everything that is compiled once and shared by its worlds."""

    def __init__(
        self,
        domain: Domain,
        tools: Mapping[str, ToolFunction] | None = None,
        base: Callable[[int], Base] | None = None,
    ) -> None:
        """Compile a domain.

        Args:
            tools: what carries out each tool; None = its steps, compiled.
            base: world seed to starting state; None = the domain's own seed records.
        """
        self.domain = domain
        self._make_base = base or (lambda world_seed: make_base(domain, world_seed))
        self.specs = tuple(tool_spec(domain, name, tool) for name, tool in domain.tools.items())
        self.checkers = {spec.name: ArgumentChecker(spec.parameters) for spec in self.specs}
        self.tools: dict[str, ToolFunction] = (
            dict(tools)
            if tools is not None
            else {
                name: compile_steps(tool.steps, domain.entities)
                for name, tool in domain.tools.items()
            }
        )
        self.defaults = {
            name: {key: schema.get("default") for key, schema in tool.parameters.items()}
            for name, tool in domain.tools.items()
        }
        self.integers = {
            name: frozenset(
                key for key, schema in tool.parameters.items() if schema.get("type") == "integer"
            )
            for name, tool in domain.tools.items()
        }
        self.invariants = {
            name: [
                (rule, compile_expression(rule.require).evaluate)
                for rule in domain.invariants
                if rule.entity == name
            ]
            for name in domain.entities
        }
        self._bases: dict[int, Base] = {}

    def base(self, world_seed: int) -> Base:
        """Return the shared starting state of this seed, made on first use."""
        if world_seed not in self._bases:
            self._bases[world_seed] = self._make_base(world_seed)
        return self._bases[world_seed]

    @asynccontextmanager
    async def open(self, world_seed: int) -> AsyncGenerator["DeclarativeWorld"]:
        """Open a fresh world of this seed."""
        yield DeclarativeWorld(self, self.base(world_seed))

    @cached_property
    def clause_rules(self) -> dict[str, "ClauseRule"]:
        """Every clause with a condition of its own, compiled, by clause id."""
        return {
            name: ClauseRule(self.domain, clause)
            for name, clause in self.domain.policy.items()
            if clause.require is not None or clause.told
        }


class ClauseRule:
    """A policy clause as a condition on one call, one state and what the user has said."""

    def __init__(self, domain: Domain, clause: Clause) -> None:
        self.clause = clause
        self._bind = compile_steps(clause.steps, domain.entities)
        self._when = compile_expression(clause.when).evaluate if clause.when else None
        self._require = compile_expression(clause.require or "true").evaluate
        self._told = [compile_expression(text.removeprefix("=")).evaluate for text in clause.told]
        self._parameters = {
            key: schema.get("default")
            for name in clause.tools
            for key, schema in domain.tools[name].parameters.items()
        }

    def broken_by(self, state: State, call: ToolCall, said: str) -> bool:
        """Whether making this call breaks the clause, in this state and after these words.

        Args:
            said: all that the user has said so far, made by `normal`.
        """
        scope = {"args": {**self._parameters, **call.arguments}, "today": state.base.today}
        try:
            self._bind(state, scope)
            if self._when is not None and not self._when(scope):
                return False
            if not all(has_words(said, normal(str(value(scope)))) for value in self._told):
                return True
            return not self._require(scope)
        except ToolError:
            return False  # the call names something that does not exist: the tool refuses it


class DeclarativeWorld:
    """One rollout's world over a shared base."""

    def __init__(self, compiled: CompiledDomain, base: Base) -> None:
        self.compiled = compiled
        self.state = State(base)

    async def call(self, call: ToolCall) -> ToolResult:
        """Run one call; see `World.call`."""
        return self.call_now(call)

    def call_now(self, call: ToolCall) -> ToolResult:
        """Run one call without waiting for anything: nothing here ever does."""
        tool = self.compiled.tools.get(call.name)
        if tool is None:
            return _error("unknown_tool", f"There is no tool named {call.name!r}.")
        wrong = self.compiled.checkers[call.name].error(call.arguments)
        if wrong is not None:
            return _error("invalid_arguments", wrong)
        arguments = {**self.compiled.defaults[call.name], **call.arguments}
        for name in self.compiled.integers[call.name] & call.arguments.keys():
            arguments[name] = _whole(arguments[name])  # to JSON Schema, 2.0 is an integer too
        scope: dict[str, Any] = {"args": arguments, "today": self.state.base.today}
        self.state.begin()
        try:
            result = tool(self.state, scope)
            self._check_invariants(call)
        except ToolError as error:
            self.state.rollback()
            return _error(error.code, error.message)
        except BaseException:
            self.state.rollback()
            raise
        return ToolResult(json.dumps(result, ensure_ascii=False), changes=self.state.commit())

    def _check_invariants(self, call: ToolCall) -> None:
        for entity, key, record in self.state.touched():
            if record is None:
                continue
            for rule, holds in self.compiled.invariants[entity]:
                if not holds({"it": record, "today": self.state.base.today}):
                    raise DomainError(
                        f"tool {call.name!r} broke the invariant {rule.id!r} of {entity} {key!r}"
                    )

    def state_hash(self) -> str:
        """Return the hash of the whole state."""
        return self.state.hash()

    def net_changes(self) -> tuple[Change, ...]:
        """Return what differs from the start."""
        return self.state.net_changes()


def _whole(value: Any) -> int:
    return int(value)


def _error(code: str, message: str) -> ToolResult:
    text = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
    return ToolResult(text, is_error=True)
