"""What people ask of a shadow: one request for each operation, with a plan that finds its record.

A plan starts from what a person would say (a title, a name) and looks the keys up, through what a
record belongs to where that is needed.
"""

from collections.abc import Callable, Sequence
from typing import Any

from agentsynth.core.names import tokens_of
from agentsynth.evolve.shadows.bank import label_of, noun_of
from agentsynth.evolve.shadows.emit import needed
from agentsynth.evolve.shadows.finding import Finder
from agentsynth.evolve.shadows.forms import Forms
from agentsynth.evolve.shadows.lexis import TRANSITIONS
from agentsynth.evolve.shadows.model import Inferred, Operation, ShadowEntity, ShadowField
from agentsynth.evolve.shadows.request import Request, Stuck, identifier
from agentsynth.evolve.shadows.telling import answer, answerable, new_key, new_value, settable

__all__ = ["requests_of"]

_ANSWERED = 2
"""Fields of a record that people ask about, at most."""
_CHANGED = 2
"""Fields of a record that people change, at most."""


def requests_of(inferred: Inferred, operations: Sequence[Operation]) -> list[Request]:
    """Return a domain's requests; an operation that nobody could ask for in words has none."""
    maker = _Maker(inferred, operations)
    found: list[Request] = []
    for operation in operations:
        found += maker.requests(operation)
    return found


class _Maker:
    def __init__(self, inferred: Inferred, operations: Sequence[Operation]) -> None:
        self.entities = needed(inferred, operations)
        self.forms = Forms(inferred)
        self.operations = operations
        self.finder = Finder(self.entities, self.forms, operations)

    def requests(self, operation: Operation) -> list[Request]:
        entity = self.entities[operation.entity]
        works = {
            "create": self._create,
            "get": self._ask,
            "list": self._listing,
            "update": self._update,
            "delete": self._delete,
        }
        return works[operation.deed](operation, entity)

    def _try(self, request: Request, work: Callable[[Request], None]) -> list[Request]:
        try:
            work(request)
        except Stuck:
            return []
        return [request]

    def _request(self, operation: Operation, deed: str, suffix: str = "") -> Request:
        name = "_".join(part for part in (identifier(operation.tool), suffix) if part)
        entity = self.entities[operation.entity]
        return Request(name, deed, noun_of(operation.entity), operation, key=entity.key)

    def _create(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            args: dict[str, Any] = {}
            nice = [f for f in settable(operation, entity) if not f[1].required]
            chosen = {name for name, _ in nice[:1]}
            if operation.key is not None:
                args[operation.key] = new_key(request, entity)
            for parameter, name in operation.sets.items():
                one = entity.field(name)
                assert one is not None
                if one.required:
                    args[parameter] = self._needed_value(request, entity, one)
                elif parameter in chosen or name == entity.natural:
                    args[parameter] = new_value(request, entity, one)
            request.call(args, "made")

        return self._try(self._request(operation, "create"), work)

    def _ask(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        found: list[Request] = []
        for one in answerable(self.forms, entity, operation.shape)[:_ANSWERED]:

            def work(request: Request, one: ShadowField = one) -> None:
                request.call(self.finder.located(request, operation, entity), "record")
                answer(request, entity, one, "record")

            found += self._try(self._request(operation, "ask", identifier(one.name)), work)
        return found

    def _listing(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        found: list[Request] = []
        reads = any(o.deed == "get" and o.entity == entity.name for o in self.operations)
        asked = answerable(self.forms, entity, operation.shape)[: 1 if reads else _ANSWERED]
        for one in asked if entity.natural is not None or entity.named_by else []:

            def work(request: Request, one: ShadowField = one) -> None:
                entry = self.finder.picked(request, operation, entity)
                answer(request, entity, one, entry)

            found += self._try(self._request(operation, "ask", identifier(one.name)), work)
        if operation.query is None:
            found += self._count(operation, entity)
        return found

    def _count(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            args = {
                parameter: self.finder.any_owner(request, entity, name)
                for parameter, name in operation.scope.items()
            }
            request.call(args, "listed")
            listed = self.finder.path("listed", entity, operation)
            request.steps.append({"tally": "number", "from": listed, "op": "count"})
            request.answers["total"] = {"value": "=number", "type": "count"}
            if not request.draw:
                request.draw["day"] = {"choose": [1, 2, 3]}

        return self._try(self._request(operation, "count"), work)

    def _update(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        if operation.fixed:
            return self._flag(operation, entity)
        found: list[Request] = []
        sets = {p: entity.field(name) for p, name in operation.sets.items()}
        must = {p: one for p, one in sets.items() if one is not None and p in operation.needs}
        for parameter, one in settable(operation, entity)[: 1 if must else _CHANGED]:

            def work(request: Request, parameter: str = parameter, one: ShadowField = one) -> None:
                args = self.finder.located(request, operation, entity)
                if parameter not in must:
                    args[parameter] = new_value(request, entity, one)
                for other, needs in must.items():
                    args[other] = self._needed_value(request, entity, needs)
                request.asked = label_of(one.name)
                request.call(args, "changed")

            found += self._try(self._request(operation, "update", identifier(one.name)), work)
        return found

    def _flag(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            args = self.finder.located(request, operation, entity)
            ((name, value),) = operation.fixed.items()
            told = f"'{value}'" if isinstance(value, str) else str(value).lower()
            if not (isinstance(value, str) and value.startswith("=")):
                request.narrow(f"it.{name} != {told}")
            request.asked = _verb_of(operation)
            request.call(args, "changed")

        return self._try(self._request(operation, "flag"), work)

    def _delete(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            request.call(self.finder.located(request, operation, entity), "gone")

        return self._try(self._request(operation, "delete"), work)

    def _needed_value(self, request: Request, entity: ShadowEntity, one: ShadowField) -> Any:
        """Return the source of a value that a call cannot do without."""
        if one.ref is not None and one.ref in self.entities:
            return self.finder.any_owner(request, entity, one.name)
        if one.type == "boolean":
            return False
        return new_value(request, entity, one)


def _verb_of(operation: Operation) -> str:
    return next((word for word in tokens_of(operation.tool) if word in TRANSITIONS), "change")
