"""What is wrong with a file, in words that tell its author what to write instead."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel

__all__ = ["explained", "field_names", "near", "yaml_hint"]

_VERB_ERRORS = ("step_verb", "plan_verb", "check_verb", "pattern_verb", "checkpoint_verb")
"""Kinds of error whose message lists the choices."""
_KINDS = {
    "string_type": "expected a text",
    "tuple_type": "expected a list, such as [one, two]",
    "list_type": "expected a list, such as [one, two]",
    "dict_type": "expected names with a value each, such as {name: value}",
    "model_type": "expected names with a value each, such as {name: value}",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
}
_PATTERNS = {
    r"^\d{4}-\d{2}-\d{2}$": 'expected a date such as "2027-04-05"',
    r"^([01]\d|2[0-3]):[0-5]\d$": 'expected a time such as "09:30"',
    r"^\d+\.\d+(\.\d+)?$": 'expected a version such as "0.1"',
    r"^[a-z][a-z0-9_]*$": "expected a name of lower-case letters, digits and '_'",
    r"^[A-Za-z][A-Za-z0-9_]*\.py$": "expected a Python file beside this one, such as tools.py",
}
_HINTS = {
    "mapping values are not allowed": "a text that contains ': ' needs quotes around it",
    "found a tab character": "indent with spaces only",
    "cannot start any token": "a text that begins with a special character (@, `, %, or a tab) "
    "needs quotes around it, and lines are indented with spaces only",
    "did not find expected key": "compare this line's indentation with the lines around it; a "
    "quote inside a quoted text does this too",
    "did not find expected ',' or": "a bracket or quote opened before is not closed, or a text "
    "with a bracket or comma in it needs quotes",
    "did not find expected '-'": "compare this line's indentation with the lines around it",
    "found unexpected end of stream": "a quote is not closed",
    "found undefined alias": "a text that begins with '*' needs quotes around it",
    "could not find expected ':'": "is a colon missing after the name?",
}


def yaml_hint(problem: str) -> str:
    """Return what is usually behind a YAML parser's complaint, after `; `; empty = unknown."""
    return next((f"; {hint}" for part, hint in _HINTS.items() if part in problem), "")


def near(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean ...?` for the known name that is most like this one, or nothing."""
    close = get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]!r}?" if close and close[0] != name else ""


def field_names(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of all fields anywhere in a model, as files write them."""
    schema = model.model_json_schema(by_alias=True)
    parts = [schema, *schema.get("$defs", {}).values()]
    return frozenset(name for part in parts for name in part.get("properties", {}))


def explained(detail: Mapping[str, Any], known: Iterable[str]) -> str:
    """Return what one error of a validation means.

    Args:
        detail: as pydantic gives it.
        known: the names of fields, to recognise a slip of the pen.
    """
    kind, given = detail["type"], detail.get("input")
    if kind == "extra_forbidden":
        return "unknown field; check the spelling" + near(str(detail["loc"][-1]), known)
    if kind == "missing":
        return "this field is required"
    if kind in _VERB_ERRORS:
        return str(detail["msg"]) + _given_names(given, str(detail["msg"]))
    said = str(detail["msg"]).replace("Input should be", "expected", 1)
    message = _KINDS.get(kind, said)
    if kind == "string_pattern_mismatch":
        message = _PATTERNS.get(detail["ctx"]["pattern"], message)
    return message + _given(given, kind)


def _given(value: Any, kind: str) -> str:
    """Return what was given in the place of what is expected, and how to turn it into that."""
    if value is None:
        return " (nothing is given)"
    shown = repr(value)
    shown = shown if len(shown) < 80 else shown[:77] + "..."
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "string_type" and number:
        return f' (given: {shown}; put it in quotes: "{value}")'
    if kind == "literal_error" and isinstance(value, str) and value.isdigit():
        return f" (given: {shown}; write it without quotes)"
    return f" (given: {shown})"


def _given_names(value: Any, message: str) -> str:
    """Return the names that a step was given, and which of the verbs one of them may stand for."""
    if not isinstance(value, Mapping) or not value:
        return ""
    verbs = message.rpartition(": ")[2].split(", ")
    held = [str(name) for name in value]
    meant = "" if set(held) & set(verbs) else next(filter(None, (near(n, verbs) for n in held)), "")
    return f" (this one has: {', '.join(held)}{meant})"
