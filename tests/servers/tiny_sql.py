"""A fake MCP server that runs SQL on a SQLite file, for tests of live worlds."""

import json
import os
import sqlite3
import sys
from typing import Any

DATABASE = sys.argv[1]
RUN = {
    "name": "run",
    "description": "Run SQL",
    "inputSchema": {"properties": {"sql": {"type": "string"}}},
}
SECRET = {**RUN, "name": "secret"}


def run(sql: str) -> str:
    if sql == "where":
        return f"the file is {DATABASE}, token 12345"
    if sql == "die":
        os._exit(9)
    if sql == "litter":
        with open("litter.txt", "w", encoding="utf-8") as file:
            file.write("x")
        return "done"
    if sql == "look":
        return ",".join(sorted(os.listdir(".")))
    try:
        with sqlite3.connect(DATABASE) as database:
            return json.dumps(database.execute(sql).fetchall())
    except sqlite3.Error as error:
        return f"Database error: {error}"


def result_of(request: dict[str, Any]) -> dict[str, Any]:
    method, params = request["method"], request["params"]
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {}}
    if method == "tools/list":
        return {"tools": [RUN, SECRET]}
    return {"content": [{"type": "text", "text": run(params["arguments"].get("sql", ""))}]}


for line in sys.stdin:
    message = json.loads(line)
    if "id" in message:
        reply = {"jsonrpc": "2.0", "id": message["id"], "result": result_of(message)}
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
