"""Conditions of a contract from inside: which part decides, and how close to its threshold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from agentsynth.plan.expression_parts import ExpressionPart, atoms, parts_of, split_expression
from agentsynth.worlds.contract_parts import Part, compile_part, condition

__all__ = ["Atom", "Condition", "branches_of", "compile_condition", "threshold"]


@dataclass(frozen=True)
class Atom:
    """A condition that is not put together of others."""

    text: str
    part: Part
    sides: tuple[Part, Part] | None
    """Both operands of a comparison; None = it has no threshold."""


@dataclass(frozen=True)
class Condition:
    """A condition with its atoms and the branches inside them."""

    label: str
    tree: ExpressionPart
    atoms: tuple[Atom, ...]
    branches: tuple[tuple[str, Part], ...]

    known: dict[tuple[bool | None, ...], tuple[int, ...]]
    """Answers of `decisive`, remembered."""

    def decisive(self, values: Sequence[bool | None]) -> tuple[int, ...]:
        """Return the atoms that alone decide the condition, as things stand."""
        key = tuple(values)
        if key not in self.known:
            self.known[key] = tuple(self._decisive(values))
        return self.known[key]

    def _decisive(self, values: Sequence[bool | None]) -> Iterator[int]:
        for index, value in enumerate(values):
            if value is not None:
                turned = [*values[:index], not value, *values[index + 1 :]]
                here, there = _logic(self.tree, iter(values)), _logic(self.tree, iter(turned))
                if here is not None and there is not None and here != there:
                    yield index


def compile_condition(label: str, text: str) -> Condition:
    """Compile a condition, to see which of its atoms decide it."""
    tree = split_expression(text)
    found: list[Atom] = []
    for atom in atoms(tree):
        sides = None
        if atom.kind == "compare" and atom.op != "in":
            sides = (_operand(atom.parts[0]), _operand(atom.parts[1]))
        found.append(Atom(atom.text, _atom_part(atom, sides), sides))
    return Condition(label, tree, tuple(found), tuple(branches_of(tree)), {})


_CONSTANTS: dict[str, Any] = {"null": None, "true": True, "false": False}


def _operand(part: ExpressionPart) -> Part:
    """Compile one side of a comparison; constants are taken as they stand."""
    if part.text in _CONSTANTS:
        return compile_part(_CONSTANTS[part.text])
    if part.kind == "number" and "." not in part.text:
        return compile_part(int(part.text))
    if part.kind == "string" and "\\" not in part.text and not part.text[1:].startswith("="):
        return compile_part(part.text[1:-1])
    return condition(part.text)


def _atom_part(atom: ExpressionPart, sides: tuple[Part, Part] | None) -> Part:
    """Compile an atom. Whether two values are the same is seen at once, which saves most calls."""
    simple = all(part.kind in ("path", "string", "number") for part in atom.parts)
    if sides is None or atom.op not in ("==", "!=") or not simple:
        return condition(atom.text)
    (left, right), equal = sides, atom.op == "=="

    def evaluate(names: Mapping[str, Any]) -> bool:
        one, other = left.evaluate(names), right.evaluate(names)
        return (type(one) is type(other) and one == other) is equal

    return Part(evaluate, left.needs | right.needs)


def branches_of(tree: ExpressionPart) -> Iterator[tuple[str, Part]]:
    """Yield the conditions by which an expression chooses."""
    for part in parts_of(tree):
        if part.kind == "ternary":
            yield part.parts[0].text, condition(part.parts[0].text)


def _logic(tree: ExpressionPart, values: Iterator[bool | None]) -> bool | None:
    """Return what a condition gives for its atoms' values; None = it cannot be evaluated."""
    if tree.kind == "not":
        inner = _logic(tree.parts[0], values)
        return None if inner is None else not inner
    if tree.kind in ("or", "and"):
        sides = [_logic(part, values) for part in tree.parts]
        absorbing = tree.kind == "or"
        if absorbing in sides:
            return absorbing
        return None if None in sides else not absorbing
    return next(values)


def _distance(left: Any, right: Any) -> int | None:
    """Return how far apart two values are: numbers, days of dates, minutes of times."""
    if isinstance(left, bool) or isinstance(right, bool):
        return None
    if isinstance(left, int) and isinstance(right, int):
        return left - right
    if isinstance(left, str) and isinstance(right, str) and len(left) == len(right) >= 5:
        try:
            if len(left) == 10:
                return (date.fromisoformat(left) - date.fromisoformat(right)).days
            if len(left) == 5:
                left, right = f"2000-01-01T{left}", f"2000-01-01T{right}"
            apart = datetime.fromisoformat(left) - datetime.fromisoformat(right)
            return int(apart.total_seconds() // 60)
        except ValueError:
            return None
    return None


def threshold(atom: Atom, evaluate: Callable[[Part], Any]) -> int | None:
    """Return how far a comparison is from its threshold, if by no more than one."""
    if atom.sides is None:
        return None
    apart = _distance(evaluate(atom.sides[0]), evaluate(atom.sides[1]))
    return apart if apart is not None and abs(apart) <= 1 else None
