"""Seed records of a shadow, as generators of a domain: plausible, unique where they must be."""

from collections.abc import Mapping
from typing import Any

from agentsynth.evolve.shadows.bank import bank_of, natural_bank, slugs_of
from agentsynth.evolve.shadows.forms import Forms, id_pattern
from agentsynth.evolve.shadows.model import Operation, ShadowEntity, ShadowField

__all__ = ["HIDDEN_KEYS", "entity_order", "field_spec", "generate"]

_TOP = 8
_PER_PARENT = 3
HIDDEN_KEYS = 3
"""Records of an entity that is only a scope."""


def field_spec(field: ShadowField) -> dict[str, Any]:
    """Return a field as a domain declares it.

    References are looked up by the steps and not declared: whether a record goes with what it
    belonged to, no specification says.
    """
    spec: dict[str, Any] = {"type": field.type}
    if field.type == "enum":
        spec["values"] = list(dict.fromkeys(field.values))
    if field.type == "date":
        spec["type"] = "string"  # the specification's text, whatever its form
    if not field.required:
        spec["nullable"] = True
    if field.origin == "transition" and field.type == "boolean":
        spec["nullable"] = False
    return spec


def entity_order(entities: Mapping[str, ShadowEntity]) -> list[str]:
    """Return entity names, what is referred to before what refers to it."""
    done: list[str] = []

    def place(name: str, above: tuple[str, ...]) -> None:
        if name in done or name in above:
            return
        for field in entities[name].fields:
            if field.ref is not None and field.ref in entities:
                place(field.ref, (*above, name))
        done.append(name)

    for name in entities:
        place(name, ())
    return done


def parent_of(entity: ShadowEntity, entities: Mapping[str, ShadowEntity]) -> ShadowField | None:
    """Return the field that says what a record belongs to above all; None = it stands alone."""
    refs = [f for f in entity.fields if f.ref in entities and f.ref != entity.name]
    needed = [f for f in refs if f.required] or [f for f in refs if f.origin == "scope"]
    shown = [f for f in needed if not entities[f.ref or ""].hidden]
    return (shown or needed or [None])[0]


def generate(
    forms: Forms,
    entity: ShadowEntity,
    entities: Mapping[str, ShadowEntity],
    operations: Mapping[str, Operation],
) -> dict[str, Any]:
    """Return the generator of an entity's seed records."""
    _, key = id_pattern(entity)
    if entity.hidden:
        keys: dict[str, Any] = {forms.key(entity): key}
        if entity.named_by:
            keys[entity.key] = {"cycle": list(slugs_of(entity, "slug").seeds)}
        return {"count": HIDDEN_KEYS, "fields": keys}
    parent = parent_of(entity, entities)
    names = natural_bank(entity).seeds
    made: dict[str, Any] = {}
    spec: dict[str, Any] = {}
    if parent is not None:
        many = HIDDEN_KEYS if entities[parent.ref or ""].hidden else _TOP
        per = max(1, min(_PER_PARENT, len(names) // many)) if not entity.named_by else 2
        spec = {"for_each": parent.ref, "count": per}
    else:
        spec = {"count": min(len(names), _fitting(_TOP, entity, operations))}
    made[forms.key(entity)] = key
    if entity.named_by:
        values = list(slugs_of(entity, entity.key).seeds)
        made[entity.key] = {"cycle": values}
        if parent is None:
            spec["count"] = min(spec["count"], len(values))
    for field in entity.fields:
        if field.name == entity.key and entity.named_by:
            continue
        made[field.name] = _value(forms, entity, field, parent, entities)
    return {**spec, "fields": made}


def _fitting(count: int, entity: ShadowEntity, operations: Mapping[str, Operation]) -> int:
    limits = [
        one.paging.default
        for one in operations.values()
        if one.entity == entity.name and one.deed == "list" and one.paging.default
    ]
    return max(1, min([count, *limits]))


def _value(
    forms: Forms,
    entity: ShadowEntity,
    field: ShadowField,
    parent: ShadowField | None,
    entities: Mapping[str, ShadowEntity],
) -> Any:
    if field.ref is not None and field.ref in entities:
        return _reference(forms, entity, field, parent, entities)
    if field.origin == "transition":
        return {"chance": 0.25} if field.type == "boolean" else None
    made = _plain(entity, field)
    if field.always and made is None:
        return ""
    given = field.always or field.required or field.name == entity.natural
    if given or made is None or _simple(field):
        return made
    return {"if": "n % 3 == 1", "then": None, "else": made}


def _simple(field: ShadowField) -> bool:
    return field.type in ("enum", "boolean")


def _reference(
    forms: Forms,
    entity: ShadowEntity,
    field: ShadowField,
    parent: ShadowField | None,
    entities: Mapping[str, ShadowEntity],
) -> Any:
    target = entities[field.ref or ""]
    if parent is not None and field.name == parent.name:
        return f"={target.name}.{target.key}"
    if target.name == entity.name or target.named_by:
        return None if not field.required else {"cycle": list(slugs_of(target, target.key).seeds)}
    if _comes_later(entity, target, entities):
        return None
    made: Any = {"ref": target.name}
    return made if field.required else {"if": "n % 2 == 0", "then": made, "else": None}


def _comes_later(
    entity: ShadowEntity, target: ShadowEntity, entities: Mapping[str, ShadowEntity]
) -> bool:
    order = entity_order(entities)
    return order.index(target.name) > order.index(entity.name)


def _plain(entity: ShadowEntity, field: ShadowField) -> Any:
    match field.type:
        case "enum":
            return {"pick": list(dict.fromkeys(field.values))}
        case "boolean":
            return {"chance": 0.3} if field.default is None else field.default
        case "integer":
            return {"int": [1, 40]}
        case "strings":
            return {"sample": ["alpha", "beta", "gamma", "delta"], "count": [0, 2]}
        case _:
            return _text(entity, field)


def _text(entity: ShadowEntity, field: ShadowField) -> Any:
    bank = bank_of(entity, field)
    if field.name == entity.natural:
        return {"cycle": list(natural_bank(entity).seeds)}
    if bank.date:
        return {"days": [-20, 40]}
    if bank.seeds:
        return {"pick": list(bank.seeds)}
    return {"cycle": ["standard", "extended", "basic"]} if field.required else None
