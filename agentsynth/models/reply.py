"""The JSON of a chat completion as a `ChatReply`, whoever's dialect it is in."""

from collections.abc import Mapping
from typing import Any

from agentsynth.core.chat import ChatReply, ModelError, RawCall, Usage
from agentsynth.models.clean import clean_text, split_calls, split_thinking
from agentsynth.models.codec import BadJson, arguments_of, to_bytes
from agentsynth.models.faults import error_text, fault_of, shorten

__all__ = ["parts_text", "read_call", "read_reply", "read_usage"]


_UNSTATED = Usage()


def read_reply(body: object, *, tools_offered: bool) -> ChatReply:
    """Return the reply in a response body.

    Args:
        body: the JSON of the whole response.
        tools_offered: whether the request had tools; only then is call markup in the text a call
            (a judge may quote it).

    Raises:
        ModelError: `bad_reply` if there is nothing to use, or the fault an error object names. It
            carries the usage where the body states one.
    """
    if not isinstance(body, dict):
        raise ModelError("bad_reply", f"the reply is no JSON object: {shorten(repr(body), 100)}")
    usage = read_usage(body.get("usage"))
    choice = _choice(body, usage)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise ModelError("bad_reply", "the reply's choice has no message", usage=usage)
    role = message.get("role", "assistant")
    if role not in ("assistant", "", None):
        raise ModelError("bad_reply", f"the reply speaks as {role!r}", usage=usage)
    finish = choice.get("finish_reason")
    text, reasoning, calls = _read_message(message, tools_offered)
    if not text and not calls:
        thought = " after reasoning only" if reasoning else ""
        raise ModelError(
            "bad_reply",
            f"the reply has neither text nor calls{thought} (finish_reason {finish!r})",
            usage=usage,
        )
    model = body.get("model")
    return ChatReply(
        text=text,
        calls=calls,
        reasoning=reasoning,
        finish=finish if isinstance(finish, str) else "",
        usage=usage or _UNSTATED,
        model=model if isinstance(model, str) else "",
        raw=dict(message),
    )


def _choice(body: Mapping[str, Any], usage: Usage | None) -> Mapping[str, Any]:
    choices = body.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    for place in (body, first):
        if isinstance(place, dict) and place.get("error"):
            said, status = error_text(place)
            fault = "bad_reply" if status is None else fault_of(status, said)
            raise ModelError(fault, f"the reply is an error: {shorten(said)}", usage=usage)
    if not isinstance(first, dict):
        raise ModelError("bad_reply", "the reply has no choices", usage=usage)
    return first


def _read_message(
    message: Mapping[str, Any], tools_offered: bool
) -> tuple[str, str, tuple[RawCall, ...]]:
    """Return (text, reasoning, calls)."""
    text, thinking = parts_text(message.get("content"))
    if not text and isinstance(message.get("refusal"), str):
        text = message["refusal"]
    inline, text = split_thinking(text)
    reasoning = _reasoning(message) or thinking or inline
    calls = _calls(message)
    if tools_offered:
        text, attempts = split_calls(text)
        calls = calls or attempts
    return clean_text(text), clean_text(reasoning) if reasoning else "", calls


def parts_text(content: object) -> tuple[str, str]:
    """Return (text, reasoning) of a content, which is a text, a list of parts, or absent."""
    if isinstance(content, str):
        return content, ""
    text: list[str] = []
    thinking: list[str] = []
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            text.append(part)
        elif isinstance(part, Mapping):
            inner = next((part[name] for name in PART_TEXTS if name in part), None)
            said = inner if isinstance(inner, str) else "".join(parts_text(inner))
            kind = str(part.get("type", ""))
            (thinking if kind.startswith(("thinking", "reasoning")) else text).append(said)
    return "".join(text), "".join(thinking)


PART_TEXTS = ("text", "thinking", "reasoning", "refusal", "summary", "content")


def _reasoning(message: Mapping[str, Any]) -> str:
    for name in ("reasoning_content", "reasoning"):
        said = message.get(name)
        if isinstance(said, str) and said:
            return said
    details = message.get("reasoning_details")
    return "".join(parts_text(details)) if details else ""


def _calls(message: Mapping[str, Any]) -> tuple[RawCall, ...]:
    listed = message.get("tool_calls")
    calls = [read_call(one) for one in listed] if isinstance(listed, list) else []
    legacy = message.get("function_call")
    if not calls and isinstance(legacy, Mapping):
        calls = [read_call({"function": legacy})]
    if len(calls) < 2:
        return tuple(calls)
    seen: set[str] = set()
    told_apart: list[RawCall] = []
    for call in calls:
        call_id = "" if call.id in seen else call.id
        seen.add(call_id)
        told_apart.append(RawCall(call_id, call.name, call.text, call.arguments, call.problem))
    return tuple(told_apart)


def read_call(call: object) -> RawCall:
    """Return one entry of `tool_calls`; what is wrong with it is said and not mended.

    An id that another call of the reply has too is given to the first only.
    """
    call = call if isinstance(call, Mapping) else {}
    function = call.get("function")
    function = function if isinstance(function, Mapping) else {}
    name, given, call_id = function.get("name"), function.get("arguments"), call.get("id")
    given = "" if given is None else given
    text = given if isinstance(given, str) else to_bytes(given).decode()
    named = name if isinstance(name, str) else ""
    problem = None if named.strip() else "the call names no tool"
    arguments = None
    if problem is None:
        try:
            arguments = arguments_of(text)
        except BadJson as error:
            problem = str(error)
    return RawCall("" if call_id is None else str(call_id), named, text, arguments, problem)


def read_usage(stated: object) -> Usage | None:
    """Return the tokens an endpoint states; None = it states none."""
    if not isinstance(stated, dict):
        return None
    read = stated.get("prompt_tokens_details") or stated.get("input_tokens_details")
    wrote = stated.get("completion_tokens_details") or stated.get("output_tokens_details")
    cached = _count(read, "cached_tokens")
    if cached is None:
        cached = _count(stated, "prompt_cache_hit_tokens", "cached_tokens")
    usage = Usage(
        prompt=_count(stated, "prompt_tokens", "input_tokens"),
        completion=_count(stated, "completion_tokens", "output_tokens"),
        cached=cached,
        reasoning=_count(wrote, "reasoning_tokens"),
    )
    return None if usage == _UNSTATED else usage


def _count(stated: object, *names: str) -> int | None:
    if isinstance(stated, dict):
        for name in names:
            count = stated.get(name)
            if (type(count) is int or type(count) is float) and count >= 0:
                return int(count)
    return None
