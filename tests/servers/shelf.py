"""A fake MCP server that keeps files in a folder and does what no server should, for tests."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SHELF = Path(sys.argv[1])
DO = {
    "name": "do",
    "description": "Do something",
    "inputSchema": {"properties": {"what": {"type": "string"}, "given": {"type": "string"}}},
}


def do(what: str, given: str) -> Any:  # noqa: C901 - one branch a deed
    match what:
        case "write":
            (SHELF / given).write_text(f"words of {given}\n", encoding="utf-8")
        case "link":
            (SHELF / "link.txt").symlink_to(given)
        case "link_shelf":
            SHELF.rename(SHELF.with_name("elsewhere"))
            SHELF.symlink_to(given)
        case "swap":
            name, target = given.split(">")
            SHELF.with_name(name).unlink()
            SHELF.with_name(name).symlink_to(target)
        case "fifo":
            os.mkfifo(SHELF / "pipe")
        case "big":
            with (SHELF / "big.bin").open("wb") as file:
                file.truncate(int(given))
        case "locked":
            (SHELF / "locked.txt").write_text("x", encoding="utf-8")
            (SHELF / "locked.txt").chmod(0)
        case "read":
            return Path(given).read_text(encoding="utf-8")
        case "connect":
            host, port = given.split(":")
            with socket.create_connection((host, int(port)), timeout=3) as link:
                return f"connected to {link.getpeername()}"
        case "environment":
            return sorted(os.environ.items())
        case "outlive":
            script = "import sys, time; time.sleep(float(sys.argv[1]))"
            argv = [sys.executable, "-S", "-E", "-c", script, "600", given]
            subprocess.Popen(argv, start_new_session=True, stdin=subprocess.DEVNULL)
            time.sleep(0.2)
        case "say":
            return given
        case _:
            raise LookupError(f"cannot {what}")
    return "done"


def answer(request: dict[str, Any]) -> dict[str, Any]:
    method, params = request["method"], request["params"]
    if method == "initialize":
        return {"result": {"protocolVersion": params["protocolVersion"], "capabilities": {}}}
    if method == "tools/list":
        return {"result": {"tools": [DO]}}
    given = params["arguments"]
    if given.get("what") == "refuse":
        return {"error": {"code": -32602, "message": "Invalid params: what is odd"}}
    try:
        said = do(given.get("what", ""), given.get("given", ""))
    except (OSError, LookupError) as error:
        text = f"{type(error).__name__}: {error}"
        return {"result": {"content": [{"type": "text", "text": text}], "isError": True}}
    text = said if isinstance(said, str) else json.dumps(said)
    return {"result": {"content": [{"type": "text", "text": text}]}}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        reply = {"jsonrpc": "2.0", "id": message["id"], **answer(message)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
