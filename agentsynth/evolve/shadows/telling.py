"""What people tell and ask of a record's fields: new values, and those worth a question."""

from agentsynth.evolve.shadows.bank import Bank, bank_of, label_of, natural_bank, noun_of, slugs_of
from agentsynth.evolve.shadows.forms import Forms
from agentsynth.evolve.shadows.model import Operation, ShadowEntity, ShadowField, Shape
from agentsynth.evolve.shadows.request import Request, Slot, Stuck, identifier

__all__ = ["answer", "answerable", "new_key", "new_value", "settable"]

_COUNTS = (2, 3, 5, 8, 12, 15, 20, 30, 45, 60)
"""What people set a number to."""
_DAYS = (3, 5, 8, 12, 17, 21, 30, 45)
"""How many days ahead a new date lies."""
_SHORT = 50
"""Characters of a value that is no longer said in a sentence."""


def new_key(request: Request, entity: ShadowEntity) -> str:
    """Let the user name what is to be made by its key; return the key's source."""
    drawn = f"new_{identifier(entity.name)}"
    slot = f"{drawn}_name"
    request.draw[drawn] = {"choose": list(slugs_of(entity, entity.key).fresh)}
    request.subject = slot
    request.tell(Slot(slot, noun_of(entity.name), "text", fresh=True), f"={drawn}")
    return f"${slot}"


def new_value(request: Request, entity: ShadowEntity, one: ShadowField) -> str:
    """Let the user bring a value for a field; return its source.

    Raises:
        Stuck: if nobody knows such values, or it would be the second date in one text.
    """
    natural = one.name == entity.natural
    fresh = natural and request.deed == "create"
    value = f"value_{identifier(one.name)}"
    name = f"new_{identifier(entity.name)}_{'name' if fresh else value}"
    if fresh:
        request.subject = name
    label = noun_of(entity.name) if fresh else label_of(one.name)
    match one.type:
        case "enum":
            request.draw[value] = {"choose": list(dict.fromkeys(one.values))}
            slot = Slot(name, label, "enum", values=tuple(one.values))
        case "integer":
            request.draw[value] = {"choose": list(_COUNTS)}
            slot = Slot(name, label, "count")
        case _:
            bank = bank_of(entity, one)
            if bank.date:
                return _new_date(request, Slot(name, label, "date"), value)
            values = natural_bank(entity).fresh if natural else bank.fresh
            if not values:
                raise Stuck
            request.draw[value] = {"choose": list(values)}
            slot = Slot(name, label, "text", fresh=fresh)
    subject = request.draw.get("subject")
    if subject is not None and "record" in subject and one.type != "date":
        request.narrow(f"it.{one.name} == null || it.{one.name} != {value}")
        request.draw = {value: request.draw.pop(value), **request.draw}  # the filter speaks of it
    request.tell(slot, f"={value}")
    return f"${name}"


def _new_date(request: Request, slot: Slot, value: str) -> str:
    if any(told.kind == "date" for told in request.slots):
        raise Stuck  # two dates in one text cannot be told apart
    request.draw[value] = {"choose": list(_DAYS)}
    request.tell(slot, f"=add_days(today, {value})")
    return f"${slot.name}"


def settable(operation: Operation, entity: ShadowEntity) -> list[tuple[str, ShadowField]]:
    """Return parameters with fields that people would set, the plainest first."""
    found: list[tuple[int, str, ShadowField]] = []
    for parameter, name in operation.sets.items():
        one = entity.field(name)
        assert one is not None
        if one.ref is not None or one.type in ("strings", "boolean", "text"):
            continue
        bank = bank_of(entity, one)
        known = bank.date or bank.fresh or one.name == entity.natural
        if one.type == "string" and not known:
            continue
        if one.type == "enum" and len(one.values) < 2:
            continue
        rank = 0 if one.name == entity.natural else 1 if one.type in ("enum", "date") else 2
        found.append((rank, parameter, one))
    return [(p, one) for _, p, one in sorted(found, key=lambda item: item[0])]


def answerable(forms: Forms, entity: ShadowEntity, shape: Shape | None) -> list[ShadowField]:
    """Return the fields that a person would ask about, the plainest first.

    Args:
        shape: how results are laid out, which says what they show; None = not known.
    """
    found: list[tuple[int, ShadowField]] = []
    shown = forms.names(entity, shape).values()
    for one in entity.fields:
        if one.ref is not None or one.name in (entity.natural, entity.key):
            continue
        if one.name not in shown:
            continue
        if one.type == "enum":
            found.append((0, one))
        elif one.type == "integer":
            found.append((2, one))
        elif one.type in ("string", "date") and _is_short(bank_of(entity, one)):
            found.append((1, one))
    return [one for _, one in sorted(found, key=lambda pair: pair[0])]


def answer(request: Request, entity: ShadowEntity, one: ShadowField, at: str) -> None:
    """Ask for a field of the record that the plan calls `at`."""
    kind = {"integer": "count"}.get(one.type, "text")
    if one.type in ("string", "date") and bank_of(entity, one).date:
        kind = "date"
    if not one.required:
        request.narrow(f"it.{one.name} != null")
    request.asked = label_of(one.name)
    request.answers["answer"] = {"value": f"={at}.{one.name}", "type": kind}


def _is_short(bank: Bank) -> bool:
    """Whether a field holds something that can be said in a sentence."""
    return bank.known and (bank.date or all(len(value) < _SHORT for value in bank.seeds))
