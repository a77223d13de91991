"""What is inferred of a server from its specifications alone, and above all what is not."""

from typing import Any

import pytest

from agentsynth.evolve.shadows.infer import infer
from agentsynth.evolve.shadows.model import Inferred, Paging, Shape
from agentsynth.evolve.shadows.partition import FEW, MOST_TOOLS, partition
from agentsynth.evolve.shadows.phrases import lexicon_of
from agentsynth.evolve.shadows.requests import requests_of
from agentsynth.evolve.shadows.words import common_prefix, read_name, singular
from tests.shadows.tracker import STATUS, TEXT, TRACKER, WHOLE, tool

TEXTS = {"type": "array", "items": {"type": "string"}}
FLAG = {"type": "boolean"}
NOTES = [
    tool("create_note", "title", "text"),
    tool("get_note", "note_id"),
    tool("list_notes"),
]
"""Records that are beyond doubt, for the one tool that is looked at."""


@pytest.fixture(scope="module")
def tracker() -> Inferred:
    return infer("toy", TRACKER)


def reasons(*tools: dict[str, Any]) -> dict[str, str]:
    """Return why tools are left out, by tool."""
    return {one.tool: one.reason for one in infer("toy", list(tools)).left_out}


# what is understood


def test_every_tool_of_a_plain_tracker_is_understood(tracker: Inferred) -> None:
    assert tracker.left_out == ()
    deeds = {name: (one.deed, one.entity, one.key) for name, one in tracker.operations.items()}
    assert deeds == {
        "create_project": ("create", "project", None),
        "list_projects": ("list", "project", None),
        "get_project": ("get", "project", "project_id"),
        "create_issue": ("create", "issue", None),
        "get_issue": ("get", "issue", "issue_id"),
        "list_issues": ("list", "issue", None),
        "update_issue": ("update", "issue", "issue_id"),
        "archive_issue": ("update", "issue", "issue_id"),
        "delete_issue": ("delete", "issue", "issue_id"),
        "list_comments": ("list", "comment", None),
        "add_comment": ("create", "comment", None),
    }
    assert {name: one.key for name, one in tracker.entities.items()} == {
        "project": "id",
        "issue": "id",
        "comment": "id",
    }


def test_the_tools_make_the_fields_of_their_records(tracker: Inferred) -> None:
    fields = {one.name: one for one in tracker.entities["issue"].fields}
    assert set(fields) == {"project_id", "title", "notes", "status", "archived"}
    assert fields["status"].values == ("open", "done")
    assert {name for name, one in fields.items() if one.required} == {"project_id", "title"}
    assert (fields["archived"].type, fields["archived"].origin) == ("boolean", "transition")
    assert tracker.entities["issue"].natural == "title"


def test_a_record_belongs_to_what_its_owner_parameter_names(tracker: Inferred) -> None:
    project = tracker.entities["issue"].field("project_id")
    issue = tracker.entities["comment"].field("issue_id")
    assert project is not None
    assert issue is not None
    assert (project.ref, issue.ref) == ("project", "issue")
    assert tracker.operations["list_issues"].scope == {"project_id": "project_id"}
    assert tracker.operations["list_comments"].scope == {"issue_id": "issue_id"}


def test_a_list_is_filtered_searched_and_cut_by_its_parameters(tracker: Inferred) -> None:
    issues = tracker.operations["list_issues"]
    assert issues.filters == {"status": "status"}
    assert issues.query == "query"
    assert issues.paging == Paging(limit="limit", offset="offset")
    assert issues.refused == ()


def test_an_archived_record_is_marked_and_nothing_else_is_written(tracker: Inferred) -> None:
    archived = tracker.operations["archive_issue"]
    assert archived.fixed == {"archived": True}
    assert archived.sets == {}


def test_a_status_that_says_the_same_is_set_instead_of_a_flag() -> None:
    states = {"type": "string", "enum": ["active", "archived"]}
    tools = [
        *NOTES[1:],
        tool("create_note", "title", state=states),
        tool("archive_note", "note_id"),
    ]
    found = infer("toy", tools)
    assert found.operations["archive_note"].fixed == {"state": "archived"}


def test_page_numbers_and_the_default_size_of_a_page_are_read() -> None:
    paged = tool("list_notes", page=WHOLE, per_page={"type": "integer", "default": 10})
    found = infer("toy", [*NOTES[:2], paged]).operations["list_notes"]
    assert found.paging == Paging(page="page", limit="per_page", default=10)


