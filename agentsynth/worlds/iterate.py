"""Steps over a list: for_each, and the document made of its rows."""

from typing import Any

from agentsynth.core.errors import DomainError, ToolError
from agentsynth.core.steps import DocumentStep, ForEachStep
from agentsynth.worlds.expressions import fill
from agentsynth.worlds.state import State
from agentsynth.worlds.values import CONTINUE, CompiledStep, Scope, compile_value

__all__ = ["compile_document", "compile_for_each"]


def _list(value: Any, text: str) -> list[Any]:
    if not isinstance(value, list):
        raise DomainError(f"{text!r} gave {value!r}; it must give a list")
    return value


def compile_for_each(step: ForEachStep, do: CompiledStep) -> CompiledStep:
    """Compile a `for_each` whose inner steps are compiled already."""
    source = compile_value(step.for_each)
    value = compile_value(step.collect.value) if step.collect is not None else None

    def one(state: State, scope: Scope, entry: Any, collected: list[Any]) -> None:
        inner = dict(scope)
        inner[step.as_] = entry
        do(state, inner)
        if value is not None:
            collected.append(value(inner))

    def run(state: State, scope: Scope) -> Any:
        collected: list[Any] = []
        failed: list[dict[str, Any]] = []
        for entry in _list(source(scope), step.for_each):
            if step.failed is None:
                one(state, scope, entry, collected)
                continue
            start = state.savepoint()
            try:
                one(state, scope, entry, collected)
            except ToolError as error:
                state.back_to(start)
                failed.append({"item": entry, "code": error.code, "message": error.message})
        if step.collect is not None:
            scope[step.collect.into] = collected
        if step.failed is not None:
            scope[step.failed] = failed
        return CONTINUE

    return run


def compile_document(step: DocumentStep) -> CompiledStep:
    """Compile a `document`; it ends the tool with its text."""
    document = step.document
    source = compile_value(document.each) if document.each is not None else None

    def run(_state: State, scope: Scope) -> Any:
        parts = [fill(document.head, scope)] if document.head else []
        if source is not None:
            inner = dict(scope)
            for entry in _list(source(scope), document.each or ""):
                inner["it"] = entry
                parts.append(fill(document.row, inner))
        if document.foot:
            parts.append(fill(document.foot, scope))
        return "\n".join(part.removesuffix("\n") for part in parts)

    return run
