"""Whether this engine can read a file: `schema_version` in every file, `engine` in domain.yaml."""

import re
from collections.abc import Mapping
from typing import Any

from agentsynth import __version__

__all__ = ["SCHEMA_VERSION", "too_new"]

SCHEMA_VERSION = 1
"""The form of files that this engine reads."""

_UPGRADE = "`pip install --upgrade agentsynth-engine`, or use an older version of what it is from"


def too_new(document: Any) -> tuple[str, str] | None:
    """Return which field says that a file needs a newer engine, and a message; None = neither.

    Asked before anything else is checked: what such a file has besides would only be called wrong.
    """
    if not isinstance(document, Mapping):
        return None
    form = document.get("schema_version")
    if isinstance(form, int) and not isinstance(form, bool) and form > SCHEMA_VERSION:
        return "schema_version", (
            f"this file is written for a newer agentsynth: it has form {form}, and yours "
            f"({__version__}) reads {SCHEMA_VERSION}; {_UPGRADE}"
        )
    engine = document.get("engine")
    needed = _version(engine) if isinstance(engine, str) else None
    if needed is not None and needed > (_version(__version__) or ()):
        return "engine", (
            f"this domain needs agentsynth-engine {engine} or newer, and yours is {__version__}; "
            f"{_UPGRADE}"
        )
    return None


def _version(text: str) -> tuple[int, ...] | None:
    """Return the numbers a version begins with, without zeros at its end; None = there are none."""
    found = re.match(r"\d+(?:\.\d+)*", text)
    if found is None:
        return None
    numbers = [int(part) for part in found[0].split(".")]
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)
