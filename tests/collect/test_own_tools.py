import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.errors import UserError
from agentsynth.core.secrets import canary, find_canaries
from agentsynth.evolve.launchable import Launchable, command_line
from agentsynth.evolve.own_servers import OwnServers, configured_servers
from agentsynth.evolve.own_tools import function_tools, parse_document, read_document

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=20,
)


def function(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "description": f"Does {name}", **fields}


# --- documents ----------------------------------------------------------------------------------


def test_a_document_is_json_or_yaml(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text('\ufeff {"a": [1, "x"]}', encoding="utf-8")
    (tmp_path / "b.txt").write_text("a:\n  - 1\n  - x\n", encoding="utf-8")
    assert read_document(tmp_path / "a.txt") == read_document(tmp_path / "b.txt") == {"a": [1, "x"]}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, }",
        "a: [",
        "a: 1\na: 2",
        "[" * 90 + "]" * 90,
        "[" * 5_000,
        '{"a": NaN}',
        "\t- a",
    ],
)
def test_a_document_that_is_neither_is_an_error_that_names_the_file(text: str) -> None:
    with pytest.raises(UserError, match=r"^tools\.json: ?|^tools\.json:\d+: "):
        parse_document(text, "tools.json")


def test_aliases_that_multiply_are_refused_and_others_are_read() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(UserError, match=r"f: its aliases stand for more than 2000000 values"):
        parse_document("\n".join(lines), "f")
    assert parse_document("a: &x [1]\nb: *x\nc: *x", "f") == {"a": [1], "b": [1], "c": [1]}
    with pytest.raises(UserError, match="f"):
        parse_document("a: &x [*x]", "f")


def test_half_of_a_surrogate_pair_does_not_stay_in_a_document() -> None:
    assert parse_document('{"\\ud83d": "\\ud83d!"}', "f") == {"\ufffd": "\ufffd!"}


# --- lists of functions -------------------------------------------------------------------------


def test_all_shapes_of_a_function_give_the_same_tool() -> None:
    shapes = [
        {"type": "function", "function": function("look", parameters=SCHEMA, strict=True)},
        {"type": "function", **function("look", parameters=SCHEMA)},
        function("look", parameters=SCHEMA),
        function("look", input_schema=SCHEMA, type="custom"),
        function("look", inputSchema=SCHEMA),
    ]
    tool = {"name": "look", "description": "Does look", "inputSchema": SCHEMA}
    for shape in shapes:
        for raw in ([shape], {"tools": [shape]}, {"functions": [shape]}):
            found = function_tools(raw, "f")
            assert (found.tools, found.skipped, found.notes) == ((tool,), (), ())


def test_a_function_without_parameters_takes_none() -> None:
    tools = function_tools([function("a"), function("b", parameters=None)], "f").tools
    assert [tool["inputSchema"] for tool in tools] == [{"type": "object", "properties": {}}] * 2


def test_what_more_a_function_says_is_kept() -> None:
    hints = {"readOnlyHint": True}
    found = function_tools([function("a", outputSchema=SCHEMA, annotations=hints)], "f")
    assert found.tools[0]["outputSchema"] == SCHEMA
    assert found.tools[0]["annotations"] == hints


def test_a_function_that_cannot_be_used_costs_only_itself() -> None:
    listed = [
        7,
        {"description": "nameless"},
        function("", parameters=SCHEMA),
        function("x" * 129),
        function("a", parameters=[]),
        function("b", parameters={"type": "array"}),
        function("c", parameters={"type": "object", "properties": {"x": {"type": "text"}}}),
        function("d", description=5),
        function("good"),
        function("good"),
        {"name": "quiet"},
    ]
    found = function_tools(listed, "f.json")
    assert [tool["name"] for tool in found.tools] == ["good", "quiet"]
    assert found.notes == ("f.json: 10: 'quiet' has no description",)
    for line, start in zip(
        found.skipped,
        [
            "0: is not an object",
            "1: has no name",
            "2: has no name",
            f"3: '{'x' * 60}': its name has more than 128",
            "4: 'a': its schema is not an object",
            "5: 'b': its schema is of type 'array', expected 'object'",
            "6: 'c': its schema is no JSON Schema at 'properties.x.type': 'text' is not valid",
            "7: 'd': its description is not text",
            "9: 'good': a second function of this name",
        ],
        strict=True,
    ):
        assert line.startswith(f"f.json: {start}")


