"""The phrases of a language that belong to no domain."""

from functools import lru_cache
from pathlib import Path

from agentsynth.checks.expressions import matches_any
from agentsynth.core.errors import UserError
from agentsynth.core.lexicon import Language, Voice
from agentsynth.core.phrasing import parse_template
from agentsynth.worlds.files import load_yaml, validate

__all__ = ["BANKS", "load_voice"]

BANKS = (
    "greet", "yes", "also", "thanks", "accepts_refusal", "push_back", "nudge", "gives_up",
    "lets_see", "closing", "more", "hold_firm", "ask_lead", "leaves_early", "not_found", "correct",
    "changed_mind", "act_failed", "also_after_no", "push_back_fact", "hold_fact",
)  # fmt: skip
"""The banks that actors draw from."""


@lru_cache(maxsize=8)
def load_voice(language: Language = "en", path: Path | None = None) -> Voice:
    """Return the voice of a language.

    Args:
        path: the file to read; None = the bundled one.

    Raises:
        UserError: with file, line and field, for anything that is not a voice.
    """
    file = path or Path(__file__).with_name("phrases") / f"voice.{language}.yaml"
    voice = validate(Voice, load_yaml(file))
    missing = [bank for bank in BANKS if bank not in voice.phrases]
    if missing:
        raise UserError(f"{file}: phrases: missing banks: {', '.join(missing)}")
    for bank in voice.phrases.values():
        for phrase in bank:
            parse_template(phrase)
    _check_cues(file, voice)
    return voice


def _check_cues(file: Path, voice: Voice) -> None:
    """Hold what users say against the expressions it is recognised by.

    Raises:
        UserError: naming a phrase that would not be recognised.
    """
    for bank, phrases in voice.phrases.items():
        patterns = {
            "yes": voice.affirmations,
            "correct": voice.corrections,
            "changed_mind": voice.corrections,
        }.get(bank.partition(".")[0])
        for phrase in phrases if patterns is not None else ():
            if patterns is not None and not matches_any(patterns, phrase):
                message = f"{phrase!r} is not recognised for what it is"
                raise UserError(f"{file}: phrases.{bank}: {message}")
