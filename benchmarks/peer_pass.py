"""One pass of a peer, in a process run by the Python of the peer's own environment.

It imports nothing of the engine. Each peer has a module with `player`, which does what need not be
measured (imports, tasks, settings) and returns a function that plays so many rollouts.

    python -m benchmarks.peer_pass verifiers PORT ROLLOUTS AT_ONCE

prints the figures as its last line.
"""

import importlib
import json
import resource
import sys
import time
from collections.abc import Callable

__all__ = ["WARM", "measure"]

WARM = 4
"""Rollouts played before the measured ones: what is imported and built on first use."""

Play = Callable[[int], int]
"""Plays so many rollouts and returns how many messages they have."""


def measure(play: Play, rollouts: int) -> dict[str, float]:
    """Return the figures of so many rollouts, in the shape of the others."""
    play(WARM)
    began, cpu = time.perf_counter(), time.process_time()
    messages = play(rollouts)
    taken, used = time.perf_counter() - began, time.process_time() - cpu
    return {
        "rollouts": rollouts,
        "rollouts_per_second": round(rollouts / taken, 1),
        "cpu_ms_each": round(used / rollouts * 1000, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "messages": round(messages / rollouts, 1),
    }


def main() -> None:
    name, port, rollouts, at_once = sys.argv[1:]
    module = importlib.import_module(f"benchmarks.peer_{name}")
    play = module.player(f"http://127.0.0.1:{port}/v1", int(at_once))
    figures = measure(play, int(rollouts))
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
