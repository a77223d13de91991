"""A domain's rules as conditions: on a record after a call, and on a call before it."""

from typing import Any

from agentsynth.core.domain import Clause, Domain, Invariant
from agentsynth.core.errors import ToolError
from agentsynth.core.messages import ToolCall
from agentsynth.core.words import has_words, normal
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.semantics import compile_steps
from agentsynth.worlds.state import Record, State
from agentsynth.worlds.values import compile_condition

__all__ = ["ClauseRule", "InvariantRule"]


class InvariantRule:
    """An invariant as a condition on one record of one state."""

    def __init__(self, domain: Domain, rule: Invariant) -> None:
        self.id = rule.id
        self._bind = compile_steps(rule.steps, domain.entities) if rule.steps else None
        self._holds = compile_condition(rule.require)

    def holds(self, state: State, record: Record) -> bool:
        """Whether the record is as it should be."""
        scope: dict[str, Any] = {"it": record, "today": state.today, "now": state.now}
        if self._bind is not None:
            self._bind(state, scope)
        return self._holds(scope)


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
        arguments = {**self._parameters, **call.arguments}
        scope = {"args": arguments, "today": state.today, "now": state.now}
        try:
            self._bind(state, scope)
            if self._when is not None and not self._when(scope):
                return False
            if not all(has_words(said, normal(str(value(scope)))) for value in self._told):
                return True
            return not self._require(scope)
        except ToolError:
            return False  # the call names something that does not exist: the tool refuses it
