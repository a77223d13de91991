"""What can be known about intents and phrases before anyone plays: every name, slot and pattern."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from agentsynth.core.errors import Problem, UserError
from agentsynth.core.intent import CallStep, Draw, GuardStep, Intent, PickStep
from agentsynth.core.lexicon import IntentPhrases
from agentsynth.core.phrasing import parse_template
from agentsynth.core.tools import ToolSpec
from agentsynth.plan.recipe import source_names
from agentsynth.worlds.expressions import compile_expression
from agentsynth.worlds.files import Loaded
from agentsynth.worlds.load import DomainFolder

__all__ = ["phrase_problems", "plan_problems"]

Path = tuple[str | int, ...]


def plan_problems(loaded: DomainFolder, specs: Sequence[ToolSpec]) -> list[Problem]:
    """Return everything wrong with a domain's plans, given its tools."""
    tools = {spec.name: spec for spec in specs}
    problems: list[Problem] = []
    for name, intent in loaded.playbook.intents.items():
        problems += _IntentLinter(loaded, tools, name, intent).problems()
    return problems


class _IntentLinter:
    def __init__(
        self, loaded: DomainFolder, tools: Mapping[str, ToolSpec], name: str, intent: Intent
    ) -> None:
        self._loaded = loaded
        self._tools = tools
        self._intent = intent
        self._path: Path = ("intents", name)
        self._found: list[Problem] = []
        self._known: set[str] = set()

    def problems(self) -> list[Problem]:
        self._draws()
        for index, step in enumerate(self._intent.steps):
            path: Path = (*self._path, "steps", index)
            match step:
                case CallStep():
                    self._call(step, path)
                case PickStep():
                    self._head(step.from_, (*path, "from"))
                    for field, source in step.where.items():
                        self._source(source, (*path, "where", field))
                    self._known.add(step.pick)
                case GuardStep():
                    self._guard(step, path)
        for name, answer in self._intent.answers.items():
            where = (*self._path, "answers", name, "value")
            self._expression(answer.value.removeprefix("="), where)
        if self._intent.kind == "info" and not self._intent.answers:
            self._report(self._path, "an info intent needs 'answers': what the user wants to know")
        return self._found

    def _report(self, path: Path, message: str) -> None:
        self._found.append(self._loaded.playbook_file.problem(path, message))

    def _draws(self) -> None:
        entities = self._loaded.domain.entities
        for name, draw in self._intent.draw.items():
            path = (*self._path, "draw", name)
            given = [bool(draw.record), bool(draw.choose), bool(draw.rows), bool(draw.value)]
            if sum(given) != 1:
                self._report(path, "give exactly one of record, choose, rows, value")
            if draw.record is not None and draw.record not in entities:
                self._report(path, f"unknown entity {draw.record!r}")
            for text in _expressions(draw):
                self._well_formed(text, path)
        for name in self._intent.shared:
            if name not in self._intent.draw:
                self._report((*self._path, "shared"), f"{name!r} is not drawn")
        for name in self._intent.facts:
            if name not in self._loaded.lexicon.slots:
                self._report((*self._path, "facts", name), "the lexicon has no slot of this name")

    def _well_formed(self, text: str, path: Path) -> None:
        try:
            compile_expression(text)
        except ValueError as error:
            self._report(path, f"{text!r} is not a well-formed expression: {error}")

    def _call(self, step: CallStep, path: Path) -> None:
        spec = self._tools.get(step.call)
        if spec is None:
            known = ", ".join(sorted(self._tools))
            self._report((*path, "call"), f"unknown tool {step.call!r}; there are: {known}")
            return
        properties: Any = spec.parameters.get("properties", {})
        required: Any = spec.parameters.get("required", [])
        for name, source in step.args.items():
            here = (*path, "args", name)
            if name not in properties:
                self._report(here, f"{step.call!r} has no parameter {name!r}")
                continue
            if not self._source(source, here) and not _offered(properties[name], source):
                message = f"the literal {source!r} is not offered by the tool's schema; "
                self._report(here, message + "use a $fact or an @result")
        for name in required:
            if name not in step.args:
                self._report(
                    (*path, "args"), f"the parameter {name!r} of {step.call!r} is required"
                )
        self._known.add(step.as_)

    def _guard(self, step: GuardStep, path: Path) -> None:
        if step.guard not in self._loaded.domain.policy:
            self._report((*path, "guard"), f"the policy has no clause {step.guard!r}")
        if step.guard not in self._loaded.lexicon.clauses:
            self._report((*path, "guard"), f"the lexicon has no words to decline by {step.guard!r}")
        self._expression(step.ok, (*path, "ok"))

    def _expression(self, text: str, path: Path) -> None:
        try:
            expression = compile_expression(text)
        except ValueError as error:
            self._report(path, f"{text!r} is not a well-formed expression: {error}")
            return
        for name in expression.paths:
            if name.split(".")[0] not in self._intent.facts:
                self._head(name, path)

    def _source(self, source: Any, path: Path) -> bool:
        """Check a source's names; return whether it is a source at all."""
        names = source_names(source)
        for kind, name in names:
            if kind == "$" and name not in self._intent.facts:
                self._report(path, f"the user knows no fact {name!r}")
            if kind == "@":
                self._head(name, path)
        return bool(names) or isinstance(source, Mapping)

    def _head(self, name: str, path: Path) -> None:
        head = name.split(".")[0]
        if head not in self._known:
            self._report(path, f"nothing before this step gives {head!r}")


