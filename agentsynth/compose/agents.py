"""Agents: a system prompt rendered from the domain's policy, and its tools."""

from datetime import date

from agentsynth.core.agent import Agent
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["make_agent"]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def make_agent(runtime: DomainRuntime, today: str) -> Agent:
    """Return the agent that serves a domain on this day.

    The tool list is not in the prompt: chat templates add it themselves.
    """
    domain = runtime.domain
    weekday = _WEEKDAYS[date.fromisoformat(today).weekday()]
    rules = "\n".join(f"- {clause.text}" for clause in domain.policy.values())
    prompt = f"{domain.persona.strip()}\n\nToday is {weekday}, {today}.\n\nPolicy\n{rules}"
    return Agent(domain=domain.name, system_prompt=prompt, tools=runtime.specs)
