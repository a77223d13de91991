"""A language model answers a rubric's questions about a trajectory, citing messages.

It sees the conversation and nothing else: no label, no certificate, no check's result, not which
model played. A judge that cannot be read after one repair is an error, never a score.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from agentsynth.core.caller import Caller
from agentsynth.core.chat import ModelError
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.prompts import prompt_id, render_prompt
from agentsynth.core.rubric import Criterion

__all__ = ["JUDGE_PROMPTS", "Answered", "ModelJudge", "judge_prompt"]

_PACKAGE = "agentsynth.judge"
JUDGE_PROMPTS = (prompt_id(_PACKAGE, "questions"), prompt_id(_PACKAGE, "repair"))
"""Ids of the prompts; part of what identifies a judge."""

_FENCE = re.compile(r"\A\s*```(?:json)?\s*(.*?)\s*```\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answered:
    """A judge's answer to one question."""

    choice: int
    """Index into the criterion's choices, 0 = the worst."""
    reason: str
    messages: tuple[int, ...]
    """The messages it cites, by index."""


@dataclass
class ModelJudge:
    """A model that answers questions."""

    caller: Caller
    as_json: bool
    """True = it answers under a schema; False = it is only asked to."""

    async def answer(
        self, messages: Sequence[Message], questions: Sequence[Criterion]
    ) -> dict[str, Answered]:
        """Return the answer to every question, by the criterion's name.

        Raises:
            ModelError: `bad_reply` if the answer cannot be read after one repair; else as the
                model does.
        """
        asked: list[Message] = [UserMessage(content=judge_prompt(messages, questions))]
        text = await self._ask(asked, questions)
        try:
            return _read(text, questions, len(messages))
        except ValueError as error:
            problem = str(error)
        asked += [
            AssistantMessage(content=text),
            UserMessage(content=render_prompt(_PACKAGE, "repair", problem=problem)),
        ]
        text = await self._ask(asked, questions)
        try:
            return _read(text, questions, len(messages))
        except ValueError as error:
            raise ModelError(
                "bad_reply", f"the judge's answer cannot be read, after one repair: {error}"
            ) from None

    async def _ask(self, messages: Sequence[Message], questions: Sequence[Criterion]) -> str:
        schema = _schema(questions) if self.as_json else None
        return (await self.caller.ask(messages, schema=schema)).text


def judge_prompt(messages: Sequence[Message], questions: Sequence[Criterion]) -> str:
    """Return what the judge is asked: instructions, numbered messages, questions."""
    instructions = next((m.content for m in messages if isinstance(m, SystemMessage)), "")
    return render_prompt(
        _PACKAGE,
        "questions",
        instructions=instructions,
        messages=[
            _shown(number, message)
            for number, message in enumerate(messages)
            if not isinstance(message, SystemMessage)
        ],
        questions=[
            {"name": q.name, "text": (q.question or "").strip(), "choices": q.choices}
            for q in questions
        ],
    )


def _shown(number: int, message: Message) -> dict[str, Any]:
    speaker = f"result of {message.name}" if isinstance(message, ToolMessage) else message.role
    calls: list[str] = []
    if isinstance(message, AssistantMessage):
        calls = [
            f"{call.name} {call.text or json.dumps(call.arguments, ensure_ascii=False)}"
            for call in message.tool_calls
        ]
    return {"number": number, "speaker": speaker, "text": message.content, "calls": calls}


def _schema(questions: Sequence[Criterion]) -> dict[str, JsonValue]:
    entries: dict[str, JsonValue] = {
        question.name: {
            "type": "object",
            "properties": {
                "reason": {"type": "string"},
                "messages": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
                "choice": {"type": "string", "enum": list(question.choices)},
            },
            "required": ["reason", "messages", "choice"],
            "additionalProperties": False,
        }
        for question in questions
    }
    return {
        "type": "object",
        "properties": entries,
        "required": list(entries),
        "additionalProperties": False,
    }


def _read(text: str, questions: Sequence[Criterion], count: int) -> dict[str, Answered]:
    """Return the answers.

    Raises:
        ValueError: saying what is wrong, if any question has no sound answer.
    """
    fenced = _FENCE.match(text)
    try:
        given = json.loads(fenced[1] if fenced else text)
    except ValueError as error:
        raise ValueError(f"it is not JSON ({error})") from None
    if not isinstance(given, dict):
        raise ValueError("it is not a JSON object")
    unknown = sorted(given.keys() - {question.name for question in questions})
    if unknown:
        raise ValueError(f"nobody asked {', '.join(unknown)}")
    return {
        question.name: _one(question, given.get(question.name), count) for question in questions
    }


def _one(question: Criterion, entry: Any, count: int) -> Answered:
    if not isinstance(entry, Mapping):
        raise ValueError(f"there is no answer to {question.name}")
    choice, reason, cited = entry.get("choice"), entry.get("reason"), entry.get("messages")
    if choice not in question.choices:
        wanted = " | ".join(question.choices)
        raise ValueError(f"{question.name}: the choice {choice!r} is none of {wanted}")
    if not isinstance(reason, str) or not reason.strip():
        raise ValueError(f"{question.name}: there is no reason")
    if not isinstance(cited, list) or not cited:
        raise ValueError(f"{question.name}: no message is cited")
    strange = [n for n in cited if type(n) is not int or not 0 < n < count]
    if strange:
        raise ValueError(f"{question.name}: there is no message {strange[0]!r}")
    return Answered(question.choices.index(choice), reason.strip(), tuple(cited))
