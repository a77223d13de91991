"""Each kind of state as tables: what is read, what is refused, and what is never heeded."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from agentsynth.core.errors import ServerError, UserError
from agentsynth.core.live_notes import JsonState, JsonTable
from agentsynth.core.manifest import live_notes, parse_manifest
from agentsynth.core.messages import ToolCall
from agentsynth.core.resources import bundled
from agentsynth.core.task import Change
from agentsynth.evolve.install import installed
from agentsynth.pipeline.confine import confine_with
from agentsynth.worlds.duckdb_state import DuckdbHelper
from agentsynth.worlds.files import load_yaml
from agentsynth.worlds.files_state import file_tables
from agentsynth.worlds.git_state import git_tables, import_history
from agentsynth.worlds.json_state import json_tables
from agentsynth.worlds.results import result_reader
from agentsynth.worlds.scratch_files import Tree, read_tree, write_tree
from agentsynth.worlds.sheets_state import sheet_tables, workbook_bytes
from agentsynth.worlds.tables import difference, write_tables
from tests.live.shelf import home, shelf_world

WORKSPACE = Path(__file__).parents[2] / ".agentsynth"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
HISTORY = b"""commit refs/heads/main
mark :1
committer Ada <ada@example.org> 1700000000 +0000
data 5
First
M 100644 inline a b.txt
data 4
one

commit refs/heads/side
mark :2
committer Ada <ada@example.org> 1700000100 +0000
data 6
Second
from :1
M 100644 inline c.txt
data 4
two

