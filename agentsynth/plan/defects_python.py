"""Plant defects in a tool that is a Python function, one change of its source each."""

import ast
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from agentsynth.core.errors import UserError

__all__ = ["planted_in_source"]

_OFF_BY_ONE: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_TURNED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_Edit = tuple[str, str, Callable[[ast.AST], None]]
"""Kind, description, and the change of the node (of a copy of the tree)."""


def planted_in_source(
    source: str, function: str, rng: random.Random, limit: int
) -> list[tuple[str, str, str]]:
    """Return (kind, description, whole new source), one defect in this function each.

    Args:
        source: a module's source.
        function: the name of one of its functions, at any depth.
        rng: draws among all defects that are possible, spread over their kinds.
        limit: how many at most.

    Raises:
        UserError: the source is not Python, or has no such function.
    """
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise UserError(f"line {error.lineno}: not Python: {error.msg}") from None
    if _function(tree, function) is None:
        raise UserError(f"there is no function {function!r}")
    unchanged, found, seen = ast.unparse(tree), list[tuple[str, str, str]](), set[str]()
    for number, kind in _spread(tree, function, rng):
        if len(found) == limit:
            break
        changed = deepcopy(tree)
        description = _apply(changed, function, kind, number)
        text = ast.unparse(ast.fix_missing_locations(changed))
        if text != unchanged and text not in seen:
            seen.add(text)
            found.append((kind, f"{function}: {description}", text + "\n"))
    return found


def _function(tree: ast.AST, name: str) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            return node
    return None


def _spread(tree: ast.Module, function: str, rng: random.Random) -> Iterator[tuple[int, str]]:
    """Yield the number of every edit and its kind, one of each kind in turn."""
    waiting: dict[str, list[int]] = {}
    for number, (kind, _, _) in enumerate(_edits(tree, function)):
        waiting.setdefault(kind, []).append(number)
    for numbers in waiting.values():
        rng.shuffle(numbers)
    while waiting:
        for kind in rng.sample(sorted(waiting), len(waiting)):
            yield waiting[kind].pop(), kind
            if not waiting[kind]:
                del waiting[kind]


def _apply(tree: ast.Module, function: str, kind: str, number: int) -> str:
    """Carry out one edit, found by its number; return its description."""
    for place, (found, description, change) in enumerate(_edits(tree, function)):
        if place == number:
            assert found == kind
            change(tree)
            return description
    raise AssertionError("the edits of equal trees are equal")


def _edits(tree: ast.Module, function: str) -> Iterator[_Edit]:
    """Yield every edit of a function, always in the same order."""
    body = _function(tree, function)
    if body is None:
        return
    attributes = sorted({n.attr for n in ast.walk(body) if isinstance(n, ast.Attribute)})
    texts = sorted(_texts(body))
    for node in ast.walk(body):
        yield from _statement_edits(node)
        if isinstance(node, ast.Compare):
            yield from _comparison_edits(node)
        elif isinstance(node, ast.BoolOp):
            yield _operator_edit(node)
        elif isinstance(node, ast.If | ast.IfExp | ast.While):
            yield _negation(node)
        elif isinstance(node, ast.Constant) and not _is_docstring(body, node):
            yield from _constant_edits(node, texts)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield from _attribute_edits(node, attributes)


def _texts(body: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(body)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.replace("_", "").isalnum()
    }


def _is_docstring(body: ast.FunctionDef | ast.AsyncFunctionDef, node: ast.Constant) -> bool:
    first = body.body[0]
    return isinstance(first, ast.Expr) and first.value is node


def _statement_edits(node: ast.AST) -> Iterator[_Edit]:
    """Drop a raise, a call or an assignment into something; swap neighbours."""
    for name in ("body", "orelse", "finalbody"):
        statements: Any = getattr(node, name, None)  # whichever statements a node holds
        if not isinstance(statements, list):
            continue
        for index, statement in enumerate(statements):
            shown = _short(statement)
            if isinstance(statement, ast.Raise):
                yield "dropped_guard", f"{shown!r} is dropped", _dropper(statements, index)
            elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                yield "dropped_write", f"{shown!r} is dropped", _dropper(statements, index)
            elif isinstance(statement, ast.Assign | ast.AugAssign) and _is_write(statement):
                yield "dropped_field", f"{shown!r} is dropped", _dropper(statements, index)


def _is_write(statement: ast.Assign | ast.AugAssign) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    return any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)


def _dropper(statements: list[ast.stmt], index: int) -> Callable[[ast.AST], None]:
    def change(_: ast.AST) -> None:
        statements[index] = ast.Pass()

    return change


def _comparison_edits(node: ast.Compare) -> Iterator[_Edit]:
    for index, operator in enumerate(node.ops):
        for kind, table in (("off_by_one", _OFF_BY_ONE), ("negated", _TURNED)):
            other = table.get(type(operator))
            if other is not None:
                yield (
                    kind,
                    f"{ast.unparse(node)!r}: {type(operator).__name__} has become {other.__name__}",
                    _operator_change(node, index, other),
                )


def _operator_change(
    node: ast.Compare, index: int, other: type[ast.cmpop]
) -> Callable[[ast.AST], None]:
    def change(_: ast.AST) -> None:
        node.ops[index] = other()

    return change


def _operator_edit(node: ast.BoolOp) -> _Edit:
    other = ast.Or() if isinstance(node.op, ast.And) else ast.And()

    def change(_: ast.AST) -> None:
        node.op = other

    said = f"{ast.unparse(node)!r} takes {type(other).__name__.lower()}"
    return "weakened_guard", said, change


def _negation(node: ast.If | ast.IfExp | ast.While) -> _Edit:
    def change(_: ast.AST) -> None:
        node.test = ast.UnaryOp(ast.Not(), node.test)

    return "negated", f"the condition {ast.unparse(node.test)!r} is negated", change


def _constant_edits(node: ast.Constant, texts: list[str]) -> Iterator[_Edit]:
    value = node.value
    others: list[Any] = []
    if isinstance(value, bool):
        others = [not value]
    elif isinstance(value, int):
        others = [value + 1, value - 1]
    elif isinstance(value, str) and value in texts:
        others = [text for text in texts if text != value][:6]
    for other in others:
        yield "wrong_value", f"{value!r} has become {other!r}", _constant_change(node, other)


def _constant_change(node: ast.Constant, other: Any) -> Callable[[ast.AST], None]:
    def change(_: ast.AST) -> None:
        node.value = other

    return change


def _attribute_edits(node: ast.Attribute, attributes: list[str]) -> Iterator[_Edit]:
    for other in [name for name in attributes if name != node.attr][:6]:
        said = f"{ast.unparse(node)!r} has become .{other}"
        yield "wrong_field", said, _attribute_change(node, other)


def _attribute_change(node: ast.Attribute, other: str) -> Callable[[ast.AST], None]:
    def change(_: ast.AST) -> None:
        node.attr = other

    return change


def _short(statement: ast.stmt) -> str:
    text = ast.unparse(statement).splitlines()[0]
    return text if len(text) <= 80 else text[:77] + "..."
