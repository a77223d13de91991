"""`pytest --golden DIR`: one test for each golden, and one for each gate.

PYTEST_DONT_REWRITE. Loading this imports nothing of the engine: other people's test runs stay as
they are. `-p no:agentsynth-golden` leaves it out altogether.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from agentsynth.golden.report import GoldenReport

__all__ = ["pytest_addoption", "pytest_collection_modifyitems"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--golden`."""
    parser.getgroup("agentsynth").addoption(
        "--golden",
        action="append",
        default=[],
        metavar="DIR",
        help="hold the goldens in DIR against today's worlds, rubrics and prompts, from its "
        "cassettes; may be given again",
    )


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Put the goldens behind the other tests, in the same order in every process."""
    for name in config.getoption("--golden") or ():
        folder: _Folder = _Folder.from_parent(session, name=name, nodeid=name)
        items.extend(folder.tests())


class _Folder(pytest.Collector):
    """A folder of goldens; it is checked once in a process, when the first of its tests runs."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self._report: GoldenReport | None = None

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """Return its tests."""
        return list(self.tests())

    def tests(self) -> Iterator[pytest.Item]:
        """Yield a test for each golden, then the one for the gates."""
        from agentsynth.core.errors import UserError  # noqa: PLC0415  (only with the option)
        from agentsynth.golden.load import load_goldens  # noqa: PLC0415

        try:
            goldens = load_goldens(Path(self.name))
        except UserError as error:
            raise pytest.UsageError(f"--golden {self.name}: {error}") from None
        for held in goldens.held:
            yield _Golden.from_parent(self, name=held.golden.id)
        yield _Gates.from_parent(self, name="gates")

    def report(self) -> "GoldenReport":
        """Return what came of the folder."""
        if self._report is None:
            from agentsynth.core.errors import AgentsynthError  # noqa: PLC0415
            from agentsynth.golden.check import check_goldens  # noqa: PLC0415

            try:
                self._report = asyncio.run(check_goldens(Path(self.name)))
            except AgentsynthError as error:
                pytest.fail(str(error), pytrace=False)
        return self._report


class _Golden(pytest.Item):
    """One golden: it fails where a gate that failed names it."""

    def runtest(self) -> None:
        """Look at the golden."""
        report = _report_of(self)
        begins = f"{self.name}/"
        found = {c: why for c, why in report.culprits.items() if c.startswith(begins)}
        told = [f"{case}: {'; '.join(why)}" for case, why in found.items()]
        told += [m.told for m in report.missing if self.name in m.goldens]
        if told:
            items = {
                i.criterion: i for r in report.results if r.golden == self.name for i in r.items
            }
            for case in found:
                item = items.get(case.partition("/")[2])
                if item is not None:
                    told.append(f"{item.criterion} is {item.outcome}: {item.evidence}")
            pytest.fail("\n".join(told), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return how the test is called."""
        return Path(self.parent.name if self.parent else ""), None, self.name


class _Gates(pytest.Item):
    """The one verdict."""

    def runtest(self) -> None:
        """Look at the verdict."""
        from agentsynth.golden.render import lines  # noqa: PLC0415

        report = _report_of(self)
        if report.status == "inconclusive":
            pytest.skip(report.rule)
        if report.status != "passed":
            pytest.fail("\n".join(lines(report)), pytrace=False)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Return how the test is called."""
        return Path(self.parent.name if self.parent else ""), None, "gates"


def _report_of(item: pytest.Item) -> "GoldenReport":
    parent = item.parent
    assert isinstance(parent, _Folder)  # it makes them
    return parent.report()
