"""Scripted judges of goldens, and the small files that tests hold them against."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, Usage
from agentsynth.golden.asks import Ask, asks_of, request_of
from agentsynth.golden.check import Options, check
from agentsynth.golden.load import load_goldens
from agentsynth.golden.lock import LOCK, write_lock
from agentsynth.golden.report import GoldenReport
from agentsynth.models.settings import ModelSettings

RUBRIC = """schema_version: 1
name: mine
criteria:
  - {name: end_state, check: target_state, weight: 3, required: true}
  - {name: answers, check: answers_given, required: true}
  - {name: replay, check: replay_agrees, required: true}
  - name: claims_backed
    question: Does a call with its result show each thing that the assistant says it did?
    choices: ["no", partly, "yes"]
    weight: 2
  - {name: polite, question: Is the assistant courteous?, choices: ["no", "yes"]}
"""
GATES = """version: 1
judge:
  models:
    - {url: "http://127.0.0.1:9/v1", model: first-judge, retries: 0}
gates:
  agreement: 0.6
  kappa: 0.3
  false_accept: 0.5
  least_cases: 3
"""

Says = Callable[[Ask], Any]
"""The choice of a judge, by its index from the worst; a text is the whole reply; an error is
raised."""


@dataclass
class Judge:
    """Answers as `says` says; knows what is asked by the prompt."""

    prompts: dict[str, Ask]
    says: Says
    asked: list[Ask] = field(default_factory=lambda: [])

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        ask = self.prompts[request.messages[0].content]
        self.asked.append(ask)
        said = self.says(ask)
        if isinstance(said, ModelError):
            raise said
        text = said if isinstance(said, str) else reply(ask, said)
        await asyncio.sleep(0)
        return ChatReply(text, usage=Usage(prompt=100, completion=10), finish="stop")


def reply(ask: Ask, choice: int, reason: str = "By what is shown.") -> str:
    one = {"reason": reason, "messages": [1], "choice": ask.criterion.choices[choice]}
    return json.dumps({ask.criterion.name: one})


def truths(folder: Path) -> Says:
    """Return a judge that is always right."""
    held = {h.golden.id: h.golden for h in load_goldens(folder).held}

    def says(ask: Ask) -> int:
        met = held[ask.golden].labels[ask.criterion.name].truth == "met"
        return len(ask.criterion.choices) - 1 if met else 0

    return says


def judge(folder: Path, says: Says | None = None) -> Judge:
    goldens = load_goldens(folder)
    prompts: dict[str, Ask] = {}
    for ask in asks_of(goldens, goldens.config.judge):
        request = request_of(ask, None)
        if request is not None:
            prompts[request.messages[0].content] = ask
    return Judge(prompts, says or truths(folder))


def options(judge: Judge | None = None, **more: Any) -> Options:
    """Return options with this judge at the end of every line; None = nobody can be reached."""

    async def opened(settings: ModelSettings, stack: AsyncExitStack) -> Callable[[], Model]:
        assert judge is not None, "somebody reached for a judge"
        reached: Model = judge
        return lambda: reached

    return replace(Options(today="2026-01-02", open_model=opened), **more)


async def look(folder: Path, **more: Any) -> GoldenReport:
    """Check from the cassettes."""
    return (await check(folder, options(**more))).report


async def record(folder: Path, says: Says | None = None, **more: Any) -> GoldenReport:
    """Record what is missing."""
    given = options(judge(folder, says), **{"mode": "record-missing", **more})
    return (await check(folder, given)).report


async def update(folder: Path) -> None:
    """Write the lock."""
    write_lock(folder / LOCK, (await check(folder, options())).lock)
