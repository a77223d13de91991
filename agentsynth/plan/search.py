"""Search for a way to a goal from what the user knows and what tools return.

The search knows the tools, the facts and the results it gets. Of the goal it may only ask whether
it is there or nearer. It knows no plan, no key of a record that no result showed, and no answer.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agentsynth.core.errors import DomainError
from agentsynth.core.messages import ToolCall
from agentsynth.core.protocols import Actor
from agentsynth.core.task import ReferenceCall, Task
from agentsynth.core.tools import ToolSpec
from agentsynth.core.words import normal
from agentsynth.plan.goals import Goal, Progress
from agentsynth.plan.knowledge import Knowledge, told_by_request
from agentsynth.plan.looks import looks_of
from agentsynth.plan.reach import tool_reach
from agentsynth.plan.roles import parameter_roles
from agentsynth.plan.seen import Seen
from agentsynth.worlds.declarative import DeclarativeWorld
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["Found", "search"]

_ROUNDS = 5
_READS = 80
_WAYS_PER_READ = 8
_WAYS_PER_WRITE = 24
_ALTERNATIVES = 6
_FURTHER = 60
"""Writes tried for other ways once one is found."""
_FARTHER = 400
"""Keys of one kind that are looked at when nothing nearer leads on."""
_MOST_FILLED = 6
"""Arguments of a call that are varied together."""
_FARTHER_IN_ALL = 3000
"""Writes tried with such keys before the search gives up."""


@dataclass
class Found:
    """What a search found."""

    reached: bool = False
    calls: tuple[ReferenceCall, ...] = ()
    """The writes (and acts of the user) of the first way; the look-ups before it are left out."""
    alternatives: list[tuple[ReferenceCall, ...]] = field(default_factory=lambda: [])
    """Other ways, where the space is small."""
    tried: int = 0
    """Calls made."""


async def search(task: Task, goal: Goal, runtime: DomainRuntime) -> Found:
    """Look for ways to the goal. Only for worlds over our own state.

    Args:
        task: of which only the facts, the world and the number of steps to expect are looked at.
    """
    assert runtime.compiled is not None  # the caller looked
    seeker = _Seeker(task, goal, runtime)
    world = DeclarativeWorld(runtime.compiled, runtime.compiled.base(task.world_seed))
    return seeker.run(world)


_Step = tuple[ReferenceCall, DeclarativeWorld, Progress, str]
"""A write, the world after it, where that leads, and what the tool answered."""


class _Seeker:
    def __init__(self, task: Task, goal: Goal, runtime: DomainRuntime) -> None:
        self._goal = goal
        self._runtime = runtime
        self._said = normal(" ".join(str(fact.value) for fact in task.facts))
        roles, today = parameter_roles(runtime.domain), runtime.today(task.world_seed)
        self._minds = [Knowledge(facts, roles, today) for facts in told_by_request(task, runtime)]
        """What is known, as each request makes one look at it."""
        self._looks = looks_of(runtime)
        self._budget = _READS + 3 * len(task.reference_calls)
        self._length = len(task.reference_calls)
        self._steps = sum(
            call.actor == "user" or call.name in runtime.writes for call in task.reference_calls
        )
        self._wide = 2 * self._length + 4  # a long list holds entries that are not meant as well
        reach = tool_reach(runtime.domain)
        self._hopeless = {n for n, within in reach.items() if not goal.may_come(within)}
        """Writes that change nothing of what has to change, whatever they are given."""
        self._made: set[tuple[str, str]] = set()
        self._alike: list[tuple[ToolSpec, dict[str, Any]]] = []
        self._settled = 0
        self.found = Found()

    def run(self, world: DeclarativeWorld) -> Found:
        found = self.found
        path: list[ReferenceCall] = []
        self._read(world)
        if not self._goal.writes_due:
            found.reached = self._is_shown()
            return found
        while len(path) <= self._length:
            step = self._nearer(world, path)
            if step is None:
                return found
            call, world, progress, content = step
            path.append(call)
            self._settled = self._goal.stand(world.net_changes())[1]
            if call.actor == "user":
                self._said += "\n" + normal(content)
            if len(path) <= 8 or progress is Progress.REACHED:  # later ones look like the first
                self._learn(self._looks.read(content))
            if progress is Progress.REACHED:
                found.reached = self._is_shown()
                found.calls = tuple(path)
                found.alternatives += self._orders(path)
                return found
            if len(path) < 8 and any(change.op == "create" for change in world.net_changes()):
                self._read(world)  # what is new can be found now
        return found

    # -- reading -------------------------------------------------------------------------------

    def _read(self, world: DeclarativeWorld) -> None:
        """Make every look-up that the facts and the results so far give arguments for."""
        self._made.clear()
        for _ in range(_ROUNDS):
            calls: list[tuple[ToolSpec, dict[str, Any], Actor]] = [
                (spec, arguments, actor)
                for spec, actor in self._tools(read_only=True)
                for arguments in self._arguments(spec, _WAYS_PER_READ)
                if self._is_new(spec, arguments)
            ]
            if not calls or self.found.tried >= self._budget:
                return
            for spec, arguments, actor in calls:
                self._look(world, spec, arguments, actor)
            if not self._goal.writes_due and self._is_shown():
                return

    def _is_shown(self) -> bool:
        return self._goal.is_shown(self._minds[0].shown())

    def _learn(self, seen: Seen) -> None:
        for mind in self._minds:
            mind.learn(seen)

    def _is_new(self, spec: ToolSpec, arguments: dict[str, Any]) -> bool:
        made = (spec.name, repr(sorted(arguments.items())))
        if made in self._made:
            return False
        self._made.add(made)
        return True

    def _tools(self, *, read_only: bool) -> list[tuple[ToolSpec, Actor]]:
        mine: list[tuple[ToolSpec, Actor]] = [(s, "assistant") for s in self._runtime.specs]
        theirs: list[tuple[ToolSpec, Actor]] = [(s, "user") for s in self._runtime.user_specs]
        return [
            (spec, who)
            for spec, who in (*mine, *theirs)
            if spec.read_only == read_only and (read_only or spec.name not in self._hopeless)
        ]

    def _look(
        self, world: DeclarativeWorld, spec: ToolSpec, arguments: dict[str, Any], actor: Actor
    ) -> None:
        self.found.tried += 1
        result = self._looks.look(world, spec.name, arguments, actor)
        if result is not None:
            seen, content = result
            self._learn(seen)
            if actor == "user":  # what they saw they can tell
                self._said += "\n" + normal(content)

    def _arguments(self, spec: ToolSpec, limit: int) -> list[dict[str, Any]]:
        """Return sets of arguments, the likeliest first, as each request suggests them."""
        made = [self._suggested(mind, spec, limit) for mind in self._minds]
        if len(made) == 1:
            return made[0]
        turns = itertools.chain.from_iterable(itertools.zip_longest(*made))
        return list({repr(one): one for one in turns if one is not None}.values())

    def _suggested(self, mind: Knowledge, spec: ToolSpec, limit: int) -> list[dict[str, Any]]:
        """Return sets of arguments: the required ones, then with others."""
        required: Sequence[str] = spec.parameters.get("required", ())  # pyright: ignore[reportAssignmentType]
        properties: Any = spec.parameters.get("properties", {})
        optional = [name for name in properties if name not in required]
        values = {name: mind.values(spec, name) for name in properties}
        if any(not values[name] for name in required):
            return []
        made = self._combined(list(required), values, limit)
        most = max(limit * 3, len(made))
        filled = [name for name in optional if values[name]]
        if len(required) + len(filled) > _MOST_FILLED:  # those that something told is named like
            filled.sort(key=lambda name: not mind.is_named_like(name))
            filled = filled[: max(0, _MOST_FILLED - len(required))]
        if filled:
            for count in range(1, min(len(filled), 3) + 1):
                for chosen in itertools.combinations(filled, count):
                    made += self._combined([*required, *chosen], values, max(2, limit // 4))
        return made[: max(most, self._wide)]

    def _combined(
        self, names: list[str], values: dict[str, list[Any]], limit: int
    ) -> list[dict[str, Any]]:
        """Return combinations, near the front of every list first."""
        wide = max(limit, self._wide) if len(names) == 1 else limit
        ranked = [list(enumerate(values[name][:wide])) for name in names]
        size = 1
        for options in ranked:
            size *= len(options)
        if size > 4000:
            ranked = [options[: max(2, int(4000 ** (1 / len(ranked))))] for options in ranked]
        combos = sorted(itertools.product(*ranked), key=lambda combo: sum(n for n, _ in combo))
        return [
            {name: value for name, (_, value) in zip(names, combo, strict=True)}
            for combo in combos[:wide]
        ]

    # -- writing -------------------------------------------------------------------------------

    def _nearer(self, world: DeclarativeWorld, path: list[ReferenceCall]) -> "_Step | None":
        """Return the first write that leads nearer; note others that lead all the way."""
        again = self._again(world, len(path))
        if again is not None:
            return again
        best: _Step | None = None
        until = None
        for spec, actor in self._likeliest_tools():
            for arguments in self._arguments(spec, max(_WAYS_PER_WRITE, self._length + 4)):
                if until is not None and self.found.tried > until:
                    return best
                step = self._tried(world, spec, arguments, actor, len(path))
                if step is None:
                    continue
                if best is None or (best[2], step[2]) == (Progress.NEARER, Progress.REACHED):
                    best = step
                    if step[2] is Progress.NEARER and self._steps > 1:
                        self._note_alike(spec, arguments, actor)
                        return best  # several steps: the first that helps is taken
                elif step[2] is Progress.REACHED and len(self.found.alternatives) < _ALTERNATIVES:
                    self.found.alternatives.append((*path, step[0]))
                if best[2] is Progress.REACHED and until is None:
                    until = self.found.tried + _FURTHER
        return best or self._farther(world, len(path))

    def _likeliest_tools(self) -> list[tuple[ToolSpec, Actor]]:
        """Return the writes, first those that most of what the user told has a place in."""
        return sorted(self._tools(read_only=False), key=lambda tool: -self._told_to(tool[0]))

    def _told_to(self, spec: ToolSpec) -> int:
        properties: Any = spec.parameters.get("properties", {})
        return max(sum(mind.is_told(spec, n) for n in properties) for mind in self._minds)

    def _farther(self, world: DeclarativeWorld, wave: int) -> "_Step | None":
        """Return a write whose arguments are the likeliest but for one key that is farther down."""
        roles = parameter_roles(self._runtime.domain)
        until = self.found.tried + _FARTHER_IN_ALL
        for spec, actor in self._likeliest_tools():
            if self.found.tried > until:
                return None
            properties: Any = spec.parameters.get("properties", {})
            keys = [name for name in properties if (spec.name, name) in roles]
            for likeliest in self._arguments(spec, 1):
                for name in keys if actor == "assistant" else ():
                    if name not in likeliest:
                        continue
                    for value in self._values(spec, name)[1:_FARTHER]:
                        arguments = {**likeliest, name: value}
                        step = self._tried(world, spec, arguments, actor, wave)
                        if step is not None:
                            if self._length > 8:
                                self._note_alike(spec, arguments, actor)
                            return step
        return None

    def _values(self, spec: ToolSpec, name: str) -> list[Any]:
        """Return what could be given, the likeliest first, as each request suggests it."""
        turns = itertools.zip_longest(*(mind.values(spec, name) for mind in self._minds))
        given = (value for turn in turns for value in turn if value is not None)
        return list({repr(value): value for value in given}.values())

    def _note_alike(self, spec: ToolSpec, arguments: dict[str, Any], actor: Actor) -> None:
        """Keep the same write for every other record in mind: long ways go through lists."""
        if self._steps < 4:
            return
        roles = parameter_roles(self._runtime.domain)
        for name, given in arguments.items():
            role = roles.get((spec.name, name))
            if actor == "assistant" and role is not None and role.is_key:
                others = [key for key in self._values(spec, name) if key != given]
                self._alike += [(spec, {**arguments, name: key}) for key in reversed(others)]

    def _again(self, world: DeclarativeWorld, wave: int) -> "_Step | None":
        """Return the first write like an earlier one, for another record, that leads nearer."""
        while self._alike:
            spec, arguments = self._alike.pop()
            step = self._tried(world, spec, arguments, "assistant", wave)
            if step is not None:
                return step
        return None

    def _tried(
        self,
        world: DeclarativeWorld,
        spec: ToolSpec,
        arguments: dict[str, Any],
        actor: Actor,
        wave: int,
    ) -> "_Step | None":
        """Make a write on a copy of the world; None = it does not lead nearer, or is forbidden."""
        call = ToolCall(id="s", name=spec.name, arguments=arguments)
        after = world.fork()
        self.found.tried += 1
        try:
            result = after.call_now(call, actor)
        except DomainError:
            return None  # a tool's own mistake, met by arguments nobody asked for
        if result.is_error or not result.changes:
            return None
        changes = after.net_changes()
        progress, settled = self._goal.stand(changes)
        if progress is Progress.ASTRAY or settled < self._settled:
            return None
        if actor == "assistant" and self._runtime.broken_clauses(world, call, self._said):
            return None
        made = ReferenceCall(name=spec.name, arguments=arguments, wave=wave, actor=actor)
        return made, after, progress, result.content

    def _orders(self, path: list[ReferenceCall]) -> list[tuple[ReferenceCall, ...]]:
        """Return the other orders of a short way; those that do not lead there are left out."""
        if not 2 <= len(path) <= 3:
            return []
        return [order for order in itertools.permutations(path) if order != tuple(path)][
            :_ALTERNATIVES
        ]
