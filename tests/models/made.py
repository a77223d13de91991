"""Requests, tools and scripted models that the tests of the layers share."""

import asyncio
from dataclasses import dataclass, field

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.tools import Provenance, ToolSpec

KEY = CallKey("assistant", "s1:task", sample=0, ordinal=2)


def tool(name: str = "find_plot") -> ToolSpec:
    return ToolSpec(
        name=name,
        description="Finds a plot.",
        parameters={"type": "object", "properties": {"id": {"type": "string"}}},
        read_only=True,
        provenance=Provenance(origin="synthetic", source="garden", licence="MIT", spec_hash="h"),
    )


def conversation() -> list[Message]:
    """Two turns, each with a call that was thought about."""
    said: list[Message] = [SystemMessage(content="You help.")]
    for turn in range(2):
        call = ToolCall(id=f"call_{turn}", name="find_plot", arguments={"id": f"ü{turn}"})
        said += [
            UserMessage(content=f"Please look, {turn}."),
            AssistantMessage(content="", tool_calls=(call,), reasoning=f"thought {turn}"),
            ToolMessage(tool_call_id=call.id, name=call.name, content='{"plot": 1}'),
        ]
    return said


def request(*messages: Message, tools: tuple[ToolSpec, ...] = ()) -> ChatRequest:
    return ChatRequest(messages or (UserMessage(content="Hello."),), tools)


Answer = ChatReply | Exception


@dataclass
class Scripted:
    """A model that gives its answers in order, and the last one for ever."""

    answers: list[Answer]
    asked: int = 0

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass
class Held:
    """A model that answers when it is told to, so that a test sees who is waiting."""

    asked: list[int] = field(default_factory=lambda: [])
    _open: dict[int, asyncio.Future[ChatReply]] = field(default_factory=lambda: {})

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        self.asked.append(key.ordinal)
        self._open[key.ordinal] = asyncio.get_running_loop().create_future()
        return await self._open[key.ordinal]

    async def answer(self, ordinal: int, answer: Answer | None = None) -> None:
        if isinstance(answer, Exception):
            self._open[ordinal].set_exception(answer)
        else:
            self._open[ordinal].set_result(answer or ChatReply("ok"))
        await settle()


@dataclass
class Clock:
    """Time that passes only when somebody sleeps or a test says so."""

    time: float = 0.0
    slept: list[float] = field(default_factory=lambda: [])

    def now(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds
        await asyncio.sleep(0)


async def settle() -> None:
    """Let every task run until all of them wait."""
    for _ in range(20):
        await asyncio.sleep(0)
