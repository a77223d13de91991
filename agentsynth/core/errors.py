"""Every error the engine raises on purpose.

AgentsynthError
├── UserError        something the user gave is wrong: config, file, argument (exit code 2)
├── RunError         the work could not be finished: disk, server, gate (exit code 1)
│   ├── StoreError   the run's store cannot be read or written
│   └── ServerError  a live tool server failed to start, answer or behave
├── DomainError      a domain (ours or a plugin's) broke its own rules while running
└── Interrupted      the user stopped the run; everything finished is saved (exit code 130)

`ToolError` is none of these: it is an answer of the world that the agent should see.
"""

from collections.abc import Sequence

__all__ = [
    "AgentsynthError",
    "DomainError",
    "Interrupted",
    "Problem",
    "RunError",
    "ServerError",
    "StoreError",
    "ToolError",
    "UserError",
    "render_problems",
]


class AgentsynthError(Exception):
    """Base of the errors a command turns into one message instead of a traceback."""


class UserError(AgentsynthError):
    """Something the user gave is wrong; the message says what, where and what to do."""


class RunError(AgentsynthError):
    """The work could not be finished; what was made before stays saved."""


class StoreError(RunError):
    """The run's store cannot be opened, read or written."""


class ServerError(RunError):
    """A live tool server could not be started, did not answer, or broke the protocol."""


class DomainError(AgentsynthError):
    """A domain broke its own rules at run time. The rollout fails; no agent ever sees it."""


class Interrupted(AgentsynthError):
    """The user stopped the run; every finished rollout is saved."""


class ToolError(Exception):
    """An error the agent should see: the tool refused, and the world is unchanged."""

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        """HTTP status where the domain's errors show one; None = by the code."""


class Problem:
    """One thing wrong in a file: where it is, and what was expected."""

    __slots__ = ("file", "line", "message", "path")

    def __init__(self, file: str, line: int | None, path: str, message: str) -> None:
        self.file = file
        self.line = line
        self.path = path
        self.message = message

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{where}: {self.path}: {self.message}" if self.path else f"{where}: {self.message}"


def render_problems(problems: Sequence[Problem]) -> str:
    """Return all problems, one a line, for one error message."""
    return "\n".join(str(problem) for problem in problems)
