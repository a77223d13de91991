"""Words in texts: found whole, whatever the case and the spaces."""

__all__ = ["has_words", "normal"]


def normal(text: str) -> str:
    """Return the text in one case, with single spaces."""
    return " ".join(text.casefold().split())


def has_words(text: str, words: str) -> bool:
    """Whether a text has these words, and not only inside others (Ian Park in Brian Parker).

    Args:
        text: made by `normal`.
        words: made by `normal`, not empty.
    """
    place = text.find(words)
    while place >= 0:
        end = place + len(words)
        if not (place and _in_word(text[place - 1]) and _in_word(words[0])) and not (
            end < len(text) and _in_word(text[end]) and _in_word(words[-1])
        ):
            return True
        place = text.find(words, place + 1)
    return False


def _in_word(char: str) -> bool:
    return char.isalnum() or char == "_"
