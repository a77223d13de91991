"""The scripted assistant: a demonstrator that plans by names and resolves values by what it sees.

It holds the intents' plans (tool names and argument sources), never a value: each value is heard
from the user or read from a result, or the call is not made. It asks for what is missing, reads
independent things at once, reads a change back before making it, starts over when the user puts
something right, and reports what it found. It is a fixture and a baseline, not a model of a good
assistant's judgement.
"""

import random
import re
from collections.abc import Sequence
from typing import Any

from agentsynth.checks.expressions import matches_any
from agentsynth.core.errors import DomainError
from agentsynth.core.intent import CallStep, GuardStep, Intent, PickStep
from agentsynth.core.lexicon import IntentPhrases, Lexicon, Voice
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from agentsynth.core.protocols import AssistantView
from agentsynth.plan.recipe import (
    Calls,
    Declined,
    Finished,
    Memory,
    PickFailed,
    PlannedCall,
    PlanRun,
    Slip,
    Stuck,
    UserActs,
)
from agentsynth.plan.sources import UNKNOWN, facts_used, look_up, narrowing_facts
from agentsynth.simulate.flaws import Flawed
from agentsynth.simulate.hearing import Heard
from agentsynth.simulate.speech import Speech
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["ScriptedAssistant"]

_OF_ONE = re.compile(r"=\s*([a-z_][a-z0-9_]*)(?:\.[a-z_][a-z0-9_]*)*\s*")
"""A fact that is a field of one thing drawn, such as `=reader.card_number`."""


