"""Carry out an intent's plan step by step, without I/O.

A `PlanRun` says what could be called next from what is known so far; somebody else makes the calls
and tells it the results. The planner runs it with the true facts, the scripted assistant with what
it has heard: the plan itself holds names and sources, never values.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from agentsynth.core.errors import DomainError
from agentsynth.core.intent import CallStep, GuardStep, Intent, PickStep, PlanStep
from agentsynth.worlds.expressions import MISSING, resolve_path
from agentsynth.worlds.seed import compiled

__all__ = [
    "UNKNOWN",
    "Calls",
    "Declined",
    "Facts",
    "Finished",
    "PickFailed",
    "PlanRun",
    "PlannedCall",
    "Slip",
    "Stuck",
    "facts_used",
    "source_names",
]

UNKNOWN = object()
"""What a fact gives that is not known (yet)."""

_BARRIER = object()
"""Nothing behind this step can be done before what is in front of it."""

_SLOT = re.compile(r"\{([$@])([A-Za-z_][A-Za-z0-9_.]*)\}")


class Facts(Protocol):
    """Where fact values come from: the task itself, or what the user was heard to say."""

    def value(self, name: str) -> Any:
        """Return the fact's value, or UNKNOWN."""
        ...

    def among(self, name: str, options: Sequence[str]) -> Any:
        """Return which of the options the fact names, or UNKNOWN."""
        ...


@dataclass(frozen=True)
class Slip:
    """A deliberate mix-up: for this pick, take the entry so many places further on."""

    pick: str
    offset: int


@dataclass(frozen=True)
class PlannedCall:
    """One call that can be made now."""

    step: int
    name: str
    arguments: dict[str, Any]
    bound_as: str


@dataclass(frozen=True)
class Calls:
    """These calls can be made now; none depends on another."""

    calls: tuple[PlannedCall, ...]


@dataclass(frozen=True)
class Stuck:
    """Nothing can be called before these facts are known."""

    facts: tuple[str, ...]


@dataclass(frozen=True)
class PickFailed:
    """A list that was seen has no single entry for what was asked."""

    pick: str
    facts: tuple[str, ...]
    matches: int


@dataclass(frozen=True)
class Declined:
    """A guard failed: the clause forbids what was asked."""

    clause: str


@dataclass(frozen=True)
class Finished:
    """Every step is done."""


Next = Calls | Stuck | PickFailed | Declined | Finished


