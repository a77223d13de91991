"""What earlier guards have settled: conditions that can then never hold, and steps behind them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.steps import AggregateStep, FindStep, ListStep, Step
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.semantics import bound_names
from agentsynth.worlds.syntax import Binary, ListOf, Literal, Node, Path, Unary, parse

__all__ = ["Facts", "constant"]

_FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


def constant(condition: str) -> bool | None:
    """Return what a condition over nothing always gives; None = it depends, or is broken."""
    try:
        expression = compile_expression(condition)
        value = None if expression.paths else expression.evaluate({})
    except (ValueError, DomainError):
        return None
    return value if isinstance(value, bool) else None


@dataclass
class _Known:
    """What is settled about the value at one path."""

    among: set[Any] | None = None
    """The only values it can have; None = not settled."""
    never: set[Any] = field(default_factory=set)
    low: tuple[Any, bool] | None = None
    """Bound and whether the bound itself is allowed."""
    high: tuple[Any, bool] | None = None

    def copy(self) -> "_Known":
        among = None if self.among is None else set(self.among)
        return _Known(among, set(self.never), self.low, self.high)

    def narrow(self, op: str, value: Any) -> None:
        if op in ("==", "in"):
            values = set(value) if op == "in" else {value}
            self.among = values if self.among is None else self.among & values
        elif op == "!=":
            self.never.add(value)
        elif op in ("<", "<=") and (self.high is None or value < self.high[0]):
            self.high = (value, op == "<=")
        elif op in (">", ">=") and (self.low is None or value > self.low[0]):
            self.low = (value, op == ">=")

    def impossible(self) -> bool:
        if self.among is not None:
            return not any(self._allows(value) for value in self.among)
        if self.low is None or self.high is None:
            return False
        low, high = self.low[0], self.high[0]
        return low > high or (low == high and not (self.low[1] and self.high[1]))

    def _allows(self, value: Any) -> bool:
        if value in self.never:
            return False
        if value is None or isinstance(value, bool):
            return self.low is None and self.high is None
        if self.low is not None and not _beyond(value, self.low):
            return False
        return self.high is None or _beyond(self.high[0], (value, self.high[1]))


def _beyond(value: Any, bound: tuple[Any, bool]) -> bool:
    return value > bound[0] or (bound[1] and value == bound[0])


def _atoms(node: Node) -> Iterator[tuple[str, str, Any]]:
    """Yield path, operator and literal of everything a condition asks for at once."""
    match node:
        case Binary(op="&&"):
            yield from _atoms(node.left)
            yield from _atoms(node.right)
        case Binary(op="in", left=Path(text), right=ListOf(items)):
            if all(isinstance(item, Literal) for item in items):
                yield text, "in", tuple(item.value for item in items if isinstance(item, Literal))
        case Binary(op, left=Path(text), right=Literal(value)) if op in _FLIPPED:
            yield text, op, value
        case Binary(op, left=Literal(value), right=Path(text)) if op in _FLIPPED:
            yield text, _FLIPPED[op], value
        case Path(text):
            yield text, "==", True
        case Unary(op="!", of=Path(text)):
            yield text, "==", False
        case _:
            return


class Facts:
    """What holds at a step, by the guards that were passed before it."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}

    def copy(self) -> "Facts":
        """Return the facts as they are now, to go on from in a branch."""
        made = Facts()
        made._known = {path: known.copy() for path, known in self._known.items()}
        return made

    def refutes(self, condition: str) -> str | None:
        """Return the path because of which a condition can never hold; None = it may hold."""
        tried = self.copy()
        return tried.learn(condition)

    def learn(self, condition: str) -> str | None:
        """Take a condition as given; return the path where that cannot be, if there is one."""
        for path, op, value in _atoms(parse(condition)):
            known = self._known.setdefault(path, _Known())
            try:
                known.narrow(op, value)
                if known.impossible():
                    return path
            except TypeError:  # values of different types: told elsewhere
                return None
        return None

    def bound(self, step: Step) -> None:
        """Forget what was settled about names that a step binds anew."""
        self.forget(*bound_names(step))
        if isinstance(step, FindStep) and step.missing is not None and step.if_ is None:
            self._found(step.as_, step.where)

    def forget(self, *names: str) -> None:
        """Forget what was settled about these names."""
        for path in [path for path in self._known if path.split(".")[0] in names]:
            del self._known[path]

    def moved(self) -> None:
        """Forget the time: the clock has moved on."""
        self.forget("now", "today")

    def within(self, step: ListStep | AggregateStep, condition: str) -> str | None:
        """Return the path because of which a list's filter keeps nothing; None = it may."""
        inner = self.copy()
        inner.forget("it")
        inner._found("it", step.where)
        return inner.learn(condition)

    def _found(self, name: str, where: Mapping[str, Any]) -> None:
        for part, value in where.items():
            if isinstance(value, str | int | bool) and not str(value).startswith("="):
                self._known.setdefault(f"{name}.{part}", _Known()).narrow("==", value)
