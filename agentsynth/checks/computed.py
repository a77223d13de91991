"""Amounts of money an assistant may state although nobody showed them: simple sums over shown ones.

Allowed is the sum or the difference of two different amounts, an amount times a whole number from
2 to 31, and a percentage of an amount, rounded to the cent. The operands must be there to see:

- an amount is one that somebody stated with its currency: the user, the system prompt, a result,
  or the assistant before or in the same message (where it is checked itself); or one that results
  show in a field of money, as long as these are at most six;
- a whole number or percentage is one that stands in the same message or that the user said.

Everything else, such as a sum of three that shows no part of it, counts as made up. A quantity may
also be the sum of one field over all results of one tool, as when every meter was read. A time of
day may be as far from one that was shown as a duration that was shown with its unit, or that a
result shows in a field whose name says so.
"""

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.visible import Visible, decimal, leaves
from agentsynth.core.messages import AssistantMessage, ToolMessage, UserMessage

__all__ = ["amount_grounded", "is_total", "time_grounded"]

_CENT = Decimal("0.01")
_MOST_FIELDS = 6
_FACTORS = frozenset(Decimal(number) for number in range(2, 32))


def amount_grounded(evidence: Evidence, index: int, amount: Decimal, visible: Visible) -> bool:
    """Whether an amount in a message (major units) was visible before it, or follows from what was.

    Args:
        index: of the message.
        visible: all that was to be seen before it.
    """
    if _shown(amount, visible):
        return True
    operands = _operands(evidence, index, visible) - {amount}
    if any(amount + one in operands for one in operands):
        return True
    if any(amount - one in operands and amount != 2 * one for one in operands):
        return True
    factors = _factors(evidence, index)
    return any(
        (one * factor).quantize(_CENT, ROUND_HALF_UP) == amount
        for one in operands
        for factor in factors
    )


def is_total(evidence: Evidence, index: int, value: Decimal) -> bool:
    """Whether a value is the sum of one field over all results of one tool before a message."""
    totals: dict[tuple[str, str], Decimal] = {}
    for place, call, message in evidence.calls:
        if place >= index or message is None or message.is_error:
            continue
        for path, part in leaves(evidence.result(message)):
            number = decimal(part)
            if number is not None:
                totals[call.name, path] = totals.get((call.name, path), Decimal(0)) + number
    return value in totals.values()


def time_grounded(evidence: Evidence, index: int, minute: int, visible: Visible) -> bool:
    """Whether a time in a message was visible before it, or is a shown duration away from one."""
    if visible.has_minute(minute):
        return True
    durations = visible.durations
    for path, value in _fields(evidence, index):
        number = decimal(value)
        if number is not None and ("minute" in path.lower() or "duration" in path.lower()):
            durations.add(number)
    return any(abs(minute - shown) in durations for shown in visible.minutes)


def _fields(evidence: Evidence, index: int) -> Iterator[tuple[str, Any]]:
    """Yield (field, value) of every result before a message."""
    for message in evidence.messages[:index]:
        if isinstance(message, ToolMessage) and not message.is_error:
            for path, value in leaves(evidence.result(message)):
                yield path.rpartition(".")[2], value


def _operands(evidence: Evidence, index: int, visible: Visible) -> set[Decimal]:
    """Return the amounts that may be computed with."""
    found = set(visible.amounts)
    for place, message in enumerate(evidence.messages[: index + 1]):
        if isinstance(message, AssistantMessage):
            stated = [m.value for m in evidence.texts[place].quantities if m.money]
            # In the same message only what was visible by itself supports the rest.
            found.update(a for a in stated if place < index or _shown(a, visible))
    in_fields = _money_fields(evidence, index)
    return found | in_fields if len(in_fields) <= _MOST_FIELDS else found


def _shown(amount: Decimal, visible: Visible) -> bool:
    return visible.has_number(amount) or visible.has_cents(amount * 100)


def _money_fields(evidence: Evidence, index: int) -> set[Decimal]:
    """Return the amounts in fields of money of the results before a message."""
    names = {
        name
        for entity in evidence.runtime.domain.entities.values()
        for name, field in entity.fields.items()
        if field.type == "money"
    }
    found: set[Decimal] = set()
    for name, value in _fields(evidence, index):
        number = decimal(value)
        if number is not None and (name in names or name.lower().endswith("cents")):
            found.add(number / 100)
    return found


def _factors(evidence: Evidence, index: int) -> set[Decimal]:
    """Return the whole numbers and percentages of this message and of the user's before it."""
    places = [
        place
        for place, message in enumerate(evidence.messages[: index + 1])
        if place == index or isinstance(message, UserMessage)
    ]
    mentions = [mention for place in places for mention in evidence.texts[place].quantities]
    found = {mention.raw / 100 for mention in mentions if mention.base == "%"}
    found |= {m.raw for m in mentions if not m.money and m.base != "%" and m.raw in _FACTORS}
    return found
