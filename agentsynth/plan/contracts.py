"""Contract tests: call every tool towards every promise of its contract, and compare.

Arguments and states are chosen by the contract alone. What could not be reached is reported.
"""

import json
import random
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from agentsynth.core.contract import Contracts, PageWalk
from agentsynth.core.errors import DomainError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import ToolResult
from agentsynth.plan.contract_calls import explore
from agentsynth.plan.contract_report import ContractFailure, ContractReport, ToolReport
from agentsynth.plan.contract_states import Bench, Seen, StartState
from agentsynth.worlds.contract_changes import Mismatch
from agentsynth.worlds.contract_eval import ContractMistake, Situation
from agentsynth.worlds.contract_outcome import Outcome
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.result_schemas import ResultSchemas

__all__ = ["FITS_SCHEMA", "ContractFailure", "ContractReport", "ToolReport", "check_contracts"]

FITS_SCHEMA = "a result that fits the tool's output schema"
"""What a shadow's tool with an output schema is expected to give beside what its contract says."""

_WORLDS = 3
SOUGHT = 240
"""Calls looked at per tool and state, unless the caller says otherwise."""
_OFTEN = 3
"""Times that every wanted goal is met, in different calls."""
_MOST_PAGES = 200


def check_contracts(
    world: CompiledDomain,
    contracts: Contracts,
    *,
    seed: int = 0,
    worlds: int = _WORLDS,
    only: Collection[str] | None = None,
    first_failure: bool = False,
    sought: int = SOUGHT,
) -> ContractReport:
    """Hold the tools of a domain against their contracts.

    Args:
        world: the domain, compiled.
        contracts: already checked against it (`worlds.contract_file`).
        seed: chooses calls and states; the same seed gives the same report.
        worlds: how many different starting states to begin from.
        only: names of the tools to try; None = every tool that has a contract.
        first_failure: stop a tool at the first call that fails.
        sought: calls looked at per tool and state while something wanted is missing; a third as
            many once everything is met. Costly ones count more.
    """
    bench = Bench(world, contracts, seed)
    states = [(state, bench.seen(state)) for state in bench.states(worlds)]
    names = [name for name in contracts.tools if only is None or name in only]
    schemas = ResultSchemas(world.domain)
    trials = (_Trial(bench, n, states, first_failure, schemas, sought) for n in names)
    return ContractReport(tuple(trial.run() for trial in trials))


