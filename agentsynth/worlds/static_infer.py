"""The type of an expression, and what in it can never be right."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from agentsynth.worlds.static_types import (
    ANY,
    BOOL,
    INT,
    NULL,
    TEXT,
    Type,
    clashes,
    list_of,
    one_of,
    value_type,
)
from agentsynth.worlds.syntax import (
    Binary,
    Call,
    Cond,
    ListOf,
    Literal,
    Node,
    Other,
    Path,
    Unary,
)

__all__ = ["Scope", "infer"]

Report = Callable[[str], None]
_DATE, _DATETIME, _TIME = Type("date"), Type("datetime"), Type("time")
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FUNCTIONS: dict[str, tuple[tuple[Type, ...], Type]] = {
    "days_between": ((_DATE, _DATE), INT),
    "add_days": ((_DATE, INT), _DATE),
    "lower": ((TEXT,), TEXT),
    "add_minutes": ((_DATETIME, INT), _DATETIME),
    "minutes_between": ((_DATETIME, _DATETIME), INT),
    "date_of": ((_DATETIME,), _DATE),
    "time_of": ((_DATETIME,), _TIME),
    "weekday": ((_DATE,), Type("enum", values=_WEEKDAYS)),
    "at": ((_DATE, _TIME), _DATETIME),
    "round_div": ((INT, INT), INT),
    "percent": ((INT, INT), INT),
    "length": ((TEXT,), INT),
    "join": ((list_of(TEXT), TEXT), TEXT),
    "contains_item": ((list_of(ANY), ANY), BOOL),
    "size": ((ANY,), INT),
    "string": ((ANY,), TEXT),
    "int": ((ANY,), INT),
}
_METHODS = {"startsWith": BOOL, "endsWith": BOOL, "contains": BOOL, "matches": BOOL, "size": INT}
_ORDERS = ("<", "<=", ">", ">=")
_NUMBERS = ("int", "float")


@dataclass
class Scope:
    """Names in scope and what they hold."""

    names: dict[str, Type] = field(default_factory=dict)

    def with_(self, **names: Type) -> "Scope":
        """Return a copy with more names."""
        return Scope({**self.names, **names})

    def problem(self, path: str) -> str | None:
        """Return why nothing can be at a path; None = something may."""
        found = self._walk(path)
        return found if isinstance(found, str) else None

    def type_of(self, path: str) -> Type:
        """Return the type of the value at a path."""
        found = self._walk(path)
        return ANY if isinstance(found, str) else found

    def _walk(self, path: str) -> Type | str:
        head, *parts = path.split(".")
        if head not in self.names:
            known = ", ".join(sorted(self.names)) or "nothing"
            return f"unknown name {head!r}; in scope here: {known}"
        here = self.names[head]
        walked = head
        for part in parts:
            if here.kind == "list" and part.isdigit():
                here = here.item or ANY
            elif here.kind == "record" and here.fields is not None:
                if part not in here.fields:
                    fields = ", ".join(sorted(here.fields)) or "none"
                    return f"{walked!r} has no field {part!r}; it has: {fields}"
                here = here.fields[part]
            elif here.kind in ("record", "any"):
                return ANY
            else:
                return f"{walked!r} is {here} and has no field {part!r}"
            walked += f".{part}"
        return here


def infer(node: Node, scope: Scope, report: Report) -> Type:
    """Return the type of an expression; say what in it can never be right."""
    match node:
        case Literal():
            return value_type(node.value)
        case Path():
            return scope.type_of(node.text)
        case ListOf():
            return list_of(one_of([infer(item, scope, report) for item in node.items]))
        case Cond():
            _boolean(infer(node.test, scope, report), node.test, report)
            return one_of([infer(node.then, scope, report), infer(node.other, scope, report)])
        case Unary():
            return _unary(node, infer(node.of, scope, report), report)
        case Binary():
            return _binary(node, scope, report)
        case Call():
            return _call(node, scope, report)
        case Other():
            return ANY


def _shown(node: Node) -> str:
    match node:
        case Path():
            return repr(node.text)
        case Literal():
            return "null" if node.value is None else repr(node.value)
        case Call():
            return f"{node.name}(...)"
        case _:
            return "this side"


def _boolean(found: Type, node: Node, report: Report) -> None:
    if found.kind not in ("bool", "any"):
        report(f"{_shown(node)} is {found}, not true or false")


def _unary(node: Unary, found: Type, report: Report) -> Type:
    if node.op == "!":
        _boolean(found, node.of, report)
        return BOOL
    if found.kind not in (*_NUMBERS, "any"):
        report(f"{_shown(node.of)} is {found}; '-' is for numbers")
        return ANY
    return replace(found, values=None)


def _binary(node: Binary, scope: Scope, report: Report) -> Type:
    left = infer(node.left, scope, report)
    if node.op == "in" and isinstance(node.right, ListOf):
        for item in node.right.items:
            if (wrong := clashes(left, infer(item, scope, report))) is not None:
                report(f"{_shown(node.left)} is never {_shown(item)}: {wrong}")
        return BOOL
    right = infer(node.right, scope, report)
    if node.op in ("&&", "||"):
        _boolean(left, node.left, report)
        _boolean(right, node.right, report)
        return BOOL
    if node.op in ("==", "!=", *_ORDERS):
        _compared(node, left, right, report)
        return BOOL
    if node.op == "in":
        item = right.item if right.kind == "list" and right.item is not None else ANY
        if (wrong := clashes(left, item)) is not None:
            report(f"{_shown(node.left)} is never in this list: {wrong}")
        return BOOL
    return _calculated(node, left, right, report)


def _compared(node: Binary, left: Type, right: Type, report: Report) -> None:
    sides = f"{_shown(node.left)} {node.op} {_shown(node.right)}"
    if node.op in _ORDERS and "null" in (left.kind, right.kind):
        report(f"{sides}: null has no order; compare it with == or !=")
    elif node.op in _ORDERS and {left.kind, right.kind} & {"bool", "list", "record"}:
        report(f"{sides}: {left} and {right} have no order")
    elif node.op in _ORDERS and {left.kind, right.kind} == {"date", "datetime"}:
        return  # a day comes before its own hours, which is what such a comparison says
    elif (wrong := clashes(left, right)) is not None:
        report(f"{sides}: {wrong}")


def _calculated(node: Binary, left: Type, right: Type, report: Report) -> Type:
    kinds = {left.kind, right.kind}
    if node.op == "+" and "any" in kinds:
        return ANY
    texts = {"text", "enum", "date", "datetime", "time"}
    if node.op == "+" and kinds <= texts:
        return TEXT
    if node.op == "+" and kinds == {"list"}:
        return left
    for side, found in ((node.left, left), (node.right, right)):
        if found.kind not in (*_NUMBERS, "any"):
            report(f"{_shown(side)} is {found}; '{node.op}' is for numbers here")
            return ANY
    return INT if kinds == {"int"} else ANY


def _call(node: Call, scope: Scope, report: Report) -> Type:
    if node.target is not None:
        infer(node.target, scope, report)
        return _METHODS.get(node.name, ANY)
    if node.name not in _FUNCTIONS:
        return ANY
    wanted, result = _FUNCTIONS[node.name]
    given = [infer(arg, scope, report) for arg in node.args]
    if len(given) != len(wanted):
        report(f"{node.name} takes {len(wanted)} values, not {len(given)}")
        return result
    for arg, need, found in zip(node.args, wanted, given, strict=True):
        if found.free and need.kind in ("date", "datetime", "time"):
            form = f"give the parameter 'format: {need.kind}'"
            report(f"{node.name}: {_shown(arg)} may be any text; {form}")
        elif found.kind == NULL.kind or clashes(need, found) is not None:
            report(f"{node.name}: {_shown(arg)} is {found}, where {need} is needed")
    return result
