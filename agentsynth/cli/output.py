"""What commands print: NDJSON for programs, rich text for people."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console

__all__ = ["console", "emit"]

console = Console(stderr=False, highlight=False, soft_wrap=True)


def emit(event: str, fields: Mapping[str, Any]) -> None:
    """Print one NDJSON line."""
    sys.stdout.write(json.dumps({"event": event, **fields}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
