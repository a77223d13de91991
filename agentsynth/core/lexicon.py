"""How people talk in a domain, as data: what users say and what they hear.

A phrase is a template: `{name}` is filled, `(a|b)` is a choice, `[...]` is an optional part, kept
when all its slots are to be told (and by a coin when it has none).
"""

from typing import Annotated, Literal

from pydantic import Field

from agentsynth.core.frozen import Frozen, Identified
from agentsynth.core.intent import AnswerType

__all__ = [
    "ActPhrases",
    "Ask",
    "ClausePhrases",
    "Hearing",
    "IntentPhrases",
    "Language",
    "Lexicon",
    "ObstaclePhrases",
    "SlotPhrases",
    "Voice",
]

Phrases = Annotated[tuple[str, ...], Field(min_length=1)]
Hearing = Literal["person", "email", "date", "time", "pattern", "seen"]
Language = Literal["en", "zh"]


class SlotPhrases(Frozen):
    """One fact: how it is told, asked for, and heard."""

    type: AnswerType = "text"
    unit: str | None = None
    """For a `quantity`: the unit of the stored number."""
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
    which: tuple[str, ...] = ()
    """What the assistant asks when several entries fit; `{options}` lists their values."""


class IntentPhrases(Frozen):
    """One intent: how it is opened, proposed and closed."""

    open: Phrases
    propose: tuple[str, ...] = ()
    """The read-back before a write, as a question."""
    done: tuple[str, ...] = ()
    """The report after a write."""
    answer: tuple[str, ...] = ()
    """The answer of an information intent."""
    otherwise: tuple[str, ...] = ()
    """What is said when the user's condition does not hold."""
    claims: tuple[str, ...] = ()
    """Expressions by which a text claims that this was done."""


class ClausePhrases(Frozen):
    """One policy clause: how it is given as the reason to decline."""

    decline: Phrases
    cues: Phrases
    """Expressions of which a fair explanation contains at least one."""


class ObstaclePhrases(ClausePhrases):
    """Something that makes a request impossible, and is no rule of the policy."""

    codes: tuple[str, ...] = ()
    """The tool errors that this obstacle explains."""


class ActPhrases(Frozen):
    """One thing the user does with a tool of theirs."""

    ask: Phrases
    """How the assistant asks for it."""
    asked_by: Phrases
    """Expressions by which the user notices it."""
    report: Phrases
    """What the user says afterwards; slots are what the action tells."""


class Ask(Frozen):
    """A question for several facts at once."""

    slots: tuple[str, ...] = Field(min_length=2)
    ask: Phrases
    tell: Phrases


class Lexicon(Identified):
    """Phrases of one domain in one language."""

    schema_version: Literal[1] = 1
    language: Language
    slots: dict[str, SlotPhrases]
    intents: dict[str, IntentPhrases]
    clauses: dict[str, ClausePhrases] = {}
    obstacles: dict[str, ObstaclePhrases] = {}
    actions: dict[str, ActPhrases] = {}
    asks: tuple[Ask, ...] = ()
    words: dict[str, str] = {}
    """How stored values are spoken, such as `full` → `full sun`."""

    def reason(self, name: str) -> ClausePhrases | None:
        """Return how a clause or obstacle is given as the reason; None = no words for it."""
        return self.clauses.get(name) or self.obstacles.get(name)


class Voice(Identified):
    """Phrases that belong to a language and no domain."""

    schema_version: Literal[1] = 1
    language: Language
    phrases: dict[str, Phrases]
    """Bank to templates; a bank may carry a style, such as `yes.terse`."""
    opens_first: tuple[str, ...] = ()
    """Words left out of every question but the first of several."""
    opens_second: tuple[str, ...] = ()
    """Words left out of every question but the second of several."""
    confirm_cues: Phrases
    """Expressions by which a user notices a request for confirmation."""
    affirmations: Phrases
    """Expressions of which a yes contains at least one."""
    hedges: Phrases
    """Expressions by which a sentence says that something is not, or not yet, done."""
    denials: Phrases
    """Expressions that, right before a yes, make it a no."""
    corrections: Phrases
    """Expressions by which a user puts right what they said before."""
    refusals: Phrases
    """Expressions by which a text declines, or says that something cannot be done."""
