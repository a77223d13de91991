"""What a call did, held against its contract: error code, exact changes, result."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.contract import (
    CreateEffect,
    DeleteEffect,
    Lookup,
    PageWalk,
    ScheduleEffect,
    UnscheduleEffect,
    UpdateEffect,
)
from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change
from agentsynth.worlds.contract_eval import (
    CompiledContract,
    ContractMistake,
    Part,
    Selected,
    Situation,
    compile_lookup,
    compile_part,
    condition,
    order_key,
)

__all__ = ["Mismatch", "Outcome", "Promise", "compile_promise"]

_Key = tuple[str, str]
_MISSING = object()
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did."""

    code: str | None
    """The error's code; None = it succeeded."""
    changes: tuple[Change, ...]
    result: Any
    """What the result's text says as JSON, or the text itself."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where a call departs from its contract."""

    expected: str
    got: str


@dataclass(frozen=True)
class _Effect:
    """A compiled effect."""

    effect: CreateEffect | UpdateEffect | DeleteEffect | ScheduleEffect | UnscheduleEffect
    applies: Part | None
    each: Part | None
    key: Part
    values: Part


@dataclass(frozen=True)
class Promise:
    """The part of a contract that speaks of what a call does."""

    effects: tuple[_Effect, ...]
    returns: dict[str, Part | Selected]
    says: tuple[Part, ...]

    def mismatch(self, situation: Situation, outcome: Outcome) -> Mismatch | None:
        """Return where a call departs from the contract; None = it keeps it.

        Raises:
            ContractMistake: the contract cannot be evaluated here.
        """
        codes = situation.codes
        if codes or outcome.code is not None:
            return _refusal_mismatch(codes, outcome)
        try:
            found = self._changes_mismatch(situation, outcome.changes)
            return found or self._result_mismatch(situation, outcome.result)
        except DomainError as error:
            tool = situation.compiled.tool
            raise ContractMistake(f"{tool}, called with {situation.arguments}: {error}") from error

    # -- changes -------------------------------------------------------------------------------

    def _changes_mismatch(self, situation: Situation, changes: Sequence[Change]) -> Mismatch | None:
        ledger = _Ledger(situation, [c for c in changes if not c.entity.startswith("_")])
        for effect in self.effects:
            for _ in _entries(situation, effect):
                ledger.carry_out(effect)
        return ledger.mismatch()

    # -- result --------------------------------------------------------------------------------

    def _result_mismatch(self, situation: Situation, result: Any) -> Mismatch | None:
        for path, promised in self.returns.items():
            got = _at(path, result)
            if got is _MISSING:
                return Mismatch(f"a result with {path!r}", f"result {_short(result)}")
            pages = situation.compiled.contract.pages
            if isinstance(promised, Selected) and promised.lookup.verb == "rows":
                partial = pages is not None and pages.items == path
                wrong = _rows_mismatch(situation, promised, got, partial=partial)
                if wrong is not None:
                    return Mismatch(f"{path} = {wrong}", f"{path} = {_short(got)}")
                continue
            if isinstance(promised, Selected):
                wanted = situation.select(promised)
            else:
                wanted = situation.value(promised)
            if not _same(wanted, got):
                return Mismatch(f"{path} = {_short(wanted)}", f"{path} = {_short(got)}")
        return self._unsaid(situation, result)

    def pages_mismatch(
        self, situation: Situation, pages: PageWalk, items: list[Any], lengths: Sequence[int]
    ) -> Mismatch | None:
        """Return where a list that came in pages departs from the whole list that is promised.

        Args:
            items: the entries of all pages.
            lengths: how many entries each page had.
        """
        promised = self.returns[pages.items]
        path = f"{pages.items}, over all pages"
        if isinstance(promised, Selected) and promised.lookup.verb == "rows":
            wrong = _rows_mismatch(situation, promised, items, partial=False)
        else:
            wanted = situation.value(promised) if isinstance(promised, Part) else None
            wrong = None if _same(wanted, items) else _short(wanted)
        if wrong is not None:
            return Mismatch(f"{path} = {wrong}", f"{path} = {_short(items)}")
        size = situation.value(compile_part(pages.size))
        if size is not None and any(length != size for length in lengths[:-1]):
            return Mismatch(f"pages of {size}", f"pages of {list(lengths)}")
        if size is not None and lengths[-1] > size:
            return Mismatch(f"pages of {size}", f"pages of {list(lengths)}")
        return None

    def _unsaid(self, situation: Situation, result: Any) -> Mismatch | None:
        place, text = 0, str(result)
        for part in self.says:
            wanted = str(situation.value(part))
            found = text.find(wanted, place)
            if found < 0:
                return Mismatch(f"a text that says {wanted!r}", _short(text))
            place = found + len(wanted)
        return None


