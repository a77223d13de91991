"""What a search knows: the user's facts, and the records that results showed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from agentsynth.core.domain import Domain
from agentsynth.core.tools import ToolSpec
from agentsynth.plan.goals import leaves
from agentsynth.plan.roles import Role

__all__ = ["Knowledge"]

_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_ISO_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
_CLOCK = re.compile(r"\d{2}:\d{2}")
_LONG = 80
"""Characters from which a value is a text to be read."""
_SPEAKS = 3
"""What a text counts for a label in it, where a fact in the same record counts one."""


class Knowledge:
    """Facts and records seen, and which keys they speak for."""

    def __init__(
        self,
        facts: Mapping[str, Any],
        domain: Domain,
        roles: Mapping[tuple[str, str], Role],
        today: str,
    ) -> None:
        self._facts = dict(facts)
        self._told = {_plain(value) for value in facts.values()}
        self._domain = domain
        self._roles = roles
        self._today = today
        self._patterns = {
            name: re.compile(re.escape(entity.id_pattern).replace(r"\#", r"\d"))
            for name, entity in domain.entities.items()
        }
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

    def learn(self, result: Any) -> None:
        """Take a result in."""
        for flat in _records(result, {}):
            record = (self._matches(flat), flat)
            self._records.append(record)
            for value in flat.values():
                for entity in self._entities_of(value):
                    self._keys.setdefault(entity, {}).setdefault(str(value), []).append(record)
        for name, value in leaves(result):
            self._shown.add((name, value))
            if isinstance(value, str) and len(value) > _LONG:
                self._read(value)
        self._rank = None
        self._likeliest.clear()

    def _read(self, text: str) -> None:
        """Take in what a long text says beside a fact that has the fact's form.

        A transcript of the signature told may mention another: that is then as good as told.
        """
        for name, form in self._forms.items():
            found = dict.fromkeys(form.findall(text))
            others = [value for value in found if _plain(value) not in self._told]
            if len(others) < len(found):
                self._told |= {_plain(value) for value in others}
                field = name.partition("@")[0]
                self._records += [(_SPEAKS, {field: value}) for value in others]

    def _entities_of(self, value: Any) -> list[str]:
        if not isinstance(value, str | int) or isinstance(value, bool):
            return []
        return [n for n, pattern in self._patterns.items() if pattern.fullmatch(str(value))]

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

    def _matches(self, record: Mapping[str, Any]) -> int:
        return len({_plain(value) for value in record.values()} & self._told)

    def _linked(self, key: str, record: Mapping[str, Any], first: Mapping[str, int]) -> int:
        others = (str(v) for v in record.values() if isinstance(v, str | int) and str(v) != key)
        return sum(first.get(other, 0) > 0 for other in others)

    # -- values --------------------------------------------------------------------------------

    def values(self, spec: ToolSpec, parameter: str) -> list[Any]:
        """Return what could be given for a parameter, the likeliest first."""
        properties: Any = spec.parameters.get("properties", {})
        schema: Any = properties.get(parameter, {})
        role = self._roles.get((spec.name, parameter))
        if schema.get("type") == "array":
            return self._lists(schema, role)
        if role is not None and role.is_key:
            return [key for group in self.keys(role.entity) for key in group]
        if "enum" in schema:
            told = [option for option in schema["enum"] if _plain(option) in self._told]
            return told + [option for option in schema["enum"] if option not in told]
        if schema.get("type") == "boolean":
            return [True, False]
        names = [parameter] + ([role.field] if role is not None else [])
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

    def _likeliest_with(self, field: str) -> list[dict[str, Any]]:
        """Return the records that have a field, those the facts speak for the most first."""
        if field not in self._likeliest:
            able = [record for record in self._records if field in record[1]]
            ranked = sorted(able, key=lambda record: -record[0])
            self._likeliest[field] = [record for _, record in ranked[:12]]
        return self._likeliest[field]

    def _lists(self, schema: Mapping[str, Any], role: Role | None) -> list[Any]:
        facts = [value for value in self._facts.values() if isinstance(value, list)]
        if role is None:
            return [*facts, [v for v in self._facts.values() if _fits(v, schema.get("items", {}))]]
        groups = self.keys(role.entity)
        return [*facts, *groups, [key for group in groups for key in group]]


def _records(value: Any, around: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the records of a result, each with its own scalars and those around it.

    What stands in a neighbouring entry of a list does not belong to a record.
    """
    if isinstance(value, dict):
        record = cast(dict[str, Any], value)
        own = {n: v for n, v in record.items() if not isinstance(v, dict | list)}
        flat = {**around, **own}
        yield flat
        for part in record.values():
            yield from _records(part, flat)
    elif isinstance(value, list):
        for part in cast(list[Any], value):
            if isinstance(part, dict):
                yield from _records(part, around)
            else:
                yield {**around, "": part}


def _form(value: Any) -> re.Pattern[str] | None:
    """Return what texts of the form of a label (B 12/1947-0033) look like; None = it is none."""
    if not isinstance(value, str) or len(value) < 5 or not re.search(r"[A-Za-z].*\d", value):
        return None
    form = re.sub(r"\d+", r"\\d+", re.sub(r"[A-Za-z]+", "[A-Za-z]+", re.escape(value)))
    return re.compile(rf"\b{form}\b")


def _plain(value: Any) -> str:
    return str(value).casefold()


def _likeness(name: str, names: Sequence[str]) -> int:
    """Say how alike a fact's name and a parameter's are."""
    words = set(name.partition("@")[0].split("_"))
    return max(
        (3 if name == other else 0)
        + len(words & {part.lower() for part in re.split(r"_|(?=[A-Z])", other)})
        for other in names
    )


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
