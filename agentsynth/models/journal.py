"""Exchanges with models in files: one JSON object a line, appended and never changed.

A line is written by one `write` to a handle opened for appending, so a kill leaves at most one torn
line at the end of a file, which is skipped; a machine that loses power may lose the last seconds.
What a message says is not stored; a line holds the hashes of its request's messages, and the start
of each message that is new in this file.
"""

import os
from collections import ChainMap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from agentsynth.core.chat import Attempt, CallKey, ChatReply, ModelError, RawCall, Usage
from agentsynth.core.errors import StoreError
from agentsynth.models.codec import BadJson, arguments_of, from_bytes, to_bytes
from agentsynth.models.tally import RoleTally, Tally

__all__ = [
    "Exchange",
    "Fingerprint",
    "JsonlRecordings",
    "Recordings",
    "recorded_tally",
    "stored_error",
]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A request as recordings know it."""

    whole: str
    """Hash of all that matters to the reply."""
    settings: str
    tools: str
    rest: str
    """Hash of schema, most tokens and seed."""
    messages: tuple[str, ...]
    """Hash of each message in order."""
    starts: tuple[str, ...] = ()
    """Role and first words of each message."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and what came of it."""

    request: Fingerprint
    reply: ChatReply | None
    """None = there was none, and `error` says why."""
    error: ModelError | None = None


STARTS_KEPT = 100_000
"""Starts of messages a writer remembers to have written, before it may write them again."""


class Recordings(Protocol):
    """Where exchanges are kept."""

    def get(self, key: CallKey) -> Exchange | None:
        """Return the latest exchange of a call; None = there is none."""
        ...

    def put(self, key: CallKey, exchange: Exchange) -> None:
        """Keep an exchange; when this returns, a kill of the process does not lose it."""
        ...


@dataclass(frozen=True, slots=True)
class _Place:
    file: Path
    offset: int
    length: int


