"""`play`: sit in one of the seats yourself."""

import argparse
import asyncio
import json
import random
import shlex
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

from rich.markup import escape

from agentsynth.cli.output import console, emit
from agentsynth.cli.transcript import print_message
from agentsynth.compose.agents import agent_plans, make_agent
from agentsynth.compose.kinds import kinds_allowed
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.errors import RunError, UserError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import AssistantMessage, Message, ToolCall, ToolMessage
from agentsynth.core.observe import observe
from agentsynth.core.protocols import AssistantView, UserAct, UserView, World
from agentsynth.core.task import TaskKind
from agentsynth.pipeline.domains import open_runtimes
from agentsynth.simulate.assistant import ScriptedAssistant
from agentsynth.simulate.rollout import Limits, rollout
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.runtime import DomainRuntime

__all__ = ["play"]

_AGENT_HELP = """\
You are the agent in a fresh world.
  tools              what you can call        policy       the rules
  TOOL {json}        call a tool              TOOL a=b c=d the same, short
  diff               what has changed         task         what a user could want here
  quit               leave"""


def play(options: argparse.Namespace) -> int:
    """Run the command."""
    asyncio.run(_play(options))
    return 0


class _Shower:
    """Shows what happens: as text for a person, as NDJSON for a program."""

    def __init__(self, *, json_lines: bool) -> None:
        self._json = json_lines

    def prompt(self, text: str) -> str:
        return "" if self._json else text

    def text(self, text: str) -> None:
        if self._json:
            emit("text", {"text": text})
        else:
            console.print(escape(text))

    def message(self, message: Message) -> None:
        if self._json:
            emit("message", message.model_dump(mode="json"))
        else:
            print_message(message)

    def end(self, ending: str, changes: int) -> None:
        if self._json:
            emit("summary", {"ending": ending, "changes": changes})
        else:
            console.print(f"it ended: {ending}; {changes} changes")


async def _play(options: argparse.Namespace) -> None:
    show = _Shower(json_lines=options.json)
    async with AsyncExitStack() as stack:
        runtimes = await open_runtimes([options.domain], stack, log=show.text)
        runtime = runtimes[options.domain]
        composed = await _task(runtime, options)
        if options.role == "user":
            await _as_user(runtime, composed, options.seed, show)
        else:
            async with runtime.open_rollout(composed.task.world_seed) as world:
                await _as_agent(runtime, composed, world, show)


async def _task(runtime: DomainRuntime, options: argparse.Namespace) -> Composed:
    """Return a task of some kind, the same for the same seed."""
    seed = options.seed
    rng = random.Random(derive_seed("play", seed))
    kinds: list[TaskKind] = [k for k in kinds_allowed(runtime) if options.kind in (None, k)]
    if not kinds:
        offered = ", ".join(kinds_allowed(runtime))
        raise UserError(f"{runtime.domain.name!r} has no tasks of kind {options.kind!r}: {offered}")
    rng.shuffle(kinds)
    for kind in kinds:
        world_seed = derive_seed("world", seed, 0) % 1_000_000
        found = await make_task(kind, runtime, load_voice(), world_seed=world_seed, rng=rng)
        if isinstance(found, Composed):
            return found
    raise RunError(f"no task was found in {runtime.domain.name!r}; try another --seed")


async def _ask(prompt: str) -> str | None:
    """Return a line typed by the person; None at the end of the input."""
    try:
        return (await asyncio.to_thread(input, prompt)).strip()
    except EOFError:
        return None


# -- the agent's seat ------------------------------------------------------------------------------


async def _as_agent(
    runtime: DomainRuntime, composed: Composed, world: World, show: _Shower
) -> None:
    show.text(_AGENT_HELP)
    shows: dict[str, Callable[[], None]] = {
        "tools": lambda: _show_tools(runtime, show),
        "policy": lambda: _show_policy(runtime, composed, show),
        "diff": lambda: _show_diff(world, show),
        "task": lambda: show.text(composed.task.goal),
        "help": lambda: show.text(_AGENT_HELP),
    }
    number = 0
    while (line := await _ask(show.prompt("agent> "))) not in (None, "quit", "exit"):
        if not line:
            continue
        if line in shows:
            shows[line]()
            continue
        try:
            call = _parse_call(line, number, runtime)
        except UserError as error:
            show.text(str(error))
            continue
        number += 1
        theirs = call.name not in runtime.spec_by_name
        message, _ = observe(call, await world.call(call, "user" if theirs else "assistant"))
        show.message(message)
    show.end("you left", len(world.net_changes()))


