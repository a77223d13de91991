"""The words that mutants add to a conversation, from `mutant_words.yaml`."""

from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import Field

from agentsynth.core.frozen import Frozen
from agentsynth.core.lexicon import Language
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["MutantWords", "words_of"]

_Phrases = Annotated[tuple[str, ...], Field(min_length=1)]


class MutantWords(Frozen):
    """Words of one language."""

    yes: str
    """Expression that a user's yes begins with."""
    closing: str
    """Expression by which a question asks for further requests, and for nothing else."""
    fabricated: _Phrases
    """What is said to have happened; `{code}` is filled with a made-up one."""
    claim: str
    """Says plainly that something was done."""
    goodbye: _Phrases
    """Friendly words that report nothing."""
    again_question: _Phrases
    again_answer: _Phrases
    again_opening: _Phrases
    """Asks for what the user came with."""
    padding: Annotated[tuple[str, ...], Field(min_length=4)]
    opening_praise: _Phrases
    self_praise: _Phrases
    appeal: _Phrases
    """Text addressed to whoever grades."""


class _Words(Frozen):
    en: MutantWords
    zh: MutantWords


@lru_cache(maxsize=1)
def _all_words() -> _Words:
    return validate(_Words, load_yaml(Path(__file__).with_name("mutant_words.yaml")))


def words_of(language: Language) -> MutantWords:
    """Return the words of a language."""
    return _all_words().en if language == "en" else _all_words().zh
