"""The questions of a preflight and what a model's answers to them are worth.

After the manner of MoonshotAI's K2-Vendor-Verifier: does a model call a tool when it should and
only then, and do its calls fit the tools' schemas? The questions and tools are our own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from jsonschema import Draft202012Validator
from pydantic import JsonValue

from agentsynth.core.chat import ChatReply, ChatRequest, ModelFault, RawCall
from agentsynth.core.frozen import Frozen
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.tools import Provenance, ToolSpec, spec_hash
from agentsynth.worlds.files import parse_yaml, validate

__all__ = ["Answer", "Case", "Scores", "Suite", "id_format", "load_suite", "request_of", "score"]


class OfferedTool(Frozen):
    """A tool as the suite's file has it."""

    name: str
    description: str
    parameters: dict[str, JsonValue]


class Turn(Frozen):
    """Something said or done before the question; one of the three."""

    user: str | None = None
    assistant: str | None = None
    call: str | None = None
    """A tool the assistant called."""
    arguments: dict[str, JsonValue] = {}
    result: str = ""


class Case(Frozen):
    """One question."""

    name: str
    needs: Literal["call", "none", "parallel"]
    """`call` = a call must come; `none` = none may; `parallel` = several at once should."""
    tool: str | None = None
    """The tool that is called."""
    say: str | None = None
    turns: tuple[Turn, ...] = ()
    """The conversation in place of `say`."""


class Structured(Frozen):
    """The question whose answer must keep to a schema."""

    say: str
    form: dict[str, JsonValue]
    """JSON Schema."""


class Suite(Frozen):
    """All that a preflight asks."""

    system: str
    tools: tuple[OfferedTool, ...]
    structured: Structured
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class Answer:
    """What came of one question."""

    case: Case
    reply: ChatReply | None
    """None = there was none."""
    fault: ModelFault | None = None
    detail: str = ""


@dataclass(frozen=True)
class Scores:
    """What the answers are worth; a share is None where nothing was there to be counted."""

    asked: int
    answered: int
    """Questions with any usable reply."""
    recall: float | None
    """Of the questions that need a call, those that got one."""
    precision: float | None
    """Of the replies with calls, those to questions that need one."""
    schema_accuracy: float | None
    """Of the calls, those of an offered tool whose arguments fit its schema."""
    right_tool: float | None
    """Of the questions that need a call and got one, those with the expected tool."""
    parallel: float | None
    """Of the questions for several calls at once, those that got them."""
    after_results: float | None
    """Of the conversations in which tools had been called before, those answered rightly."""
    wrong_calls: tuple[str, ...]
    """What is wrong with calls, in words, each once."""
    ids: tuple[str, ...]
    """Formats of the calls' ids."""
    from_text: int
    """Replies whose calls stood in the text."""


@cache
def load_suite() -> Suite:
    """Return the questions that come with the package."""
    source = files("agentsynth.pipeline").joinpath("preflight.yaml")
    return validate(Suite, parse_yaml(source.read_text(encoding="utf-8"), "preflight.yaml"))


@cache
def suite_tools() -> tuple[ToolSpec, ...]:
    """Return the tools that every question offers."""
    return tuple(_spec(tool) for tool in load_suite().tools)


def _spec(tool: OfferedTool) -> ToolSpec:
    hashed = spec_hash(tool.name, tool.description, tool.parameters, None, None)
    return ToolSpec(
        name=tool.name,
        description=tool.description,
        parameters=tool.parameters,
        read_only=False,
        provenance=Provenance(
            origin="synthetic", source="preflight", licence="Apache-2.0", spec_hash=hashed
        ),
    )


def request_of(case: Case, suite: Suite, max_tokens: int) -> ChatRequest:
    """Return the request that asks a question."""
    messages: list[Message] = [SystemMessage(content=suite.system)]
    if case.say is not None:
        messages.append(UserMessage(content=case.say))
    for number, turn in enumerate(case.turns, start=1):
        messages += _said(turn, number)
    return ChatRequest(messages, tools=suite_tools(), max_tokens=max_tokens)


