"""What a tool's answer becomes: a message the agent sees, and a record of what the call did."""

from agentsynth.core.messages import ToolCall, ToolMessage
from agentsynth.core.protocols import ToolResult
from agentsynth.core.trajectory import CallRecord

__all__ = ["observe"]


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
