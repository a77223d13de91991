"""How people talk in a domain, as data: what users say and what they hear.

A phrase is a template: `{name}` is filled, `(a|b)` is a choice, `[...]` is an optional part, kept
when all its slots are to be told (and by a coin when it has none).
"""

from typing import Annotated, Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified

__all__ = ["Ask", "ClausePhrases", "Hearing", "IntentPhrases", "Lexicon", "SlotPhrases", "Voice"]

Phrases = Annotated[tuple[str, ...], Field(min_length=1)]
Hearing = Literal["person", "email", "date", "pattern", "seen"]


class SlotPhrases(Frozen):
    """One fact: how it is told, asked for, and heard."""

    type: Literal["text", "date", "money", "count"] = "text"
    hearing: Hearing
    """`seen` = recognised among what a tool listed; `pattern` = by the expressions below."""
    patterns: tuple[str, ...] = ()
    """Regular expressions with one group, for `pattern`."""
    tell: Phrases
    """What the user answers when asked."""
    ask: Phrases
    """What the assistant asks."""
    asked_by: Phrases
    """Expressions by which a user notices that this is asked."""


class IntentPhrases(Frozen):
    """One intent: how it is opened, proposed and closed."""

    open: Phrases
    propose: tuple[str, ...] = ()
    """The read-back before a write, as a question."""
    done: tuple[str, ...] = ()
    """The report after a write."""
    answer: tuple[str, ...] = ()
    """The answer of an information intent."""
    claims: tuple[str, ...] = ()
    """Expressions by which a text claims that this was done."""


class ClausePhrases(Frozen):
    """One policy clause: how it is given as the reason to decline."""

    decline: Phrases
    cues: Phrases
    """Expressions of which a fair explanation contains at least one."""


class Ask(Frozen):
    """A question for several facts at once."""

    slots: tuple[str, ...] = Field(min_length=2)
    ask: Phrases
    tell: Phrases


class Lexicon(Identified):
    """Phrases of one domain in one language."""

    schema_version: Literal[1] = 1
    language: Literal["en"]
    slots: dict[str, SlotPhrases]
    intents: dict[str, IntentPhrases]
    clauses: dict[str, ClausePhrases] = {}
    asks: tuple[Ask, ...] = ()
    words: dict[str, str] = {}
    """How stored values are spoken, such as `full` → `full sun`."""


class Voice(Identified):
    """Phrases that belong to a language and no domain."""

    schema_version: Literal[1] = 1
    language: Literal["en"]
    phrases: dict[str, Phrases]
    """Bank to templates; a bank may carry a style, such as `yes.terse`."""
    confirm_cues: Phrases
    """Expressions by which a user notices a request for confirmation."""
    affirmations: Phrases
    """Expressions of which a yes contains at least one."""
    refusals: Phrases
    """Expressions by which a text declines."""