def _parse_call(line: str, number: int, runtime: DomainRuntime) -> ToolCall:
    name, _, rest = line.partition(" ")
    known = {*runtime.spec_by_name, *(spec.name for spec in runtime.user_specs)}
    if name not in known:
        raise UserError(f"no tool {name!r}; type 'tools' to see them")
    try:
        arguments = json.loads(rest) if rest.startswith("{") else _pairs(rest)
    except ValueError as error:
        raise UserError(f"arguments are JSON or name=value pairs: {error}") from None
    return ToolCall(id=f"play_{number}", name=name, arguments=arguments)


def _pairs(text: str) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for part in shlex.split(text):
        name, equals, value = part.partition("=")
        if not equals:
            raise ValueError(f"{part!r} is not name=value")
        try:
            pairs[name] = json.loads(value)
        except ValueError:
            pairs[name] = value
    return pairs


def _show_tools(runtime: DomainRuntime, show: _Shower) -> None:
    for spec in runtime.specs:
        properties = spec.parameters.get("properties")
        names = ", ".join(properties) if isinstance(properties, dict) else ""
        show.text(f"{spec.name}({names})  {spec.description}")
    for spec in runtime.user_specs:
        properties = spec.parameters.get("properties")
        names = ", ".join(properties) if isinstance(properties, dict) else ""
        show.text(f"the user's own: {spec.name}({names})  {spec.description}")


def _show_policy(runtime: DomainRuntime, composed: Composed, show: _Shower) -> None:
    today = runtime.today(composed.task.world_seed)
    show.text(make_agent(runtime, agent_plans(runtime)[0], today).system_prompt)


def _show_diff(world: World, show: _Shower) -> None:
    changes = world.net_changes()
    for change in changes:
        show.text(f"{change.op} {change.entity} {change.key} {json.dumps(change.fields)}")
    show.text(f"{len(changes)} changes, state {world.state_hash()}")


# -- the user's seat -------------------------------------------------------------------------------


class _Person:
    """A user whose words are typed; a line with a slash is a call of a tool of their own."""

    def __init__(self, show: _Shower, runtime: DomainRuntime) -> None:
        self._show = show
        self._runtime = runtime
        self._shown = 0

    async def act(self, view: UserView) -> UserAct:
        """Return what the person types; an empty line leaves."""
        for call, result in view.results[self._shown :]:
            self._show.text(f"{call.name}: {result.content}")
        self._shown = len(view.results)
        while True:
            text = await _ask(self._show.prompt("you> "))
            if not text or not text.startswith("/"):
                return UserAct(text) if text else UserAct(None)
            try:
                call = _parse_call(text[1:], self._shown, self._runtime)
            except UserError as error:
                self._show.text(str(error))
                continue
            return UserAct(None, calls=(call,))


class _Shown:
    """An assistant whose messages are printed as they come."""

    def __init__(self, inner: ScriptedAssistant, show: _Shower) -> None:
        self._inner = inner
        self._show = show
        self._printed = 0

    async def act(self, view: AssistantView) -> AssistantMessage | None:
        """Return the inner assistant's message."""
        for message in view.messages[self._printed :]:
            if isinstance(message, ToolMessage):
                self._show.message(message)
        reply = await self._inner.act(view)
        self._printed = len(view.messages)
        if reply is not None:
            self._show.message(reply)
        return reply


async def _as_user(runtime: DomainRuntime, composed: Composed, seed: int, show: _Shower) -> None:
    task = composed.task
    show.text(f"You are a user. You want to: {task.goal}\nAn empty line leaves.")
    for spec in runtime.user_specs:
        properties = spec.parameters.get("properties")
        names = " ".join(f"{n}=..." for n in properties) if isinstance(properties, dict) else ""
        show.text(f"  /{spec.name} {names}  {spec.description}")
    today = runtime.today(task.world_seed)
    rng = random.Random(derive_seed("play", seed, "assistant"))
    assistant = ScriptedAssistant(task.intents, runtime, load_voice(), today, rng)
    trajectory = await rollout(
        task,
        make_agent(runtime, agent_plans(runtime)[0], today),
        _Person(show, runtime),
        _Shown(assistant, show),
        runtime.open_rollout,
        scenario_id="play",
        limits=Limits(user_turns=40, user_calls_per_turn=40),
        user_tools=runtime.user_specs,
    )
    ending = trajectory.error or trajectory.stop_reason.value
    show.end(ending, len(trajectory.net_changes))
