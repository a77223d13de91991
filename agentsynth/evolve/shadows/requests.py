"""What people ask of a shadow: one request for each operation, with a plan that finds its record.

A plan starts from what a person would say (a title, a name) and looks the keys up, through what a
record belongs to where that is needed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agentsynth.evolve.shadows.bank import Bank, bank_of, label_of, natural_bank, noun_of, slugs_of
from agentsynth.evolve.shadows.emit import needed
from agentsynth.evolve.shadows.forms import Forms, plural
from agentsynth.evolve.shadows.model import (
    Inferred,
    Operation,
    ShadowEntity,
    ShadowField,
    Shape,
)
from agentsynth.evolve.shadows.words import TRANSITIONS, snake, tokens_of

__all__ = ["Request", "Slot", "requests_of"]

_DEPTH = 2
"""How far up a record's owners are looked up by name."""
_ANSWERED = 2
"""Fields of a record that people ask about, at most."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing the user says."""

    name: str
    label: str
    """How it is spoken of: `due date`, `project`."""
    kind: str
    """`text`, `enum`, `count`, `date`, `key`."""
    values: tuple[str, ...] = ()
    """Of an enumeration."""
    naming: bool = False
    """True = it names a record that is there already."""
    fresh: bool = False
    """True = it names a record that is to be made."""


@dataclass(slots=True)
class Request:
    """One intent, and what its phrases need."""

    name: str
    deed: str
    """`create`, `delete`, `update`, `flag`, `ask`, `count`."""
    noun: str
    operation: Operation
    slots: list[Slot] = field(default_factory=list[Slot])
    draw: dict[str, Any] = field(default_factory=dict[str, Any])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    steps: list[Any] = field(default_factory=list[Any])
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    subject: str | None = None
    """Slot that names what the request is about; None = nothing is named."""
    asked: str = ""
    """Label of the field that is asked for, or that changes."""
    key: str = "id"
    """Name of the record's key in results."""
    named: set[str] = field(default_factory=set[str])

    @property
    def key_label(self) -> str:
        """How people say the key."""
        return label_of(self.key) or "id"

    def intent(self) -> dict[str, Any]:
        """Return the intent as its YAML's value."""
        kind = {"ask": "info", "count": "aggregate"}.get(self.deed, "write")
        made: dict[str, Any] = {"kind": kind, "title": self.title(), "draw": self.draw}
        made |= {"facts": self.facts, "steps": [_nested(step) for step in self.steps]}
        if self.answers:
            made["answers"] = self.answers
        return made

    def title(self) -> str:
        """Return what the user wants, in a few words."""
        match self.deed:
            case "ask":
                return f"learn the {self.asked} of a {self.noun}"
            case "count":
                many = plural(self.noun.replace(" ", "_")).replace("_", " ")
                return f"learn how many {many} there are"
            case "update":
                return f"change the {self.asked} of a {self.noun}"
            case "flag":
                return f"{self.asked} a {self.noun}"
            case _:
                return f"{self.deed} a {self.noun}"


def _nested(step: dict[str, Any]) -> dict[str, Any]:
    """Return a step with the arguments of a body inside it: `body.title` under `body`."""
    if "call" not in step:
        return step
    args: dict[str, Any] = {}
    for name, source in step["args"].items():
        *above, last = name.split(".")
        place = args
        for part in above:
            place = place.setdefault(part, {})
        place[last] = source
    return {**step, "args": args}


