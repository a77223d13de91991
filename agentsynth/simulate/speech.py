"""What a scripted assistant says: phrases filled from what it has heard and seen, never guessed."""

import random
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import Intent
from agentsynth.core.lexicon import Lexicon, Voice
from agentsynth.core.phrasing import (
    Template,
    format_value,
    parse_template,
    render,
    tidy,
    with_unit,
)
from agentsynth.plan.sources import UNKNOWN, look_up
from agentsynth.simulate.hearing import Heard
from agentsynth.worlds.expressions import MISSING
from agentsynth.worlds.seed import compiled

__all__ = ["Speech"]

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2})?")
_LISTED = 6
"""Entries named one by one; of more, the first few and how many there are."""


def _without(openings: Sequence[str], text: str) -> str:
    """Return a text without the first of these that it begins with."""
    found = next((opening for opening in openings if text.startswith(opening)), "")
    return text.removeprefix(found)


class Speech:
    """Phrases of one domain and language, as one assistant words them."""

    def __init__(
        self, lexicon: Lexicon, voice: Voice, rng: random.Random, dates: str, today: str
    ) -> None:
        self._lexicon = lexicon
        self._voice = voice
        self._rng = rng
        self._dates = dates
        self._today = today

    def bank(self, name: str) -> str:
        """Return a phrase that belongs to no domain."""
        return render(parse_template(self._rng.choice(self._voice.phrases[name])), self._rng, str)

    def phrase(
        self,
        phrases: Sequence[str],
        intent: Intent,
        heard: Heard,
        seen: Mapping[str, Any],
        extra: Mapping[str, str] | None = None,
    ) -> str:
        """Return one of the phrases whose slots can all be filled from what is known.

        Args:
            extra: slots filled from elsewhere; None = none.

        Raises:
            DomainError: if none of them can be said.
        """
        known: dict[str, str] = {}
        fitting: list[Template] = []
        for template in map(parse_template, phrases):
            values = {
                slot: self._value(slot, intent, heard, seen, extra or {}) for slot in template.slots
            }
            if all(values[slot] is not None for slot in template.needed):
                fitting.append(template)
                known |= {slot: text for slot, text in values.items() if text is not None}
        if not fitting:
            raise DomainError(f"no phrase can be said here; the first is {phrases[:1]!r}")
        template = self._rng.choice(fitting)
        return render(template, self._rng, known.__getitem__, known)

    def questions(
        self, facts: Sequence[str], intent: Intent, heard: Heard, seen: Mapping[str, Any]
    ) -> list[str]:
        """Return the questions for these facts, those that go together in one."""
        names = list(facts)
        parts: list[str] = []
        for group in sorted(self._lexicon.asks, key=lambda g: -len(g.slots)):
            if set(group.slots) <= set(names):
                parts.append(self.phrase(group.ask, intent, heard, seen))
                names = [name for name in names if name not in group.slots]
        parts += [self.phrase(self._lexicon.slots[name].ask, intent, heard, seen) for name in names]
        first, second = self._voice.opens_first, self._voice.opens_second
        parts = [part if n == 0 else _without(first, part) for n, part in enumerate(parts)]
        return [part if n == 1 else tidy(_without(second, part)) for n, part in enumerate(parts)]

    def together(self, parts: Sequence[str]) -> str:
        """Return sentences as one text; Chinese has no spaces between them."""
        between = "" if self._lexicon.language == "zh" else " "
        return between.join(part for part in parts if part)

    def listed(self, values: Sequence[Any], path: str) -> str:
        """Return values as a list people would read out, dates in order."""
        if all(isinstance(value, str) and _ISO.fullmatch(value) for value in values):
            values = sorted(values)
        texts = list(dict.fromkeys(self._spoken(path, value) for value in values))
        joining = "和" if self._lexicon.language == "zh" else " and "
        comma = "、" if self._lexicon.language == "zh" else ", "
        if len(texts) <= 1:
            return "".join(texts)
        return comma.join(texts[:-1]) + joining + texts[-1]

    # -- values --------------------------------------------------------------------------------

    def _value(
        self,
        slot: str,
        intent: Intent,
        heard: Heard,
        seen: Mapping[str, Any],
        extra: Mapping[str, str],
    ) -> str | None:
        """Return what to say for a slot: an answer, something seen, or a fact heard.

        `{path|first}` says the first word only, as one does with a person's name; `{path|count}`
        how many entries a list has; `{path|field}` that field of every entry, as a list.
        """
        if slot in extra:
            return extra[slot]
        path, _, part = slot.partition("|")
        if part and part != "first":
            return self._of_list(path, part, seen)
        text = self._whole(path, intent, heard, seen)
        return text.split(" ")[0] if text is not None and part == "first" else text

    def _of_list(self, path: str, part: str, seen: Mapping[str, Any]) -> str | None:
        entries = look_up(path, seen)
        if not isinstance(entries, list):
            return None
        if part == "count":
            return str(len(entries))
        values = [look_up(part, entry) for entry in entries]
        if not values or len(values) > _LISTED or any(value is MISSING for value in values):
            return None
        return self.listed(values, part)

    def _whole(
        self, path: str, intent: Intent, heard: Heard, seen: Mapping[str, Any]
    ) -> str | None:
        answer = intent.answers.get(path)
        if answer is not None:
            try:
                value = _evaluate(answer.value, {**self._facts(intent, heard), **seen})
            except DomainError:
                return None
            if str(value) in answer.words:
                return answer.words[str(value)]
            if value is None:
                return None
            spoken = self._spoken(path + ("_cents" if answer.type == "money" else ""), value)
            return with_unit(spoken, answer.unit, self._lexicon.words)
        value = look_up(path, seen) if path.split(".")[0] in seen else heard.value(path)
        if value is UNKNOWN or value is MISSING or value is None:
            return None
        slot = self._lexicon.slots.get(path)
        spoken = self._spoken(path + ("_cents" if slot and slot.type == "money" else ""), value)
        return with_unit(spoken, slot.unit if slot is not None else None, self._lexicon.words)

    def _spoken(self, path: str, value: Any) -> str:
        lexicon = self._lexicon
        return format_value(
            path, value, lexicon.words, self._dates, lexicon.language, today=self._today
        )

    def _facts(self, intent: Intent, heard: Heard) -> dict[str, Any]:
        values = {name: heard.value(name) for name in intent.facts}
        return {name: value for name, value in values.items() if value is not UNKNOWN}


def _evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    return compiled(text.removeprefix("=")).evaluate(scope)