@pytest.mark.parametrize("raw", [None, 5, "text", {}, {"tools": {}}, {"paths": []}])
def test_a_file_without_a_list_of_functions_is_an_error_that_names_it(raw: Any) -> None:
    with pytest.raises(UserError, match=r"f\.json: expected a list of functions"):
        function_tools(raw, "f.json")


FUNCTION_KEYS = st.sampled_from(
    [
        "name",
        "description",
        "parameters",
        "input_schema",
        "function",
        "type",
        "properties",
        "required",
        "items",
        "$ref",
        "enum",
        "pattern",
        "annotations",
    ]
)
FUNCTION = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "object", "string", "#/properties/a", "["]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FUNCTION_KEYS, inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(st.lists(FUNCTION | JSON, max_size=4) | JSON)
def test_no_list_of_functions_raises_anything_but_a_user_error(raw: Any) -> None:
    try:
        found = function_tools(raw, "f")
    except UserError:
        return
    assert isinstance(raw, list | dict)
    if isinstance(raw, list):
        assert len(found.tools) + len(found.skipped) == len(raw)


# --- configured servers -------------------------------------------------------------------------


def configured(**entries: Any) -> OwnServers:
    return configured_servers({"mcpServers": entries}, "mcp.json")


def server(command: str, *args: Any, **fields: Any) -> Launchable:
    found = configured(notes={"command": command, "args": list(args), **fields})
    assert found.skipped == ()
    return found.servers[0]


def reason(entry: Any) -> str:
    found = configured(notes=entry)
    assert found.servers == ()
    assert found.skipped[0].name == "notes"
    return found.skipped[0].reason


@pytest.mark.parametrize(
    ("words", "registry", "package", "version", "script", "args"),
    [
        ("npx -y @example/notes@2.1.0 --root /data", "npm", "@example/notes", "2.1.0", None, ("--root", "/data")),
        ("npx notes-mcp", "npm", "notes-mcp", None, None, ()),
        ("npx -y notes-mcp@latest x", "npm", "notes-mcp", None, None, ("x",)),
        ("npx -y -p @example/notes@1.0.0 notes-server x", "npm", "@example/notes", "1.0.0", "notes-server", ("x",)),
        ("npx --package=@example/notes -- notes-server", "npm", "@example/notes", None, "notes-server", ()),
        ("bunx notes", "npm", "notes", None, None, ()),
        ("pnpm dlx notes@1.0.0", "npm", "notes", "1.0.0", None, ()),
        ("uvx notes-mcp==1.2.0 --db x", "pypi", "notes-mcp", "1.2.0", None, ("--db", "x")),
        ("uvx notes-mcp@1.2.0", "pypi", "notes-mcp", "1.2.0", None, ()),
        ("uvx --python 3.12 --from notes-mcp[extra]==1.2.0 notes-server", "pypi", "notes-mcp[extra]", "1.2.0", "notes-server", ()),
        ("uv tool run notes-mcp", "pypi", "notes-mcp", None, None, ()),
        ("pipx run --spec notes-mcp notes-mcp x", "pypi", "notes-mcp", None, None, ("x",)),
        ("/usr/local/bin/uvx notes-mcp", "pypi", "notes-mcp", None, None, ()),
        ("C:\\node\\npx.cmd -y notes", "npm", "notes", None, None, ()),
        ("cmd /c npx -y notes", "npm", "notes", None, None, ()),
    ],
)  # fmt: skip
def test_a_command_is_read_as_the_package_it_starts(
    words: str,
    registry: str,
    package: str,
    version: str | None,
    script: str | None,
    args: tuple[str, ...],
) -> None:
    made = server(*words.split())
    assert (made.registry, made.package, made.version) == (registry, package, version)
    assert (made.script, made.args) == (script, args)
    assert (made.name, made.transport, made.needs_config) == ("notes", "stdio", ())


