"""Read a value out of a text that a tool returned."""

import re
from functools import lru_cache
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import ReadStep

__all__ = ["read_text"]


def read_text(step: ReadStep, text: Any) -> str:
    """Return what the step's pattern finds in a text.

    Raises:
        DomainError: if there is no text or nothing in it fits.
    """
    if not isinstance(text, str):
        raise DomainError(f"read {step.read!r}: {step.from_!r} is not a text: {text!r}")
    match = _compiled(step.pattern).search(text)
    if match is None:
        raise DomainError(f"read {step.read!r}: nothing in {step.from_!r} fits {step.pattern!r}")
    return match[1]


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