tag v1
from :1
tagger Ada <ada@example.org> 1700000200 +0000
data 7
Printed
"""


# -- files -----------------------------------------------------------------------------------------


def test_a_folder_is_a_table_of_paths_with_what_texts_say() -> None:
    tree: Tree = {"sub": None, "sub/a.txt": b"hello\n", "raw.bin": b"\0\1"}
    tables = file_tables(tree)
    assert tables["files"]["sub"] == {
        "path": "sub", "folder": "", "name": "sub", "kind": "folder",
    }  # fmt: skip
    assert tables["files"]["sub/a.txt"]["text"] == "hello\n"
    assert "text" not in tables["files"]["raw.bin"]
    changed = file_tables({**tree, "raw.bin": b"\0\2"})
    (change,) = difference(tables, changed)
    assert (change.op, change.key, set(change.fields)) == ("update", "raw.bin", {"sha256"})


def test_tables_can_be_asked_in_sql_with_keys_and_lists() -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        write_tables({"notes": {"n1": {"words": ["a", "b"], "size": 2}}}, database)
        rows = database.execute("SELECT n.key, w.value FROM notes n, json_each(n.words) w")
        assert rows.fetchall() == [("n1", "a"), ("n1", "b")]


# -- JSON ------------------------------------------------------------------------------------------

TASKS = JsonState(
    kind="json",
    file="tasks.json",
    tables={
        "lists": JsonTable(path="lists", key=("id",), assigned=True, leave_out=("tasks",)),
        "tasks": JsonTable(path="lists.*.tasks", key=("id",), assigned=True, inherit=("owner",)),
    },
)


def test_lists_inside_lists_become_tables_with_what_is_above_them() -> None:
    lists = [{"id": 1, "owner": "Ada", "tasks": [{"id": "t1", "done": False}]}]
    tables = json_tables(json.dumps({"lists": lists}).encode(), TASKS)
    assert tables == {
        "lists": {"1": {"owner": "Ada"}},
        "tasks": {"t1": {"owner": "Ada", "done": False}},
    }
    assert json_tables(None, TASKS) == {"lists": {}, "tasks": {}}


@pytest.mark.parametrize(
    "data", [b"{", b'{"lists": [{"id": NaN}]}', b'{"lists": [{"id": "\\ud800"}]}', b'{"lists": 1}']
)
def test_a_state_file_that_is_broken_is_the_servers_fault(data: bytes) -> None:
    with pytest.raises(ServerError, match=r"JSON any more|not a list"):
        json_tables(data, TASKS)


# -- git -------------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    import_history(folder, HISTORY, source="history.txt")
    return folder


@needs_git
def test_a_repository_is_read_with_its_history_branches_tags_and_open_changes(
    repository: Path,
) -> None:
    (repository / "a b.txt").write_text("changed\n", encoding="utf-8")
    (repository / "new.txt").write_text("new\n", encoding="utf-8")
    tables = git_tables(read_tree(repository))
    commits = {str(row["subject"]): key for key, row in tables["commits"].items()}
    assert tables["head"] == {"HEAD": {"ref": "refs/heads/main"}}
    assert tables["branches"]["side"] == {"name": "side", "commit": commits["Second"]}
    assert tables["tags"]["v1"]["message"] == "Printed"
    assert tables["commits"][commits["Second"]]["parents"] == [commits["First"]]
    assert set(tables["tree"]) == {"a b.txt"}
    status = {path: (row["staged"], row["unstaged"]) for path, row in tables["status"].items()}
    assert status == {"a b.txt": (" ", "M"), "new.txt": ("?", "?")}


@needs_git
def test_nothing_that_a_servers_repository_says_to_run_is_run(
    repository: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {ran}\ncat\n", encoding="utf-8")
    program.chmod(0o755)
    settings = f'[core]\n\tfsmonitor = {program}\n[filter "f"]\n\tclean = {program}\n'
    with (repository / ".git" / "config").open("a", encoding="utf-8") as file:
        file.write(settings)
    (repository / ".gitattributes").write_text("* filter=f\n", encoding="utf-8")
    (repository / "a b.txt").write_text("changed\n", encoding="utf-8")
    inner = repository / "inner"
    shutil.copytree(repository / ".git", inner / ".git")
    git_tables(read_tree(repository))
    assert not ran.exists()
    subprocess.run(["git", "status"], cwd=repository, check=True, capture_output=True)
    assert ran.exists()  # so git itself would have


@needs_git
def test_a_folder_that_is_no_repository_any_more_is_the_servers_fault(repository: Path) -> None:
    shutil.rmtree(repository / ".git")
    with pytest.raises(ServerError, match="is gone, or is none"):
        git_tables(read_tree(repository))


@needs_git
def test_a_history_that_git_does_not_take_is_the_domains_fault(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"history.txt: git .*nonsense"):
        import_history(tmp_path / "repo", b"nonsense\n", source="history.txt")


# -- workbooks -------------------------------------------------------------------------------------


def test_a_workbook_made_from_csv_is_read_as_sheets_rows_and_cells() -> None:
    book = workbook_bytes({"Members": "Name,Fee\nAda & Bo,12\n,7.5\n", "Rooms": "Room\nHall\n"})
    tables = sheet_tables({"club.xlsx": book})
    assert [row["sheet"] for row in tables["sheets"].values()] == ["Members", "Rooms"]
    assert tables["cells"]["club.xlsx/Members!B2"]["value"] == 12
    assert tables["rows"]["club.xlsx/Members!2"]["Name"] == "Ada & Bo"
    assert tables["rows"]["club.xlsx/Members!3"] == {
        "workbook": "club.xlsx", "sheet": "Members", "row": 3, "Name": None, "Fee": 7.5,
    }  # fmt: skip
    assert book == workbook_bytes(
        {"Members": "Name,Fee\nAda & Bo,12\n,7.5\n", "Rooms": "Room\nHall\n"}
    )


def test_a_workbook_that_is_broken_is_the_servers_fault() -> None:
    with pytest.raises(ServerError, match=r"'club.xlsx' cannot be read any more"):
        sheet_tables({"club.xlsx": b"PK no zip"})


# -- DuckDB ----------------------------------------------------------------------------------------


@pytest.fixture
def duckdb() -> DuckdbHelper:
    path = bundled("tools_registry") / "mcp-server-duckdb.yaml"
    manifest = parse_manifest(load_yaml(path).value, str(path))
    prefix = installed(manifest, WORKSPACE / "servers")
    if prefix is None:
        pytest.skip("the duckdb server is not installed in .agentsynth/servers")
    return DuckdbHelper(manifest, prefix, confine_with(unconfined=True))


def test_a_duckdb_file_is_exported_with_its_keys(duckdb: DuckdbHelper) -> None:
    sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, d DATE); INSERT INTO t VALUES (4, '2027-01-02');"
    tables, database = duckdb.exported(duckdb.made_from(sql, source="seed.sql"), None)
    assert tables["t"] == {"4": {"d": "2027-01-02"}}
    assert database.startswith(b"SQLite format 3")


def test_a_duckdb_seed_or_state_that_is_wrong_names_who_is_to_blame(duckdb: DuckdbHelper) -> None:
    with pytest.raises(UserError, match=r"seed.sql: the SQL does not run: .*"):
        duckdb.made_from("CREATE nonsense", source="seed.sql")
    with pytest.raises(ServerError, match="cannot be read any more"):
        duckdb.exported(b"no database", None)


# -- in a world ------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_paths_are_shown_under_a_name_of_their_own_and_taken_back(tmp_path: Path) -> None:
    async with shelf_world(tmp_path) as world:
        call = ToolCall(
            id="c", name="do", arguments={"what": "read", "given": "/scratch/shelf/first.txt"}
        )
        missing = call.model_copy(
            update={"arguments": {"what": "read", "given": "/scratch/shelf/none.txt"}}
        )
        assert (await world.call(call)).content == "first\n"
        assert "'/scratch/shelf/none.txt'" in (await world.call(missing)).content


@pytest.mark.anyio
async def test_a_clause_is_tried_on_the_state_and_the_call(tmp_path: Path) -> None:
    select = (
        "SELECT 1 FROM call c JOIN before.files f ON f.path = c.given "
        "WHERE c.what = 'write' AND f.kind = 'file'"
    )
    async with shelf_world(tmp_path, closed=False) as world:
        over = ToolCall(id="c", name="do", arguments={"what": "write", "given": "first.txt"})
        beside = ToolCall(id="c", name="do", arguments={"what": "write", "given": "second.txt"})
        assert world.would_show(over, select)
        assert not world.would_show(beside, select)
        await world.call(beside)
        assert world.would_show(beside, select)
        assert world.net_changes() == (
            Change(
                op="create",
                entity="files",
                key="second.txt",
                fields={
                    "path": "second.txt",
                    "folder": "",
                    "name": "second.txt",
                    "kind": "file",
                    "size": 20,
                    "text": "words of second.txt\n",
                },
            ),
        )


def test_lines_of_a_text_are_read_as_records(tmp_path: Path) -> None:
    lines = {"pattern": r"^(?P<name>\w+) (?P<size>\d+)$", "numbers": ["size"]}
    notes = live_notes(home(tmp_path, read={"do": lines}).manifest)
    read = result_reader(notes)
    assert read("do", "a 1\nnoise\nb 22") == [{"name": "a", "size": 1}, {"name": "b", "size": 22}]
    assert read("other", "a 1") == "a 1"


def test_nothing_is_written_over_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("theirs", encoding="utf-8")
    with pytest.raises(ServerError, match=r"'a.txt'"):
        write_tree(tmp_path, {"a.txt": b"ours"})
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "theirs"
