"""Server-sent events of `stream: true`, merged into the body a plain reply would have had."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.chat import ModelError
from agentsynth.models.codec import BadJson, from_bytes
from agentsynth.models.faults import shorten
from agentsynth.models.reply import parts_text, read_usage

__all__ = ["Merger"]


@dataclass
class _Call:
    id: str = ""
    name: str = ""
    index: int | None = None
    pieces: list[str] = field(default_factory=lambda: [])
    whole: object = None
    """Arguments that came as an object instead of as pieces of text."""

    def body(self) -> dict[str, Any]:
        given = "".join(self.pieces) if self.whole is None else self.whole
        function = {"name": self.name, "arguments": given}
        return {"id": self.id, "type": "function", "function": function}


class Merger:
    """Takes the bytes of a stream as they come; `body` is the reply once they have ended."""

    def __init__(self) -> None:
        self.begun = False
        """Whether a token has come: text, reasoning or part of a call."""
        self.done = False
        """Whether the stream said that it is over; what comes later is not read."""
        self._pieces: list[bytes] = []
        self._event: list[bytes] = []
        self._texts: dict[str, list[str]] = {}
        self._details: list[Any] = []
        self._calls: list[_Call] = []
        self._finish: str | None = None
        self._usage: Mapping[str, Any] | None = None
        self._model = ""
        self._role: object = "assistant"
        self._error: Mapping[str, Any] | None = None

    def feed(self, data: bytes) -> None:
        """Read some bytes, cut anywhere.

        Raises:
            ModelError: `bad_reply` if an event is not JSON.
        """
        if b"\n" not in data and b"\r" not in data:
            self._pieces.append(data)
            return
        data = self._joined() + data
        held = data.endswith(b"\r")  # the line end may be half of "\r\n"
        lines = data[: -1 if held else None].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *whole, rest = lines.split(b"\n")
        self._pieces = [rest + b"\r" if held else rest]
        for line in whole:
            if self.done:
                return
            self._line(line)

    def body(self) -> dict[str, Any]:
        """Return the merged reply, in the form of one that was not streamed.

        Raises:
            ModelError: `unreachable` if the stream broke off; it carries the usage if that was
                stated before.
        """
        self._end()
        if self._error is not None:
            return {"error": self._error, "usage": self._usage}
        if not self.done and self._finish is None:
            raise ModelError(
                "unreachable",
                "the stream broke off before the reply was complete "
                f"({sum(map(len, self._texts.get('content', [])))} characters of text had come)",
                usage=read_usage(self._usage),
            )
        message: dict[str, Any] = {"role": self._role, "content": ""}
        message |= {name: "".join(pieces) for name, pieces in self._texts.items()}
        if self._details:
            message["reasoning_details"] = self._details
        if self._calls:
            message["tool_calls"] = [call.body() for call in self._calls]
        choice = {"index": 0, "message": message, "finish_reason": self._finish}
        return {"model": self._model, "choices": [choice], "usage": self._usage}

    def _end(self) -> None:
        """Read what stands after the last line end; it may be an event cut in two."""
        with suppress(ModelError):
            for line in (self._joined().strip(), b""):
                if not self.done:
                    self._line(line)
        self._event = []

    def _joined(self) -> bytes:
        rest = b"".join(self._pieces)
        self._pieces = []
        return rest

    def _line(self, line: bytes) -> None:
        if line.startswith(b"data:"):
            self._event.append(line[5:].removeprefix(b" "))
            self._dispatch(last=False)
        elif not line:
            self._dispatch(last=True)

    def _dispatch(self, *, last: bool) -> None:
        """Read the event if it is whole; some servers forget the blank line after one."""
        data = b"\n".join(self._event).strip()
        if not data:
            return
        if data == b"[DONE]":
            self.done = True
            return
        try:
            chunk = from_bytes(data)
        except BadJson:
            if last:
                said = shorten(data.decode("utf-8", "replace"), 100)
                raise ModelError(
                    "bad_reply", f"an event of the stream is no JSON: {said}"
                ) from None
            return
        self._event = []
        if isinstance(chunk, Mapping):
            self._chunk(chunk)

    def _chunk(self, chunk: Mapping[str, Any]) -> None:
        if isinstance(chunk.get("usage"), Mapping):
            self._usage = chunk["usage"]
        if chunk.get("error"):
            self._error = chunk["error"]
            self.done = True
            return
        self._model = self._model or str(chunk.get("model") or "")
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if isinstance(choice, Mapping) and choice.get("index", 0) == 0:
                self._choice(choice)

    def _choice(self, choice: Mapping[str, Any]) -> None:
        if choice.get("error"):
            self._error = choice["error"]
        finish = choice.get("finish_reason")
        if isinstance(finish, str) and finish:
            self._finish = finish
        delta = choice.get("delta", choice.get("message"))
        if isinstance(delta, Mapping):
            self._delta(delta)

    def _delta(self, delta: Mapping[str, Any]) -> None:
        self._role = delta.get("role") or self._role
        content, thinking = parts_text(delta.get("content"))
        said = {"content": content, "reasoning_content": thinking}
        for name in ("reasoning_content", "reasoning", "refusal"):
            if isinstance(delta.get(name), str):
                said[name] = delta[name]
        for name, piece in said.items():
            if piece:
                self._texts.setdefault(name, []).append(piece)
        details = delta.get("reasoning_details")
        if isinstance(details, list):
            self._details += details
        listed = delta.get("tool_calls")
        called = (
            [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
        )
        if isinstance(delta.get("function_call"), Mapping):
            called.append({"index": 0, "function": delta["function_call"]})
        for one in called:
            self._called(one)
        self.begun = self.begun or bool(called or details or any(said.values()))

    def _called(self, piece: Mapping[str, Any]) -> None:
        function = piece.get("function")
        function = function if isinstance(function, Mapping) else {}
        call_id, name = str(piece.get("id") or ""), str(function.get("name") or "")
        call = self._place(piece.get("index"), call_id, name)
        call.id = call.id or call_id
        if name != call.name:
            call.name += name
        given = function.get("arguments")
        if isinstance(given, str):
            call.pieces.append(given)
        elif given is not None:
            call.whole = given

    def _place(self, index: object, call_id: str, name: str) -> _Call:
        """Return the call a piece belongs to.

        By its index; but servers that give every call index 0 give each its own id and name, and
        servers without an index begin a call with its id or its name.
        """
        number = index if isinstance(index, int) else None
        if number is None:
            found = [call for call in self._calls if call_id and call.id == call_id]
            found = found or (self._calls[-1:] if not (call_id or name) else [])
        else:
            found = [call for call in self._calls if call.index == number][-1:]
            if found and call_id and name and found[0].id not in ("", call_id):
                found = []
        if not found:
            found = [_Call(index=number)]
            self._calls += found
        return found[0]
