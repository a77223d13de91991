"""What a call did, held against its contract: error code, exact changes, result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.contract import Lookup, PageWalk
from agentsynth.core.errors import DomainError
from agentsynth.core.ids import canonical_json
from agentsynth.core.task import Change
from agentsynth.worlds.contract_changes import (
    Effect,
    Mismatch,
    change_lines,
    changes_mismatch,
    compile_effects,
    same,
)
from agentsynth.worlds.contract_eval import CompiledContract, ContractMistake, Situation
from agentsynth.worlds.contract_parts import (
    Part,
    Selected,
    compile_lookup,
    compile_part,
    order_key,
)

__all__ = ["Outcome", "Promise", "compile_promise"]

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


@dataclass(frozen=True)
class Promise:
    """The part of a contract that speaks of what a call does."""

    effects: tuple[Effect, ...]
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
            found = changes_mismatch(self.effects, situation, outcome.changes)
            return found or self._result_mismatch(situation, outcome.result)
        except DomainError as error:
            tool = situation.compiled.tool
            raise ContractMistake(f"{tool}, called with {situation.arguments}: {error}") from error

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
            if not same(wanted, got):
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
            wrong = None if same(wanted, items) else _short(wanted)
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
    return Promise(
        effects=compile_effects(contract),
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
        return Mismatch("an error that changes nothing", change_lines(outcome.changes))
    return None


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


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
