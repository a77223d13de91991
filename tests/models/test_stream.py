import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentsynth.core.chat import ModelError, Usage
from agentsynth.models.reply import read_reply
from agentsynth.models.stream import Merger


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def sse(*chunks: Any, done: bool = True) -> bytes:
    events = [f"data: {json.dumps(one)}\n\n" for one in chunks]
    return "".join([*events, "data: [DONE]\n\n" if done else ""]).encode()


def merged(data: bytes) -> dict[str, Any]:
    merger = Merger()
    merger.feed(data)
    return merger.body()


def message(*deltas: dict[str, Any]) -> dict[str, Any]:
    return merged(sse(*map(chunk, deltas), chunk({}, "stop")))["choices"][0]["message"]


def part(arguments: Any = None, **more: Any) -> dict[str, Any]:
    name = more.pop("name", None)
    return {"tool_calls": [{**more, "function": {"name": name, "arguments": arguments}}]}


def calls(*deltas: dict[str, Any]) -> list[tuple[str, str, Any]]:
    return [
        (one["id"], one["function"]["name"], one["function"]["arguments"])
        for one in message(*deltas)["tool_calls"]
    ]


def test_pieces_are_one_message() -> None:
    body = merged(
        sse(
            chunk({"role": "assistant", "content": ""}),
            chunk({"reasoning_content": "h"}),
            chunk({"reasoning_content": "m"}),
            chunk({"content": "Hel"}),
            chunk({"content": "lo"}, "stop"),
            {"choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2}},
        )
    )
    reply = read_reply(body, tools_offered=True)
    assert (reply.text, reply.reasoning, reply.finish, reply.model) == ("Hello", "hm", "stop", "m")
    assert reply.usage == Usage(9, 2)


def test_calls_are_merged_by_their_index() -> None:
    assert calls(
        part("", index=0, id="a", name="f"),
        part("", index=1, id="b", name="g"),
        part('{"x"', index=0),
        part('{"y"', index=1),
        part(": 1}", index=0),
        part(": 2}", index=1),
    ) == [("a", "f", '{"x": 1}'), ("b", "g", '{"y": 2}')]


def test_a_server_that_repeats_ids_and_names_means_one_call() -> None:
    assert calls(
        part('{"x"', index=0, id="a", name="f"), part(": 1}", index=0, id="a", name="f")
    ) == [("a", "f", '{"x": 1}')]


def test_a_server_that_gives_every_call_index_0_means_several() -> None:
    assert calls(
        part('{"x": 1}', index=0, id="a", name="f"), part('{"x": 2}', index=0, id="b", name="f")
    ) == [("a", "f", '{"x": 1}'), ("b", "f", '{"x": 2}')]


def test_a_server_without_indices_means_a_new_call_by_a_new_id() -> None:
    assert calls(
        part('{"x"', id="a", name="f"),
        part(": 1}"),
        part("{}", id="b", name="f"),
        part("", id="a"),
    ) == [("a", "f", '{"x": 1}'), ("b", "f", "{}")]


def test_arguments_may_come_as_an_object() -> None:
    assert calls(part({"x": 1}, index=0, id="a", name="f")) == [("a", "f", {"x": 1})]


def test_a_legacy_call_is_merged_too() -> None:
    assert calls(
        {"function_call": {"name": "f", "arguments": "{"}}, {"function_call": {"arguments": "}"}}
    ) == [("", "f", "{}")]


def test_other_choices_and_odd_chunks_are_left_out() -> None:
    other = {"choices": [{"index": 1, "delta": {"content": "no"}}]}
    body = merged(
        sse(other, [], {"choices": None}, {"choices": [None]}, chunk({"content": "yes"}, "stop"))
    )
    assert body["choices"][0]["message"]["content"] == "yes"


def test_comments_other_fields_and_a_missing_blank_line_do_no_harm() -> None:
    data = b": keep-alive\n\nevent: x\nid: 1\nretry: 5\n"
    data += b"data:" + json.dumps(chunk({"content": "a"})).encode() + b"\n"
    data += sse(chunk({"content": "b"}, "stop"))
    assert merged(data)["choices"][0]["message"]["content"] == "ab"


def test_an_event_may_be_spread_over_lines() -> None:
    lines = json.dumps(chunk({"content": "a"}, "stop"), indent=1).splitlines()
    data = "".join(f"data: {line}\r\n" for line in lines) + "\r\n"
    assert merged(data.encode())["choices"][0]["message"]["content"] == "a"


def test_a_line_end_may_be_cut_in_two() -> None:
    lines = json.dumps(chunk({"content": "a"}, "stop"), indent=1).splitlines()
    data = "".join(f"data: {line}\r\n" for line in lines).encode() + b"\r\n"
    for cut in range(len(data)):
        merger = Merger()
        merger.feed(data[:cut])
        merger.feed(data[cut:])
        assert merger.body()["choices"][0]["message"]["content"] == "a"


def test_what_comes_after_the_end_is_not_read() -> None:
    data = sse(chunk({"content": "a"}, "stop")) + sse(chunk({"content": "b"}))
    assert merged(data)["choices"][0]["message"]["content"] == "a"


@pytest.mark.parametrize("cut", [b"", b"data: ", b'data: {"choices": [{"del', b": wait"])
def test_a_stream_that_breaks_off_is_no_reply(cut: bytes) -> None:
    usage = {"prompt_tokens": 9}
    merger = Merger()
    merger.feed(sse(chunk({"content": "Hel"}, usage=usage), done=False) + cut)
    with pytest.raises(ModelError, match="broke off") as caught:
        merger.body()
    assert (caught.value.fault, caught.value.usage) == ("unreachable", Usage(9))


@pytest.mark.parametrize("done", [True, False])
def test_a_reason_to_finish_or_the_end_mark_completes_a_stream(done: bool) -> None:
    data = sse(chunk({"content": "a"}, None if done else "stop"), done=done)
    assert merged(data)["choices"][0]["message"]["content"] == "a"


def test_an_error_in_a_stream_is_the_reply() -> None:
    data = sse(chunk({"content": "Hel"}), {"error": {"message": "out of memory", "code": 500}})
    with pytest.raises(ModelError, match="out of memory") as caught:
        read_reply(merged(data), tools_offered=True)
    assert caught.value.fault == "overloaded"


def test_an_event_that_is_no_json_is_a_bad_reply() -> None:
    with pytest.raises(ModelError, match="no JSON") as caught:
        Merger().feed(b"data: oops\n\n")
    assert caught.value.fault == "bad_reply"


@pytest.mark.parametrize(
    ("delta", "begun"),
    [
        ({"role": "assistant", "content": ""}, False),
        ({"content": "a"}, True),
        ({"reasoning": "a"}, True),
        (part("", index=0, id="a", name="f"), True),
    ],
)
def test_a_first_token_is_a_piece_of_the_reply(delta: dict[str, Any], begun: bool) -> None:
    merger = Merger()
    merger.feed(sse(chunk(delta), done=False))
    assert merger.begun is begun


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
written = st.builds(
    lambda content, reasoning, tool_calls: {
        "role": "assistant",
        "content": content,
        "reasoning_content": reasoning,
        "tool_calls": [
            {"id": f"c{at}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for at, (name, arguments) in enumerate(tool_calls)
        ],
    },
    texts,
    texts,
    st.lists(st.tuples(st.text(min_size=1, max_size=5), texts), max_size=3),
)


@given(written, st.data())
def test_a_stream_cut_anywhere_is_the_reply_that_was_not_streamed(
    whole: dict[str, Any], data: st.DataObject
) -> None:
    deltas = [chunk({"role": "assistant"})]
    for name in ("reasoning_content", "content"):
        deltas += [chunk({name: letter}) for letter in whole[name]]
    for at, one in enumerate(whole["tool_calls"]):
        function = one["function"]
        deltas.append(chunk(part("", index=at, id=one["id"], name=function["name"])))
        deltas += [chunk(part(letter, index=at)) for letter in function["arguments"]]
    usage = {"prompt_tokens": 3}
    stream = sse(*deltas, chunk({}, "stop"), {"choices": [], "usage": usage})
    stream = stream.replace(b"\n", data.draw(st.sampled_from([b"\n", b"\r\n", b"\r"])))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    merger = Merger()
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        merger.feed(stream[start:end])
    plain = {
        "model": "m",
        "choices": [{"message": whole, "finish_reason": "stop"}],
        "usage": usage,
    }
    assert outcome(merger.body()) == outcome(plain)


def outcome(body: dict[str, Any]) -> Any:
    try:
        reply = read_reply(body, tools_offered=False)
    except ModelError as error:
        return error.fault, str(error), error.usage
    return reply.text, reply.reasoning, reply.calls, reply.finish, reply.usage, reply.model


@given(st.binary(max_size=80))
def test_no_stream_is_a_bug(data: bytes) -> None:
    merger = Merger()
    with suppress(ModelError):
        merger.feed(b"data: " + data)
        merger.body()
