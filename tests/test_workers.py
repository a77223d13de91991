"""Worker processes: the same bytes as without, and nothing lost when one dies or all are stopped."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import yaml

from agentsynth.cli.main import main
from agentsynth.core.errors import RunError, UserError
from agentsynth.pipeline.config import RunConfig, TargetConfig
from agentsynth.pipeline.opening import open_worker
from agentsynth.pipeline.schedule import Place
from agentsynth.pipeline.work import Worker
from agentsynth.pipeline.workers import Pool

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
DOMAINS = {"community_garden": 2, str(DATA / "small"): 1, str(DATA / "python_small"): 1}
PLACE = Place(3, "community_garden", "write", seed=11, probe=True)

Open = Callable[..., Awaitable[Worker]]


def write_config(folder: Path) -> Path:
    path = folder / "config.yaml"
    config = {"version": 1, "seed": 5, "target": {"kept": 24}, "domains": DOMAINS}
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def export(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((folder / "export").iterdir())}


def run(config: Path, out: Path, workers: int) -> None:
    assert main(["run", str(config), "--out", str(out), "--workers", str(workers), "--json"]) == 0


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reference")
    run(write_config(folder), folder / "out", 1)
    return export(folder / "out")


@pytest.fixture
async def open_one() -> Open:
    """A function that opens a worker of one domain."""

    async def opened(name: str = "community_garden") -> Worker:
        config = RunConfig(version=1, target=TargetConfig(tasks=1), domains={name: 1.0})
        async with AsyncExitStack() as stack:
            return await open_worker(config, stack, log=print)

    return opened


def test_workers_change_no_byte_of_the_export(tmp_path: Path, reference: dict[str, bytes]) -> None:
    run(write_config(tmp_path), tmp_path / "out", 2)
    assert export(tmp_path / "out") == reference
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["workers"] == 2


def test_a_run_goes_on_with_another_number_of_workers(
    tmp_path: Path, reference: dict[str, bytes]
) -> None:
    config = write_config(tmp_path)
    small = tmp_path / "small.yaml"
    small.write_text(config.read_text(encoding="utf-8").replace("kept: 24", "kept: 10"))
    run(small, tmp_path / "out", 2)
    run(config, tmp_path / "out", 1)
    assert export(tmp_path / "out") == reference


def stopped(config: Path, out: Path, stop: Callable[[int], None]) -> tuple[int, str, int]:
    """Start a run with two workers and stop it after some rollouts.

    Returns:
        Exit code, what it said, and how many rollouts it had told of.
    """
    arguments = ["run", str(config), "--out", str(out), "--workers", "2", "--json"]
    seen = 0
    with subprocess.Popen(
        [sys.executable, "-m", "agentsynth", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            seen += json.loads(line)["event"] == "rollout"
            if seen == 10:
                stop(process.pid)
                break
        _, errors = process.communicate(timeout=60)
    return process.returncode, errors, seen


def worker_processes(parent: int) -> list[int]:
    """Return the processes that play for a run."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="utf-8").split()
    commands = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return [pid for pid, command in commands.items() if b"spawn_main" in command]


