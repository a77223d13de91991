"""Each probe of a certificate fails for the fault it is there for, and for no other."""

import dataclasses
import random
from collections.abc import Callable
from typing import Any, get_args

import pytest

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed
from agentsynth.compose.carried import carried_for
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.lexicon import Lexicon, Voice
from agentsynth.core.task import Certificate, ProbeName, ReferenceCall, Request, Task, TaskKind
from agentsynth.plan import certificate as certificate_module
from agentsynth.plan.candidate import Attempt
from agentsynth.plan.certificate import Carried, certify
from agentsynth.plan.search import Found
from agentsynth.plan.takes import OUTCOME_CHECKS
from agentsynth.plan.witness import results_digest
from agentsynth.worlds.runtime import DomainRuntime

Check = Callable[[Evidence], Finding]


async def found(
    kind: TaskKind, runtime: DomainRuntime, voice: Voice, seed: int = 3, only: str | None = None
) -> Composed:
    made = await make_task(
        kind, runtime, voice, world_seed=seed, rng=random.Random(seed), only=only
    )
    assert isinstance(made, Composed), made
    return made


async def carried(made: Composed, runtime: DomainRuntime) -> list[Carried]:
    rng = random.Random(1)
    seed = made.task.world_seed
    return [await carried_for(s, made.task, runtime, seed, rng) for s in made.segments]


def failing(certificate: Certificate) -> set[str]:
    return {probe.name for probe in certificate.probes if not probe.passed}


async def probed(
    task: Task, parts: list[Carried], runtime: DomainRuntime, voice: Voice, **more: Any
) -> set[str]:
    return failing((await certify(task, parts, runtime, voice, **more))[0])


@pytest.fixture
def blinded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Check], None]:
    """A function that puts another check in the place of one."""

    def put(name: str, check: Check) -> None:
        monkeypatch.setitem(OUTCOME_CHECKS, name, check)

    return put


def always_met(evidence: Evidence) -> Finding:
    return MET


# -- a fault in the checks -------------------------------------------------------------------------


BLIND: list[tuple[TaskKind, str | None, tuple[str, ...], set[str]]] = [
    # what nobody looks at, and the probes that then fail: all that lean on it alone
    ("write", "book", ("target_state", "reported", "claims_true"), {"silence_fails", "yielding_fails", "said_not_done_fails", "done_not_said_fails"}),
    ("write", "book", ("reported", "claims_true"), {"done_not_said_fails"}),
    ("info", "room_price", ("answers_given",), {"silence_fails", "yielding_fails", "done_not_said_fails"}),
    ("refuse", None, ("declined",), {"silence_fails", "done_not_said_fails"}),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "only", "checks", "expected"), BLIND)
async def test_a_check_that_sees_nothing_is_noticed(
    kind: TaskKind,
    only: str | None,
    checks: tuple[str, ...],
    expected: set[str],
    kinds: DomainRuntime,
    voice: Voice,
    blinded: Any,
) -> None:
    made = await found(kind, kinds, voice, only=only)
    parts = await carried(made, kinds)
    assert await probed(made.task, parts, kinds, voice) == set()
    for name in checks:
        blinded(name, always_met)
    assert await probed(made.task, parts, kinds, voice) == expected


def only_empty(evidence: Evidence) -> Finding:
    """Looks only whether anything at all was changed."""
    wanted, have = evidence.task.target.changes, evidence.trajectory.net_changes
    if bool(wanted) == bool(have):
        return MET
    return failed("goal_not_reached", "")


def without_keys(evidence: Evidence) -> Finding:
    """Looks at what was changed and not at which record."""

    def shown(changes: Any) -> list[str]:
        fields = [
            {n: v for n, v in c.fields.items() if n not in ("id", "room_id", "member_id")}
            for c in changes
        ]
        kept = [
            {n: v for n, v in f.items() if "name" not in n and "cents" not in n} for f in fields
        ]
        return sorted(f"{c.op} {c.entity} {f}" for c, f in zip(changes, kept, strict=True))

    same = shown(evidence.trajectory.net_changes) == shown(evidence.task.target.changes)
    return MET if same else failed("goal_not_reached", "")


def only_records(evidence: Evidence) -> Finding:
    """Looks at which records were made or changed, and not at their values."""

    def shown(changes: Any) -> list[str]:
        kept = ("room_id", "member_id")
        return sorted(f"{c.op} {c.entity} {[c.fields.get(name) for name in kept]}" for c in changes)

    same = shown(evidence.trajectory.net_changes) == shown(evidence.task.target.changes)
    return MET if same else failed("goal_not_reached", "")


def at_least(evidence: Evidence) -> Finding:
    """Looks whether what is wanted was done, and not whether more was."""

    def shown(changes: Any) -> set[str]:
        fields = [{n: v for n, v in c.fields.items() if n != "id"} for c in changes]
        return {
            f"{c.op} {c.entity} {sorted(f.items())}" for c, f in zip(changes, fields, strict=True)
        }

    have, wanted = shown(evidence.trajectory.net_changes), shown(evidence.task.target.changes)
    return MET if wanted <= have else failed("goal_not_reached", "")


