"""What a field may hold, and the fields that follow from others."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from agentsynth.core.domain import Entity, FieldSpec
from agentsynth.worlds.expressions import compile_expression

__all__ = ["compile_derived", "field_error", "is_date", "is_datetime", "is_time"]

# What `fromisoformat` takes is more than these.
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DATETIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}", re.ASCII)
_TIME = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d", re.ASCII)


def is_date(value: str) -> bool:
    """Whether the text is a real date, YYYY-MM-DD."""
    if not _DATE.fullmatch(value):
        return False
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_datetime(value: str) -> bool:
    """Whether the text is a real datetime, YYYY-MM-DDTHH:MM."""
    if not _DATETIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_time(value: str) -> bool:
    """Whether the text is a time of day, HH:MM."""
    return _TIME.fullmatch(value) is not None


_PYTHON: dict[str, type] = {
    "string": str,
    "text": str,
    "strings": list,
    "integer": int,
    "money": int,
    "boolean": bool,
    "date": str,
    "datetime": str,
    "time": str,
    "enum": str,
}
_FORMS: dict[str, tuple[Callable[[str], bool], str]] = {
    "date": (is_date, "an ISO date"),
    "datetime": (is_datetime, "a datetime such as 2027-04-05T09:00"),
    "time": (is_time, "a time such as 09:00"),
}


def field_error(spec: FieldSpec, value: Any) -> str | None:
    """Return what is wrong with a value of this field; None = nothing."""
    if value is None:
        return None if spec.nullable else "may not be null"
    expected = _PYTHON[spec.type]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        return f"expected {spec.type}, got {value!r}"
    if spec.type == "enum" and value not in spec.values:
        return f"expected one of {', '.join(spec.values)}, got {value!r}"
    if spec.type in _FORMS:
        holds, form = _FORMS[spec.type]
        return None if holds(value) else f"expected {form}, got {value!r}"
    if spec.type == "strings" and not all(isinstance(item, str) for item in value):
        return f"expected a list of strings, got {value!r}"
    return None


def compile_derived(entity: Entity) -> Callable[[dict[str, Any]], None]:
    """Return what fills in a record's derived fields, in their order.

    Raises:
        ValueError: if an expression is not well-formed.
    """
    made = {
        field: compile_expression(text.removeprefix("=")).evaluate
        for field, text in entity.derived.items()
    }

    def fill_in(record: dict[str, Any]) -> None:
        for field, evaluate in made.items():
            record[field] = evaluate({"it": record})

    return fill_in
