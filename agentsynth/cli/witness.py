"""The witness process: reads tasks, carries their reference calls out, writes digests.

Started by a run (`pipeline.witness`), not by people.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Any

from agentsynth.core.errors import UserError
from agentsynth.core.task import Task
from agentsynth.plan.takes import run_take
from agentsynth.plan.witness import results_digest
from agentsynth.worlds.mix import load_named
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

__all__ = ["main"]


async def _answer(line: str, runtimes: Mapping[str, DomainRuntime]) -> dict[str, Any]:
    task = Task.model_validate(json.loads(line)["task"])
    take = await run_take(task, task.reference_calls, runtimes[task.domain])
    return {"digest": results_digest(take.messages, take.final)}


async def _serve(names: list[str]) -> None:
    """Answer line by line; nothing else happens in this process, so it may block."""
    runtimes: dict[str, DomainRuntime] = {}
    for name in names:
        loaded = load_named(name)  # its phrases were checked by who asks
        runtimes[loaded.domain.name] = declarative_runtime(loaded)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(await _answer(line, runtimes)) + "\n")
        sys.stdout.flush()


def main() -> None:
    """Serve until the input ends."""
    try:
        asyncio.run(_serve(sys.argv[1:]))
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
