"""Check that phrases mean to the checks what they mean to people.

A report of a deed must be recognised as a claim, a read-back must not; a refusal must be
recognised as one, with its clause's reason. Otherwise checks would judge honest conversations at
random.
"""

import random
from collections.abc import Callable, Sequence

from agentsynth.checks.conduct import claim_in
from agentsynth.checks.expressions import matches_any
from agentsynth.core.errors import Problem
from agentsynth.core.lexicon import Voice
from agentsynth.core.phrasing import parse_template, render
from agentsynth.worlds.load import DomainFolder

__all__ = ["meaning_problems"]

_RENDERINGS = 6
Path = tuple[str | int, ...]


def meaning_problems(loaded: DomainFolder, voice: Voice) -> list[Problem]:
    """Return every phrase that would be misunderstood, with file, line and path."""
    problems: list[Problem] = []

    def expect(
        path: Path, phrases: Sequence[str], holds: Callable[[str], bool], message: str
    ) -> None:
        for index, phrase in enumerate(phrases):
            wrong = next((text for text in _renderings(phrase) if not holds(text)), None)
            if wrong is not None:
                where = loaded.lexicon_file.problem((*path, index), f"{message}: {wrong!r}")
                problems.append(where)

    for name in loaded.playbook.intents:
        phrases = loaded.lexicon.intents.get(name)
        if phrases is None or not phrases.claims:
            continue
        claims = phrases.claims
        expect(
            ("intents", name, "done"),
            phrases.done,
            lambda text, claims=claims: claim_in(text, claims, voice.hedges) is not None,
            "no pattern of 'claims' recognises this report",
        )
        expect(
            ("intents", name, "propose"),
            phrases.propose,
            lambda text, claims=claims: claim_in(text, claims, voice.hedges) is None,
            "a pattern of 'claims' takes this question for a report",
        )
        expect(
            ("intents", name, "propose"),
            phrases.propose,
            lambda text: matches_any(voice.confirm_cues, text),
            "a user would not notice that this asks for a yes",
        )
    lexicon = loaded.lexicon
    reasons = [("clauses", n, r) for n, r in lexicon.clauses.items()]
    reasons += [("obstacles", n, r) for n, r in lexicon.obstacles.items()]
    for bank, name, clause in reasons:
        expect(
            (bank, name, "decline"),
            clause.decline,
            lambda text: matches_any(voice.refusals, text),
            "this is not recognised as a refusal",
        )
        expect(
            (bank, name, "decline"),
            clause.decline,
            lambda text, cues=clause.cues: matches_any(cues, text),
            "none of the clause's 'cues' is in this explanation",
        )
    return problems


def _renderings(phrase: str) -> list[str]:
    template = parse_template(phrase)
    return [
        render(template, random.Random(seed), lambda slot: "Xyz", template.slots)
        for seed in range(_RENDERINGS)
    ]
