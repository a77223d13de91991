"""Cassettes: sorted, checked on reading, free of secrets; reading is done when they are replayed."""

import json
from pathlib import Path

import pytest

from agentsynth.core.errors import UserError
from agentsynth.golden.asks import Ask
from agentsynth.golden.cassette import CASSETTES, Cassettes, scrubbed
from agentsynth.golden.check import check
from tests.golden.judges import judge, look, options, record, reply, truths


def cassette(folder: Path) -> Path:
    [path] = (folder / CASSETTES).glob("*.jsonl")
    return path


async def test_recording_twice_gives_the_same_bytes_and_an_answer_is_readable(
    folder: Path,
) -> None:
    await record(folder)
    first = cassette(folder).read_bytes()
    await record(folder, mode="rerecord")
    assert cassette(folder).read_bytes() == first
    header, line, *_ = map(json.loads, first.decode().splitlines())
    assert header["judge"] == "first-judge"
    assert header["sampling"]["model"] == "first-judge"
    assert "url" not in header["sampling"]
    assert (line["golden"], line["criterion"]) == ("g00", "claims_backed")
    assert line["parts"].keys() == {"prompts", "question", "transcript", "sample", "order"}
    assert line["recorded"] == "2026-01-02"
    assert len(line["key"]) == 64


async def test_an_answer_and_its_repair_are_kept_and_read_again(folder: Path) -> None:
    said = truths(folder)
    times: dict[str, int] = {}

    def says(ask: Ask) -> str:
        times[ask.key] = times.get(ask.key, 0) + 1
        return "Yes!" if times[ask.key] == 1 else reply(ask, said(ask))

    await record(folder, says)
    held = Cassettes.read(folder / CASSETTES)
    answers = next(iter(held.answers.values())).values()
    assert {(len(a.texts), a.texts[0], a.prompt_tokens) for a in answers} == {(2, "Yes!", 200)}
    report = await look(folder)
    assert {i.unreadable for r in report.results for i in r.items} == {0}
    assert all(r.right for r in report.results)


async def test_a_stricter_reading_shows_without_asking_anybody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await record(folder)

    def refuse(text: str, *_: object) -> None:
        raise ValueError("stricter")

    monkeypatch.setattr("agentsynth.judge.questions.read_answers", refuse)
    report = await look(folder)
    [gate] = [g for g in report.gates if g.name == "parse_failures"]
    assert gate.status == "failed"


async def test_an_edited_answer_is_still_found_but_an_edited_part_is_refused(folder: Path) -> None:
    await record(folder)
    path = cassette(folder)
    text = path.read_text()
    path.write_text(text.replace('"sample": 0', '"sample": 1', 1))
    with pytest.raises(UserError, match=r"\.jsonl:2: the key is not that of its parts"):
        await look(folder)
    path.write_text(text.replace('"texts"', '"text"', 1))
    with pytest.raises(UserError, match=r"\.jsonl:2: text"):
        await look(folder)


async def test_secrets_in_a_reply_are_not_kept(folder: Path) -> None:
    said = truths(folder)
    key = "sk-abcdefghijklmnopqrstuvwx"
    given = judge(folder, lambda ask: reply(ask, said(ask), f"My key is {key}, or hunter2."))
    await check(folder, options(given, mode="record-missing", secrets=("hunter2",)))
    text = cassette(folder).read_text()
    assert key not in text
    assert "hunter2" not in text
    assert "[removed]" in text
    assert all(r.right for r in (await look(folder)).results)


def test_plain_words_and_numbers_are_no_secrets() -> None:
    text = '{"a": {"reason": "Call 3 shows order BK-1042 at 14:30.", "choice": "yes"}}'
    assert scrubbed(text) == text
    assert scrubbed("Authorization: Bearer abcdefgh12345") == "Authorization: Bearer [removed]"


async def test_odd_line_ends_in_a_reply_break_no_line(folder: Path) -> None:
    said = truths(folder)
    await record(folder, lambda ask: reply(ask, said(ask), "One\u2028two\x85three"))
    assert all(r.right for r in (await look(folder)).results)
