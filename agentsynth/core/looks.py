"""Tools that can look and write: which of their calls only look.

Some servers have one tool for everything, such as `query`; whether a call writes is then told by
its arguments.
"""

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Looks", "only_looks"]

Looks = Mapping[str, Mapping[str, re.Pattern[str]]]
"""Tool to arguments to what they are like in a call that only looks; all of them must fit."""


def only_looks(looks: Looks, tool: str, arguments: Mapping[str, Any]) -> bool:
    """Return whether a call of a tool that can write only looks.

    Args:
        arguments: values, or the sources of a plan, of which a text's template is looked at.
    """
    patterns = looks.get(tool)
    return bool(patterns) and all(
        pattern.search(_text(arguments.get(name))) for name, pattern in patterns.items()
    )


def _text(value: Any) -> str:
    if isinstance(value, Mapping) and set(value) == {"text"}:
        value = value["text"]
    return "" if value is None else str(value)
