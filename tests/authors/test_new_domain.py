"""A domain to start from: whole, renamed, and never written over anything."""

import json
import tomllib
from pathlib import Path

import pytest

from agentsynth import __version__
from agentsynth.cli.main import main
from agentsynth.core.errors import UserError
from agentsynth.pipeline.domains import load_checked
from agentsynth.testing.check_domain import check_domain
from agentsynth.testing.new_domain import new_domain


@pytest.mark.parametrize("python", [False, True])
@pytest.mark.parametrize("package", [False, True])
def test_a_new_domain_has_its_own_name_everywhere(
    python: bool, package: bool, tmp_path: Path
) -> None:
    made = new_domain("tea_shop", tmp_path / "a" / "b", python=python, package=package)
    loaded = load_checked(str(made.folder))
    assert loaded.domain.name == "tea_shop"
    assert (loaded.python is not None) == python
    for path in made.files:
        text = path.read_text(encoding="utf-8")
        assert "game_shelf" not in text, path
        assert "game-shelf" not in text, path
    assert sorted(p for p in tmp_path.rglob("*") if p.is_file()) == list(made.files)
    assert made.test in made.files


@pytest.mark.slow
@pytest.mark.parametrize("python", [False, True])
async def test_a_new_domain_holds_as_it_is(python: bool, tmp_path: Path) -> None:
    made = new_domain("tea_shop", tmp_path, python=python, package=False)
    report = await check_domain(str(made.folder), tasks=3)
    assert (report.problems, report.notes) == ([], [])


def test_a_new_package_offers_its_domain_and_asks_for_this_engine(tmp_path: Path) -> None:
    made = new_domain("tea_shop", tmp_path, python=False, package=True)
    assert made.package is not None
    project = tomllib.loads((made.package / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["name"] == "agentsynth-tea-shop"
    offered = project["project"]["entry-points"]["agentsynth.domains"]
    assert offered == {"tea_shop": "agentsynth_tea_shop"}
    assert made.folder == made.package / "src" / "agentsynth_tea_shop"
    major, minor = (int(part) for part in __version__.split(".")[:2])
    wanted = f"agentsynth-engine>={major}.{minor},<{major}.{minor + 1}"
    assert project["project"]["dependencies"] == [wanted], "the template asks for another engine"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    there = tmp_path / "test_tea_shop.py"
    there.write_text("mine\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"test_tea_shop\.py exists, and nothing is written over"):
        new_domain("tea_shop", tmp_path, python=False, package=False)
    assert list(tmp_path.iterdir()) == [there]
    assert there.read_text(encoding="utf-8") == "mine\n"
    new_domain("other", tmp_path, python=False, package=True)
    with pytest.raises(UserError, match="other exists"):
        new_domain("other", tmp_path, python=True, package=True)


def test_a_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="cannot be written"):
        new_domain("tea_shop", tmp_path / "file", python=False, package=False)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Tea-Shop", "try 'tea_shop'"),
        ("2 rooms", "try 'rooms'"),
        ("a/b", "try 'a_b'"),
        ("", "begin with a letter; the folder"),
        ("wind_farm", "is the name of a bundled domain; choose another"),
        ("game_shelf", "is the name of a bundled domain"),
    ],
)
def test_a_bad_name_is_explained(
    name: str, message: str, scratch: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new-domain", name]) == 2
    assert message in capsys.readouterr().err
    assert list(scratch.iterdir()) == []


def test_the_command_says_what_it_wrote(scratch: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-domain", "tea_shop", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["folder"] == "tea_shop"
    assert summary["test"] == "test_tea_shop.py"
    assert summary["package"] is None
    assert all((scratch / file).is_file() for file in summary["files"])
    assert main(["new-domain", "tea_house", "--package"]) == 0
    assert "agentsynth check-domain tea_house/src/agentsynth_tea_house" in capsys.readouterr().out
