"""Which calls a criterion means: by tool, arguments and outcome. Three values: yes, no, unknown."""

from collections.abc import Iterable, Mapping
from typing import Any

from agentsynth.checks.evidence import Evidence
from agentsynth.core.criteria import Called
from agentsynth.core.messages import ToolCall
from agentsynth.core.words import normal

__all__ = ["fact_missing", "holds", "meant", "not_offered", "resolved", "same_value"]


def _fact_name(value: Any) -> str | None:
    return value[1:] if isinstance(value, str) and value[:1] == "$" and len(value) > 1 else None


def resolved(evidence: Evidence, value: Any) -> Any:
    """Return a value of a criterion, `$name` replaced by the task's fact of this name."""
    name = _fact_name(value)
    fact = evidence.task.fact(name) if name is not None else None
    return value if fact is None else fact.value


def fact_missing(evidence: Evidence, values: Iterable[Any]) -> bool:
    """Whether one of the values is a fact that this task does not have."""
    names = [name for value in values if (name := _fact_name(value)) is not None]
    return any(evidence.task.fact(name) is None for name in names)


def not_offered(evidence: Evidence, called: Called) -> bool:
    """Whether the criterion speaks of a tool or a fact that is not there, so it does not apply."""
    unknown = called.tool not in evidence.runtime.spec_by_name
    return unknown or fact_missing(evidence, called.arguments.values())


def same_value(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; texts whatever their case and spaces."""
    if isinstance(one, str) and isinstance(other, str):
        return normal(one) == normal(other)
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def holds(evidence: Evidence, wanted: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether every wanted value is among the given ones."""
    return all(
        name in given and same_value(resolved(evidence, value), given[name])
        for name, value in wanted.items()
    )


def meant(evidence: Evidence, called: Called, call: ToolCall, *, wanted: bool) -> bool | None:
    """Whether a call is one of those meant; None = its outcome is not on record.

    Args:
        wanted: the criterion wants such a call, so unless it says otherwise only a success counts.
    """
    if call.name != called.tool or not holds(evidence, called.arguments, call.arguments):
        return False
    outcome = called.outcome or ("success" if wanted else "any")
    if outcome == "any":
        return True
    recorded = evidence.outcomes.get(call.id)
    return None if recorded is None else recorded == outcome
