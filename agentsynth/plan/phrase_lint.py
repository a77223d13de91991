"""What can be known about phrases before anyone speaks: every slot, bank and pattern."""

import re
from collections.abc import Sequence

from agentsynth.core.errors import Problem, UserError
from agentsynth.core.intent import GuardStep, Intent
from agentsynth.core.lexicon import IntentPhrases
from agentsynth.core.phrasing import parse_template
from agentsynth.plan.recipe import steps_named
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.load import DomainFolder
from agentsynth.worlds.wording import near

__all__ = ["phrase_problems"]

Path = tuple[str | int, ...]
_ACTING = ("write", "writes", "scheduled", "long", "conditional", "dual")

_MORE = "; give it `open`, and `propose`, `done` and `claims` where it changes something"
_GROUP = ": brackets ( ) around what is to be heard, and (?: ) around anything else"


def phrase_problems(loaded: DomainFolder) -> list[Problem]:
    """Return everything wrong with a domain's phrases."""
    file = loaded.lexicon_file
    lexicon = loaded.lexicon
    problems: list[Problem] = []
    for name, slot in lexicon.slots.items():
        path: Path = ("slots", name)
        problems += _templates(file, (*path, "tell"), slot.tell, set(lexicon.slots))
        problems += _templates(file, (*path, "ask"), slot.ask, None)
        problems += _patterns(file, (*path, "asked_by"), slot.asked_by, groups=0)
        problems += _patterns(file, (*path, "patterns"), slot.patterns, groups=1)
        if (slot.hearing == "pattern") != bool(slot.patterns):
            problems.append(file.problem(path, "'patterns' belongs to 'hearing: pattern'"))
        which = {*lexicon.slots, "options"}
        problems += _templates(file, (*path, "which"), slot.which, which)
    for bank, reasons in (("clauses", lexicon.clauses), ("obstacles", lexicon.obstacles)):
        for name, phrases in reasons.items():
            problems += _patterns(file, (bank, name, "cues"), phrases.cues, groups=0)
            problems += _templates(file, (bank, name, "decline"), phrases.decline, None)
    for name, action in lexicon.actions.items():
        problems += _patterns(file, ("actions", name, "asked_by"), action.asked_by, groups=0)
        problems += _templates(file, ("actions", name, "ask"), action.ask, None)
    for index, ask in enumerate(lexicon.asks):
        problems += _templates(file, ("asks", index, "tell"), ask.tell, set(ask.slots))
    for name, intent in loaded.playbook.intents.items():
        phrases = lexicon.intents.get(name)
        if phrases is None:
            problems.append(
                file.problem(("intents",), f"no phrases for the intent {name!r}{_MORE}")
            )
            continue
        problems += _intent_phrases(file, ("intents", name), intent, phrases)
    return problems


def _intent_phrases(
    file: Loaded, path: Path, intent: Intent, phrases: IntentPhrases
) -> list[Problem]:
    told = {slot for action in intent.actions.values() for slot in action.tells}
    seen = {*intent.facts, *intent.answers, *steps_named(intent), *told}
    problems = _templates(file, (*path, "open"), phrases.open, set(intent.facts))
    for bank in ("propose", "done", "answer", "otherwise"):
        problems += _templates(file, (*path, bank), getattr(phrases, bank), seen)
    problems += [
        file.problem((*path, bank), f"an intent of kind {intent.kind!r} needs a phrase here")
        for bank in _needed(intent)
        if not getattr(phrases, bank)
    ]
    return problems + _patterns(file, (*path, "claims"), phrases.claims, groups=0)


def _needed(intent: Intent) -> tuple[str, ...]:
    """Return the banks an intent of this kind cannot do without."""
    if all(isinstance(step, GuardStep) for step in intent.steps):
        return ()
    if intent.condition is not None:
        return ("done", "claims", "otherwise")
    if intent.answers:
        return ("answer",)
    return ("propose", "done", "claims") if intent.kind in _ACTING else ("answer",)


def _templates(
    file: Loaded, path: Path, phrases: Sequence[str], known: set[str] | None
) -> list[Problem]:
    problems: list[Problem] = []
    for index, phrase in enumerate(phrases):
        try:
            slots = parse_template(phrase).slots
        except UserError as error:
            problems.append(file.problem((*path, index), str(error)))
            continue
        for slot in slots:
            if known is not None and slot.partition("|")[0].split(".")[0] not in known:
                listed = ", ".join(sorted(known)) + near(slot, known)
                problems.append(
                    file.problem((*path, index), f"unknown slot {slot!r}; known here: {listed}")
                )
    return problems


def _patterns(file: Loaded, path: Path, patterns: Sequence[str], *, groups: int) -> list[Problem]:
    problems: list[Problem] = []
    for index, pattern in enumerate(patterns):
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            problems.append(file.problem((*path, index), f"not a regular expression: {error}"))
            continue
        if groups and compiled.groups != groups:
            problems.append(file.problem((*path, index), f"needs exactly {groups} group{_GROUP}"))
    return problems
