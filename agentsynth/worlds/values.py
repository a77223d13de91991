"""What all steps share: values, conditions and refusals over a scope."""

from collections.abc import Callable, Mapping
from typing import Any

from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.steps import Failure
from agentsynth.worlds.expressions import compile_expression, fill
from agentsynth.worlds.state import State

__all__ = [
    "CONTINUE",
    "CompiledStep",
    "Condition",
    "Scope",
    "Value",
    "compile_condition",
    "compile_value",
    "in_order",
    "refusal",
]

Scope = dict[str, Any]
Value = Callable[[Mapping[str, Any]], Any]
Condition = Callable[[Mapping[str, Any]], bool]
CompiledStep = Callable[[State, Scope], Any]

CONTINUE = object()
"""What a step gives when the tool goes on."""


def compile_value(value: Any) -> Value:
    """Compile a literal, an `=expression`, or a list or mapping of both.

    Raises:
        ValueError: if an expression is not well-formed.
    """
    if isinstance(value, str) and value.startswith("="):
        return compile_expression(value[1:]).evaluate
    if isinstance(value, Mapping):
        parts = {str(name): compile_value(part) for name, part in value.items()}
        return lambda scope: {name: part(scope) for name, part in parts.items()}
    if isinstance(value, list | tuple):
        items = [compile_value(item) for item in value]
        return lambda scope: [item(scope) for item in items]
    return lambda scope: value


def compile_condition(text: str) -> Condition:
    """Compile a condition, which must give true or false.

    Raises:
        ValueError: if it is not well-formed.
    """
    evaluate = compile_expression(text).evaluate

    def holds(scope: Mapping[str, Any]) -> bool:
        value = evaluate(scope)
        if value is True or value is False:
            return value
        raise DomainError(f"the condition {text!r} gave {value!r}; it must give true or false")

    return holds


def refusal(failure: Failure, scope: Mapping[str, Any]) -> ToolError:
    """Return the error of a failure, its message filled from the scope."""
    return ToolError(failure.code, fill(failure.message, scope), failure.status)


def in_order(value: Any) -> tuple[bool, Any]:
    """Return what to sort a value by: null comes before everything else."""
    return (value is not None, value)
