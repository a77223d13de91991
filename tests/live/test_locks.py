"""What pins the npm servers that worlds run on."""

import hashlib
import json
from pathlib import Path

import pytest

from agentsynth.core.errors import RunError, UserError
from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.evolve.install import install_server
from agentsynth.worlds.files import load_yaml
from tests.live.shelf import MANIFEST, NOTES

REGISTRY = bundled("tools_registry")
LOCKED = sorted(path.stem for path in (REGISTRY / "locks").glob("*.json"))


def manifest_of(name: str) -> ServerManifest:
    path = REGISTRY / f"{name}.yaml"
    return parse_manifest(load_yaml(path).value, str(path))


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_is_the_one_its_manifest_names_and_pins_every_package_by_content(name: str) -> None:
    manifest = manifest_of(name)
    text = (REGISTRY / "locks" / f"{name}.json").read_bytes()
    packages = json.loads(text)["packages"]
    own = packages[f"node_modules/{manifest.package}"]
    assert hashlib.sha256(text).hexdigest() == manifest.lock
    assert own["version"] == manifest.version
    assert all(entry["version"] and entry["integrity"] for path, entry in packages.items() if path)
    assert b"://" not in text


def test_a_lock_that_is_not_the_manifests_installs_nothing(tmp_path: Path) -> None:
    other = manifest_of(LOCKED[0]).model_copy(update={"lock": "0" * 64})
    with pytest.raises(RunError, match="is not the one that the manifest names"):
        install_server(other, tmp_path, log=lambda line: None)


def test_a_server_that_worlds_run_on_pins_every_package() -> None:
    bare = {**MANIFEST, "requirements": [], "live": NOTES}
    with pytest.raises(UserError, match="pins every package"):
        parse_manifest(bare, "shelf.yaml")
