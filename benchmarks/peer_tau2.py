"""A peer's rollouts: simulations of tau2, its agent and its user both models through litellm.

Its mock domain with a policy as long as our prompts; its `run_tasks` plays them in threads and
rates each by replaying it. They are not saved: it would write the whole file anew for each.
"""

from collections.abc import Callable
from typing import Any

from tau2.data_model.tasks import Task  # pyright: ignore[reportMissingImports]
from tau2.domains.mock.environment import (  # pyright: ignore[reportMissingImports]
    get_environment,
)
from tau2.registry import registry  # pyright: ignore[reportMissingImports]
from tau2.run import run_tasks  # pyright: ignore[reportMissingImports]
from tau2.user import user_simulator  # pyright: ignore[reportMissingImports]

from benchmarks.peer_talk import SYSTEM, USER_PROMPT

__all__ = ["player"]

_DOMAIN = "peer"
_WANTED = {"task_id": "task_1", "status": "completed"}


def _environment(**options: Any) -> Any:
    environment = get_environment(**options)
    environment.policy = SYSTEM
    return environment


def _task(number: int) -> Any:
    action = {"action_id": "last", "name": "update_task_status", "arguments": _WANTED}
    return Task.model_validate(
        {
            "id": f"task_{number}",
            "user_scenario": {"instructions": "Have the task marked."},
            "evaluation_criteria": {"actions": [action]},
        }
    )


def player(url: str, at_once: int) -> Callable[[int], int]:
    """Return what plays so many rollouts and counts their messages."""
    user_simulator.SYSTEM_PROMPT = USER_PROMPT  # else its own text, much shorter
    registry.register_domain(_environment, _DOMAIN)
    settings = {"base_url": url, "api_key": "none", "temperature": 0.0}

    def play(rollouts: int) -> int:
        results = run_tasks(
            domain=_DOMAIN,
            tasks=[_task(number) for number in range(rollouts)],
            agent="llm_agent",
            user="user_simulator",
            llm_agent="openai/assistant",
            llm_args_agent=dict(settings),
            llm_user="openai/user",
            llm_args_user=dict(settings),
            max_concurrency=at_once,
            console_display=False,
            log_level="ERROR",
        )
        wrong = [one for one in results.simulations if one.reward_info.reward != 1.0]
        if wrong:
            raise RuntimeError(f"{len(wrong)} simulations have no full reward")
        return sum(len(one.messages) for one in results.simulations)

    return play
