"""Requests that carry a key: a repeated one is answered as before and changes nothing."""

from typing import Any

from agentsynth.core.errors import ToolError
from agentsynth.core.ids import canonical_json, digest
from agentsynth.core.steps import OnceStep
from agentsynth.worlds.base import ONCE
from agentsynth.worlds.state import State
from agentsynth.worlds.values import CompiledStep, Scope, compile_condition, compile_value

__all__ = ["compile_once"]


def compile_once(step: OnceStep, rest: CompiledStep, tool: str) -> CompiledStep:
    """Compile a `once` around the steps that follow it."""
    key = compile_value(step.once)
    applies = compile_condition(step.if_) if step.if_ is not None else None

    def run(state: State, scope: Scope) -> Any:
        given = key(scope) if applies is None or applies(scope) else None
        if given is None:
            return rest(state, scope)
        request = canonical_json([tool, given])
        arguments = digest(canonical_json(scope["args"]))
        earlier = state.get(ONCE, request)
        if earlier is None:
            result = rest(state, scope)
            state.put(ONCE, request, {"arguments": arguments, "result": result})
            return result
        if earlier["arguments"] != arguments:
            raise ToolError(
                "idempotency_conflict",
                f"The key {given!r} was used before, with other arguments; take a new key.",
            )
        return earlier["result"]

    return run
