"""One place of a run: find its task, certify it, play it, check it, decide. No store, no order."""

import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from agentsynth.checks.evidence import Evidence, Replay
from agentsynth.checks.replay import replay
from agentsynth.compose.agents import agent_plans, make_agent
from agentsynth.compose.kinds import wish_for
from agentsynth.compose.rubrics import rubric_for
from agentsynth.compose.scenarios import choose_flaw, personas
from agentsynth.compose.tasks import Composed, Desk, NoTask, make_task
from agentsynth.core.agent import Agent
from agentsynth.core.errors import DomainError, ServerError
from agentsynth.core.ids import derive_seed
from agentsynth.core.lexicon import Language
from agentsynth.core.rubric import Rubric
from agentsynth.core.scenario import Role, Scenario
from agentsynth.core.task import Certificate, Task
from agentsynth.core.trajectory import FactLedger, StopReason, Trajectory
from agentsynth.core.verdict import Attribution, Decision, Verdict
from agentsynth.curate.attribute import attribute
from agentsynth.curate.decide import conversation_key, decide
from agentsynth.judge.verdict import judge
from agentsynth.pipeline.config import RunConfig
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.store import Item, Payload
from agentsynth.plan.recipe import Slip
from agentsynth.plan.witness import Witness
from agentsynth.simulate.assistant import ScriptedAssistant
from agentsynth.simulate.flaws import Flawed
from agentsynth.simulate.rollout import Limits, ledger, rollout
from agentsynth.simulate.user import ScriptedUser
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Certified", "Graded", "Prepared", "Worker", "rows_of"]

_SCRIPTED = Role(driver="scripted")


@dataclass(frozen=True)
class Prepared:
    """A place's task and everyone who will play it."""

    place: Place
    composed: Composed
    agent: Agent
    rubric: Rubric
    scenarios: tuple[tuple[int, Scenario], ...]
    """(slot, scenario)."""


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
class Graded:
    """One rollout and everything that was found out about it."""

    slot: int
    scenario: Scenario
    trajectory: Trajectory
    ledger: FactLedger
    verdict: Verdict
    attribution: Attribution
    decision: Decision


@dataclass(frozen=True)
class Worker:
    """Turns places into stored rows. Holds what all places share."""

    config: RunConfig
    runtimes: Mapping[str, DomainRuntime]
    limits: Limits
    witness: Witness | None = None
    """Another process that confirms certificates; None = they go without that probe."""

    async def work(self, place: Place) -> tuple[list[Item], list[Payload]]:
        """Return the rows of a place."""
        prepared = await self.prepare(place)
        if isinstance(prepared, NoTask):
            return [_unfilled(place, prepared)], []
        graded = [await self.play(prepared, slot, s) for slot, s in prepared.scenarios]
        return rows_of(prepared, graded)

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

    async def prepare(self, place: Place) -> Prepared | NoTask:
        """Return the place's certified task and its scenarios, or why there is none."""
        runtime = self.runtimes[place.domain]
        runtime = runtime.speaking(self._language(place, runtime))
        rng, number = self._drawn(place)
        world_seed = derive_seed("world", self.config.seed, number) % 1_000_000
        plans = agent_plans(runtime)
        able = [p for p in plans if wish_for(place.kind, runtime, rng, None, p.intents) is not None]
        plan = rng.choice(able or plans)
        try:
            composed = await make_task(
                place.kind,
                runtime,
                load_voice(runtime.lexicon.language),
                world_seed=world_seed,
                rng=rng,
                witness=self.witness,
                desk=Desk(plan.intents, plan.tools, level=rng.randint(1, 5)),
            )
        except (ServerError, DomainError) as error:
            return NoTask(f"the world broke while a task was sought: {error}")
        if isinstance(composed, NoTask):
            return composed
        agent = make_agent(runtime, plan, runtime.today(world_seed))
        rubric = rubric_for(place.kind, self.config.rubric)
        scenarios = [
            (sample, self._scenario(composed.task, agent, place, sample, _SCRIPTED))
            for sample in range(self.config.samples)
        ]
        if place.probe:
            flawed = await choose_flaw(composed, runtime, rng)
            if flawed is not None:
                scenario = self._scenario(composed.task, agent, place, 0, flawed)
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
        self, task: Task, agent: Agent, place: Place, sample: int, assistant: Role
    ) -> Scenario:
        rng = random.Random(derive_seed(place.seed, "persona", sample))
        return Scenario(
            task_id=task.id,
            agent_id=agent.id,
            persona=rng.choice(personas()),
            sample=sample,
            seed=derive_seed(place.seed, "scenario", sample),
            user=_SCRIPTED,
            assistant=assistant,
        )

    async def play(self, prepared: Prepared, slot: int, scenario: Scenario) -> Graded:
        """Play one scenario and grade it."""
        task = prepared.composed.task
        runtime = self.runtimes[prepared.place.domain].speaking(task.language)
        trajectory = await rollout(
            task,
            prepared.agent,
            self._user(task, scenario, runtime),
            self._assistant(task, scenario, runtime),
            runtime.open_rollout,
            scenario_id=scenario.id,
            limits=self._limits(task),
            user_tools=runtime.user_specs,
        )
        if trajectory.stop_reason in (StopReason.ERROR, StopReason.MODEL_ERROR):
            again = Replay(("the rollout died",), (), trajectory.final_state)
        else:
            again = await replay(task, trajectory, runtime, prepared.agent.tool_names)
        voice = load_voice(task.language)
        evidence = Evidence(task, trajectory, runtime, voice, again)
        verdict = judge(evidence, prepared.rubric)
        decision = decide(trajectory, verdict)
        told = ledger(task, trajectory, today=evidence.today, words=runtime.lexicon.words)
        return Graded(
            slot=slot,
            scenario=scenario,
            trajectory=trajectory,
            ledger=told,
            verdict=verdict,
            attribution=attribute(trajectory, verdict, told, decision),
            decision=decision,
        )

    def _limits(self, task: Task) -> Limits:
        """Return the limits of a task: as many more waves as it has calls."""
        waves = self.limits.waves_per_turn + len(task.reference_calls)
        return replace(self.limits, waves_per_turn=waves)

    def _user(self, task: Task, scenario: Scenario, runtime: DomainRuntime) -> ScriptedUser:
        intents = runtime.playbook.intents
        return ScriptedUser(
            [(name, intents[name]) for name in task.intents],
            runtime.lexicon,
            load_voice(task.language),
            scenario.persona,
            random.Random(derive_seed(scenario.seed, "user")),
        )

    def _assistant(
        self, task: Task, scenario: Scenario, runtime: DomainRuntime
    ) -> ScriptedAssistant:
        return ScriptedAssistant(
            task.intents,
            runtime,
            load_voice(task.language),
            runtime.today(task.world_seed),
            random.Random(derive_seed(scenario.seed, "assistant")),
            _flawed(scenario, runtime.today(task.world_seed)),
        )


