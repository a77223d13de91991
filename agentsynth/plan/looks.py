"""Look-ups in worlds where nothing has happened yet: what they say is the same for every task."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor
from agentsynth.plan.seen import Reader, Seen
from agentsynth.worlds.declarative import CompiledDomain, DeclarativeWorld
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Looks", "looks_of"]

_KEPT = 1500
"""Results kept per domain; 8 to 12 KB each, measured in three domains."""


class Looks:
    """Makes look-ups and reads their results; remembers those in untouched worlds."""

    def __init__(self, runtime: DomainRuntime) -> None:
        self._decode = runtime.decode
        self._reader = Reader(runtime.domain)
        self._kept: OrderedDict[tuple[int, str, str, str], tuple[Seen, str] | None] = OrderedDict()

    def look(
        self, world: DeclarativeWorld, name: str, arguments: Mapping[str, Any], actor: Actor
    ) -> tuple[Seen, str] | None:
        """Return what a look-up says, and its text; None = it failed.

        Args:
            world: left as it is.
        """
        if world.net_changes() or world.state.now != world.state.base.now:
            return self._made(world, name, arguments, actor)
        key = (world.state.base.seed, actor, name, repr(sorted(arguments.items())))
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        made = self._kept[key] = self._made(world, name, arguments, actor)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

    def _made(
        self, world: DeclarativeWorld, name: str, arguments: Mapping[str, Any], actor: Actor
    ) -> tuple[Seen, str] | None:
        call = ToolCall(id="s", name=name, arguments=dict(arguments))
        result = world.fork().call_now(call, actor)
        return None if result.is_error else (self.read(result.content), result.content)

    def read(self, content: str) -> Seen:
        """Return what a result's text says."""
        return self._reader.read(self._decode("", content))


_known: WeakKeyDictionary[CompiledDomain, Looks] = WeakKeyDictionary()


def looks_of(runtime: DomainRuntime) -> Looks:
    """Return what remembers look-ups of a domain with a state of its own."""
    assert runtime.compiled is not None  # the caller looked
    if runtime.compiled not in _known:
        _known[runtime.compiled] = Looks(runtime)
    return _known[runtime.compiled]
