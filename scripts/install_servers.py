"""Install the servers of `tools_registry/` into the workspace, for the tests that really run them.

Without a package index this says so and goes on: those tests are then skipped by name.
"""

import sys

from agentsynth.core.errors import RunError
from agentsynth.core.manifest import parse_manifest
from agentsynth.core.resources import bundled
from agentsynth.evolve.install import install_server
from agentsynth.pipeline.domains import WORKSPACE
from agentsynth.worlds.files import load_yaml


def main() -> None:
    for path in sorted(bundled("tools_registry").glob("*.yaml")):
        manifest = parse_manifest(load_yaml(path).value, str(path))
        if manifest.live is None:
            continue  # its tools can be listed; no test runs on it
        try:
            install_server(manifest, WORKSPACE / "servers", log=print)
        except RunError as error:
            print(
                f"{path.stem} is not installed, its tests will be skipped: {error}", file=sys.stderr
            )


if __name__ == "__main__":
    main()
