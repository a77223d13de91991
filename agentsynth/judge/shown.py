"""How a conversation and its questions are put before a judge: the prompt, to the byte."""

import json
from collections.abc import Sequence
from typing import Any

from agentsynth.core.messages import AssistantMessage, Message, SystemMessage, ToolMessage
from agentsynth.core.prompts import prompt_id, render_prompt
from agentsynth.core.rubric import Criterion
from agentsynth.core.task import Change
from agentsynth.core.trajectory import UserCall
from agentsynth.core.transcript import Transcript
from agentsynth.judge.put import put_to

__all__ = ["JUDGE_PROMPTS", "judge_prompt", "repair_prompt"]

_PACKAGE = "agentsynth.judge"
JUDGE_PROMPTS = (prompt_id(_PACKAGE, "questions"), prompt_id(_PACKAGE, "repair"))
"""Ids of the prompts; part of what identifies a judge."""


def judge_prompt(
    transcript: Transcript, questions: Sequence[Criterion], *, reverse: bool = False
) -> str:
    """Return what the judge is asked: instructions, numbered messages, questions.

    Args:
        reverse: list questions and choices the other way round, which should change nothing.
    """
    messages = transcript.messages
    instructions = next((m.content for m in messages if isinstance(m, SystemMessage)), "")
    puts = [put for put in (put_to(q, messages) for q in questions) if put.places != ()]
    return render_prompt(
        _PACKAGE,
        "questions",
        instructions=instructions,
        messages=_conversation(transcript),
        reverse=reverse,
        questions=[
            {
                "name": put.criterion.name,
                "text": (put.criterion.question or "").strip(),
                "choices": put.criterion.choices[:: -1 if reverse else 1],
                "applies": (put.criterion.applies or "").strip(),
                "places": put.places or (),
            }
            for put in puts[:: -1 if reverse else 1]
        ],
    )


def repair_prompt(problem: str) -> str:
    """Return what is said to a judge whose answer cannot be read."""
    return render_prompt(_PACKAGE, "repair", problem=problem)


def _conversation(transcript: Transcript) -> list[dict[str, Any]]:
    """Return the messages as the prompt shows them, the user's own calls where they were made."""
    shown: list[dict[str, Any]] = []
    for number, message in enumerate(transcript.messages):
        own = [_own_call(call) for call in transcript.user_calls if call.after == number]
        if own and shown:
            shown[-1]["after"] = own
        if not isinstance(message, SystemMessage):
            changes = transcript.changed_at(number)
            shown.append(_shown(number, message, changes))
    last = [c for c in transcript.user_calls if c.after >= len(transcript.messages)]
    if last and shown:
        shown[-1]["after"] = [_own_call(call) for call in last]
    return shown


def _shown(number: int, message: Message, changes: Sequence[Change] | None) -> dict[str, Any]:
    speaker = f"result of {message.name}" if isinstance(message, ToolMessage) else message.role
    if isinstance(message, ToolMessage) and message.is_error:
        speaker = f"error of {message.name}"
    calls: list[str] = []
    if isinstance(message, AssistantMessage):
        calls = [
            f"{call.name} {call.text or json.dumps(call.arguments, ensure_ascii=False)}"
            for call in message.tool_calls
        ]
    return {
        "number": number,
        "speaker": speaker,
        "text": message.content,
        "calls": calls,
        "changes": [_change(change) for change in changes or ()],
        "after": [],
    }


def _change(change: Change) -> str:
    """Return a change of the state in a line."""
    fields = json.dumps(change.fields, ensure_ascii=False) if change.fields else ""
    return f"{change.op} {change.entity} {change.key or ''} {fields}".strip()


def _own_call(call: UserCall) -> str:
    """Return what the user did with a tool of their own, with what came of it."""
    arguments = json.dumps(call.call.arguments, ensure_ascii=False)
    changes = "".join(f"; changed: {_change(change)}" for change in call.changes)
    return f"{call.call.name} {arguments} -> {call.content}{changes}"
