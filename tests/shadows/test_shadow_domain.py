"""A shadow as a domain: it keeps what it promises, a wrong step is caught, and only proof stays."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.write import write_folder
from agentsynth.pipeline.shadow_index import (
    ShadowIndex,
    indexed,
    licences,
    load_index,
    save_index,
    with_servers,
)
from agentsynth.pipeline.shadows import ServerShadows, ShadowDomain, shadow_server
from agentsynth.worlds.declarative import DeclarativeWorld
from tests.shadows.tracker import (
    STATUS,
    TEXT,
    TRACKER,
    WHOLE,
    call,
    compiled,
    emitted,
    held,
    kept,
    listed,
    tool,
)

Break = Callable[[dict[str, Any]], None]


def world_of(folder: Path, tools: list[dict[str, Any]]) -> DeclarativeWorld:
    """Return the shadow of these tools, running."""
    made = compiled(folder, emitted(tools))
    return DeclarativeWorld(made, made.base(1))


def said(world: DeclarativeWorld, name: str, /, **arguments: Any) -> Any:
    """Call a tool that must answer; return what it says."""
    result = world.call_now(call(name, **arguments))
    assert not result.is_error, result.content
    return json.loads(result.content)


def refused(world: DeclarativeWorld, name: str, /, **arguments: Any) -> str:
    """Call a tool that must refuse; return what it says, having changed nothing."""
    before = {n: world.state.records(n, {}) for n in world.compiled.domain.entities}
    shown = repr({name: list(rows) for name, rows in before.items()})
    result = world.call_now(call(name, **arguments))
    assert result.is_error, result.content
    after = {n: list(world.state.records(n, {})) for n in world.compiled.domain.entities}
    assert repr(after) == shown
    return result.content


def entries(answer: Any) -> list[dict[str, Any]]:
    """Return the records of a list's answer, whatever their property is called."""
    found = [value for value in answer.values() if isinstance(value, list)]
    assert len(found) == 1
    return found[0]


# contracts: kept, and able to fail


def test_a_whole_tracker_keeps_its_contracts() -> None:
    report = held(emitted(TRACKER))
    assert {one.tool: one.failures or one.mistakes for one in report.tools} == dict.fromkeys(
        (str(one["name"]) for one in TRACKER), ()
    )
    assert all(one.passed == one.cases >= 10 for one in report.tools)


