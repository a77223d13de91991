"""The scripted assistant: a demonstrator that plans by names and resolves values by what it sees.

It holds the intents' plans (tool names and argument sources), never a value: each value is heard
from the user or read from a result, or the call is not made. It asks for what is missing, reads
independent things at once, reads a change back before making it, and reports what it found. It is
a fixture and a baseline, not a model of a good assistant's judgement.
"""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from agentsynth.checks.conduct import matches_any
from agentsynth.core.domain import Domain
from agentsynth.core.errors import DomainError
from agentsynth.core.intent import CallStep, GuardStep, Intent
from agentsynth.core.lexicon import Lexicon, Voice
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage, UserMessage
from agentsynth.core.phrasing import Template, format_value, parse_template, render, tidy
from agentsynth.core.protocols import AssistantView
from agentsynth.plan.candidate import error_code
from agentsynth.plan.recipe import (
    UNKNOWN,
    Calls,
    Declined,
    Finished,
    PickFailed,
    PlannedCall,
    PlanRun,
    Slip,
    Stuck,
    facts_used,
)
from agentsynth.simulate.flaws import Flawed
from agentsynth.simulate.hearing import Heard
from agentsynth.worlds.expressions import resolve_path
from agentsynth.worlds.runtime import DomainRuntime
from agentsynth.worlds.seed import compiled

