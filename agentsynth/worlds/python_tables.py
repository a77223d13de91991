"""Typed records and tables over a world's state: all that the tools of a Python domain may touch.

A table reads and writes the same overlay, in the same transaction and under the same rules as the
steps of a declarative domain; nothing else of the state can be reached from here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from agentsynth.core.domain import Domain, Entity
from agentsynth.core.errors import DomainError, ToolError
from agentsynth.worlds.base import SCHEDULED
from agentsynth.worlds.fields import field_error, is_date, is_datetime
from agentsynth.worlds.schedule import SCHEDULED_ENTITY
from agentsynth.worlds.state import State
from agentsynth.worlds.steps_write import clash

__all__ = [
    "Access",
    "Record",
    "Table",
    "from_stored",
    "schedule",
    "to_stored",
    "unschedule",
]


class Record(BaseModel):
    """A record of an entity, never edited: to change one, `update` or `put` another in its place.

    Fields are `str`, `int`, `bool`, `Literal[...]` of texts, `tuple[str, ...]`, or one of `Date`,
    `DateTime`, `TimeOfDay`, `Money` and `Text`, each with or without `| None`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


RecordT = TypeVar("RecordT", bound=Record)


def to_stored(record: Record) -> dict[str, Any]:
    """Return a record as the state keeps it: JSON values by field."""
    return {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in ((field, getattr(record, field)) for field in type(record).model_fields)
    }


def from_stored(model: type[RecordT], stored: Mapping[str, Any]) -> RecordT:
    """Return what the state keeps as a record; it was validated when it was written."""
    values: dict[str, Any] = {
        field: tuple(value) if isinstance(value, list) else value for field, value in stored.items()
    }
    return model.model_construct(None, **values)


class Access:
    """What one call may do to one state."""

    __slots__ = ("domain", "state", "writes")

    def __init__(self, state: State, domain: Domain, *, writes: bool) -> None:
        self.state = state
        self.domain = domain
        self.writes = writes

    def live(self, name: str, stored: Mapping[str, Any]) -> bool:
        """Return whether a record has not been deleted softly."""
        field = self.domain.entities[name].soft_delete
        return field is None or stored[field] is None

    def write(self, name: str, key: str, stored: dict[str, Any] | None) -> None:
        """Write a record, or None to remove it.

        Raises:
            DomainError: if the tool is a read tool, or the record breaks a rule of its entity.
        """
        self.check_writes(f"{name} {key!r}")
        if stored is not None:
            self._check(name, key, stored)
        self.state.put(name, key, stored)

    def check_writes(self, what: str) -> None:
        """Refuse a read tool that writes."""
        if not self.writes:
            raise DomainError(f"a read tool writes {what}; export it with write(...)")

    def _check(self, name: str, key: str, stored: Mapping[str, Any]) -> None:
        entity = self.domain.entities[name]
        for field, spec in entity.fields.items():
            value = stored[field]
            error = field_error(spec, value)
            if error is not None:
                raise DomainError(f"{name} {key!r}, field {field!r}: {error}")
            if (
                spec.ref is not None
                and value is not None
                and self.state.get(spec.ref, value) is None
            ):
                raise DomainError(f"{name} {key!r}, field {field!r}: no {spec.ref} {value!r}")
        shared = clash(self.state, name, entity, key, stored) if entity.unique else None
        if shared is not None:
            shown = ", ".join(f"{field} {stored[field]!r}" for field in shared)
            raise DomainError(
                f"another {name} already has {shown}, which is unique; look with find(...) "
                "first and raise a ToolError"
            )


