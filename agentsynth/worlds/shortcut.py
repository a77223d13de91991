"""A quick answer to plain conditions, so that CEL is asked only where there is more to it.

A filter is put to every record, and most are comparisons under `&&`, `||` and `!`. These are worked
out from left to right, as CEL does, and only between values of one plain type; at the first thing
that is anything else the answer is None, and CEL decides the whole.
"""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["Read", "Shortcut", "shortcut"]

Scope = Mapping[str, Any]
Shortcut = Callable[[Scope], bool | None]
"""Scope to the condition's value; None = ask CEL."""
Read = Callable[[str], Callable[[Scope], Any]]
"""Dotted path to what looks it up in a scope."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>&&|\|\||==|!=|<=|>=|[<>!()])|(?P<text>"[^"\\]*"|'[^'\\]*')"""
    r"""|(?P<int>-?\d+(?![\w.]))|(?P<path>[A-Za-z_]\w*(?:\.\w+)*)(?!\s*\(|\w|\.))"""
)
_CONSTANTS = {"true": True, "false": False, "null": None}
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_PLAIN = (str, int, bool)


def shortcut(text: str, read: Read) -> Shortcut | None:
    """Return the quick way to a condition's value; None = it has parts that only CEL knows."""
    tokens = _tokens(text)
    if tokens is None:
        return None
    try:
        made, rest = _either(tokens, read)
    except ValueError:
        return None
    return made if not rest else None


def _tokens(text: str) -> list[tuple[str, str]] | None:
    found: list[tuple[str, str]] = []
    at = 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            return None
        found.append((match.lastgroup or "", match[match.lastgroup or 0]))
        at = match.end()
    return found


_Tokens = list[tuple[str, str]]


def _either(tokens: _Tokens, read: Read) -> tuple[Shortcut, _Tokens]:
    return _joined(tokens, read, "||", _both, decides=True)


def _both(tokens: _Tokens, read: Read) -> tuple[Shortcut, _Tokens]:
    return _joined(tokens, read, "&&", _term, decides=False)


def _joined(
    tokens: _Tokens,
    read: Read,
    word: str,
    part: Callable[[_Tokens, Read], tuple[Shortcut, _Tokens]],
    *,
    decides: bool,
) -> tuple[Shortcut, _Tokens]:
    first, rest = part(tokens, read)
    parts = [first]
    while rest[:1] == [("op", word)]:
        further, rest = part(rest[1:], read)
        parts.append(further)
    if len(parts) == 1:
        return first, rest

    def value(scope: Scope) -> bool | None:
        for one in parts:
            found = one(scope)
            if found is None or found is decides:
                return found
        return not decides

    return value, rest


def _term(tokens: _Tokens, read: Read) -> tuple[Shortcut, _Tokens]:
    if tokens[:1] == [("op", "!")]:
        if tokens[1:2] in ([("op", "!")], [("op", "(")]):
            inner, rest = _term(tokens[1:], read)
        else:
            operand, rest = _operand(tokens[1:], read)
            inner = _truth(operand)
        return _negated(inner), _no_comparison(rest)
    if tokens[:1] == [("op", "(")]:
        inner, rest = _either(tokens[1:], read)
        if rest[:1] != [("op", ")")]:
            raise ValueError("a bracket is not closed")
        return inner, _no_comparison(rest[1:])
    left, rest = _operand(tokens, read)
    if not _compares(rest):
        return _truth(left), rest
    sign = rest[0][1]
    right, rest = _operand(rest[1:], read)
    if sign in _ORDERS:
        return _ordered(left, right, _ORDERS[sign]), _no_comparison(rest)
    return _equal(left, right, same=sign == "=="), _no_comparison(rest)


def _compares(tokens: _Tokens) -> bool:
    return bool(tokens) and tokens[0][0] == "op" and tokens[0][1] in ("==", "!=", *_ORDERS)


def _no_comparison(rest: _Tokens) -> _Tokens:
    """Return the rest; where it goes on comparing what is a condition already, CEL has to."""
    if _compares(rest):
        raise ValueError("a comparison of conditions")
    return rest


def _operand(tokens: _Tokens, read: Read) -> tuple[Callable[[Scope], Any], _Tokens]:
    if not tokens:
        raise ValueError("something is missing")
    kind, token = tokens[0]
    match kind:
        case "text":
            return _constant(token[1:-1]), tokens[1:]
        case "int":
            return _constant(int(token)), tokens[1:]
        case "path" if token in _CONSTANTS:
            return _constant(_CONSTANTS[token]), tokens[1:]
        case "path" if token != "in":
            return read(token), tokens[1:]
        case _:
            raise ValueError(f"not an operand: {token}")


def _constant(value: Any) -> Callable[[Scope], Any]:
    return lambda _: value


def _negated(inner: Shortcut) -> Shortcut:
    def value(scope: Scope) -> bool | None:
        found = inner(scope)
        return None if found is None else not found

    return value


def _truth(operand: Callable[[Scope], Any]) -> Shortcut:
    def value(scope: Scope) -> bool | None:
        found = operand(scope)
        return found if found is True or found is False else None

    return value


def _equal(left: Callable[[Scope], Any], right: Callable[[Scope], Any], *, same: bool) -> Shortcut:
    def value(scope: Scope) -> bool | None:
        one, other = left(scope), right(scope)
        kind, sort = type(one), type(other)
        if one is None or other is None:
            known = one is other or (sort if one is None else kind) in _PLAIN
            return (one is other) is same if known else None
        return (one == other) is same if kind is sort and kind in _PLAIN else None

    return value


def _ordered(
    left: Callable[[Scope], Any],
    right: Callable[[Scope], Any],
    holds: Callable[[Any, Any], bool],
) -> Shortcut:
    def value(scope: Scope) -> bool | None:
        one, other = left(scope), right(scope)
        kind = type(one)
        return holds(one, other) if kind is type(other) and kind in (str, int) else None

    return value
