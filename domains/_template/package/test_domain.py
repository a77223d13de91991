"""What `agentsynth check-domain` finds wrong is a failed test here.

The domain is asked for by its name, so it has to be installed: `pip install -e .`
"""

from agentsynth.testing.pytest_plugin import CheckDomain


def test_the_domain_holds(check_domain: CheckDomain) -> None:
    """It has no problems, and tasks of every kind are found and kept."""
    check_domain("game_shelf", tasks=4)