def test_a_record_that_is_named_when_it_is_made_is_known_by_that_name() -> None:
    tools = [tool("create_tag", "tag_name", colour=TEXT), tool("get_tag", "tag_name")]
    found = infer("toy", [*tools, tool("list_tags")])
    assert found.entities["tag"].named_by
    assert found.operations["create_tag"].key == "tag_name"


def test_keys_that_are_numbers_stay_numbers() -> None:
    tools = [NOTES[0], NOTES[2], tool("get_note", "note_id", note_id=WHOLE)]
    assert infer("toy", tools).entities["note"].key_number


def test_an_owner_that_no_tool_shows_is_kept_as_keys_only() -> None:
    tools = [
        tool("create_note", "zone_id", "title"),
        tool("list_notes", "zone_id"),
        tool("get_note", "note_id"),
    ]
    zone = infer("toy", tools).entities["zone"]
    assert zone.hidden
    assert zone.fields == ()


def test_an_optional_parameter_without_a_meaning_is_refused_and_not_ignored() -> None:
    listing = tool("list_notes", shade={"type": "object"}, sort=TEXT)
    found = infer("toy", [*NOTES[:2], listing])
    assert set(found.operations["list_notes"].refused) == {"shade", "sort"}


def test_the_parts_of_a_body_are_parameters_of_their_own() -> None:
    body = {
        "type": "object",
        "properties": {"title": TEXT, "text": TEXT},
        "required": ["title"],
    }
    found = infer("toy", [*NOTES[1:], tool("create_note", "body", body=body)])
    one = found.operations["create_note"]
    assert one.sets["body.title"] == "title"
    assert one.needs == ("body.title",)


def test_the_order_of_the_tools_changes_nothing_but_the_order(tracker: Inferred) -> None:
    other = infer("toy", TRACKER[::-1])
    assert other.operations.keys() == tracker.operations.keys()
    for name, one in tracker.operations.items():
        assert other.operations[name].model_dump(exclude={"sets"}) == one.model_dump(
            exclude={"sets"}
        )


# what is left out


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (tool("mark_all_as_read"), "no_verb"),
        (tool("list"), "no_noun"),
        (tool("run_report", "note_id"), "no_verb"),
        (tool("update_many_notes", "title"), "batch"),
        (tool("bulk_delete_notes", "note_ids", note_ids=TEXTS), "no_verb"),
        (tool("delete_notes", "note_ids", note_ids=TEXTS), "batch"),
        (tool("delete_notes"), "batch"),
        (tool("archive_note", "note_id", says="Returns a job id to poll."), "asynchronous"),
        (tool("delete_note", "note_id", says="Deletes it in the background."), "asynchronous"),
        (tool("update_note", "note_id", "action", text=TEXT), "several_in_one"),
        (tool("get_note_text", "mode", "note_id"), "several_in_one"),
        (tool("search_notes", "query", says="Accepts a SQL query."), "parameter"),
        (tool("search_notes", "query", query={**TEXT, "description": "Lucene"}), "parameter"),
        (tool("create_note", "title", "sql"), "language"),
        (tool("create_note", "query", "title"), "language"),
        (tool("restore_note", "note_id"), "restore"),
        (tool("close_note", "note_id"), "may_remove"),
        (tool("update_note", "note_id"), "nothing_to_set"),
        (tool("update_note", "note_id", "parts", parts={"type": "object"}), "parameter"),
        (tool("update_note", "title"), "no_key"),
        (tool("create_note", "title", data={"type": "object"}), "payload"),
        (tool("list_notes", note_ids=TEXTS), "one_or_many"),
        (tool("list_notes", "title"), "listed_by_value"),
        (tool("add_user_to_note", "note_id", "user_id"), "link"),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else value,
)
def test_what_a_shadow_would_have_to_guess_is_left_out(one: dict[str, Any], reason: str) -> None:
    others = [other for other in NOTES if other["name"] != one["name"]]
    found = infer("toy", [*others, one])
    assert one["name"] not in found.operations
    assert {left.tool: left.reason for left in found.left_out}.get(one["name"]) == reason


