"""An OpenAI-style endpoint in a process of its own that says what a script says.

It knows a conversation by what begins it (the first user message for the assistant's model, the
system prompt for the user's), and answers with the next line of its script. It can be slow, and it
can misbehave in all the ways that endpoints do, drawn from a seed. It counts what it charged.

    python -m benchmarks.fake_endpoint SCRIPT.json [--latency 0.05] [--chaos 0.1] [--seed 1]

prints its port on the first line; `GET /counts` gives its counts.
"""

import argparse
import asyncio
import collections
import hashlib
import random
import signal
import sys
from pathlib import Path
from typing import Any

import orjson

CHAOS = (
    "rate_limited", "rate_limited_bare", "broken", "hangs", "cut", "no_choices", "junk",
    "wrong_role", "wrong_ids", "bad_arguments",
)  # fmt: skip
"""How a misbehaving endpoint answers. The last two are replies that a client can use."""

_SLOW_DOWN = b'{"error": {"message": "slow down"}}'


class Script:
    """Lines by conversation and by how many the model has said already."""

    def __init__(self, lines: dict[str, list[dict[str, Any]]]) -> None:
        self._lines = lines

    def line(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the next message; a conversation that is not in the script is ended."""
        messages = body["messages"]
        first = messages[0] if body["model"].startswith("user") else messages[1]
        lines = self._lines.get(key_of(first["content"]), [])
        said = sum(message["role"] == "assistant" for message in messages)
        if said < len(lines):
            return lines[said]
        return {"role": "assistant", "content": "That is all. [DONE]"}


def key_of(text: str) -> str:
    """Return the name under which a conversation that begins so is scripted."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:24]


class Endpoint:
    """What all connections share."""

    def __init__(self, script: Script, latency: float, chaos: float, seed: int) -> None:
        self.script = script
        self.latency = latency
        self.chaos = chaos
        self.seed = seed
        self.counts: collections.Counter[str] = collections.Counter()
        self.seen: collections.Counter[str] = collections.Counter()

    def answer(self, raw: bytes) -> tuple[bytes, float, str]:
        """Return a response, after how many seconds, and how its connection ends, if it does."""
        self.counts["requests"] += 1
        how = self._mischief(raw)
        self.counts[how or "good"] += 1
        if how == "rate_limited":
            return _response(429, _SLOW_DOWN, "retry-after: 0.05"), 0, ""
        if how == "rate_limited_bare":
            return _response(429, _SLOW_DOWN), 0, ""
        if how == "broken":
            return _response(500, b'{"error": {"message": "internal error"}}'), 0, ""
        if how == "hangs":
            return b"", 0, "hangs"
        data = self._reply(raw, how)
        return _response(200, data), self.latency, "cut" if how == "cut" else ""

    def _reply(self, raw: bytes, how: str) -> bytes:
        body = orjson.loads(raw)
        usage = {"prompt_tokens": len(raw) // 4, "completion_tokens": 12}
        message = _spoilt(dict(self.script.line(body)), how)
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        choices = [] if how == "no_choices" else [choice]
        total = {"total_tokens": sum(usage.values())}
        reply = {"id": "x", "object": "chat.completion", "created": 0, "model": body["model"]}
        reply |= {"choices": choices, "usage": usage | total}
        data = orjson.dumps(reply)
        if how in ("junk", "cut"):  # nobody can know what was charged
            return data[: len(data) // 2] if how == "junk" else data
        self.counts.update(usage)
        return data

    def _mischief(self, raw: bytes) -> str:
        if not self.chaos:
            return ""
        # The same request misbehaves the same way at its first, second … try, in any order.
        name = hashlib.sha256(raw).hexdigest()
        self.seen[name] += 1
        rng = random.Random(f"{self.seed} {name} {self.seen[name]}")
        return rng.choice(CHAOS) if rng.random() < self.chaos else ""


def _spoilt(message: dict[str, Any], how: str) -> dict[str, Any]:
    calls: list[dict[str, Any]] = message.get("tool_calls", [])
    if how == "wrong_role":
        message["role"] = "user"
    if how == "wrong_ids" and calls:
        message["tool_calls"] = [{**c, "id": "0" if n % 2 else ""} for n, c in enumerate(calls)]
    if how == "bad_arguments" and calls:
        function = {**calls[0]["function"], "arguments": '{"unfinished": '}
        message["tool_calls"] = [{**calls[0], "function": function}]
    return message


def _response(status: int, body: bytes, *headers: str) -> bytes:
    more = "".join(f"{header}\r\n" for header in headers)
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{more}"
    return f"{head}content-length: {len(body)}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """One client: requests one after the other."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every whole request in what has come so far."""
        self._buffer += data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[:end].lower()
            at = head.find(b"content-length:")
            length = 0 if at < 0 else int(head[at + 15 :].split(b"\r\n", 1)[0])
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            self._handle(head, body)

    def _handle(self, head: bytes, body: bytes) -> None:
        if head.startswith(b"get /counts"):
            self._write(_response(200, orjson.dumps(dict(self._endpoint.counts))), False)
            return
        response, wait, how = self._endpoint.answer(body)
        if how == "hangs":
            return
        if how == "cut":
            response = response[: len(response) * 2 // 3]
        if wait:
            asyncio.get_running_loop().call_later(wait, self._write, response, how == "cut")
        else:
            self._write(response, how == "cut")

    def _write(self, response: bytes, close: bool) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(response)
        if close:
            self._transport.close()


async def _serve(options: argparse.Namespace, script: Script) -> None:
    endpoint = Endpoint(script, options.latency, options.chaos, options.seed)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Connection(endpoint), "127.0.0.1", options.port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGUSR1, endpoint.counts.clear)
    await stop.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("script")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--chaos", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    script = Script(orjson.loads(Path(options.script).read_bytes()))
    asyncio.run(_serve(options, script))


if __name__ == "__main__":
    sys.exit(main())
