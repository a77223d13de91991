"""What was visible at some point of a conversation: texts, numbers, dates, times, amounts."""

import re
from bisect import insort
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any

from agentsynth.checks.evidence import Evidence, MessageText
from agentsynth.checks.nouns import nouns_beside
from agentsynth.core.messages import ToolMessage
from agentsynth.core.words import has_cjk, has_words, normal

__all__ = ["Visible", "leaves", "texts_shown"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_DATETIME = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::00(?:\.0+)?)?(?:Z|[+-]00:?00)?"
)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)(?::00)?")
_DIGITS = re.compile(r"[1-9]\d{0,5}|0")
_IDENTIFIER = re.compile(r"[A-Za-z]+(?:[A-Z_-][A-Za-z]*)*")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HARD = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b[A-Z]{1,5}-\d{2,}\b", re.ASCII)
_WORDS = re.compile(r"[^\W\d_]{4,}")
_PROSE_WORDS, _PROSE_CHARS = 6, 16


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted path, value) of everything in a JSON value that is no mapping and no list."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from leaves(part, path)
    else:
        yield path, value


def texts_shown(evidence: Evidence, index: int) -> list[MessageText]:
    """Return what a message shows: its text, and what its escapes stand for (`\\u5c0f`, `\\"`)."""
    text = evidence.texts[index]
    if "\\" not in text.text:
        return [text]
    message = evidence.messages[index]
    shown = [text]
    if isinstance(message, ToolMessage):
        value = evidence.result(message)
        plain = "\n".join(str(leaf) for _, leaf in leaves(value) if isinstance(leaf, str))
        shown.append(evidence.read(plain))
    return shown


def _length(text: MessageText) -> int:
    return len(text.text)


class Visible:
    """Everything visible so far; texts are read as far as an answer takes, short ones first."""

    def __init__(self, today: str) -> None:
        self._today = today
        self._texts: list[MessageText] = []
        """The shortest first."""
        self._given: list[MessageText] = []
        """Those that are not the user's, in order."""
        self._beside: dict[str, tuple[int, set[Decimal]]] = {}

    def add(self, text: MessageText, *, by_user: bool = False) -> None:
        """Add a text that can be seen from now on."""
        insort(self._texts, text, key=_length)
        if not by_user:
            self._given.append(text)

    @property
    def amounts(self) -> set[Decimal]:
        """Amounts of money shown with their currency, in its major unit."""
        return {value for text in self._texts for value in text.amounts}

    @property
    def durations(self) -> set[Decimal]:
        """Spans of time shown with their unit, in minutes."""
        measured = (one for text in self._texts for one in text.measured)
        return {value / 60 for base, value in measured if base == "s"}

    @property
    def dates(self) -> set[str]:
        """ISO dates."""
        return {iso for text in self._texts for iso in text.dates}

    @property
    def minutes(self) -> set[int]:
        """Times of day, in minutes since midnight; both readings of a vague one."""
        return {minute for text in self._texts for minute in text.minutes}

    def has(self, value: Any) -> bool:
        """Whether a JSON value was visible in any of the forms it may take."""
        if value is None or isinstance(value, bool):
            return True
        if isinstance(value, int | float):
            number = Decimal(str(value))
            return self.has_number(number) or any(number / 100 in t.amounts for t in self._texts)
        return self._has_text(str(value))

    def has_number(self, value: Decimal) -> bool:
        """Whether this number was shown, as written or in base units, whatever it measures."""
        return any(text.gives_number(value) for text in self._texts) or any(
            value in text.numbers for text in self._texts
        )

    def has_cents(self, value: Decimal) -> bool:
        """Whether this number was shown without a currency."""
        return any(text.gives_number(value) for text in self._texts) or any(
            value in text.plain_numbers for text in self._texts
        )

    def has_measured(self, base: str, value: Decimal) -> bool:
        """Whether a quantity of a base unit was shown with its unit."""
        return any((base, value) in text.measured for text in self._texts)

    def has_minute(self, minute: int) -> bool:
        """Whether this time of day was shown, in minutes since midnight."""
        return any(text.gives_minute(minute) for text in self._texts) or any(
            minute in text.minutes for text in self._texts
        )

    def beside(self, word: str) -> set[Decimal]:
        """Every number given right before or behind a word (in the singular), as written.

        What the user says counts not: 4 hinges may be wanted where 8 hinges are in stock.
        """
        known, seen = self._beside.get(word, (0, set[Decimal]()))
        for text in self._given[known:]:
            if word in text.normal:
                mentions = text.quantities
                seen = seen | {m.raw for m in mentions if word in nouns_beside(text.text, m)}
        self._beside[word] = (len(self._given), seen)
        return seen

    def has_date(self, iso: str) -> bool:
        """Whether this date was shown; today always is."""
        if iso == self._today or any(text.gives_date(iso) for text in self._texts):
            return True
        return any(iso in text.dates for text in self._texts)

    def has_words(self, text: str) -> bool:
        """Whether these words were shown, in this order."""
        quoted = f'"{text}"'
        if any(quoted in seen.text for seen in self._texts):
            return True
        wanted = normal(text)
        return not wanted or any(has_words(seen.normal, wanted) for seen in self._texts)

    def _has_text(self, text: str) -> bool:
        if _ISO_DATE.fullmatch(text):
            return self.has_date(text)
        if self.has_words(text):
            return True
        moment = _ISO_DATETIME.fullmatch(text)
        if moment is not None:
            return self.has_date(moment[1]) and self._has_time(moment[2])
        if _TIME.fullmatch(text):
            return self._has_time(text)
        if _DIGITS.fullmatch(text):
            return self.has_number(Decimal(text))
        if _IDENTIFIER.fullmatch(text):
            return self.has_words(" ".join(_PARTS.findall(text)))
        return self._has_prose(text)

    def _has_time(self, text: str) -> bool:
        hour, minute = text.split(":")[:2]
        return self.has_minute(int(hour) * 60 + int(minute))

    def _has_prose(self, text: str) -> bool:
        """Whether a text in the assistant's own words holds nothing that was not visible.

        Its numbers, addresses and codes must each have been, and at least half of its longer words
        (in Chinese: of its pairs of characters). Short texts are names and must have been visible
        whole.
        """
        chinese = has_cjk(text)
        words = normal(text).split()
        if len(text) < _PROSE_CHARS if chinese else len(words) < _PROSE_WORDS:
            return False
        mentioned = MessageText(text, self._today, "zh" if chinese else "en")
        written = [m for m in mentioned.quantities if text[m.start].isdigit()]
        if any(not self.has_number(m.raw) for m in written):
            return False
        if any(not self.has_date(day) for day in mentioned.dates):
            return False
        if any(not self.has_words(hard) for hard in _HARD.findall(text)):
            return False
        whole = normal(text)
        if chinese:
            parts = [whole[n : n + 2] for n in range(len(whole) - 1) if has_cjk(whole[n])]
        else:
            parts = _WORDS.findall(whole)
        seen = "\n".join(shown.normal for shown in self._texts)
        known = sum(part in seen for part in parts)
        return bool(parts) and 2 * known >= len(parts)


def decimal(value: Any) -> Decimal | None:
    """Return a JSON number as it is written; None = it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