@dataclass
class JsonlRecordings:
    """A folder of `*.jsonl`; all are read, one is appended to.

    Several processes may share the folder, each with a file of its own. What is in memory is where
    each exchange lies, not the exchanges.
    """

    folder: Path
    name: str = "exchanges"
    """The file that is appended to, without its ending."""
    torn: int = 0
    """Lines that were skipped because a kill had cut them."""
    _places: dict[CallKey, _Place] = field(default_factory=lambda: {}, repr=False)
    _starts: dict[str, str] = field(default_factory=lambda: {}, repr=False)
    _written: dict[str, str] = field(default_factory=lambda: {}, repr=False)
    _handle: int | None = field(default=None, repr=False)
    _end: int = 0

    def __post_init__(self) -> None:
        """Read where the exchanges of the folder lie; a folder that is not there is empty.

        Raises:
            StoreError: if a file cannot be read.
        """
        try:
            for file in sorted(self.folder.glob("*.jsonl")):
                self._load(file)
        except OSError as error:
            raise StoreError(
                f"the recordings in {str(self.folder)!r} cannot be read: {error}"
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """The number of calls with an exchange."""
        return len(self._places)

    def get(self, key: CallKey) -> Exchange | None:
        """Return the latest exchange of a call; None = there is none.

        Raises:
            StoreError: if its file is no longer what it was.
        """
        place = self._places.get(key)
        if place is None:
            return None
        try:
            with place.file.open("rb") as opened:
                opened.seek(place.offset)
                line = opened.read(place.length)
            return _exchange(from_bytes(line), ChainMap(self._written, self._starts))
        except (OSError, BadJson, KeyError, TypeError) as error:
            raise StoreError(
                f"the recordings in {str(place.file)!r} changed while they were read: {error}"
            ) from error

    def put(self, key: CallKey, exchange: Exchange) -> None:
        """Append an exchange in one write.

        Raises:
            StoreError: if the disk does not take it.
        """
        new = _new(exchange.request, self._written)
        line = _line(key, exchange, new)
        handle = self._open() if self._handle is None else self._handle
        try:
            taken = os.write(handle, line)
        except OSError as error:
            raise StoreError(
                f"the recordings in {str(self._file)!r} cannot be written: {error}"
            ) from error
        if taken != len(line):
            raise StoreError(f"the disk of {str(self._file)!r} took only a part of an exchange")
        if len(self._written) > STARTS_KEPT:
            self._written.clear()
        self._written.update(new)
        self._places[key] = _Place(self._file, self._end, len(line))
        self._end += len(line)

    def close(self) -> None:
        """Close the file that is appended to; the next `put` opens it again."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @property
    def _file(self) -> Path:
        return self.folder / f"{self.name}.jsonl"

    def _open(self) -> int:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._end = os.fstat(self._handle).st_size
            # A torn line stays torn, and the next one begins after it.
            if self._end and os.pread(self._handle, 1, self._end - 1) != b"\n":
                self._end += os.write(self._handle, b"\n")
        except OSError as error:
            raise StoreError(
                f"the recordings in {str(self._file)!r} cannot be opened: {error}"
            ) from error
        return self._handle

    def _load(self, file: Path) -> None:
        offset = 0
        with file.open("rb") as lines:
            for line in lines:
                stored = _stored(line)
                if stored is None:
                    self.torn += 1
                else:
                    starts = stored["new"]
                    self._starts.update(starts)
                    if file == self._file:
                        self._written.update(starts)
                    self._places[CallKey(*stored["key"])] = _Place(file, offset, len(line))
                offset += len(line)


def _stored(line: bytes) -> Mapping[str, Any] | None:
    """Return the object in a line; None = the line is torn."""
    try:
        stored = from_bytes(line)
    except BadJson:
        return None
    return stored if isinstance(stored, dict) and "key" in stored and "new" in stored else None


def _new(request: Fingerprint, written: Mapping[str, str]) -> Mapping[str, str]:
    """Return the starts of messages that are not yet written, by their hashes."""
    fresh = set(request.messages) - written.keys()
    named = zip(request.messages, request.starts, strict=False) if fresh else ()
    return {name: start for name, start in named if name in fresh}


def _line(key: CallKey, exchange: Exchange, new: Mapping[str, str]) -> bytes:
    request = exchange.request
    stored: dict[str, object] = {
        "key": [key.role, key.task, key.sample, key.ordinal, key.attempt, key.place],
        "whole": request.whole,
        "settings": request.settings,
        "tools": request.tools,
        "rest": request.rest,
        "messages": request.messages,
        "new": new,
    }
    if exchange.reply is not None:
        stored["reply"] = exchange.reply
    elif exchange.error is not None:
        stored["error"] = stored_error(exchange.error)
    return to_bytes(stored) + b"\n"


def stored_error(error: ModelError) -> dict[str, object]:
    """Return all of an error but its traceback, as JSON types and dataclasses."""
    return {
        "fault": error.fault,
        "message": str(error),
        "retry_after": error.retry_after,
        "usage": error.usage,
        "cost": error.cost,
        "failed": error.failed,
    }


def _exchange(stored: Mapping[str, Any], starts: Mapping[str, str]) -> Exchange:
    messages = tuple(stored["messages"])
    request = Fingerprint(
        whole=stored["whole"],
        settings=stored["settings"],
        tools=stored["tools"],
        rest=stored["rest"],
        messages=messages,
        starts=tuple(starts.get(name, "") for name in messages),
    )
    if "error" in stored:
        return Exchange(request, None, _error(stored["error"]))
    return Exchange(request, _reply(stored["reply"]))


def _reply(stored: Mapping[str, Any]) -> ChatReply:
    fields = dict(stored)
    fields["calls"] = tuple(_call(call) for call in stored["calls"])
    fields["usage"] = Usage(**stored["usage"])
    fields["failed"] = tuple(_attempts(stored["failed"]))
    return ChatReply(**fields)


def _call(stored: Mapping[str, Any]) -> RawCall:
    """Return a call; its arguments are read from its text again, which keeps every digit."""
    fields = dict(stored)
    if stored["arguments"] is not None:
        fields["arguments"] = arguments_of(stored["text"])
    return RawCall(**fields)


def _error(stored: Mapping[str, Any]) -> ModelError:
    return ModelError(
        stored["fault"],
        stored["message"],
        retry_after=stored["retry_after"],
        usage=_usage(stored["usage"]),
        cost=stored["cost"],
        failed=tuple(_attempts(stored["failed"])),
    )


def _attempts(stored: list[Mapping[str, Any]]) -> Iterator[Attempt]:
    for one in stored:
        yield Attempt(one["fault"], one["detail"], _usage(one["usage"]), one["cost"])


def _usage(stored: Mapping[str, Any] | None) -> Usage | None:
    return None if stored is None else Usage(**stored)


def recorded_tally(folder: Path) -> Tally:
    """Return what all recorded requests of a folder took, failed ones included.

    Raises:
        StoreError: if a file cannot be read.
    """
    tally = Tally()
    try:
        for file in sorted(folder.glob("*.jsonl")):
            with file.open("rb") as lines:
                for line in lines:
                    stored = _stored(line)
                    if stored is not None:
                        _count(tally.of(stored["key"][0]), stored)
    except OSError as error:
        raise StoreError(f"the recordings in {str(folder)!r} cannot be read: {error}") from error
    return tally


def _count(sums: RoleTally, stored: Mapping[str, Any]) -> None:
    outcome = stored.get("reply") or stored["error"]
    sums.calls += "reply" in stored
    for one in (outcome, *outcome["failed"]):
        sums.count(_usage(one["usage"]), one["cost"])