def _said(turn: Turn, number: int) -> list[Message]:
    if turn.user is not None:
        return [UserMessage(content=turn.user)]
    if turn.call is None:
        return [AssistantMessage(content=turn.assistant or "")]
    call = ToolCall(id=f"call_{number}", name=turn.call, arguments=turn.arguments)
    return [
        AssistantMessage(content="", tool_calls=(call,)),
        ToolMessage(tool_call_id=call.id, name=call.name, content=turn.result),
    ]


def score(answers: Sequence[Answer]) -> Scores:
    """Return what the answers are worth."""
    needing = [a for a in answers if a.case.needs != "none"]
    triggered = [a for a in needing if _calls(a)]
    needless = [a for a in answers if a.case.needs == "none" and _calls(a)]
    calls = [call for answer in answers for call in _calls(answer)]
    wrong = [words for call in calls if (words := wrong_with(call)) is not None]
    right = [a for a in triggered if _calls(a)[0].name == a.case.tool]
    several = [a for a in answers if a.case.needs == "parallel"]
    later = [a for a in answers if a.case.turns]
    return Scores(
        asked=len(answers),
        answered=sum(a.reply is not None for a in answers),
        recall=_share(len(triggered), len(needing)),
        precision=_share(len(triggered), len(triggered) + len(needless)),
        schema_accuracy=_share(len(calls) - len(wrong), len(calls)),
        right_tool=_share(len(right), len(triggered)),
        parallel=_share(sum(len(_calls(a)) > 1 for a in several), len(several)),
        after_results=_share(sum(map(_rightly, later)), len(later)),
        wrong_calls=tuple(sorted(set(wrong))),
        ids=tuple(sorted({id_format(call.id) for call in calls})),
        from_text=sum(_in_text(a) for a in answers),
    )


def _rightly(answer: Answer) -> bool:
    calls = _calls(answer)
    if answer.case.needs == "none":
        return answer.reply is not None and not calls
    return bool(calls) and calls[0].name == answer.case.tool


def _calls(answer: Answer) -> tuple[RawCall, ...]:
    return () if answer.reply is None else answer.reply.calls


def _in_text(answer: Answer) -> bool:
    raw = {} if answer.reply is None else answer.reply.raw
    structured = raw.get("tool_calls") or raw.get("function_call")
    content = raw.get("content")
    # An action's text is JSON from its first character; markup in a text is not.
    action = isinstance(content, str) and content.lstrip().startswith("{")
    return bool(_calls(answer)) and not structured and not action


def wrong_with(call: RawCall) -> str | None:
    """Return what is wrong with a call, in words; None = it fits an offered tool's schema."""
    schemas: Mapping[str, Draft202012Validator] = _validators()
    if call.name not in schemas:
        return f"a call of {call.name!r}, which is not offered" if call.name else "a nameless call"
    if call.arguments is None:
        return f"{call.name}: {call.problem}"
    error = next(iter(schemas[call.name].iter_errors(dict(call.arguments))), None)
    return None if error is None else f"{call.name}: {error.message[:160]}"


@cache
def _validators() -> dict[str, Draft202012Validator]:
    return {tool.name: Draft202012Validator(tool.parameters) for tool in suite_tools()}


def _share(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


_IDS = (
    ("none", r""),
    ("functions.<tool>:<number>", r"functions\.\w+:\d+"),
    ("call_<letters>", r"call_\w+"),
    ("chatcmpl-tool-<hex>", r"chatcmpl-tool-[0-9a-f]+"),
    ("toolu_<letters>", r"toolu_\w+"),
    ("nine letters", r"[A-Za-z0-9]{9}"),
    ("uuid", r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"),
    ("32 letters", r"[A-Za-z0-9]{32}"),
)


def id_format(call_id: str) -> str:
    """Return the format of a call's id, in words."""
    return next((name for name, form in _IDS if re.fullmatch(form, call_id)), "another")
