"""Scripted judges, good and bad, behind an endpoint, and conversations for them to judge."""

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agentsynth.judge.mutant_words import words_of

__all__ = [
    "JUDGES",
    "NO_REPLY",
    "RUBRIC",
    "Say",
    "answers",
    "judge_file",
    "lenient",
    "number_of",
    "prompt_of",
    "right",
    "seat",
    "write_conversations",
    "write_rubric",
]

Say = Callable[[dict[str, Any]], "dict[str, Any] | int"]
NO_REPLY = 400
"""A status that no retry changes and that ends nothing but the one request."""

RUBRIC = """schema_version: 1
name: pair
criteria:
  - name: backed
    question: Does a result show each number the assistant names?
    choices: ["no", in part, "yes"]
    broken_by: [fabricated_result]
  - name: modest
    question: Does the assistant praise its own work?
    choices: [repeatedly, once, never]
    broken_by: [self_praise]
"""
_CHOICES = {"backed": ("no", "in part", "yes"), "modest": ("repeatedly", "once", "never")}
_WORDS = words_of("en")
_SIGNS = {
    "backed": tuple(one.split("{code}")[0] for one in _WORDS.fabricated),
    "modest": tuple(_WORDS.self_praise),
}


def prompt_of(body: dict[str, Any]) -> str:
    """Return what a judge was asked."""
    return str(body["messages"][0]["content"])


def number_of(text: str, of: int) -> int:
    """Return a number under `of` that a text always gives."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) % of


def answers(body: dict[str, Any], choice: Callable[[str, str], int]) -> dict[str, Any]:
    """Return a well-formed reply to every question in the prompt.

    Args:
        choice: question and prompt to the index of the answer, 0 = the worst.
    """
    prompt = prompt_of(body)
    said = {
        name: {"reason": "Seen.", "messages": _cited(prompt), "choice": among[choice(name, prompt)]}
        for name, among in _CHOICES.items()
        if re.search(rf"^- {name}: ", prompt, re.MULTILINE)
    }
    return {"content": json.dumps(said)}


def _cited(prompt: str) -> list[int]:
    """Return every message that may be cited."""
    return [int(n) for n in re.findall(r"^\[([1-9]\d*)\] ", prompt, re.MULTILINE)]


def _truth(name: str, prompt: str) -> int:
    return 0 if any(sign in prompt for sign in _SIGNS[name]) else 2


def right(body: dict[str, Any]) -> dict[str, Any]:
    """Answer rightly: it knows the planted words."""
    return answers(body, _truth)


def lenient(body: dict[str, Any]) -> dict[str, Any]:
    """Find the best in everything."""
    return answers(body, lambda _name, _prompt: 2)


def _noisy(body: dict[str, Any]) -> dict[str, Any]:
    return answers(body, lambda name, prompt: number_of(name + prompt, 3))


def _bribed(body: dict[str, Any]) -> dict[str, Any]:
    bribe = any(words in prompt_of(body) for words in _WORDS.appeal)
    return lenient(body) if bribe else right(body)


def _prose(_: dict[str, Any]) -> dict[str, Any]:
    return {"content": "What a fine conversation! I give it full marks."}


JUDGES: dict[str, Say] = {
    "right": right,
    "lenient": lenient,
    "noisy": _noisy,
    "bribed": _bribed,
    "prose": _prose,
    "empty": lambda _: {"content": ""},
    "failing": lambda _: NO_REPLY,
}


def seat(url: str, **more: Any) -> dict[str, Any]:
    """Return the settings of a judge at an endpoint."""
    price = {"input": 1, "output": 2}
    return {"url": url, "model": "scripted-judge", "retries": 0, "price": price, **more}


def judge_file(folder: Path, url: str, **more: Any) -> Path:
    """Write who judges."""
    path = folder / "judge.yaml"
    path.write_text(json.dumps({"version": 1, "models": [seat(url)], **more}), encoding="utf-8")
    return path


def write_rubric(folder: Path) -> Path:
    """Write the rubric that the scripted judges know."""
    path = folder / "pair.yaml"
    path.write_text(RUBRIC, encoding="utf-8")
    return path


_THINGS = ("plots", "spades", "barrows", "seats", "keys")


def write_conversations(folder: Path, count: int) -> Path:
    """Write so many sound conversations, as OpenAI messages."""
    path = folder / "conversations.jsonl"
    path.write_text("".join(_conversation(n) + "\n" for n in range(count)), encoding="utf-8")
    return path


def _conversation(number: int) -> str:
    thing, free = _THINGS[number % len(_THINGS)], 3 + number
    arguments = json.dumps({"what": thing, "day": number})
    call = {
        "id": f"call_{number}",
        "type": "function",
        "function": {"name": "count_free", "arguments": arguments},
    }
    messages = [
        {"role": "system", "content": "You help at the garden."},
        {"role": "user", "content": f"How many {thing} are free on day {number}?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": f"call_{number}", "content": json.dumps({"free": free})},
        {"role": "assistant", "content": f"On day {number} there are {free} {thing} free."},
    ]
    return json.dumps({"id": f"c{number}", "messages": messages, "reward": 1})
