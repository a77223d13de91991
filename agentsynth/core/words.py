"""Words in texts: found whole, whatever the case and the spaces.

Scripts without spaces (Chinese, Japanese, Korean with its particles) have no word borders to look
at, so there a value is found wherever its characters stand: 香樟园 in 我想去香樟园看看. Only their
numerals are kept whole: 一号 is not in 十一号.
"""

import re

__all__ = ["find_words", "has_cjk", "has_words", "normal"]

_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0002ffff"
_HAS_CJK = re.compile(f"[{_CJK}]")
_CJK_NUMERALS = frozenset("零〇一二两三四五六七八九十百千万亿")


def normal(text: str) -> str:
    """Return the text in one case, with single spaces."""
    return " ".join(text.casefold().split())


def has_cjk(text: str) -> bool:
    """Whether a text has a character of a script that does not part its words by spaces."""
    return not text.isascii() and _HAS_CJK.search(text) is not None


def has_words(text: str, words: str) -> bool:
    """Whether a text has these words, and not only inside others (Ian Park in Brian Parker).

    Args:
        text: made by `normal`.
        words: made by `normal`, not empty.
    """
    return find_words(text, words) >= 0


def find_words(text: str, words: str, start: int = 0) -> int:
    """Return where a text has these words, as `has_words` understands it; -1 = nowhere."""
    place = text.find(words, start)
    while place >= 0:
        end = place + len(words)
        if not (place and _one_word(text[place - 1], words[0])) and not (
            end < len(text) and _one_word(words[-1], text[end])
        ):
            return place
        place = text.find(words, place + 1)
    return -1


def _one_word(left: str, right: str) -> bool:
    """Whether no word border is between two neighbouring characters."""
    if left.isascii() and right.isascii():
        return (left.isalnum() or left == "_") and (right.isalnum() or right == "_")
    if left in _CJK_NUMERALS and right in _CJK_NUMERALS:
        return True
    return _in_word(left) and _in_word(right)


def _in_word(char: str) -> bool:
    return (char.isalnum() or char == "_") and _HAS_CJK.match(char) is None