def test_what_can_be_opened_again_may_be_closed() -> None:
    closing = [tool("close_note", "note_id"), tool("reopen_note", "note_id")]
    found = infer("toy", [*NOTES, *closing])
    assert found.operations["close_note"].fixed == {"closed": True}
    assert found.operations["reopen_note"].fixed == {"closed": False}


def test_a_tree_of_files_is_no_table_of_records() -> None:
    tools = [
        tool("create_file", "path", "text"),
        tool("get_file", "path"),
        tool("delete_file", "path"),
    ]
    assert set(reasons(*tools).values()) == {"files"}


def test_records_of_which_no_field_is_known_are_not_made_up() -> None:
    assert reasons(tool("list_alerts"), tool("get_alert", "alert_id")) == {
        "list_alerts": "no_fields",
        "get_alert": "no_fields",
    }


def test_records_that_no_tool_shows_have_no_shadow() -> None:
    tools = [tool("create_alert", "title"), tool("delete_alert", "alert_id")]
    assert set(reasons(*tools).values()) == {"no_reader"}


def test_content_that_nobody_writes_is_not_made_up() -> None:
    article = {
        "type": "object",
        "properties": {"id": TEXT, "title": TEXT, "content": TEXT},
        "required": ["id", "title", "content"],
    }
    assert reasons(tool("get_page", "page_id", output=article)) == {"get_page": "content"}


def test_a_reference_that_two_nouns_could_mean_is_none() -> None:
    two = [
        tool("create_short_note", "title"), tool("get_short_note", "short_note_id"),
        tool("create_long_note", "title"), tool("get_long_note", "long_note_id"),
    ]  # fmt: skip
    pins = [tool("create_pin", "label", note_id=TEXT), tool("list_pins")]
    one = infer("toy", [*two[:2], *pins]).entities["pin"].field("note_id")
    both = infer("toy", [*two, *pins]).entities["pin"].field("note_id")
    assert one is not None
    assert one.ref == "short_note"
    assert both is not None
    assert both.ref is None


def test_an_optional_parameter_that_the_text_requires_is_not_refused_in_silence() -> None:
    says = "Note: dimensions is required for images."
    made = tool("create_note", "title", says=says, dimensions={"type": "object"})
    assert reasons(*NOTES[1:], made)["create_note"] == "wants_refused"


def test_a_schema_that_cannot_be_read_is_left_out() -> None:
    broken = {"name": "get_note", "description": "", "inputSchema": {"type": "array"}}
    assert reasons(NOTES[0], NOTES[2], broken)["get_note"] == "unusable_schema"


def test_every_tool_is_either_inferred_or_left_out_once() -> None:
    tools = [*TRACKER, tool("mark_all_as_read"), tool("delete_issues", "issue_ids"), tool("zip")]
    found = infer("toy", tools)
    left = [one.tool for one in found.left_out]
    assert len(left) == len(set(left))
    assert sorted([*left, *found.operations]) == sorted(str(one["name"]) for one in tools)


# what results look like

NOTE: dict[str, Any] = {
    "type": "object",
    "properties": {"id": TEXT, "title": TEXT, "pages": WHOLE},
    "required": ["id", "title", "pages"],
}


def test_an_output_schema_gives_fields_and_the_layout_of_results() -> None:
    page = {
        "type": "object",
        "properties": {"notes": {"type": "array", "items": NOTE}, "total": WHOLE},
        "required": ["notes", "total"],
    }
    tools = [tool("get_note", "note_id", output=NOTE), tool("list_notes", output=page)]
    found = infer("toy", [NOTES[0], *tools])
    shown = {"id": "id", "title": "title", "pages": "pages"}
    assert found.operations["list_notes"].shape == Shape(items="notes", shown=shown, total="total")
    assert found.operations["get_note"].shape == Shape(shown=shown)
    assert found.operations["create_note"].shape is None
    pages = found.entities["note"].field("pages")
    assert pages is not None
    assert (pages.type, pages.origin, pages.always) == ("integer", "output", True)


def test_a_result_inside_a_property_is_found_there() -> None:
    inside = {"type": "object", "properties": {"note": NOTE}, "required": ["note"]}
    found = infer("toy", [NOTES[0], NOTES[2], tool("get_note", "note_id", output=inside)])
    shape = found.operations["get_note"].shape
    assert shape is not None
    assert shape.inner == "note"


