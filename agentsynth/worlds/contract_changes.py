"""What a call changed, held against the effects of its contract: exactly these and no others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import (
    Contract,
    CreateEffect,
    DeleteEffect,
    ScheduleEffect,
    UnscheduleEffect,
    UpdateEffect,
)
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change
from agentsynth.worlds.contract_eval import ContractMistake, Situation
from agentsynth.worlds.contract_parts import Part, compile_part, condition

__all__ = ["Effect", "Mismatch", "change_lines", "changes_mismatch", "compile_effects", "same"]

_Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a call departs from its contract."""

    expected: str
    got: str


@dataclass(frozen=True)
class Effect:
    """A compiled effect."""

    effect: CreateEffect | UpdateEffect | DeleteEffect | ScheduleEffect | UnscheduleEffect
    applies: Part | None
    each: Part | None
    key: Part
    values: Part


def compile_effects(contract: Contract) -> tuple[Effect, ...]:
    """Compile a contract's effects."""
    effects: list[Effect] = []
    for effect in contract.effects:
        applies = condition(effect.if_) if effect.if_ is not None else None
        each = condition(effect.each.removeprefix("=")) if effect.each is not None else None
        key, values = None, {}
        match effect:
            case CreateEffect():
                values = effect.set
            case UpdateEffect():
                key, values = effect.key, effect.set
            case DeleteEffect():
                key = effect.key
            case ScheduleEffect():
                key, values = effect.at, effect.with_
            case UnscheduleEffect():
                values = effect.where
        effects.append(Effect(effect, applies, each, compile_part(key), compile_part(values)))
    return tuple(effects)


def changes_mismatch(
    effects: Sequence[Effect], situation: Situation, changes: Sequence[Change]
) -> Mismatch | None:
    """Return where changes depart from the effects; None = they are exactly these.

    Names that effects give to new records (`as`) are in scope from here on.
    """
    ledger = _Ledger(situation, [c for c in changes if not c.entity.startswith("_")])
    for effect in effects:
        for _ in _entries(situation, effect):
            ledger.carry_out(effect)
    return ledger.mismatch()


def _entries(situation: Situation, effect: Effect) -> Iterator[None]:
    """Yield once per entry of `each` (in scope as `it`) for which the effect applies."""
    if effect.each is None:
        if effect.applies is None or situation.truth(effect.applies, "effects.if"):
            yield
        return
    for entry in situation.value(effect.each):
        situation.names["it"] = entry
        if effect.applies is None or situation.truth(effect.applies, "effects.if"):
            yield
    situation.names["it"] = None


