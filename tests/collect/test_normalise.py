"""What later stages read of a raw tool's parameters."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from agentsynth.evolve.normalise import Note, parameters_of

NAMES = st.sampled_from(["a", "b", "city name", "$meta", "x" * 70])
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "a", "bc", "2024"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
WORDS = st.sampled_from(
    "$ref $defs $schema type properties required items additionalProperties enum const anyOf oneOf allOf not if then else "
    "contains maxContains prefixItems patternProperties pattern format minimum exclusiveMinimum dependentSchemas nullable "
    "dependencies default description unevaluatedProperties a".split()
)
VALUES = st.sampled_from(["#", "#/properties/a", "#/$defs/a", "object", "string", "draft-07", "[", 1, -1, True, None, [], ["a"]])
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


def codes(schema: Any) -> set[tuple[str, str]]:
    return {(note.code, note.where) for note in parameters_of(raw(schema)).notes}


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
    [True, False, {}, {"type": "string"}, {"type": ["string", "null"]}, {"$ref": "#/$defs/tree"}, {"$ref": "#"}]
    + [{"$ref": "#/properties/a", "minLength": 1}, {"const": "a"}, {"oneOf": [{"type": "null"}, {"type": "integer"}]}]
    + [{"$ref": "https://elsewhere.example/schema"}, {"nullable": True, "type": "string"}]
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
    except Exception:
        return False  # An endless or an outside reference, or a foreign pattern: nothing is known.


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
    harmless |= {"items_added", "one_of_null", "all_of_merged"}
    if made.schema is None or {note.code for note in made.notes} - harmless:
        return
    for arguments in calls:
        assert accepts(made.schema, arguments) == accepts(schema, arguments)


@given(ROOTS | MESS | JSON)
def test_any_json_gives_a_legal_schema_that_stays_as_it_is_or_a_reason(schema: Any) -> None:
    before = repr(schema)
    made = parameters_of(raw(schema))
    assert repr(schema) == before
    if made.schema is None:
        assert made.unusable
        return
    assert made.unusable is None
    Draft202012Validator.check_schema(made.schema)
    assert made.schema["type"] == "object"
    assert isinstance(made.schema["properties"], dict)
    again = parameters_of(raw(made.schema))
    assert again.schema == made.schema
    assert again.notes == ()