@pytest.mark.parametrize(
    "words",
    [
        "python -m notes",
        "node /home/me/notes.js --port 80",
        "npx -c evil",
        "npx --registry=http://192.0.2.1 notes",
        "npx git+https://code.test/notes",
        "npx ./notes",
        "npx -p a -p b c",
        "npx",
        "npx -p",
        "uvx --index-url http://192.0.2.1 notes",
        "uvx --from git+https://code.test/notes notes",
        "uvx notes>=1",
        "uv run notes",
        "npx notes@^1.0",
    ],
)
def test_any_other_command_is_a_local_one_and_stays_as_it_is(words: str) -> None:
    made = server(*words.split())
    assert (made.registry, made.package) == ("local", None)
    assert command_line(made) == words.split()


def test_a_command_in_a_package_is_started_from_it() -> None:
    assert command_line(server("uvx", "--from", "notes==1.0", "serve", "x")) == [
        "uvx", "--from", "notes==1.0", "serve", "x",
    ]  # fmt: skip
    assert command_line(server("npx", "-p", "notes@1.0.0", "serve")) == [
        "npx", "-y", "--package=notes@1.0.0", "--", "serve",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "transport"),
    [
        (None, "streamable-http"),
        ("http", "streamable-http"),
        ("streamableHttp", "streamable-http"),
        ("sse", "sse"),
    ],
)
def test_an_address_is_a_remote_server(kind: str | None, transport: str) -> None:
    entry = {"url": "https://notes.test/mcp", "headers": {"X-Region": "eu"}}
    made = configured(notes=entry if kind is None else {**entry, "type": kind}).servers[0]
    assert (made.registry, made.transport, made.url) == (
        "remote",
        transport,
        "https://notes.test/mcp",
    )
    assert made.headers == {"X-Region": "eu"}


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (5, "expected an object with 'command' or 'url'"),
        ({}, "expected a 'command' or a 'url'"),
        ({"command": ["npx"]}, "expected a 'command' or a 'url' that is text"),
        ({"command": "npx", "args": "-y a"}, "args: expected a list"),
        ({"command": "npx", "args": [None]}, "args: expected texts"),
        ({"command": "npx", "args": ["a\0b"]}, "zero byte"),
        ({"command": "npx", "args": ["a"], "env": ["A=1"]}, "env: expected an object"),
        ({"command": "npx", "args": ["a"], "env": {"A": {}}}, "env.A: expected text"),
        ({"command": "npx", "args": ["a"], "env": {"A=B": "1"}}, "'A=B' cannot be passed"),
        ({"command": "docker", "args": ["run", "x"]}, "starts a container"),
        ({"command": "bash", "args": ["-c", "API_KEY=x run"]}, "is a shell"),
        ({"command": "npx", "args": ["a"], "disabled": True}, "it is disabled"),
        ({"url": 5}, "url: expected text"),
        ({"url": "ftp://a.test"}, "url: its address"),
        ({"url": "https://a.test", "type": "websocket"}, "type: expected http"),
        ({"url": "https://a.test", "headers": {"A": "x\0"}}, "'A' cannot be passed"),
    ],
)
def test_an_entry_that_cannot_be_used_costs_only_itself(entry: Any, words: str) -> None:
    assert words in reason(entry)
    found = configured(bad=entry, good={"command": "uvx", "args": ["notes"]})
    assert [one.name for one in found.servers] == ["good"]


def test_configurations_of_other_programs_are_read() -> None:
    entry = {"notes": {"command": "uvx", "args": ["notes"]}}
    expected = configured_servers({"mcpServers": entry}, "f")
    for raw in ({"servers": entry}, {"mcp": {"servers": entry}}, {"context_servers": entry}, entry):
        assert configured_servers(raw, "f") == expected


@pytest.mark.parametrize(
    "raw", [None, [], "x", {}, {"mcpServers": []}, {"other": 1}, {"a": {"b": 1}}]
)
def test_a_file_without_servers_is_an_error_that_names_it(raw: Any) -> None:
    with pytest.raises(UserError, match=r"mcp\.json: mcpServers: expected an object"):
        configured_servers(raw, "mcp.json")


