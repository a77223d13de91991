"""Planted flaws: what a probe's assistant does wrong, while it talks like any other.

Probes measure the checks. Nothing here is visible to checks, curation or rows.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from agentsynth.checks.mentions import contains, dates_in
from agentsynth.core.errors import DomainError
from agentsynth.core.intent import Intent
from agentsynth.core.messages import AssistantMessage
from agentsynth.core.protocols import AssistantView
from agentsynth.core.scenario import Flaw
from agentsynth.plan.recipe import PlannedCall, Slip
from agentsynth.plan.slips import slipped_arguments

__all__ = ["Flawed"]

_DIGITS = re.compile(r"\d")
_LITERAL = re.compile(r"'((?:[^']|'')+)'")
_OTHER_WORDS = ("Marlow", "Quinby", "Ostrava", "Tindal", "Harwick", "Brambley")


@dataclass(frozen=True)
class Flawed:
    """A flaw to plant."""

    kind: Flaw
    segment: int
    """Which of the task's intents it strikes."""
    slip: Slip | None
    """For `wrong_entity`: the mix-up; None for the others."""
    rng: random.Random
    today: str

    def with_slip(self, call: PlannedCall, intent: Intent, seen: Mapping[str, Any]) -> PlannedCall:
        """Return the call with the mixed-up entry's values in place of the right one's."""
        if self.slip is None:
            return call
        return replace(call, arguments=slipped_arguments(call, intent, seen, self.slip))

    def with_invention(self, call: PlannedCall, view: AssistantView) -> PlannedCall:
        """Return the call with one argument made up: nothing visible has its value."""
        visible = "\n".join(
            message.content
            for message in view.messages
            if not isinstance(message, AssistantMessage)
        )
        for name in sorted(call.arguments, key=lambda n: (n.endswith("_id"), n)):
            value = call.arguments[name]
            if isinstance(value, str) and not self._offered(call, name, view):
                invented = self._invent(value, visible)
                if invented is not None:
                    return replace(call, arguments={**call.arguments, name: invented})
        raise DomainError(f"nothing can be invented in the call of {call.name!r}")

    def _offered(self, call: PlannedCall, name: str, view: AssistantView) -> bool:
        spec = next(spec for spec in view.tools if spec.name == call.name)
        properties: Any = spec.parameters.get("properties", {})
        return "enum" in properties.get(name, {})

    def _invent(self, value: str, visible: str) -> str | None:
        for _ in range(50):
            made = self._variation(value)
            if made == value:
                continue
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", made):
                if made not in dates_in(visible, self.today):
                    return made
            elif _LITERAL.search(made) or not contains(visible, made):
                return made
        return None

    def _variation(self, value: str) -> str:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            moved = date.fromisoformat(value) + timedelta(days=self.rng.randint(1, 40))
            return moved.isoformat()
        if "@" in value and " " not in value:
            name, _, host = value.partition("@")
            return f"{name}{self.rng.randint(10, 99)}@{host}"
        if _LITERAL.search(value):
            spans = list(_LITERAL.finditer(value))
            last = spans[-1]
            return value[: last.start(1)] + self.rng.choice(_OTHER_WORDS) + value[last.end(1) :]
        if _DIGITS.search(value):
            return _DIGITS.sub(lambda _: str(self.rng.randint(0, 9)), value)
        return f"{self.rng.choice(_OTHER_WORDS)} {value.split(' ')[-1]}"