def ignores_ctrl_c(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    mask = next(line for line in status.splitlines() if line.startswith("SigIgn:"))
    return bool(int(mask.split()[1], 16) & 1 << (signal.SIGINT - 1))


def resumed(out: Path, config: Path, capsys: pytest.CaptureFixture[str]) -> int:
    capsys.readouterr()
    run(config, out, 2)
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return next(event["resumed"] for event in events if event.get("stage") == "rollouts")


def test_ctrl_c_stops_every_process_and_loses_nothing(
    tmp_path: Path, reference: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = write_config(tmp_path), tmp_path / "out"
    found: list[int] = []

    def stop(pid: int) -> None:
        found.extend(worker_processes(pid))
        assert all(ignores_ctrl_c(one) for one in found)
        os.killpg(pid, signal.SIGINT)  # as a terminal does: to all of them

    code, errors, seen = stopped(config, out, stop)
    assert (code, seen, len(found)) == (130, 10, 2)
    assert "Go on with: agentsynth run" in errors
    assert "Traceback" not in errors
    assert not any(Path(f"/proc/{pid}").exists() for pid in found)
    assert resumed(out, config, capsys) >= 8
    assert export(out) == reference


def test_a_run_whose_worker_is_killed_says_so_and_goes_on_from_there(
    tmp_path: Path, reference: dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    config, out = write_config(tmp_path), tmp_path / "out"

    def stop(pid: int) -> None:
        os.kill(worker_processes(pid)[0], signal.SIGKILL)

    code, errors, _ = stopped(config, out, stop)
    assert code == 1
    assert errors.startswith("error: a worker process ended (signal 9) while it played the places")
    assert "run the same command again" in errors
    assert resumed(out, config, capsys) >= 8
    assert export(out) == reference


def test_processes_end_when_the_run_itself_is_killed(tmp_path: Path) -> None:
    found: list[int] = []

    def stop(pid: int) -> None:
        found.extend(worker_processes(pid))
        os.kill(pid, signal.SIGKILL)

    # They hold the run's output open: it ends, and `stopped` returns, when they have ended too.
    code, _, _ = stopped(write_config(tmp_path), tmp_path / "out", stop)
    assert (code, len(found)) == (-signal.SIGKILL, 2)


async def test_a_place_gives_the_same_there_as_here(open_one: Open) -> None:
    worker = await open_one()
    items, payloads = await worker.work(PLACE)
    async with Pool(worker, 1) as pool:
        ((their_items, their_payloads),) = await pool.play(0, [PLACE])
    assert their_items == items
    assert [packed.id for packed in their_payloads] == [payload.id for payload in payloads]


async def test_a_dead_process_is_a_run_error_that_names_the_places(open_one: Open) -> None:
    async with Pool(await open_one(), 1) as pool:
        pool._processes[0].kill()
        with pytest.raises(RunError, match=r"ended \(signal 9\) while it played the places 3 to 3"):
            await pool.play(0, [PLACE])


async def test_a_bug_in_a_process_keeps_its_traceback(open_one: Open) -> None:
    stray = Place(3, "nowhere", "write", seed=11, probe=True)
    async with Pool(await open_one(), 1) as pool:
        with pytest.raises(RuntimeError, match=r"(?s)a worker process failed.*KeyError: 'nowhere'"):
            await pool.play(0, [stray])


async def test_a_domain_that_changes_meanwhile_is_refused(open_one: Open, tmp_path: Path) -> None:
    folder = tmp_path / "depot"
    shutil.copytree(DATA / "python_small", folder)
    worker = await open_one(str(folder))
    tools = folder / "tools.py"
    text = tools.read_text(encoding="utf-8")
    tools.write_text(text.replace("is closed already", "was closed before"), encoding="utf-8")
    with pytest.raises(RunError, match="changed while the run started"):
        async with Pool(worker, 1):
            pass
    tools.write_text("STATE =", encoding="utf-8")
    with pytest.raises(UserError, match=r"tools.py:1: not valid Python"):
        async with Pool(worker, 1):
            pass


def test_the_number_of_workers_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "any.yaml", "--out", "any", "--workers", "0"]) == 2
    assert "--workers is between 1 and" in capsys.readouterr().err


async def test_hundreds_of_questions_at_once_block_neither_side(open_one: Open) -> None:
    def late(number: int, frame: object) -> None:
        raise TimeoutError("the two sides wait for each other")

    before = signal.signal(signal.SIGALRM, late)
    async with Pool(await open_one(), 1) as pool:
        signal.alarm(240)
        try:
            # More than a pipe holds, and the answers are more than it holds as well.
            rows = await asyncio.gather(*(pool.play(0, [PLACE]) for _ in range(600)))
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
    assert len(rows) == 600