def _flawed(scenario: Scenario, today: str) -> Flawed | None:
    role = scenario.assistant
    if role.flaw is None:
        return None
    return Flawed(
        kind=role.flaw,
        segment=role.flaw_at,
        slip=None if role.slip is None else Slip(*role.slip),
        rng=random.Random(derive_seed(scenario.seed, "flaw")),
        today=today,
    )


def _tried(certificate: Certificate) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for probe in certificate.probes:
        counts[probe.name] += probe.tried
    return dict(counts)


def _unfilled(place: Place, none: NoTask) -> Item:
    return Item(
        ordinal=place.ordinal, slot=0, status="unfilled", domain=place.domain, kind=place.kind,
        scenario_id="", task_id="", trajectory_id="", conversation="", kept=0,
        reason="unfilled", detail=none.reason, score=0.0, messages=0, calls=0, flaw="",
        rejected=_counts(none.rejected),
    )  # fmt: skip


def _counts(rejected: Mapping[str, int]) -> str:
    """Return counts as the store keeps them: JSON, or nothing for none."""
    return json.dumps(rejected, sort_keys=True) if rejected else ""


def rows_of(prepared: Prepared, graded: list[Graded]) -> tuple[list[Item], list[Payload]]:
    """Return what the store keeps of a place."""
    return _items(prepared, graded), _payloads(prepared, graded)


def _items(prepared: Prepared, graded: list[Graded]) -> list[Item]:
    return [
        Item(
            ordinal=prepared.place.ordinal,
            slot=one.slot,
            status="done",
            domain=prepared.place.domain,
            kind=prepared.place.kind,
            scenario_id=one.scenario.id,
            task_id=prepared.composed.task.id,
            trajectory_id=one.trajectory.id,
            conversation=conversation_key(one.trajectory),
            kept=int(one.decision.kept),
            reason=one.decision.reason,
            detail=one.decision.detail,
            score=one.verdict.score,
            messages=len(one.trajectory.messages),
            calls=len(one.trajectory.calls),
            flaw=one.scenario.assistant.flaw or "",
            level=prepared.composed.difficulty.level,
            rejected=_counts(prepared.composed.rejected) if one.slot == 0 else "",
        )
        for one in graded
    ]


def _payloads(prepared: Prepared, graded: list[Graded]) -> list[Payload]:
    """Return the values to store: shared ones once under their id, rollouts with their grades."""
    task = prepared.composed.task
    certificate = prepared.composed.certificate
    made = [
        Payload(prepared.agent.id, "agent", prepared.agent.plain),
        Payload(prepared.rubric.id, "rubric", prepared.rubric.plain),
        Payload(
            task.id,
            "task",
            {
                "task": task.plain,
                "certificate": certificate.plain,
                "difficulty": prepared.composed.difficulty.plain,
            },
        ),
    ]
    for one in graded:
        bundle = {
            "seed": prepared.place.seed,
            "scenario": one.scenario.plain,
            "trajectory": one.trajectory.plain,
            "ledger": one.ledger.plain,
            "verdict": one.verdict.plain,
            "attribution": one.attribution.plain,
            "decision": one.decision.plain,
        }
        made.append(Payload(one.scenario.id, "rollout", bundle))
    return made
