"""CEL expressions over scalars, compiled once.

A CEL program here never sees a record: dotted paths (`plot.fee_cents`) are rewritten to flat names
and only those scalars are passed, which keeps a call near 2 µs where passing one record costs 20.
An expression that is nothing but a path never reaches CEL and may name any value.

CEL as used here: no mixing of integers and floats, `==` of different types is false, comparing
null with `<` is an error. A path that leads through a null is an error only where its value is
needed, so `room == null || room.floor == 2` can be said. Money is integer cents, dates are ISO text
and compare as such.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cel

from agentsynth.core.errors import DomainError
from agentsynth.worlds.functions import FUNCTIONS
from agentsynth.worlds.shortcut import shortcut
from agentsynth.worlds.wording import near

__all__ = [
    "FUNCTIONS",
    "MISSING",
    "Expression",
    "compile_expression",
    "fill",
    "resolve_path",
    "slots_of",
    "step_into",
]

Scope = Mapping[str, Any]

_TOKEN = re.compile(
    r"""(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<path>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)(?P<call>\s*\()?"""
)
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*")
_WORDS = frozenset({"true", "false", "null", "in"})
_SLOT = re.compile(r"\{([a-z_][A-Za-z0-9_.]*)\}")
MISSING = object()

_KNOWN_FUNCTIONS = (
    *FUNCTIONS,
    *("size", "string", "int", "contains", "startsWith", "endsWith", "matches"),
)


@dataclass(frozen=True, slots=True)
class Expression:
    """A compiled expression."""

    text: str
    paths: tuple[str, ...]
    """Every dotted path it reads."""
    evaluate: Callable[[Scope], Any]
    """Scope to value. Raises DomainError where the expression cannot be evaluated."""


def resolve_path(path: str, scope: Scope) -> Any:
    """Return the value at a dotted path; list items by number.

    Raises:
        DomainError: naming the path, if a part does not exist.
    """
    return _resolve(tuple(path.split(".")), scope)


def _resolve(parts: tuple[str, ...], scope: Scope, *, through_null: bool = False) -> Any:
    """Return the value; MISSING if it lies behind a null and that is allowed."""
    value: Any = scope
    for part in parts:
        if value is None and through_null:
            return MISSING
        value = value.get(part, MISSING) if type(value) is dict else step_into(value, part)
        if value is MISSING:
            raise DomainError(f"{'.'.join(parts)!r} has no value here: {part!r} does not exist")
    return value


def step_into(value: Any, part: str) -> Any:
    """Return what one part of a path leads to; MISSING if it leads nowhere."""
    if isinstance(value, Mapping):
        return value.get(part, MISSING)
    if isinstance(value, list | tuple) and part.isdigit() and int(part) < len(value):
        return value[int(part)]
    return MISSING


def _getter(path: str) -> Callable[[Scope], Any]:
    parts = tuple(path.split("."))
    return lambda scope: _resolve(parts, scope)


def _through_null(path: str) -> Callable[[Scope], Any]:
    parts = tuple(path.split("."))
    return lambda scope: _resolve(parts, scope, through_null=True)


def compile_expression(text: str) -> Expression:
    """Compile an expression (without its leading `=`).

    Raises:
        ValueError: with CEL's own explanation, if it is not well-formed.
    """
    stripped = text.strip()
    if _PATH.fullmatch(stripped) and stripped not in _WORDS:
        return Expression(stripped, (stripped,), _getter(stripped))
    paths: dict[str, str] = {}
    used: set[str] = set()
    program = cel.compile(_flatten(stripped, paths, used))
    unknown = [n for n in program.functions() if n.isidentifier() and n not in _KNOWN_FUNCTIONS]
    if unknown:
        known = ", ".join(_KNOWN_FUNCTIONS)
        hint = near(unknown[0], _KNOWN_FUNCTIONS)
        raise ValueError(f"unknown function {unknown[0]!r}{hint}; known: {known}")
    wanted = [(flat, tuple(path.split("."))) for path, flat in paths.items()]
    functions = {name: FUNCTIONS[name] for name in used if name in FUNCTIONS}

    quick = shortcut(stripped, _through_null)

    def evaluate(scope: Scope) -> Any:
        if quick is not None:
            known = quick(scope)
            if known is not None:
                return known
        values: dict[str, Any] = {**functions}
        for flat, parts in wanted:
            value = _resolve(parts, scope, through_null=True)
            if value is not MISSING:  # CEL complains where it is needed after all
                values[flat] = value
        try:
            return program.execute(values)
        except (TypeError, ValueError, RuntimeError, ArithmeticError) as error:
            shown = {".".join(parts): values.get(flat) for flat, parts in wanted}
            raise DomainError(f"{stripped!r} cannot be evaluated with {shown}: {error}") from error

    return Expression(stripped, tuple(paths), evaluate)


def _flatten(text: str, paths: dict[str, str], functions: set[str]) -> str:
    def replace(match: re.Match[str]) -> str:
        path, call = match["path"], match["call"] or ""
        if path is None or path in _WORDS:
            return match[0]
        if call:
            subject, dot, method = path.rpartition(".")
            if not dot:
                functions.add(method)
                return match[0]
            return paths.setdefault(subject, _flat(subject, len(paths))) + dot + method + call
        return paths.setdefault(path, _flat(path, len(paths)))

    return _TOKEN.sub(replace, text)


def _flat(path: str, number: int) -> str:
    """Return a name of its own for each path: `a.b` and `a__b` may both occur."""
    return f"v{number}_" + path.replace(".", "__")


def slots_of(template: str) -> tuple[str, ...]:
    """Return the paths of a `{path}` text template, in order."""
    return tuple(_SLOT.findall(template))


def fill(template: str, scope: Scope) -> str:
    """Return the template with its `{path}` slots filled.

    Raises:
        DomainError: if a path has no value.
    """
    return _SLOT.sub(lambda match: str(resolve_path(match[1], scope)), template)
