"""Words for records: what a thing of this kind is called, and what a field of this name holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from agentsynth.core.names import tokens_of
from agentsynth.evolve.shadows.model import ShadowEntity, ShadowField
from agentsynth.evolve.shadows.words import singular

__all__ = ["Bank", "bank_of", "label_of", "noun_of"]

_QUOTED = re.compile(r"[\"'`“]([A-Za-z0-9][^\"'`”\n]{0,38})[\"'`”]")
_EXAMPLES = re.compile(
    r"(?i)(?:e\.?g\.?|for example|such as|example:|examples?:|like)\s*:?,?\s*(.{3,120})"
)
_SHARE = 0.65
"""Share of a bank that seed records use; requests take new values from the rest."""


@dataclass(frozen=True, slots=True)
class Bank:
    """Values for one field."""

    seeds: tuple[str, ...]
    """What seed records hold."""
    fresh: tuple[str, ...]
    """What requests bring: none of `seeds`."""
    date: bool = False
    """True = dates; there are no lists then."""
    known: bool = True
    """False = nothing is known of what such a field holds."""


def label_of(name: str) -> str:
    """Return how people say a field's name: `due date` for `dueDate`."""
    words = list(tokens_of(name))
    while len(words) > 1 and words[-1] in ("id", "gid", "uuid", "sid"):
        words.pop()
    return " ".join(words)


def noun_of(entity: str) -> str:
    """Return how people say an entity's name."""
    return entity.replace("_", " ")


def bank_of(entity: ShadowEntity, field: ShadowField) -> Bank:
    """Return values that a field of this entity may hold."""
    if field.type == "date":
        return Bank((), (), date=True)
    examples = _examples(field.description)
    words = list(tokens_of(field.name))
    rule = _rule(words)
    if rule is not None and rule.get("use") == "dates":
        return Bank((), (), date=True)
    if rule is not None and rule.get("use") in ("names", "texts"):
        return _split(_kind(entity.name)[str(rule["use"])])
    if rule is not None:
        return _split(rule["values"])
    if len(examples) >= 3:
        return Bank(tuple(examples[:-1]), tuple(examples[-1:]))
    return Bank((), (), known=False)


def names_of(entity: ShadowEntity) -> Bank:
    """Return what records of this entity are called."""
    return _split(_kind(entity.name)["names"])


def natural_bank(entity: ShadowEntity) -> Bank:
    """Return values for the field that people name a record by: as many as there are."""
    field = entity.field(entity.natural) if entity.natural is not None else None
    rule = _rule(list(tokens_of(field.name))) if field is not None else None
    return _split(rule["values"]) if rule is not None and "values" in rule else names_of(entity)


def slugs_of(entity: ShadowEntity, last: str) -> Bank:
    """Return keys of an entity that is known by its name."""
    del entity
    rule = _rule([last])
    if rule is not None and "values" in rule:
        return _split(rule["values"])
    return _split(_data()["kinds"]["machine"]["names"])


def _split(values: Sequence[Any]) -> Bank:
    texts = tuple(str(value) for value in values)
    cut = max(1, min(len(texts) - 1, round(len(texts) * _SHARE)))
    return Bank(texts[:cut], texts[cut:])


def _rule(words: Sequence[str]) -> Mapping[str, Any] | None:
    said = " ".join(words)
    found: tuple[int, Mapping[str, Any]] | None = None
    for rule in _data()["fields"]:
        for end in rule["ends"]:
            fits = said == end or said.endswith(f" {end}")
            if fits and (found is None or len(end) > found[0]):
                found = (len(end), rule)
    return found[1] if found is not None else None


def _kind(noun: str) -> Mapping[str, Any]:
    kinds: Mapping[str, Mapping[str, Any]] = _data()["kinds"]
    words = [singular(word) for word in noun.split("_")]
    for size in range(len(words), 0, -1):
        tail = "_".join(words[-size:])
        for kind in kinds.values():
            if tail in kind["nouns"]:
                return kind
    return kinds[_data()["default_kind"]]


def _examples(description: str) -> list[str]:
    match = _EXAMPLES.search(description)
    if match is None:
        return []
    quoted = _QUOTED.findall(match[1])
    return list(dict.fromkeys(text.strip() for text in quoted))


@cache
def _data() -> Mapping[str, Any]:
    text = (Path(__file__).parent / "vocabulary.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)
