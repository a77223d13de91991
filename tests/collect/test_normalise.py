"""What later stages read of a raw tool's parameters."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from referencing.exceptions import Unresolvable

from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.schema_notes import MEANINGS, Note

NAMES = st.sampled_from(["a", "b", "city name", "$meta", "x" * 70])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "bc", "2024"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
KEYWORDS = (
    "$ref $defs $schema type properties required items additionalProperties enum const anyOf oneOf "
    "allOf not if then else contains maxContains prefixItems patternProperties pattern format "
    "minimum exclusiveMinimum dependentSchemas nullable dependencies default description "
    "unevaluatedProperties a"
)
WORDS = st.sampled_from(KEYWORDS.split())
VALUES = st.sampled_from(
    [
        "#",
        "#/properties/a",
        "#/$defs/a",
        "object",
        "string",
        "draft-07",
        "[",
        1,
        -1,
        True,
        None,
        [],
        ["a"],
    ]
)
MESS = st.recursive(
    VALUES | SCALARS, lambda inner: st.dictionaries(WORDS, inner, max_size=5) | st.lists(inner, max_size=3), max_leaves=30
)  # fmt: skip


def raw(schema: Any) -> dict[str, Any]:
    return {"name": "look_up", "description": "Looks something up.", "inputSchema": schema}


def view(schema: Any) -> dict[str, Any]:
    made = parameters_of(raw(schema))
    assert made.schema is not None, made.unusable
    return made.schema


def property_view(schema: Any, **root: Any) -> Any:
    return view({"type": "object", "properties": {"a": schema}, **root})["properties"]["a"]


# Legal schemas with the features seen in real listings; a few of them refer to each other.
def _nodes(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(inner, min_size=1, max_size=3)
    maps = st.dictionaries(NAMES, inner, max_size=3)
    return st.fixed_dictionaries(
        {},
        optional={
            "type": st.sampled_from(["object", "array", "string", "integer", ["string", "null"], ["integer", "array", "number"]]),
            "properties": maps,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$", "(?<n>x)", "\\p{L}"]), inner, max_size=2),
            "additionalProperties": inner,
            "propertyNames": inner,
            "required": st.lists(NAMES, max_size=2, unique=True),
            "items": inner,
            "contains": inner,
            "maxContains": st.integers(0, 2),
            "anyOf": lists,
            "oneOf": lists,
            "allOf": lists,
            "not": inner,
            "if": inner,
            "then": inner,
            "else": inner,
            "dependentSchemas": maps,
            "enum": st.lists(SCALARS, min_size=1, max_size=3),
            "minimum": st.integers(-2, 2),
            "minLength": st.integers(0, 2),
            "pattern": st.sampled_from(["^a", "(?<n>x)"]),
            "unevaluatedProperties": inner,
            "x-note": st.just("ours"),
        },
    )  # fmt: skip


LEAVES = st.sampled_from(
    [
        True, False, {}, {"type": "string"}, {"type": ["string", "null"]}, {"const": "a"},
        {"$ref": "#/$defs/tree"}, {"$ref": "#"}, {"$ref": "#/properties/a", "minLength": 1},
        {"$ref": "https://elsewhere.example/schema"}, {"nullable": True, "type": "string"},
        {"oneOf": [{"type": "null"}, {"type": "integer"}]},
    ]
)  # fmt: skip
SCHEMAS = st.recursive(LEAVES, _nodes, max_leaves=8)
ROOTS = st.builds(
    lambda node, tree, a: {
        **(node if isinstance(node, dict) else {}),
        "type": "object",
        "properties": {**(node.get("properties", {}) if isinstance(node, dict) else {}), "a": a},
        "$defs": {"tree": {"type": "object", "required": ["a"], "properties": {"a": tree}}},
    },
    SCHEMAS, SCHEMAS, SCHEMAS,
)  # fmt: skip
ARGUMENTS = st.dictionaries(
    NAMES, st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2), max_leaves=4), max_size=3
)  # fmt: skip


def accepts(schema: Any, value: Any, dialect: Any = Draft202012Validator) -> bool:
    try:
        return dialect(schema).is_valid(value)
    except (RecursionError, Unresolvable, re.error):
        return False  # An endless or an outside reference, or a foreign pattern: nothing is known.
    except BaseException as exc:
        # Endless references may also end as a panic of the map in which they are looked up.
        if type(exc).__name__ != "PanicException":
            raise
        return False


@given(ROOTS, st.lists(ARGUMENTS, max_size=8))
def test_arguments_the_raw_schema_accepts_are_accepted_by_the_view(
    schema: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    made = parameters_of(raw(schema))
    if made.schema is None or any(note.code == "type_assumed" for note in made.notes):
        return
    Draft202012Validator.check_schema(made.schema)
    for arguments in calls:
        if accepts(schema, arguments):
            assert accepts(made.schema, arguments)


@given(ROOTS, st.lists(ARGUMENTS, max_size=8))
def test_a_view_without_a_noted_loss_accepts_nothing_more(
    schema: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    made = parameters_of(raw(schema))
    harmless = {"dropped_key", "reference_inlined", "type_list_split", "type_list_kept", "one_type"}
    harmless |= {"branches_joined", "boolean_schema", "items_added", "one_of_null", "all_of_merged"}
    if made.schema is None or {note.code for note in made.notes} - harmless:
        return
    for arguments in calls:
        assert accepts(made.schema, arguments) == accepts(schema, arguments)


@given(
    ROOTS
    | MESS
    | JSON
    | MESS.map(lambda inner: {"type": "object", "properties": {"a": inner}, "$defs": {"a": inner}})
)
def test_any_json_gives_a_legal_schema_that_stays_as_it_is_or_a_reason(schema: Any) -> None:
    before = repr(schema)
    made = parameters_of(raw(schema))
    assert repr(schema) == before
    assert {note.code for note in made.notes} <= MEANINGS.keys()
    if made.schema is None:
        assert made.unusable
        return
    assert made.unusable is None
    Draft202012Validator.check_schema(made.schema)
    assert made.schema["type"] == "object"
    assert isinstance(made.schema["properties"], dict)
    again = parameters_of(raw(made.schema))
    assert again.schema == made.schema
    assert {note.code for note in again.notes} <= {"type_list_kept"}


@pytest.mark.parametrize(
    ("given_schema", "seen"),
    [
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["null", "string"], "enum": ["a", None], "title": "T"}, {"title": "T", "anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}),
        ({"type": ["string", "null"], "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"type": ["string"]}, {"type": "string"}),
        ({"type": ["array", "string"], "minLength": 2}, {"anyOf": [{"type": "string", "minLength": 2}, {"type": "array", "items": {}}]}),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"oneOf": [{"type": "string"}, {"type": "integer"}]}, {"oneOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"type": "string", "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (True, {}),
        (False, {"not": {}}),
        ({}, {}),
        (7, {}),
        ({"const": 1}, {"const": 1}),
        ({"type": ["string", "null"], "const": "a"}, {"type": "string", "const": "a"}),
        ({"type": "array"}, {"type": "array", "items": {}}),
        ({"type": "array", "items": True}, {"type": "array", "items": {}}),
        ({"properties": {"b": {}}}, {"type": "object", "properties": {"b": {}}}),
        ({"type": "object", "properties": {"b": {}}, "required": ["b", "c", "b"]}, {"type": "object", "properties": {"b": {}}, "required": ["b"]}),
        ({"type": "string", "pattern": "^\\p{L}+$", "minLength": -1}, {"type": "string"}),
        ({"type": "string", "enum": [], "x-order": 1, "example": "e"}, {"type": "string"}),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 3}),
        ({"allOf": [{"$ref": "#/$defs/size"}], "description": "How big"}, {"type": "integer", "description": "How big"}),
        ({"$ref": "#/definitions/size"}, {"type": "integer"}),
        ({"$ref": "#/$defs/size", "title": "S"}, {"type": "integer", "title": "S"}),
        ({"$ref": "#/$defs/size", "minimum": 1}, {"minimum": 1, "allOf": [{"type": "integer"}]}),
        ({"$ref": "#/properties/other/items"}, {"type": "boolean"}),
        ({"$ref": "#/$defs/a~1b%25"}, {"type": "null"}),
        ({"$ref": "#/$defs/nowhere"}, {}),
        ({"$ref": "https://elsewhere.example/x"}, {}),
        ({"not": {"type": "string", "pattern": "\\p{L}"}}, {}),
    ],
)  # fmt: skip
def test_each_odd_form_has_one_reading(given_schema: Any, seen: Any) -> None:
    schema = {
        "type": "object",
        "properties": {"a": given_schema, "other": {"type": "array", "items": {"type": "boolean"}}},
        "$defs": {"size": {"type": "integer"}, "a/b%": {"type": "null"}},
        "definitions": {"size": {"type": "integer"}},
    }
    assert view(schema)["properties"]["a"] == seen
    places = {note.where for note in parameters_of(raw(schema)).notes}
    changed = {where for where in places if where.startswith("/properties/a")}
    assert bool(changed) == (given_schema != seen)


def test_a_draft_7_schema_is_read_by_the_rules_of_draft_7() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "pair": {"items": [{"type": "string"}], "additionalItems": False, "type": "array"},
            "size": {"$ref": "#/definitions/size", "maximum": 1, "description": "kept"},
        },
        "dependencies": {"pair": ["size"], "size": {"minProperties": 2}},
        "minContains": 3,
        "definitions": {"size": {"type": "integer"}},
    }
    seen = view(schema)
    assert seen == {
        "type": "object",
        "properties": {
            "pair": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
            "size": {"type": "integer", "description": "kept"},
        },
        "dependentRequired": {"pair": ["size"]},
        "dependentSchemas": {"size": {"minProperties": 2}},
    }
    for arguments in ({"pair": ["x"], "size": 5}, {"pair": ["x"]}, {"size": 5}, {"pair": [1], "size": 1}):  # fmt: skip
        assert accepts(schema, arguments, Draft7Validator) == accepts(seen, arguments)


def test_recursion_is_cut_and_said() -> None:
    tree = {"type": "object", "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}}}
    made = parameters_of(raw(tree))
    inner = "/properties/kids/items" * 3
    assert Note("recursion_cut", inner) in made.notes
    assert made.schema is not None
    assert accepts(made.schema, {"kids": [{"kids": [{"kids": [{"kids": []}]}]}]})
    assert not accepts(made.schema, {"kids": [{"kids": [{"kids": 1}]}]})


def test_references_that_multiply_without_end_stop_at_a_bound() -> None:
    names = [f"n{number}" for number in range(40)]
    defs = {name: {"properties": {"l": {"$ref": f"#/$defs/{after}"}, "r": {"$ref": f"#/$defs/{after}"}}} for name, after in zip(names, [*names[1:], "n0"], strict=True)}  # fmt: skip
    made = parameters_of(raw({"type": "object", "properties": {"top": {"$ref": "#/$defs/n0"}}, "$defs": defs}))  # fmt: skip
    assert made.schema is not None
    assert {"too_large"} <= {note.code for note in made.notes}
    assert len(json.dumps(made.schema)) < 2_000_000


def test_a_schema_nested_thousands_deep_is_cut_and_not_a_crash() -> None:
    deep: Any = {"type": "string"}
    for _ in range(5_000):
        deep = {"type": "object", "properties": {"a": deep}}
    made = parameters_of(raw(deep))
    assert made.schema is not None
    assert "too_deep" in {note.code for note in made.notes}
    Draft202012Validator.check_schema(made.schema)
    value: Any = 1
    for _ in range(5_000):
        value = [value]
    assert property_view({"default": value, "enum": [value]}) == {}


def test_a_schema_that_lost_its_parameters_is_unusable_and_an_empty_one_is_not() -> None:
    for schema in (
        None,
        [],
        {},
        {"$schema": "http://json-schema.org/draft-07/schema#"},
        {"type": "string"},
        {"type": "object", "properties": ["a"]},
        {"type": "object", "required": ["a"]},
        {"type": "object", "insert_before": {"type": "string"}},
        {"$ref": "#/$defs/nowhere"},
        {"$ref": "#"},
        {"$ref": "#/$defs/text", "$defs": {"text": {"type": "string"}}},
    ):
        made = parameters_of(raw(schema))
        assert made.schema is None, schema
        assert made.unusable
    for schema in ({"type": "object"}, {"type": "object", "properties": {}}, {"properties": {}}):
        assert view(schema) == {"type": "object", "properties": {}}


def test_names_required_by_a_branch_are_left_alone() -> None:
    either = {"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}  # fmt: skip
    assert view(either) == either


LETTERS = {"type": "string", "pattern": "\\p{L}"}


@pytest.mark.parametrize(
    ("node", "seen", "note"),
    [
        ({"not": LETTERS}, {}, Note("given_up", "/not")),
        ({"if": LETTERS, "then": {"minLength": 2}}, {}, Note("given_up", "/if")),
        ({"if": True, "then": LETTERS}, {"if": {}, "then": {"type": "string"}}, None),
        ({"oneOf": [LETTERS, {"type": "null"}, {"const": "a"}]}, {"anyOf": [{"type": "string"}, {"const": "a"}, {"type": "null"}]}, Note("one_of_loosened", "/oneOf")),
        ({"anyOf": [{}], "oneOf": [LETTERS, {"const": "a"}]}, {"anyOf": [{}]}, Note("one_of_loosened", "/oneOf")),
        ({"contains": LETTERS, "minContains": 1, "maxContains": 1}, {"contains": {"type": "string"}, "minContains": 1}, Note("given_up", "/maxContains")),
        ({"patternProperties": {"\\p{L}": True}, "additionalProperties": False}, {"patternProperties": {}}, Note("given_up", "/additionalProperties")),
        ({"unevaluatedProperties": False}, {}, Note("given_up", "/unevaluatedProperties")),
    ],
)  # fmt: skip
def test_what_a_lost_pattern_would_make_forbid_more_is_given_up_and_said(
    node: Any, seen: Any, note: Note | None
) -> None:
    assert property_view(node) == seen
    notes = parameters_of(raw({"type": "object", "properties": {"a": node}})).notes
    expected = {Note(note.code, "/properties/a" + note.where)} if note else set()
    assert expected == {made for made in notes if made.code in ("given_up", "one_of_loosened")}
