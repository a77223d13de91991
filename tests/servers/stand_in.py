"""Stands in for the SQLite reference server and misbehaves in one way; standard library only.

MODE is put in front by the test: works, noisy, exits, mute, floods, dies_on_write.
"""

import os
import sqlite3
import sys
import time
from json import dumps, loads
from typing import Any

MODE = globals().get("MODE", "works")
DATABASE = sys.argv[-1]
QUERY = {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}
TABLE = {"type": "object", "properties": {"table_name": {"type": "string"}}}
TOOLS = {
    "read_query": QUERY,
    "write_query": QUERY,
    "create_table": QUERY,
    "list_tables": {"type": "object", "properties": {}},
    "describe_table": TABLE,
}


def rows(sql: str) -> str:
    with sqlite3.connect(DATABASE) as database:
        cursor = database.execute(sql)
        if cursor.description is None:
            return repr([{"affected_rows": cursor.rowcount}])
        names = [column[0] for column in cursor.description]
        return repr([dict(zip(names, row, strict=True)) for row in cursor])


def call(name: str, arguments: dict[str, Any]) -> str:
    if MODE == "dies_on_write" and name == "write_query":
        sys.stderr.write("the disk ate my homework\n")
        sys.stderr.flush()
        os._exit(3)
    if name == "list_tables":
        return rows("SELECT name FROM sqlite_master WHERE type='table'")
    if name == "describe_table":
        return rows(f"PRAGMA table_info({arguments['table_name']})")
    return rows(str(arguments["query"]))


def result_of(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "initialize":
        return {"protocolVersion": params["protocolVersion"], "capabilities": {}}
    if method == "tools/list":
        listed = [{"name": n, "description": n, "inputSchema": s} for n, s in TOOLS.items()]
        return {"tools": listed}
    text = call(params["name"], params.get("arguments") or {})
    return {"content": [{"type": "text", "text": text}]}


if MODE == "exits":
    sys.stderr.write("no licence key found\n")
    sys.exit(4)
for line in sys.stdin:
    message = loads(line)
    if MODE == "mute":
        time.sleep(60)
    while MODE == "floods":
        sys.stdout.write("x" * 1_000_000)
    if MODE == "noisy":
        sys.stdout.write("DEBUG: handling a request\n\n{not json\n")
    if "id" in message:
        reply = result_of(message["method"], message.get("params", {}))
        sys.stdout.write(dumps({"jsonrpc": "2.0", "id": message["id"], "result": reply}) + "\n")
        sys.stdout.flush()
