"""Peers of the benchmark of models: what they are made to play, and how one is skipped."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import peers
from benchmarks.fake_endpoint import Script
from benchmarks.peer_talk import CALLS, GREETING, OPENING, STOP, USER_PROMPT, lines
from benchmarks.peers import PEERS, Peer, Skipped, measure, talk

PEER = Peer("verifiers", ("nothing==0",))


def said(role: str, content: str) -> dict[str, Any]:
    return {"role": role, "content": content}


def converse(*, greets: bool) -> tuple[int, int]:
    """Play the script as a peer does; return model calls and messages."""
    script = Script(json.loads(talk()))
    first = said("assistant", GREETING) if greets else said("user", OPENING)
    seen = [said("system", "…"), first]
    heard = [said("system", USER_PROMPT), said("user" if greets else "assistant", first["content"])]
    users = greets
    for calls in range(1, 40):
        if users:
            reply = script.line({"model": "user", "messages": heard})
            heard.append(reply)
            seen.append(said("user", reply["content"]))
            users = False
            if STOP in reply["content"]:
                return calls, len(seen) - 1
        else:
            reply = script.line({"model": "assistant", "messages": seen})
            seen.append(reply)
            users = "tool_calls" not in reply
            if users:
                heard.append(said("user", reply["content"]))
            else:
                seen.append(said("tool", "…"))
    pytest.fail("the user does not end the conversation")


@pytest.mark.parametrize("greets", [True, False])
def test_a_peer_makes_as_many_model_calls_as_ours(greets: bool) -> None:
    calls, messages = converse(greets=greets)
    assert calls == CALLS
    assert 25 <= messages <= 29


def test_calls_in_the_script_have_ids_of_their_own_and_arguments_that_parse() -> None:
    assistant, _ = lines(greets=False)
    calls = [call for line in assistant for call in line.get("tool_calls", [])]
    assert len({call["id"] for call in calls}) == len(calls) == 9
    assert all(json.loads(call["function"]["arguments"]) for call in calls)


def test_without_a_folder_every_peer_is_skipped_with_a_word() -> None:
    told = [measure(peer, None, port=1, at_once=32) for peer in PEERS]
    assert told == [{"skipped": "give --peers DIR to install them from PyPI"}] * len(PEERS)


def test_an_install_that_fails_becomes_a_skip_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = peers._run
    asked: list[str] = []

    def fail(command: list[str], what: str, seconds: float) -> str:
        asked.append(what)
        if what != "pip":
            return ""
        code = "import sys; print('much', 'ERROR: no such thing', sep='\\n', file=sys.stderr)"
        return run([sys.executable, "-c", f"{code}; sys.exit(1)"], what, seconds)

    monkeypatch.setattr(peers, "_run", fail)
    for _ in range(2):
        told = measure(PEER, tmp_path, port=1, at_once=32)
        assert told == {"skipped": "pip: ERROR: no such thing"}
    assert asked == ["venv", "pip"] * 2


def test_a_folder_that_cannot_be_made_becomes_a_skip(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = measure(PEER, tmp_path / "file", port=1, at_once=32)
    assert "File exists" in told["skipped"]


def test_a_pass_that_takes_too_long_becomes_a_skip() -> None:
    with pytest.raises(Skipped, match=r"its pass took more than 0\.1 s"):
        peers._run([sys.executable, "-c", "import signal; signal.pause()"], "its pass", 0.1)


def test_a_peer_that_plays_something_else_becomes_a_skip() -> None:
    told = peers._checked(PEER, {"rollouts": 16}, {"requests": 60, "prompt_tokens": 1})
    assert told == {"skipped": "made 3.0 model calls a rollout, not 17"}
