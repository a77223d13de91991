"""Facts in sentences: what they are called, where they stand, and how a part stands alone."""

import re
from collections.abc import Collection

from agentsynth.evolve.synthetic.blueprint import ActionPlan
from agentsynth.evolve.synthetic.finders import Told

__all__ = ["as_sentence", "given", "is_new", "rank", "spoken"]


def given(action: ActionPlan, told: Told) -> bool:
    """Whether a fact is about a record whose key an action takes."""
    binding = action.bindings.get(told.binding)
    return binding is not None and binding.via is None


def rank(told: Told, named: Collection[str]) -> int:
    """Return where a fact stands in a sentence: what, where, whose, by whom, where to.

    Args:
        named: the records that are named here, and not before.
    """
    if told.field.kind == "email" and told.binding not in named:
        return -1
    ranks = {"line": 0, "entry": 0, "record": 0, "thing": 1, "place": 2, "party": 3}
    return 5 if is_new(told) else ranks.get(told.entity.sort, 4)


def is_new(told: Told) -> bool:
    """Whether a fact is about the second record of its kind: where something moves to."""
    return told.slot.startswith(("new_", "other_"))


def spoken(told: Told) -> str:
    """Return the noun of what a fact is about, `new` or `other` before it for the second one."""
    noun = told.entity.noun.one
    return f"{told.slot.partition('_')[0]} {noun}" if is_new(told) else noun


def as_sentence(fragment: str) -> str:
    """Return a part of a sentence as one of its own."""
    if fragment.startswith("(email "):
        return f"The email address is {fragment[7:-1]}."
    if fragment.startswith("with ") and " as the " in fragment:
        value, _, said = fragment[5:].rpartition(" as the ")
        return f"The {said} is {value}."
    amount = re.fullmatch(r"\S+ (\{[^}]+\} .+)", fragment)
    return f"It's {amount[1] if amount is not None else fragment}."
