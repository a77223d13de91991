"""What a rollout's calls took: tokens and money by role, failed requests included."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.chat import CallKey, ChatReply, ChatRequest, Model, ModelError, Usage

__all__ = ["RoleTally", "Tallied", "Tally", "tally_of"]


@dataclass
class RoleTally:
    """Sums over one role's calls. Tokens that an endpoint did not state are not in them."""

    calls: int = 0
    """Replies."""
    failed: int = 0
    """Requests that gave no usable reply."""
    malformed: int = 0
    """Tool calls whose arguments were no JSON object."""
    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0
    unstated: int = 0
    """Requests whose tokens the endpoint did not state."""
    cost: int = 0
    """Billionths of a US dollar."""
    unpriced: int = 0
    """Requests whose cost is unknown."""

    def count(self, usage: Usage | None, cost: int | None) -> None:
        """Take in one request."""
        if usage is None or usage.prompt is None or usage.completion is None:
            self.unstated += 1
        if usage is not None:
            self.prompt += usage.prompt or 0
            self.completion += usage.completion or 0
            self.cached += usage.cached or 0
            self.reasoning += usage.reasoning or 0
        if cost is None:
            self.unpriced += 1
        else:
            self.cost += cost

    def add(self, other: "RoleTally") -> None:
        """Take in another's sums."""
        for name in RoleTally.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class Tally:
    """Sums by role."""

    roles: dict[str, RoleTally] = field(default_factory=lambda: {})

    def of(self, role: str) -> RoleTally:
        """Return a role's sums."""
        sums = self.roles.get(role)
        if sums is None:
            sums = self.roles[role] = RoleTally()
        return sums

    def add(self, other: "Tally") -> None:
        """Take in another's sums."""
        for role, one in other.roles.items():
            self.of(role).add(one)

    @property
    def cost(self) -> int | None:
        """Billionths of a dollar over all roles; None = some of it is unknown."""
        if any(one.unpriced for one in self.roles.values()):
            return None
        return sum(one.cost for one in self.roles.values())

    @property
    def tokens(self) -> int:
        """Tokens read and written over all roles, as far as they were stated."""
        return sum(one.prompt + one.completion for one in self.roles.values())

    @property
    def plain(self) -> dict[str, dict[str, int]]:
        """The sums as JSON types, zeros left out."""
        return {
            role: {n: v for n in RoleTally.__dataclass_fields__ if (v := getattr(one, n))}
            for role, one in sorted(self.roles.items())
        }


def tally_of(plains: Iterable[Mapping[str, Mapping[str, Any]]]) -> Tally:
    """Return the sum of tallies in their plain form."""
    total = Tally()
    for plain in plains:
        for role, sums in plain.items():
            total.of(role).add(RoleTally(**sums))
    return total


@dataclass
class Tallied:
    """A model whose calls are summed up for one rollout. Itself a `Model`."""

    model: Model
    tally: Tally

    async def complete(self, request: ChatRequest, key: CallKey) -> ChatReply:
        """Return the reply, counted.

        Raises:
            ModelError: as the model does, counted too.
        """
        sums = self.tally.of(key.role)
        try:
            reply = await self.model.complete(request, key)
        except ModelError as error:
            if error.fault != "not_recorded":
                sums.failed += 1 + len(error.failed)
                sums.count(error.usage, error.cost)
            for attempt in error.failed:
                sums.count(attempt.usage, attempt.cost)
            raise
        sums.calls += 1
        sums.failed += len(reply.failed)
        sums.malformed += sum(call.arguments is None for call in reply.calls)
        sums.count(reply.usage, reply.cost)
        for attempt in reply.failed:
            sums.count(attempt.usage, attempt.cost)
        return reply
