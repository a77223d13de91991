"""Servers that are hostile or malformed, each collected as a real one is, in the sandbox."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.hostile import kinds, timeout_s
from tests.collect.closed import needs_sandbox

pytestmark = needs_sandbox

Row = dict[str, Any]
ROOT = Path(__file__).parents[2]
MOST_MB = 300
GRACE_S = 6.0
"""Starting, ending and tidying up, on a machine that does other things too."""

BOTH: Row = {"tools": 2}
ONE: Row = {"tools": 1}


def skipped(*reasons: str) -> Row:
    return {"tools": 1, "skipped": list(reasons)}


def quarantined(marker: str, name: str = "bad") -> Row:
    return {"tools": 2 if name == "bad" else 1, "quarantined": {name: [marker]}}


LISTED: dict[str, Row] = {
    "schema_without_type": BOTH,
    "schema_type_list": BOTH,
    "schema_type_string": skipped("tool 'bad': its input schema is of type 'string'"),
    "schema_missing": skipped("tool 'bad': has no input schema"),
    "schema_null": skipped("tool 'bad': has no input schema"),
    "schema_a_text": skipped("tool 'bad': has no input schema"),
    "properties_a_list": skipped("tool 'bad': its input schema's properties are not an object"),
    "required_a_text": BOTH,
    "name_missing": skipped("tool None: has no name"),
    "name_a_number": skipped("tool 7: has no name"),
    "name_empty": skipped("tool '': has no name"),
    "name_twice": {"tools": 2, "skipped": ["tool 'bad': a second tool of this name"]},
    "name_odd": BOTH,
    "name_a_path": BOTH,
    "name_very_long": BOTH,
    "name_a_list_of_5_mb": skipped(f"tool ['{'x' * 197}…: has no name"),
    "number_of_10000_digits": BOTH,
    "tool_a_text": skipped("tool None: not an object"),
    "description_a_number": BOTH,
    "description_null": BOTH,
    "hint_not_boolean": BOTH,
    "annotations_a_list": BOTH,
    "output_schema_null": BOTH,
    "output_schema_a_string": BOTH,
    "property_true": BOTH,
    "nan_and_infinity": BOTH,
    "lone_surrogate": BOTH,
    "nested_400_deep": skipped("tool 'bad': nested more than 128 levels deep"),
    "deep_and_broken": skipped("tool 'bad': nested more than 128 levels deep"),
    "instruction_tags": quarantined("lone_tag"),
    "zero_width": quarantined("invisible"),
    "hidden_in_an_enum": quarantined("ignore_previous"),
    "recursive_reference": BOTH,
    "exploding_references": BOTH,
    "catastrophic_pattern": BOTH,
    "enum_of_100000": BOTH,
    "default_of_10_mb": quarantined("too_long"),
    "properties_50000": BOTH,
    "shows_its_secret": {**quarantined("canary"), "notes": ["shows a secret that it was given"]},
    "shows_its_folder": BOTH,
    "string_ids": ONE,
    "byte_order_mark": ONE,
    "crlf": ONE,
    "batch": ONE,
    "answers_twice": ONE,
    "duplicate_keys": ONE,
    "changing_listing": {
        "tools": 1,
        "notes": [
            "lists other tools when it is asked again: its specifications cannot be relied on"
        ],
    },
    "many_notifications": ONE,
    "many_requests": ONE,
    "noise_on_stdout": ONE,
    "invalid_utf8": ONE,
    "slow_start": ONE,
    "endless_stderr": ONE,
    "fork_bomb": ONE,
    "child_outlives_it": ONE,
    "ignores_signals": ONE,
    "many_files": ONE,
    "huge_file": ONE,
    "links_in_its_folder": ONE,
    "deletes_its_folder": ONE,
    "instructions_of_5_mb": quarantined("too_long", "fine"),
    "orders_in_instructions": quarantined("lone_tag", "fine"),
    "exits_on_unknown_method": ONE,
}
TOO_LONG = "wrote a line of more than 16777216 bytes when it should list its tools"
NO_ANSWER = "wrote 10001 lines and none was the answer to 'tools/list'"
NO_END = "did not list its tools within 1.5 s; if the machine is only slow, raise the timeout"
FAILED: dict[str, str] = {
    "description_of_20_mb": TOO_LONG,
    "endless_line": TOO_LONG,
    "twenty_thousand_tools": "listed more than 5000 tools",
    "other_ids": NO_END,
    "never_lists": NO_END,
    "burns_the_processor": NO_END,
    "closes_stdout_and_lives": NO_END,
    "deeper_than_any_parser": "wrote JSON that is nested too deeply to be read",
    "result_a_list": "answered 'tools/list' without a result object",
    "tools_not_a_list": "lists no tools; a page: 'tools' is not a list",
    "no_tools": "lists no tools: it may want credentials or settings",
    "error_for_a_listing": "refused 'tools/list': no licence;",
    "error_of_5_mb": f"refused 'tools/list': {'no ' * 66}n…;",
    "error_nested_900_deep": "refused 'tools/list': (nothing that can be read)",
    "error_without_words": "refused 'tools/list': {",
    "repeated_cursor": "repeated the cursor 'again' in its listing",
    "cursor_of_5_mb": f"repeated the cursor '{'x' * 199}…' in its listing",
    "endless_cursors": "has more than 50 pages of tools",
    "dies_listing": "ended with exit code 3 when it should list its tools",
    "killed_listing": "ended with exit code 137 when it should list its tools",
    "half_an_answer": "ended with exit code 0 when it should list its tools",
    "endless_notifications": NO_ANSWER,
    "endless_requests": NO_ANSWER,
    "never_answers": "did not answer the handshake within 1.5 s",
    "exits_at_once": "ended with exit code 1 when it should answer the handshake",
    "commands_to_the_terminal": "Its stderr ends with:\n\ufffd[2J\ufffd]0;owned\ufffd\ufffd[31mfailed",
    "eats_memory": "took more than 500 MB of memory with all that it started",
    "eats_memory_together": "took more than 500 MB of memory with all that it started",
    "fills_the_disk": "filled its folder with more than 300 MB",
    "kills_what_it_sees": "ended with exit code 137",
    "unknown_protocol": "speaks protocol '1999-01-01'; known are",
    "protocol_a_number": "speaks protocol 7; known are",
}
ADVICE = (
    "report it there, or leave the server out",
    "raise the timeout in the server's manifest",
    "install the server again",
    "see its 'env' and 'args'",
)
SLOW = {
    "never_lists", "burns_the_processor", "closes_stdout_and_lives", "enum_of_100000",
    "properties_50000",
}  # fmt: skip
Ask = Callable[[str], Row]


@pytest.fixture(scope="module")
def collected() -> Iterator[Ask]:
    """A function that collects one kind in a process of its own and says what came of it."""
    command = [sys.executable, "-m", "benchmarks.hostile", "--asked"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        source, sink = process.stdin, process.stdout
        assert source is not None
        assert sink is not None

        def ask(kind: str) -> Row:
            source.write(kind + "\n")
            source.flush()
            return json.loads(sink.readline())

        yield ask
        source.close()


def test_every_kind_of_server_is_expected_to_do_something() -> None:
    assert sorted([*LISTED, *FAILED]) == sorted(kinds())
    assert len(kinds()) >= 40


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=[pytest.mark.slow] * (kind in SLOW)) for kind in (*LISTED, *FAILED)],
)
def test_a_bad_server_is_survived_and_reported(kind: str, collected: Ask) -> None:
    row = collected(kind)
    if kind in FAILED:
        assert row["outcome"] == "failed", row
        assert FAILED[kind] in row["reason"]
        assert any(advice in row["reason"] for advice in ADVICE)
        assert len(row["reason"]) < 5_000
    else:
        nothing: Row = {"skipped": [], "notes": [], "quarantined": {}, "unusable": {}}
        wanted = {**nothing, **LISTED[kind]}
        assert row["outcome"] == "listed", row
        assert {name: row[name] for name in wanted} == wanted
    assert row["processes_left"] == row["folders_left"] == 0
    assert row["peak_mb"] < MOST_MB
    assert row["elapsed_s"] < timeout_s(kind) + GRACE_S
