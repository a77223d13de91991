"""One place of a run: find its task, certify it, play it, check it, decide. No store, no order."""

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.checks.replay import replay
from agentsynth.compose.agents import AgentPlan, agent_plans, make_agent
from agentsynth.compose.kinds import wish_for
from agentsynth.compose.rubrics import rubric_for
from agentsynth.compose.scenarios import choose_flaw, personas
from agentsynth.compose.tasks import Desk, NoTask, make_task
from agentsynth.core.agent import Agent
from agentsynth.core.errors import DomainError, ServerError
from agentsynth.core.ids import derive_seed
from agentsynth.core.lexicon import Language
from agentsynth.core.scenario import Role, Scenario
from agentsynth.core.task import Certificate, Task
from agentsynth.core.trajectory import StopReason, Trajectory
from agentsynth.curate.attribute import attribute
from agentsynth.curate.decide import decide
from agentsynth.judge.trust import Calibration
from agentsynth.judge.verdict import judge
from agentsynth.models.tally import Tally
from agentsynth.pipeline.actors import SCRIPTED, Cast, role_of
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.judging import Judged, Judging, Subject
from agentsynth.pipeline.panel import panel_name, rollout_panel
from agentsynth.pipeline.placed import Graded, Prepared, Writing, rows_of, unfilled
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.seats import SCRIPTED_SEATS, Seats
from agentsynth.pipeline.simulation import NOTHING_SIMULATED, Simulation, simulated_in
from agentsynth.pipeline.store import Item, Payload
from agentsynth.plan.witness import Witness
from agentsynth.simulate.rollout import Limits, ledger, rollout
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Certified", "Graded", "Prepared", "Worker", "rows_of"]


@dataclass(frozen=True)
class Certified:
    """What came of looking for one task; small enough to send between processes."""

    domain: str
    kind: str
    task_id: str | None = None
    """None = none was found."""
    agent: str = ""
    level: int = 0
    probes: Mapping[str, int] = field(default_factory=lambda: {})
    """Probe to the number of variants tried."""
    rejected: Mapping[str, int] = field(default_factory=lambda: {})
    reason: str = ""