def step(tools: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    """Return the step of a kind of an emitted tool."""
    return next(one for one in tools[name]["steps"] if kind in one)


def forget_the_owner(tools: dict[str, Any]) -> None:
    del step(tools, "list_issues", "list")["where"]


def forget_a_filter(tools: dict[str, Any]) -> None:
    del step(tools, "list_issues", "list")["where_given"]


def forget_the_query(tools: dict[str, Any]) -> None:
    del step(tools, "list_issues", "list")["filter"]


def forget_a_field(tools: dict[str, Any]) -> None:
    del step(tools, "update_issue", "update")["set"]["notes"]


def clear_what_is_not_given(tools: dict[str, Any]) -> None:
    step(tools, "update_issue", "update")["set"]["notes"] = "=args.notes"


def delete_nothing(tools: dict[str, Any]) -> None:
    tools["delete_issue"]["steps"].remove(step(tools, "delete_issue", "delete"))


def archive_nothing(tools: dict[str, Any]) -> None:
    step(tools, "archive_issue", "update")["set"] = {"archived": False}


def create_without_looking(tools: dict[str, Any]) -> None:
    tools["create_issue"]["steps"].remove(step(tools, "create_issue", "find"))


def show_too_little(tools: dict[str, Any]) -> None:
    del step(tools, "get_issue", "return")["return"]["status"]


def write_while_reading(tools: dict[str, Any]) -> None:
    change = {"update": "issue", "key": "=found.id", "set": {"title": "seen"}}
    tools["get_issue"]["steps"].insert(1, change)


@pytest.mark.parametrize(
    ("spoil", "name"),
    [
        (forget_the_owner, "list_issues"),
        (forget_a_filter, "list_issues"),
        (forget_the_query, "list_issues"),
        (forget_a_field, "update_issue"),
        (clear_what_is_not_given, "update_issue"),
        (delete_nothing, "delete_issue"),
        (archive_nothing, "archive_issue"),
        (create_without_looking, "create_issue"),
        (show_too_little, "get_issue"),
        (write_while_reading, "get_issue"),
    ],
)
def test_a_wrong_step_breaks_the_contract_of_its_tool_and_not_of_another(
    spoil: Break, name: str
) -> None:
    files = emitted(TRACKER)
    before = copy.deepcopy(files)
    spoil(files["domain.yaml"]["tools"])
    assert files != before
    report = held(files, worlds=2, first_failure=True, only=[name, "list_comments"])
    assert [one.tool for one in report.tools if one.failures or one.mistakes] == [name]


# what a call may and may not


def test_a_record_made_in_a_shadow_is_shown_changed_and_gone(tmp_path: Path) -> None:
    world = world_of(tmp_path, TRACKER)
    project = said(world, "create_project", name="Orchard")
    issue = said(world, "create_issue", project_id=project["id"], title="Ladder")
    assert entries(said(world, "list_issues", project_id=project["id"])) == [issue]
    changed = said(world, "update_issue", issue_id=issue["id"], status="done")
    assert changed == {**issue, "status": "done"}
    assert said(world, "archive_issue", issue_id=issue["id"])["archived"] is True
    said(world, "delete_issue", issue_id=issue["id"])
    assert "not found" in refused(world, "get_issue", issue_id=issue["id"])
    assert entries(said(world, "list_issues", project_id=project["id"])) == []


def test_what_is_not_there_cannot_be_read_changed_or_belonged_to(tmp_path: Path) -> None:
    world = world_of(tmp_path, TRACKER)
    for name, key in (("get_issue", "issue_id"), ("list_issues", "project_id")):
        assert "not found" in refused(world, name, **{key: "nowhere"})
    assert "not found" in refused(world, "create_issue", project_id="nowhere", title="Ladder")
    assert "not found" in refused(world, "add_comment", issue_id="nowhere", body="Yes")


def test_a_parameter_that_was_not_understood_is_refused_by_name(tmp_path: Path) -> None:
    odd = tool("list_issues", "project_id", shade=TEXT, sort=TEXT)
    world = world_of(tmp_path, [*TRACKER[:5], odd])
    project = entries(said(world, "list_projects"))[0]["id"]
    said(world, "list_issues", project_id=project)
    assert "'sort'" in refused(world, "list_issues", project_id=project, sort="title")
    assert "'shade'" in refused(world, "list_issues", project_id=project, shade="red")


BODY = {
    "type": "object",
    "properties": {"title": TEXT, "notes": TEXT, "watchers": {"type": "object"}},
    "required": ["title"],
}


def test_a_part_of_a_body_that_means_nothing_is_refused_and_the_others_are_written(
    tmp_path: Path,
) -> None:
    made = tool("create_issue", "project_id", "body", body=BODY)
    world = world_of(tmp_path, [*TRACKER[:3], made, *TRACKER[4:6]])
    project = entries(said(world, "list_projects"))[0]["id"]
    issue = said(world, "create_issue", project_id=project, body={"title": "Ladder"})
    assert (issue["title"], issue["notes"]) == ("Ladder", None)
    known, odd = {"title": "Rope", "notes": "Long"}, {"title": "Rope", "watchers": {"a": 1}}
    assert said(world, "create_issue", project_id=project, body=known)["notes"] == "Long"
    assert "watchers" in refused(world, "create_issue", project_id=project, body=odd)
    assert "title" in refused(world, "create_issue", project_id=project, body={"notes": "Long"})


def test_a_body_stands_the_contracts_too() -> None:
    made = tool("create_issue", "project_id", "body", body=BODY)
    report = held(emitted([*TRACKER[:3], made, *TRACKER[4:6]]), worlds=2)
    assert [one.tool for one in report.tools if one.failures or one.mistakes] == []


SECRET = [
    tool("create_hook", "title", password=TEXT, access_token=TEXT),
    tool("get_hook", "hook_id"),
    tool("list_hooks"),
    tool("update_hook", "hook_id", title=TEXT, password=TEXT),
]


def test_a_secret_is_kept_and_never_shown(tmp_path: Path) -> None:
    world = world_of(tmp_path, SECRET)
    made = said(world, "create_hook", title="Bell", password="pear", access_token="plum")
    answers = [made, said(world, "get_hook", hook_id=made["id"]), said(world, "list_hooks")]
    answers.append(said(world, "update_hook", hook_id=made["id"], password="quince"))
    assert not any(
        secret in json.dumps(answers) for secret in ("pear", "plum", "quince", "password", "token")
    )
    (stored,) = [r for _, r in world.state.records("hook", {}) if r["title"] == "Bell"]
    assert (stored["password"], stored["access_token"]) == ("quince", "plum")


# pages


def many(world: DeclarativeWorld, size: int) -> tuple[str, list[str]]:
    """Fill a project of its own; return its key and those of its issues, in order."""
    project = said(world, "create_project", name="Orchard")["id"]
    for number in range(size):
        said(world, "create_issue", project_id=project, title=f"Tree {number}")
    whole = entries(said(world, "list_issues", project_id=project))
    return project, [one["id"] for one in whole]


def test_a_limit_and_an_offset_cut_the_list_that_is_shown_without_them(tmp_path: Path) -> None:
    world = world_of(tmp_path, TRACKER)
    project, every = many(world, 5)

    def shown(**cut: int) -> list[str]:
        return [one["id"] for one in entries(said(world, "list_issues", project_id=project, **cut))]

    assert len(every) == 5
    assert shown(limit=2) == every[:2]
    assert shown(offset=3) == every[3:]
    assert shown(limit=2, offset=2) == every[2:4]
    assert shown(limit=2, offset=9) == []
    assert shown(limit=0) == []
    assert shown(limit=-1) == []
    assert shown(offset=-2) == every
    assert shown(limit=99) == every


def test_pages_are_counted_from_one_and_the_last_one_is_short(tmp_path: Path) -> None:
    per_page = {"type": "integer", "default": 2}
    paged = tool("list_issues", "project_id", page=WHOLE, per_page=per_page)
    world = world_of(tmp_path, [*TRACKER[:5], paged])
    project = said(world, "create_project", name="Orchard")["id"]
    for number in range(5):
        said(world, "create_issue", project_id=project, title=f"Tree {number}")

    def shown(**cut: int) -> list[str]:
        return [one["id"] for one in entries(said(world, "list_issues", project_id=project, **cut))]

    every = shown(per_page=99)
    assert len(every) == 5
    assert shown() == every[:2]
    assert [shown(page=number) for number in (1, 2, 3)] == [every[:2], every[2:4], every[4:]]
    assert shown(page=2, per_page=3) == every[3:]
    assert shown(page=9) == []


# what is proven by playing

NOTES = [
    tool("create_note", "title", status=STATUS),
    tool("get_note", "note_id"),
    tool("list_notes", query=TEXT),
    tool("delete_note", "note_id"),
]
ODD = [tool("mark_all_as_read"), tool("delete_notes", "note_ids"), tool("archive_note", "note_id")]


async def shadowed(folder: Path, tools: list[dict[str, Any]], **options: Any) -> ServerShadows:
    """Make the shadows of a collected server, quietly."""
    options = {"skip": {}, "log": lambda _line: None, **options}
    return await shadow_server(listed(tools), folder, **options)


async def test_a_server_is_shadowed_and_what_is_not_is_told_with_the_reason(tmp_path: Path) -> None:
    lines: list[str] = []
    skip = {"archive_note": "quarantined: hidden text"}
    made = await shadowed(tmp_path, [*NOTES, *ODD], skip=skip, log=lines.append)
    assert [domain.name for domain in made.domains] == ["shadow/toy/note"]
    assert made.shadowed == {str(one["name"]) for one in NOTES}
    assert made.proven == made.shadowed
    assert made.domains[0].calls > 50
    why = {name: (one.reason, one.detail) for name, one in made.left_out.items()}
    assert why == {
        "mark_all_as_read": ("no_verb", ""),
        "delete_notes": ("batch", ""),
        "archive_note": ("skipped", "quarantined: hidden text"),
    }
    assert lines == [f"shadow/toy/note: 4 tools, {made.domains[0].requests} requests"]


async def test_the_same_server_gives_the_same_files_byte_for_byte(tmp_path: Path) -> None:
    found: list[dict[str, bytes]] = []
    for place in ("one", "two"):
        await shadowed(tmp_path / place, NOTES[:3])
        root = tmp_path / place
        files = (path for path in root.rglob("*") if path.is_file())
        found.append({str(path.relative_to(root)): path.read_bytes() for path in files})
    assert found[0] == found[1]
    assert set(found[0]) == {
        f"note/{name}.yaml" for name in ("domain", "contracts", "intents", "lexicon.en")
    }


async def test_a_server_of_which_nothing_is_understood_has_no_domain(tmp_path: Path) -> None:
    made = await shadowed(tmp_path, ODD[:2])
    assert made.domains == []
    assert set(made.left_out) == {"mark_all_as_read", "delete_notes"}


async def test_a_tool_that_is_all_alone_has_no_shadow(tmp_path: Path) -> None:
    note = {"type": "object", "properties": {"id": TEXT, "title": TEXT}, "required": ["id"]}
    page = {"type": "object", "properties": {"notes": {"type": "array", "items": note}}}
    made = await shadowed(tmp_path, [tool("list_notes", output=page)])
    assert made.domains == []
    assert {name: one.reason for name, one in made.left_out.items()} == {"list_notes": "alone"}


async def test_a_tool_whose_contract_breaks_is_taken_out_and_the_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoiled(folder: Path, files: dict[str, Any]) -> None:
        tools = files["domain.yaml"]["tools"]
        if "delete_note" in tools:
            step(tools, "delete_note", "delete")["if"] = "found.title == 'never'"
        write_folder(folder, files)

    monkeypatch.setattr("agentsynth.pipeline.shadows.write_folder", spoiled)
    made = await shadowed(tmp_path, NOTES)
    assert made.shadowed == {"create_note", "get_note", "list_notes"}
    assert made.left_out["delete_note"].reason == "contract"


# the index


def test_the_index_keeps_what_was_made_and_why_the_rest_was_not(tmp_path: Path) -> None:
    assert load_index(tmp_path) == ShadowIndex()
    found = infer("toy", [*NOTES[:3], ODD[0]])
    tools = dict(found.operations)
    domain = ShadowDomain("shadow/toy/note", tools, proven={"get_note"}, calls=7, requests=2)
    left = {one.tool: one for one in found.left_out}
    made = ServerShadows("toy", "MIT", 4, domains=[domain], left_out=left)
    server = indexed(made, "toy-server", "1.0")
    save_index(tmp_path, with_servers(ShadowIndex(), {"toy": server}))
    index = load_index(tmp_path)
    assert index.servers == {"toy": server}
    assert index.names() == ["shadow/toy/note"]
    assert set(index.servers["toy"].tools) == made.shadowed
    assert {n for n, one in index.servers["toy"].tools.items() if one.proven} == {"get_note"}
    assert index.servers["toy"].listed == 4
    assert index.servers["toy"].left_out["mark_all_as_read"].reason == "no_verb"
    assert licences(index.servers.values()) == {"MIT": 3}


def test_a_damaged_index_names_the_command_that_makes_it_again(tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text('{"servers": 3}', encoding="utf-8")
    with pytest.raises(Exception, match="agentsynth tools shadow --all"):
        load_index(tmp_path)


def test_a_domain_of_some_tools_has_only_what_those_touch() -> None:
    made = infer("toy", TRACKER)
    files = emitted(TRACKER, "create_project", "list_projects", "get_project", inferred=made)
    assert set(files["domain.yaml"]["entities"]) == {"project"}
    assert set(files["domain.yaml"]["tools"]) == set(files["contracts.yaml"]["tools"])
    assert len(kept(made)) == len(TRACKER)
