"""An endpoint that misbehaves in ten ways, and a run that is killed in the middle.

Chaos: every rollout has to end kept, dropped or failed, each once, and what we counted has to be
what the endpoint charged, to the token. Kill: the run's process gets SIGKILL at a random moment;
the second run must lose no stored rollout and ask again only for what was in flight.

    python -m benchmarks.model_chaos [--rollouts 2000] [--chaos 0.3] [--retries 30] [--kills 3]
"""

import argparse
import asyncio
import json
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from agentsynth.models.tally import tally_of
from agentsynth.pipeline.store import Store
from benchmarks.model_clients import ours
from benchmarks.model_tasks import Scenario, capture, find_tasks
from benchmarks.models import endpoint

CHAOS = Scenario("chaos", rollouts=2000, at_once=200, latency=0.01, retries=30, call_s=2.0)
KILLED = Scenario("killed", rollouts=600, at_once=64, latency=0.02)


def counts_at(port: int) -> dict[str, int]:
    """Return what the endpoint counted."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/counts") as reply:
        return json.loads(reply.read())


def chaos(folder: Path, scenario: Scenario) -> dict[str, Any]:
    """Return how rollouts ended, and whether the sums agree."""
    began = time.monotonic()
    with endpoint(folder / "script.json", scenario.latency, scenario.chaos) as port:
        tasks = pickle.loads((folder / "tasks.pickle").read_bytes())
        figures = asyncio.run(ours(scenario, port, tasks, folder / "run"))
        charged = counts_at(port)
    with Store(folder / "run" / "store.db") as store:
        items = list(store.items())
    tally = tally_of(json.loads(item.usage) for item in items)
    counted = {
        "prompt_tokens": sum(role.prompt for role in tally.roles.values()),
        "completion_tokens": sum(role.completion for role in tally.roles.values()),
        "requests": sum(role.calls + role.failed for role in tally.roles.values()),
    }
    return {
        "rollouts": scenario.rollouts,
        "stored": len(items),
        "ends": dict(Counter(item.status for item in items)),
        "reasons": dict(Counter(item.reason for item in items)),
        "without_a_reason": sum(not item.reason for item in items),
        "charged": {name: charged[name] for name in counted},
        "counted": counted,
        "exact": counted == {name: charged[name] for name in counted},
        "seconds": round(time.monotonic() - began, 1),
        "mischief": {k: v for k, v in sorted(charged.items()) if k not in counted},
        "figures": figures,
    }


def killed(folder: Path, scenario: Scenario, seed: int) -> dict[str, Any]:
    """Return what a kill in the middle cost."""
    rng = random.Random(seed)
    run = folder / f"killed-{seed}"
    with endpoint(folder / "script.json", scenario.latency) as port:
        command = [sys.executable, "-m", "benchmarks.model_chaos", "--run", str(folder), str(run)]
        process = subprocess.Popen([*command, str(port)], stdout=subprocess.DEVNULL)
        while counts_at(port).get("requests", 0) < 1000:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        with Store(run / "store.db") as store:
            before = {(item.ordinal, item.slot): item.trajectory_id for item in store.items()}
        time.sleep(0.2)
        asked = counts_at(port)["requests"]
        subprocess.run([*command, str(port)], stdout=subprocess.DEVNULL, check=True)
        total = counts_at(port)["requests"]
    with Store(run / "store.db") as store:
        after = {(item.ordinal, item.slot): item.trajectory_id for item in store.items()}
        items = list(store.items())
    replies = sum(
        role.calls + role.failed
        for role in tally_of(json.loads(item.usage) for item in items).roles.values()
    )
    return {
        "stored_at_the_kill": len(before),
        "lost": sum(after.get(place) != id_ for place, id_ in before.items()),
        "rollouts": len(after),
        "requests_before": asked,
        "requests_in_all": total,
        "replies_in_the_store": replies,
        "paid_twice": total - replies,
        "at_once": scenario.at_once,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rollouts", type=int, default=CHAOS.rollouts)
    parser.add_argument("--chaos", type=float, default=0.3)
    parser.add_argument("--retries", type=int, default=CHAOS.retries)
    parser.add_argument("--at-once", type=int, default=CHAOS.at_once)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--run", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        folder, run, port = options.run
        tasks = pickle.loads((Path(folder) / "tasks.pickle").read_bytes())
        asyncio.run(ours(KILLED, int(port), tasks, Path(run)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks, lines = asyncio.run(find_tasks())
        (folder / "script.json").write_bytes(orjson.dumps(lines))
        with endpoint(folder / "script.json", 0) as port:
            asyncio.run(capture(tasks, port))
        (folder / "tasks.pickle").write_bytes(pickle.dumps(tasks))
        result: dict[str, Any] = {"benchmark": "model_chaos"}
        if options.rollouts:
            scenario = replace(
                CHAOS,
                rollouts=options.rollouts,
                chaos=options.chaos,
                retries=options.retries,
                at_once=options.at_once,
            )
            result["chaos"] = chaos(folder, scenario)
            print(json.dumps(result["chaos"]), flush=True)
        result["kills"] = [killed(folder, KILLED, seed) for seed in range(options.kills)]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