def test_a_result_that_must_say_what_nobody_knows_is_left_out() -> None:
    more = {**NOTE, "properties": {**NOTE["properties"], "layers": {"type": "object"}}}
    more["required"] = [*NOTE["required"], "layers"]
    assert reasons(NOTES[0], NOTES[2], tool("get_note", "note_id", output=more)) == {
        "get_note": "output"
    }


def test_an_output_schema_that_only_says_a_text_tells_nothing() -> None:
    text = {"type": "object", "properties": {"result": TEXT}}
    found = infer("toy", [NOTES[0], NOTES[2], tool("get_note", "note_id", output=text)])
    assert found.operations["get_note"].shape is None


# requests and domains of them


def test_there_is_a_request_for_every_deed_and_words_for_each(tracker: Inferred) -> None:
    requests = requests_of(tracker, list(tracker.operations.values()))
    names = [one.name for one in requests]
    assert len(names) == len(set(names))
    called = str([one.intent() for one in requests])
    for name in ("create_issue", "update_issue", "archive_issue", "delete_issue", "add_comment"):
        assert name in called
    assert set(lexicon_of(requests)["intents"]) == set(names)


def test_every_operation_is_in_one_domain_and_owners_can_be_looked_up() -> None:
    nouns = ["lamp", "rug", "sofa", "desk"]
    many = [
        one
        for noun in nouns
        for one in (
            tool(f"create_{noun}", "room_id", "label"), tool(f"get_{noun}", f"{noun}_id"),
            tool(f"list_{noun}s", "room_id"), tool(f"update_{noun}", f"{noun}_id", label=TEXT),
            tool(f"delete_{noun}", f"{noun}_id"), tool(f"archive_{noun}", f"{noun}_id"),
        )
    ]  # fmt: skip
    found = infer("toy", [tool("create_room", "name"), tool("list_rooms"), *many])
    assert found.left_out == ()
    parts = partition(found, found.operations)
    assert len(parts) > 1
    assert {one.tool for _, part in parts for one in part} == set(found.operations)
    for _, part in parts:
        own = [one for one in part if one.tool != "list_rooms"]
        assert FEW <= len(own) <= MOST_TOOLS
        assert "list_rooms" in {one.tool for one in part}


# words


@pytest.mark.parametrize(
    ("name", "verb", "noun"),
    [
        ("create_issue", "create", ("issue",)),
        ("createIssue", "create", ("issue",)),
        ("issue-create", "create", ("issue",)),
        ("listAllIssues", "list", ("all", "issue")),
        ("get_issue_details", "get", ("issue",)),
        ("list_entries", "list", ("entry",)),
        ("issue.comment.add", "add", ("issue", "comment")),
        ("mark_all_as_read", None, ()),
        ("get_view", "get", ("view",)),
    ],
)
def test_a_name_of_any_style_is_cut_into_verb_and_noun(
    name: str, verb: str | None, noun: tuple[str, ...]
) -> None:
    read = read_name(name)
    assert read.verb == verb
    assert verb is None or read.noun == noun


def test_the_servers_own_name_in_front_is_no_noun() -> None:
    names = ["toy_create_issue", "toy_list_issues", "toy_get_issue", "toy_delete_issue"]
    assert common_prefix(names) == ("toy",)
    assert common_prefix(names[:3]) == ()
    assert common_prefix(["get_a", "get_b", "get_c", "get_d"]) == ()


@pytest.mark.parametrize(
    ("plural", "one"),
    [
        ("boxes", "box"), ("entries", "entry"), ("status", "status"), ("people", "person"),
        ("issues", "issue"), ("bus", "bus"), ("xyz", "xyz"),
    ],
)  # fmt: skip
def test_nouns_are_read_in_the_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_flags_about_the_call_become_no_field_of_the_record() -> None:
    made = tool("create_note", "title", notify_members=FLAG, dry_run=FLAG, starred=FLAG)
    found = infer("toy", [*NOTES[1:], made])
    assert found.entities["note"].field("starred") is not None
    assert found.operations["create_note"].sets == {"title": "title", "starred": "starred"}
    assert set(found.operations["create_note"].refused) == {"notify_members", "dry_run"}


def test_a_filter_by_one_of_a_few_values_is_a_filter() -> None:
    tools = [tool("create_note", "title", status=STATUS), NOTES[1]]
    found = infer("toy", [*tools, tool("list_notes", "status", status=STATUS)])
    assert found.operations["list_notes"].scope == {"status": "status"}
