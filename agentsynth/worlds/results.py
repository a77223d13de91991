"""What a demonstrator makes of the text of a live server's result, as the manifest says."""

import ast
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from agentsynth.core.live_notes import LiveNotes, ResultLines

__all__ = ["result_reader"]


def result_reader(notes: LiveNotes) -> Callable[[str, str], Any]:
    """Return a function from a tool's name and a result's text to a value.

    Records read by a pattern are a list of objects; a text that is not of the form it should have
    stays a text.
    """
    usual = _FORMS[notes.results]

    def read(tool: str, text: str) -> Any:
        lines = notes.read.get(tool)
        return usual(text) if lines is None else _records(lines, text)

    return read


def _records(lines: ResultLines, text: str) -> list[dict[str, Any]]:
    return [
        {
            name: int(value) if name in lines.numbers and value is not None else value
            for name, value in match.groupdict().items()
        }
        for match in re.finditer(lines.pattern, text, re.MULTILINE)
    ]


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _python_literal(text: str) -> Any:
    try:
        return _lists(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text


def _lists(value: Any) -> Any:
    """Return a value with lists where it has tuples."""
    if isinstance(value, list | tuple):
        return [_lists(part) for part in value]
    if isinstance(value, dict):
        return {key: _lists(part) for key, part in value.items()}
    return value


def _plain(text: str) -> Any:
    return text


_FORMS: Mapping[str, Callable[[str], Any]] = {
    "json": _json,
    "python_literal": _python_literal,
    "text": _plain,
}
