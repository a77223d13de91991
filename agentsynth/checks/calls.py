"""The form of calls: offered tools, valid arguments, every call answered, replay agrees."""

from agentsynth.checks.evidence import MET, NOT_APPLICABLE, Evidence, Finding, failed
from agentsynth.core.messages import AssistantMessage, ToolMessage

__all__ = ["calls_valid", "replay_agrees", "tools_offered"]


def tools_offered(evidence: Evidence) -> Finding:
    """Every call is of a tool that was offered: none is invented."""
    if not evidence.calls:
        return NOT_APPLICABLE
    for index, call, _ in evidence.calls:
        if call.name not in evidence.runtime.spec_by_name:
            return failed("invented_tool", f"there is no tool {call.name!r}", index)
    return MET


def calls_valid(evidence: Evidence) -> Finding:
    """Every call names an offered tool, fits its schema, has its own id and one answer."""
    if not evidence.calls:
        return NOT_APPLICABLE
    ids = [call.id for _, call, _ in evidence.calls]
    if len(set(ids)) != len(ids):
        return failed("invalid_call", "two calls share an id")
    for index, call, answer in evidence.calls:
        checker = evidence.runtime.checkers.get(call.name)
        if checker is None:
            return failed("invalid_call", f"there is no tool {call.name!r}", index)
        if call.text is not None:
            return failed("invalid_call", f"{call.name}: the arguments are no JSON object", index)
        wrong = checker.error(call.arguments)
        if wrong is not None:
            return failed("invalid_call", f"{call.name}: {wrong}", index)
        if answer is None or answer.name != call.name:
            return failed("invalid_call", f"{call.name} ({call.id}) has no answer", index)
    return _answers_follow(evidence)


def _answers_follow(evidence: Evidence) -> Finding:
    """Every answer stands directly behind the message that called."""
    open_calls: list[str] = []
    for index, message in enumerate(evidence.messages):
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in open_calls:
                return failed("invalid_call", "an answer belongs to no open call", index)
            open_calls.remove(message.tool_call_id)
        elif open_calls:
            return failed(
                "invalid_call", "the conversation goes on before a call is answered", index
            )
        elif isinstance(message, AssistantMessage):
            open_calls = [call.id for call in message.tool_calls]
    if open_calls:
        return failed("invalid_call", "the last call is not answered", len(evidence.messages) - 1)
    return MET


def replay_agrees(evidence: Evidence) -> Finding:
    """Re-executing the calls gave the same answers and the same final state."""
    if evidence.replay.differences:
        return failed("replay_mismatch", "; ".join(evidence.replay.differences))
    return MET
