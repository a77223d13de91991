import asyncio
import json
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.chat import (
    Attempt,
    CallKey,
    ChatReply,
    ChatRequest,
    ModelError,
    RawCall,
    Usage,
)
from agentsynth.core.errors import RunError, StoreError
from agentsynth.core.messages import UserMessage
from agentsynth.models.codec import arguments_of, from_bytes, to_bytes
from agentsynth.models.journal import Exchange, Fingerprint, JsonlRecordings, stored_error
from agentsynth.models.record import Fingerprints, Recorded, Replayed
from agentsynth.models.settings import ModelSettings
from tests.models.made import KEY, Answer, Scripted, conversation, request, tool

pytestmark = pytest.mark.anyio

SETTINGS = ModelSettings(url="http://localhost/v1", model="m", temperature=0.5)
TAKE = Fingerprints(SETTINGS)
CONVERSATION = conversation()
OK = ChatReply(
    "Hello ü",
    (
        RawCall("c1", "find", '{"b": 1, "a": 2}', {"b": 1, "a": 2}),
        RawCall("", "x", "{", None, "cut"),
    ),
    reasoning="hm",
    finish="stop",
    usage=Usage(9, 2, None, 1),
    model="m-1",
    raw={"content": "Hello \ud800", "tool_calls": None, "n": 0.1},
    cost=12,
    failed=(Attempt("overloaded", "no", Usage(3), 4), Attempt("timeout", "late")),
)


async def record(folder: Path, answer: Answer, asked: ChatRequest, key: CallKey = KEY) -> Scripted:
    inner = Scripted([answer])
    with JsonlRecordings(folder) as recordings:
        model = Recorded(inner, recordings, Fingerprints(SETTINGS))
        with suppress(ModelError):
            await model.complete(asked, key)
    return inner


async def replay(folder: Path, asked: ChatRequest, key: CallKey = KEY, **changed: Any) -> ChatReply:
    settings = SETTINGS.model_copy(update=changed)
    return await Replayed(JsonlRecordings(folder), Fingerprints(settings)).complete(asked, key)


async def miss(folder: Path, asked: ChatRequest, key: CallKey = KEY, **changed: Any) -> str:
    with pytest.raises(ModelError) as caught:
        await replay(folder, asked, key, **changed)
    assert caught.value.fault == "not_recorded"
    return str(caught.value)


async def test_a_replay_gives_the_recorded_reply_to_the_byte(tmp_path: Path) -> None:
    asked = request(*conversation(), tools=(tool(),))
    await record(tmp_path, OK, asked)
    reply = await replay(tmp_path, request(*conversation(), tools=(tool(),)))
    assert reply == OK
    assert to_bytes(reply) == to_bytes(OK)


async def test_a_replay_fails_as_the_recording_failed(tmp_path: Path) -> None:
    failed = (Attempt("timeout", "late", None, 3),)
    error = ModelError("bad_reply", "no", retry_after=2.5, usage=Usage(1), cost=5, failed=failed)
    await record(tmp_path, error, request())
    with pytest.raises(ModelError, match="no") as caught:
        await replay(tmp_path, request())
    assert stored_error(caught.value) == stored_error(error)


@pytest.mark.parametrize(
    "error", [ModelError("over_budget", "no"), ModelError("not_recorded", "no")]
)
async def test_a_call_that_was_never_made_is_not_recorded(
    tmp_path: Path, error: ModelError
) -> None:
    await record(tmp_path, error, request())
    assert "no recording" in await miss(tmp_path, request())


async def test_the_end_of_a_run_is_not_recorded(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="dead"):
        await record(tmp_path, RunError("dead"), request())
    assert len(JsonlRecordings(tmp_path)) == 0


async def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    await record(tmp_path, OK, request())
    other = replace(KEY, ordinal=3, sample=4, role="user", attempt=1)
    words = await miss(tmp_path, request(), other)
    assert (
        words
        == "no recording of the user's call 3 in task 's1:task', sample 4 at place 0, attempt 1"
    )


async def test_the_first_thing_that_changed_is_named(tmp_path: Path) -> None:
    said = conversation()
    asked = ChatRequest(said, (tool(),), max_tokens=5)
    await record(tmp_path, OK, asked)
    changed = [*said[:4], UserMessage(content="Other\nwords. " + "x" * 900), *said[5:]]
    words = await miss(tmp_path, replace(asked, messages=changed))
    assert "the assistant's call 2 in task 's1:task'" in words
    assert "message 4 was 'user: Please look, 1.' and is now 'user: Other words. xxx" in words
    assert len(words) < 400
    for other, expected in (
        (replace(asked, messages=said[:6]), "message 6, 'tool: {\"plot\": 1}', is gone"),
        (
            replace(asked, messages=[*said, UserMessage(content="More.")]),
            "message 7, 'user: More.', is new",
        ),
        (replace(asked, tools=(tool("other"),)), "the tools changed"),
        (replace(asked, max_tokens=6), "the schema, the most tokens or the seed changed"),
        (replace(asked, schema={"type": "object"}), "the schema, the most tokens or the seed"),
    ):
        assert expected in await miss(tmp_path, other)
    assert "settings changed" in await miss(tmp_path, asked, temperature=0.6)


