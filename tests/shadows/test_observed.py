"""How a running server lays results out, and the bodies that wrap parameters."""

from typing import Any

import pytest

from agentsynth.core.domain import ToolDef
from agentsynth.evolve.shadows.model import ShadowEntity, ShadowField, Shape
from agentsynth.evolve.shadows.observed import dicts_in, is_key_name, observed_shape
from agentsynth.evolve.shadows.offered import offered
from agentsynth.worlds.bodies import bodies_of, unknown_part, with_bodies
from tests.shadows.tracker import STATUS, TEXT, TRACKER, domain_from, emitted, tool

NOTE = ShadowEntity(
    name="short_note",
    key="id",
    fields=tuple(
        ShadowField(name=name, type="string", origin="input") for name in ("title", "wroteAt")
    ),
)
ONE = {"id": 3, "title": "Ladder", "wrote_at": "now", "colour": "red"}
TWO = {"id": 4, "title": "Rope", "wrote_at": "then", "colour": "red"}
SHOWN = {"id": "id", "title": "title", "wrote_at": "wroteAt"}


@pytest.mark.parametrize("name", ["id", "uuid", "noteId", "short_note_id", "note_id"])
def test_a_key_is_known_by_its_name_or_by_its_records_name(name: str) -> None:
    assert is_key_name(name, NOTE)


@pytest.mark.parametrize("name", ["title", "project_id", "idea", "ids"])
def test_other_properties_are_no_key(name: str) -> None:
    assert not is_key_name(name, NOTE)


def test_a_bare_record_shows_the_fields_that_are_known_and_no_other() -> None:
    assert observed_shape([ONE, TWO], "get", NOTE) == Shape(shown=SHOWN, said={"colour": "red"})
    assert observed_shape([ONE], "get", NOTE) == Shape(shown=SHOWN)


def test_a_property_that_some_answers_lack_is_not_promised() -> None:
    shape = observed_shape([ONE, {"id": 4, "wrote_at": "then"}], "get", NOTE)
    assert shape is not None
    assert "title" not in shape.shown


def test_a_record_inside_a_property_is_found_with_what_is_said_beside_it() -> None:
    answers = [{"ok": True, "note": one, "took": 1} for one in (ONE, TWO)]
    assert observed_shape(answers, "get", NOTE) == Shape(
        inner="note", shown=SHOWN, said={"ok": True}
    )


def test_a_list_is_found_in_its_property_with_its_total() -> None:
    answers = [{"notes": [ONE, TWO], "count": 2}, {"notes": [ONE], "count": 1}]
    assert observed_shape(answers, "list", NOTE) == Shape(items="notes", shown=SHOWN, total="count")


def test_a_number_that_is_no_count_is_no_total() -> None:
    answers = [{"notes": [ONE, TWO], "took": 2}, {"notes": [ONE], "took": 2}]
    shape = observed_shape(answers, "list", NOTE)
    assert shape is not None
    assert shape.total is None


def test_a_list_that_is_the_whole_answer_is_bare() -> None:
    assert observed_shape([[ONE, TWO], []], "list", NOTE) == Shape(bare=True, shown=SHOWN)


@pytest.mark.parametrize(
    ("answers", "deed"),
    [
        ([], "get"),
        (["Here it is"], "get"),
        ([ONE, "Here it is"], "get"),
        ([[]], "list"),
        ([{"notes": []}], "list"),
        ([{"notes": [{"title": "Ladder"}]}], "list"),
    ],
)
def test_answers_that_tell_no_layout_give_none(answers: list[Any], deed: str) -> None:
    assert observed_shape(answers, deed, NOTE) is None


def test_every_object_of_an_answer_is_found_the_outer_ones_first() -> None:
    assert dicts_in([{"a": {"b": 1}}, "x"]) == [{"a": {"b": 1}}, {"b": 1}]


# bodies

BODY = {
    "type": "object",
    "properties": {
        "title": TEXT,
        "notes": TEXT,
        "data": {"type": "object", "properties": {"status": STATUS}, "required": ["status"]},
    },
    "required": ["title", "data"],
}


@pytest.fixture(scope="module")
def posting() -> ToolDef:
    """A tool whose parameters are in a body, and a body in that."""
    made = tool("create_issue", "project_id", "body", body=BODY)
    files = emitted([*TRACKER[:3], made, *TRACKER[4:6]])
    return domain_from(files["domain.yaml"]).domain.tools["create_issue"]


def test_the_bodies_of_a_tool_are_its_objects_whose_parts_are_known(posting: ToolDef) -> None:
    assert bodies_of(posting) == {
        "body": {"title": {}, "notes": {}, "data": {"status": {}}},
    }


def test_a_tool_of_our_own_has_no_bodies(posting: ToolDef) -> None:
    assert bodies_of(posting.model_copy(update={"mirrors": None})) == {}


def test_an_unknown_part_is_named_with_its_path(posting: ToolDef) -> None:
    bodies = bodies_of(posting)
    assert unknown_part({"body": {"title": "Rope"}}, bodies) is None
    assert unknown_part({"body": {"colour": "red"}}, bodies) == "body.colour"
    assert unknown_part({"body": {"data": {"x": 1}}}, bodies) == "body.data.x"
    assert unknown_part({"body": {"colour": None}}, bodies) is None
    assert unknown_part({}, bodies) is None


def test_what_is_left_out_of_a_body_is_null_and_the_call_stays_as_it_was(
    posting: ToolDef,
) -> None:
    given = {"project_id": "P-1", "body": {"title": "Rope"}}
    filled = with_bodies(given, bodies_of(posting))
    assert filled == {
        "project_id": "P-1",
        "body": {"title": "Rope", "notes": None, "data": {"status": None}},
    }
    assert given == {"project_id": "P-1", "body": {"title": "Rope"}}


# names that no expression can use


SINCE: dict[str, Any] = {"since>": TEXT}
ALIKE: dict[str, Any] = {"user-id": TEXT, "user id": TEXT}


def test_a_parameter_whose_name_is_no_identifier_gets_one_and_keeps_the_servers() -> None:
    made = offered(tool("list_notes", "user-id", **SINCE))
    assert made is not None
    assert set(made.schema["properties"]) == {"user_id", "since_after"}
    assert made.schema["required"] == ["user_id"]
    assert made.renamed == {"user_id": "user-id", "since_after": "since>"}
    assert made.schema["additionalProperties"] is False


def test_two_parameters_that_would_get_one_name_cannot_be_offered() -> None:
    assert offered(tool("list_notes", **ALIKE)) is None
