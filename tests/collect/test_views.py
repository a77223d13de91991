"""A tool in OpenAI's terms, and the strict form of its parameters."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from agentsynth.evolve.normalise import parameters_of
from agentsynth.evolve.schema_views import (
    openai_name,
    openai_view,
    original_arguments,
    server_prefix,
    shortened,
)
from agentsynth.evolve.strict import from_strict, strict_view
from tests.collect.test_normalise import ARGUMENTS, JSON, MESS, ROOTS, accepts, raw

TEXTS = st.text(alphabet="ab_-. /é", max_size=90) | st.text(max_size=90)


def obj(properties: dict[str, Any], *required: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **more}


@given(st.lists(TEXTS, unique=True, max_size=20), TEXTS)
def test_distinct_names_under_one_prefix_stay_distinct_and_legal(
    names: list[str], prefix: str
) -> None:
    made = [openai_name(name, prefix) for name in names]
    assert len(set(made)) == len(names)
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in made)
    assert [openai_name(name, "") for name in made] == made


@given(st.lists(st.tuples(TEXTS, TEXTS.filter(bool)), unique=True, max_size=20))
def test_no_two_tools_of_any_servers_share_a_name(tools: list[tuple[str, str]]) -> None:
    made = {openai_name(name, server_prefix(server)) for server, name in tools}
    assert len(made) == len(tools)


def test_a_name_that_fits_is_kept_and_a_long_one_keeps_its_beginning() -> None:
    assert server_prefix("time") == "mcp__time__"
    assert openai_name("get_time", "mcp__time__") == "mcp__time__get_time"
    long = openai_name("list_" + "very_" * 20 + "long", "mcp__time__")
    assert long.startswith("mcp__time__list_very_very_")
    assert len(long) == 64
    assert server_prefix("a_") + "b" != server_prefix("a") + "_b"


@given(st.text(alphabet="word 一 \n", max_size=1500), st.integers(20, 1024))
def test_a_shortened_text_is_a_beginning_within_the_limit(text: str, limit: int) -> None:
    made = shortened(text, limit)
    assert len(made) <= limit
    assert shortened(made, limit) == made
    assert text.startswith(made.removesuffix("…")) or made == text


def test_a_description_is_cut_between_words() -> None:
    assert shortened("one two three four", 12) == "one two…"
    assert shortened("one two three four", 14) == "one two three…"
    assert shortened("一二三四五六七八九十", 5) == "一二三四…"
    tool = openai_view({"name": "t", "description": "word " * 400, "inputSchema": obj({})}, "x_")
    assert len(tool.description) <= 1024
    assert tool.full_description == "word " * 400


def test_property_names_that_break_the_rule_have_a_way_back() -> None:
    schema = obj({"$meta": obj({"{{user}}": {"type": "string"}}, "{{user}}"), "_meta": {}}, "$meta")
    tool = openai_view(raw({**schema, "dependentRequired": {"$meta": ["_meta"]}}), "")
    seen: Any = tool.parameters.schema
    safe, other = seen["properties"]
    assert other == "_meta"
    assert seen["required"] == [safe]
    assert seen["dependentRequired"] == {safe: ["_meta"]}
    inner = next(iter(seen["properties"][safe]["properties"]))
    assert re.fullmatch(r"[a-zA-Z0-9_.-]{1,64}", safe + inner)
    call: dict[str, Any] = {safe: {inner: "u"}, "_meta": [{inner: 1}]}
    assert Draft202012Validator(seen).is_valid({safe: {inner: "u"}, "_meta": 1})
    assert original_arguments(tool, {safe: {inner: "u"}, "_meta": 1}) == {"$meta": {"{{user}}": "u"}, "_meta": 1}  # fmt: skip
    assert not Draft202012Validator(seen).is_valid({"$meta": call})


@given(st.dictionaries(TEXTS, JSON, max_size=3) | ROOTS.map(raw) | MESS.map(raw), JSON, JSON, TEXTS)
def test_views_take_any_json_and_leave_it_as_it_was(
    tool: dict[str, Any], name: Any, description: Any, prefix: str
) -> None:
    given_tool = {**tool, "name": name, "description": description}
    before = repr(given_tool)
    seen = openai_view(given_tool, prefix)
    strict = strict_view(given_tool)
    assert repr(given_tool) == before
    assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", seen.name)
    for schema in (seen.parameters.schema, strict.schema):
        if schema is not None:
            Draft202012Validator.check_schema(schema)
    if seen.parameters.schema is not None:
        again = openai_view({**given_tool, "inputSchema": seen.parameters.schema}, prefix)
        assert again.parameters.schema == seen.parameters.schema
    if strict.schema is not None:
        once_more = strict_view({"inputSchema": strict.schema})
        assert once_more.schema == strict.schema


@pytest.mark.parametrize(
    ("node", "strict"),
    [
        ({"type": "string"}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": "string", "description": "D", "default": "x", "minLength": 1}, {"description": 'D Default: "x". Shortest length: 1.', "anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"enum": ["a", "b"]}, {"anyOf": [{"enum": ["a", "b"], "type": "string"}, {"type": "null"}]}),
        ({"const": 3}, {"anyOf": [{"enum": [3], "type": "integer"}, {"type": "null"}]}),
        ({"type": "string", "format": "date"}, {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}),
        ({"type": "string", "format": "uri"}, {"description": 'Format: "uri".', "anyOf": [{"type": "string"}, {"type": "null"}]}),
        (obj({"c": {"type": "integer"}}), {"anyOf": [obj({"c": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}, "c", additionalProperties=False), {"type": "null"}]}),
    ],
)  # fmt: skip
def test_an_optional_property_becomes_required_and_nullable(node: Any, strict: Any) -> None:
    made = strict_view(raw(obj({"a": node})))
    assert made.schema == obj({"a": strict}, "a", additionalProperties=False)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (obj({}, additionalProperties=True), "additionalProperties at /"),
        (obj({}, additionalProperties={"type": "string"}), "additionalProperties at /"),
        (obj({"a": {"type": "object"}}), "any object at /properties/a"),
        (obj({"a": {}}), "no type at /properties/a"),
        (obj({"a": {"type": "array"}}), "no type at /properties/a/items"),
        (obj({"a": {"oneOf": [{"type": "string"}, {"type": "integer"}]}}), "oneOf at /properties/a"),
        (obj({}, anyOf=[{"required": []}]), "anyOf at /"),
        (obj({"$a": {"type": "string"}}), "property name '$a' at /"),
        (obj({"a": {"type": "string", "pattern": "\\p{L}"}}), "pattern_dropped at /properties/a/pattern"),
        (obj({"a": {"enum": list(range(1001))}}), "1001 enum values"),
        ({}, "unusable: the input schema has neither a type nor parameters: they were lost"),
    ],
)  # fmt: skip
def test_a_schema_without_a_strict_form_says_why(schema: Any, reason: str) -> None:
    made = strict_view(raw(schema))
    assert made.schema is None
    assert reason in made.refused


def test_nulls_for_left_out_are_gone_from_the_call_and_real_nulls_stay() -> None:
    item = obj({"id": {"type": "integer"}, "note": {"type": "string"}}, "id")
    schema = obj(
        {
            "items": {"type": "array", "items": {"anyOf": [item, {"type": "string"}]}},
            "until": {"type": ["string", "null"]},
            "limit": {"type": "integer"},
        }
    )
    view = strict_view(raw(schema))
    assert view.schema is not None
    call: Any = {"items": [{"id": 1, "note": None}, "x"], "until": None, "limit": None}
    assert Draft202012Validator(view.schema).is_valid(call)
    assert from_strict(view, call) == {"items": [{"id": 1}, "x"], "until": None}


SIMPLE = st.recursive(
    st.sampled_from(
        [{"type": "string"}, {"type": ["integer", "null"]}, {"enum": ["a", "bc"]}, {"type": "boolean", "default": True}]
    ),
    lambda inner: st.builds(lambda a: {"type": "array", "items": a}, inner)
    | st.builds(lambda a, b: {"anyOf": [a, b]}, inner, inner)
    | st.builds(lambda a, b, names: obj({"a": a, "b": b}, *names), inner, inner, st.sets(st.sampled_from("ab"))),
    max_leaves=5,
)  # fmt: skip


@given(st.data(), SIMPLE, SIMPLE, st.sets(st.sampled_from(["a", "b"])))
def test_a_strict_call_is_one_the_raw_schema_accepts(
    data: st.DataObject, a: Any, b: Any, names: set[str]
) -> None:
    schema = obj({"a": a, "b": b}, *sorted(names))
    view = strict_view(raw(schema))
    assert view.schema is not None, view.refused
    call = data.draw(_fitting(view.schema))
    assert accepts(view.schema, call)
    assert accepts(schema, from_strict(view, call))


def _fitting(schema: Any) -> st.SearchStrategy[Any]:
    if "anyOf" in schema:
        return st.one_of([_fitting(branch) for branch in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return st.fixed_dictionaries({k: _fitting(v) for k, v in schema["properties"].items()})
        case "array":
            return st.lists(_fitting(schema["items"]), max_size=2)
        case name:
            return {"string": st.text(max_size=2), "integer": st.integers(), "boolean": st.booleans(), "null": st.none()}[name]  # fmt: skip


@given(ROOTS, st.lists(ARGUMENTS, max_size=6))
def test_renamed_parameters_accept_the_same_calls(
    schema: dict[str, Any], calls: list[dict[str, Any]]
) -> None:
    plain, tool = parameters_of(raw(schema)), openai_view(raw(schema), "")
    if plain.schema is None or tool.parameters.schema is None:
        return
    if "patternProperties" in str(plain.schema) or "propertyNames" in str(plain.schema):
        return
    there = {name: safe for safe, name in tool.original_names.items()}
    for call in calls:
        renamed = _renamed(call, there)
        assert original_arguments(tool, renamed) == call
        assert accepts(tool.parameters.schema, renamed) == accepts(plain.schema, call)


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {names.get(key, key): _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value
