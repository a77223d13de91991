"""Questions as batch requests, and batch results as answers: for judges without a live endpoint."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agentsynth.core.chat import ChatReply, ModelError
from agentsynth.core.errors import UserError
from agentsynth.golden.asks import Ask, request_of
from agentsynth.golden.cassette import Answer, Cassettes, scrubbed
from agentsynth.models.reply import read_reply
from agentsynth.models.wire import Wire

__all__ = ["Taken", "batch_lines", "take"]

_URL = "/v1/chat/completions"


def batch_lines(asks: Sequence[Ask], cassettes: Cassettes) -> list[str]:
    """Return what is not on record as OpenAI batch requests, one JSON object a line.

    `custom_id` is the answer's key. An answer that cannot be read comes once more, with its repair.
    """
    wires: dict[str, Wire] = {}
    found: dict[str, str] = {}
    for ask in asks:
        request = request_of(ask, cassettes.get(ask.header, ask.key))
        if request is None or ask.key in found:
            continue
        wire = wires.setdefault(ask.header.file, Wire(ask.settings))
        body = json.loads(wire.conversation().body(request))
        line = {"custom_id": ask.key, "method": "POST", "url": _URL, "body": body}
        found[ask.key] = json.dumps(line, ensure_ascii=False, sort_keys=True)
    return list(found.values())


@dataclass
class Taken:
    """What became of batch results."""

    taken: int = 0
    repaired: int = 0
    """Of these, answers after a repair."""
    known: int = 0
    """Results that are on record already; they change nothing."""
    problems: list[str] = field(default_factory=lambda: [])
    """What could not be taken, with the line."""
    left: list[str] = field(default_factory=lambda: [])
    """The lines themselves, so that nothing is lost."""


def take(
    path: Path, asks: Iterable[Ask], cassettes: Cassettes, *, today: str, secrets: Sequence[str]
) -> Taken:
    """Put the results in a file into the cassettes.

    Raises:
        UserError: if the file cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: cannot be read: {error}") from None
    wanted = {ask.key: ask for ask in asks}
    taken = Taken()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            _take_one(line, wanted, cassettes, taken, today, secrets)
        except (ValueError, ModelError) as error:
            taken.problems.append(f"{path}:{number}: {error}")
            taken.left.append(line)
    return taken


def _take_one(
    line: str,
    wanted: Mapping[str, Ask],
    cassettes: Cassettes,
    taken: Taken,
    today: str,
    secrets: Sequence[str],
) -> None:
    given = json.loads(line)
    if not isinstance(given, dict):
        raise ValueError("a result is a JSON object")
    key = given.get("custom_id")
    ask = wanted.get(key) if isinstance(key, str) else None
    if ask is None:
        raise ValueError(f"custom_id: nothing of today asks {key!r}")
    reply = _reply(given)
    before = cassettes.get(ask.header, ask.key)
    text = scrubbed(reply.text, secrets)
    if before is not None and (text in before.texts or request_of(ask, before) is None):
        taken.known += 1
        return
    earlier = () if before is None else before.texts
    answer = Answer(
        key=ask.key,
        golden=ask.golden,
        criterion=ask.criterion.name,
        parts=ask.parts,
        texts=(*earlier, text),
        prompt_tokens=reply.usage.prompt,
        completion_tokens=reply.usage.completion,
        recorded=today,
        finish=reply.finish,
    )
    cassettes.put(ask.header, answer)
    taken.taken += 1
    taken.repaired += bool(earlier)


def _reply(given: Mapping[str, Any]) -> ChatReply:
    if given.get("error"):
        raise ValueError(f"the batch says: {json.dumps(given['error'])[:200]}")
    response = given.get("response")
    if not isinstance(response, dict):
        raise ValueError("response: there is none")
    status = response.get("status_code", 200)
    if status != 200:
        raise ValueError(f"response: status {status}: {json.dumps(response.get('body'))[:200]}")
    return read_reply(response.get("body"), tools_offered=False)
