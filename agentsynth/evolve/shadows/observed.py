"""The layout of results as a running server gave them, for shadows that are replayed against it."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from agentsynth.evolve.shadows.model import ShadowEntity, Shape
from agentsynth.evolve.shadows.words import snake

__all__ = ["dicts_in", "is_key_name", "observed_shape"]

_IDS = frozenset(["id", "uuid", "guid", "uid"])


def is_key_name(name: str, entity: ShadowEntity) -> bool:
    """Whether a property is called like the entity's key: `id`, `task_id` of a task."""
    bare = snake(name)
    last = entity.name.rpartition("_")[2]
    forms = {entity.key, f"{entity.name}_{entity.key}", f"{last}_{entity.key}"}
    return bare in forms or (entity.key in _IDS and bare in _IDS)


def dicts_in(value: Any) -> list[dict[str, Any]]:
    """Return every object in a value, the outer ones first."""
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value)
        return [inner, *(found for part in inner.values() for found in dicts_in(part))]
    if isinstance(value, list):
        return [found for part in cast(list[Any], value) for found in dicts_in(part)]
    return []


def observed_shape(answers: Sequence[Any], deed: str, entity: ShadowEntity) -> Shape | None:
    """Return how a tool lays its results out, from answers that it gave; None = it cannot be told.

    Args:
        answers: decoded results of calls that succeeded. Texts that are no JSON tell nothing.
    """
    if deed == "list" and answers and all(isinstance(one, list) for one in answers):
        records = [r for one in answers for r in cast(list[Any], one) if isinstance(r, dict)]
        return Shape(bare=True, shown=_shown(records, entity)) if records else None
    whole = [cast(dict[str, Any], one) for one in answers if isinstance(one, dict)]
    if not whole or len(whole) < len(answers):
        return None
    if deed == "list":
        return _listed(whole, entity)
    inner = _property_with(whole, entity)
    records = whole if inner is None else [one[inner] for one in whole]
    shown = _shown(records, entity)
    beside = {n: v for n, v in _constants(whole).items() if n != inner and n not in shown}
    return Shape(inner=inner, shown=shown, said=beside)


def _listed(whole: Sequence[Mapping[str, Any]], entity: ShadowEntity) -> Shape | None:
    names = set[str].intersection(*(set(one) for one in whole))
    for name in sorted(names):
        records = [r for one in whole if isinstance(one[name], list) for r in one[name]]
        if records and all(isinstance(r, dict) and _has_key(r, entity) for r in records):
            totals = [
                other
                for other in sorted(names)
                if other != name and all(_counts(one, other, name) for one in whole)
            ]
            said = {n: v for n, v in _constants(whole).items() if n not in (name, *totals)}
            shown = _shown(records, entity)
            return Shape(items=name, shown=shown, said=said, total=next(iter(totals), None))
    return None


def _counts(one: Mapping[str, Any], total: str, items: str) -> bool:
    return type(one[total]) is int and one[total] == len(one[items])


def _property_with(whole: Sequence[Mapping[str, Any]], entity: ShadowEntity) -> str | None:
    """Return the property that holds the record; None = the result is the record."""
    if all(_has_key(one, entity) for one in whole):
        return None
    names = set[str].intersection(*(set(one) for one in whole))
    fitting = [n for n in sorted(names) if all(_has_key(one[n], entity) for one in whole)]
    return fitting[0] if len(fitting) == 1 else None


def _has_key(record: Any, entity: ShadowEntity) -> bool:
    return isinstance(record, dict) and any(
        is_key_name(name, entity) for name in cast(dict[str, Any], record)
    )


def _shown(records: Sequence[Mapping[str, Any]], entity: ShadowEntity) -> dict[str, str]:
    """Return the properties that every record has, and the field that each shows."""
    own = {snake(one.name): one.name for one in entity.fields}
    shown: dict[str, str] = {}
    for name in records[0] if records else ():
        if not all(name in record for record in records):
            continue
        if is_key_name(name, entity) and entity.key not in shown.values():
            shown[name] = entity.key
        elif snake(name) in own:
            shown[name] = own[snake(name)]
    return shown


def _constants(whole: Sequence[Mapping[str, Any]]) -> dict[str, bool | str]:
    """Return what all answers say alike: `success: true`, a sentence. One answer says nothing."""
    if len(whole) < 2:
        return {n: v for n, v in whole[0].items() if v is True}
    return {
        name: value
        for name, value in whole[0].items()
        if isinstance(value, bool | str) and all(one.get(name, ...) == value for one in whole)
    }
