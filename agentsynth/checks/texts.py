"""What one text mentions: its dates, times, numbers and labels, each looked for when asked."""

import re
from datetime import date
from decimal import Decimal

from agentsynth.checks.forms import Clock, Day, Mention
from agentsynth.checks.found import clocks_in, days_in, quantities_in
from agentsynth.core.once import once
from agentsynth.core.words import normal

__all__ = ["FORM", "MessageText"]

_DIGIT = re.compile(r"\d")
_CODE = re.compile(
    r"(?<![\w$€£¥@./-])(?:[A-Za-z]{1,12}[-/]?\d[\w/-]*|\d+/\d+-\d[\d/-]*)(?![\w@]|\.\w)", re.ASCII
)
FORM = re.compile(r"\b([A-Za-z]{1,5}-?)(\d+)\b", re.ASCII)
"""A label: its form and its number."""
_ENDS = (", ", "}", "]")
"""What stands behind a number in JSON."""


class MessageText:
    """A message's text with what it mentions, each worked out when first asked for."""

    def __init__(self, text: str, today: str, language: str = "en") -> None:
        self.text = text
        self._today = today
        self._language = language

    @once
    def normal(self) -> str:
        """The text in one case, with single spaces."""
        return normal(self.text)

    @once
    def has_digits(self) -> bool:
        """Whether there is any digit: without one there is no label and no code."""
        return _DIGIT.search(self.text) is not None

    @once
    def labels(self) -> dict[tuple[str, str], str]:
        """Labels such as F-1 as they are first written, by their form (`f-`) and their number."""
        if not self.has_digits:
            return {}
        found: dict[tuple[str, str], str] = {}
        for match in FORM.finditer(self.text):
            found.setdefault((match[1].casefold(), match[2]), match[0])
        return found

    @once
    def codes(self) -> tuple[tuple[str, int], ...]:
        """What is written as a label whatever its form (`LIN-304`, `HP9`), with its place."""
        if not self.has_digits:
            return ()
        return tuple((match[0], match.start()) for match in _CODE.finditer(self.text))

    @once
    def days(self) -> tuple[Day, ...]:
        """Dates with their places."""
        return days_in(self.text, self._today, self._language)

    @once
    def dates(self) -> set[str]:
        """ISO dates."""
        return {day.iso for day in self.days}

    @once
    def clocks(self) -> tuple[Clock, ...]:
        """Times of day."""
        return clocks_in(self.text, self._language)

    @once
    def minutes(self) -> set[int]:
        """Times of day, in minutes since midnight; both readings of a vague one."""
        vague = {(clock.minute + 720) % 1440 for clock in self.clocks if clock.vague}
        return vague | {clock.minute for clock in self.clocks}

    @once
    def quantities(self) -> tuple[Mention, ...]:
        """Every number in digits or words, with its unit or currency."""
        return quantities_in(self.text, self._language)

    @once
    def numbers(self) -> set[Decimal]:
        """Every number, as written and in base units."""
        found = {mention.raw for mention in self.quantities}
        return found | {mention.value for mention in self.quantities}

    @once
    def plain_numbers(self) -> set[Decimal]:
        """Every number that is no amount of money: cents may stand so in a result."""
        return {mention.raw for mention in self.quantities if not mention.money}

    @once
    def amounts(self) -> set[Decimal]:
        """Amounts of money with their currency, in its major unit."""
        return {mention.value for mention in self.quantities if mention.money}

    @once
    def measured(self) -> set[tuple[str, Decimal]]:
        """(base unit, value) of quantities with their unit."""
        return {(m.base, m.value) for m in self.quantities if m.base is not None and not m.money}

    def gives_date(self, iso: str) -> bool:
        """Whether a date stands by itself in JSON, to be quick: then `dates` has it."""
        return f'"{iso}"' in self.text and _is_day(iso)

    def gives_minute(self, minute: int) -> bool:
        """Whether a time of day stands by itself in JSON, to be quick: then `minutes` has it."""
        return f'"{minute // 60:02}:{minute % 60:02}"' in self.text and self._language == "en"

    def gives_number(self, value: Decimal) -> bool:
        """Whether a number stands by itself in JSON, to be quick: then `numbers` has it."""
        alone = f'": {int(value) if value == value.to_integral_value() else value}'
        place = self.text.find(alone)
        return place >= 0 and self.text.startswith(_ENDS, place + len(alone))


def _is_day(iso: str) -> bool:
    try:
        date.fromisoformat(iso)
    except ValueError:
        return False
    return True