class PlanRun:
    """One intent's plan on its way."""

    def __init__(
        self,
        intent: Intent,
        *,
        writes: frozenset[str],
        remembered: dict[tuple[str, str], Any] | None = None,
        ignore_guards: bool = False,
        slip: Slip | None = None,
    ) -> None:
        self.intent = intent
        self._ignore_guards = ignore_guards
        self._slip = slip
        self.seen: dict[str, Any] = {}
        """What results and picks showed, by the plan's names."""
        self._writes = writes
        self._done: set[int] = set()
        self._remembered = {} if remembered is None else remembered

    def next(self, facts: Facts) -> Next:
        """Return what can be done now; picks and guards that can be settled are settled."""
        ready: list[PlannedCall] = []
        missing: list[str] = []
        for index, step in enumerate(self.intent.steps):
            if index in self._done:
                continue
            ended = self._advance(index, step, facts, ready, missing)
            if ended is _BARRIER:
                break
            if isinstance(ended, PickFailed | Declined):
                return ended
        if ready:
            return Calls(tuple(ready))
        if missing:
            return Stuck(tuple(dict.fromkeys(missing)))
        if len(self._done) < len(self.intent.steps):
            return self._blocked()
        return Finished()

    def _advance(
        self, index: int, step: PlanStep, facts: Facts, ready: list[PlannedCall], missing: list[str]
    ) -> object:
        """Do what one step allows now; return how the round ends here, or None to go on."""
        match step:
            case PickStep():
                failed = self._pick(index, step, facts)
                return _BARRIER if failed is not None and ready else failed
            case GuardStep():
                refused = self._guard(index, step, facts) is False
                return Declined(step.guard) if refused else None
            case CallStep():
                writes = step.call in self._writes
                if writes and (ready or self._open_before(index)):
                    return _BARRIER
                call = self._call(index, step, facts, missing)
                if call is not None:
                    ready.append(call)
                return _BARRIER if writes else None

    def record(self, call: PlannedCall, result: Any) -> None:
        """Tell the run what a call's decoded result was."""
        self.seen[call.bound_as] = result
        self._done.add(call.step)
        step = self.intent.steps[call.step]
        if isinstance(step, CallStep) and step.stable:
            self._remembered[_call_key(call.name, call.arguments)] = result

    def _open_before(self, index: int) -> bool:
        return any(before not in self._done for before in range(index))

    def _blocked(self) -> Next:
        index = next(i for i in range(len(self.intent.steps)) if i not in self._done)
        raise DomainError(
            f"plan step {index + 1} of {self.intent.title!r} can never be carried out"
        )

    def _call(
        self, index: int, step: CallStep, facts: Facts, missing: list[str]
    ) -> PlannedCall | None:
        arguments: dict[str, Any] = {}
        complete = True
        for name, source in step.args.items():
            value = self._resolve(source, facts, missing)
            if value is UNKNOWN:
                complete = False
            else:
                arguments[name] = value
        if not complete:
            return None
        key = _call_key(step.call, arguments)
        if step.stable and key in self._remembered:
            self.seen[step.as_] = self._remembered[key]
            self._done.add(index)
            return None
        return PlannedCall(index, step.call, arguments, step.as_)

    def _resolve(self, source: Any, facts: Facts, missing: list[str]) -> Any:
        if isinstance(source, Mapping) and set(source) == {"text"}:
            return self._text(str(source["text"]), facts, missing)
        if isinstance(source, str) and source.startswith("$"):
            value = facts.value(source[1:])
            if value is UNKNOWN:
                missing.append(source[1:])
            return value
        if isinstance(source, str) and source.startswith("@"):
            return self._seen_path(source[1:])
        return source

    def _seen_path(self, path: str) -> Any:
        if path.split(".")[0] not in self.seen:
            return UNKNOWN
        return resolve_path(path, self.seen)

    def _text(self, template: str, facts: Facts, missing: list[str]) -> Any:
        parts: dict[str, str] = {}
        unknown = False
        for kind, name in _SLOT.findall(template):
            value = self._resolve(kind + name, facts, missing)
            unknown = unknown or value is UNKNOWN
            parts[kind + name] = str(value).replace("'", "''")
        if unknown:
            return UNKNOWN
        return _SLOT.sub(lambda match: parts[match[1] + match[2]], template)

    def _pick(self, index: int, step: PickStep, facts: Facts) -> PickFailed | None:
        entries = self._seen_path(step.from_)
        if entries is UNKNOWN:
            return None
        if not isinstance(entries, list):
            raise DomainError(f"{step.from_!r} is not a list to pick from: {entries!r}")
        named: list[str] = []
        wanted: dict[str, Any] = {}
        for field, source in step.where.items():
            if any(not isinstance(entry, dict) or field not in entry for entry in entries):
                raise DomainError(
                    f"pick {step.pick!r}: an entry of {step.from_!r} has no {field!r}"
                )
            if isinstance(source, str) and source.startswith("$"):
                named.append(source[1:])
                options = [str(entry[field]) for entry in entries]
                wanted[field] = facts.among(source[1:], options)
            else:
                wanted[field] = self._resolve(source, facts, [])
        matches = [entry for entry in entries if all(_same(entry[f], v) for f, v in wanted.items())]
        if len(matches) != 1:
            return PickFailed(step.pick, tuple(named), len(matches))
        self.seen[step.pick] = matches[0]
        if self._slip is not None and self._slip.pick == step.pick:
            place = entries.index(matches[0]) + self._slip.offset
            self.seen[step.pick] = entries[place % len(entries)]
        self._done.add(index)
        return None

    def _guard(self, index: int, step: GuardStep, facts: Facts) -> bool | None:
        if self._ignore_guards:
            self._done.add(index)
            return True
        condition = compiled(step.ok)
        scope = dict(self.seen)
        for path in condition.paths:
            head = path.split(".")[0]
            if head in self.seen:
                continue
            if head not in self.intent.facts:
                return None
            value = facts.value(head)
            if value is UNKNOWN:
                return None
            scope[head] = value
        if any(_lookup(path, scope) is MISSING for path in condition.paths):
            raise DomainError(f"guard {step.ok!r} reads something that no result shows")
        if condition.evaluate(scope):
            self._done.add(index)
            return True
        return False


def _call_key(name: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    return name, repr(sorted(arguments.items()))


def _lookup(path: str, scope: Mapping[str, Any]) -> Any:
    try:
        return resolve_path(path, scope)
    except DomainError:
        return MISSING


def _same(shown: Any, wanted: Any) -> bool:
    if wanted is UNKNOWN:
        return False
    if isinstance(shown, str) and isinstance(wanted, str):
        return shown.casefold() == wanted.casefold()
    return shown == wanted and type(shown) is type(wanted)


def source_names(source: Any) -> list[tuple[str, str]]:
    """Return the (`$` or `@`, name) pairs a source reads; empty for a literal."""
    if isinstance(source, str) and source[:1] in ("$", "@") and len(source) > 1:
        return [(source[0], source[1:])]
    if isinstance(source, Mapping):
        return [(kind, name) for kind, name in _SLOT.findall(str(source.get("text", "")))]
    return []


def facts_used(intent: Intent) -> tuple[str, ...]:
    """Return the facts an intent's plan reads, in the order it needs them."""
    found: list[str] = []
    for step in intent.steps:
        if isinstance(step, GuardStep):
            heads = [path.split(".")[0] for path in compiled(step.ok).paths]
            found += [head for head in heads if head in intent.facts]
            continue
        sources = step.where if isinstance(step, PickStep) else step.args
        for source in sources.values():
            found += [name for kind, name in source_names(source) if kind == "$"]
    return tuple(dict.fromkeys(found))
