"""Names of tools and parameters, of whatever style, cut into words."""

import re

__all__ = ["bare", "tokens_of"]

_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")


def tokens_of(text: str) -> tuple[str, ...]:
    """Cut a name of any style (snake, kebab, camel, dotted) into lower-case words."""
    return tuple(part.lower() for part in _PART.findall(text))


def bare(word: str) -> str:
    """Return a word without the s of the plural, for comparing words; it need not be a word."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and word[-2] != "s" else word
