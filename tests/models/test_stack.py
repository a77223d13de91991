"""All layers on top of each other, as a seat uses them."""

import random
from pathlib import Path

import httpx
import pytest

from agentsynth.core.chat import ModelError
from agentsynth.models.deadline import Clocks, Timed
from agentsynth.models.gate import Gate, Gated
from agentsynth.models.http import HttpModel
from agentsynth.models.journal import JsonlRecordings
from agentsynth.models.record import Fingerprints, Recorded, Replayed
from agentsynth.models.retry import Retrying
from agentsynth.models.settings import ModelSettings
from tests.models.made import KEY, Clock, conversation, request, tool

pytestmark = pytest.mark.anyio

SETTINGS = ModelSettings(url="http://localhost/v1", model="m")
GOOD = {"choices": [{"message": {"content": "Hello."}}], "usage": {"prompt_tokens": 5}}


def stacked(*answers: httpx.Response, folder: Path, clock: Clock, clocks: Clocks) -> Recorded:
    left = list(answers)
    transport = httpx.MockTransport(lambda _: left.pop(0))
    gate = Gate(4, now=clock.now, sleep=clock.sleep)
    sent = Gated(Timed(HttpModel(SETTINGS, transport=transport), clocks), gate)
    patient = Retrying(sent, retries=3, rng=random.Random(1), clocks=clocks, sleep=clock.sleep)
    return Recorded(patient, JsonlRecordings(folder), Fingerprints(SETTINGS))


async def test_a_reply_after_faults_is_recorded_with_them_and_replayed(tmp_path: Path) -> None:
    clock = Clock()
    clocks = Clocks(turn_s=900, now=clock.now)
    model = stacked(
        httpx.Response(503, text="busy"),
        httpx.Response(429, headers={"retry-after": "20"}),
        httpx.Response(200, json={"choices": [], "usage": {"prompt_tokens": 3}}),
        httpx.Response(200, json=GOOD),
        folder=tmp_path,
        clock=clock,
        clocks=clocks,
    )
    asked = request(*conversation(), tools=(tool(),))
    reply = await model.complete(asked, KEY)
    assert reply.text == "Hello."
    faults = [attempt.fault for attempt in reply.failed]
    assert faults == ["overloaded", "rate_limited", "bad_reply"]
    assert clocks.turn_spent == clock.time >= 20
    again = Replayed(JsonlRecordings(tmp_path), Fingerprints(SETTINGS))
    assert await again.complete(asked, KEY) == reply


async def test_a_failure_comes_out_once_with_all_attempts_and_is_replayed(tmp_path: Path) -> None:
    clock = Clock()
    busy = [httpx.Response(503, text="busy") for _ in range(4)]
    model = stacked(*busy, folder=tmp_path, clock=clock, clocks=Clocks(now=clock.now))
    with pytest.raises(ModelError, match="busy") as first:
        await model.complete(request(), KEY)
    assert len(first.value.failed) == 3
    again = Replayed(JsonlRecordings(tmp_path), Fingerprints(SETTINGS))
    with pytest.raises(ModelError, match="busy") as second:
        await again.complete(request(), KEY)
    assert second.value.failed == first.value.failed
