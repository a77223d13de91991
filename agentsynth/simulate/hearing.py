"""What an assistant makes of a user's words. The inverse of telling, and usable on any user."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from agentsynth.checks.mentions import clocks_in, contains, dates_in, numbers_in
from agentsynth.core.lexicon import Language, Lexicon, SlotPhrases
from agentsynth.plan.sources import UNKNOWN

__all__ = ["Heard", "hear"]

_NAME = (
    r"((?!(?:Here|It|That|There|This|What|Who)['’]s |(?:Dr|Mr|Mrs|Ms) )"
    r"[A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)? [A-Z][a-z]+(?:[-'][A-Z]?[a-z]+)?)"
)
_PERSON_EN = (
    re.compile(
        rf"(?i:\bI'm|\bI am|\bname is|\bname's|\bit's|\bit is|\bthis is|\bname:|\bcalled|\bunder"
        rf"|\bsigned,?|\bfor) {_NAME}\b"
    ),
    re.compile(
        rf"^\W*(?:(?i:sure|yes|of course|hi|hello|hey|okay|ok)\W+)*{_NAME}(?=\W*(?:$|\n|[,.;:(-]))"
    ),
    re.compile(rf"\b{_NAME},? (?:and )?(?:my )?(?:the )?(?:e-?mail|[\w.+-]+@)", re.MULTILINE),
    re.compile(rf"(?:^|\n|[-—,.] ?){_NAME}\W*$"),
    re.compile(rf"(?:^|[.!?] ){_NAME} here\b"),
)
_HANZI = "\u4e00-\u9fff"
_ENDS_ZH = r"(?=\s*(?:$|[，。！？；、,.!?;\n（(]))"
_LEAD_ZH = (
    r"(?:我叫|我是|我的?名字(?:是|叫)|名字(?:是|叫|[:：])|姓名(?:是|[:：])?|本人(?:是)?|这里是"
    r"|会员(?:名|姓名)?(?:是|[:：]))\s?"
)
_PERSON_ZH = (
    re.compile(rf"{_LEAD_ZH}{_NAME}(?![A-Za-z]|\s?(?:社区)?(?:花?园|公园))"),
    re.compile(
        rf"(?<![A-Za-z]){_NAME}\s?[，,、；;。]?\s?"
        r"(?:我?的?(?:注册|登记)?(?:电子)?邮(?:箱|件)|[A-Za-z0-9_.+-]+@)"
    ),
    re.compile(rf"(?:^|[，。！？；：,.!?;:\n]\s?){_NAME}{_ENDS_ZH}"),
    re.compile(
        rf"(?:我叫|名字(?:是|叫)|姓名(?:是|[:：]))\s?([{_HANZI}]{{2,4}}(?:·[{_HANZI}]{{2,6}})?){_ENDS_ZH}"
    ),
)
_PERSON: Mapping[Language, tuple[re.Pattern[str], ...]] = {"en": _PERSON_EN, "zh": _PERSON_ZH}
"""How people give their name; the first expression that is found counts."""
_TIME = re.compile(r"(?<![\d:])([01]?\d|2[0-3]):([0-5]\d)(?![\d:])")
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}", re.ASCII)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def hear(slot: SlotPhrases, texts: Sequence[str], today: str, language: Language = "en") -> Any:
    """Return the value of a slot as the texts give it, the latest mention; UNKNOWN without one.

    Slots heard by `seen` are never found here: they need the options a result showed.
    """
    for text in reversed(texts):
        found = _heard(slot, text, today, language)
        if found is not None:
            return found
    return UNKNOWN


def _heard(slot: SlotPhrases, text: str, today: str, language: Language) -> Any:
    match slot.hearing:
        case "person":
            patterns = _PERSON[language]
            return next((m[1] for pattern in patterns if (m := pattern.search(text))), None)
        case "email":
            match_ = _EMAIL.search(text)
            return match_[0].lower() if match_ else None
        case "time":
            return _time(text, language)
        case "date":
            dates = dates_in(text, today, language)
            return max(dates) if dates else None
        case "pattern":
            return _by_pattern(slot, text, language)
        case "seen":
            return None


def _time(text: str, language: Language) -> str | None:
    if language == "en":
        return next((f"{int(m[1]):02}:{m[2]}" for m in _TIME.finditer(text)), None)
    clocks = clocks_in(text, language)
    return f"{clocks[0].minute // 60:02}:{clocks[0].minute % 60:02}" if clocks else None


def _by_pattern(slot: SlotPhrases, text: str, language: Language) -> Any:
    found = [m for pattern in slot.patterns for m in _compiled(pattern).finditer(text)]
    if not found:
        return None
    value = max(found, key=lambda m: m.end())[1]
    if slot.type in ("count", "money", "quantity"):
        numbers = numbers_in(value, language)
        if not numbers:
            return None
        number = float(max(numbers))
        if slot.type == "quantity" and not number.is_integer():
            return number
        return round(number * 100) if slot.type == "money" else int(number)
    if slot.type == "date":
        return value
    return value


def _stored_by_words(lexicon: Lexicon) -> dict[str, str]:
    """Return how stored values are spoken, the other way round; ambiguous words are left out."""
    spoken = Counter(word.casefold() for word in lexicon.words.values())
    return {w.casefold(): v for v, w in lexicon.words.items() if spoken[w.casefold()] == 1}


class Heard:
    """The facts of one intent as heard so far: `Facts` for a plan run."""

    def __init__(self, lexicon: Lexicon, texts: list[str], today: str) -> None:
        self._lexicon = lexicon
        self.texts = texts
        """What the user said that may hold facts of this intent; grows with the conversation."""
        self.kept: dict[str, Any] = {}
        """Facts kept from an earlier intent: who the user is."""
        self._named: dict[str, tuple[int, str]] = {}
        self._options: dict[str, tuple[str, ...]] = {}
        self._known: dict[tuple[str, int], Any] = {}
        self._address_patterns = [
            pattern
            for slot in lexicon.slots.values()
            for pattern in slot.patterns
            if "@" in pattern
        ]
        self._today = today
        self._stored = _stored_by_words(lexicon)

    def value(self, name: str) -> Any:
        """Return what was heard for this fact, or UNKNOWN."""
        if name in self._named:
            return self._named[name][1]
        if name not in self._lexicon.slots:
            return self.kept.get(name, UNKNOWN)
        place = (name, len(self.texts))
        if place not in self._known:
            slot, language = self._lexicon.slots[name], self._lexicon.language
            value = hear(slot, self._unclaimed(name), self._today, language)
            if slot.hearing == "pattern" and isinstance(value, str):
                value = self._stored.get(value.casefold(), value)
            self._known[place] = self.kept.get(name, UNKNOWN) if value is UNKNOWN else value
        return self._known[place]

    def _unclaimed(self, name: str) -> list[str]:
        """Return the texts without the addresses that another fact's patterns claim."""
        if self._lexicon.slots[name].hearing != "email":
            return self.texts
        texts: list[str] = []
        for text in self.texts:
            kept = text
            for pattern in self._address_patterns:
                for match in _compiled(pattern).finditer(text):
                    if "@" in match[1]:
                        kept = kept.replace(match[1], "")
            texts.append(kept)
        return texts

    def among(self, name: str, options: Sequence[str]) -> Any:
        """Return the one option the user named, the longest where one holds another; or UNKNOWN."""
        self._options[name] = tuple(options)
        known = self._named.get(name)
        direct = UNKNOWN if known is not None else self.value(name)
        if direct is not UNKNOWN:
            return next((o for o in options if o.casefold() == str(direct).casefold()), UNKNOWN)
        if known is not None and known[0] == len(self.texts) and known[1] in options:
            return known[1]
        for text in reversed(self.texts):
            named = self._named_in(text, options)
            if len(named) == 1:
                self._named[name] = (len(self.texts), named[0])
                return named[0]
        return UNKNOWN

    def _named_in(self, text: str, options: Sequence[str]) -> list[str]:
        """Return the options a text names, as they are stored or as people say them."""
        words = self._lexicon.words
        said: dict[str, list[str]] = {}
        for option in dict.fromkeys(options):
            forms = dict.fromkeys((option, words.get(option, option)))
            found = [form for form in forms if contains(text, form)]
            if found:
                said[option] = found
        every = [form for found in said.values() for form in found]
        return [
            option
            for option, found in said.items()
            if any(all(f == other or not contains(other, f) for other in every) for f in found)
        ]

    def known(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what is heard by now of these facts, looked for again among what was listed."""
        found: dict[str, Any] = {}
        for name in names:
            slot = self._lexicon.slots.get(name)
            seen = slot is not None and slot.hearing == "seen"
            options = self._options.get(name) if seen else None
            value = self.value(name) if options is None else self.among(name, options)
            if value is not UNKNOWN:
                found[name] = value
        return found

    def tell(self, name: str, value: Any) -> None:
        """Take a fact in that needs no hearing."""
        self.kept[name] = value
