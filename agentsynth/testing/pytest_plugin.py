"""The fixture `check_domain` for tests of domains; pytest finds it where the engine is installed.

PYTEST_DONT_REWRITE. Loading this imports nothing of the engine: other people's test runs stay as
they are. `-p no:agentsynth` leaves it out altogether.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

if TYPE_CHECKING:
    from agentsynth.testing.check_domain import DomainReport

__all__ = ["CheckDomain", "check_domain"]


class CheckDomain(Protocol):
    """What the fixture `check_domain` gives."""

    def __call__(self, domain: str | Path, *, tasks: int = 2) -> "DomainReport":
        """Fail the test with what `agentsynth check-domain` says; return its report otherwise.

        Args:
            domain: the name by which it is found, or its folder.
            tasks: how many tasks of every kind to look for and play.
        """
        ...


@pytest.fixture(scope="session")
def check_domain() -> CheckDomain:
    """A function that holds a domain to what `agentsynth check-domain` asks of it."""
    return _check


def _check(domain: str | Path, *, tasks: int = 2) -> "DomainReport":
    __tracebackhide__ = True
    # Only here: nobody else's test run should wait for the engine.
    from agentsynth.core.errors import AgentsynthError  # noqa: PLC0415
    from agentsynth.testing.check_domain import check_domain as check  # noqa: PLC0415

    try:
        report = asyncio.run(check(str(domain), tasks=tasks))
    except AgentsynthError as error:
        pytest.fail(str(error), pytrace=False)
    if not report.holds:
        pytest.fail("\n".join(report.lines()), pytrace=False)
    return report
