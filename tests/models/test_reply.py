import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.chat import ChatReply, ModelError, RawCall, Usage
from agentsynth.models.clean import clean_text
from agentsynth.models.codec import BadJson, from_bytes, to_bytes
from agentsynth.models.reply import read_reply


def body(message: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m-1", "choices": [{"message": message, "finish_reason": "stop"}], **more}


def read(message: Any, *, tools: bool = True, **more: Any) -> ChatReply:
    return read_reply(body(message, **more), tools_offered=tools)


def call(arguments: Any, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "function": {"name": "find", "arguments": arguments}, **more}


def test_a_plain_reply_is_its_text() -> None:
    reply = read({"role": "assistant", "content": " Hello.\r\n"})
    assert (reply.text, reply.calls, reply.finish, reply.model) == ("Hello.", (), "stop", "m-1")
    assert reply.raw == {"role": "assistant", "content": " Hello.\r\n"}
    assert reply.usage == Usage()


@pytest.mark.parametrize(
    ("arguments", "text", "read_as"),
    [
        ('{"a": 1}', '{"a": 1}', {"a": 1}),
        ({"a": [1, None]}, '{"a":[1,null]}', {"a": [1, None]}),
        ("", "", {}),
        ("  ", "  ", {}),
        (None, "", {}),
        ('{"a": 123456789012345678901234567890}', None, {"a": 123456789012345678901234567890}),
    ],
)
def test_arguments_are_an_object_however_they_travel(
    arguments: Any, text: str | None, read_as: Any
) -> None:
    (only,) = read({"content": None, "tool_calls": [call(arguments)]}).calls
    assert only == RawCall("c1", "find", arguments if text is None else text, read_as)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ('{"a": ', "no JSON"),
        ('{"a": 1} thanks', "no JSON"),
        ("{'a': 1}", "no JSON"),
        ('"{}"', "string, not an object"),
        ("[]", "list, not an object"),
        ("null", "null, not an object"),
        ([1], "list, not an object"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "1" * 5000 + "}", "too long"),
        ('{"a": 1, "a": 2}', "'a' is given twice"),
        ('{"a": "\\ud800"}', "surrogate"),
        ('{"a": "\x01"}', "no JSON"),
        ("[" * 100_000, "too deep"),
    ],
)
def test_arguments_that_are_no_object_are_kept_and_not_mended(arguments: Any, why: str) -> None:
    (only,) = read({"content": "", "tool_calls": [call(arguments)]}).calls
    assert only.arguments is None
    assert only.problem is not None
    assert why in only.problem
    assert only.text == (arguments if isinstance(arguments, str) else json.dumps(arguments))


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "c1", "function": {"name": "", "arguments": "{}"}},
        {"id": "c1", "function": {"arguments": "{}"}},
        {"id": "c1", "function": None},
        {"id": "c1"},
        "find",
        None,
    ],
)
def test_a_call_that_names_no_tool_is_reported(broken: Any) -> None:
    (only,) = read({"content": "", "tool_calls": [broken]}).calls
    assert (only.arguments, only.problem) == (None, "the call names no tool")


def test_an_id_belongs_to_the_first_call_that_has_it() -> None:
    listed = [call("{}"), call("{}"), call("{}", id=None), call("{}", id=7)]
    assert [one.id for one in read({"tool_calls": listed}).calls] == ["c1", "", "", "7"]


def test_a_legacy_function_call_is_a_call() -> None:
    reply = read({"content": None, "function_call": {"name": "find", "arguments": "{}"}})
    assert reply.calls == (RawCall("", "find", "{}", {}),)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "Hel"}, {"type": "text", "text": "lo"}], "Hello"),
        (["Hel", "lo"], "Hello"),
        ([{"type": "text", "text": None}, {"type": "image_url"}, 3, {"text": "Hello"}], "Hello"),
    ],
)
def test_a_content_of_parts_is_one_text(content: Any, text: str) -> None:
    assert read({"content": content}).text == text


@pytest.mark.parametrize(
    "message",
    [
        {"content": "yes", "reasoning_content": "hm"},
        {"content": "yes", "reasoning": "hm", "reasoning_content": None},
        {"content": "yes", "reasoning_details": [{"type": "reasoning.text", "text": "hm"}]},
        {"content": "<think>\nhm\n</think>\n\nyes"},
        {"content": "hm</think>yes"},
        {
            "content": [
                {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                {"type": "text", "text": "yes"},
            ]
        },
    ],
)
def test_reasoning_is_found_wherever_it_stands(message: Any) -> None:
    reply = read(message)
    assert (reply.reasoning, reply.text) == ("hm", "yes")


def test_a_thought_that_is_spoken_of_later_is_no_reasoning() -> None:
    text = "Write <think> and </think> around it."
    assert read({"content": text}).text == text


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            Usage(9, 5, 4, 2),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "prompt_cache_hit_tokens": 4},
            Usage(9, 5, 4),
        ),
        ({"prompt_tokens": 9, "completion_tokens": 5, "cached_tokens": 4}, Usage(9, 5, 4)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 0,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
            Usage(9, 0, 0),
        ),
        ({"prompt_tokens": 9, "prompt_tokens_details": None}, Usage(9)),
        ({"prompt_tokens": "9", "completion_tokens": -1}, Usage()),
        (None, Usage()),
        ([], Usage()),
    ],
)
def test_usage_is_what_the_endpoint_states_and_not_more(usage: Any, expected: Usage) -> None:
    assert read({"content": "Hi."}, usage=usage).usage == expected


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "ok",
        {},
        {"choices": []},
        {"choices": None},
        {"choices": [None]},
        {"choices": [{}]},
        {"choices": [{"message": None}]},
        body({"role": "user", "content": "Hello."}),
        body({"role": "assistant", "content": None}),
        body({"content": "<think>too long"}),
        body({"content": "<|im_end|>"}),
    ],
)
def test_a_reply_that_cannot_be_used_is_refused_with_what_it_cost(broken: Any) -> None:
    if isinstance(broken, dict):
        broken = {**broken, "usage": {"prompt_tokens": 9}}
    with pytest.raises(ModelError) as caught:
        read_reply(broken, tools_offered=True)
    assert caught.value.fault == "bad_reply"
    assert caught.value.usage == (Usage(9) if isinstance(broken, dict) else None)


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        ({"message": "the engine died", "code": 502}, "overloaded"),
        ({"message": "slow down", "code": "429"}, "rate_limited"),
        ({"message": "no such model", "code": 404}, "denied"),
        ({"message": "hm", "code": "weird"}, "bad_reply"),
        ("the engine died", "bad_reply"),
    ],
)
def test_an_error_under_status_200_is_an_error(error: Any, fault: str) -> None:
    for place in ({"error": error}, {"choices": [{"error": error, "message": {"content": ""}}]}):
        with pytest.raises(ModelError) as caught:
            read_reply(place, tools_offered=True)
        assert caught.value.fault == fault
        assert (error if isinstance(error, str) else error["message"]) in str(caught.value)


