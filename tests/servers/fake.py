"""A fake MCP server over stdio with one way to behave, chosen by its first argument.

Standard library only. `good` echoes; the other behaviours say what they do wrong by their names.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MODE = sys.argv[1]
ECHO = {
    "name": "echo",
    "description": "Give back the text",
    "inputSchema": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "properties": {
            "text": {"type": ["string", "null"], "title": "What to say"},
            "how_often": {"type": "integer"},
        },
    },
}


def send(message: dict[str, Any], end: str = "\n") -> None:
    sys.stdout.write(json.dumps(message) + end)
    sys.stdout.flush()


def answer(request: dict[str, Any], result: dict[str, Any], end: str = "\n") -> None:
    number = str(request["id"]) if MODE == "string_ids" else request["id"]
    send({"jsonrpc": "2.0", "id": number, "result": result}, end)


def noise() -> None:
    sys.stdout.buffer.write(b"starting up...\n\n\xff\xfe not UTF-8\n[1, 2]\n{broken\n42\n")
    sys.stdout.buffer.flush()


def ask_the_client() -> list[Any]:
    """Ask three things and return the answers."""
    answers: list[Any] = []
    for number, method in enumerate(("ping", "roots/list", "sampling/createMessage")):
        send({"jsonrpc": "2.0", "id": f"s{number}", "method": method})
        reply = json.loads(sys.stdin.readline())
        answers.append([reply["id"], reply.get("result"), reply.get("error", {}).get("code")])
    return answers


def initialize(request: dict[str, Any]) -> None:
    version = request["params"]["protocolVersion"]
    if MODE == "unknown_protocol":
        version = "1999-01-01"
    if MODE == "noisy":
        noise()
    if MODE == "mute":
        time.sleep(60)
    answer(request, {"protocolVersion": version, "capabilities": {}, "serverInfo": {}})


def list_tools(request: dict[str, Any]) -> None:
    cursor = request["params"].get("cursor")
    other = {**ECHO, "name": "other"}
    if MODE == "pages" and cursor is None:
        return answer(request, {"tools": [ECHO], "nextCursor": "two"})
    if MODE == "pages":
        return answer(request, {"tools": [other]})
    if MODE == "repeats_cursor":
        return answer(request, {"tools": [], "nextCursor": "again"})
    if MODE == "endless_pages":
        return answer(request, {"tools": [], "nextCursor": f"{cursor}+"})
    if MODE == "malformed_tool":
        bad = [{"name": "no_schema"}, "text", {**ECHO, "name": 7}, ECHO]
        bad.append({**ECHO, "name": "odd", "inputSchema": {"type": "string"}})
        return answer(request, {"tools": [*bad, other]})
    if MODE == "byte_order_mark":
        sys.stdout.write("\ufeff")
    return answer(request, {"tools": [ECHO]}, end="\r\n" if MODE == "byte_order_mark" else "\n")


def misbehave() -> None:
    """Do what makes a call of this mode go wrong."""
    if MODE == "dies":
        sys.stderr.write("about to fall over\n")
        sys.stderr.flush()
        os._exit(3)
    if MODE == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    while MODE == "floods":
        sys.stdout.write("flood " * 100 + "\n")
    if MODE == "long_line":
        sys.stdout.write("x" * 3_000_000)
        sys.stdout.flush()
    if MODE == "floods_stderr":
        sys.stderr.write("e" * 1_000_000)
        sys.stderr.flush()
    if MODE in ("hangs", "long_line"):
        time.sleep(60)


def ignore_the_end() -> str:
    """Refuse to be terminated, start a child, and write down who both are."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path("pids").write_text(f"{os.getpid()} {child.pid}", encoding="utf-8")
    return "ready"


def text_for(arguments: dict[str, Any]) -> str:
    if MODE == "hangs_on":
        return ignore_the_end()
    if MODE == "asks":
        return json.dumps(ask_the_client())
    if MODE == "environment":
        return json.dumps([sorted(os.environ), os.getcwd()])
    return "a\ud800b" if MODE == "lone_surrogate" else str(arguments.get("text"))


def call_tool(request: dict[str, Any]) -> None:
    misbehave()
    if MODE == "refuses":
        error = {"code": -32602, "message": "Unknown tool"}
        return send({"jsonrpc": "2.0", "id": request["id"], "error": error})
    if MODE == "no_content":
        return answer(request, {"text": "hello"})
    content: list[Any] = [{"type": "text", "text": text_for(request["params"]["arguments"])}]
    if MODE == "many_parts":
        content.append({"type": "image", "data": "AAAA", "mimeType": "image/png"})
        content.append({"type": "resource", "resource": {"uri": "x:y", "text": "inside"}})
    return answer(request, {"content": content, "isError": MODE == "is_error"})


def main() -> None:
    if MODE == "exits":
        sys.stderr.write("ImportError: no such thing\n")
        sys.exit(1)
    handlers = {"initialize": initialize, "tools/list": list_tools, "tools/call": call_tool}
    for line in sys.stdin:
        request = json.loads(line)
        handler = handlers.get(request.get("method"))
        if handler is not None:
            handler(request)
    while MODE == "hangs_on":
        time.sleep(60)


main()
