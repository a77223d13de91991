"""The parts of an expression with their places in its text: comparisons, operands, branches.

Only as much of CEL as domains use. It is for looking at expressions and changing them; what they
mean is CEL's business. A text it cannot take apart is one part as a whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["ExpressionPart", "atoms", "parts_of", "split_expression"]

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<number>\d+(?:\.\d+)?)"""
    r"""|(?P<path>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"""
    r"""|(?P<op>\|\||&&|==|!=|<=|>=|[-+*/%!<>?:(),.\[\]]))"""
)
_COMPARISONS = ("==", "!=", "<=", ">=", "<", ">", "in")
_LEVELS = (("||",), ("&&",), _COMPARISONS, ("+", "-"), ("*", "/", "%"))
_KINDS = ("or", "and", "compare", "sum", "product")


@dataclass(frozen=True, slots=True)
class ExpressionPart:
    """A part of an expression."""

    kind: str
    """or, and, compare, sum, product, not, ternary, call, list, path, string, number or other."""
    text: str
    start: int
    """Where it begins in the whole text."""
    end: int
    parts: "tuple[ExpressionPart, ...]" = ()
    op: str = ""
    """The operator of or, and, compare, sum and product; the function of a call."""
    op_start: int = -1
    """Where the operator stands in the whole text."""


def split_expression(text: str) -> ExpressionPart:
    """Return an expression's parts; one part of kind `other` if it cannot be taken apart."""
    try:
        return _Reader(text).whole()
    except _Unreadable:
        return ExpressionPart("other", text, 0, len(text))


def parts_of(part: ExpressionPart) -> Iterator[ExpressionPart]:
    """Yield a part and every part inside it."""
    yield part
    for inner in part.parts:
        yield from parts_of(inner)


def atoms(part: ExpressionPart) -> Iterator[ExpressionPart]:
    """Yield the conditions that `&&`, `||` and `!` put together."""
    if part.kind in ("or", "and", "not"):
        for inner in part.parts:
            yield from atoms(inner)
    else:
        yield part


class _Unreadable(Exception):
    """The text has something in it that is not read here."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int, int]] = []
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None or match.lastgroup is None:
                raise _Unreadable
            kind = match.lastgroup
            self.tokens.append((kind, match[kind], match.start(kind), match.end(kind)))
            place = match.end()
        self.tokens.append(("end", "", len(text), len(text)))
        self.at = 0

    def whole(self) -> ExpressionPart:
        part = self.ternary()
        if self.tokens[self.at][0] != "end":
            raise _Unreadable
        return part

    def part(
        self, kind: str, start: int, *parts: ExpressionPart, op: str = "", op_start: int = -1
    ) -> ExpressionPart:
        end = self.tokens[self.at - 1][3]
        return ExpressionPart(kind, self.text[start:end], start, end, parts, op, op_start)

    def take(self, *wanted: str) -> str:
        """Take the next token if it is one of these; "" if it is not."""
        kind, text, _, _ = self.tokens[self.at]
        if text in wanted and (kind == "op" or text == "in"):
            self.at += 1
            return text
        return ""

    def need(self, wanted: str) -> None:
        if not self.take(wanted):
            raise _Unreadable

    def ternary(self) -> ExpressionPart:
        start = self.tokens[self.at][2]
        choice = self.level(0)
        if not self.take("?"):
            return choice
        then = self.ternary()
        self.need(":")
        return self.part("ternary", start, choice, then, self.ternary())

    def level(self, number: int) -> ExpressionPart:
        if number == len(_LEVELS):
            return self.unary()
        start = self.tokens[self.at][2]
        left = self.level(number + 1)
        while op := self.take(*_LEVELS[number]):
            op_start = self.tokens[self.at - 1][2]
            right = self.level(number + 1)
            left = self.part(_KINDS[number], start, left, right, op=op, op_start=op_start)
        return left

    def unary(self) -> ExpressionPart:
        start = self.tokens[self.at][2]
        if self.take("!"):
            return self.part("not", start, self.unary())
        if self.take("-"):
            return self.part("other", start, self.unary())
        return self.postfix()

    def postfix(self) -> ExpressionPart:
        start = self.tokens[self.at][2]
        part = self.primary()
        while True:
            if self.take("."):
                kind, name, _, _ = self.tokens[self.at]
                if kind != "path" or "." in name:
                    raise _Unreadable
                self.at += 1
                listed = self.listed(")") if self.take("(") else []
                part = self.part("call", start, part, *listed, op=name)
            elif self.take("["):
                inner = self.ternary()
                self.need("]")
                part = self.part("other", start, part, inner)
            else:
                return part

    def primary(self) -> ExpressionPart:
        kind, text, start, end = self.tokens[self.at]
        self.at += 1
        if kind in ("string", "number"):
            return self.part(kind, start)
        if kind == "path":
            if not self.take("("):
                return self.part("path", start)
            subject, dot, method = text.rpartition(".")
            on = [ExpressionPart("path", subject, start, end - len(method) - 1)] if dot else []
            listed = self.listed(")")
            return self.part("call", start, *on, *listed, op=method)
        if kind == "op" and text == "(":
            inner = self.ternary()
            self.need(")")
            return inner
        if kind == "op" and text == "[":
            listed = self.listed("]")
            return self.part("list", start, *listed)
        raise _Unreadable

    def listed(self, close: str) -> list[ExpressionPart]:
        found: list[ExpressionPart] = []
        if self.take(close):
            return found
        while True:
            found.append(self.ternary())
            if self.take(close):
                return found
            self.need(",")
