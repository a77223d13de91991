"""What a tool's answer becomes: a message the agent sees, and a record of what the call did."""

import json
from collections.abc import Collection

from agentsynth.core.messages import ToolCall, ToolMessage
from agentsynth.core.protocols import ToolResult
from agentsynth.core.trajectory import CallRecord

__all__ = ["not_run", "observe"]

_SHOWN = 200
"""Characters of malformed arguments that the agent is shown again."""


def not_run(call: ToolCall, offered: Collection[str] | None) -> ToolResult | None:
    """Return what an agent sees whose call reaches no tool; None = the call can be made.

    Args:
        offered: the tools the agent has; None = whatever the world has.
    """
    if offered is not None and call.name not in offered:
        return _refused("unknown_tool", f"There is no tool named {call.name!r}.")
    if call.text is not None:
        shown = call.text if len(call.text) <= _SHOWN else call.text[:_SHOWN] + "…"
        return _refused(
            "malformed_arguments",
            f"The arguments of {call.name!r} are not a JSON object: {shown}",
        )
    return None


def _refused(code: str, message: str) -> ToolResult:
    text = json.dumps({"error": {"code": code, "message": message}}, ensure_ascii=False)
    return ToolResult(text, is_error=True, code=code)


def observe(call: ToolCall, result: ToolResult) -> tuple[ToolMessage, CallRecord]:
    """Return the message and the record of one answered call."""
    message = ToolMessage(
        tool_call_id=call.id, name=call.name, content=result.content, is_error=result.is_error
    )
    record = CallRecord(
        call_id=call.id,
        outcome="error" if result.is_error else "success",
        changes=result.changes,
        failure=result.failure,
    )
    return message, record
