"""How hard a task is, on axes that are counted and not guessed."""

from collections.abc import Sequence
from typing import Any, cast

from agentsynth.core.frozen import Identified
from agentsynth.core.intent import PickStep
from agentsynth.core.task import Task
from agentsynth.plan.candidate import Attempt
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["AXES", "Difficulty", "difficulty_of"]

AXES = ("writes", "reads", "calls", "branching", "conditions", "distractors", "fuzziness")
_STEPS: dict[str, tuple[float, float, float, float]] = {
    "writes": (1, 2, 3, 6),
    "reads": (1, 3, 5, 9),
    "calls": (2, 4, 7, 15),
    "branching": (2, 6, 15, 40),
    "conditions": (1, 2, 4, 6),
    "distractors": (6, 10, 15, 25),
    "fuzziness": (1, 2, 3, 4),
}
"""Where an axis goes up by one: quartile-like cuts, chosen on the bundled domains."""


class Difficulty(Identified):
    """A task's difficulty. It stands beside the task, outside its id."""

    schema_version: int = 1
    task_id: str
    writes: int
    """Calls that change something."""
    reads: int
    """Calls made only to find out what to write or say."""
    calls: int
    branching: int
    """Entries there were to choose from, over all choices, and other ways to the same end."""
    conditions: int
    """Clauses of the policy that govern the calls."""
    distractors: int
    """Tools on offer that the task does not need."""
    fuzziness: int
    """Facts withheld, revised or ambiguous, requests declined, and conditions the user makes."""
    level: int
    """1 (simple) to 5 (complex): the mean of the axes, each on its own scale of five."""


def difficulty_of(
    task: Task,
    attempts: Sequence[Attempt],
    runtime: DomainRuntime,
    *,
    offered: int,
    alternatives: int = 0,
) -> Difficulty:
    """Measure a task.

    Args:
        offered: how many tools the agent has.
        alternatives: how many other ways a search found.
    """
    calls = [call for call in task.reference_calls if call.actor == "assistant"]
    writes = sum(runtime.is_write(call) for call in calls)
    names = {call.name for call in calls}
    governed = [clause for clause in runtime.domain.policy.values() if set(clause.tools) & names]
    counts = {
        "writes": writes,
        "reads": len(calls) - writes,
        "calls": len(calls),
        "branching": _branching(task, attempts, runtime) + alternatives,
        "conditions": len(governed),
        "distractors": max(0, offered - len(names)),
        "fuzziness": _fuzziness(task, runtime),
    }
    ranks = [1 + sum(counts[axis] > cut for cut in _STEPS[axis]) for axis in AXES]
    level = min(5, max(1, round(sum(ranks) / len(ranks) * 1.25 - 0.5)))
    return Difficulty(task_id=task.id, level=level, **counts)


def _branching(task: Task, attempts: Sequence[Attempt], runtime: DomainRuntime) -> int:
    total = 0
    for name, made in zip(task.intents, attempts, strict=True):
        for step in runtime.playbook.intents[name].steps:
            if isinstance(step, PickStep) and step.pick in made.seen:
                entries = _at(step.from_, made.seen)
                total += len(cast(Sequence[Any], entries)) - 1 if isinstance(entries, list) else 0
    return total


def _at(path: str, seen: Any) -> Any:
    value = seen
    for part in path.split("."):
        if isinstance(value, dict):
            value = cast(dict[str, Any], value).get(part)
        elif isinstance(value, list) and part.isdigit():
            value = cast(list[Any], value)[int(part)]
        else:
            return None
    return value


def _fuzziness(task: Task, runtime: DomainRuntime) -> int:
    told = sum(fact.told == "when_asked" or fact.first is not None for fact in task.facts)
    made = sum(runtime.playbook.intents[name].condition is not None for name in task.intents)
    return told + made + len(task.target.declined) + len(task.requests) - 1
