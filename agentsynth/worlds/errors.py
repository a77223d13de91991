"""How a refusal looks to whoever called: an object with its code, like HTTP, or a sentence."""

import json

from agentsynth.core.domain import ErrorStyle
from agentsynth.core.errors import ToolError

__all__ = ["error_text", "status_of"]

_PHRASES = {  # Python's own differ between its versions
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    423: "Locked",
    428: "Precondition Required",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
_STATUS_BY_FORM = (
    (("unknown_",), ("_not_found",), 404),
    (("invalid_",), (), 400),
    ((), ("_forbidden",), 403),
    (("already_",), ("_taken", "_exists", "_conflict"), 409),
)


def status_of(error: ToolError) -> int:
    """Return an error's HTTP status: its own, or the one its code suggests."""
    if error.status is not None:
        return error.status
    for starts, ends, status in _STATUS_BY_FORM:
        if error.code.startswith(starts) or error.code.endswith(ends):
            return status
    return 422


def error_text(error: ToolError, style: ErrorStyle) -> str:
    """Return what the agent reads of an error."""
    if style == "prose":
        return f"Error: {error.message}"
    if style == "codes":
        shown: object = {"error": {"code": error.code, "message": error.message}}
    else:
        status = status_of(error)
        shown = {"status": status, "error": _PHRASES.get(status, "Error"), "detail": error.message}
    return json.dumps(shown, ensure_ascii=False)
