"""Results of a shadow's tools, held against the output schemas of the tools they stand for."""

import json
from collections.abc import Iterable
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from agentsynth.core.domain import Domain
from agentsynth.core.messages import Message, ToolMessage

__all__ = ["ResultSchemas"]


class ResultSchemas:
    """The output schemas of a domain's tools that promise to keep to them."""

    def __init__(self, domain: Domain) -> None:
        """Take over the schemas; a tool at L1 promises nothing."""
        self._validators = {
            name: Draft202012Validator(tool.mirrors.returns)
            for name, tool in domain.tools.items()
            if tool.mirrors is not None and tool.mirrors.returns is not None
        }

    def unlike(self, messages: Iterable[Message]) -> dict[str, str]:
        """Return the tools with a result that does not fit, and what is wrong in one of them.

        Errors are no results: the schema does not speak of them.
        """
        found: dict[str, str] = {}
        for message in messages:
            if not isinstance(message, ToolMessage) or message.is_error:
                continue
            if message.name in found or message.name not in self._validators:
                continue
            wrong = self.problem(message.name, _decoded(message.content))
            if wrong is not None:
                found[message.name] = wrong
        return found

    def problem(self, tool: str, result: Any) -> str | None:
        """Return where a tool's result does not fit, and how; None = it fits, or need not."""
        validator = self._validators.get(tool)
        if validator is None:
            return None
        error = best_match(validator.iter_errors(result))
        return None if error is None else f"{error.json_path}: {error.message}"


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text
