"""Ask judges for what is not on record, and keep what they say."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError
from agentsynth.golden.asks import Ask, judge_of
from agentsynth.golden.cassette import Answer, Cassettes, scrubbed
from agentsynth.models.settings import ModelSettings

__all__ = ["Asked", "OpenModel", "ask_all", "open_endpoint"]

OpenModel = Callable[[ModelSettings, AsyncExitStack], Awaitable[Callable[[], Model]]]
"""Opens what a judge is reached by: gives a model for each conversation with it."""

_AT_ONCE = 8
_GIVEN_UP = 3
"""Failures without one answer after which nothing more is asked: a gate would wait for longer
and longer between them."""


@dataclass
class Asked:
    """What came of asking."""

    answers: dict[str, Answer] = field(default_factory=lambda: {})
    """By key."""
    errors: list[str] = field(default_factory=lambda: [])
    """What back ends did not give."""
    undone: list[Ask] = field(default_factory=lambda: [])
    """What there was no time or no call left for."""
    calls: int = 0


async def open_endpoint(settings: ModelSettings, stack: AsyncExitStack) -> Callable[[], Model]:
    """Return what reaches a judge at its endpoint.

    Raises:
        UserError: if its key is not set, or a package it needs is not installed.
    """
    from agentsynth.models.deadline import Clocks  # noqa: PLC0415  (HTTP clients are heavy)
    from agentsynth.pipeline.endpoints import Endpoints  # noqa: PLC0415
    from agentsynth.pipeline.seats import Modelling  # noqa: PLC0415

    endpoints = Endpoints(Modelling(in_flight=_AT_ONCE), stack, random.Random(0))
    seat = await endpoints.seat(settings)
    return lambda: seat.stack(Clocks(turn_s=settings.timeouts.turn))


@dataclass
class _Heard:
    """A model whose words are kept, and whose calls are counted against a cap."""

    model: Model
    spend: Callable[[], None]
    texts: list[str] = field(default_factory=lambda: [])
    replies: list[ChatReply] = field(default_factory=lambda: [])

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        self.spend()
        reply = await self.model.complete(request, key)
        self.texts.append(reply.text)
        self.replies.append(reply)
        return reply


async def ask_all(
    asks: Sequence[Ask],
    open_model: OpenModel,
    *,
    today: str,
    keep: Sequence[Cassettes] = (),
    most_calls: int | None = None,
    deadline: float | None = None,
    secrets: Sequence[str] = (),
) -> Asked:
    """Ask everything, several at once; what is answered is put into `keep` at once.

    A back end that fails at one question is asked the others; one that refuses all ends it.

    Args:
        today: the day, ISO; stands beside each answer.
        most_calls: requests at most; None = no cap.
        deadline: time of the running loop after which nothing is begun or waited for; None = none.
        secrets: values that must not be kept.
    """
    asked = Asked()
    if not asks:
        return asked
    stop: list[str] = []

    def spend() -> None:
        if most_calls is not None and asked.calls >= most_calls:
            raise ModelError("over_budget", f"--max-live-calls {most_calls} is reached")
        asked.calls += 1

    async with AsyncExitStack() as stack:
        opened = [(s, await open_model(s, stack)) for s in _settings(asks)]
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(ask: Ask) -> None:
            async with turns:
                if stop:
                    return
                talk = next(given for settings, given in opened if settings == ask.settings)
                heard = _Heard(talk(), spend)
                if await _answered(ask, heard, asked, stop):
                    answer = _kept(ask, heard, today, secrets)
                    asked.answers[ask.key] = answer
                    for cassettes in keep:
                        cassettes.put(ask.header, answer)

        await _all_by([one(ask) for ask in asks], deadline)
    asked.errors.sort()
    failed = {line.partition(": ")[0] for line in asked.errors}
    asked.undone = [a for a in asks if a.key not in asked.answers and _place(a) not in failed]
    return asked


async def _all_by(works: Sequence[Coroutine[Any, Any, None]], deadline: float | None) -> None:
    """Do everything, until a time of the running loop; what is not done by then is cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    left = None if deadline is None else max(0.0, deadline - asyncio.get_running_loop().time())
    _, late = await asyncio.wait(tasks, timeout=left)
    for task in late:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def _settings(asks: Sequence[Ask]) -> list[ModelSettings]:
    found: list[ModelSettings] = []
    for ask in asks:
        if ask.settings not in found:
            found.append(ask.settings)
    return found


def _place(ask: Ask) -> str:
    return f"{ask.golden}/{ask.criterion.name} ({ask.settings.model}, sample {ask.parts.sample})"


async def _answered(ask: Ask, heard: _Heard, asked: Asked, stop: list[str]) -> bool:
    """Ask; return whether there is an answer to keep, readable or not."""
    try:
        await judge_of(ask, heard).answer(ask.transcript, [ask.criterion])
    except ModelError as error:
        if error.fault == "over_budget":
            stop.append(str(error))
            return False
        if len(heard.texts) == 2:  # it answered twice, and neither can be read
            return True
        asked.errors.append(f"{_place(ask)}: {error.fault}: {error}")
        if error.ends_run or (len(asked.errors) >= _GIVEN_UP and not asked.answers):
            stop.append(str(error))
        return False
    return True


def _kept(ask: Ask, heard: _Heard, today: str, secrets: Sequence[str]) -> Answer:
    return Answer(
        key=ask.key,
        golden=ask.golden,
        criterion=ask.criterion.name,
        parts=ask.parts,
        texts=tuple(scrubbed(text, secrets) for text in heard.texts),
        prompt_tokens=_sum([reply.usage.prompt for reply in heard.replies]),
        completion_tokens=_sum([reply.usage.completion for reply in heard.replies]),
        recorded=today,
        finish=heard.replies[-1].finish,
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) and known else None
