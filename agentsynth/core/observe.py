"""What a tool's answer becomes: a message the agent sees, and a record of what the call did."""

import json

from agentsynth.core.messages import ToolCall, ToolMessage
from agentsynth.core.protocols import ToolResult
from agentsynth.core.trajectory import CallRecord

__all__ = ["observe", "unknown_tool"]


def unknown_tool(call: ToolCall) -> ToolResult:
    """Return what an agent sees that calls a tool it was not offered."""
    message = f"There is no tool named {call.name!r}."
    text = json.dumps({"error": {"code": "unknown_tool", "message": message}}, ensure_ascii=False)
    return ToolResult(text, is_error=True, code="unknown_tool")


def observe(call: ToolCall, result: ToolResult) -> tuple[ToolMessage, CallRecord]:
    """Return the message and the record of one answered call."""
    message = ToolMessage(
        tool_call_id=call.id, name=call.name, content=result.content, is_error=result.is_error
    )
    record = CallRecord(
        call_id=call.id,
        outcome="error" if result.is_error else "success",
        changes=result.changes,
    )
    return message, record
