"""What a place came to, and the rows that the store keeps of it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from agentsynth.compose.tasks import Composed, NoTask
from agentsynth.core.agent import Agent
from agentsynth.core.rubric import Rubric
from agentsynth.core.scenario import Scenario
from agentsynth.core.trajectory import FactLedger, Trajectory
from agentsynth.core.verdict import Attribution, Decision, Verdict
from agentsynth.curate.decide import conversation_key
from agentsynth.models.tally import Tally
from agentsynth.pipeline.judging import Judged
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.settling import stored_cases, stored_opinions
from agentsynth.pipeline.store import Item, Payload

__all__ = ["Graded", "Prepared", "Writing", "rows_of", "unfilled"]


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
class Writing:
    """What came of asking a model for words."""

    stands: bool
    """False = the task kept its own."""
    answers: int
    reasons: tuple[str, ...] = ()
    """Why the last answer did not stand."""


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
    tally: Tally
    """What the models used, failed tries included."""
    judged: Judged
    writing: Writing | None = None
    """None = no model was asked for words."""

    @property
    def failed(self) -> bool:
        """Whether a model gave no reply: it is played again when the run is resumed."""
        return self.decision.reason in ("model_error", "judge_error")


def unfilled(place: Place, none: NoTask) -> Item:
    """Return what the store keeps of a place without a task."""
    return Item(
        ordinal=place.ordinal, slot=0, status="unfilled", domain=place.domain, kind=place.kind,
        scenario_id="", task_id="", trajectory_id="", conversation="", kept=0,
        reason="unfilled", detail=none.reason, score=0.0, messages=0, calls=0, flaw="",
        rejected=_counts(none.rejected),
    )  # fmt: skip


def _counts(rejected: Mapping[str, Any]) -> str:
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
            status="failed" if one.failed else "done",
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
            usage=_counts(one.tally.plain),
            judged=stored_opinions(one.judged, prepared.rubric),
            measured=stored_cases(one.judged.measured),
        )
        for one in graded
    ]


def _opinions(judged: Judged) -> dict[str, Any]:
    """Return what a rollout's bundle keeps of its judges; nothing where nobody was asked."""
    if not judged.opinions:
        return {}
    return {
        "opinions": [one.model_dump(mode="json") for one in judged.opinions.values()],
        "appeals": list(judged.appeals),
    }


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
            **({"usage": one.tally.plain} if one.tally.roles else {}),
            **_opinions(one.judged),
            **({"writing": asdict(one.writing)} if one.writing is not None else {}),
        }
        made.append(Payload(one.scenario.id, "rollout", bundle))
    return made
