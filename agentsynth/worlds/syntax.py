"""The shape of an expression, read for static checks. CEL itself decides what is well-formed.

What this small parser does not know (macros, maps, indexing) becomes `Other`, of which nothing is
claimed.
"""

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["Binary", "Call", "Cond", "ListOf", "Literal", "Node", "Other", "Path", "Unary", "parse"]


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, text, boolean or null."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A dotted path."""

    text: str


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list literal."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function or, with a target, a method."""

    name: str
    target: "Node | None"
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """`!` or `-`."""

    op: str
    of: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """Two sides and an operator, `in` included."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Cond:
    """`test ? then : other`."""

    test: "Node"
    then: "Node"
    other: "Node"


@dataclass(frozen=True, slots=True)
class Other:
    """Anything else."""


Node = Literal | Path | ListOf | Call | Unary | Binary | Cond | Other

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)"""
    r"""|(?P<op>\|\||&&|==|!=|<=|>=|[<>+\-*/%!?:()\[\],.{}]))"""
)
_LEVELS = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))
_WORDS = {"true": True, "false": False, "null": None}


class _Unreadable(Exception):
    pass


def parse(text: str) -> Node:
    """Return the shape of an expression; `Other` for what this parser does not know."""
    reader = _Reader(_tokens(text))
    try:
        node = reader.ternary()
        return node if reader.peek() == "" else Other()
    except (_Unreadable, RecursionError):
        return Other()


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens: list[tuple[str, str]] = []
    place = 0
    stripped = text.rstrip()
    while place < len(stripped):
        match = _TOKEN.match(stripped, place)
        if match is None:
            return [("op", "{")]
        tokens.append((match.lastgroup or "", match[match.lastgroup or 0]))
        place = match.end()
    return tokens


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._place = 0

    def peek(self) -> str:
        """Return the next operator or name; "" at the end, "." for other tokens."""
        if self._place >= len(self._tokens):
            return ""
        kind, text = self._tokens[self._place]
        return text if kind in ("op", "name") else "."

    def take(self, wanted: str) -> None:
        if self.peek() != wanted:
            raise _Unreadable
        self._place += 1

    def ternary(self) -> Node:
        test = self.level(0)
        if self.peek() != "?":
            return test
        self.take("?")
        then = self.ternary()
        self.take(":")
        return Cond(test, then, self.ternary())

    def level(self, depth: int) -> Node:
        if depth == len(_LEVELS):
            return self.unary()
        node = self.level(depth + 1)
        while (op := self.peek()) in _LEVELS[depth]:
            self._place += 1
            node = Binary(op, node, self.level(depth + 1))
        return node

    def unary(self) -> Node:
        if (op := self.peek()) in ("!", "-"):
            self._place += 1
            return Unary(op, self.unary())
        return self.postfix(self.primary())

    def postfix(self, node: Node) -> Node:
        while self.peek() in (".", "["):
            raise _Unreadable
        return node

    def primary(self) -> Node:
        if self._place >= len(self._tokens):
            raise _Unreadable
        kind, text = self._tokens[self._place]
        self._place += 1
        if kind == "number":
            return Literal(float(text) if "." in text else int(text))
        if kind == "string":
            return Literal(re.sub(r"\\(.)", r"\1", text[1:-1]))
        if kind == "name":
            return self.named(text)
        if text == "(":
            node = self.ternary()
            self.take(")")
            return node
        if text == "[":
            return ListOf(self.items("]"))
        raise _Unreadable

    def named(self, text: str) -> Node:
        if text in _WORDS:
            return Literal(_WORDS[text])
        if self.peek() != "(":
            return Path(text)
        self.take("(")
        subject, _, name = text.rpartition(".")
        return Call(name, Path(subject) if subject else None, self.items(")"))

    def items(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while self.peek() != end:
            if found:
                self.take(",")
            found.append(self.ternary())
        self.take(end)
        return tuple(found)
