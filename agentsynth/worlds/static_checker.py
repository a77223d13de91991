"""What every static check needs: where to report, and how to look at expressions and names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentsynth.core.domain import Domain, Entity
from agentsynth.core.errors import Problem
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.expressions import compile_expression, slots_of
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.schedule import SCHEDULED_ENTITY
from agentsynth.worlds.static_infer import Scope, infer
from agentsynth.worlds.static_types import ANY, Type, list_of, mapping_of, record_of, value_type
from agentsynth.worlds.syntax import parse
from agentsynth.worlds.wording import near

__all__ = ["TIME", "Checker", "FilePath"]

FilePath = tuple[str | int, ...]
_A_PATH = re.compile(r"[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_.]*")
TIME: Mapping[str, Type] = {"today": Type("date"), "now": Type("datetime")}
"""The names that are in scope everywhere."""


def _reason(error: ValueError) -> str:
    """Return CEL's complaint without the list of all that could have stood there."""
    first = str(error).split("ERROR:")[-1].split("\n")[0].strip()
    return re.sub(r"^<input>:\d+:(\d+): (.*?)(?: expecting \{.*)?$", r"\2 (character \1)", first)


class Checker:
    """Collects the problems of one domain's file."""

    def __init__(self, domain: Domain, loaded: Loaded) -> None:
        self.domain = domain
        self.loaded = loaded
        self.problems: list[Problem] = []
        self.entities: dict[str, Entity] = {**domain.entities, SCHEDULED: SCHEDULED_ENTITY}
        self.records: dict[str, Type] = {n: record_of(e) for n, e in self.entities.items()}
        pending = self.records[SCHEDULED].fields or {}
        self.records[SCHEDULED] = mapping_of({**pending, "args": Type("record")})

    def report(self, path: FilePath, message: str) -> None:
        """Add a problem at a path of the file."""
        self.problems.append(self.loaded.problem(path, message))

    def expression(self, text: str, scope: Scope, path: FilePath) -> Type:
        """Check an expression and return its type."""
        try:
            expression = compile_expression(text)
        except ValueError as error:
            self.report(path, f"{text!r} is not a well-formed expression: {_reason(error)}")
            return ANY
        wrong = [m for name in expression.paths if (m := scope.problem(name)) is not None]
        for message in wrong:
            self.report(path, message)
        if wrong:
            return ANY
        return infer(parse(text), scope, lambda message: self.report(path, message))

    def condition(self, text: str, scope: Scope, path: FilePath) -> None:
        """Check an expression that must give true or false."""
        found = self.expression(text, scope, path)
        if found.kind not in ("bool", "any"):
            self.report(path, f"a condition gives true or false, this gives {found}")

    def value(self, value: Any, scope: Scope, path: FilePath) -> Type:
        """Check a literal, an expression, or a list or mapping of both; return its type."""
        if isinstance(value, str) and value.startswith("="):
            return self.expression(value[1:], scope, path)
        if isinstance(value, str) and _A_PATH.fullmatch(value) and scope.problem(value) is None:
            self.report(path, f"{value!r} is a text here; write ={value} for its value")
        if isinstance(value, Mapping):
            parts = {str(n): self.value(p, scope, (*path, str(n))) for n, p in value.items()}
            return mapping_of(parts)
        if isinstance(value, Sequence) and not isinstance(value, str):
            items = [self.value(part, scope, (*path, n)) for n, part in enumerate(value)]
            return list_of(items[0] if len(set(map(repr, items))) == 1 else ANY)
        return value_type(value)

    def template(self, text: str, scope: Scope, path: FilePath) -> None:
        """Check the slots of a text."""
        for slot in slots_of(text):
            if (message := scope.problem(slot)) is not None:
                self.report(path, message)

    def entity(self, name: str, path: FilePath) -> Entity | None:
        """Return the entity of this name, which must exist."""
        entity = self.entities.get(name)
        if entity is None:
            known = ", ".join(self.domain.entities) + near(name, self.entities)
            self.report(path, f"unknown entity {name!r}; the domain has: {known}")
        return entity

    def fields(self, entity: str, names: Iterable[tuple[str, FilePath]]) -> None:
        """Check that fields exist."""
        known = self.entities[entity].fields
        for name, path in names:
            if name not in known:
                listed = ", ".join(known) + near(name, known)
                self.report(path, f"{entity!r} has no field {name!r}; it has: {listed}")
