"""How often a kind of task comes where only some domains offer it."""

from agentsynth.compose.kinds import kinds_allowed
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.run import kinds_of
from agentsynth.pipeline.work import Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.worlds.runtime import DomainRuntime
from tests.conftest import GARDEN


def table(
    weights: dict[str, float], runtimes: dict[str, DomainRuntime]
) -> dict[str, dict[str, float]]:
    config = RunConfig(version=1, target=TargetConfig(tasks=1), domains=weights)
    made = kinds_of(config, Worker(config, runtimes, Limits()))
    return {name: {str(kind): w for kind, w in kinds.items()} for name, kinds in made.items()}


def test_a_kind_that_one_of_two_domains_offers_counts_twice_there(
    garden: DomainRuntime, kinds: DomainRuntime
) -> None:
    found = table({GARDEN: 1.0, "kinds": 1.0}, {GARDEN: garden, "kinds": kinds})
    assert "dual" not in kinds_allowed(garden)
    assert found["kinds"]["dual"] == 2 * found["kinds"]["write"]
    assert "dual" not in found[GARDEN]


def test_a_scarce_kind_counts_three_times_at_most(
    garden: DomainRuntime, kinds: DomainRuntime
) -> None:
    found = table({GARDEN: 9.0, "kinds": 1.0}, {GARDEN: garden, "kinds": kinds})
    assert found["kinds"]["dual"] == 3 * found["kinds"]["write"]
