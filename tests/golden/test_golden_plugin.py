"""`pytest --golden DIR`: one test a golden, the same in every process, and nothing loaded before."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from tests.golden.judges import record, update

pytest_plugins = ["pytester"]

_INSTALLED = {one.name for one in entry_points(group="pytest11")}
PLUGIN = () if "agentsynth-golden" in _INSTALLED else ("-p", "agentsynth.golden.pytest_plugin")
"""Named only where it is not installed as a plugin: pytest refuses one that comes twice."""


@pytest.mark.slow
async def test_each_golden_is_a_test_and_a_change_fails_those_it_touches(
    folder: Path, pytester: pytest.Pytester
) -> None:
    await record(folder)
    await update(folder)
    given = (*PLUGIN, "-p", "no:cacheprovider", "--golden")
    ran = pytester.runpytest_subprocess("-v", *given, str(folder))
    count = len((folder / "goldens.jsonl").read_text().splitlines())
    ran.assert_outcomes(passed=count + 1)
    ran.stdout.fnmatch_lines(["*::g00 PASSED*", "*::gates PASSED*"])
    rubric = folder / "mine.yaml"
    rubric.write_text(rubric.read_text().replace("courteous", "friendly"))
    ran = pytester.runpytest_subprocess(*given, str(folder))
    ran.assert_outcomes(failed=count + 1)
    ran.stdout.fnmatch_lines(["*question polite was changed*"])


@pytest.mark.slow
async def test_the_goldens_are_the_same_tests_in_every_process(
    folder: Path, pytester: pytest.Pytester
) -> None:
    await record(folder)
    await update(folder)
    given = (*PLUGIN, "-n", "2", "--golden", str(folder))
    ran = pytester.runpytest_subprocess(*given)
    count = len((folder / "goldens.jsonl").read_text().splitlines())
    ran.assert_outcomes(passed=count + 1)


def test_loading_the_plugin_imports_nothing_of_the_engine() -> None:
    code = (
        "import agentsynth.golden.pytest_plugin, sys; "
        "print([m for m in sys.modules if m.startswith('agentsynth.') and 'golden' not in m])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
