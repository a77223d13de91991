"""What the actions of `golden` share."""

import argparse
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from agentsynth.golden.check import Mode, Options
from agentsynth.golden.gates import load_gates

__all__ = ["options_of", "secrets_of"]


def _log(line: str) -> None:
    print(line, file=sys.stderr)


def options_of(options: argparse.Namespace, mode: str) -> Options:
    """Return how goldens are checked, from a command's options."""
    folder = Path(options.folder)
    given: Mode = next(one for one in get_args(Mode) if one == mode)
    return Options(
        mode=given,
        domain=getattr(options, "domain", None),
        offline=getattr(options, "offline", False),
        timeout=getattr(options, "timeout", None),
        max_live_calls=getattr(options, "max_live_calls", None),
        cache=_path(getattr(options, "cache", None)),
        strict=getattr(options, "strict_inconclusive", False),
        against=_path(getattr(options, "against", None)),
        today=datetime.now(UTC).date().isoformat(),
        secrets=secrets_of(folder),
        log=_log,
    )


def secrets_of(folder: Path) -> tuple[str, ...]:
    """Return the values of the keys that the judges of a folder are reached with."""
    judge = load_gates(folder).judge
    names = [] if judge is None else [m.key_env for m in judge.models if m.key_env]
    return tuple(value for name in names if (value := os.environ.get(name)))


def _path(given: str | None) -> Path | None:
    return None if given is None else Path(given)