__all__ = ["ScriptedAssistant"]


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
        self._domain: Domain = runtime.domain
        self._voice = voice
        self._today = today
        self._rng = rng
        self._flaw = flaw
        self._dates = rng.choice(("day_month", "weekday", "month_day"))
        self._patience = rng.random()  # the impatient ask for two things at most at a time
        self._segment = -1
        self._calls = 0
        self._pending: dict[str, PlannedCall] = {}
        self._remembered: dict[tuple[str, str], Any] = {}
        self._proposed: PlannedCall | None = None
        self._reported = False
        self._declined = False
        self._left = False
        self._talked = False
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
        if self._reported:
            if self._declined or self._segment + 1 >= len(self._intents):
                pushes = self._declined and "?" in text
                return self._say(self._bank("hold_firm" if pushes else "closing"))
            self._begin_next()
        self._heard.texts.append(text)
        self._talked = False
        if self._proposed is None:
            return None
        planned, self._proposed = self._proposed, None
        if not matches_any(self._voice.affirmations, text):
            return None
        if self._flaw is not None and self._flaw.kind == "claims_without_doing" and self._last():
            return self._report()
        return self._call((planned,), confirmed=True)

    def _begin_next(self) -> None:
        self._segment += 1
        self._in_vain = {}
        self._reported = False
        self._needs = facts_used(self._intent)
        kept = self._kept_facts()
        self._heard = Heard(self._lexicon, [], self._today)
        self._heard.kept = kept
        flaw = self._flaw
        planted = flaw is not None and flaw.segment == self._segment
        slip: Slip | None = flaw.slip if flaw is not None and planted else None
        self._run = PlanRun(
            self._intent,
            writes=self._runtime.writes,
            remembered=self._remembered,
            ignore_guards=flaw is not None and flaw.kind == "ignores_policy",
            slip=slip if self._intent.kind == "info" else None,
        )

    def _kept_facts(self) -> dict[str, Any]:
        """Return who the user is: names and addresses stay true, other facts do not."""
        if self._segment <= 0:
            return {}
        names = [
            n for n, slot in self._lexicon.slots.items() if slot.hearing in ("person", "email")
        ]
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
            self._run.record(planned, self._runtime.decode(message.content))
        return problem

    def _explain(self, content: str) -> str:
        """Return what to say about an error the tool gave."""
        self._reported = True
        code = error_code(content)
        for name, clause in self._domain.policy.items():
            if code is not None and code in clause.codes and name in self._lexicon.clauses:
                self._declined = True
                return self._phrase(self._lexicon.clauses[name].decline)
        self._left = True
        return self._bank("not_found")

    # -- acting --------------------------------------------------------------------------------

    def _go_on(self, view: AssistantView) -> AssistantMessage:
        if isinstance(self._intent.steps[0], GuardStep):
            first = self._run.next(self._heard)
            if isinstance(first, Declined):  # no answer of the user's could change that
                return self._decline(first.clause)
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
            case Declined(clause):
                return self._decline(clause)
            case Finished():
                return self._report()

    def _decline(self, clause: str) -> AssistantMessage:
        self._reported = self._declined = True
        return self._say(self._phrase(self._lexicon.clauses[clause].decline))

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
        planted = self._flaw is not None and self._flaw.segment == self._segment
        if first.name not in self._runtime.writes:
            is_last = self._is_last_call(calls[-1])
            if planted and self._flaw is not None and is_last and self._intent.kind == "info":
                if self._flaw.kind == "stops_early":
                    return self._leave_early()
                if self._flaw.kind == "invents_argument":
                    calls = (*calls[:-1], self._flaw.with_invention(calls[-1], view))
            return self._call(calls)
        spec = self._runtime.spec_by_name[first.name]
        if planted and self._flaw is not None:
            if self._flaw.kind == "stops_early":
                return self._leave_early()
            if self._flaw.kind == "skips_confirmation":
                return self._call((first,), confirmed=True)
        if spec.consequential:
            self._proposed = self._slipped(first, view)
            return self._say(self._phrase(self._phrases.propose))
        return self._call((self._slipped(first, view),))

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
            content=self._bank("lets_see") if talks else "", tool_calls=tuple(made)
        )

    def _report(self) -> AssistantMessage:
        self._reported = True
        phrases = self._phrases
        text = self._phrase(phrases.done if self._intent.kind == "write" else phrases.answer)
        if self._rng.random() < 0.5:
            text = f"{text} {self._bank('more')}"
        return self._say(text)

    def _leave_early(self) -> AssistantMessage:
        self._left = True
        return self._say(self._bank("leaves_early"))

    # -- words ---------------------------------------------------------------------------------

    @property
    def _phrases(self) -> Any:
        return self._lexicon.intents[self._intents[self._segment]]

    def _ask(self, facts: Sequence[str]) -> str:
        names = list(facts)
        if self._patience < 0.35 and len(names) > 2:
            names = names[:2]
        parts: list[str] = []
        for group in sorted(self._lexicon.asks, key=lambda g: -len(g.slots)):
            if set(group.slots) <= set(names):
                parts.append(self._phrase(group.ask))
                names = [name for name in names if name not in group.slots]
        parts += [self._phrase(self._lexicon.slots[name].ask) for name in names]
        parts = [
            tidy(part.removeprefix("And ")) if n != 1 else part for n, part in enumerate(parts)
        ]
        if self._calls == 0 and len(self._heard.texts) == 1:
            parts.insert(0, self._bank("ask_lead"))
        return " ".join(part for part in parts if part)

    def _not_picked(self, failed: PickFailed) -> str:
        tries = self._in_vain.get(failed.pick, 0)
        self._in_vain[failed.pick] = tries + 1
        if tries > 1 or not failed.facts:
            self._left = True
            return self._bank("leaves_early")
        if tries == 0:
            return self._phrase(self._lexicon.slots[failed.facts[0]].ask)
        return self._bank("not_found")

    def _phrase(self, phrases: Sequence[str]) -> str:
        """Render one of the phrases whose slots can all be filled from what is known."""
        known: dict[str, str] = {}
        fitting: list[Template] = []
        for template in map(parse_template, phrases):
            values = {slot: self._value(slot) for slot in template.slots}
            if all(values[slot] is not None for slot in template.needed):
                fitting.append(template)
                known |= {slot: text for slot, text in values.items() if text is not None}
        if not fitting:
            raise DomainError(f"no phrase can be said here; the first is {phrases[:1]!r}")
        template = self._rng.choice(fitting)
        return render(template, self._rng, known.__getitem__, known)

    def _value(self, slot: str) -> str | None:
        """Return what to say for a slot: an answer, something seen, or a fact heard.

        `{path|first}` says the first word only, as one does with a person's name.
        """
        path, _, part = slot.partition("|")
        text = self._whole_value(path)
        return text.split(" ")[0] if text is not None and part == "first" else text

    def _whole_value(self, path: str) -> str | None:
        scope: Mapping[str, Any] = self._run.seen
        answer = self._intent.answers.get(path)
        if answer is not None:
            try:
                value = _evaluate(answer.value, {**self._said_facts(), **scope})
            except DomainError:
                return None
            if str(value) in answer.words:
                return answer.words[str(value)]
            suffix = "_cents" if answer.type == "money" else ""
            return format_value(path + suffix, value, self._lexicon.words, self._dates)
        if path.split(".")[0] in scope:
            value = resolve_path(path, scope)
        elif path in self._lexicon.slots:
            value = self._heard.value(path)
        else:
            value = UNKNOWN
        if value is UNKNOWN or value is None:
            return None
        kind = self._lexicon.slots[path].type if path in self._lexicon.slots else ""
        suffix = "_cents" if kind == "money" else ""
        return format_value(path + suffix, value, self._lexicon.words, self._dates)

    def _said_facts(self) -> dict[str, Any]:
        values = {name: self._heard.value(name) for name in self._intent.facts}
        return {name: value for name, value in values.items() if value is not UNKNOWN}

    def _bank(self, name: str) -> str:
        bank = self._voice.phrases[name]
        return render(parse_template(self._rng.choice(bank)), self._rng, str)

    def _say(self, text: str) -> AssistantMessage:
        return AssistantMessage(content=text)


def _evaluate(text: str, scope: Mapping[str, Any]) -> Any:
    return compiled(text.removeprefix("=")).evaluate(scope)
