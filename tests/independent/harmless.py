"""Conversations that are as right as before: carried out again with a change that does not count.

The other class beside `mutants.py`: what a check finds wrong here is a false alarm.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from agentsynth.core.protocols import OpenWorld
from agentsynth.core.trajectory import Trajectory
from tests.independent.mutants import Called, Case, Said, Script, perform, script_of

__all__ = ["SAME", "vary"]

_POLITE = (
    ("Anything else I can do for you?", "Is there anything else you'd like me to do?"),
    ("Is there anything else I can help with?", "Can I help with anything else?"),
    ("Can I help with anything else?", "Is there anything else I can help you with?"),
    ("Let me know if there's something else.", "Just tell me if there's something else."),
    ("You're welcome.", "My pleasure."),
    ("You're welcome!", "My pleasure!"),
    ("One moment, please.", "Just a moment, please."),
    ("Let me check that for you.", "I'll look that up for you."),
    ("Take care, and come back any time.", "All the best, and do come back any time."),
    ("Thank you", "Many thanks"),
    ("thank you", "many thanks"),
    ("Bye for now!", "Goodbye!"),
    ("Good morning.", "Good day."),
    ("Good afternoon.", "Good day."),
    ("Gladly.", "With pleasure."),
    ("Dear team,", "Hello,"),
)
"""Phrases that mean the same to whoever hears them."""


def _other_order(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Make the look-ups of one message in another order."""
    able = [
        place
        for place, item in enumerate(script)
        if isinstance(item, Called)
        and len(item.calls) > 1
        and not any(call.name in case.writes for call in item.calls)
    ]
    if not able:
        return None
    place = rng.choice(able)
    item = script[place]
    assert isinstance(item, Called)
    calls = tuple(rng.sample(item.calls, len(item.calls)))
    return [*script[:place], replace(item, calls=calls), *script[place + 1 :]]


def _other_ids(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Give every call another id."""
    used: set[str] = set()

    def renamed(item: Called) -> Called:
        calls = []
        for call in item.calls:
            name = f"{rng.choice(('call', 'toolu', 'fc'))}_{rng.randrange(16**8):08x}_{len(used)}"
            used.add(name)
            calls.append(call.model_copy(update={"id": name}))
        return replace(item, calls=tuple(calls))

    made: Script = [renamed(item) if isinstance(item, Called) else item for item in script]
    return made if used else None


def _other_manners(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Put another polite phrase in the place of one."""
    able = [
        (place, old, new)
        for place, item in enumerate(script)
        if isinstance(item, Said | Called)
        for old, new in _POLITE
        if old in item.text
    ]
    if not able:
        return None
    place, old, new = rng.choice(able)
    return _with_text(script, place, lambda text: text.replace(old, new))


def _other_spaces(case: Case, script: Script, rng: random.Random) -> Script | None:
    """Put more white space between sentences, and at the ends of messages."""
    able = [n for n, item in enumerate(script) if isinstance(item, Said) and item.text]
    if not able:
        return None
    for place in rng.sample(able, rng.randint(1, len(able))):
        gap = rng.choice(("  ", "\n", "\n\n", " \n"))
        end = rng.choice(("", " ", "\n"))
        script = _with_text(
            script,
            place,
            lambda text, gap=gap, end=end: (
                text.replace("? ", f"?{gap}").replace("! ", f"!{gap}") + (end or " ")
            ),
        )
    return script


def _with_text(script: Script, place: int, change: Callable[[str], str]) -> Script:
    item = script[place]
    assert isinstance(item, Said | Called)
    changed = replace(item, text=change(item.text))
    return [*script[:place], changed, *script[place + 1 :]]


SAME: Mapping[str, Callable[[Case, Script, random.Random], Script | None]] = {
    "other_order": _other_order,
    "other_ids": _other_ids,
    "other_manners": _other_manners,
    "other_spaces": _other_spaces,
}
"""Sorts of change that do not count."""


async def vary(
    kind: str, case: Case, rng: random.Random, open_world: OpenWorld
) -> Trajectory | None:
    """Return a conversation as right as before; None where it gives none of this sort."""
    before = script_of(case.trajectory)
    script = SAME[kind](case, before, rng)
    if script is None or script == before:
        return None
    return await perform(case, script, open_world)