def _expressions(draw: Draw) -> Iterable[str]:
    if draw.filter is not None:
        yield draw.filter
    if draw.value is not None:
        yield draw.value.removeprefix("=")
    for value in draw.where.values():
        if isinstance(value, str) and value.startswith("="):
            yield value[1:]


def _offered(schema: Mapping[str, Any], value: Any) -> bool:
    return (
        isinstance(value, bool)
        or value in schema.get("enum", ())
        or value == schema.get("default", ...)
    )


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
    for name, phrases in lexicon.clauses.items():
        problems += _patterns(file, ("clauses", name, "cues"), phrases.cues, groups=0)
        problems += _templates(file, ("clauses", name, "decline"), phrases.decline, None)
    for index, ask in enumerate(lexicon.asks):
        problems += _templates(file, ("asks", index, "tell"), ask.tell, set(ask.slots))
    for name, intent in loaded.playbook.intents.items():
        phrases = lexicon.intents.get(name)
        if phrases is None:
            problems.append(file.problem(("intents",), f"no phrases for the intent {name!r}"))
            continue
        problems += _intent_phrases(file, ("intents", name), intent, phrases)
    return problems


def _intent_phrases(
    file: Loaded, path: Path, intent: Intent, phrases: IntentPhrases
) -> list[Problem]:
    seen: set[str] = set(intent.facts) | set(intent.answers)
    for step in intent.steps:
        if isinstance(step, CallStep):
            seen.add(step.as_)
        elif isinstance(step, PickStep):
            seen.add(step.pick)
    problems = _templates(file, (*path, "open"), phrases.open, set(intent.facts))
    for bank in ("propose", "done", "answer"):
        problems += _templates(file, (*path, bank), getattr(phrases, bank), seen)
    needed = ("propose", "done", "claims") if intent.kind == "write" else ("answer",)
    a_kind = "a write" if intent.kind == "write" else "an info"
    problems += [
        file.problem((*path, bank), f"{a_kind} intent needs at least one phrase here")
        for bank in needed
        if not getattr(phrases, bank)
    ]
    return problems + _patterns(file, (*path, "claims"), phrases.claims, groups=0)


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
                listed = ", ".join(sorted(known))
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
            problems.append(file.problem((*path, index), f"needs exactly {groups} group"))
    return problems
