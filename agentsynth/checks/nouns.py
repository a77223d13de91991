"""The nouns beside a figure: `floor 4`, `3 pages`, `"monthlyFee": 12`."""

import re

from agentsynth.checks.forms import Mention

__all__ = ["OUT_OF", "is_noun", "noun_of", "nouns_beside"]

OUT_OF = re.compile(
    r"(?:\d|^|[.!?] |\b(?:one|two|three|four|five|six|seven|eight|nine|ten|none|some|any|all|most|"
    r"each|which|both|many|several|out|only)) ?of (?:the |your |all |these |those )+$",
    re.IGNORECASE,
)
"""Before how many there were to choose from: `4 of the 8 hinges`."""

_NEXT = re.compile(r"[\s\"-]{0,3}([A-Za-z]{3,})")
_BEFORE = re.compile(r"([A-Za-z]{3,})[\s\":#=]{1,4}$")
_UNDER = re.compile(r"(?<=[a-z])(?=[A-Z])|_")
_NO_NOUN = frozenset((
    "the", "and", "for", "from", "with", "your", "you", "are", "was", "has", "have", "will",
    "that", "this", "all", "only", "about", "least", "most", "than", "per", "each", "more", "less",
    "further", "other", "until", "till", "now", "not", "but", "its", "our", "their", "they", "can",
    "could", "would", "may", "must", "which", "who", "whom", "what", "when", "where", "while",
    "into", "onto", "over", "under", "after", "before", "between", "cost", "costs", "come",
    "comes", "takes", "take", "is", "in", "at", "on", "of", "or", "to", "by", "as", "so", "up",
    "no", "too", "also", "just", "yet", "then", "free", "open", "left", "available", "taken",
    "altogether", "together", "instead", "there", "here",
))  # fmt: skip


def nouns_beside(text: str, mention: Mention) -> tuple[str, ...]:
    """Return the words right behind and right before a figure, without a plural's s.

    Words that are no nouns are left out; of a field's name only the last word counts.
    """
    after = _NEXT.match(text, mention.end)
    before = _BEFORE.search(text[max(0, mention.start - 40) : mention.start])
    parts = [after[1]] if after is not None else []
    parts += [_UNDER.split(before[1])[-1]] if before is not None else []
    return tuple(
        word.removesuffix("s") for part in parts if (word := part.casefold()) not in _NO_NOUN
    )


def noun_of(field: str) -> str:
    """Return the last word of a field's name, without a plural's s: `leftPages` is of a page."""
    return _UNDER.split(field)[-1].casefold().removesuffix("s")


def is_noun(word: str) -> bool:
    """Whether a word beside a figure may be what the figure is of."""
    return word.casefold() not in _NO_NOUN
