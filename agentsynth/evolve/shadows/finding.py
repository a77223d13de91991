"""How a plan finds a record: from what a person would say, through lists, to its key.

A record with a name is picked from a list by it, and so is what the list asks for, up to `_DEPTH`
owners up; any other key the user tells.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.evolve.shadows.bank import noun_of
from agentsynth.evolve.shadows.forms import Forms
from agentsynth.evolve.shadows.model import Operation, ShadowEntity
from agentsynth.evolve.shadows.request import Request, Slot, Stuck, identifier

__all__ = ["Finder"]

_DEPTH = 2
"""How far up a record's owners are looked up by name."""


class Finder:
    """Adds to requests the draws, slots and steps that find a record."""

    def __init__(
        self,
        entities: Mapping[str, ShadowEntity],
        forms: Forms,
        operations: Sequence[Operation],
    ) -> None:
        self.entities = entities
        self.forms = forms
        self.operations = operations

    def located(
        self, request: Request, operation: Operation, entity: ShadowEntity
    ) -> dict[str, Any]:
        """Find the record that a call is about; return the arguments that name it.

        Raises:
            Stuck: if no list with its name in it can be called.
        """
        lists = self._lists(entity)
        if entity.named_by or entity.natural is None or not lists:
            key = self._told_key(request, entity)
        else:
            key = self._named_key(request, entity, lists)
        scope = self._scope_args(request, operation, entity, "subject", 0)
        assert operation.key is not None
        return {operation.key: key, **scope}

    def picked(self, request: Request, operation: Operation, entity: ShadowEntity) -> str:
        """Call a list and pick the entry that the user names; return the entry's name.

        Raises:
            Stuck: if what the list asks for cannot be found.
        """
        entry = self._picked(request, operation, entity, "subject", 0)
        request.subject = f"{identifier(entity.name)}_name"
        return entry

    def any_owner(self, request: Request, entity: ShadowEntity, name: str) -> Any:
        """Draw something that a record could belong to; return the source of its key.

        Args:
            name: the field that refers to it.

        Raises:
            Stuck: if the field refers to nothing that is known.
        """
        _, owner = self._referred(entity, name)
        drawn = f"own_{identifier(owner.name)}"
        request.draw.setdefault(drawn, {"record": owner.name})
        return self._find(request, owner, f"{drawn}.{owner.key}", 1)

    def path(self, at: str, entity: ShadowEntity, operation: Operation) -> str:
        """Return where a result that is called `at` has its list."""
        name = self.forms.list_name(entity, operation.shape)
        return f"{at}.{name}" if name else at

    def _named_key(self, request: Request, entity: ShadowEntity, lists: Sequence[Operation]) -> str:
        """Look the subject up in the first list that can be called; return its key's source."""
        for one in lists:
            trial = request.trial()
            try:
                entry = self.picked(trial, one, entity)
            except Stuck:
                continue
            request.take(trial)
            return f"@{entry}.{entity.key}"
        raise Stuck

    def _told_key(self, request: Request, entity: ShadowEntity) -> str:
        """Let the user tell the subject's key; return its source."""
        request.draw.setdefault("subject", {"record": entity.name})
        request.subject = f"{identifier(entity.name)}_{'name' if entity.named_by else 'key'}"
        return self._told(request, entity, request.subject, "subject")

    def _told(self, request: Request, entity: ShadowEntity, slot: str, drawn: str) -> str:
        label, kind = noun_of(entity.name), _key_kind(entity)
        shown = self.forms.shown_key(entity, drawn)
        request.tell(Slot(slot, label, kind, naming=True), shown)
        return f"${slot}"

    def _lists(self, entity: ShadowEntity) -> list[Operation]:
        every = [o for o in self.operations if o.entity == entity.name and o.deed == "list"]
        return sorted(every, key=lambda o: (o.query is not None, len(o.scope)))

    def _picked(
        self, request: Request, operation: Operation, entity: ShadowEntity, drawn: str, depth: int
    ) -> str:
        request.draw.setdefault(drawn, {"record": entity.name})
        word = identifier(entity.name)
        slot, listed, entry = f"{word}_name", f"{word}_list", f"{word}_entry"
        natural = entity.key if entity.named_by else entity.natural
        assert natural is not None
        args = self._scope_args(request, operation, entity, drawn, depth)
        request.tell(Slot(slot, noun_of(entity.name), "text", naming=True), f"={drawn}.{natural}")
        if operation.query is not None:
            args[operation.query] = f"${slot}"
        if listed not in request.named:
            request.named.add(listed)
            request.steps.append({"call": operation.tool, "args": args, "as": listed})
            source = self.path(listed, entity, operation)
            where = {natural: f"${slot}"}
            request.steps.append({"pick": entry, "from": source, "where": where})
        return entry

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
        field, owner = self._referred(entity, name)
        return self._find(request, owner, f"{drawn}.{field}", depth + 1)

    def _referred(self, entity: ShadowEntity, name: str) -> tuple[str, ShadowEntity]:
        """Return a field's name and what it refers to."""
        one = entity.field(name)
        assert one is not None
        if one.ref is None or one.ref not in self.entities:
            raise Stuck
        return one.name, self.entities[one.ref]

    def _find(self, request: Request, owner: ShadowEntity, path: str, depth: int) -> Any:
        """Return the source of an owner's key: looked up by name, or told by the user."""
        word = identifier(owner.name)
        drawn = f"own_{word}"
        if drawn not in request.draw:
            request.draw[drawn] = {"record": owner.name, "where": {owner.key: f"={path}"}}
        lists = [o for o in self._lists(owner) if not owner.hidden and owner.natural is not None]
        if lists and depth <= _DEPTH and not owner.named_by:
            entry = self._picked(request, lists[0], owner, drawn, depth)
            return f"@{entry}.{owner.key}"
        return self._told(request, owner, f"{word}_{'name' if owner.named_by else 'key'}", drawn)


def _key_kind(entity: ShadowEntity) -> str:
    """Return how a key is told."""
    if entity.named_by:
        return "text"
    return "count" if entity.key_number else "key"
