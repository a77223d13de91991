"""What a search knows: the user's facts, and the records that results showed."""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.core.schemas import plain as plain_schema
from agentsynth.core.task import Task
from agentsynth.core.tools import ToolSpec
from agentsynth.plan.roles import Role
from agentsynth.plan.seen import Seen, plain
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Knowledge", "told_by_request"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_CLOCK = re.compile(r"\d{2}:\d{2}")
_OPTIONS = 6
"""Values tried for each part of a body."""
_SPEAKS = 3
"""What a text counts for a label in it, where a fact in the same record counts one."""


def told_by_request(task: Task, runtime: DomainRuntime) -> list[dict[str, Any]]:
    """Return what the user tells, by request; one without facts of its own is left out.

    A fact `name@2` is what `name` is in the second request.
    """
    facts = {fact.name: fact.value for fact in task.facts}
    if len(task.requests) < 2:
        return [facts]
    told: list[dict[str, Any]] = []
    for number, request in enumerate(task.requests, 1):
        slots = runtime.playbook.intents[request.intent].facts
        labels = {slot: f"{slot}@{number}" for slot in slots}
        own = {n: facts.get(label, facts.get(n)) for n, label in labels.items()}
        told.append({name: value for name, value in own.items() if value is not None})
    return [one for one in told if one] or [facts]