class _Stuck(Exception):
    """No plan reaches the record from what a person would say."""


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

    def _try(self, request: Request, work: Any) -> list[Request]:
        try:
            work(request)
        except _Stuck:
            return []
        return [request]

    def _request(self, operation: Operation, deed: str, suffix: str = "") -> Request:
        name = "_".join(part for part in (_snake(operation.tool), suffix) if part)
        entity = self.entities[operation.entity]
        return Request(name, deed, noun_of(operation.entity), operation, key=entity.key)

    # what is asked for

    def _create(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            args: dict[str, Any] = {}
            nice = [f for f in self._settable(operation, entity) if not f[1].required]
            chosen = {name for name, _ in nice[:1]}
            if operation.key is not None:
                args[operation.key] = self._new_key(request, entity)
            for parameter, name in operation.sets.items():
                one = entity.field(name)
                assert one is not None
                if one.required:
                    args[parameter] = self._needed_value(request, operation, entity, one, parameter)
                elif parameter in chosen or name == entity.natural:
                    args[parameter] = self._new_value(request, entity, one)
            request.steps.append({"call": operation.tool, "args": args, "as": "made"})

        return self._try(self._request(operation, "create"), work)

    def _ask(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        found: list[Request] = []
        for one in self._answerable(entity, operation.shape)[:_ANSWERED]:

            def work(request: Request, one: ShadowField = one) -> None:
                key, scope = self._located(request, operation, entity)
                assert operation.key is not None
                args = {operation.key: key, **scope}
                request.steps.append({"call": operation.tool, "args": args, "as": "record"})
                self._answer(request, entity, one, "record")

            found += self._try(self._request(operation, "ask", _snake(one.name)), work)
        return found

    def _listing(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        found: list[Request] = []
        reads = any(o.deed == "get" and o.entity == entity.name for o in self.operations)
        asked = self._answerable(entity, operation.shape)[: 1 if reads else _ANSWERED]
        for one in asked if entity.natural is not None or entity.named_by else []:

            def work(request: Request, one: ShadowField = one) -> None:
                entry = self._picked(request, operation, entity, "subject", 0)
                request.subject = f"{_snake(entity.name)}_name"
                self._answer(request, entity, one, entry)

            found += self._try(self._request(operation, "ask", _snake(one.name)), work)

        def count(request: Request) -> None:
            self._count(request, operation, entity)

        if operation.query is None:
            found += self._try(self._request(operation, "count"), count)
        return found

    def _update(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        if operation.fixed:
            return self._flag(operation, entity)
        found: list[Request] = []
        ways = self._settable(operation, entity)
        must = [p for p in operation.sets if self._is_required(operation, p)]
        for parameter, one in ways[:2] if not must else ways[:1]:

            def work(request: Request, parameter: str = parameter, one: ShadowField = one) -> None:
                key, scope = self._located(request, operation, entity)
                assert operation.key is not None
                args: dict[str, Any] = {operation.key: key, **scope}
                if parameter not in must:
                    args[parameter] = self._new_value(request, entity, one)
                for other in must:
                    field_ = entity.field(operation.sets[other])
                    assert field_ is not None
                    args[other] = self._needed_value(request, operation, entity, field_, other)
                request.asked = label_of(one.name)
                request.steps.append({"call": operation.tool, "args": args, "as": "changed"})

            found += self._try(self._request(operation, "update", _snake(one.name)), work)
        return found

    def _flag(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            key, scope = self._located(request, operation, entity)
            assert operation.key is not None
            ((name, value),) = operation.fixed.items()
            told = f"'{value}'" if isinstance(value, str) else str(value).lower()
            if not (isinstance(value, str) and value.startswith("=")):
                self._narrow(request, f"it.{name} != {told}")
            request.asked = _verb_of(operation)
            args = {operation.key: key, **scope}
            request.steps.append({"call": operation.tool, "args": args, "as": "changed"})

        return self._try(self._request(operation, "flag"), work)

    def _delete(self, operation: Operation, entity: ShadowEntity) -> list[Request]:
        def work(request: Request) -> None:
            key, scope = self._located(request, operation, entity)
            assert operation.key is not None
            args = {operation.key: key, **scope}
            request.steps.append({"call": operation.tool, "args": args, "as": "gone"})

        return self._try(self._request(operation, "delete"), work)

    def _count(self, request: Request, operation: Operation, entity: ShadowEntity) -> None:
        args = {
            parameter: self._any_owner(request, entity, name)
            for parameter, name in operation.scope.items()
        }
        request.steps.append({"call": operation.tool, "args": args, "as": "listed"})
        listed = self._path("listed", entity, operation)
        request.steps.append({"tally": "number", "from": listed, "op": "count"})
        request.answers["total"] = {"value": "=number", "type": "count"}
        if not request.draw:
            request.draw["day"] = {"choose": [1, 2, 3]}

    # finding the record

    def _located(
        self, request: Request, operation: Operation, entity: ShadowEntity
    ) -> tuple[Any, dict[str, Any]]:
        """Find the record that a call is about; return its key's source and the scope's."""
        lists = self._lists(entity)
        scope: dict[str, Any] = {}
        if entity.named_by:
            key = self._told_key(request, entity, "subject")
            request.subject = f"{_snake(entity.name)}_name"
        elif entity.natural is not None and lists:
            before = len(request.steps)
            for one in lists:
                trial = replace(
                    request, steps=list(request.steps), draw=dict(request.draw),
                    facts=dict(request.facts), slots=list(request.slots), named=set(request.named),
                )  # fmt: skip
                try:
                    entry = self._picked(trial, one, entity, "subject", 0)
                except _Stuck:
                    continue
                request.steps, request.draw, request.facts = trial.steps, trial.draw, trial.facts
                request.slots, request.named = trial.slots, trial.named
                request.subject = f"{_snake(entity.name)}_name"
                key = f"@{entry}.{entity.key}"
                break
            else:
                raise _Stuck
            del before
        else:
            key = self._told_key(request, entity, "subject")
            request.subject = f"{_snake(entity.name)}_key"
        for parameter, name in operation.scope.items():
            scope[parameter] = self._owner(request, entity, name, "subject", 0)
        return key, scope

    def _lists(self, entity: ShadowEntity) -> list[Operation]:
        every = [o for o in self.operations if o.entity == entity.name and o.deed == "list"]
        return sorted(every, key=lambda o: (o.query is not None, len(o.scope)))

    def _picked(
        self, request: Request, operation: Operation, entity: ShadowEntity, drawn: str, depth: int
    ) -> str:
        """Call a list and pick the entry that the user named; return the entry's name."""
        self._drawn(request, entity, drawn)
        slot = f"{_snake(entity.name)}_name"
        natural = entity.key if entity.named_by else entity.natural
        assert natural is not None
        args = self._scope_args(request, operation, entity, drawn, depth)
        self._fact(
            request,
            Slot(slot, noun_of(entity.name), "text", naming=True),
            f"={drawn}.{natural}",
        )
        if operation.query is not None:
            args[operation.query] = f"${slot}"
        listed, entry = f"{_snake(entity.name)}_list", f"{_snake(entity.name)}_entry"
        if listed not in request.named:
            request.named.add(listed)
            request.steps.append({"call": operation.tool, "args": args, "as": listed})
            where = {natural: f"${slot}"}
            source = self._path(listed, entity, operation)
            request.steps.append({"pick": entry, "from": source, "where": where})
        return entry

    def _path(self, at: str, entity: ShadowEntity, operation: Operation) -> str:
        """Return where a result that is called `at` has its list."""
        name = self.forms.list_name(entity, operation.shape)
        return f"{at}.{name}" if name else at

    def _scope_args(
        self, request: Request, operation: Operation, entity: ShadowEntity, drawn: str, depth: int
    ) -> dict[str, Any]:
        return {
            parameter: self._owner(request, entity, name, drawn, depth)
            for parameter, name in operation.scope.items()
        }

    def _owner(
        self, request: Request, entity: ShadowEntity, name: str, drawn: str, depth: int
    ) -> Any:
        """Find what the drawn record belongs to; return the source of its key."""
        one = entity.field(name)
        assert one is not None
        if one.ref is None or one.ref not in self.entities:
            raise _Stuck
        owner = self.entities[one.ref]
        return self._find(request, owner, f"{drawn}.{one.name}", depth + 1)

    def _any_owner(self, request: Request, entity: ShadowEntity, name: str) -> Any:
        one = entity.field(name)
        assert one is not None
        if one.ref is None or one.ref not in self.entities:
            raise _Stuck
        owner = self.entities[one.ref]
        drawn = f"own_{_snake(owner.name)}"
        request.draw.setdefault(drawn, {"record": owner.name})
        return self._find(request, owner, f"{drawn}.{owner.key}", 1)

    def _find(self, request: Request, owner: ShadowEntity, path: str, depth: int) -> Any:
        """Return the source of an owner's key: looked up by name, or told by the user."""
        drawn = f"own_{_snake(owner.name)}"
        if drawn not in request.draw:
            request.draw[drawn] = {"record": owner.name, "where": {owner.key: f"={path}"}}
        slot = f"{_snake(owner.name)}_name"
        lists = [o for o in self._lists(owner) if not owner.hidden and owner.natural is not None]
        if lists and depth <= _DEPTH and not owner.named_by:
            entry = self._picked(request, lists[0], owner, drawn, depth)
            return f"@{entry}.{owner.key}"
        if not owner.named_by:
            slot = f"{_snake(owner.name)}_key"
        self._fact(
            request,
            Slot(slot, noun_of(owner.name), _key_kind(owner), naming=True),
            self.forms.shown_key(owner, drawn),
        )
        return f"${slot}"

    def _drawn(self, request: Request, entity: ShadowEntity, drawn: str) -> None:
        request.draw.setdefault(drawn, {"record": entity.name})

    def _narrow(self, request: Request, condition: str) -> None:
        if "subject" in request.draw:
            request.draw["subject"] = {**request.draw["subject"], "filter": condition}

    def _told_key(self, request: Request, entity: ShadowEntity, drawn: str) -> str:
        self._drawn(request, entity, drawn)
        slot = f"{_snake(entity.name)}_{'name' if entity.named_by else 'key'}"
        self._fact(
            request,
            Slot(slot, noun_of(entity.name), _key_kind(entity), naming=True),
            self.forms.shown_key(entity, drawn),
        )
        return f"${slot}"

    # what is told

    def _fact(self, request: Request, slot: Slot, value: str) -> None:
        if slot.name not in request.facts:
            request.facts[slot.name] = value
            request.slots.append(slot)

    def _new_key(self, request: Request, entity: ShadowEntity) -> str:
        slot = f"new_{_snake(entity.name)}_name"
        drawn = f"new_{_snake(entity.name)}"
        request.draw[drawn] = {"choose": list(slugs_of(entity, entity.key).fresh)}
        request.subject = slot
        self._fact(request, Slot(slot, noun_of(entity.name), "text", fresh=True), f"={drawn}")
        return f"${slot}"

    def _needed_value(
        self,
        request: Request,
        operation: Operation,
        entity: ShadowEntity,
        one: ShadowField,
        parameter: str,
    ) -> Any:
        del operation, parameter
        if one.ref is not None and one.ref in self.entities:
            return self._any_owner(request, entity, one.name)
        if one.type == "boolean":
            return False
        return self._new_value(request, entity, one)

    def _new_value(self, request: Request, entity: ShadowEntity, one: ShadowField) -> str:
        """Let the user bring a value for a field; return its source."""
        natural = one.name == entity.natural
        fresh = natural and request.deed == "create"
        ending = "name" if fresh else f"value_{_snake(one.name)}"
        name = f"new_{_snake(entity.name)}_{ending}"
        value = f"value_{_snake(one.name)}"
        if fresh:
            request.subject = name
        label = noun_of(entity.name) if fresh else label_of(one.name)
        match one.type:
            case "enum":
                request.draw[value] = {"choose": list(dict.fromkeys(one.values))}
                slot = Slot(name, label, "enum", values=tuple(one.values))
            case "integer":
                request.draw[value] = {"choose": [2, 3, 5, 8, 12, 15, 20, 30, 45, 60]}
                slot = Slot(name, label, "count")
            case _:
                bank = bank_of(entity, one)
                values = natural_bank(entity).fresh if natural else bank.fresh
                if bank.date:
                    if any(told.kind == "date" for told in request.slots):
                        raise _Stuck  # two dates in one text cannot be told apart
                    request.draw[value] = {"choose": [3, 5, 8, 12, 17, 21, 30, 45]}
                    slot = Slot(name, label, "date")
                    self._fact(request, slot, f"=add_days(today, {value})")
                    return f"${name}"
                if not values:
                    raise _Stuck
                request.draw[value] = {"choose": list(values)}
                slot = Slot(name, label, "text", fresh=fresh)
        subject = request.draw.get("subject")
        if subject is not None and "record" in subject and one.type != "date":
            request.draw[value]["choose"] = request.draw[value]["choose"]
            self._narrow(request, f"it.{one.name} == null || it.{one.name} != {value}")
            request.draw = {value: request.draw.pop(value), **request.draw}
        self._fact(request, slot, f"={value}")
        return f"${name}"

    def _settable(
        self, operation: Operation, entity: ShadowEntity
    ) -> list[tuple[str, ShadowField]]:
        """Return parameters with fields that people would set, the plainest first."""
        found: list[tuple[int, str, ShadowField]] = []
        for parameter, name in operation.sets.items():
            one = entity.field(name)
            assert one is not None
            if one.ref is not None or one.type in ("strings", "boolean", "text"):
                continue
            bank = bank_of(entity, one)
            known = bank.date or bank.fresh or one.name == entity.natural
            if one.type == "string" and not known:
                continue
            if one.type == "enum" and len(one.values) < 2:
                continue
            rank = 0 if one.name == entity.natural else 1 if one.type in ("enum", "date") else 2
            found.append((rank, parameter, one))
        return [(p, one) for _, p, one in sorted(found, key=lambda item: item[0])]

    def _is_required(self, operation: Operation, parameter: str) -> bool:
        one = self.entities[operation.entity].field(operation.sets[parameter])
        return one is not None and parameter in operation.needs

    def _answerable(self, entity: ShadowEntity, shape: Shape | None) -> list[ShadowField]:
        """Return the fields that a person would ask about."""
        found: list[tuple[int, ShadowField]] = []
        shown = self.forms.names(entity, shape).values()
        for one in entity.fields:
            if one.ref is not None or one.name in (entity.natural, entity.key):
                continue
            if one.name not in shown:
                continue
            if one.type == "enum":
                found.append((0, one))
            elif one.type == "integer":
                found.append((2, one))
            elif one.type in ("string", "date") and _is_short(bank_of(entity, one)):
                found.append((1, one))
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]

    def _answer(self, request: Request, entity: ShadowEntity, one: ShadowField, at: str) -> None:
        kind = {"integer": "count"}.get(one.type, "text")
        if one.type in ("string", "date") and bank_of(entity, one).date:
            kind = "date"
        if not one.required and "subject" in request.draw:
            self._narrow(request, f"it.{one.name} != null")
        request.asked = label_of(one.name)
        request.answers["answer"] = {"value": f"={at}.{one.name}", "type": kind}


def _is_short(bank: Bank) -> bool:
    """Whether a field holds something that can be said in a sentence."""
    return bank.known and (bank.date or all(len(value) < 50 for value in bank.seeds))


def _key_kind(entity: ShadowEntity) -> str:
    """Return how a key is told."""
    if entity.named_by:
        return "text"
    return "count" if entity.key_number else "key"


def _snake(text: str) -> str:
    made = snake(text)
    return made if made[:1].isalpha() else f"x_{made}"


def _verb_of(operation: Operation) -> str:
    return next((word for word in tokens_of(operation.tool) if word in TRANSITIONS), "change")