@pytest.mark.parametrize(
    "changed",
    [
        {"url": "http://other/v1"},
        {"key_env": "OTHER"},
        {"retries": 9},
        {"stream": True},
        {"in_flight": 3},
    ],
)
async def test_where_and_how_patiently_a_model_is_asked_does_not_matter(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    await record(tmp_path, OK, request())
    assert await replay(tmp_path, request(), **changed) == OK


async def test_a_reply_is_on_record_before_it_is_given(tmp_path: Path) -> None:
    with JsonlRecordings(tmp_path) as recordings:
        model = Recorded(Scripted([OK]), recordings, TAKE)
        await model.complete(request(), KEY)
        assert JsonlRecordings(tmp_path).get(KEY) is not None


async def test_a_run_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    await record(tmp_path, OK, request())
    await record(tmp_path, ModelError("timeout", "late"), request(), replace(KEY, ordinal=3))
    inner = Scripted([ChatReply("new")])
    with JsonlRecordings(tmp_path) as recordings:
        model = Recorded(inner, recordings, TAKE, reuse=True)
        assert await model.complete(request(), KEY) == OK
        assert inner.asked == 0
        other = request(UserMessage(content="Other."))
        for asked, key in ((other, KEY), (request(), replace(KEY, ordinal=3))):
            assert (await model.complete(asked, key)).text == "new"
        assert inner.asked == 2
    assert (await replay(tmp_path, other)).text == "new"


@pytest.mark.parametrize("cut", [1, 30, 200, -2, -1])
async def test_a_torn_last_line_costs_that_exchange_only(tmp_path: Path, cut: int) -> None:
    await record(tmp_path, OK, request())
    file = tmp_path / "exchanges.jsonl"
    whole = file.read_bytes()
    await record(tmp_path, OK, request(), replace(KEY, ordinal=3))
    second = file.read_bytes()[len(whole) :]
    file.write_bytes(whole + second[:cut])
    recordings = JsonlRecordings(tmp_path)
    complete = cut == -1  # only the line's end is missing
    assert recordings.torn == (0 if complete else 1)
    assert len(recordings) == (2 if complete else 1)
    await record(tmp_path, OK, request(), replace(KEY, ordinal=4))
    assert await replay(tmp_path, request()) == OK
    assert await replay(tmp_path, request(), replace(KEY, ordinal=4)) == OK


async def test_an_exchange_is_one_write_of_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[bytes] = []
    write = os.write

    def counted(handle: int, data: bytes) -> int:
        written.append(data)
        return write(handle, data)

    monkeypatch.setattr(os, "write", counted)
    await record(tmp_path, OK, request(UserMessage(content="a\nb")))
    assert len(written) == 1
    assert written[0].count(b"\n") == 1
    assert written[0].endswith(b"\n")


async def test_the_start_of_a_message_is_stored_once_in_a_file(tmp_path: Path) -> None:
    said = conversation()
    for ordinal in range(3):  # each a process of its own
        await record(tmp_path, OK, request(*said), replace(KEY, ordinal=ordinal))
    lines = [json.loads(line) for line in (tmp_path / "exchanges.jsonl").read_text().splitlines()]
    assert [len(line["new"]) for line in lines] == [7, 0, 0]


async def test_numbers_of_any_length_come_back_to_the_last_digit(tmp_path: Path) -> None:
    text = '{"n": 123456789012345678901234567890}'
    for before, after in ((b"", b'"\\ud800"'), (b"\xef\xbb\xbf", b"0")):
        raw = from_bytes(before + b'{"n": 123456789012345678901234567890, "s": ' + after + b"}")
        reply = ChatReply("", (RawCall("c", "f", text, arguments_of(text)),), raw=raw)
        await record(tmp_path, reply, request())
        again = await replay(tmp_path, request())
        assert again.calls[0].arguments == {"n": 123456789012345678901234567890}
        assert repr(again) == repr(reply)


@pytest.mark.parametrize("kept", [0, 3, 1000])
async def test_what_changed_is_named_however_few_starts_a_writer_remembers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    monkeypatch.setattr("agentsynth.models.journal.STARTS_KEPT", kept)
    said = conversation()
    with JsonlRecordings(tmp_path, "worker") as recordings:
        model = Recorded(Scripted([OK]), recordings, TAKE)
        for number in range(30):
            asked = request(UserMessage(content=str(number)))
            await model.complete(asked, replace(KEY, ordinal=10 + number))
        assert len(recordings._written) <= max(kept + 1, 1)
        for end in range(1, 8):
            await model.complete(request(*said[:end]), replace(KEY, ordinal=end))
    words = await miss(tmp_path, request(UserMessage(content="x")), replace(KEY, ordinal=7))
    assert "message 0 was 'system: You help.'" in words


def test_what_was_put_is_there_at_once(tmp_path: Path) -> None:
    with JsonlRecordings(tmp_path) as recordings:
        for ordinal in range(3):
            exchange = Exchange(TAKE.of(request()), ChatReply(str(ordinal)))
            recordings.put(replace(KEY, ordinal=ordinal), exchange)
        for ordinal in range(3):
            kept = recordings.get(replace(KEY, ordinal=ordinal))
            assert kept == Exchange(TAKE.of(request()), ChatReply(str(ordinal)))


async def test_several_processes_write_into_one_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        with JsonlRecordings(tmp_path, name) as recordings:
            key = replace(KEY, task=name)
            await Recorded(Scripted([ChatReply(name)]), recordings, TAKE).complete(request(), key)
    for name in ("a", "b"):
        assert (await replay(tmp_path, request(), replace(KEY, task=name))).text == name


async def test_the_latest_exchange_of_a_call_counts(tmp_path: Path) -> None:
    for text in ("old", "new"):
        await record(tmp_path, ChatReply(text), request())
    assert (await replay(tmp_path, request())).text == "new"


async def test_calls_at_once_are_all_kept(tmp_path: Path) -> None:
    with JsonlRecordings(tmp_path) as recordings:
        model = Recorded(Scripted([OK]), recordings, TAKE)
        keys = [replace(KEY, ordinal=number) for number in range(50)]
        await asyncio.gather(*(model.complete(request(), key) for key in keys))
    assert len(JsonlRecordings(tmp_path)) == 50


def test_a_folder_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recordings = JsonlRecordings(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot be opened"):
        recordings.put(KEY, Exchange(TAKE.of(request()), OK))


def test_a_file_that_changed_meanwhile_is_a_store_error(tmp_path: Path) -> None:
    with JsonlRecordings(tmp_path) as recordings:
        recordings.put(KEY, Exchange(TAKE.of(request()), OK))
        (tmp_path / "exchanges.jsonl").write_text("gone")
        with pytest.raises(StoreError, match="changed"):
            recordings.get(KEY)


@pytest.mark.parametrize("ends", [range(1, 6), [5, 3, 5, 1, 4], [2, 2, 5, 5]])
def test_what_is_kept_of_earlier_requests_never_shows_in_a_fingerprint(ends: Sequence[int]) -> None:
    take = Fingerprints(SETTINGS).conversation()
    for end in ends:
        asked = request(*conversation()[:end], tools=(tool(),))
        same = request(*CONVERSATION[:end], tools=(tool(),))
        assert take.of(same) == Fingerprints(SETTINGS).of(asked)


def test_a_fingerprint_does_not_depend_on_which_objects_hold_the_words() -> None:
    assert TAKE.of(request(*conversation())) == Fingerprints(SETTINGS).of(request(*conversation()))


texts = st.text(st.characters(), max_size=12)
counts = st.none() | st.integers(0, 10**12)
usages = st.builds(Usage, counts, counts, counts, counts)
attempts = st.lists(
    st.builds(Attempt, st.just("timeout"), texts, st.none() | usages, counts), max_size=2
).map(tuple)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
clean = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
numbers = st.dictionaries(clean, st.integers() | clean | st.none(), max_size=3)


def made_call(name: str, arguments: dict[str, Any]) -> RawCall:
    text = to_bytes(arguments).decode()
    return RawCall("c", name, text, arguments_of(text))


calls = st.one_of(
    st.builds(made_call, texts, numbers),
    st.builds(RawCall, texts, texts, texts, st.none(), texts),
)
small = st.recursive(
    st.none() | st.integers(-(2**63), 2**64 - 1) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)
chat_replies = st.builds(
    ChatReply,
    text=texts,
    calls=st.lists(calls, max_size=2).map(tuple),
    reasoning=texts,
    finish=texts,
    usage=usages,
    model=texts,
    raw=st.dictionaries(texts, small, max_size=3),
    cost=counts,
    failed=attempts,
)


@given(chat_replies)
def test_every_reply_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, reply: ChatReply
) -> None:
    folder = tmp_path_factory.mktemp("kept")
    request_made = Fingerprint("w", "s", "t", "", ("m",), ("user: Hi",))
    with JsonlRecordings(folder) as recordings:
        recordings.put(KEY, Exchange(request_made, reply))
        kept = recordings.get(KEY)
    again = JsonlRecordings(folder).get(KEY)
    assert kept == again == Exchange(request_made, reply)
    assert again is not None
    assert to_bytes(again.reply) == to_bytes(reply)