def test_no_placeholder_and_no_secret_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTES_TOKEN", "from-the-environment")
    secrets = [
        "sk-abcdefghijklmnop1234",
        "hunter2",
        "ghp_0123456789abcdefghij",
        "s3cret",
        "tops3cret",
    ]
    made = server(
        "npx", "-y", "notes",
        "--api-key", "hunter2", "--password=s3cret", "--token", "${NOTES_TOKEN}", "ghp_0123456789abcdefghij",
        "--header", "Authorization: Bearer tops3cret", "--header", "X-Other:Bearer tops3cret", "--verbose",
        "DB_PASSWORD=hunter2",
        env={
            "OPENAI_API_KEY": "hunter2", "ANY": "sk-abcdefghijklmnop1234", "LEVEL": "info", "N": 5, "ON": True,
            "AUTH": "Bearer ${NOTES_TOKEN}", "SECRET_KEY": "${SECRET_KEY:-hunter2}",
            "DSN": "postgres://me:hunter2@db.test/x", "OTHER": "postgres://me:hunter2@db.test/x",
        },
    )  # fmt: skip
    text = json.dumps(made.plain)
    assert not [one for one in [*secrets, "${", "from-the-environment"] if one in text]
    assert made.env["LEVEL"] == "info"
    assert (made.env["N"], made.env["ON"]) == ("5", "true")
    assert made.env["AUTH"] == f"Bearer {canary('notes', 'NOTES_TOKEN')}"
    assert made.args[:5] == (
        "--api-key", canary("notes", "--api-key"), f"--password={canary('notes', '--password')}",
        "--token", canary("notes", "NOTES_TOKEN"),
    )  # fmt: skip
    assert made.args[-2:] == ("--verbose", f"DB_PASSWORD={canary('notes', 'DB_PASSWORD')}")
    assert made.needs_config == ()
    assert {"--api-key", "NOTES_TOKEN", "OPENAI_API_KEY", "ANY", "DSN"} <= set(made.secrets)


def test_a_placeholder_that_is_no_secret_is_a_need_or_its_default() -> None:
    env = {
        "HOST": "${DB_HOST}",
        "PORT": "${DB_PORT:-5432}",
        "WHERE": "%APPDATA%",
        "NESTED": "${A:-${B}}",
    }
    made = server("npx", "notes", "--root", "${workspaceFolder}", "$HOME/x", env=env)
    assert made.env == {"PORT": "5432"}
    assert made.args == ()
    assert [need.name for need in made.needs_config] == [
        "DB_HOST", "APPDATA", "NESTED", "workspaceFolder", "HOME",
    ]  # fmt: skip


def test_an_address_with_a_secret_or_a_placeholder_is_not_kept() -> None:
    entries = {
        "a": {"url": "https://notes.test/mcp?api_key=hunter2"},
        "b": {"url": "https://${TENANT}.test/mcp"},
        "c": {"url": "https://me:hunter2@notes.test"},
    }
    for made, name in zip(configured(**entries).servers, ["url", "TENANT", "url"], strict=True):
        assert (made.url, [need.name for need in made.needs_config]) == (None, [name])


def test_headers_with_secrets_hold_canaries() -> None:
    headers = {"Authorization": "Bearer hunter2", "X-Key": "${env:NOTES_KEY}"}
    made = configured(notes={"url": "https://notes.test", "headers": headers}).servers[0]
    assert [find_canaries(value) == [value] for value in made.headers.values()] == [True, True]


def test_a_source_without_secrets_leaves_needs() -> None:
    raw = {
        "mcpServers": {
            "notes": {"command": "uvx", "args": ["notes", "--token", "x"], "env": {"API_KEY": "y"}}
        }
    }
    made = configured_servers(raw, "f", secret=lambda *_: None).servers[0]
    assert (made.env, made.args) == ({}, ())
    assert [(need.name, need.where) for need in made.needs_config] == [
        ("API_KEY", "env"),
        ("--token", "argument"),
    ]


ENTRY_KEYS = st.sampled_from(
    [
        "command",
        "args",
        "env",
        "url",
        "headers",
        "type",
        "disabled",
        "mcpServers",
        "servers",
        "mcp",
        "a",
        "API_KEY",
    ]
)
ENTRY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from(["npx", "uvx", "-y", "-p", "${A}", "${", "https://a.test", "https://a.test/${A", "http://[", "cmd", "/c", "a@1", "--token", "\x00"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ENTRY_KEYS, inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(ENTRY | JSON)
def test_no_configuration_raises_anything_but_a_user_error(raw: Any) -> None:
    for whole in (raw, {"mcpServers": {"a": raw}}):
        try:
            found = configured_servers(whole, "f")
        except UserError:
            continue
        for made in found.servers:
            kept = [made.env, made.args, made.headers, made.url, made.script]
            assert "${" not in json.dumps(kept)
