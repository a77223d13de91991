"""An environment of its own, with the engine installed as others install it, and no index."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600
# Everything that pip needs is in the environment already; nothing is looked up anywhere.
PIP = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the option's value: 0 = no isolation
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_CONFIG_FILE": os.devnull,
    "PIP_QUIET": "1",
}
OURS = ("PYTHON", "PYTEST", "PIP_", "VIRTUAL_ENV", "COV_")


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside the checkout."""

    folder: Path

    @property
    def commands(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def variables(self) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        path = f"{self.commands}{os.pathsep}{own.get('PATH', '')}"
        return {**own, **PIP, "PATH": path, "COLUMNS": "200"}

    def run(
        self, *words: str | Path, cwd: Path, code: int = 0
    ) -> "subprocess.CompletedProcess[str]":
        """Run one of its commands; it has to end with this code."""
        return run([self.commands / words[0], *words[1:]], self.variables(), cwd=cwd, code=code)

    def add_what_an_index_would_give(self) -> None:
        """Let it see the engine's dependencies and pytest, then install the engine as a wheel."""
        paths = sysconfig.get_paths(vars={"base": str(self.folder), "platbase": str(self.folder)})
        beside = sysconfig.get_paths()["purelib"]  # its .pth files are not read: no checkout
        Path(paths["purelib"], "dependencies.pth").write_text(beside + "\n", encoding="utf-8")
        command = self.commands / "pytest"
        main = "import sys\n\nimport pytest\n\nsys.exit(pytest.console_main())\n"
        command.write_text(f"#!{self.commands / 'python'}\n{main}", encoding="utf-8")
        command.chmod(0o755)
        self.run("python", "-m", "pip", "install", "--force-reinstall", ROOT, cwd=self.folder)


def run(
    words: Sequence[str | Path], variables: dict[str, str], *, cwd: Path, code: int = 0
) -> "subprocess.CompletedProcess[str]":
    """Run a command; it has to end with this code."""
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env=variables,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
    )
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}"
    return done


@pytest.fixture(scope="session")
def separate(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the engine installed, for packages to be installed beside it."""
    folder = tmp_path_factory.mktemp("separate") / "venv"
    run([sys.executable, "-m", "venv", folder], dict(os.environ), cwd=folder.parent)
    environment = Environment(folder)
    environment.add_what_an_index_would_give()
    return environment


@pytest.fixture
def checkout() -> Path:
    return ROOT