ATTEMPTS = [
    ('<tool_call>\n{"name": "find", "arguments": {"a": 1}}\n</tool_call>', "find"),
    ("<tool_call>find\n<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>", "find"),
    ("<tool_call>\n<function=find>\n<parameter=a>1</parameter>\n</function>\n</tool_call>", "find"),
    ('<tool_call>{"name": "find"', "find"),
    ("<function=find>{}</function>", "find"),
    (
        "<|tool_calls_section_begin|><|tool_call_begin|>functions.find:0"
        "<|tool_call_argument_begin|>{}<|tool_call_end|><|tool_calls_section_end|>",
        "find",
    ),
    (
        "<\uff5ctool\u2581calls\u2581begin\uff5c><\uff5ctool\u2581call\u2581begin\uff5c>function"
        "<\uff5ctool\u2581sep\uff5c>find\n{}<\uff5ctool\u2581calls\u2581end\uff5c>",
        "find",
    ),
    ('[TOOL_CALLS][{"name": "find", "arguments": {}}]', "find"),
    ("[TOOL_CALLS]find[ARGS]{}", "find"),
    ('<|python_tag|>{"name": "find", "parameters": {}}', "find"),
    ('<invoke name="find"></invoke>', "find"),
    ("<tool_call></tool_call>", ""),
]


@pytest.mark.parametrize(("markup", "name"), ATTEMPTS)
def test_a_call_written_as_text_is_a_malformed_call(markup: str, name: str) -> None:
    reply = read({"content": f"One moment. {markup}"})
    assert reply.text == "One moment."
    (only,) = reply.calls
    assert (only.name, only.text, only.arguments) == (name, markup, None)
    assert only.problem is not None


@pytest.mark.parametrize(("markup", "name"), ATTEMPTS)
def test_markup_beside_real_calls_is_no_call(markup: str, name: str) -> None:
    reply = read({"content": f"One moment. {markup}", "tool_calls": [call("{}")]})
    assert reply.text == "One moment."
    assert [one.problem for one in reply.calls] == [None]


@pytest.mark.parametrize(("markup", "name"), ATTEMPTS)
def test_where_no_tools_are_offered_markup_is_a_quotation(markup: str, name: str) -> None:
    reply = read({"content": f"It wrote {markup} there."}, tools=False)
    assert reply.text == f"It wrote {markup} there."
    assert reply.calls == ()


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Hello.<|im_end|>", "Hello."),
        ("Hello.<|eot_id|>\n</s> ", "Hello."),
        ("Hello <|im_end|> there", "Hello <|im_end|> there"),
        ("a\x00b\x1b\x85c", "abc"),
        ("a\ud83dz", "a\ufffdz"),
        ("a\r\nb\rc\td", "a\nb\nc\td"),
        ("grüße 😀 \u200d", "grüße 😀 \u200d"),
        ("[1, 2]", "[1, 2]"),
        ("a > b > ", "a > b >"),
    ],
)
def test_text_is_cleaned_of_what_was_never_meant_as_words(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


@given(st.text(st.characters(), max_size=60))
def test_what_is_clean_stays_as_it_is_and_can_be_stored(text: str) -> None:
    clean = clean_text(text)
    assert clean_text(clean) == clean
    clean.encode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=12,
)
fields = st.sampled_from(
    ["choices", "message", "content", "tool_calls", "function", "name", "arguments", "usage",
     "prompt_tokens", "error", "code", "reasoning", "reasoning_details", "function_call", "text",
     "id", "role", "delta", "finish_reason", "prompt_tokens_details"]
)  # fmt: skip
odd = st.recursive(
    json_values,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(fields, inner, max_size=5),
    max_leaves=25,
)


@given(odd | st.builds(body, odd))
def test_no_reply_is_a_bug(reply: Any) -> None:
    with suppress(ModelError):
        read_reply(reply, tools_offered=True)


@given(json_values)
def test_what_was_written_is_read_as_it_was(value: Any) -> None:
    first = from_bytes(to_bytes(value))
    assert from_bytes(to_bytes(first)) == first


@pytest.mark.parametrize(
    "data", [b"", b"{", b"NaN", b"[1e999]", b"\xff", b"<html>", b"[" * 100_000]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    with pytest.raises(BadJson):
        from_bytes(data)


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf{}", b'{"a": "\xff"}', b'{"a": "\x01"}', b'"\\ud800"']
)
def test_json_that_is_a_little_broken_is_read(data: bytes) -> None:
    assert from_bytes(data) is not None
