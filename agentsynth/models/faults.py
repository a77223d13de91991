"""How an endpoint says no: which fault it is, for how long, in whose words, and never the key."""

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

from agentsynth.core.chat import ModelFault

__all__ = ["Secret", "error_text", "fault_of", "retry_after", "shorten"]

SHOWN = 400
"""Most characters of an endpoint's own words in a message."""


@dataclass(frozen=True)
class Secret:
    """A key. It is shown nowhere: not in its repr, and `hide` takes it out of other texts."""

    value: str = field(repr=False)
    """"" = there is none."""

    def hide(self, text: str) -> str:
        """Return the text with the key replaced; values under 4 characters are no secret."""
        return text.replace(self.value, "[key]") if len(self.value) >= 4 else text

    def hide_bytes(self, data: bytes) -> bytes:
        """Return what an endpoint sent with the key replaced."""
        return data.replace(self.value.encode(), b"[key]") if len(self.value) >= 4 else data


def fault_of(status: int, words: str = "") -> ModelFault:
    """Return the fault of an HTTP status.

    Args:
        words: the endpoint's error text; an exhausted account answers 429 and never recovers.
    """
    if status == 429:
        return "denied" if "insufficient_quota" in words else "rate_limited"
    if status == 408:
        return "timeout"
    if status >= 500 or status in (409, 425):
        return "overloaded"
    return "denied" if status in (401, 402, 403, 404, 405) else "refused"


def shorten(text: str, most: int = SHOWN) -> str:
    """Return the text in one line of at most `most` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def error_text(body: Any) -> tuple[str, int | None]:
    """Return what an endpoint says went wrong and the status it names, from a reply's JSON.

    Knows `{"error": {"message", "code", "type"}}`, `{"error": "text"}`, `{"message": "text"}` and
    `{"detail": …}`; "" = it holds no error, None = it names no status.
    """
    if not isinstance(body, Mapping):
        return "", None
    error = body.get("error")
    if isinstance(error, Mapping):
        words = [error.get(name) for name in ("message", "type", "code")]
        code = error.get("code", error.get("status"))
    else:
        words = [error or body.get("message") or body.get("detail")]
        code = body.get("code", body.get("status"))
    said = " · ".join(str(word) for word in words if isinstance(word, str | int | list) and word)
    status = int(code) if isinstance(code, int | str) and str(code).isdecimal() else None
    return said, status if status is not None and 400 <= status < 600 else None


def retry_after(headers: Mapping[str, str], now: Callable[[], float] = time.time) -> float | None:
    """Return the seconds an endpoint asks to wait; None = it does not say.

    Reads `retry-after-ms`, `retry-after` (seconds or an HTTP date) and, of the limits that are
    used up, the latest of `x-ratelimit-reset-requests` and `-tokens` ("6m0s", "1.5s", "20ms").

    Args:
        headers: with names in lower case, or a mapping that does not mind.
        now: seconds since 1970.
    """
    millis = _number(headers.get("retry-after-ms"))
    if millis is not None:
        return millis / 1000
    asked = headers.get("retry-after")
    if asked is not None:
        seconds = _number(asked)
        return seconds if seconds is not None else _until(asked, now)
    resets = [
        _duration(headers.get(f"x-ratelimit-reset-{kind}", ""))
        for kind in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{kind}") == "0"
    ]
    return max((reset for reset in resets if reset is not None), default=None)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if 0 <= value < math.inf else None


def _until(date: str, now: Callable[[], float]) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - now())
    except (ValueError, OverflowError):
        return None


UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


def _duration(text: str) -> float | None:
    if re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ms|h|m|s))+", text) is None:
        return None
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|h|m|s)", text)
    return sum(float(amount) * UNITS[unit] for amount, unit in parts)
