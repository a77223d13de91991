"""`rubric test`: criteria held against conversations that are known to be sound or defective."""

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from agentsynth.checks.evidence import Evidence
from agentsynth.checks.replay import replay
from agentsynth.cli.main import main
from agentsynth.compose.rubrics import whole_rubric
from agentsynth.core.criteria import LimitCheck
from agentsynth.core.rubric import Criterion, MutantSort, Rubric
from agentsynth.core.trajectory import Trajectory
from agentsynth.judge.mutants import mutate
from agentsynth.pipeline.probe_spoils import spoiled
from agentsynth.pipeline.rubric_probes import Probed
from agentsynth.pipeline.rubric_test import RubricCount, count_probes
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import Play

ASKED = Criterion.model_validate({
    "name": "asked", "question": "Is anything asked twice?", "choices": ["yes", "no"],
    "broken_by": ["repeated_question"],
})  # fmt: skip
UNNAMED = Criterion.model_validate(
    {"name": "unnamed", "question": "Is it told?", "choices": ["no", "yes"]}
)


def limit(name: str, **limits: int) -> Criterion:
    check = LimitCheck.model_validate({"limit": limits})
    return Criterion(name=name, check=check)


@pytest.fixture(scope="session")
async def probes(play_kind: Play, kinds: DomainRuntime) -> list[Probed]:
    """A sound conversation, a mutant of it, and it broken in form."""
    prepared, graded = await play_kind("write", 0)
    task, sound = prepared.composed.task, graded.trajectory
    mutant = mutate(sound, "repeated_question", seed=1)
    assert mutant is not None
    made: list[tuple[Trajectory, bool, MutantSort | None]] = [
        (sound, True, None),
        (mutant.trajectory, False, mutant.sort),
    ]
    made += [(broken, False, None) for _, broken in spoiled(sound, times=90)]
    found: list[Probed] = []
    for trajectory, good, sort in made:
        again = await replay(task, trajectory, kinds, prepared.agent.tool_names)
        found.append(Probed(Evidence(task, trajectory, kinds, load_voice(), again), good, sort))
    return found


async def counted(probes: Sequence[Probed], *criteria: Criterion) -> RubricCount:
    async def each() -> AsyncIterator[Probed]:
        for one in probes:
            yield one

    [count] = await count_probes([Rubric(name="r", criteria=criteria)], each())
    return count


async def test_a_check_that_never_fails_or_never_passes_is_a_slip(probes: list[Probed]) -> None:
    count = await counted(
        probes,
        limit("fine", calls=50),
        limit("blind", calls=10_000),
        limit("impossible", assistant_messages=1),
    )
    assert [(s.criterion, s.kind) for s in count.slips] == [
        ("blind", "never_fails"), ("impossible", "never_passes"),
    ]  # fmt: skip
    fine = count.criteria[0].outcomes
    assert (fine["met"], fine["not_met"]) == (count.probes - 1, 1)


async def test_a_check_that_applies_to_nothing_says_so(probes: list[Probed]) -> None:
    other = limit("elsewhere", calls=50).model_copy(update={"kinds": ("long",)})
    [slip] = (await counted(probes, other)).slips
    assert (slip.kind, "applied to none" in slip.told) == ("never_passes", True)


async def test_a_question_needs_conversations_known_to_be_good_and_bad(
    probes: list[Probed],
) -> None:
    assert (await counted(probes, ASKED)).slips == []
    [slip] = (await counted(probes[:1], ASKED)).slips
    assert (slip.kind, "the answer is bad" in slip.told) == ("unprobed", True)
    [slip] = (await counted(probes[1:2], ASKED)).slips
    assert "the answer is good" in slip.told
    [slip] = (await counted(probes, UNNAMED)).slips
    assert (slip.criterion, slip.kind) == ("unnamed", "unprobed")


async def test_each_way_of_breaking_the_form_is_seen_by_its_check(
    probes: list[Probed], play_kind: Play
) -> None:
    names = ("offered_tools", "valid_calls", "no_repeated_calls", "length", "ending")
    wanted = [c for c in whole_rubric().criteria if c.name in names]
    count = await counted(probes, *wanted)
    for one in count.criteria:
        assert one.outcomes["not_met"] > 0 < one.outcomes["met"], one.criterion.name


@pytest.mark.slow
def test_the_bundled_checks_are_each_failed_and_passed_by_some_conversation(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rubric", "test", "tool_use", "--json"]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    criteria = {one["criterion"]: one for one in told if "criterion" in one}
    assert len(criteria) == len(whole_rubric().criteria)
    assert all(one["met"] and one["not_met"] for one in criteria.values() if "met" in one)
    assert criteria["tone"]["broken"] > 0 < criteria["tone"]["sound"]
    assert told[-1]["slips"] == 0


def test_a_folder_without_a_run_is_named(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rubric", "test", "clarity", "--run", str(scratch)]) == 2
    assert "nothing is exported yet" in capsys.readouterr().err