class Knowledge:
    """Facts and records seen, and which keys they speak for."""

    def __init__(
        self,
        facts: Mapping[str, Any],
        roles: Mapping[tuple[str, str], Role],
        today: str,
    ) -> None:
        self._facts = dict(facts)
        self._told = {plain(value) for value in facts.values()}
        self._roles = roles
        self._today = today
        self._forms = {
            name: form for name, value in facts.items() if (form := _form(value)) is not None
        }
        self._records: list[tuple[int, dict[str, Any]]] = []
        self._shown: set[tuple[str, Any]] = set()
        self._keys: dict[str, dict[str, list[tuple[int, dict[str, Any]]]]] = {}
        self._rank: dict[str, int] | None = None
        self._likeliest: dict[str, list[dict[str, Any]]] = {}

    def shown(self) -> set[tuple[str, Any]]:
        """Return every (field, value) that results showed."""
        return self._shown

    def learn(self, seen: Seen) -> None:
        """Take a result in."""
        for one in seen.records:
            record = (len(one.plain & self._told), one.fields)
            self._records.append(record)
            for entity, key in one.keys:
                self._keys.setdefault(entity, {}).setdefault(key, []).append(record)
        self._shown.update(seen.leaves)
        for text in seen.texts:
            self._read(text)
        self._rank = None
        self._likeliest.clear()

    def _read(self, text: str) -> None:
        """Take in what a long text says beside a fact that has the fact's form.

        A transcript of the signature told may mention another: that is then as good as told.
        """
        for name, form in self._forms.items():
            found = dict.fromkeys(form.findall(text))
            others = [value for value in found if plain(value) not in self._told]
            if len(others) < len(found):
                self._told |= {plain(value) for value in others}
                field = name.partition("@")[0]
                self._records += [(_SPEAKS, {field: value}) for value in others]

    # -- keys ----------------------------------------------------------------------------------

    def keys(self, entity: str) -> list[list[str]]:
        """Return the known keys in groups, those that the facts speak for the most first."""
        known = self._keys.get(entity, {})
        ranks = self._ranks()
        groups: dict[int, list[str]] = {}
        for key in known:
            groups.setdefault(ranks.get(key, 0), []).append(key)
        return [groups[rank] for rank in sorted(groups, reverse=True)]

    def _ranks(self) -> dict[str, int]:
        """Count for each key how many facts, and keys that facts speak for, stand beside it."""
        if self._rank is None:
            first = {
                key: max(score for score, _ in records)
                for known in self._keys.values()
                for key, records in known.items()
            }
            self._rank = {
                key: rank * 2 + max(self._linked(key, record, first) for _, record in records)
                for known in self._keys.values()
                for key, records in known.items()
                for rank in (first[key],)
            }
        return self._rank

    def _linked(self, key: str, record: Mapping[str, Any], first: Mapping[str, int]) -> int:
        others = (str(v) for v in record.values() if isinstance(v, str | int) and str(v) != key)
        return sum(first.get(other, 0) > 0 for other in others)

    # -- values --------------------------------------------------------------------------------

    def values(self, spec: ToolSpec, parameter: str) -> list[Any]:
        """Return what could be given for a parameter, the likeliest first."""
        schema: Any = spec.parameters
        for part in parameter.split("."):
            schema = plain_schema(schema.get("properties", {}).get(part, {}))
        if schema.get("type") == "object" and schema.get("properties"):
            return self._bodies(spec, parameter, schema)
        role = self._roles.get((spec.name, parameter))
        if schema.get("type") == "array":
            return self._lists(schema, role)
        if role is not None and role.is_key:
            return self._named_first(parameter, role.entity, schema)
        if "enum" in schema:
            told = [option for option in schema["enum"] if plain(option) in self._told]
            return told + [option for option in schema["enum"] if option not in told]
        if schema.get("type") == "boolean":
            return [True, False]
        names = [parameter.rpartition(".")[2]] + ([role.field] if role is not None else [])
        facts = sorted(self._facts.items(), key=lambda fact: -_likeness(fact[0], names))
        found = [value for _, value in facts if _fits(value, schema)]
        beside = [record[name] for name in names for record in self._likeliest_with(name)]
        found += [value for value in beside if _fits(value, schema)]
        if schema.get("format") == "date":
            found.append(self._today)
        unique: dict[str, Any] = {}
        for value in found:
            unique.setdefault(repr(value), value)
        return list(unique.values())

    def _bodies(
        self, spec: ToolSpec, parameter: str, schema: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """Return objects: what must be in them, then with what the user told of their parts."""
        needed: Sequence[str] = schema.get("required", ())
        told = [n for n in schema["properties"] if n not in needed and self.is_named_like(n)]
        names = [n for n in (*needed, *told) if n in schema["properties"]]
        options = {name: self.values(spec, f"{parameter}.{name}")[:_OPTIONS] for name in names}
        if any(not options[name] for name in needed if name in options):
            return []
        whole = {name: values[0] for name, values in options.items() if values}
        base = {name: value for name, value in whole.items() if name in needed}
        made = [whole, base, *({**base, name: whole[name]} for name in told if name in whole)]
        made += [{**whole, name: v} for name in whole for v in options[name][1:]]
        return list({repr(one): one for one in made}.values())

    def _named_first(self, parameter: str, entity: str, schema: Mapping[str, Any]) -> list[Any]:
        """Return the keys of an entity, first those a fact for just this parameter stands beside.

        A fact `visit_type` speaks for the key beside it where `visitTypeId` is asked for, and for
        no other parameter.
        """
        told = [str(value) for value in self._told_keys(entity, schema)]
        ordered = self._ordered(parameter, entity, told)
        if schema.get("type") in ("integer", "number"):
            return [int(key) for key in ordered if key.isdigit()]
        return ordered

    def _ordered(self, parameter: str, entity: str, told: list[str]) -> list[str]:
        """Return the keys that are told, then those that were shown."""
        shown = [key for group in self.keys(entity) for key in group]
        ordered = [*told, *(key for key in shown if key not in told)]
        words = _words(parameter)
        meant = {plain(v) for name, v in self._facts.items() if _words(name) <= words}
        if not meant:
            return ordered
        known = self._keys.get(entity, {})
        beside = {
            key
            for key in ordered
            if any(plain(v) in meant for _, fields in known.get(key, []) for v in fields.values())
        }
        return sorted(ordered, key=lambda key: key not in beside)

    def _told_keys(self, entity: str, schema: Mapping[str, Any]) -> list[Any]:
        """Return what the user told that may be a key itself: a number or a label."""
        words = _words(entity)
        return [
            value
            for name, value in self._facts.items()
            if words & _words(name) and _fits(value, schema)
            if isinstance(value, int) or _form(value) is not None
        ]

    def _likeliest_with(self, field: str) -> list[dict[str, Any]]:
        """Return the records that have a field, those the facts speak for the most first."""
        if field not in self._likeliest:
            able = [record for record in self._records if field in record[1]]
            ranked = sorted(able, key=lambda record: -record[0])
            self._likeliest[field] = [record for _, record in ranked[:12]]
        return self._likeliest[field]

    def is_told(self, spec: ToolSpec, parameter: str) -> bool:
        """Say whether the user told something of the very name of a parameter."""
        role = self._roles.get((spec.name, parameter))
        names = [_words(parameter)] + ([_words(role.field)] if role is not None else [])
        return any(_words(fact) <= words for fact in self._facts for words in names)

    def is_named_like(self, parameter: str) -> bool:
        """Say whether the name of something told holds the words of a parameter's name."""
        return any(_words(parameter) <= _words(fact) for fact in self._facts)

    def _lists(self, schema: Mapping[str, Any], role: Role | None) -> list[Any]:
        facts = [value for value in self._facts.values() if isinstance(value, list)]
        if role is None:
            return [*facts, [v for v in self._facts.values() if _fits(v, schema.get("items", {}))]]
        groups = self.keys(role.entity)
        return [*facts, *groups, [key for group in groups for key in group]]


def _form(value: Any) -> re.Pattern[str] | None:
    """Return what texts of the form of a label (B 12/1947-0033) look like; None = it is none."""
    if not isinstance(value, str) or len(value) < 5 or not re.search(r"[A-Za-z].*\d", value):
        return None
    form = re.sub(r"\d+", r"\\d+", re.sub(r"[A-Za-z]+", "[A-Za-z]+", re.escape(value)))
    return re.compile(rf"\b{form}\b")


def _likeness(name: str, names: Sequence[str]) -> int:
    """Say how alike a fact's name and a parameter's are."""
    fact = name.partition("@")[0]
    return max((3 if fact == other else 0) + len(_words(fact) & _words(other)) for other in names)


@functools.cache
def _words(name: str) -> frozenset[str]:
    """Return the words of a name: `visit_type@2` and `visitType` have the same two."""
    parts = re.split(r"_|(?=[A-Z])", name.partition("@")[0])
    return frozenset(part.lower() for part in parts if part)


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    match schema.get("type"):
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            if not isinstance(value, str):
                return False
            if schema.get("format") == "date":
                return _ISO_DATE.fullmatch(value) is not None
            if schema.get("format") in ("date-time", "datetime"):
                return _ISO_TIME.fullmatch(value) is not None
            if schema.get("format") == "time":
                return _CLOCK.fullmatch(value) is not None
            return True
        case _:
            return False
