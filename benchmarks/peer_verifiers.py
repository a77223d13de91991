"""A peer's rollouts: `ToolEnv` of verifiers with a user that is a model, by its `generate`.

The environment answers a tool call with the tool's result and a text with what the user's model
says, asked through verifiers' own client. A rollout is scored by one small function and not saved.

The version is the last with environments that run in one process; later ones start a program for
each rollout.
"""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import verifiers.legacy as vf  # pyright: ignore[reportMissingImports]
from datasets import Dataset  # pyright: ignore[reportMissingImports]
from verifiers.legacy.types import (  # pyright: ignore[reportMissingImports]
    AssistantMessage,
    ClientConfig,
    SystemMessage,
    UserMessage,
)

from benchmarks.peer_talk import OPENING, STOP, SYSTEM, USER_PROMPT, status_of

__all__ = ["player"]


def update_task_status(task_id: str, status: str) -> str:
    """Update the status of a task.

    Args:
        task_id: The ID of the task to update
        status: The new status of the task
    """
    return json.dumps(status_of(task_id, status))


class Conversation(vf.ToolEnv):  # pyright: ignore[reportUntypedBaseClass]
    """Tools and a user; verifiers knows an environment by what it inherits."""

    async def no_tools_called(self, state: Any) -> bool:
        """Say that a text does not end the rollout: the user answers it."""
        return False

    async def env_response(self, messages: Any, state: Any, **kwargs: Any) -> Any:
        """Return the tool's results, or what the user says."""
        if messages[-1].tool_calls:
            return await super().env_response(messages, state, **kwargs)
        reply = await state["client"].get_response(
            prompt=_heard(messages), model="user", sampling_args={}, state=state
        )
        said = UserMessage(content=reply.message.content)
        if STOP in said.content:
            state["final_env_response"] = [said]
        return [said]


def ended(completion: Any) -> float:
    """Reward a conversation that the user has ended."""
    return float(STOP in completion[-1].content)


def _heard(messages: Any) -> list[Any]:
    """Return the conversation as the user's model sees it: seats changed, no tools."""
    heard: list[Any] = [SystemMessage(content=USER_PROMPT)]
    for message in messages:
        if message.role == "user":
            heard.append(AssistantMessage(content=message.content))
        elif message.role == "assistant" and not message.tool_calls:
            heard.append(UserMessage(content=message.content))
    return heard


def player(url: str, at_once: int) -> Callable[[int], int]:
    """Return what plays so many rollouts and counts their messages."""
    os.environ["PEER_KEY"] = "none"
    settings = ClientConfig(api_base_url=url, api_key_var="PEER_KEY")
    prompt = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": OPENING}]
    row = {"prompt": prompt, "answer": ""}
    environment = Conversation(
        dataset=Dataset.from_list([row]),
        tools=[update_task_status],
        max_turns=40,
        rubric=vf.Rubric(funcs=[ended]),
    )

    async def generate(rollouts: int) -> int:
        result = await environment.generate(
            inputs=[{**row, "example_id": number} for number in range(rollouts)],
            client=settings,
            model="assistant",
            max_concurrent=at_once,
            independent_scoring=True,
            on_start=_ignore,
            on_progress=_ignore,
        )
        outputs = result["outputs"]
        wrong = [one["error"] for one in outputs if one.get("error")]
        if wrong:
            raise RuntimeError(str(wrong[0]))
        return sum(len(one["prompt"]) + len(one["completion"]) for one in outputs)

    return lambda rollouts: asyncio.run(generate(rollouts))


def _ignore(*_: Any) -> None:
    """Stand for a progress bar."""
