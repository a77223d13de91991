"""Mix-ups: the same call with the values of another entry of the list it was picked from."""

import re
from collections.abc import Mapping
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import CallStep, Intent, PickStep
from agentsynth.plan.recipe import PlannedCall, Slip
from agentsynth.worlds.expressions import resolve_path

__all__ = ["slipped_arguments"]


def slipped_arguments(
    call: PlannedCall, intent: Intent, seen: Mapping[str, Any], slip: Slip
) -> dict[str, Any]:
    """Return the arguments with everything that came from the pick taken from another entry."""
    pick = next(s for s in intent.steps if isinstance(s, PickStep) and s.pick == slip.pick)
    entries = resolve_path(pick.from_, seen)
    place = entries.index(seen[slip.pick]) + slip.offset
    mixed = {**seen, slip.pick: entries[place % len(entries)]}
    step = intent.steps[call.step]
    if not isinstance(step, CallStep):
        raise DomainError("only calls have arguments")
    return {
        name: _slipped(step.args[name], made, slip.pick, seen, mixed) if name in step.args else made
        for name, made in call.arguments.items()
    }


def _slipped(
    source: Any, made: Any, pick: str, seen: Mapping[str, Any], mixed: Mapping[str, Any]
) -> Any:
    """Return one argument, or a part of one, with what came from the pick exchanged."""
    if isinstance(source, str):
        return resolve_path(source[1:], mixed) if source.startswith(f"@{pick}.") else made
    if isinstance(source, Mapping) and set(source) == {"text"}:
        text = str(source["text"])
        return _remade(text, str(made), pick, seen, mixed) if f"{{@{pick}." in text else made
    if isinstance(source, Mapping):
        return {n: _slipped(part, made[n], pick, seen, mixed) for n, part in source.items()}
    if isinstance(source, list | tuple):
        pairs = zip(source, made, strict=True)
        return [_slipped(part, inner, pick, seen, mixed) for part, inner in pairs]
    return made


def _remade(
    template: str, made: str, pick: str, seen: Mapping[str, Any], mixed: Mapping[str, Any]
) -> str:
    """Return the text with the pick's values exchanged, found by the text around them."""
    pieces = re.split(r"(\{[$@][A-Za-z0-9_.]+\})", template)
    pattern = "".join(f"({'.*?'})" if p[:1] == "{" else re.escape(p) for p in pieces)
    match = re.fullmatch(pattern, made, re.DOTALL)
    if match is None:
        raise DomainError("a composed argument does not fit its own template")
    slots = [piece for piece in pieces if piece[:1] == "{"]
    values = [
        str(resolve_path(slot[2:-1], mixed)) if slot.startswith(f"{{@{pick}.") else match[n + 1]
        for n, slot in enumerate(slots)
    ]
    remaining = iter(values)
    return "".join(next(remaining) if piece[:1] == "{" else piece for piece in pieces)
