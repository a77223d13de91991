import json
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from agentsynth.core.errors import RunError, UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.evolve.install import install_server, installed
from agentsynth.worlds.files import load_yaml

NOTES: dict[str, Any] = {
    "tools": {"run": {"read_only": True}},
    "state": {"kind": "sqlite", "file": "data.db"},
    "results": "json",
}
RAW: dict[str, Any] = {
    "name": "tiny",
    "title": "A server for tests",
    "registry": "pypi",
    "package": "tiny-server",
    "version": "1.0",
    "requirements": ["tiny-server==1.0"],
    "command": "tiny",
    "homepage": "https://example.org/tiny",
    "licence": "MIT",
    "licence_source": "written here",
    "live": NOTES,
}


def manifest(**changes: Any) -> ServerManifest:
    return parse_manifest({**RAW, **changes}, "tiny.yaml")


def add_wheel(folder: Path) -> None:
    """Write a wheel by hand, so that no index is needed."""
    info = "tiny_server-1.0.dist-info"
    files = {
        "tiny_server.py": "def main():\n    print('tiny')\n",
        f"{info}/METADATA": "Metadata-Version: 2.1\nName: tiny-server\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\ntiny = tiny_server:main\n",
    }
    record = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / "tiny_server-1.0-py3-none-any.whl", "w") as wheel:
        for name, text in {**files, f"{info}/RECORD": record}.items():
            wheel.writestr(name, text)


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pip finds only what lies in a folder of wheels."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    add_wheel(wheels)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_a_server_is_installed_once_into_a_prefix_of_its_own(tmp_path: Path) -> None:
    root = tmp_path / "servers"
    said: list[str] = []
    assert installed(manifest(), root) is None
    prefix = install_server(manifest(), root, log=said.append)
    again = install_server(manifest(), root, log=said.append)
    assert again == prefix == installed(manifest(), root)
    assert (prefix / "bin" / "tiny").is_file()
    assert said == [
        "installing tiny-server 1.0 into a prefix of its own",
        "installed tiny-server 1.0 (3 packages)",
    ]
    done = json.loads((prefix.parent / "done.json").read_text(encoding="utf-8"))
    assert done["resolved"]["tiny-server"] == "1.0"
    assert not (tmp_path / "elsewhere").exists()
    (tmp_path / "linked").symlink_to(root)
    assert installed(manifest(), tmp_path / "linked") == prefix
    moved = tmp_path / "moved"
    root.rename(moved)
    assert installed(manifest(), moved) is None


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_a_version_that_cannot_be_had_is_explained_and_leaves_nothing(tmp_path: Path) -> None:
    wanted = manifest(version="2.0", requirements=["tiny-server==2.0"])
    with pytest.raises(RunError, match=r"(?s)was not installed: .*no wheel of a pinned version"):
        install_server(wanted, tmp_path / "servers", log=lambda _: None)
    assert installed(wanted, tmp_path / "servers") is None
    assert not list((tmp_path / "servers").glob("*/venv-*"))


def test_a_python_that_fails_is_reported_with_its_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'No space left on device' >&2\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(RunError, match=r"(?s)python -m venv .* failed; the disk is full"):
        install_server(manifest(), tmp_path / "servers", log=lambda _: None)


def test_a_workspace_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "servers").write_text("a file, not a folder", encoding="utf-8")
    with pytest.raises(RunError, match=r"servers/tiny-1\.0-\w+: Not a directory"):
        install_server(manifest(), tmp_path / "servers", log=lambda _: None)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"requirements": ["tiny-server>=1"]}, "'tiny-server>=1' is not of the form name==version"),
        ({"requirements": ["other==1.0"]}, "expected the line tiny-server==1.0"),
        ({"live": {**NOTES, "results": "xml"}}, "tiny.yaml: live.results: Input should be 'json'"),
        (
            {"live": {**NOTES, "masks": [{"pattern": "(", "replacement": ""}]}},
            "live.masks.0.pattern: not a regular expr",
        ),
        ({"requirements": []}, "a server that worlds run on pins every package"),
        ({"registry": "npm"}, "only packages of PyPI are pinned one by one"),
        ({"package": "--index-url=evil"}, "tiny.yaml: package: String should match pattern"),
        ({"prepare": [{"path": "../out", "text": ""}]}, "prepare.0.path"),
        ({"prepare": [{"path": "a/../../out"}]}, "must stay below the scratch folder"),
        ({"colour": "red"}, "tiny.yaml: colour: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_manifest_says_where_and_what(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError) as caught:
        manifest(**changes)
    assert says in str(caught.value)


def test_every_bundled_manifest_is_well_formed() -> None:
    paths = sorted(bundled("tools_registry").glob("*.yaml"))
    assert paths
    for path in paths:
        assert parse_manifest(load_yaml(path).value, str(path)).name == path.stem
