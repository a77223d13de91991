"""What `agentsynth check-domain` finds wrong is a failed test here."""

from pathlib import Path

from agentsynth.testing.pytest_plugin import CheckDomain


def test_the_domain_holds(check_domain: CheckDomain) -> None:
    """It has no problems, and tasks of every kind are found and kept."""
    check_domain(Path(__file__).parent / "game_shelf", tasks=4)
