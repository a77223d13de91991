"""What a plan makes of a list that a result showed: choose one, keep some, work out a figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import Intent, PickStep, SelectStep, TallyStep
from agentsynth.plan.sources import UNKNOWN, Facts, look_up, resolve_source, seen_path, whether
from agentsynth.worlds.expressions import MISSING

__all__ = ["Choice", "choose", "select", "tally"]


@dataclass(frozen=True)
class Choice:
    """What came of choosing one entry."""

    entry: Any = None
    """The entry; None unless exactly one fits."""
    matches: int = 0
    facts: tuple[str, ...] = ()
    """The facts that decide it: those to ask about when it is not settled."""
    narrowed: bool = False
    """True = the first words fitted several."""
    unlike: bool = False
    """True = the first words fitted this one alone, but what would narrow it down does not."""
    options: tuple[Any, ...] = ()
    """The entries that fit, while there are several."""


def choose(step: PickStep, intent: Intent, facts: Facts, seen: Mapping[str, Any]) -> Choice | None:
    """Choose the one entry a pick asks for; None = the list is not known yet.

    Raises:
        DomainError: if the path leads to no list, or an entry lacks a field.
    """
    entries = _entries(step.from_, seen, f"pick {step.pick!r}")
    if entries is None:
        return None
    keep = _condition(step.if_, intent, facts, seen)
    entries = [entry for entry in entries if keep(entry)]
    names, found = _matching(entries, step.where, facts, seen, step.pick)
    found = _extreme(found, step)
    if len(found) == 1:
        unlike = not _matching(found, step.narrow, facts, seen, step.pick)[1]
        return Choice(found[0], 1, names, unlike=unlike)
    if len(found) > 1 and step.narrow:
        names, narrower = _matching(found, step.narrow, facts, seen, step.pick)
        if len(narrower) == 1:
            return Choice(narrower[0], 1, names, narrowed=True)
        return Choice(None, len(narrower) or len(found), names, narrowed=True, options=tuple(found))
    return Choice(None, len(found), names, options=tuple(found))


def select(
    step: SelectStep, intent: Intent, facts: Facts, seen: Mapping[str, Any]
) -> list[Any] | None:
    """Return the entries that fit; None = not known yet."""
    entries = _entries(step.from_, seen, f"select {step.select!r}")
    if entries is None:
        return None
    _, found = _matching(entries, step.where, facts, seen, step.select)
    if step.if_ is None:
        return found
    verdicts = [whether(step.if_, intent, facts, seen, entry) for entry in found]
    if any(verdict is None for verdict in verdicts):
        return None
    return [entry for entry, holds in zip(found, verdicts, strict=True) if holds]


def tally(step: TallyStep, intent: Intent, facts: Facts, seen: Mapping[str, Any]) -> Any:
    """Return the figure, or UNKNOWN; the smallest or largest of nothing is None."""
    entries = _entries(step.from_, seen, f"tally {step.tally!r}")
    if entries is None:
        return UNKNOWN
    keep = _condition(step.if_, intent, facts, seen)
    entries = [entry for entry in entries if keep(entry)]
    if step.op == "count":
        return len(entries)
    values = [look_up(step.of or "", entry) for entry in entries]
    if any(value is MISSING for value in values):
        raise DomainError(f"tally {step.tally!r}: an entry of {step.from_!r} has no {step.of!r}")
    known = [value for value in values if value is not None]
    if step.op == "sum":
        return sum(known)
    if not known:
        return None
    return min(known) if step.op == "min" else max(known)


def _entries(path: str, seen: Mapping[str, Any], what: str) -> list[Any] | None:
    value = seen_path(path, seen)
    if value is UNKNOWN:
        return None
    if not isinstance(value, list):
        raise DomainError(f"{what}: {path!r} is not a list: {value!r}")
    return value


def _condition(
    text: str | None, intent: Intent, facts: Facts, seen: Mapping[str, Any]
) -> Callable[[Any], bool]:
    if text is None:
        return lambda entry: True
    return lambda entry: whether(text, intent, facts, seen, entry) is True


def _matching(
    entries: Sequence[Any],
    where: Mapping[str, Any],
    facts: Facts,
    seen: Mapping[str, Any],
    what: str,
) -> tuple[tuple[str, ...], list[Any]]:
    """Return the facts that decide, and the entries with these fields."""
    named: list[str] = []
    wanted: dict[str, Any] = {}
    for field, source in where.items():
        shown = [look_up(field, entry) for entry in entries]
        if any(value is MISSING for value in shown):
            raise DomainError(f"{what!r}: an entry has no field {field!r}")
        if isinstance(source, str) and source.startswith("$"):
            named.append(source[1:])
            wanted[field] = _told(source[1:], shown, facts)
        else:
            wanted[field] = resolve_source(source, facts, seen, [])
    found = [e for e in entries if all(_same(look_up(f, e), v) for f, v in wanted.items())]
    return tuple(named), found


def _told(name: str, shown: Sequence[Any], facts: Facts) -> Any:
    """Return the shown value that the fact names; values that are no texts are compared as such."""
    if all(isinstance(value, str) for value in shown):
        return facts.among(name, shown)
    return facts.value(name)


def _extreme(found: list[Any], step: PickStep) -> list[Any]:
    """Return the entries with the smallest or largest value; those without one are out."""
    field = step.min or step.max
    if field is None or not found:
        return found
    values = [look_up(field, entry) for entry in found]
    known = [value for value in values if value is not MISSING and value is not None]
    if not known:
        return []
    best = min(known) if step.min is not None else max(known)
    return [entry for entry, value in zip(found, values, strict=True) if value == best]


def _same(shown: Any, wanted: Any) -> bool:
    if wanted is UNKNOWN:
        return False
    if isinstance(shown, str) and isinstance(wanted, str):
        return shown.casefold() == wanted.casefold()
    return shown == wanted and type(shown) is type(wanted)
