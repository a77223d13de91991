"""The conversation that each peer plays: who says what, and the tool that is called.

It has the shape of ours: 17 model calls, in both seats, and some 26 messages. Requests have some
12 KB, most of it system prompt. Peers import this in environments of their own, so it imports
nothing that has to be installed.
"""

import json
from typing import Any

__all__ = ["CALLS", "GREETING", "OPENING", "STOP", "SYSTEM", "USER_PROMPT", "lines", "status_of"]

CALLS = 17
"""Model calls in a conversation, both seats together."""

STOP = "###STOP###"
"""Ends the user's last message; tau2 knows this word and no other."""

GREETING = "Hi! How can I help you today?"
"""What tau2's assistant says before any model is called; the other peers' users begin."""

OPENING = "Please go through the tasks of my team with me and mark those that are done."

_RULE = (
    "Read a record before you change it, tell the user what you changed, and ask when in doubt. "
)
_LENGTH = 9_500

SYSTEM = f"You keep the tasks of a team.\n{_RULE * (_LENGTH // len(_RULE))}"
"""The assistant's system prompt, of about `_LENGTH` bytes."""

USER_PROMPT = f"You are a user who has tasks to be updated.\n{_RULE * (_LENGTH // len(_RULE))}"
"""The user's system prompt, of the same length."""

_ROUNDS = 4
_TOOL_CALLS = {True: (2, 2, 2, 2), False: (3, 2, 2, 2)}
"""Calls of the tool in each round, by whether the assistant greets: where a model says the user's
opening too, one call less makes the same sum."""


def status_of(task_id: str, status: str) -> dict[str, str]:
    """Return what the tool gives: the task as it is after the call."""
    return {
        "task_id": task_id,
        "title": "Test task",
        "description": "A test task",
        "status": status,
    }


def lines(*, greets: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what the assistant's model says and what the user's says, in turn.

    Args:
        greets: The conversation begins with the assistant's greeting, which no model says; it
            stands first among the assistant's lines. Else it begins with the user's opening.
    """
    assistant = [_text(GREETING)] if greets else []
    number = 0
    for calls in _TOOL_CALLS[greets]:
        for _ in range(calls):
            assistant.append(_call(number))
            number += 1
        assistant.append(_text(f"Task task_1 is up to date after step {number}. What is next?"))
    user = [_text(OPENING)]
    user += [_text(f"Thank you. Now part {part} of my list.") for part in range(2, _ROUNDS + 1)]
    user.append(_text(f"That is all, thank you. {STOP}"))
    return assistant, user


def _text(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _call(number: int) -> dict[str, Any]:
    arguments = {"task_id": "task_1", "status": "completed" if number % 2 else "pending"}
    function = {"name": "update_task_status", "arguments": json.dumps(arguments)}
    call = {"id": f"call_{number}", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}
