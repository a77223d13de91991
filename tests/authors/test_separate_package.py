"""A package that is built, installed and used apart from the checkout, as its author would."""

import json
from pathlib import Path

import pytest

from tests.authors.conftest import Environment

CONFIG = "version: 1\nseed: 3\ntarget: {tasks: 6}\ndomains: {tea_shop: 1}\n"
LOUD = 'raise RuntimeError("the package was imported")\n'


@pytest.fixture(scope="module")
def author(separate: Environment, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an author whose package is built and installed; importing it fails."""
    folder = tmp_path_factory.mktemp("author")
    separate.run("agentsynth", "new-domain", "tea_shop", "--package", cwd=folder)
    package = folder / "tea_shop"
    (package / "src" / "agentsynth_tea_shop" / "__init__.py").write_text(LOUD, encoding="utf-8")
    separate.run("python", "-m", "pip", "wheel", "--wheel-dir", "dist", package, cwd=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    separate.run("python", "-m", "pip", "install", wheel, cwd=folder)
    return folder


@pytest.mark.slow
def test_it_is_used_by_its_name_and_never_imported(separate: Environment, author: Path) -> None:
    where = "import agentsynth; print(agentsynth.__file__)"
    assert str(separate.folder) in separate.run("python", "-c", where, cwd=author).stdout
    listed = separate.run("agentsynth", "domains", cwd=author).stdout
    assert "tea_shop" in listed
    assert "(from agentsynth-tea-shop 0.1.0)" in listed
    elsewhere = author / "elsewhere"
    elsewhere.mkdir()
    said = separate.run("agentsynth", "check-domain", "tea_shop", "--tasks", "2", cwd=elsewhere)
    assert said.stdout.startswith("tea_shop is from agentsynth-tea-shop 0.1.0\n")
    assert said.stdout.endswith("holds\n")


@pytest.mark.slow
def test_its_rows_say_where_the_domain_is_from_and_can_be_replayed(
    separate: Environment, author: Path
) -> None:
    (author / "config.yaml").write_text(CONFIG, encoding="utf-8")
    run = author / "run"
    separate.run("agentsynth", "run", "config.yaml", "--out", run, "--workers", "2", cwd=run.parent)
    manifest = json.loads((run / "export" / "manifest.json").read_text(encoding="utf-8"))
    package = {"distribution": "agentsynth-tea-shop", "version": "0.1.0"}
    assert manifest["domain_packages"] == {"tea_shop": package}
    assert manifest["rows"] > 0
    card = (run / "export" / "README.md").read_text(encoding="utf-8")
    assert "| tea_shop | agentsynth-tea-shop | 0.1.0 |" in card
    replayed = separate.run("agentsynth", "replay", "--all", "--run", run, "--json", cwd=author)
    last = json.loads(replayed.stdout.splitlines()[-1])
    assert last == {"event": "summary", "replayed": manifest["rows"], "different": 0}


@pytest.mark.slow
def test_its_own_pytest_run_has_the_fixture_and_fails_with_the_command_s_words(
    separate: Environment, author: Path
) -> None:
    package = author / "tea_shop"
    assert "1 passed" in separate.run("python", "-m", "pytest", cwd=package).stdout
    broken = author / "broken"
    separate.run("agentsynth", "new-domain", "broken", "--out", broken, cwd=author)
    file = broken / "broken" / "intents.yaml"
    sound = file.read_text(encoding="utf-8")
    file.write_text(sound.replace("@loan.id", "@lone.id"), encoding="utf-8")
    said = separate.run("python", "-m", "pytest", "test_broken.py", cwd=broken, code=1).stdout
    command = separate.run("agentsynth", "check-domain", "broken", cwd=broken, code=2).stdout
    message = "intents.yaml:45: intents.bring_back.steps.3.args.loan_id: nothing before this step"
    assert message in command
    assert message in said
    assert "Traceback" not in said


@pytest.mark.slow
def test_the_pytest_plugin_loads_nothing_of_the_engine(
    separate: Environment, tmp_path: Path
) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_it():\n"
        "    ours = sorted(name for name in sys.modules if name.startswith('agentsynth'))\n"
        "    golden = ['agentsynth.golden', 'agentsynth.golden.pytest_plugin']\n"
        "    testing = ['agentsynth.testing', 'agentsynth.testing.pytest_plugin']\n"
        "    assert ours == ['agentsynth', *golden, *testing]\n"
        "    assert 'pydantic' not in sys.modules\n",
        encoding="utf-8",
    )
    quiet = ("-p", "no:cacheprovider", "-W", "error")
    said = separate.run("python", "-m", "pytest", *quiet, "-p", "no:hypothesispytest", cwd=tmp_path)
    assert "1 passed" in said.stdout
