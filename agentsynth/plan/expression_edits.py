"""Small wrong changes of an expression or a literal: what a tired author could have written."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agentsynth.plan.expression_parts import ExpressionPart, parts_of, split_expression

__all__ = ["changed_conditions", "changed_expressions", "changed_literals", "leaves"]

_OFF_BY_ONE = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "=="}


def changed_conditions(text: str, families: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield other conditions: negated, weakened, off by one, a side dropped.

    Args:
        text: the condition.
        families: the values of each enum, to take another value of the same one.
    """
    yield f"!({text})"
    for part in parts_of(split_expression(text)):
        if part.kind in ("and", "or"):
            other = "||" if part.kind == "and" else "&&"
            yield _with_operator(text, part, other)
            for side in part.parts:
                yield _replaced(text, part, f"({side.text})")
    yield from changed_expressions(text, families)


def changed_expressions(text: str, families: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield other expressions: comparisons turned or off by one, other constants and operators."""
    for part in parts_of(split_expression(text)):
        if part.kind == "compare" and part.op in _OFF_BY_ONE:
            yield _with_operator(text, part, _OFF_BY_ONE[part.op])
        elif part.kind == "sum":
            yield _with_operator(text, part, "-" if part.op == "+" else "+")
        elif part.kind == "number" and "." not in part.text:
            yield _replaced(text, part, str(int(part.text) + 1))
            if int(part.text) > 0:
                yield _replaced(text, part, str(int(part.text) - 1))
        elif part.kind == "string":
            for value in _siblings(part.text[1:-1], families):
                yield _replaced(text, part, repr(value))
        elif part.kind == "path" and part.text in ("true", "false"):
            yield _replaced(text, part, "false" if part.text == "true" else "true")
        elif part.kind == "ternary":
            then, other = part.parts[1], part.parts[2]
            chosen = text[part.start : then.start] + other.text + text[then.end : other.start]
            yield text[: part.start] + chosen + then.text + text[other.end :]


def changed_literals(value: Any, families: Sequence[Sequence[str]]) -> Iterator[Any]:
    """Yield other literals: a boolean turned, a number one more, another value of the enum."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif isinstance(value, str):
        yield from _siblings(value, families)


def _siblings(value: str, families: Sequence[Sequence[str]]) -> Iterator[str]:
    seen = {value}
    for family in families:
        if value in family:
            for other in family:
                if other not in seen:
                    seen.add(other)
                    yield other


def _replaced(text: str, part: ExpressionPart, by: str) -> str:
    return text[: part.start] + by + text[part.end :]


def _with_operator(text: str, part: ExpressionPart, by: str) -> str:
    return text[: part.op_start] + by + text[part.op_start + len(part.op) :]


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, Any]]:
    """Yield the path and value of everything inside a JSON value that is no container."""
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from leaves(part, (*path, name))
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from leaves(part, (*path, index))
    else:
        yield path, value
