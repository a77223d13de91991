"""What is wrong with a rubric's questions before anybody answers them.

A question that two people read differently measures nothing, and a judge answers it all the same.
The rules are of wording; whether a judge ever fails or passes a criterion is for `rubric test`.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Literal

from agentsynth.core.frozen import Frozen
from agentsynth.core.names import bare
from agentsynth.core.rubric import Criterion, Rubric

__all__ = ["Slip", "SlipKind", "lint"]

SlipKind = Literal[
    "overlap",
    "vague",
    "two_in_one",
    "double_negative",
    "unseen",
    "order",
    "rewards_talk",
    "long",
    "heavy",
    "never_fails",
    "never_passes",
    "unprobed",
]
"""
overlap          two questions ask the same in other words
vague            a word that nothing shows or refutes: appropriate, reasonable, helpful, and so on
two_in_one       two questions in one: which of them was answered is not to be told
double_negative  a no that means yes
unseen           asks for what a judge is not shown: labels, certificates, other runs
order            the choices seem to run from best to worst
rewards_talk     praise or justification of itself would be the best answer
long             more than 60 words
heavy            one question weighs more than all others together
never_fails      no conversation of the probe set fails this check
never_passes     none passes it
unprobed         the probe set has no conversations of which the answer is known to be bad, or good
"""

_ALIKE = 0.6
_LONGEST = 60
_SMALL = """
    a an the is are was were be been does do did has have had it its that this these those of to in
    on for with from by at as and or not no any each every all one what which who whom how than then
    there their them they he she his her user users assistant assistants
"""
_STOP = frozenset(_SMALL.split())
_VAGUE = re.compile(
    r"\b(?:appropriate(?:ly)?|adequate(?:ly)?|reasonabl[ey]|suitabl[ey]|proper(?:ly)?|good|well"
    r"|nice(?:ly)?|better|best|high[- ]quality|quality|helpful(?:ly)?|useful(?:ly)?|sensibl[ey]"
    r"|effective(?:ly)?|satisfactor\w+|meaningful(?:ly)?|as needed|as necessary|if possible|etc"
    r"|where possible|and so on|overall|generally|in general|professional(?:ly)?|natural(?:ly)?"
    r"|optimal(?:ly)?|smart(?:ly)?|tries|try to|aims?|intends?|seems?|feels?)\b",
    re.IGNORECASE,
)
_UNSEEN = re.compile(
    r"\b(?:labels?|certificates?|ground truth|reference (?:solution|calls?|answer)|hidden"
    r"|expected (?:answer|state)|gold(?:en)?|other (?:runs?|samples?|models?)|score)\b",
    re.IGNORECASE,
)
_TWO = re.compile(
    r"\?.*\?|\b(?:and|or) (?:is|are|does|did|has|have|was|were|can)"
    r" (?:it|that|this|they|the|each|any)\b",
    re.IGNORECASE,
)
_NOT = re.compile(r"\b(?:not|never|no|none|without|n't|avoid\w*|refrain\w*|fail\w* to)\b", re.I)
_DENIES = re.compile(r"\w+ (?:\w+ ){1,3}(?:not|never)\b|\w+n't\b", re.I)
_TALK = re.compile(
    r"\b(?:prais\w+|complimen\w+|justif\w+|explains? why (?:it|its)|assur\w+)\b", re.I
)
_BEST = re.compile(r"^(?:yes|always|all|each|every|fully|full|complete\w*)\b", re.I)
_WORST = re.compile(r"^(?:no|never|none|nothing|not at all|at no time)\b", re.I)
_BAD = re.compile(
    r"\b(?:how (?:often|many|much)|prais\w+|flatter\w*|apolog\w+|repeat\w*|invent\w*|made up"
    r"|hid\w+|skip\w*|ignor\w+|address\w* whoever|graded?|harm\w*|leak\w*|pad\w*|left out"
    r"|contradict\w*|justif\w+|wrong\w*)\b",
    re.IGNORECASE,
)
"""What a question names of which less is better."""
_WORDS = re.compile(r"[a-z]+")


class Slip(Frozen):
    """One thing that is wrong with a question."""

    kind: SlipKind
    criterion: str
    told: str
    """What is wrong and what to do."""


def lint(rubric: Rubric) -> list[Slip]:
    """Return what is wrong with a rubric's questions, in their order; checks are the engine's."""
    asked = [one for one in rubric.criteria if one.question is not None]
    found = [slip for one in asked for slip in _of_one(one)]
    found += list(_overlaps(asked))
    found += list(_heavy(asked))
    order = {one.name: place for place, one in enumerate(asked)}
    return sorted(found, key=lambda slip: (order[slip.criterion], slip.kind))


def _of_one(criterion: Criterion) -> Iterator[Slip]:
    question = " ".join((criterion.question or "").split())
    whole = " ".join((question, criterion.applies or "", *criterion.choices))

    def slip(kind: SlipKind, told: str) -> Slip:
        return Slip(kind=kind, criterion=criterion.name, told=told)

    vague = _VAGUE.search(whole)
    if vague is not None:
        told = (
            f"{vague[0]!r} is shown or refuted by nothing in a conversation; say what one would see"
        )
        yield slip("vague", told)
    unseen = _UNSEEN.search(whole)
    if unseen is not None:
        yield slip("unseen", f"{unseen[0]!r}: a judge sees the conversation and nothing else")
    if _TWO.search(question):
        yield slip("two_in_one", "it asks two things; make two criteria of it")
    first, last = criterion.choices[0], criterion.choices[-1]
    if _DENIES.match(question) and _BEST.match(last) and _NOT.search(first):
        yield slip(
            "double_negative", "a no to a question that denies can be read both ways; ask plainly"
        )
    if _BEST.match(first) and _WORST.match(last) and not _asks_for_absence(criterion):
        told = f"the choices run from {first!r} to {last!r}; the worst comes first"
        yield slip("order", told)
    if (
        _TALK.search(question.partition(" without ")[0])
        and not _asks_for_absence(criterion)
        and _BEST.match(last)
    ):
        yield slip(
            "rewards_talk", "what the assistant says of itself is no evidence; ask for the deed"
        )
    words = len(question.split())
    if words > _LONGEST:
        yield slip("long", f"{words} words; {_LONGEST} at most are kept in mind")


def _asks_for_absence(criterion: Criterion) -> bool:
    """Whether a question asks how much there is of what should not be: `no` is then the best."""
    least = _WORST.match(criterion.choices[-1]) is not None
    return least and _BAD.search(criterion.question or "") is not None


def _overlaps(asked: Sequence[Criterion]) -> Iterator[Slip]:
    for one, other in combinations(asked, 2):
        mine, theirs = _terms(one), _terms(other)
        both = mine | theirs
        if both and len(mine & theirs) / len(both) >= _ALIKE:
            told = f"it asks what {one.name!r} asks; a conversation would pay twice"
            yield Slip(kind="overlap", criterion=other.name, told=told)


def _terms(criterion: Criterion) -> frozenset[str]:
    text = f"{criterion.question} {criterion.applies or ''}".casefold()
    return frozenset(bare(word) for word in _WORDS.findall(text) if word not in _STOP)


def _heavy(asked: Sequence[Criterion]) -> Iterator[Slip]:
    whole = sum(one.weight for one in asked)
    for one in asked:
        if len(asked) > 2 and one.weight > whole - one.weight:
            told = f"it weighs {one.weight:g} of {whole:g}: the others decide nothing"
            yield Slip(kind="heavy", criterion=one.name, told=told)
