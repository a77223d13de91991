"""Models that write down what was said, and one that says it again.

An exchange is found by which call of the run it was, and is valid for one request only: the hash of
its messages, tools, schema and of the settings that matter to a reply. Where the endpoint is, how
patient we are and what it costs do not matter.
"""

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError
from agentsynth.core.messages import Message
from agentsynth.core.tools import ToolSpec
from agentsynth.models.codec import to_bytes
from agentsynth.models.journal import Exchange, Fingerprint, Recordings
from agentsynth.models.settings import ModelSettings
from agentsynth.models.wire import begins_with, tools_bytes

__all__ = ["Fingerprints", "Recorded", "Replayed"]

MATTERS = {
    "model", "mode", "reasoning", "reasoning_field", "temperature", "top_p", "max_tokens",
    "send_seed", "extra",
}  # fmt: skip
"""Settings that a reply depends on."""

START = 80
"""Characters of a message that are kept to recognise it by."""

_DIGITS = 32
"""Hex digits of a hash."""

NOT_EXCHANGES = ("over_budget", "not_recorded")
"""Faults of calls that were never made."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known of the request before, of which the next one is mostly made."""

    head: tuple[str, str]
    """Hashes of the tools and of the rest."""
    messages: tuple[Message, ...]
    hashes: tuple[str, ...]
    starts: tuple[str, ...]
    running: Any
    """SHA-256 over all of it so far."""


class Fingerprints:
    """Takes the fingerprints of requests to one model.

    A conversation comes again in each of its requests, with something added: what was hashed for
    the request before is not hashed again.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = _digest(to_bytes(settings.model_dump(mode="json", include=MATTERS)))
        self._tools: dict[tuple[int, ...], tuple[Sequence[ToolSpec], str]] = {}
        self._told = self._begun(("", ""))

    def conversation(self) -> "Fingerprints":
        """Return one for a conversation of its own, gone with it."""
        return copy.copy(self)

    def of(self, request: ChatRequest) -> Fingerprint:
        """Return the fingerprint of a request."""
        asked = (request.schema, request.max_tokens, request.seed)
        rest = "" if asked == (None, None, None) else _digest(to_bytes(asked))
        head = self._tools_of(request.tools), rest
        told = self._told
        if told.head != head or not begins_with(request.messages, told.messages):
            told = self._begun(head)
        told = self._told = _told_on(told, request.messages[len(told.messages) :])
        whole = told.running.hexdigest()[:_DIGITS]
        return Fingerprint(whole, self._settings, *head, told.hashes, told.starts)

    def _begun(self, head: tuple[str, str]) -> _Told:
        running = hashlib.sha256("\n".join((self._settings, *head)).encode())
        return _Told(head, (), (), (), running)

    def _tools_of(self, tools: Sequence[ToolSpec]) -> str:
        key = tuple(map(id, tools))
        found = self._tools.get(key)
        if found is None:
            if len(self._tools) >= 1024:
                self._tools.pop(next(iter(self._tools)))
            found = self._tools[key] = (tuple(tools), _digest(tools_bytes(tools)))
        return found[1]


class Recorded:
    """A model whose exchanges are kept, replies and final failures alike."""

    def __init__(
        self,
        model: Model,
        recordings: Recordings,
        fingerprints: Fingerprints,
        *,
        reuse: bool = False,
    ) -> None:
        """Wrap a model.

        Args:
            fingerprints: of the same settings as the model.
            reuse: answer from the recordings where they have a reply to the very request, as after
                a kill; recorded failures are asked again.
        """
        self._model = model
        self._recordings = recordings
        self._fingerprints = fingerprints
        self._reuse = reuse

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the model's reply once it is on record."""
        asked = self._fingerprints.of(request)
        if self._reuse:
            kept = self._recordings.get(key)
            if kept is not None and kept.reply is not None and kept.request.whole == asked.whole:
                return kept.reply
        try:
            reply = await self._model.complete(request, key)
        except ModelError as error:
            if error.fault not in NOT_EXCHANGES:
                self._recordings.put(key, Exchange(asked, None, error))
            raise
        self._recordings.put(key, Exchange(asked, reply))
        return reply


class Replayed:
    """A model that answers from recordings alone and reaches nobody."""

    def __init__(self, recordings: Recordings, fingerprints: Fingerprints) -> None:
        self._recordings = recordings
        self._fingerprints = fingerprints

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the reply on record, or raise the error that is.

        Raises:
            ModelError: `not_recorded` if there is no exchange for this request; it says what is
                different from the one on record.
        """
        asked = self._fingerprints.of(request)
        kept = self._recordings.get(key)
        if kept is None:
            raise ModelError("not_recorded", f"no recording of {_named(key)}")
        if kept.request.whole != asked.whole:
            raise ModelError(
                "not_recorded",
                f"the recording of {_named(key)} is of another request: "
                f"{_difference(kept.request, asked)}",
            )
        if kept.error is not None:
            raise kept.error
        if kept.reply is None:
            raise ModelError("not_recorded", f"the recording of {_named(key)} holds no reply")
        return kept.reply


def _named(key: CallKey) -> str:
    tried = f", attempt {key.attempt}" if key.attempt else ""
    where = f"sample {key.sample} at place {key.place}{tried}"
    return f"the {key.role}'s call {key.ordinal} in task {key.task!r}, {where}"


def _difference(kept: Fingerprint, asked: Fingerprint) -> str:
    """Return what changed first, in the order in which a model reads it."""
    for name, before, now in (
        ("the model's settings", kept.settings, asked.settings),
        ("the tools", kept.tools, asked.tools),
    ):
        if before != now:
            return f"{name} changed"
    for at, (before, now) in enumerate(zip(kept.messages, asked.messages, strict=False)):
        if before != now:
            return f"message {at} was {kept.starts[at]!r} and is now {asked.starts[at]!r}"
    more, fewer = len(asked.messages), len(kept.messages)
    if more > fewer:
        return f"it had {fewer} messages; message {fewer}, {asked.starts[fewer]!r}, is new"
    if more < fewer:
        return f"it had {fewer} messages; message {more}, {kept.starts[more]!r}, is gone"
    return "the schema, the most tokens or the seed changed"


def _told_on(told: _Told, more: Sequence[Message]) -> _Told:
    """Return what is known once these messages have been said too."""
    hashes: list[str] = []
    starts: list[str] = []
    running = told.running.copy()
    for message in more:
        hashes.append(_digest(to_bytes(message.model_dump(mode="python")))[:16])
        running.update(f"\n{hashes[-1]}".encode())
        start = " ".join(message.content[: 2 * START].split())[:START]
        starts.append(f"{message.role}: {start}")
    return _Told(
        told.head,
        (*told.messages, *more),
        (*told.hashes, *hashes),
        (*told.starts, *starts),
        running,
    )


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
