"""What tests share: one event loop, no network, and domains that are loaded once."""

import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from agentsynth.compose.tasks import NoTask
from agentsynth.core.lexicon import Voice
from agentsynth.core.messages import (
    AssistantMessage,
    Message,
    SystemMessage,
    ToolCall,
    ToolMessage,
    UserMessage,
)
from agentsynth.core.task import Task, TaskKind
from agentsynth.core.trajectory import CallRecord, StopReason, Trajectory
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.domains import load_checked
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Graded, Prepared, Worker
from agentsynth.simulate.rollout import Limits
from agentsynth.simulate.voice import load_voice
from agentsynth.worlds.load import load_folder
from agentsynth.worlds.runtime import DomainRuntime, declarative_runtime

# The same examples on every run and every machine, and no clock in the verdict.
settings.register_profile("repo", derandomize=True, database=None, deadline=None, max_examples=60)
settings.load_profile("repo")

GARDEN = "community_garden"
SMALL = Path(__file__).parent / "data" / "small"
KINDS_FOLDER = str(Path(__file__).parent / "data" / "kinds")

Line = tuple[str, str] | tuple[str, str, dict[str, Any]]
Converse = Callable[..., Awaitable[Trajectory]]
Played = list[tuple[Prepared, Graded]]

PLAYED: dict[TaskKind, int] = {
    "write": 40, "several": 32, "info": 16, "refuse": 32,
    "ask_back": 8, "corrected": 8, "change_of_mind": 8, "partly": 8,
}  # fmt: skip
"""How many tasks of each kind the garden's rollouts are of."""


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def _refuse_strangers(address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else None  # text or bytes = a unix socket
    if host is not None and host not in ("localhost", "::1") and not str(host).startswith("127."):
        raise RuntimeError(f"tests do not use the network; something connects to {address!r}")


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine."""
    connect, connect_ex, resolve = (
        socket.socket.connect,
        socket.socket.connect_ex,
        socket.getaddrinfo,
    )

    def guarded(self: socket.socket, address: Any) -> None:
        _refuse_strangers(address)
        connect(self, address)

    def guarded_ex(self: socket.socket, address: Any) -> int:
        _refuse_strangers(address)
        return connect_ex(self, address)

    def guarded_resolve(host: Any, *args: Any, **options: Any) -> Any:
        _refuse_strangers((host or "localhost", 0))
        return resolve(host, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded)
        patch.setattr(socket.socket, "connect_ex", guarded_ex)
        patch.setattr(socket, "getaddrinfo", guarded_resolve)
        yield


@pytest.fixture
def scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def voice() -> Voice:
    return load_voice()


@pytest.fixture(scope="session")
def garden() -> DomainRuntime:
    return declarative_runtime(load_checked(GARDEN))


@pytest.fixture(scope="session")
def small() -> DomainRuntime:
    return declarative_runtime(load_folder(SMALL))


@pytest.fixture(scope="session")
def kinds() -> DomainRuntime:
    """A domain in which every kind of task can be found."""
    return declarative_runtime(load_checked(KINDS_FOLDER))


Play = Callable[..., Awaitable[tuple[Prepared, Graded]]]


@pytest.fixture(scope="session")
def play_kind(kinds: DomainRuntime) -> Play:
    """A function that finds a task of a kind in the domain of every kind and plays it."""
    config = RunConfig(version=1, seed=5, target=TargetConfig(tasks=1), domains={KINDS_FOLDER: 1.0})
    worker = Worker(config, {KINDS_FOLDER: kinds}, Limits())

    async def play(kind: TaskKind, seed: int) -> tuple[Prepared, Graded]:
        prepared = await worker.prepare(Place(seed, KINDS_FOLDER, kind, seed=seed, probe=False))
        assert not isinstance(prepared, NoTask), prepared
        return prepared, await worker.play(prepared, *prepared.scenarios[0])

    return play


@pytest.fixture(scope="session")
def small_files() -> dict[str, str]:
    """The text of the small domain's files, to be broken in one place."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(SMALL.iterdir())}


@pytest.fixture(scope="session")
def worker(garden: DomainRuntime, small: DomainRuntime) -> Worker:
    config = RunConfig(
        version=1, seed=5, target=TargetConfig(tasks=1), domains={GARDEN: 1.0, "small": 1.0}
    )
    return Worker(config, {GARDEN: garden, "small": small}, Limits())


@pytest.fixture(scope="session")
async def played(worker: Worker) -> Played:
    """A few hundred real rollouts of the garden, honest and flawed, in a fixed order."""
    made: Played = []
    for kind, tasks in PLAYED.items():
        for number in range(tasks):
            place = Place(number, GARDEN, kind, seed=1000 + number, probe=True)
            prepared = await worker.prepare(place)
            assert not isinstance(prepared, NoTask), prepared
            for slot, scenario in prepared.scenarios:
                made.append((prepared, await worker.play(prepared, slot, scenario)))
    return made


@pytest.fixture(scope="session")
def converse() -> Converse:
    """A function that plays a conversation written by hand in a fresh world.

    A line is ("user", text), ("assistant", text), or ("call", tool, arguments).
    """

    async def play(
        runtime: DomainRuntime,
        task: Task,
        *lines: Line,
        stop_reason: StopReason = StopReason.USER_DONE,
    ) -> Trajectory:
        messages: list[Message] = [SystemMessage(content="You help.")]
        records: list[CallRecord] = []
        async with runtime.open(task.world_seed) as world:
            start = world.state_hash()
            for line in lines:
                if len(line) == 2:
                    who, text = line
                    speaker = UserMessage if who == "user" else AssistantMessage
                    messages.append(speaker(content=text))
                    continue
                call = ToolCall(id=f"call_{len(records)}", name=line[1], arguments=line[2])
                result = await world.call(call)
                messages.append(AssistantMessage(content="", tool_calls=(call,)))
                messages.append(
                    ToolMessage(
                        tool_call_id=call.id,
                        name=call.name,
                        content=result.content,
                        is_error=result.is_error,
                    )
                )
                records.append(
                    CallRecord(
                        call_id=call.id,
                        outcome="error" if result.is_error else "success",
                        changes=result.changes,
                    )
                )
            return Trajectory(
                task_id=task.id,
                scenario_id="",
                messages=tuple(messages),
                calls=tuple(records),
                start_state=start,
                final_state=world.state_hash(),
                net_changes=world.net_changes(),
                stop_reason=stop_reason,
            )

    return play