class Table(Generic[RecordT]):
    """The records of one entity, in the order of the seed and then of creation."""

    def __init__(
        self, access: Access, name: str, model: type[RecordT], *, deleted: bool = False
    ) -> None:
        self._access = access
        self._name = name
        self._model = model
        self._deleted = deleted

    @property
    def _entity(self) -> Entity:
        return self._access.domain.entities[self._name]

    @property
    def with_deleted(self) -> "Table[RecordT]":
        """The same table with softly deleted records shown too."""
        return Table(self._access, self._name, self._model, deleted=True)

    def get(self, key: str | None) -> RecordT | None:
        """Return the record with this key; None when there is none."""
        stored = None if key is None else self._access.state.get(self._name, key)
        if stored is None or not (self._deleted or self._access.live(self._name, stored)):
            return None
        return from_stored(self._model, stored)

    def need(self, key: str | None, code: str, message: str) -> RecordT:
        """Return the record with this key.

        Raises:
            ToolError: with this code and message, when there is none.
        """
        record = self.get(key)
        if record is None:
            raise ToolError(code, message)
        return record

    def where(self, **equal: Any) -> list[RecordT]:
        """Return the records whose fields equal these values; the fields are looked up."""
        return self._found(equal, {})

    def between(
        self, field: str, low: str | int | None, high: str | int | None, **equal: Any
    ) -> list[RecordT]:
        """Return the records whose field lies from `low` to `high`, both included.

        Args:
            field: a field that has an order, such as a date; records with null there are left out.
            low: None = no lower bound.
            high: None = no upper bound.
            equal: further fields to the values they must equal.
        """
        return self._found(equal, {field: (low, high)})

    def _found(
        self, equal: Mapping[str, Any], between: Mapping[str, tuple[Any, Any]]
    ) -> list[RecordT]:
        fields = self._entity.fields
        for field in (*equal, *between):
            if field not in fields or fields[field].type == "strings":
                known = ", ".join(name for name, spec in fields.items() if spec.type != "strings")
                raise DomainError(
                    f"{self._name!r} cannot be looked up by {field!r}; it can by: {known}"
                )
        return [
            from_stored(self._model, stored)
            for _, stored in self._access.state.records(self._name, equal, between)
            if self._deleted or self._access.live(self._name, stored)
        ]

    def find(self, **equal: Any) -> RecordT | None:
        """Return the first record whose fields equal these values; None when there is none."""
        return next(iter(self.where(**equal)), None)

    def all(self) -> list[RecordT]:
        """Return every record."""
        return self.where()

    def add(self, **fields: Any) -> RecordT:
        """Add a record and return it; its key comes from the world's seed."""
        entity = self._entity
        if entity.key in fields:
            raise DomainError(f"{self._name}: the key {entity.key!r} is given by the world")
        key = self._access.state.new_key(self._name, entity.id_pattern)
        record = self._made({entity.key: key, **fields})
        self._access.write(self._name, key, to_stored(record))
        return record

    def put(self, record: RecordT) -> RecordT:
        """Put a record in the place of the one with its key, and return it."""
        if not isinstance(record, self._model):
            raise DomainError(f"{self._name}: expected {self._model.__name__}, got {record!r}")
        key = str(getattr(record, self._entity.key))
        if self._access.state.get(self._name, key) is None:
            raise DomainError(f"put of {self._name} {key!r}, which does not exist; add(...) makes")
        self._access.write(self._name, key, to_stored(record))
        return record

    def update(self, record: RecordT, **changes: Any) -> RecordT:
        """Put the record with these fields changed, and return it."""
        key = self._entity.key
        if key in changes:
            raise DomainError(f"{self._name}: the key {key!r} cannot be changed")
        values = {field: getattr(record, field) for field in self._model.model_fields}
        return self.put(self._made({**values, **changes}))

    def remove(self, key: str) -> None:
        """Remove the record with this key, or mark it where the entity is deleted softly."""
        stored = self._access.state.get(self._name, key)
        if stored is None or not self._access.live(self._name, stored):
            raise DomainError(f"remove of {self._name} {key!r}, which does not exist")
        entity = self._entity
        if entity.soft_delete is None:
            self._access.write(self._name, key, None)
            return
        is_date = entity.fields[entity.soft_delete].type == "date"
        when = self._access.state.today if is_date else self._access.state.now
        self._access.write(self._name, key, {**stored, entity.soft_delete: when})

    def _made(self, values: Mapping[str, Any]) -> RecordT:
        try:
            return self._model.model_validate(values)
        except ValidationError as error:
            raise DomainError(f"{self._name}: {'; '.join(_told(error))}") from None


def _told(error: ValidationError) -> Iterable[str]:
    for detail in error.errors(include_url=False):
        place = ".".join(str(part) for part in detail["loc"])
        yield f"field {place!r}: {detail['msg']} (given: {detail.get('input')!r})"


def schedule(access: Access, effect: str, at: str, values: Mapping[str, Any]) -> str:
    """Let an effect come due; return the id under which it waits.

    Raises:
        DomainError: for an unknown effect, wrong values or a time that is none.
    """
    access.check_writes(f"the schedule ({effect})")
    _check_effect(access, effect, values.keys(), whole=True)
    due = f"{at}T00:00" if is_date(at) else at
    if not is_datetime(due):
        raise DomainError(f"schedule of {effect!r}: {at!r} is not a date or a datetime")
    key = access.state.new_key(SCHEDULED, SCHEDULED_ENTITY.id_pattern)
    record = {"id": key, "effect": effect, "due": due, "args": dict(values)}
    access.state.put(SCHEDULED, key, record)
    return key


def unschedule(access: Access, effect: str, where: Mapping[str, Any]) -> int:
    """Drop the waiting effects of this name whose values equal these; return how many."""
    access.check_writes(f"the schedule ({effect})")
    _check_effect(access, effect, where.keys(), whole=False)
    waiting = list(access.state.records(SCHEDULED, {"effect": effect}))
    dropped = [
        key
        for key, record in waiting
        if all(record["args"].get(name) == value for name, value in where.items())
    ]
    for key in dropped:
        access.state.put(SCHEDULED, key, None)
    return len(dropped)


def _check_effect(access: Access, effect: str, given: Iterable[str], *, whole: bool) -> None:
    known = access.domain.effects.get(effect)
    if known is None:
        names = ", ".join(access.domain.effects) or "none"
        raise DomainError(f"there is no effect {effect!r}; domain.yaml has: {names}")
    wrong = set(given) ^ set(known.parameters) if whole else set(given) - set(known.parameters)
    if wrong:
        takes = ", ".join(known.parameters) or "nothing"
        raise DomainError(f"effect {effect!r} takes {takes}; wrong or missing: {sorted(wrong)}")
