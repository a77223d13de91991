"""What contract tests found: calls that depart from a contract, and what was never reached."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agentsynth.core.ids import canonical_json
from agentsynth.plan.contract_states import StartState

__all__ = ["ContractFailure", "ContractReport", "ToolReport"]


@dataclass(frozen=True)
class ContractFailure:
    """A call that departs from the contract."""

    tool: str
    state: StartState
    arguments: Mapping[str, Any]
    expected: str
    got: str

    def __str__(self) -> str:
        after = f", {self.state.days_later} days later" if self.state.days_later else ""
        if self.state.minutes_later:
            after += f", {self.state.minutes_later} minutes later"
        for call in self.state.calls:
            after += f", after {call.name}({_shown(call.arguments)})"
        return (
            f"{self.tool}({_shown(self.arguments)}) in world {self.state.world_seed}{after}: "
            f"expected {self.expected}; got {self.got}"
        )


@dataclass(frozen=True)
class ToolReport:
    """How one tool fared."""

    tool: str
    cases: int
    """Calls made."""
    failures: tuple[ContractFailure, ...]
    unreached: tuple[str, ...]
    """Codes and branches of the contract that no call met."""
    mistakes: tuple[str, ...]
    """Where the contract itself cannot be evaluated."""

    @property
    def passed(self) -> int:
        """Calls that kept the contract."""
        return self.cases - len(self.failures)

    @property
    def holds(self) -> bool:
        """Whether every call kept the contract, and there were any."""
        return not self.failures and not self.mistakes and self.cases > 0


@dataclass(frozen=True)
class ContractReport:
    """How the tools of a domain fared."""

    tools: tuple[ToolReport, ...]

    @property
    def holds(self) -> bool:
        """Whether every tool keeps its contract."""
        return all(tool.holds for tool in self.tools)

    @property
    def problems(self) -> list[str]:
        """What is wrong, a line for each tool and kind of mistake."""
        found: list[str] = []
        for tool in self.tools:
            found += [f"contract: {mistake}" for mistake in tool.mistakes]
            if tool.failures:
                more = len(tool.failures) - 1
                rest = f" (and {more} more)" if more else ""
                found.append(f"contract broken: {tool.failures[0]}{rest}")
            elif not tool.cases and not tool.mistakes:
                found.append(f"{tool.tool}: no call could be made, so its contract says nothing")
        return found


def _shown(arguments: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={canonical_json(value)}" for name, value in arguments.items())
