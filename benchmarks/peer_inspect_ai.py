"""A peer's rollouts: an `eval` of Inspect whose solver has a tool loop and a user that is a model.

`generate(tool_calls="loop")` is Inspect's own loop; what the user says is asked of the model in
the role `user`. It scores with `includes` and writes its log, as it always does, into a temporary
folder.
"""

import json
import tempfile
from collections.abc import Callable
from typing import Any

from inspect_ai import Task, eval  # pyright: ignore[reportMissingImports]
from inspect_ai.dataset import MemoryDataset, Sample  # pyright: ignore[reportMissingImports]
from inspect_ai.model import (  # pyright: ignore[reportMissingImports]
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    get_model,
)
from inspect_ai.scorer import includes  # pyright: ignore[reportMissingImports]
from inspect_ai.solver import (  # pyright: ignore[reportMissingImports]
    solver,
    system_message,
    use_tools,
)
from inspect_ai.tool import tool  # pyright: ignore[reportMissingImports]

from benchmarks.peer_talk import OPENING, STOP, SYSTEM, USER_PROMPT, status_of

__all__ = ["player"]


@tool  # pyright: ignore[reportUntypedFunctionDecorator]
def update_task_status() -> Any:
    async def execute(task_id: str, status: str) -> str:
        """Update the status of a task.

        Args:
            task_id: The ID of the task to update
            status: The new status of the task
        """
        return json.dumps(status_of(task_id, status))

    return execute


@solver  # pyright: ignore[reportUntypedFunctionDecorator]
def converse(lengths: list[int]) -> Any:
    async def solve(state: Any, generate: Any) -> Any:
        user = get_model(role="user")
        heard = [ChatMessageSystem(content=USER_PROMPT), ChatMessageAssistant(content=OPENING)]
        while True:
            state = await generate(state, tool_calls="loop")
            heard.append(ChatMessageUser(content=state.output.completion))
            said = (await user.generate(heard)).message
            heard.append(said)
            state.messages.append(ChatMessageUser(content=said.text))
            if STOP in said.text:
                lengths.append(len(state.messages))
                return state

    return solve


def player(url: str, at_once: int) -> Callable[[int], int]:
    """Return what plays so many rollouts and counts their messages."""
    assistant, user = (
        get_model(f"openai-api/peer/{name}", base_url=url, api_key="none")
        for name in ("assistant", "user")
    )

    def play(rollouts: int) -> int:
        samples = [Sample(input=OPENING, target="up to date", id=n + 1) for n in range(rollouts)]
        lengths: list[int] = []  # counted here, since to read the log again would take its time
        task = Task(
            dataset=MemoryDataset(samples),
            solver=[system_message(SYSTEM), use_tools(update_task_status()), converse(lengths)],
            scorer=includes(),
        )
        with tempfile.TemporaryDirectory() as logs:
            (log,) = eval(
                task,
                model=assistant,
                model_roles={"user": user},
                max_connections=at_once,
                max_samples=at_once,
                log_dir=logs,
                display="none",
            )
        if log.status != "success":
            raise RuntimeError(str(log.error and log.error.message))
        return sum(lengths)

    return play
