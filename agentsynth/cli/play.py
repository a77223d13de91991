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

from agentsynth.cli.output import console
from agentsynth.cli.transcript import print_message
from agentsynth.compose.agents import make_agent
from agentsynth.compose.tasks import Composed, make_task
from agentsynth.core.errors import RunError, UserError
from agentsynth.core.ids import derive_seed
from agentsynth.core.messages import AssistantMessage, ToolCall, ToolMessage
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


async def _play(options: argparse.Namespace) -> None:
    async with AsyncExitStack() as stack:
        runtimes = await open_runtimes([options.domain], stack, log=console.print)
        runtime = runtimes[options.domain]
        composed = await _task(runtime, options.seed)
        if options.role == "user":
            await _as_user(runtime, composed, options.seed)
        else:
            async with runtime.open_rollout(composed.task.world_seed) as world:
                await _as_agent(runtime, composed, world)


async def _task(runtime: DomainRuntime, seed: int) -> Composed:
    """Return a task of some kind, the same for the same seed."""
    rng = random.Random(derive_seed("play", seed))
    kinds: list[TaskKind] = ["write", "info", "refuse"]
    rng.shuffle(kinds)
    for kind in kinds:
        world_seed = derive_seed("world", seed, 0) % 1_000_000
        found = await make_task(kind, runtime, load_voice(), world_seed=world_seed, rng=rng)
        if not isinstance(found, str):
            return found
    raise RunError(f"no task was found in {runtime.domain.name!r}; try another --seed")


async def _ask(prompt: str) -> str | None:
    """Return a line typed by the person; None at the end of the input."""
    try:
        return (await asyncio.to_thread(input, prompt)).strip()
    except EOFError:
        return None


# -- the agent's seat ------------------------------------------------------------------------------


async def _as_agent(runtime: DomainRuntime, composed: Composed, world: World) -> None:
    console.print(_AGENT_HELP)
    shows: dict[str, Callable[[], None]] = {
        "tools": lambda: _show_tools(runtime),
        "policy": lambda: _show_policy(runtime, composed),
        "diff": lambda: _show_diff(world),
        "task": lambda: console.print(escape(composed.task.goal)),
        "help": lambda: console.print(_AGENT_HELP),
    }
    number = 0
    while (line := await _ask("agent> ")) not in (None, "quit", "exit"):
        if not line:
            continue
        if line in shows:
            shows[line]()
            continue
        try:
            call = _parse_call(line, number, runtime)
        except UserError as error:
            console.print(f"[red]{escape(str(error))}[/red]")
            continue
        number += 1
        result = await world.call(call)
        print_message(
            ToolMessage(
                tool_call_id=call.id,
                name=call.name,
                content=result.content,
                is_error=result.is_error,
            )
        )


def _parse_call(line: str, number: int, runtime: DomainRuntime) -> ToolCall:
    name, _, rest = line.partition(" ")
    if name not in runtime.spec_by_name:
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


def _show_tools(runtime: DomainRuntime) -> None:
    for spec in runtime.specs:
        properties = spec.parameters.get("properties")
        names = ", ".join(properties) if isinstance(properties, dict) else ""
        console.print(f"[bold]{spec.name}[/bold]({names})  {escape(spec.description)}")


def _show_policy(runtime: DomainRuntime, composed: Composed) -> None:
    today = runtime.today(composed.task.world_seed)
    console.print(escape(make_agent(runtime, today).system_prompt))


def _show_diff(world: World) -> None:
    changes = world.net_changes()
    for change in changes:
        console.print(
            f"{change.op} {change.entity} {change.key} {escape(json.dumps(change.fields))}"
        )
    console.print(f"{len(changes)} changes, state {world.state_hash()}")


# -- the user's seat -------------------------------------------------------------------------------


class _Person:
    """A user whose words are typed."""

    async def act(self, view: UserView) -> UserAct:
        """Return what the person types; an empty line leaves."""
        text = await _ask("you> ")
        return UserAct(text) if text else UserAct(None)


class _Shown:
    """An assistant whose messages are printed as they come."""

    def __init__(self, inner: ScriptedAssistant) -> None:
        self._inner = inner
        self._printed = 0

    async def act(self, view: AssistantView) -> AssistantMessage | None:
        """Return the inner assistant's message."""
        for message in view.messages[self._printed :]:
            if isinstance(message, ToolMessage):
                print_message(message)
        reply = await self._inner.act(view)
        self._printed = len(view.messages)
        if reply is not None:
            print_message(reply)
        return reply


async def _as_user(runtime: DomainRuntime, composed: Composed, seed: int) -> None:
    task = composed.task
    console.print(f"You are a user. You want to: {escape(task.goal)}\nAn empty line leaves.")
    today = runtime.today(task.world_seed)
    rng = random.Random(derive_seed("play", seed, "assistant"))
    assistant = ScriptedAssistant(task.intents, runtime, load_voice(), today, rng)
    trajectory = await rollout(
        task,
        make_agent(runtime, today),
        _Person(),
        _Shown(assistant),
        runtime.open_rollout,
        scenario_id="play",
        limits=Limits(user_turns=40),
    )
    ending = trajectory.error or trajectory.stop_reason.value
    console.print(f"it ended: {ending}; {len(trajectory.net_changes)} changes")
