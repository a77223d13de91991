"""How alike two answers and two states are, and how records are read out of a tool's answer."""

import json
from collections.abc import Collection, Mapping
from typing import Any, cast

from agentsynth.evolve.shadows.model import ShadowEntity
from agentsynth.evolve.shadows.observed import dicts_in, is_key_name
from agentsynth.evolve.shadows.words import snake

__all__ = [
    "Records",
    "json_of",
    "key_in",
    "leaves",
    "like_facts",
    "like_layout",
    "like_records",
    "mean",
    "records_in",
    "translated",
]

Records = dict[str, dict[str, Any]]
"""Records of one entity, by key."""


def mean(values: Collection[float]) -> float:
    """Return the mean; of nothing it is 0."""
    return sum(values) / len(values) if values else 0.0


def json_of(text: str) -> Any:
    """Return the value that a text is as JSON, or the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def translated(arguments: Any, twin: Mapping[str, str]) -> Any:
    """Return a value with every key as the other side knows it.

    Args:
        arguments: any JSON value.
        twin: key to the other side's key.
    """
    if isinstance(arguments, dict):
        return {n: translated(v, twin) for n, v in cast(dict[str, Any], arguments).items()}
    own = twin.get(str(arguments))
    if own is None or isinstance(arguments, bool):
        return arguments
    return int(own) if isinstance(arguments, int) and own.isdigit() else own


def leaves(value: Any) -> list[str]:
    """Return the texts and numbers in a value, as texts; no flags and no single digits."""
    if isinstance(value, dict):
        return [leaf for part in cast(dict[str, Any], value).values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in cast(list[Any], value) for leaf in leaves(part)]
    if isinstance(value, bool) or value is None or len(str(value)) < 2:
        return []
    return [str(value)]


def like_layout(ours: Any, theirs: Any) -> float:
    """Return the share of the property names in our answer that theirs has too; prose has none."""
    names = _names(ours)
    if not isinstance(theirs, dict | list):
        return 0.0
    return len(names & _names(theirs)) / len(names) if names else 1.0


def like_facts(
    ours: Any, text: str, *, known: set[str], twin: Mapping[str, str], true: set[str]
) -> float:
    """Return the F1 score of known values; what is true of its records and left unsaid is no fault.

    Args:
        ours: the shadow's answer, as a value.
        text: the server's answer.
        known: values that calls have written or named.
        twin: the server's key of a record to the shadow's.
        true: values that the server's state holds.
    """
    theirs = json_of(text)
    back = {own: key for key, own in twin.items()}
    counted = known | set(twin)
    mine = {back.get(value, value) for value in leaves(ours)} & counted
    unsaid = true - set(twin)  # a record that the server's answer lacks is a fault
    mine -= unsaid - set(leaves(theirs)) - {value for value in unsaid if value in text}
    if isinstance(theirs, dict | list):
        yours = set(leaves(theirs)) & counted
    else:
        yours = {value for value in counted if value in text}
    if not mine and not yours:
        return 1.0
    return 2 * len(mine & yours) / (len(mine) + len(yours))


def like_records(
    theirs: Records,
    ours: Mapping[str, Mapping[str, Any]],
    twin: Mapping[str, str],
    entity: ShadowEntity,
) -> float:
    """Return how far both sides agree on the records of an entity, given by their own keys."""
    paired = {key: ours.get(twin.get(key, key)) for key in theirs}
    both = [key for key, record in paired.items() if record is not None]
    either = len(theirs) + len(ours) - len(both)
    if not either:
        return 1.0
    shares = [_like_record(theirs[key], paired[key] or {}, twin, entity) for key in both]
    return len(both) / either * (mean(shares) if shares else 1.0)


def _like_record(
    theirs: Mapping[str, Any],
    ours: Mapping[str, Any],
    twin: Mapping[str, str],
    entity: ShadowEntity,
) -> float:
    names = [
        f.name
        for f in entity.fields
        if f.name in theirs and (theirs[f.name] is not None or ours.get(f.name) is not None)
    ]
    if not names:
        return 1.0
    equal = sum(str(translated(theirs[name], twin)) == str(ours.get(name)) for name in names)
    return equal / len(names)


def key_in(value: Any, entity: ShadowEntity) -> str | None:
    """Return the first key of a record of this kind in an answer; None = it shows none."""
    for record in dicts_in(value):
        for name, one in record.items():
            if is_key_name(name, entity) and isinstance(one, str | int):
                return str(one)
    return None


def records_in(value: Any, entity: ShadowEntity, key: str | None = None) -> Records:
    """Return the records that a result shows, with the entity's own names of fields.

    Args:
        key: only the record of this key; None = all.
    """
    own = {snake(one.name): one.name for one in entity.fields}
    found: Records = {}
    for record in dicts_in(value):
        keys = [
            str(v) for n, v in record.items() if is_key_name(n, entity) and isinstance(v, str | int)
        ]
        place = keys[0] if keys else None
        if place is None or (key is not None and place != key):
            continue
        shown = {own[snake(n)]: v for n, v in record.items() if snake(n) in own}
        found.setdefault(place, {}).update(shown)
    return found


def _names(value: Any) -> set[str]:
    """Return the property names in a value, in snake case."""
    if isinstance(value, dict):
        inner = cast(dict[str, Any], value)
        return {snake(n) for n in inner} | {n for part in inner.values() for n in _names(part)}
    if isinstance(value, list):
        return {name for part in cast(list[Any], value) for name in _names(part)}
    return set()