class _Trial:
    """One tool's cases."""

    def __init__(
        self,
        bench: Bench,
        name: str,
        states: list[tuple[StartState, Seen]],
        first_failure: bool,
        schemas: ResultSchemas,
        sought: int,
    ) -> None:
        self.bench = bench
        self.sought = sought
        self.schemas = schemas
        self.name = name
        self.tool = bench.tools[name]
        self.states = states
        self.first_failure = first_failure
        self.met: Counter[str] = Counter()
        self.cases = 0
        self.failures: list[ContractFailure] = []
        self.mistakes: dict[str, None] = {}

    def run(self) -> ToolReport:
        settled = 0
        for number, (state, seen) in enumerate(self.states):
            if self._has_seen_enough():
                break
            done = self._run_in(state, seen, number, None)
            if state.minutes_later:
                continue  # no call can be added before that time
            settled += 1
            if done is None or not self.tool.writes or not settled % 2 or self._has_seen_enough():
                continue
            call = ToolCall(id="before", name=self.name, arguments=dict(done.arguments))
            self._run_again(replace(state, calls=(*state.calls, call)), number, done)
        return ToolReport(
            tool=self.name,
            cases=self.cases,
            failures=tuple(self.failures),
            unreached=tuple(sorted(self.tool.goals.wanted - self.met.keys())),
            mistakes=tuple(self.mistakes),
        )

    def _has_seen_enough(self) -> bool:
        return self.first_failure and bool(self.failures)

    def _run_again(self, state: StartState, number: int, done: Situation) -> None:
        """Try the tool where it has just been called: the same call, then others."""
        try:
            seen = self.bench.seen(state)
        except DomainError:
            return  # the call that leads there has failed, and is reported
        self._run_in(state, seen, len(self.states) + number, done)

    def _run_in(
        self, state: StartState, seen: Seen, number: int, done: Situation | None
    ) -> Situation | None:
        """Try the tool in one state; return a call that had to succeed."""
        success: Situation | None = None
        try:
            for situation in self._chosen(seen, number, done):
                if not situation.codes and success is None:
                    success = situation
                self._case(state, situation)
                if self._has_seen_enough():
                    break
        except ContractMistake as mistake:
            self.mistakes.setdefault(str(mistake))
        return success

    def _chosen(self, seen: Seen, number: int, done: Situation | None) -> Iterator[Situation]:
        """Yield the calls that meet a goal which has not been met often enough."""
        goals, here = self.tool.goals, set[str]()
        if done is not None:
            again = self.tool.compiled.situation(seen.before, done.arguments)
            if again.covered:
                yield again
        rng = random.Random(derive_seed("contract cases", self.bench.seed, self.name, number))
        pools = self.bench.pools(self.name, seen, rng)
        several = dear = 0
        calls = explore(self.tool.compiled, pools, rng, self._codes_missing)
        for looked, situation in enumerate(calls):
            missing = any(self._wanting(goal) for goal in goals.wanted)
            most = self.sought if missing else self.sought // 3
            if looked >= most:
                return
            met = set[str]()
            if len(situation.codes) < 2:
                met = self._cheaply_met(situation, seen)
                if 2 * dear * goals.cost < most or any(self._wanting(goal) for goal in met):
                    dear += 1
                    met |= goals.met(situation)
            elif several < 1 and situation.covered:
                several += 1  # any one of its codes is right
                met = {f"several codes {number}"}
            new = any(self._wanting(goal) or not self.met[goal] for goal in met)
            new = new or bool(met & goals.wanted - here)  # everything once in every state
            if new and self.bench.accepts(self.name, situation):
                self.met.update(met)
                here |= met
                yield situation

    def _wanting(self, goal: str) -> bool:
        """Whether a goal is wanted and has not been met often enough."""
        return goal in self.tool.goals.wanted and self.met[goal] < _OFTEN

    def _codes_missing(self) -> list[str]:
        """Return the codes that are still to be met alone."""
        return [code for code in self.tool.compiled.errors if self._wanting(f"{code} alone")]

    def _cheaply_met(self, situation: Situation, seen: Seen) -> set[str]:
        """Return what can be seen at once of a call for which at most one code is due."""
        if not situation.covered:
            return set()
        found = {f"{code} alone" for code in situation.codes} or {"success"}
        keys = self.tool.origins.keys
        return found | set(seen.traces.goals(situation.codes, situation.arguments, keys))

    def _case(self, state: StartState, situation: Situation) -> None:
        self.cases += 1
        try:
            mismatch = self._mismatch(self.bench.open(state), situation)
        except DomainError as error:
            codes = " or ".join(sorted(situation.codes))
            mismatch = Mismatch(
                f"error {codes}" if codes else "success", f"a broken world: {error}"
            )
        if mismatch is not None:
            self.failures.append(
                ContractFailure(
                    self.name, state, situation.arguments, mismatch.expected, mismatch.got
                )
            )

    def _mismatch(self, world: DeclarativeWorld, situation: Situation) -> Mismatch | None:
        contract = self.tool.compiled.contract
        outcome = self._made(world, situation.arguments)
        found = self.tool.promise.mismatch(situation, outcome)
        if found is not None or outcome.code is not None:
            return found
        unlike = self.schemas.problem(self.name, outcome.result)
        if unlike is not None:
            return Mismatch(FITS_SCHEMA, unlike)
        if contract.pages is not None:
            return self._pages_mismatch(world, situation, contract.pages, outcome)
        if contract.idempotent:
            again = self._made(world, situation.arguments)
            if again.changes:
                return Mismatch("no change when called again", f"{len(again.changes)} changes")
        return None

    def _made(self, world: DeclarativeWorld, arguments: Mapping[str, Any]) -> Outcome:
        call = ToolCall(id="c", name=self.name, arguments=dict(arguments))
        return _outcome(world.answer_now(call, self.bench.actor(self.name)))

    def _pages_mismatch(
        self, world: DeclarativeWorld, situation: Situation, pages: PageWalk, first: Outcome
    ) -> Mismatch | None:
        """Walk all pages, and hold the whole list against the promise."""
        items, lengths, page = [], [], first
        for _ in range(_MOST_PAGES):
            items += page.result[pages.items]
            lengths.append(len(page.result[pages.items]))
            cursor = page.result.get(pages.next)
            if cursor is None:
                break
            page = self._made(world, {**situation.arguments, pages.cursor: cursor})
            if page.code is not None:
                return Mismatch("another page", f"error {page.code}")
        else:
            return Mismatch("a last page", f"{_MOST_PAGES} pages and another cursor")
        return self.tool.promise.pages_mismatch(situation, pages, items, lengths)


def _outcome(result: ToolResult) -> Outcome:
    """Return what a tool's answer says."""
    value: Any
    try:
        value = json.loads(result.content)
    except ValueError:
        value = result.content
    return Outcome(result.code if result.is_error else None, result.changes, value)
