"""Rollouts with models in both seats: CPU, rate and memory, beside a bare client's.

Conversations of about 27 messages and 17 model calls are played by the scripted actors first; a
fake endpoint in a process of its own then says the same lines over HTTP. Ours is the whole engine:
worlds, checks, replay, recordings, store. The bare clients send the very same requests, one after
the other within a conversation, and parse the replies. Finding the tasks is not measured.

With `--peers DIR`, other projects' rollout loops play a conversation of the same shape, once in
each scenario, each in an environment of its own that is made in DIR and kept (`benchmarks.peers`).

    python -m benchmarks.models [--repeat 3] [--only zero,busy,slow,many] [--peers DIR]
"""

import argparse
import asyncio
import json
import pickle
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from benchmarks.model_clients import bare_aiohttp, bare_transport, ours, padded
from benchmarks.model_tasks import Scenario, capture, find_tasks
from benchmarks.peers import PEERS, measure, talk

_BODY = 12_000
"""Bytes added to each request in the scenarios with large bodies; it then has some 24 KB."""

SCENARIOS = {
    one.name: one
    for one in (
        Scenario("zero", rollouts=2000, at_once=32),
        Scenario("busy", rollouts=1500, at_once=100, latency=0.05),
        Scenario("slow", rollouts=1500, at_once=500, latency=1.0, padding=_BODY),
        Scenario("many", rollouts=3000, at_once=1000, latency=1.0, padding=_BODY),
    )
}


# -- passes, each in a process of its own ---------------------------------------------------------


@contextmanager
def endpoint(script: Path, latency: float, chaos: float = 0.0) -> Generator[int]:
    """Run the fake endpoint; give its port."""
    command = [sys.executable, "-m", "benchmarks.fake_endpoint", str(script)]
    command += ["--latency", str(latency), "--chaos", str(chaos)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


def _one_pass(folder: Path, system: str, scenario: Scenario, port: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.models", "--pass", str(folder), system]
    command += [scenario.name, str(port)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def _run_pass(folder: Path, system: str, name: str, port: int) -> None:
    """Be one pass: print its figures."""
    scenario = SCENARIOS[name]
    tasks, captured = pickle.loads((folder / "tasks.pickle").read_bytes())
    bodies = padded([captured[p.composed.task.id] for p in tasks], scenario.padding)
    if system in ("ours", "ours with 2 workers"):
        workers = 1 if system == "ours" else 2
        with tempfile.TemporaryDirectory() as name:
            figures = asyncio.run(ours(scenario, port, tasks, Path(name), workers))
    elif system == "aiohttp":
        figures = asyncio.run(bare_aiohttp(scenario, port, bodies))
    else:
        figures = asyncio.run(bare_transport(scenario, port, bodies))
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--peers", type=Path, metavar="DIR")
    parser.add_argument("--pass", nargs=4, dest="one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        folder, system, name, port = options.one
        _run_pass(Path(folder), system, name, int(port))
        return
    with tempfile.TemporaryDirectory() as name:
        result = _measure(Path(name), options)
    print(json.dumps({"benchmark": "models", **result}))


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    tasks, lines = asyncio.run(find_tasks())
    script = folder / "script.json"
    script.write_bytes(orjson.dumps(lines))
    with endpoint(script, 0) as port:
        captured = asyncio.run(capture(tasks, port))
    (folder / "tasks.pickle").write_bytes(pickle.dumps((tasks, captured)))
    sizes = [len(body) for bodies in captured.values() for body in bodies]
    calls = Counter(len(bodies) for bodies in captured.values())
    result: dict[str, Any] = {
        "tasks": len(tasks),
        "calls_per_rollout": dict(calls),
        "bytes_per_request": round(sum(sizes) / len(sizes)),
    }
    for name in options.only.split(","):
        scenario = SCENARIOS[name]
        compared = _compare(folder, script, scenario, options.repeat)
        result[name] = {**compared, **_peers(folder, scenario, options.peers)}
        print(json.dumps({name: result[name]}), flush=True)
    return result


def _compare(folder: Path, script: Path, scenario: Scenario, repeat: int) -> dict[str, Any]:
    """Return the best of interleaved passes of each system."""
    best: dict[str, dict[str, Any]] = {}
    for _ in range(repeat):
        for system in ("aiohttp", "httpx+aiohttp", "ours", "ours with 2 workers"):
            with endpoint(script, scenario.latency) as port:
                figures = _one_pass(folder, system, scenario, port)
            known = best.get(system)
            if known is None or figures["rollouts_per_second"] > known["rollouts_per_second"]:
                best[system] = figures
    mine, bare, same = best["ours"], best["aiohttp"], best["httpx+aiohttp"]
    both, most = best["ours with 2 workers"], bare["rollouts_per_second"]
    return {
        **best,
        "of_bare_aiohttp": round(mine["rollouts_per_second"] / most, 3),
        "of_bare_aiohttp_with_2_workers": round(both["rollouts_per_second"] / most, 3),
        "own_ms": round(mine["cpu_ms_each"] - same["cpu_ms_each"], 2),
        "ideal": _ideal(scenario),
    }


def _peers(folder: Path, scenario: Scenario, environments: Path | None) -> dict[str, Any]:
    """Return each peer's figures, or why it has none."""
    script = folder / "talk.json"
    script.write_bytes(talk())
    with endpoint(script, scenario.latency) as port:
        return {peer.name: measure(peer, environments, port, scenario.at_once) for peer in PEERS}


def _ideal(scenario: Scenario) -> float | None:
    """Return rollouts a second if nothing but the endpoint took time; None = no latency."""
    if not scenario.latency:
        return None
    return round(scenario.at_once / (17 * scenario.latency), 1)


if __name__ == "__main__":
    main()