class ScriptedAssistant:
    """An assistant by script. It sees what `AssistantView` shows and nothing else."""

    def __init__(
        self,
        intents: Sequence[str],
        runtime: DomainRuntime,
        voice: Voice,
        today: str,
        rng: random.Random,
        flaw: Flawed | None = None,
    ) -> None:
        self._intents = intents
        self._runtime = runtime
        self._lexicon: Lexicon = runtime.lexicon
        self._voice = voice
        self._today = today
        self._rng = rng
        self._flaw = flaw
        self._speech = Speech(
            self._lexicon, voice, rng, rng.choice(("day_month", "weekday", "month_day"))
        )
        self._patience = rng.random()  # the impatient ask for two things at most at a time
        self._together = rng.choice((1, 4, 10, 10, 20))  # calls of a long list made at once
        self._segment = -1
        self._calls = 0
        self._pending: dict[str, PlannedCall] = {}
        self._memory = Memory()
        self._proposed: PlannedCall | None = None
        self._confirmed: int | None = None
        self._asked_to_act: set[str] = set()
        self._reported = False
        self._declined = False
        self._why: str | None = None
        """The clause or obstacle that was given as the reason last."""
        self._left = False
        self._talked = False
        self._wrote = False
        self._in_vain: dict[str, int] = {}
        self._heard = Heard(self._lexicon, [], today)
        self._begin_next()

    async def act(self, view: AssistantView) -> AssistantMessage | None:
        """Return the next message; None = leaves."""
        if self._left:
            return None
        last = view.messages[-1]
        if isinstance(last, ToolMessage):
            refused = self._take_results(view)
            if refused is not None:
                return self._say(refused)
        elif isinstance(last, UserMessage):
            answer = self._listen(last.content)
            if answer is not None:
                return answer
        return self._go_on(view)

    # -- listening -----------------------------------------------------------------------------

    def _listen(self, text: str) -> AssistantMessage | None:
        """Take in what the user said; return a message where that alone settles the answer."""
        corrects = not self._reported or (
            # with more requests to come, a "sorry" belongs to the next one
            self._last() and not self._wrote and matches_any(self._voice.corrections, text)
        )
        if not (corrects and self._put_right(text)) and self._reported:
            if self._declined and matches_any(("[?？]",), text) and self._last():
                held = "hold_fact" if self._why in self._lexicon.obstacles else "hold_firm"
                return self._say(self._speech.bank(held))
            if self._last():
                return self._say(self._speech.bank("closing"))
            self._begin_next()
        if text not in self._heard.texts[-1:]:
            self._heard.texts.append(text)
        self._talked = False
        for action in self._asked_to_act:
            self._heard.tell(f"did:{action}", True)  # asked for, and the user has answered
        if self._proposed is None:
            return None
        planned, self._proposed = self._proposed, None
        if not matches_any(self._voice.affirmations, text):
            return None
        if self._flaw is not None and self._flaw.kind == "claims_without_doing" and self._last():
            return self._report()
        self._confirmed = planned.step
        if planned.entry is not None:
            return None  # one of many: the plan gives them all again
        return self._call((planned,), confirmed=True)

    def _put_right(self, text: str) -> bool:
        """Start the plan over if the words change a fact that was heard otherwise before."""
        names = (*self._needs, *narrowing_facts(self._intent))
        before = self._heard.known(names)
        self._heard.texts.append(text)
        after = self._heard.known(names)
        changed = [name for name, value in before.items() if after.get(name, value) != value]
        if not changed:
            self._heard.texts.pop()
            return False
        self._proposed = self._confirmed = None
        self._reported = self._declined = False
        self._in_vain = {}
        self._run = self._new_run()
        return True

    def _begin_next(self) -> None:
        self._segment += 1
        self._in_vain = {}
        self._reported = self._declined = self._wrote = False
        self._confirmed = None
        self._asked_to_act = set()
        self._needs = facts_used(self._intent)
        kept = self._kept_facts()
        self._heard = Heard(self._lexicon, [], self._today)
        self._heard.kept = kept
        self._run = self._new_run()

    def _new_run(self) -> PlanRun:
        flaw = self._flaw
        planted = flaw is not None and flaw.segment == self._segment
        slip: Slip | None = flaw.slip if flaw is not None and planted else None
        return PlanRun(
            self._intent,
            writes=self._runtime.writes,
            memory=self._memory,
            ignore_guards=flaw is not None and planted and flaw.kind == "ignores_policy",
            slip=slip if not self._writes_ahead() else None,
        )

    def _writes_ahead(self) -> bool:
        """Whether the plan at hand changes anything."""
        steps = self._intent.steps
        return any(isinstance(s, CallStep) and s.call in self._runtime.writes for s in steps)

    def _kept_facts(self) -> dict[str, Any]:
        """Return who the user is: names and addresses stay true, other facts do not."""
        if self._segment <= 0:
            return {}
        slots = self._lexicon.slots
        names = [n for n, slot in slots.items() if slot.hearing in ("person", "email")]
        for step in self._intent.steps:  # what tells apart people of one name stays true as well
            if isinstance(step, PickStep) and any(f"${n}" in step.where.values() for n in names):
                names += [str(source)[1:] for source in step.narrow.values()]
        before = self._runtime.playbook.intents[self._intents[self._segment - 1]]
        shared = set(before.shared) & set(self._intent.shared)
        for name, source in self._intent.facts.items():  # what is said of the one they share
            about = _OF_ONE.fullmatch(str(source))
            if about is not None and about[1] in shared and before.facts.get(name) == source:
                names.append(name)
        heard = {name: self._heard.value(name) for name in names}
        return {name: value for name, value in heard.items() if value is not UNKNOWN}

    @property
    def _intent(self) -> Intent:
        return self._runtime.playbook.intents[self._intents[self._segment]]

    def _last(self) -> bool:
        return self._segment + 1 == len(self._intents)

    def _take_results(self, view: AssistantView) -> str | None:
        """Tell the plan what the calls gave; return what to say when one failed."""
        problem: str | None = None
        for message in view.messages[-len(self._pending) :]:
            if not isinstance(message, ToolMessage):
                raise DomainError("a call was left without an answer")
            planned = self._pending.pop(message.tool_call_id)
            if message.is_error:
                problem = self._explain(message.content)
                continue
            self._wrote = self._wrote or planned.name in self._runtime.writes
            self._run.record(planned, self._runtime.decode(message.content))
        return problem

    def _explain(self, content: str) -> str:
        """Return what to say about an error the tool gave."""
        self._reported = True
        reason = self._runtime.reason_of(content)
        phrases = self._lexicon.reason(reason) if reason is not None else None
        if phrases is not None:
            self._declined, self._why = True, reason
            return self._phrase(phrases.decline)
        self._left = True
        return self._speech.bank("not_found")

    # -- acting --------------------------------------------------------------------------------

    def _go_on(self, view: AssistantView) -> AssistantMessage:
        if isinstance(self._intent.steps[0], GuardStep):
            first = self._run.next(self._heard)
            if isinstance(first, Declined):  # no answer of the user's could change that
                return self._decline(first.reason)
        question = self._question_first()
        if question is not None:
            return self._say(question)
        following = self._run.next(self._heard)
        match following:
            case Calls(calls):
                return self._before_calling(calls, view)
            case Stuck(facts):
                return self._say(self._ask(facts))
            case PickFailed():
                return self._say(self._not_picked(following))
            case UserActs():
                return self._ask_to_act(following.action)
            case Declined(reason):
                return self._decline(reason)
            case Finished():
                return self._report()

    def _decline(self, reason: str) -> AssistantMessage:
        self._reported = self._declined = True
        self._why = reason
        phrases = self._lexicon.reason(reason)
        if phrases is None:
            raise DomainError(f"the lexicon has no words for {reason!r}")
        return self._say(self._phrase(phrases.decline))

    def _ask_to_act(self, action: str) -> AssistantMessage:
        """Ask the user to do something; leave when that was asked for in vain."""
        tries = self._in_vain.get(action, 0)
        self._in_vain[action] = tries + 1
        if tries > 1:
            return self._leave_early()
        self._asked_to_act.add(action)
        return self._say(self._phrase(self._lexicon.actions[action].ask))

    def _question_first(self) -> str | None:
        """Ask for what only the user can know before looking anything up."""
        missing = [
            name
            for name in self._needs
            if self._lexicon.slots[name].hearing != "seen" and self._heard.value(name) is UNKNOWN
        ]
        return self._ask(tuple(missing)) if missing else None

    def _before_calling(
        self, calls: tuple[PlannedCall, ...], view: AssistantView
    ) -> AssistantMessage:
        first = calls[0]
        if len(calls) > self._together and first.entry is not None:
            calls = calls[: self._together]
        planted = self._flaw is not None and self._flaw.segment == self._segment
        if first.name not in self._runtime.writes:
            is_last = self._is_last_call(calls[-1])
            if planted and self._flaw is not None and is_last and not self._writes_ahead():
                if self._flaw.kind == "stops_early":
                    return self._leave_early()
                if self._flaw.kind == "invents_argument":
                    calls = (*calls[:-1], self._flaw.with_invention(calls[-1], view))
            return self._call(calls)
        return self._before_writing(calls, view, planted=planted)

    def _before_writing(
        self, calls: tuple[PlannedCall, ...], view: AssistantView, *, planted: bool
    ) -> AssistantMessage:
        """Read a write back, or make it where that was done or is not asked for."""
        first = calls[0]
        if planted and self._flaw is not None:
            if self._flaw.kind == "stops_early":
                return self._leave_early()
            if self._flaw.kind == "skips_confirmation":
                return self._call(calls, confirmed=True)
        if self._confirmed == first.step:
            return self._call([self._slipped(call, view) for call in calls], confirmed=True)
        if self._runtime.spec_by_name[first.name].consequential:
            self._proposed = self._slipped(first, view)
            return self._say(self._phrase(self._phrases.propose))
        return self._call([self._slipped(call, view) for call in calls])

    def _is_last_call(self, call: PlannedCall) -> bool:
        return not any(isinstance(s, CallStep) for s in self._intent.steps[call.step + 1 :])

    def _slipped(self, call: PlannedCall, view: AssistantView) -> PlannedCall:
        """Return the call as a flawed assistant makes it: read back rightly, done wrongly."""
        flaw = self._flaw
        if flaw is None or flaw.segment != self._segment:
            return call
        if flaw.kind == "wrong_entity":
            return flaw.with_slip(call, self._intent, self._run.seen)
        if flaw.kind == "invents_argument":
            return flaw.with_invention(call, view)
        return call

    def _call(self, calls: Sequence[PlannedCall], *, confirmed: bool = False) -> AssistantMessage:
        made: list[ToolCall] = []
        for planned in calls:
            self._calls += 1
            call = ToolCall(
                id=f"call_{self._calls}", name=planned.name, arguments=planned.arguments
            )
            self._pending[call.id] = planned
            made.append(call)
        talks = not confirmed and not self._talked and self._rng.random() < 0.35
        self._talked = True
        return AssistantMessage(
            content=self._speech.bank("lets_see") if talks else "", tool_calls=tuple(made)
        )

    # -- words ---------------------------------------------------------------------------------

    def _report(self) -> AssistantMessage:
        self._reported = True
        phrases = self._phrases
        claimed = self._flaw is not None and self._flaw.kind == "claims_without_doing"
        if self._wrote or (claimed and self._writes_ahead()):
            said = phrases.done
        elif self._run.branch == "unmet" and phrases.otherwise:
            said = phrases.otherwise
        else:
            said = phrases.answer or phrases.done
        text = self._phrase(said)
        if self._rng.random() < 0.5:
            text = self._speech.together([text, self._speech.bank("more")])
        return self._say(text)

    def _leave_early(self) -> AssistantMessage:
        self._left = True
        return self._say(self._speech.bank("leaves_early"))

    @property
    def _phrases(self) -> IntentPhrases:
        return self._lexicon.intents[self._intents[self._segment]]

    def _ask(self, facts: Sequence[str]) -> str:
        names = list(facts)
        if self._patience < 0.35 and len(names) > 2:
            names = names[:2]
        parts = self._speech.questions(names, self._intent, self._heard, self._run.seen)
        if self._calls == 0 and len(self._heard.texts) == 1:
            parts.insert(0, self._speech.bank("ask_lead"))
        return self._speech.together(parts)

    def _not_picked(self, failed: PickFailed) -> str:
        asked = f"{failed.pick}: {', '.join(failed.facts)}"  # first the words, then what narrows
        tries = self._in_vain.get(asked, 0)
        self._in_vain[asked] = tries + 1
        if tries > 1 or not failed.facts:
            self._left = True
            return self._speech.bank("leaves_early")
        slot = self._lexicon.slots[failed.facts[0]]
        if failed.matches > 1 and slot.which and tries == 0:
            return self._which(failed, slot.which)
        if tries == 0:
            return self._phrase(slot.ask)
        return self._speech.bank("not_found")

    def _which(self, failed: PickFailed, phrases: Sequence[str]) -> str:
        """Ask which of several entries is meant, naming what tells them apart."""
        step = next(s for s in self._intent.steps if getattr(s, "pick", None) == failed.pick)
        narrow: dict[str, Any] = getattr(step, "narrow", {})
        field = next(f for f, source in narrow.items() if source == f"${failed.facts[0]}")
        values = [look_up(field, entry) for entry in failed.options]
        listed = self._speech.listed(values, field)
        extra = {"options": listed, "options|count": str(len(failed.options))}
        return self._speech.phrase(phrases, self._intent, self._heard, self._run.seen, extra)

    def _phrase(self, phrases: Sequence[str]) -> str:
        return self._speech.phrase(phrases, self._intent, self._heard, self._run.seen)

    def _say(self, text: str) -> AssistantMessage:
        return AssistantMessage(content=text)