@pytest.mark.parametrize(
    ("check", "due"),
    [
        (only_empty, {"wrong_entity_fails", "wrong_value_fails", "extra_write_fails"}),
        (without_keys, {"wrong_entity_fails"}),
        (only_records, {"wrong_value_fails"}),
        (at_least, {"extra_write_fails"}),
    ],
)
async def test_a_look_at_the_state_that_is_not_sharp_enough_is_noticed(
    check: Check, due: set[str], kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("write", kinds, voice, only="book")
    parts = await carried(made, kinds)
    blinded("target_state", check)
    assert await probed(made.task, parts, kinds, voice) == due


async def test_one_of_several_writes_left_out_has_to_be_noticed(
    kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("writes", kinds, voice)
    blinded("target_state", only_empty)
    failed_probes = await probed(made.task, await carried(made, kinds), kinds, voice)
    assert "dropped_write_fails" in failed_probes


async def test_acting_on_what_was_taken_back_has_to_be_noticed(
    kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("change_of_mind", kinds, voice, only="remind")
    parts = await carried(made, kinds)
    assert parts[0].first_version is not None
    first = parts[0].first_version.changes

    def fooled(evidence: Evidence) -> Finding:
        """Takes the first version for the right one as well."""
        mine = [change.fields for change in evidence.trajectory.net_changes]
        if mine == [change.fields for change in first]:
            return MET
        return OUTCOME["target_state"](evidence)

    OUTCOME = dict(OUTCOME_CHECKS)
    blinded("target_state", fooled)
    assert "first_version_fails" in await probed(made.task, parts, kinds, voice)


async def test_another_answer_than_the_right_one_has_to_be_noticed(
    kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("info", kinds, voice, only="room_price")

    def any_amount(evidence: Evidence) -> Finding:
        said = any("$" in text for _, text in evidence.said_by_assistant)
        return MET if said else failed("answer_missing", "")

    blinded("answers_given", any_amount)
    made_of = await carried(made, kinds)
    assert await probed(made.task, made_of, kinds, voice) == {"wrong_answer_fails"}


async def test_refusing_where_it_is_permitted_has_to_be_noticed(
    kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("refuse", kinds, voice)
    parts = await carried(made, kinds)
    twin = parts[0].twin
    assert twin is not None
    assert twin.target.changes

    def lenient(evidence: Evidence) -> Finding:
        return MET if evidence.task.id == twin.id else OUTCOME["target_state"](evidence)

    OUTCOME = dict(OUTCOME_CHECKS)
    blinded("target_state", lenient)
    assert await probed(made.task, parts, kinds, voice) == {"refusing_the_permitted_fails"}


async def test_a_right_take_that_a_check_refuses_fails_the_reference(
    kinds: DomainRuntime, voice: Voice, blinded: Any
) -> None:
    made = await found("write", kinds, voice)
    parts = await carried(made, kinds)
    blinded("policy_kept", lambda evidence: failed("policy_violation", "never"))
    assert await probed(made.task, parts, kinds, voice) == {"reference_passes"}
    blinded("policy_kept", lambda evidence: NOT_APPLICABLE)
    assert await probed(made.task, parts, kinds, voice) == set()


# -- a fault in the task ---------------------------------------------------------------------------


async def test_a_refusal_without_a_permitted_twin_is_no_refusal(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("refuse", kinds, voice)
    parts = await carried(made, kinds)
    alone = [dataclasses.replace(part, twin=None) for part in parts]
    assert await probed(made.task, alone, kinds, voice) == {"refusing_the_permitted_fails"}


async def test_a_refusal_whose_twin_is_to_be_refused_too_is_no_refusal(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("refuse", kinds, voice)
    parts = await carried(made, kinds)
    same = [dataclasses.replace(part, twin=made.task) for part in parts]
    assert await probed(made.task, same, kinds, voice) == {"refusing_the_permitted_fails"}


async def test_a_refusal_for_what_nothing_stands_against_is_not_due(
    kinds: DomainRuntime, voice: Voice
) -> None:
    for kind in ("refuse", "impossible"):
        made = await found(kind, kinds, voice)
        parts = await carried(made, kinds)
        free = [
            dataclasses.replace(
                part,
                attempt=dataclasses.replace(part.attempt, outcome="declined", reason=None),
                forced=Attempt(outcome="done"),
            )
            for part in parts
        ]
        assert await probed(made.task, free, kinds, voice) == {"refusal_is_due"}


async def test_a_write_that_changes_nothing_is_idle(kinds: DomainRuntime, voice: Voice) -> None:
    made = await found("write", kinds, voice)
    (part,) = await carried(made, kinds)
    idle = dataclasses.replace(part.attempt, idle=["book_room"])
    parts = [dataclasses.replace(part, attempt=idle)]
    assert await probed(made.task, parts, kinds, voice) == {"no_idle_write"}


async def test_a_task_whose_user_does_not_know_enough_is_dropped(
    garden: DomainRuntime, voice: Voice
) -> None:
    made = await found("write", garden, voice, only="change_email")
    facts = tuple(fact for fact in made.task.facts if fact.name != "new_email")
    silent = made.task.model_copy(update={"facts": facts})
    parts = await carried(made, garden)
    assert await probed(silent, parts, garden, voice) == {"facts_suffice"}


async def test_an_answer_that_no_result_shows_fails_the_reference(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("info", kinds, voice, only="room_price")
    blind = made.task.model_copy(update={"reference_calls": ()})
    parts = await carried(made, kinds)
    assert await probed(blind, parts, kinds, voice) == {"reference_passes"}


async def test_a_task_in_which_nothing_is_due_has_its_goal_met_at_the_start(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("info", kinds, voice)
    empty = made.task.model_copy(
        update={"target": made.task.target.model_copy(update={"answers": ()})}
    )
    assert await probed(empty, await carried(made, kinds), kinds, voice) == {"goal_not_met"}


# -- other ways, other places ----------------------------------------------------------------------


async def test_another_way_that_does_not_pass_is_noticed(
    kinds: DomainRuntime, voice: Voice, monkeypatch: pytest.MonkeyPatch, blinded: Any
) -> None:
    made = await found("write", kinds, voice, only="book")
    write = made.task.reference_calls[-1]
    longer = (ReferenceCall(name="list_rooms", arguments={}, wave=0), write)

    async def with_another(task: Task, goal: Any, runtime: DomainRuntime) -> Found:
        return Found(reached=True, calls=(write,), alternatives=[longer], tried=2)

    monkeypatch.setattr(certificate_module, "search", with_another)
    parts = await carried(made, kinds)
    made_here, alternatives = await certify(made.task, parts, kinds, voice)
    assert failing(made_here) == set()
    assert alternatives == 1

    def narrow(evidence: Evidence) -> Finding:
        """Wants the one way that it knows."""
        first = [call.name for _, call, _ in evidence.calls][:1]
        return failed("goal_not_reached", "") if first == ["list_rooms"] else original(evidence)

    original = OUTCOME_CHECKS["target_state"]
    blinded("target_state", narrow)
    reference = [c for c in made.task.reference_calls if c.name != "list_rooms"]
    task = made.task.model_copy(update={"reference_calls": tuple(reference)})
    assert await probed(task, parts, kinds, voice) == {"alternatives_pass"}


@dataclasses.dataclass
class Elsewhere:
    """A witness that answers this."""

    answer: str
    asked: list[str] = dataclasses.field(default_factory=lambda: [])

    async def ask(self, task: Task) -> str:
        self.asked.append(task.id)
        return self.answer


async def test_a_witness_that_answers_otherwise_is_believed(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("write", kinds, voice)
    parts = await carried(made, kinds)
    take = await certificate_module.run_take(made.task, made.task.reference_calls, kinds)
    same = Elsewhere(results_digest(take.messages, take.final))
    assert await probed(made.task, parts, kinds, voice, witness=same) == set()
    assert same.asked == [made.task.id]
    other = Elsewhere(results_digest(take.messages, "another state"))
    assert await probed(made.task, parts, kinds, voice, witness=other) == {"same_elsewhere"}


async def test_without_a_witness_nobody_claims_that_it_is_the_same_elsewhere(
    kinds: DomainRuntime, voice: Voice
) -> None:
    made = await found("write", kinds, voice)
    assert "same_elsewhere" not in {probe.name for probe in made.certificate.probes}


async def test_no_further_probe_is_made_once_one_failed(kinds: DomainRuntime, voice: Voice) -> None:
    made = await found("write", kinds, voice)
    parts = await carried(made, kinds)
    broken = made.task.model_copy(update={"reference_calls": made.task.reference_calls[:-1]})
    certificate, _ = await certify(broken, parts, kinds, voice)
    assert failing(certificate) == {"reference_passes"}
    assert len(certificate.probes) <= 3
    assert not certificate.holds


async def test_every_probe_is_met_somewhere(kinds: DomainRuntime, voice: Voice) -> None:
    """Over all kinds, no probe that there is is never made (another process is not asked here)."""
    met: set[str] = set()
    for kind in ("write", "writes", "several", "info", "refuse", "partly", "change_of_mind"):
        for seed in range(4):
            made = await found(kind, kinds, voice, seed)
            met |= {probe.name for probe in made.certificate.probes}
    assert set(get_args(ProbeName)) - met <= {"same_elsewhere", "alternatives_pass"}


def test_refusals_need_words_of_their_own(kinds: DomainRuntime) -> None:
    lexicon: Lexicon = kinds.lexicon
    assert lexicon.reason("no_parking") is not None
    assert lexicon.reason("nothing_of_that_name") is None
    assert Request(intent="x").reason is None
