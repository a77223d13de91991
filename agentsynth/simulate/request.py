"""The request at hand: what the scripted assistant heard of it, and how far its plan has come."""

import re
from collections.abc import Sequence
from typing import Any

from agentsynth.core.intent import CallStep, Intent, PickStep
from agentsynth.core.lexicon import IntentPhrases, Lexicon
from agentsynth.plan.recipe import Memory, PlannedCall, PlanRun
from agentsynth.plan.sources import UNKNOWN, facts_used, narrowing_facts
from agentsynth.simulate.flaws import Flawed
from agentsynth.simulate.hearing import Heard
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Request"]

_OF_ONE = re.compile(r"=\s*([a-z_][a-z0-9_]*)(?:\.[a-z_][a-z0-9_]*)*\s*")
"""A fact that is a field of one thing drawn, such as `=reader.card_number`."""


class Request:
    """One of the things a user wants, from its first word to the report."""

    def __init__(
        self,
        number: int,
        intents: Sequence[str],
        runtime: DomainRuntime,
        today: str,
        memory: Memory,
        flaw: Flawed | None,
        before: "Request | None" = None,
    ) -> None:
        """Begin a request.

        Args:
            number: its place among the intents.
            memory: what was picked before, shared by all requests of a conversation.
            flaw: None = nothing is done wrong on purpose.
            before: the request that came before; None = this is the first.
        """
        self.name = intents[number]
        self.is_last = number + 1 == len(intents)
        self.intent: Intent = runtime.playbook.intents[self.name]
        self.needs = facts_used(self.intent)
        self.flaw = flaw if flaw is not None and flaw.segment == number else None
        """The flaw that is planted in this request."""
        self._runtime = runtime
        self._lexicon: Lexicon = runtime.lexicon
        self._memory = memory
        self.heard = Heard(self._lexicon, [], today)
        self.heard.kept = self._kept_facts(before) if before is not None else {}
        self.run = self._new_run()
        self.confirmed: int | None = None
        self.asked_to_act: set[str] = set()
        self.reported = self.declined = self.wrote = False
        self._in_vain: dict[str, int] = {}

    @property
    def phrases(self) -> IntentPhrases:
        """What is said about such a request."""
        return self._lexicon.intents[self.name]

    @property
    def writes_ahead(self) -> bool:
        """Whether the plan changes anything."""
        steps = self.intent.steps
        return any(isinstance(s, CallStep) and self._runtime.step_writes(s) for s in steps)

    def is_last_call(self, call: PlannedCall) -> bool:
        """Whether the plan has no call after this one."""
        return not any(isinstance(s, CallStep) for s in self.intent.steps[call.step + 1 :])

    def tries(self, what: str) -> int:
        """Return how often this was asked for before, and take note of once more."""
        before = self._in_vain.get(what, 0)
        self._in_vain[what] = before + 1
        return before

    def put_right(self, text: str) -> bool:
        """Start the plan over if the words change a fact that was heard otherwise before."""
        names = (*self.needs, *narrowing_facts(self.intent))
        before = self.heard.known(names)
        self.heard.texts.append(text)
        after = self.heard.known(names)
        changed = [name for name, value in before.items() if after.get(name, value) != value]
        if not changed:
            self.heard.texts.pop()
            return False
        self.confirmed = None
        self.reported = self.declined = False
        self._in_vain = {}
        self.run = self._new_run()
        return True

    def _new_run(self) -> PlanRun:
        flaw = self.flaw
        return PlanRun(
            self.intent,
            writes=self._runtime.writes,
            looks=self._runtime.looks,
            memory=self._memory,
            ignore_guards=flaw is not None and flaw.kind == "ignores_policy",
            slip=flaw.slip if flaw is not None and not self.writes_ahead else None,
        )

    def _kept_facts(self, before: "Request") -> dict[str, Any]:
        """Return who the user is: names and addresses stay true, other facts do not."""
        slots = self._lexicon.slots
        names = [n for n, slot in slots.items() if slot.hearing in ("person", "email")]
        for step in self.intent.steps:  # what tells apart people of one name stays true as well
            if isinstance(step, PickStep) and any(f"${n}" in step.where.values() for n in names):
                names += [str(source)[1:] for source in step.narrow.values()]
        shared = set(before.intent.shared) & set(self.intent.shared)
        for name, source in self.intent.facts.items():  # what is said of the one they share
            about = _OF_ONE.fullmatch(str(source))
            if about is not None and about[1] in shared and before.intent.facts.get(name) == source:
                names.append(name)
        heard = {name: before.heard.value(name) for name in names}
        return {name: value for name, value in heard.items() if value is not UNKNOWN}
