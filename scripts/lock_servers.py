"""Make the locks of the npm servers that worlds run on: `python scripts/lock_servers.py NAME...`.

A lock has every package with its version and the hash of its content, and no addresses, so that it
installs from whatever registry npm is pointed at. Afterwards the manifests name the new hashes.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from agentsynth.core.manifest import ServerManifest, parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.worlds.files import load_yaml

_KEPT = (
    *("version", "integrity", "dependencies", "optionalDependencies", "peerDependencies"),
    *("peerDependenciesMeta", "optional", "peer", "dev", "engines", "os", "cpu", "libc", "bin"),
    *("hasInstallScript", "bundleDependencies", "inBundle"),
)


def main() -> None:
    for name in sys.argv[1:]:
        path = bundled("tools_registry") / f"{name}.yaml"
        raw = load_yaml(path).value
        lock = locked(parse_manifest({**raw, "live": None, "lock": None}, str(path)))
        target = path.parent / "locks" / f"{name}.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(lock, encoding="utf-8")
        line = f"lock: {hashlib.sha256(lock.encode()).hexdigest()}"
        text = path.read_text(encoding="utf-8")
        if re.search(r"^lock: ", text, re.MULTILINE):
            text = re.sub(r"^lock: .*$", line, text, flags=re.MULTILINE)
        else:
            text = re.sub(r"^(version: .*)$", rf"\1\n{line}", text, count=1, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")
        print(f"{target.name}: {len(json.loads(lock)['packages']) - 1} packages")


def locked(manifest: ServerManifest) -> str:
    """Return the lock of a server and everything it needs, as `npm ci` takes it."""
    with tempfile.TemporaryDirectory() as folder:
        wanted = [f"{manifest.package}@{manifest.version}", *manifest.also]
        npm = ["npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit"]
        subprocess.run([*npm, "--prefix", folder, *wanted], check=True, stdout=subprocess.DEVNULL)
        lock = json.loads((Path(folder) / "package-lock.json").read_text(encoding="utf-8"))
    lock["name"] = manifest.name
    packages = {
        path: {key: entry[key] for key in _KEPT if key in entry}
        for path, entry in sorted(lock["packages"].items())
    }
    packages[""] = {"name": manifest.name, "dependencies": lock["packages"][""]["dependencies"]}
    return json.dumps({**lock, "packages": packages}, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
