"""Looking for any of several expressions, in a text or sentence by sentence."""

import re
from functools import lru_cache

__all__ = ["SENTENCE", "any_of", "in_any_sentence", "matches_any"]

SENTENCE = re.compile(r"(?:[^.!?。！？\n]|\.(?=\d))+[.!?。！？\n]*")
"""A sentence with its marks."""

_ESCAPED = re.compile(r"\\.|\[(?:\\.|[^\]])*\]")
"""What has no brackets and no alternatives of its own: an escaped character, a class."""
_BORDERED = re.compile(r"[$^]|\(\?<?!|\\[ABZ]")
"""What lets an expression be found in a sentence and not in the text that it stands in."""


@lru_cache(maxsize=512)
def any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    """Return one expression that is found where any of these is, ignoring case.

    Those that begin at a word's border share it, which is quicker to look for.
    """
    headed = [one[2:] for one in patterns if one[:2] == r"\b" and not _is_parted(one)]
    others = [one for one in patterns if one[:2] != r"\b" or _is_parted(one)]
    shared = [rf"\b(?:{'|'.join(headed)})"] if headed else []
    return re.compile("|".join([*shared, *(f"(?:{one})" for one in others)]), re.IGNORECASE)


def _is_parted(pattern: str) -> bool:
    """Whether an expression may have alternatives outside of any brackets."""
    depth = 0
    for char in _ESCAPED.sub("", pattern):
        depth += (char == "(") - (char == ")")
        if char == "|" and depth == 0:
            return True
    return False


def matches_any(patterns: tuple[str, ...], text: str) -> bool:
    """Whether one of the expressions is found in the text, ignoring case."""
    return any_of(patterns).search(text) is not None


def in_any_sentence(patterns: tuple[str, ...], text: str) -> bool:
    """Whether it is worth while to look sentence by sentence: only borders make a difference."""
    return matches_any(patterns, text) or _is_bordered(patterns)


@lru_cache(maxsize=512)
def _is_bordered(patterns: tuple[str, ...]) -> bool:
    return any(_BORDERED.search(one) for one in patterns)
