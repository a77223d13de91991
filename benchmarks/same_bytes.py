"""The whole export, byte for byte: concurrency 1 and 64, another environment, ten kills.

    python -m benchmarks.same_bytes [CONFIG]

Runs the config (the quickstart, live server included, unless another is named) to its end in each
of these ways and compares the exports. Kills are SIGKILL at random numbers of stored rollouts.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

_OTHER = {"PYTHONHASHSEED": "4711", "TZ": "Pacific/Chatham", "LC_ALL": "C", "LANG": "C"}


def _command(config: str, out: Path, concurrency: int) -> list[str]:
    base = [sys.executable, "-m", "agentsynth", "run", config, "--out", str(out), "--json"]
    return [*base, "--concurrency", str(concurrency)]


def _digest(out: Path) -> str:
    whole = hashlib.sha256()
    for path in sorted((out / "export").iterdir()):
        whole.update(path.name.encode() + b"\0" + path.read_bytes())
    return whole.hexdigest()


def _finish(config: str, out: Path, concurrency: int, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        _command(config, out, concurrency),
        stdout=subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
        check=False,
    )
    return _digest(out) if done.returncode == 0 else f"exit code {done.returncode}"


def _stored(out: Path) -> int:
    """Return how many rollouts the store holds by now."""
    if not (out / "store.db").is_file():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{out / 'store.db'}?mode=ro", uri=True)) as database:
            return int(database.execute("SELECT COUNT(*) FROM item").fetchone()[0])
    except sqlite3.OperationalError:
        return 0  # not created yet


def _kill_at(config: str, out: Path, rollouts: int) -> bool:
    """Start a run, kill it once so many rollouts are stored; return whether it was at work."""
    more = _stored(out) + 1  # a kill before anything new is stored would prove nothing
    with subprocess.Popen(_command(config, out, 1), stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and _stored(out) < max(rollouts, more):
            time.sleep(0.002)
        alive = process.poll() is None
        process.send_signal(signal.SIGKILL)
    return alive and not (out / "export").exists()


def main() -> None:
    """Print one JSON object; exit code 1 if any export differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", nargs="?", default="examples/quickstart.yaml")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=20, help="of the places of the kills")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exports = {
            "concurrency 1": _finish(options.config, folder / "one", 1),
            "concurrency 64": _finish(options.config, folder / "many", 64),
            "other environment": _finish(options.config, folder / "env", 8, _OTHER),
        }
        whole = _stored(folder / "one")  # with more at once, more is stored than is needed
        marks = sorted(rng.sample(range(1, whole - 5), options.kills))
        met = sum(_kill_at(options.config, folder / "killed", mark) for mark in marks)
        exports["after kills"] = _finish(options.config, folder / "killed", 8)
    same = len(set(exports.values())) == 1
    print(
        json.dumps(
            {
                "benchmark": "same_bytes",
                "same": same,
                "exports": exports,
                "kills": options.kills,
                "kills_that_met_a_working_run": met,
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