@dataclass
class _Ledger:
    """What the contract expects of each record, beside what the call really did."""

    situation: Situation
    changes: Sequence[Change]
    wanted: dict[_Key, dict[str, Any] | None] = field(default_factory=lambda: {})
    """Whole records as they should be after the call; None = gone."""
    matched: set[_Key] = field(default_factory=lambda: set())
    """Creations that the contract expects."""
    absent: list[str] = field(default_factory=lambda: [])
    """Expected creations that did not come."""

    def record(self, entity: str, key: str) -> dict[str, Any] | None:
        """Return a record as it should be by now."""
        if (entity, key) in self.wanted:
            return self.wanted[entity, key]
        record = self.situation.before.tables.get(entity, {}).get(key)
        return dict(record) if record is not None else None

    def carry_out(self, compiled: Effect) -> None:
        """Note what one effect expects."""
        effect, situation = compiled.effect, self.situation
        shapes = situation.compiled.shapes
        values = situation.value(compiled.values)
        match effect:
            case CreateEffect():
                shape = shapes[effect.create]
                fields = {name: values.get(name) for name in shape.fields}
                self._expect_new(effect.create, fields, effect.as_)
            case ScheduleEffect():
                due = str(situation.value(compiled.key))
                due = due if "T" in due else f"{due}T00:00"
                fields = {"effect": effect.schedule, "due": due, "args": values}
                self._expect_new("scheduled", fields, effect.as_)
            case UpdateEffect():
                key = str(situation.value(compiled.key))
                self._put(effect.update, key, {**self._there(effect.update, key), **values})
            case DeleteEffect():
                key = str(situation.value(compiled.key))
                record, hidden = self._there(effect.delete, key), shapes[effect.delete].hidden_by
                at = situation.names[shapes[effect.delete].hidden_at]
                gone = None if hidden is None else {**record, hidden: at}
                self._put(effect.delete, key, gone)
            case UnscheduleEffect():
                for key, record in situation.before.tables.get("scheduled", {}).items():
                    fits = all(same(record["args"].get(n), v) for n, v in values.items())
                    if record["effect"] == effect.unschedule and fits:
                        self._put("scheduled", key, None)

    def _there(self, entity: str, key: str) -> dict[str, Any]:
        record = self.record(entity, key)
        if record is None:
            raise ContractMistake(
                f"{self.situation.compiled.tool}: the contract changes {entity} {key!r}, "
                f"which does not exist, when called with {self.situation.arguments}"
            )
        return record

    def _put(self, entity: str, key: str, record: dict[str, Any] | None) -> None:
        self.wanted[entity, key] = record

    def _expect_new(self, entity: str, fields: Mapping[str, Any], name: str | None) -> None:
        """Find the creation that the contract expects, and bind it."""
        shape = self.situation.compiled.shapes[entity]
        left_out = {shape.key, *shape.derived}
        promised = {n: value for n, value in fields.items() if n not in left_out}
        for change in self.changes:
            place = (change.entity, change.key or "")
            if change.op != "create" or change.entity != entity or place in self.matched:
                continue
            got = {n: value for n, value in change.fields.items() if n not in left_out}
            if same(promised, got) and change.fields.get(shape.key) == change.key:
                self.matched.add(place)
                if name is not None:
                    self.situation.names[name] = change.fields
                return
        self.absent.append(f"create {entity}: {_fields(promised)}")
        if name is not None:  # whatever follows is not reached: this is reported first
            self.situation.names[name] = {**dict.fromkeys(shape.fields), **fields}

    def mismatch(self) -> Mismatch | None:
        """Return how expected and real changes differ."""
        expected = dict(self._expected_lines())
        got = {
            (c.entity, c.key or ""): _line(c, self.situation.compiled.shapes[c.entity].derived)
            for c in self.changes
            if (c.entity, c.key or "") not in self.matched
        }
        got = {place: text for place, text in got.items() if text}
        places = sorted(expected.keys() | got.keys())
        differing = [place for place in places if expected.get(place) != got.get(place)]
        if not differing and not self.absent:
            return None
        wanted = [*self.absent, *(expected[p] for p in differing if p in expected)]
        found = [got[place] for place in differing if place in got]
        return Mismatch("; ".join(wanted) or "no change", "; ".join(found) or "no change")

    def _expected_lines(self) -> Iterator[tuple[_Key, str]]:
        for (entity, key), after in self.wanted.items():
            before = self.situation.before.tables.get(entity, {}).get(key)
            if after is None:
                if before is not None:
                    yield (entity, key), f"delete {entity} {key}"
                continue
            derived = self.situation.compiled.shapes[entity].derived
            fields = {
                name: value
                for name, value in after.items()
                if name not in derived and not same((before or {}).get(name), value)
            }
            if fields:
                yield (entity, key), f"update {entity} {key}: {_fields(fields)}"


def _line(change: Change, derived: frozenset[str]) -> str:
    shown = {name: value for name, value in change.fields.items() if name not in derived}
    if change.op == "update" and not shown:
        return ""
    named = f"{change.op} {change.entity} {change.key}"
    return f"{named}: {_fields(shown)}" if shown else named


def change_lines(changes: Sequence[Change]) -> str:
    """Return changes as one line of text."""
    return "; ".join(_line(change, frozenset()) for change in changes)


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={fields[name]!r}" for name in sorted(fields))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    return canonical_json(one) == canonical_json(other)
