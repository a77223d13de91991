"""The state of a JSON file: lists of objects in it become tables, as the manifest says."""

import json
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from agentsynth.core.errors import ServerError
from agentsynth.core.ids import canonical_json
from agentsynth.core.live_notes import JsonState, JsonTable
from agentsynth.worlds.tables import Row, Tables

__all__ = ["json_tables"]

_Objects = Iterator[tuple[dict[str, JsonValue], dict[str, JsonValue]]]
"""Objects, each with the fields that it gets from those above it."""


def json_tables(data: bytes | None, state: JsonState) -> Tables:
    """Return the tables that a file holds.

    Args:
        data: the file's content; None = there is no file.
        state: which objects are rows of which table.

    Raises:
        ServerError: it is missing where it may not be, is no JSON, or lacks a key or a list.
    """
    if data is None:
        if state.empty_where_missing:
            return {name: {} for name in state.tables}
        raise ServerError(f"the state file {state.file!r} is gone")
    document = _parsed(data, state)
    return {name: _table(name, table, document) for name, table in state.tables.items()}


def _parsed(data: bytes, state: JsonState) -> JsonValue:
    try:
        text = data.decode("utf-8")
        if state.kind == "json":
            return _loaded(text)
        return [_loaded(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError) as exc:
        raise ServerError(f"the state file {state.file!r} is not JSON any more: {exc}") from exc


def _loaded(text: str) -> JsonValue:
    """Return a JSON value that can be hashed: no NaN, no half of a surrogate pair."""
    value: JsonValue = json.loads(text, parse_constant=_no_number)
    canonical_json(value).encode("utf-8")
    return value


def _no_number(name: str) -> JsonValue:
    raise ValueError(f"{name} is no number of JSON's")


def _table(name: str, table: JsonTable, document: JsonValue) -> Mapping[str, Row]:
    parts = table.path.split(".") if table.path else []
    rows: dict[str, Row] = {}
    for record, inherited in _objects(document, parts, table, {}):
        whole = {**inherited, **record}
        if any(whole.get(field) != value for field, value in table.where.items()):
            continue
        missing = [field for field in table.key if field not in whole]
        if missing:
            raise ServerError(f"an entry of {name!r} in the state file has no {missing[0]!r}")
        parts_of_key = [whole[field] for field in table.key]
        key = str(parts_of_key[0]) if len(parts_of_key) == 1 else canonical_json(parts_of_key)
        if key in rows:
            key = f"{key} #{sum(k.partition(' #')[0] == key for k in rows) + 1}"
        hidden = {*table.leave_out, *table.where, *(table.key if table.assigned else ())}
        rows[key] = {field: value for field, value in whole.items() if field not in hidden}
    return rows


def _objects(
    value: JsonValue, parts: list[str], table: JsonTable, inherited: dict[str, JsonValue]
) -> _Objects:
    if not parts:
        if not isinstance(value, list):
            raise ServerError(f"{table.path!r} of the state file is not a list")
        for entry in value:
            if isinstance(entry, dict):
                yield entry, inherited
        return
    if isinstance(value, dict):
        inherited = {**inherited, **{k: value[k] for k in table.inherit if k in value}}
    first, rest = parts[0], parts[1:]
    if first == "*":
        for entry in value if isinstance(value, list) else ():
            yield from _objects(entry, rest, table, inherited)
        return
    inner = value.get(first) if isinstance(value, dict) else None
    yield from _objects([] if inner is None else inner, rest, table, inherited)
