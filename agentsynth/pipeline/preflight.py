"""Are a config's models fit for their seats? Asked before a run spends anything on them."""

import asyncio
import json
import random
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, Usage
from agentsynth.core.messages import UserMessage
from agentsynth.models.actions import Actions
from agentsynth.models.listing import Listed, list_models, near_names
from agentsynth.models.prices import price_of
from agentsynth.models.retry import Retrying
from agentsynth.models.settings import ModelSettings, sampling_of
from agentsynth.pipeline.config import ModelsConfig, SeatName
from agentsynth.pipeline.endpoints import Endpoints
from agentsynth.pipeline.preflight_findings import advised_mode
from agentsynth.pipeline.preflight_seen import Mode, Seen
from agentsynth.pipeline.preflight_suite import (
    Answer,
    Case,
    Structured,
    load_suite,
    request_of,
    score,
)
from agentsynth.pipeline.seats import UNMODELLED

__all__ = ["distinct_models", "look_at"]

MOST_TOKENS = 1024
"""Most tokens of an answer; a model that reasons needs room for it."""

AT_ONCE = 8
"""Questions asked at once, where the settings allow as many."""

RETRIES = 2
"""More hide that an endpoint is unfit."""


def distinct_models(models: ModelsConfig) -> list[tuple[ModelSettings, tuple[SeatName, ...]]]:
    """Return the config's models, each once, with the seats they sit in."""
    seats: dict[str, list[SeatName]] = {}
    found: dict[str, ModelSettings] = {}
    for role, settings in models.seated().items():
        name = json.dumps([settings.url, sampling_of(settings)], sort_keys=True)
        found.setdefault(name, settings)
        seats.setdefault(name, []).append(role)
    return [(settings, tuple(seats[name])) for name, settings in found.items()]


async def look_at(settings: ModelSettings, seats: tuple[SeatName, ...], at: datetime) -> Seen:
    """Ask a model everything and return what was seen.

    Args:
        at: now, for prices that go by the hour.

    Raises:
        UserError: if a key or a package is missing.
        RunError: if a local model does not start.
    """
    seen = _priced(Seen(settings, seats), at)
    async with AsyncExitStack() as stack:
        endpoints = Endpoints(UNMODELLED, stack, random.Random(0))
        bare, reached = await endpoints.transport(settings)
        seen = await _introduced(seen, Retrying(bare, retries=RETRIES, rng=random.Random(0)))
        if reached.via == "http":
            seen = _named(seen, await list_models(reached))
        if seen.unreachable:
            return seen
        structured, _ = await _structured(bare)
        seen = replace(seen, structured=structured)
        return await _suited(seen, bare, min(AT_ONCE, reached.in_flight or AT_ONCE))


def _priced(seen: Seen, at: datetime) -> Seen:
    price = price_of(seen.settings, at)
    if price is None:
        return seen
    million = (Usage(prompt=10**6, completion=0), Usage(prompt=0, completion=10**6))
    read, written = (round((price.cost(usage) or 0) / 10**9, 4) for usage in million)
    return replace(seen, price=price.source, per_million=(read, written))


async def _introduced(seen: Seen, model: Model) -> Seen:
    """Return whether it answers at all."""
    request = ChatRequest([UserMessage(content="Say hello.")], max_tokens=MOST_TOKENS)
    try:
        reply = await model.complete(request, CallKey("preflight", "hello", 0, 0))
    except ModelError as error:
        # An answer without words is an answer; the suite says whether it happens often.
        return seen if error.fault == "bad_reply" else replace(seen, unreachable=str(error))
    return _noted(seen, [reply])


def _named(seen: Seen, listed: Sequence[Listed] | None) -> Seen:
    if not listed:
        return seen
    name = seen.settings.model
    here = next((one for one in listed if one.name == name), None)
    if here is None:
        return replace(seen, listed=False, near=tuple(near_names(name, listed)))
    return replace(seen, listed=True, context=here.context)


def _noted(seen: Seen, replies: Sequence[ChatReply]) -> Seen:
    """Take in what replies show beside their content."""
    fields = [
        name
        for reply in replies
        for name in ("reasoning_content", "reasoning", "reasoning_details")
        if reply.reasoning and reply.raw.get(name)
    ]
    inline = any(reply.reasoning for reply in replies)
    return replace(
        seen,
        reasoning=seen.reasoning or (fields[0] if fields else "the text" if inline else ""),
        usage=seen.usage or any(reply.usage.completion is not None for reply in replies),
        cached=seen.cached or any(reply.usage.cached is not None for reply in replies),
    )


async def _structured(model: Model) -> tuple[bool, str]:
    """Return whether an answer kept to the schema, and what was wrong with it."""
    asked: Structured = load_suite().structured
    request = ChatRequest(
        [UserMessage(content=asked.say)], schema=asked.form, max_tokens=MOST_TOKENS
    )
    asking = Retrying(model, retries=1, rng=random.Random(0))
    try:
        reply = await asking.complete(request, CallKey("preflight", "structured", 0, 0))
        value: Any = json.loads(reply.text)
    except (ModelError, ValueError) as error:
        return False, str(error)
    problem = next(iter(Draft202012Validator(dict(asked.form)).iter_errors(value)), None)
    return problem is None, "" if problem is None else problem.message


async def _suited(seen: Seen, bare: Model, at_once: int) -> Seen:
    """Ask the suite in the configured mode, and in the other one if that one is no good."""
    native, replies = None, list[ChatReply]()
    action = None
    if seen.settings.mode == "native":
        native, replies = await _burst(bare, seen.settings, at_once)
    seen = replace(seen, native=native)
    if seen.settings.mode == "action" or (seen.structured and advised_mode(seen) is None):
        action, more = await _burst(Actions(bare), seen.settings, at_once)
        replies += more
    return _noted(replace(seen, action=action), replies)


async def _burst(
    model: Model, settings: ModelSettings, at_once: int
) -> tuple[Mode, list[ChatReply]]:
    """Ask the whole suite, so many questions at once."""
    suite = load_suite()
    places = asyncio.Semaphore(at_once)
    asking = Retrying(model, retries=min(RETRIES, settings.retries), rng=random.Random(0))

    async def ask(case: Case) -> Answer:
        request = request_of(case, suite, MOST_TOKENS)
        async with places:
            try:
                reply = await asking.complete(request, CallKey("preflight", case.name, 0, 0))
            except ModelError as error:
                return Answer(case, None, error.fault, str(error))
        return Answer(case, reply)

    began = time.monotonic()
    answers = await asyncio.gather(*(ask(case) for case in suite.cases))
    seconds = max(time.monotonic() - began, 1e-6)
    replies = [answer.reply for answer in answers if answer.reply is not None]
    written = [r.usage.completion for r in replies if r.usage.completion is not None]
    faults: dict[str, int] = {}
    for answer in answers:
        if answer.fault is not None:
            faults[answer.fault] = faults.get(answer.fault, 0) + 1
    mode = Mode(
        scores=score(answers),
        replies_s=round(len(replies) / seconds, 2),
        tokens_s=round(sum(written) / seconds, 1) if written else None,
        at_once=at_once,
        faults=faults,
        detail=next((answer.detail for answer in answers if answer.fault), ""),
    )
    return mode, replies