def compile_promise(compiled: CompiledContract) -> Promise:
    """Compile what a contract says of successful calls."""
    contract = compiled.contract
    effects: list[_Effect] = []
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
        effects.append(_Effect(effect, applies, each, compile_part(key), compile_part(values)))
    return Promise(
        effects=tuple(effects),
        returns={
            path: compile_lookup(value) if isinstance(value, Lookup) else compile_part(value)
            for path, value in contract.returns.items()
        },
        says=tuple(compile_part(value) for value in contract.says),
    )


def _refusal_mismatch(codes: frozenset[str], outcome: Outcome) -> Mismatch | None:
    wanted = "error " + " or ".join(sorted(codes)) if codes else "success"
    if outcome.code is None:
        return Mismatch(wanted, "success")
    if outcome.code not in codes:
        return Mismatch(wanted, f"error {outcome.code}")
    if outcome.changes:
        return Mismatch("an error that changes nothing", _lines(outcome.changes))
    return None


def _entries(situation: Situation, effect: _Effect) -> Iterator[None]:
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

    def carry_out(self, compiled: _Effect) -> None:
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
                    fits = all(_same(record["args"].get(n), v) for n, v in values.items())
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
            if _same(promised, got) and change.fields.get(shape.key) == change.key:
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
                if name not in derived and not _same((before or {}).get(name), value)
            }
            if fields:
                yield (entity, key), f"update {entity} {key}: {_fields(fields)}"


def _line(change: Change, derived: frozenset[str]) -> str:
    shown = {name: value for name, value in change.fields.items() if name not in derived}
    if change.op == "update" and not shown:
        return ""
    named = f"{change.op} {change.entity} {change.key}"
    return f"{named}: {_fields(shown)}" if shown else named


def _lines(changes: Sequence[Change]) -> str:
    return "; ".join(_line(change, frozenset()) for change in changes)


def _fields(fields: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={fields[name]!r}" for name in sorted(fields))


def _rows_mismatch(
    situation: Situation, selected: Selected, got: Any, *, partial: bool
) -> str | None:
    """Return the promised rows where `got` is something else; None = it keeps the promise.

    Args:
        partial: `got` may be the first page only.
    """
    found = situation.rows(selected)
    shown = [canonical_json(situation.shown(selected, row)) for row in found]
    key = order_key(selected.lookup.order)
    limit = len(shown) if selected.lookup.limit is None else selected.lookup.limit
    wanted = f"{len(shown)} rows: {_short(shown[:limit])}"
    if not isinstance(got, list):
        return wanted
    length = len(got) if partial else min(limit, len(shown))
    if len(got) != length or length > len(shown) or (partial and shown and not got):
        return wanted
    texts, place = [canonical_json(row) for row in got], 0
    while place < length:  # rows that the order leaves equal may change places
        end = place + 1
        while end < len(found) and key(found[end]) == key(found[place]):
            end += 1
        allowed = shown[place:end]
        for text in texts[place : min(end, length)]:
            if text not in allowed:
                return wanted
            allowed.remove(text)
        place = end
    return None


def _at(path: str, value: Any) -> Any:
    """Return what is at a dotted path of a result; `.` is the result itself."""
    for part in path.split(".") if path != "." else ():
        if isinstance(value, Mapping):
            value = value.get(part, _MISSING)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value


def _same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; true is not 1."""
    if isinstance(one, str) or isinstance(other, str) or one is None or other is None:
        return bool(one == other)
    return canonical_json(one) == canonical_json(other)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
