"""What kind of answer a live server gave: a success, or one of three kinds of error.

Servers report errors in three ways, and many of them only in the text. All three are answers that
the agent sees; none is a failure of the rollout.
"""

import re

from agentsynth.core.live_notes import LiveNotes
from agentsynth.core.trajectory import Failure
from agentsynth.worlds.wire import CallReply

__all__ = ["failure_of"]


def failure_of(reply: CallReply, notes: LiveNotes) -> Failure | None:
    """Return how a server's answer says that the call failed; None = it succeeded.

    `protocol`: a JSON-RPC error. `marked`: a result marked as an error. `text`: only the text says
    so, by the manifest's prefixes and patterns.
    """
    if reply.protocol_error:
        return "protocol"
    if reply.is_error:
        return "marked"
    told = reply.text.startswith(notes.error_prefixes) or any(
        re.search(pattern, reply.text) for pattern in notes.error_patterns
    )
    return "text" if told else None
