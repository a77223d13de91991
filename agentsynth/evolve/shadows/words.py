"""The words of tool names: how a name is cut, what its verb does, what its noun is."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agentsynth.core.names import tokens_of
from agentsynth.evolve.shadows.lexis import (
    CLEARS,
    EMPTY,
    INVARIANT,
    IRREGULAR,
    JOINTS,
    OTHER,
    TAILS,
    TRANSITIONS,
    VERBS,
    WEAK,
)

__all__ = [
    "Name",
    "clears",
    "common_prefix",
    "is_plural",
    "read_name",
    "singular",
    "snake",
]


def snake(text: str) -> str:
    """Return a name in snake case."""
    return "_".join(tokens_of(text))


def singular(word: str) -> str:
    """Return the singular of an English noun; an unknown form comes back as it is."""
    if word in INVARIANT or len(word) < 4:
        return word
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def is_plural(word: str) -> bool:
    """Whether a noun is in the plural."""
    return singular(word) != word


def common_prefix(names: Sequence[str]) -> tuple[str, ...]:
    """Return the words that nearly all names of a server begin with: its own name, not a noun.

    A verb is never part of it. Fewer than four names have none.
    """
    cut = [tokens_of(name) for name in names]
    found: list[str] = []
    while len(names) >= 4:
        place = len(found)
        heads = Counter(t[place] for t in cut if len(t) > place + 1 and t[:place] == tuple(found))
        if not heads:
            break
        word, often = heads.most_common(1)[0]
        if often < 0.8 * len(names) or word in VERBS or word in TRANSITIONS:
            break
        found.append(word)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Name:
    """What a tool's name says."""

    verb: str | None
    """`create`, `get`, `list` …, or a word of `TRANSITIONS`; None = no verb that is known."""
    noun: tuple[str, ...]
    """What it acts on, in the singular; empty = not said."""
    plural: bool
    """Whether the noun is in the plural."""
    owned: bool = False
    """True = other words stand before the verb: `user issue create comment`, a key without a word
    of its own may be theirs."""
    tail: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """What follows the joints, such as `(("for", ("project",)),)`, in the singular."""


def read_name(name: str, prefix: Iterable[str] = ()) -> Name:
    """Read a tool's name: verb first (`create_issue`), or verb last (`issue-create`)."""
    words = [word for word in tokens_of(name.replace("AddOn", "Addon")) if word not in EMPTY]
    for word in prefix:
        if words and words[0] == word:
            words = words[1:]
    head, tail = _joints(words)
    place = _verb_place(head)
    if place is None:
        return Name(None, _nouns(head), _plural(head), tail=tail)
    verb, rest = head[place], head[:place] + head[place + 1 :]
    owned = place > 0 and bool(head[place + 1 :])
    if owned:
        # `user issue create comment`: what stands before the verb is the owner
        rest = head[place + 1 :]
        tail = (("of", _nouns(head[:place])), *tail)
    return Name(VERBS.get(verb, verb), _nouns(rest), _plural(rest), owned, tail)


def _verb_place(words: Sequence[str]) -> int | None:
    ends = (0, len(words) - 1)
    known = [
        place
        for place, word in enumerate(words)
        if (word in VERBS or word in TRANSITIONS) and (place in ends or word not in WEAK)
    ]
    if words and words[0] in OTHER:
        return None
    if not known:
        return None
    if known[0] == 0:
        return 0
    return known[-1] if known[-1] == len(words) - 1 else known[0]


def _joints(
    words: Sequence[str],
) -> tuple[list[str], tuple[tuple[str, tuple[str, ...]], ...]]:
    head: list[str] = []
    tails: list[tuple[str, list[str]]] = []
    for word in words:
        if word in JOINTS and (head or tails):
            tails.append((word, []))
        elif tails:
            tails[-1][1].append(word)
        else:
            head.append(word)
    return head, tuple((joint, _nouns(rest)) for joint, rest in tails if rest)


def _nouns(words: Sequence[str]) -> tuple[str, ...]:
    found = [singular(word) for word in words]
    while len(found) > 1 and found[-1] in TAILS:
        found.pop()
    return tuple(found)


def _plural(words: Sequence[str]) -> bool:
    kept = [word for word in words if word not in TAILS] or list(words)
    return bool(kept) and is_plural(kept[-1])


def clears(verb: str) -> bool:
    """Whether a transition's verb takes its flag away."""
    return verb in CLEARS