@dataclass(frozen=True)
class Worker:
    """Turns places into stored rows. Holds what all places share."""

    config: RunConfig
    runtimes: Mapping[str, DomainRuntime]
    limits: Limits
    witness: Witness | None = None
    """Another process that confirms certificates; None = they go without that probe."""
    seats: Seats = SCRIPTED_SEATS
    """The models of the run; roles without one are scripted."""
    plans: Mapping[str, Sequence[AgentPlan]] = field(default_factory=lambda: {})
    """Agents that were composed, by domain; a domain that is not there has its scripted ones."""
    calibration: Calibration | None = None
    """What is known of the judges before the run; None = nothing."""
    simulation: Simulation = NOTHING_SIMULATED
    """The tools without semantics that agents get beside their own."""

    async def work(self, place: Place) -> tuple[list[Item], list[Payload]]:
        """Return the rows of a place."""
        prepared = await self.prepare(place)
        if isinstance(prepared, NoTask):
            return [unfilled(place, prepared)], []
        return rows_of(prepared, await self.play_all(prepared))

    async def play_all(self, prepared: Prepared) -> list[Graded]:
        """Play a place's scenarios; side by side where models make them wait."""
        if not self.config.models.seated():
            return [await self.play(prepared, slot, s) for slot, s in prepared.scenarios]
        playing = [self._in_turn(prepared, slot, one) for slot, one in prepared.scenarios]
        graded = await asyncio.gather(*playing, return_exceptions=True)
        for one in graded:
            if isinstance(one, BaseException):
                raise one
        return [one for one in graded if not isinstance(one, BaseException)]

    async def _in_turn(self, prepared: Prepared, slot: int, scenario: Scenario) -> Graded:
        async with self.seats.turns:
            return await self.play(prepared, slot, scenario)

    async def certify(self, place: Place) -> "Certified":
        """Find and certify the place's task, without playing it."""
        prepared = await self.prepare(place)
        if isinstance(prepared, NoTask):
            return Certified(
                place.domain, place.kind, rejected=prepared.rejected, reason=prepared.reason
            )
        composed = prepared.composed
        return Certified(
            place.domain,
            place.kind,
            task_id=composed.task.id,
            agent=prepared.agent.name,
            level=composed.difficulty.level,
            probes=_tried(composed.certificate),
            rejected=composed.rejected,
        )

    async def prepare(self, place: Place, *, only: str | None = None) -> Prepared | NoTask:
        """Return the place's certified task and its scenarios, or why there is none.

        Args:
            only: the one intent to look at; None = any that fits the place's kind.
        """
        runtime = self.runtimes[place.domain]
        runtime = runtime.speaking(self._language(place, runtime))
        rng, number = self._drawn(place)
        world_seed = derive_seed("world", self.config.seed, number) % 1_000_000
        every = self.plans.get(place.domain) or agent_plans(runtime)
        plans = [p for p in every if only is None or only in p.intents]
        able = [p for p in plans if wish_for(place.kind, runtime, rng, None, p.intents) is not None]
        plan = rng.choice(able or plans)
        try:
            composed = await make_task(
                place.kind,
                runtime,
                load_voice(runtime.lexicon.language),
                world_seed=world_seed,
                rng=rng,
                only=only,
                witness=self.witness,
                desk=Desk(plan.intents, plan.tools, level=rng.randint(1, 5)),
            )
        except (ServerError, DomainError) as error:
            return NoTask(f"the world broke while a task was sought: {error}")
        if isinstance(composed, NoTask):
            return composed
        agent = make_agent(runtime, plan, runtime.today(world_seed))
        agent = self.simulation.equipped(agent, composed.task, place.domain)
        rubric = rubric_for(place.kind, self.config.rubric)
        scenarios = [
            (sample, self._scenario(composed.task, agent, place, sample, *self._roles))
            for sample in range(self.config.samples)
        ]
        if place.probe:
            flawed = await choose_flaw(composed, runtime, rng)
            if flawed is not None:
                # A probe costs nothing: neither seat is a model's.
                scenario = self._scenario(composed.task, agent, place, 0, SCRIPTED, flawed)
                scenarios.append((Item.probe_slot(), scenario))
        return Prepared(place, composed, agent, rubric, tuple(scenarios))

    def world_number(self, place: Place) -> int:
        """Return which of its domain's worlds a place is in."""
        return self._drawn(place)[1]

    def _drawn(self, place: Place) -> tuple[random.Random, int]:
        """Return what draws a place's task, and the number of the world, which it drew first."""
        rng = random.Random(derive_seed(place.seed, "task"))
        return rng, rng.randrange(self.runtimes[place.domain].domain.worlds)

    def _language(self, place: Place, runtime: DomainRuntime) -> Language:
        """Return what is spoken at a place: by the config's shares, of what the domain speaks."""
        shares = self.config.languages
        able: list[Language] = [one for one in runtime.languages if shares.get(one, 0)]
        if not able:
            return runtime.lexicon.language
        rng = random.Random(derive_seed(place.seed, "language"))
        return rng.choices(able, weights=[shares[one] for one in able])[0]

    def _scenario(
        self, task: Task, agent: Agent, place: Place, sample: int, user: Role, assistant: Role
    ) -> Scenario:
        rng = random.Random(derive_seed(place.seed, "persona", sample))
        return Scenario(
            task_id=task.id,
            agent_id=agent.id,
            persona=rng.choice(personas()),
            sample=sample,
            seed=derive_seed(place.seed, "scenario", sample),
            user=user,
            assistant=assistant,
            tools=self._tools_role if simulated_in(agent) else None,
        )

    @property
    def _tools_role(self) -> Role:
        """Who answers for tools without semantics."""
        return role_of("tools", self.config.models.seated().get("tools"))

    @property
    def _roles(self) -> tuple[Role, Role]:
        """Who sits in the user's and the assistant's seat."""
        models = self.config.models.seated()
        return role_of("user", models.get("user")), role_of("assistant", models.get("assistant"))

    async def play(self, prepared: Prepared, slot: int, scenario: Scenario) -> Graded:
        """Play one scenario and grade it; where a model gave no reply, once more from the start.

        Raises:
            ModelError: for what ends the run and not this rollout alone.
        """
        tally = Tally()
        attempt = 0
        writing: Writing | None = None
        if slot != Item.probe_slot():  # a probe's words are a script's, as all of it is
            scenario, writing = await self._worded(prepared, slot, scenario, tally)
        while True:
            cast = self._cast(prepared, slot, scenario, attempt, tally)
            trajectory = await self._rollout(prepared, cast)
            attempt += 1
            failed = trajectory.stop_reason is StopReason.MODEL_ERROR
            if not failed or attempt >= self.config.rollout_tries:
                return replace(await self._graded(prepared, cast, trajectory), writing=writing)

    async def _worded(
        self, prepared: Prepared, slot: int, scenario: Scenario, tally: Tally
    ) -> tuple[Scenario, Writing | None]:
        """Return the scenario with the words that a model finds for it, and what came of asking."""
        cast = self._cast(prepared, slot, scenario, 0, tally)
        writer = cast.writer()
        if writer is None:
            return scenario, None
        voice = load_voice(cast.task.language)
        asked = await writer.write(cast.task, scenario.persona, cast.runtime, voice)
        writing = Writing(asked.value is not None, asked.answers, asked.reasons)
        return scenario.model_copy(update={"wording": asked.value}), writing

    def _cast(
        self, prepared: Prepared, slot: int, scenario: Scenario, attempt: int, tally: Tally
    ) -> Cast:
        task = prepared.composed.task
        return Cast(
            task=task,
            scenario=scenario,
            place=prepared.place.ordinal,
            slot=slot,
            runtime=self.simulation.runtime(
                self.runtimes[prepared.place.domain].speaking(task.language), prepared.agent
            ),
            seats=self.seats,
            attempt=attempt,
            tally=tally,
            clocks=self.seats.clocks(),
        )

    async def _rollout(self, prepared: Prepared, cast: Cast) -> Trajectory:
        task, runtime = cast.task, cast.runtime
        return await rollout(
            task,
            prepared.agent,
            cast.user(),
            cast.assistant(),
            runtime.worlds_with(runtime.open_rollout, cast.simulator()),
            scenario_id=cast.scenario.id,
            limits=self._limits(task),
            user_tools=runtime.user_specs,
            wording=cast.scenario.wording,
            on_turn=cast.clocks.start_turn,
        )

    async def _graded(self, prepared: Prepared, cast: Cast, trajectory: Trajectory) -> Graded:
        task, runtime = cast.task, cast.runtime
        if trajectory.stop_reason in (StopReason.ERROR, StopReason.MODEL_ERROR):
            again = Replay(("the rollout died",), (), trajectory.final_state)
        else:
            again = await replay(task, trajectory, runtime, prepared.agent.tool_names)
        evidence = Evidence(task, trajectory, runtime, load_voice(task.language), again)
        verdict = judge(evidence, prepared.rubric)
        if cast.slot == Item.probe_slot():
            least = self.config.least_score or 1.0
            judged = Judged(verdict, decide(trajectory, verdict, least_score=least))
        else:
            judged = await self._judging(cast).judged(self._subject(prepared, evidence), verdict)
        verdict, decision = judged.verdict, judged.decision
        told = ledger(task, trajectory, today=evidence.today, words=runtime.lexicon.words)
        return Graded(
            slot=cast.slot,
            scenario=cast.scenario,
            trajectory=trajectory,
            ledger=told,
            verdict=verdict,
            attribution=attribute(trajectory, verdict, told, decision),
            decision=decision,
            tally=cast.tally,
            judged=judged,
        )

    def _judging(self, cast: Cast) -> Judging:
        """Return who judges a rollout, and how."""
        judges = self.config.judges()
        judging = self.config.judging
        return Judging(
            panel=rollout_panel(cast, judging.asking),
            judge_id=panel_name(judges, judging.asking) if judges else "checks",
            calibration=self.calibration,
            least_by_checks=self.config.least_score or 1.0,
            keep_score=self.config.keep_score(),
            mutants=judging.mutants,
        )

    def _subject(self, prepared: Prepared, evidence: Evidence) -> Subject:
        tools = prepared.agent.tools
        return Subject(
            evidence=evidence,
            rubric=prepared.rubric,
            tools=prepared.agent.tool_names,
            writes=frozenset(tool.name for tool in tools if not tool.read_only),
            seed=derive_seed(prepared.place.seed, "judging", evidence.trajectory.id),
        )

    def _limits(self, task: Task) -> Limits:
        """Return the limits of a task: as many more waves as it has calls."""
        waves = self.limits.waves_per_turn + len(task.reference_calls)
        return replace(self.limits, waves_per_turn=waves)


def _tried(certificate: Certificate) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for probe in certificate.probes:
        counts[probe.name] += probe.tried
    return dict(counts)
