"""Where a plan's values come from: `$fact`, `@path` of something seen, `{text: ...}` of both.

Lists and mappings of such sources are sources too.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import ActStep, CallStep, GuardStep, Intent, PickStep, SelectStep
from agentsynth.worlds.expressions import MISSING, resolve_path
from agentsynth.worlds.seed import compiled

__all__ = [
    "UNKNOWN",
    "Facts",
    "KnownFacts",
    "facts_used",
    "look_up",
    "narrowing_facts",
    "resolve_source",
    "source_names",
    "whether",
]

UNKNOWN = object()
"""What a fact gives that is not known (yet)."""

_SLOT = re.compile(r"\{([$@])([A-Za-z_][A-Za-z0-9_.]*)\}")


class Facts(Protocol):
    """Where fact values come from: the task itself, or what the user was heard to say."""

    def value(self, name: str) -> Any:
        """Return the fact's value, or UNKNOWN."""
        ...

    def among(self, name: str, options: Sequence[str]) -> Any:
        """Return which of the options the fact names, or UNKNOWN."""
        ...


class KnownFacts:
    """Facts straight from the task, for planning."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def value(self, name: str) -> Any:
        """Return the fact's value, or UNKNOWN."""
        return self.values.get(name, UNKNOWN)

    def among(self, name: str, options: Sequence[str]) -> Any:
        """Return the option that is the fact's value."""
        wanted = str(self.values.get(name, "")).casefold()
        return next((option for option in options if option.casefold() == wanted), UNKNOWN)


def resolve_source(
    source: Any, facts: Facts, seen: Mapping[str, Any], missing: list[str], entry: Any = None
) -> Any:
    """Return a source's value, or UNKNOWN.

    Args:
        missing: facts that are not known are added to it.
        entry: what `@it` is; None outside a call with `each`.
    """
    if isinstance(source, Mapping) and set(source) == {"text"}:
        return _text(str(source["text"]), facts, seen, missing, entry)
    if isinstance(source, Mapping):
        parts = {
            name: resolve_source(part, facts, seen, missing, entry)
            for name, part in cast(Mapping[str, Any], source).items()
        }
        return UNKNOWN if any(part is UNKNOWN for part in parts.values()) else parts
    if isinstance(source, str) and source.startswith("$"):
        value = facts.value(source[1:])
        if value is UNKNOWN:
            missing.append(source[1:])
        return value
    if isinstance(source, str) and source.startswith("@"):
        path = source[1:]
        if path == "it" or path.startswith("it."):
            return resolve_path(path, {"it": entry})
        return seen_path(path, seen)
    if isinstance(source, list | tuple):
        listed = cast(Sequence[Any], source)
        values = [resolve_source(part, facts, seen, missing, entry) for part in listed]
        return UNKNOWN if any(value is UNKNOWN for value in values) else values
    return source


def seen_path(path: str, seen: Mapping[str, Any]) -> Any:
    """Return the value at a path of what was seen, or UNKNOWN while its head was not seen."""
    return resolve_path(path, seen) if path.split(".")[0] in seen else UNKNOWN


def _text(
    template: str, facts: Facts, seen: Mapping[str, Any], missing: list[str], entry: Any
) -> Any:
    parts: dict[str, str] = {}
    unknown = False
    for kind, name in _SLOT.findall(template):
        value = resolve_source(kind + name, facts, seen, missing, entry)
        unknown = unknown or value is UNKNOWN
        parts[kind + name] = str(value)
    if unknown:
        return UNKNOWN

    def filled(match: re.Match[str]) -> str:
        value = parts[match[1] + match[2]]
        quoted = template.count("'", 0, match.start()) % 2  # inside a literal of SQL
        return value.replace("'", "''") if quoted else value

    return _SLOT.sub(filled, template)


def whether(
    text: str, intent: Intent, facts: Facts, seen: Mapping[str, Any], entry: Any = MISSING
) -> bool | None:
    """Return whether a condition over results and facts holds; None = not known yet.

    Raises:
        DomainError: if it reads something that no result shows.
    """
    condition = compiled(text)
    scope = dict(seen)
    if entry is not MISSING:
        scope["it"] = entry
    for path in condition.paths:
        head = path.split(".")[0]
        if head in scope:
            continue
        value = facts.value(head) if head in _tellable(intent) else UNKNOWN
        if value is UNKNOWN:
            return None
        scope[head] = value
    if any(look_up(path, scope) is MISSING for path in condition.paths):
        raise DomainError(f"the condition {text!r} reads something that no result shows")
    return bool(condition.evaluate(scope))


def _tellable(intent: Intent) -> set[str]:
    """Return what the user can tell: the facts, and what their own actions show them."""
    return set(intent.facts) | {slot for act in intent.actions.values() for slot in act.tells}


def look_up(path: str, scope: Mapping[str, Any]) -> Any:
    """Return the value at a path, or MISSING."""
    try:
        return resolve_path(path, scope)
    except DomainError:
        return MISSING


def source_names(source: Any) -> list[tuple[str, str]]:
    """Return the (`$` or `@`, name) pairs a source reads; empty for a literal."""
    if isinstance(source, str) and source[:1] in ("$", "@") and len(source) > 1:
        return [(source[0], source[1:])]
    if isinstance(source, Mapping) and set(source) == {"text"}:
        return [(kind, name) for kind, name in _SLOT.findall(str(source["text"]))]
    if isinstance(source, Mapping):
        parts = cast(Mapping[str, Any], source).values()
        return [pair for part in parts for pair in source_names(part)]
    if isinstance(source, list | tuple):
        return [pair for part in cast(Sequence[Any], source) for pair in source_names(part)]
    return []


def facts_used(intent: Intent) -> tuple[str, ...]:
    """Return the facts an intent's plan cannot do without, in the order it needs them.

    What only narrows an ambiguous choice down is left out: it is asked for when it is needed.
    """
    found: list[str] = []
    if intent.condition is not None:
        found += _in_condition(intent.condition, intent)
    for step in intent.steps:
        match step:
            case GuardStep():
                found += _in_condition(step.ok, intent)
            case PickStep() | SelectStep():
                found += _in_sources(step.where)
                found += _in_condition(step.if_, intent) if step.if_ else []
            case CallStep():
                found += _in_sources(step.args)
            case ActStep():
                found += _in_sources(intent.actions[step.act].args)
            case _:
                pass
    return tuple(name for name in dict.fromkeys(found) if name in intent.facts)


def narrowing_facts(intent: Intent) -> tuple[str, ...]:
    """Return the facts that are asked for only when the first words fit several records."""
    needed = set(facts_used(intent))
    picks = [step for step in intent.steps if isinstance(step, PickStep)]
    found = [name for step in picks for name in _in_sources(step.narrow)]
    return tuple(name for name in dict.fromkeys(found) if name not in needed)


def _in_sources(sources: Mapping[str, Any]) -> list[str]:
    return [n for source in sources.values() for kind, n in source_names(source) if kind == "$"]


def _in_condition(text: str, intent: Intent) -> list[str]:
    heads = [path.split(".")[0] for path in compiled(text).paths]
    return [head for head in heads if head in intent.facts]
