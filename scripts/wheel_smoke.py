"""Build the wheel, compare its contents with the checkout, and use it from somewhere else.

The wheel must hold exactly the package and the bundled folders, and nothing that git ignores.
It is installed into an empty environment outside the checkout, from the lock, and has to list
its domains and run a small corpus there.
"""

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ("domains", "rubrics", "tools_registry")
UNWANTED_PARTS = {"__pycache__", "tests"}
UNWANTED_SUFFIXES = (".db", ".pyc", ".tmp")
DOMAIN = "community_garden"
CONFIG = f"version: 1\nseed: 7\ntarget: {{tasks: 5}}\ndomains: {{{DOMAIN}: 1}}\n"
TIMEOUT_S = 300


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="agentsynth-wheel-") as name:
        folder = Path(name).resolve()
        wheel = build(folder / "dist")
        problems = content_problems(wheel)
        if problems:
            print("\n".join([f"error: {wheel.name}", *problems]), file=sys.stderr)
            return 1
        use(install(wheel, folder / "venv"), folder / "elsewhere")
    print(f"ok: {wheel.name} holds what it should and works outside the checkout")
    return 0


def build(out: Path) -> Path:
    """Return the built wheel; nothing is fetched for it."""
    call([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out], cwd=ROOT)
    (wheel,) = out.glob("*.whl")
    return wheel


def content_problems(wheel: Path) -> list[str]:
    """Return one line for each file that is missing from the wheel or should not be in it."""
    names = zipfile.ZipFile(wheel).namelist()
    print("\n".join(names))
    held = {name for name in names if ".dist-info/" not in name}
    wanted = wanted_names()
    problems = [f"missing: {name}" for name in sorted(wanted - held)]
    problems += [f"not in the checkout's file list: {name}" for name in sorted(held - wanted)]
    problems += [f"unwanted: {name}" for name in names if is_unwanted(name)]
    for kind in BUNDLED:
        if not any(name.startswith(f"agentsynth/_bundled/{kind}/") for name in held):
            problems.append(f"missing: any file of agentsynth/_bundled/{kind}/")
    return problems


def wanted_names() -> set[str]:
    """Return the wheel's names for the files that git knows or would add."""
    folders = ["agentsynth", *BUNDLED]
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", *folders],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout
    paths = [path for path in listing.split("\0") if path and (ROOT / path).exists()]
    return {wheel_name(path) for path in paths if "tests" not in PurePosixPath(path).parts}


def wheel_name(path: str) -> str:
    return f"agentsynth/_bundled/{path}" if path.split("/")[0] in BUNDLED else path


def is_unwanted(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = path.name.startswith(".env") or path.name.endswith(UNWANTED_SUFFIXES)
    return hidden or bool(UNWANTED_PARTS & set(path.parts))


def install(wheel: Path, environment: Path) -> Path:
    """Return the folder of the commands of a new environment that holds the lock and the wheel."""
    venv.create(environment, with_pip=True)
    commands = environment / ("Scripts" if os.name == "nt" else "bin")
    pip = [commands / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    cwd = environment.parent
    call([*pip, "--require-hashes", "-r", ROOT / "requirements.lock"], cwd=cwd)
    call([*pip, "--no-deps", wheel], cwd=cwd)
    call([commands / "python", "-m", "pip", "check"], cwd=cwd)
    return commands


def use(commands: Path, cwd: Path) -> None:
    """Run the installed commands in an empty folder."""
    cwd.mkdir()
    where = "import agentsynth, sys; sys.exit('site-packages' not in agentsynth.__file__)"
    call([commands / "python", "-c", where], cwd=cwd)
    agentsynth = commands / "agentsynth"
    call([agentsynth, "--help"], cwd=cwd)
    if DOMAIN not in call([agentsynth, "domains"], cwd=cwd):
        raise SystemExit(f"error: `agentsynth domains` does not name {DOMAIN!r}")
    (cwd / "config.yaml").write_text(CONFIG, encoding="utf-8")
    call([agentsynth, "run", "config.yaml", "--out", "out"], cwd=cwd)
    rows = cwd / "out" / "export" / "rows.jsonl"
    if not rows.is_file() or not rows.read_text(encoding="utf-8").strip():
        raise SystemExit("error: the installed wheel's run exported no rows")


def call(command: list[str | Path], *, cwd: Path) -> str:
    """Return what the command printed; end with its output if it fails."""
    words = [str(word) for word in command]
    print("$", " ".join(words), flush=True)
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    done = subprocess.run(
        words,
        cwd=cwd,
        env=environment,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        timeout=TIMEOUT_S,
    )
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f"error: exit code {done.returncode} from: {' '.join(words)}")
    return done.stdout


if __name__ == "__main__":
    raise SystemExit(main())
